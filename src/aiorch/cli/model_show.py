"""``aiorch models show``: everything that is known of one model, and who says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.columns import columns
from aiorch.cli.listing import UNKNOWN, as_json, plain, prices, table, yes_no
from aiorch.cli.voice import Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.catalog import Successor
    from aiorch.discovering import DiscoveredModel, Discovery
    from aiorch.types import ModelCard, Origin

MOST = 20
"""Other deployments that are shown to people."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of a card."""

    name: str
    value: str | None
    """In words; ``None`` = nobody has said."""
    origin: Origin | None = None
    """Who says so."""


@click.command(short_help="Everything that is known of one model, and who says it.")
@click.argument("model")
@click.option("--offline", is_flag=True, help="Ask nobody: what is kept, and what aiorch brings along.")
@flags
def command(model: str, offline: bool) -> None:
    """Show everything that is known of MODEL (`provider/model`, or an id alone), each fact with its source.

    Of a model that is gone, what became of it and who takes its place.
    """
    from aiorch.cli.looking import look
    from aiorch.errors import UnknownModel

    speak = voice()
    settings = speak.settings(**({"offline": True} if offline else {}))
    found = stopping.run(lambda: look(settings), lambda: speak.failed("interrupted", kind="Interrupted"))
    row = _successor(model)
    try:
        there = found.model(model)
    except UnknownModel:
        if row is None:
            raise
        _show_gone(speak, model, row, found)
    else:
        _show(speak, there, row, found)


def _successor(name: str) -> Successor | None:
    from aiorch.catalog import successor_of

    return successor_of(name) or successor_of(name.removeprefix("openrouter/"))


# --- a model that exists


def _show(speak: Voice, model: DiscoveredModel, row: Successor | None, found: Discovery) -> None:
    relatives = found.relatives(model)
    successors = _successors(model.card, row)
    if speak.json:
        speak.document(
            {
                **as_json([model])[0],
                "facts": [_fact(one) for one in facts(model.card)],
                "successors": list(successors),
                "deployments": [
                    {"id": m.card.id, "variant": m.card.variant, "usable_now": m.usable_now, "free": m.free}
                    for m in relatives
                ],
            }
        )
        return
    now = "can be used now" if model.usable_now else f"cannot be used now: {model.why_not}"
    speak.result(f"{plain(model.card.id)} {plain(now)}")
    if successors:
        speak.result(f"instead of it: {plain(', '.join(successors))}")
    rows = [("FACT", "", "SAYS WHO", "AS OF", "BELIEF")]
    rows += [(one.name, plain(one.value or UNKNOWN), *_said(one.origin)) for one in facts(model.card)]
    _lines(speak, columns(rows, right=(4,)))
    if model.card.scores:
        scored = [("BENCHMARK", "SCORE", "AS OF", "SAYS WHO")]
        scored += [(s.benchmark, f"{s.value:g}", s.as_of, s.source) for s in model.card.scores]
        _lines(speak, columns([tuple(map(plain, line)) for line in scored], right=(1,)))
    if relatives:
        speak.result("")
        speak.result(f"the same model elsewhere, and its variants ({len(relatives)}):")
        for line in table(relatives[:MOST]):
            speak.result(line)
        if len(relatives) > MOST:
            speak.tell(f"the first {MOST}; `aiorch models --all --family {model.card.family}` shows all")


def _successors(card: ModelCard, row: Successor | None) -> tuple[str, ...]:
    named = (card.lifecycle.successor,) if card.lifecycle.successor else ()
    return tuple(dict.fromkeys((*named, *(row.free if row else ()))))


def _lines(speak: Voice, lines: list[str]) -> None:
    speak.result("")
    for line in lines:
        speak.result(line)


def _said(origin: Origin | None) -> tuple[str, str, str]:
    from aiorch.discovering import day

    return (
        ("", "", "")
        if origin is None
        else (origin.source, day(origin.as_of) or "", f"{origin.confidence:.0%}")
    )


def _fact(one: Fact) -> dict[str, Any]:
    from aiorch.discovering import day

    said = one.origin
    return {
        "fact": one.name,
        "value": one.value,
        "source": said and said.source,
        "as_of": said and day(said.as_of),
        "confidence": said and said.confidence,
    }


def facts(card: ModelCard) -> Iterator[Fact]:
    """Every field of a card in words, with who says so."""
    for name, field, value in _values(card):
        yield Fact(name, value, _origin(card, field)) if value else Fact(name, None)


def _origin(card: ModelCard, field: str) -> Origin:
    """Merging may remember a part (``capabilities.tools``) or the whole (``capabilities``)."""
    whole = field.split(".", 1)[0]
    return card.origin(field if field in card.origins else whole)


def _values(card: ModelCard) -> Iterator[tuple[str, str, str | None]]:
    from aiorch.discovering import day

    can, life, terms = card.capabilities, card.lifecycle, card.terms
    yield "name", "name", card.name
    yield "family", "family", card.family
    yield "variant", "variant", card.variant
    yield "context, tokens", "context", _number(card.context)
    yield "longest answer, tokens", "max_output", _number(card.max_output)
    yield "USD per million in", "price", _usd(card.price and card.price.input)
    yield "USD per million out", "price", _usd(card.price and card.price.output)
    yield "USD per million cached", "price", _usd(card.price and card.price.cached_input)
    yield "USD per call", "price", _usd(card.price and card.price.request)
    yield "free", "free", card.free.replace("_", " ")
    yield "free how far", "terms", None if terms is None else _terms(terms.basis, terms.as_of)
    yield "limits", "terms", None if terms is None else ", ".join(map(str, terms.limits))
    for name in ("chat", "tools", "json_schema", "vision", "reasoning", "streaming", "embeddings"):
        yield name.replace("_", " "), f"capabilities.{name}", _can(getattr(can, name))
    yield "takes", "inputs", ", ".join(card.inputs or ())
    yield "gives", "outputs", ", ".join(card.outputs or ())
    yield "state", "lifecycle.state", None if life.state == "unknown" else life.state
    yield "deprecated since", "lifecycle.deprecated_at", day(life.deprecated_at)
    yield "ends", "lifecycle.retires_at", day(life.retires_at)
    yield "successor named", "lifecycle.successor", life.successor
    yield "taught until", "knowledge", card.knowledge
    yield "open weights", "open_weights", _can(card.open_weights)
    yield "parameters", "parameters", _number(card.parameters)
    yield "appeared", "created", day(card.created)


def _terms(basis: str, as_of: str) -> str:
    return f"{basis} ({as_of})" if as_of else basis


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _usd(value: Any) -> str | None:
    return None if value is None else f"{value.normalize():f}"


def _can(value: bool | None) -> str | None:
    return None if value is None else yes_no(value)


# --- one that is gone


def _show_gone(speak: Voice, name: str, row: Successor, found: Discovery) -> None:
    by_id = {m.card.id: m for m in found.models}
    there = [(id, by_id.get(id)) for id in row.free]
    if speak.json:
        speak.document(
            {
                "id": name,
                "gone": True,
                "fate": row.fate,
                "successors": [
                    {
                        "id": id,
                        "usable_now": model is not None and model.usable_now,
                        "why_not": "not listed" if model is None else model.why_not or None,
                    }
                    for id, model in there
                ],
                "nearest_paid": row.paid,
            }
        )
        return
    speak.result(f"{plain(name)} is gone: {row.fate}")
    if not there:
        speak.result("it has no free successor")
    else:
        rows = [("INSTEAD OF IT", "IN", "OUT", "NOW", "NOTE")]
        for id, model in there:
            if model is None:
                rows.append((id, UNKNOWN, UNKNOWN, "no", "not listed"))
            else:
                rows.append((id, *prices(model), yes_no(model.usable_now), model.why_not))
        _lines(speak, columns(rows, right=(1, 2)))
    if row.paid:
        speak.tell(f"nearest that costs: {row.paid} (never used without allow_paid)")
