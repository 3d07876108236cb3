"""``aiorch models``: what can be asked now, and which providers are missing and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.columns import columns
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.settings import Settings
    from aiorch.types import ModelCard

UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


class Tokens(click.ParamType[int]):
    """A number of tokens: ``8192``, ``128k``, ``1M``."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        if isinstance(value, int):
            return value
        read = re.fullmatch(r"(\d+(?:\.\d+)?)([km]?)", str(value).strip(), re.IGNORECASE)
        if read is None:
            self.fail(f"{value!r} is no number of tokens; write 8192, 128k or 1M", param, ctx)
        return int(float(read[1]) * UNITS[read[2].lower()])


def _most(number: float | None) -> float:
    """Large first, unknown last."""
    return float("inf") if number is None else -number


def _price(card: ModelCard) -> Decimal:
    """Cheap first, unknown last."""
    if card.costs_nothing:
        return Decimal(0)
    return Decimal("Infinity") if card.price is None else card.price.input + card.price.output


ORDERS: Mapping[str, Callable[[ModelCard], Any]] = {
    "price": lambda card: (not card.costs_nothing, _price(card), _most(card.context), card.id),
    "name": lambda card: card.id,
    "context": lambda card: (_most(card.context), card.id),
    "size": lambda card: (_most(card.parameters), card.id),
    "new": lambda card: (_most(card.created), card.id),
}
"""How the list can be sorted."""


@click.command(short_help="List the models that can be used now.")
@click.option("--free", is_flag=True, help="Only what costs nothing.")
@click.option("--provider", metavar="P", help="Only this provider's.")
@click.option("--tools", is_flag=True, help="Only models that are known to call tools.")
@click.option(
    "--min-context", type=Tokens(), metavar="N", help="At least so many tokens of context: 8192, 128k, 1M."
)
@click.option(
    "--sort", type=click.Choice(list(ORDERS)), default="price", show_default=True, help="What comes first."
)
@click.option("--offline", is_flag=True, help="Ask nobody: what is kept, and what runs on this machine.")
@flags
@click.pass_context
def command(
    ctx: click.Context,
    free: bool,
    provider: str | None,
    tools: bool,
    min_context: int | None,
    sort: str,
    offline: bool,
) -> None:
    """List the models of every provider that has a key here, as the providers list them now.

    Prices are USD per million tokens; `?` is what nobody says. Free is what a provider's own list or terms call so.
    """
    speak = voice()
    from aiorch.roster import LOCAL, known_specs
    from aiorch.errors import UnknownProvider
    from aiorch.providers import RETIRED

    settings = speak.settings(**({"offline": True} if offline else {}))
    found = stopping.run(lambda: look(settings), lambda: speak.failed("interrupted", kind="Interrupted"))
    names = {*known_specs()[0], LOCAL, *found.asked}
    if provider is not None and provider not in names:
        fate = RETIRED.get(provider, "")
        raise UnknownProvider(provider, () if fate else names, fate)
    cards = [
        card
        for card in found.cards
        if (not free or card.costs_nothing)
        and (provider is None or card.provider == provider)
        and (not tools or card.capabilities.tools)
        and (min_context is None or (card.context or 0) >= min_context)
    ]
    cards.sort(key=ORDERS[sort])
    if speak.json:
        speak.document(
            {
                "models": [_record(card) for card in cards],
                "problems": [
                    {"provider": name, "reason": speak.redacted(why)} for name, why in found.problems
                ],
                "left_out": [{"provider": name, "reason": why} for name, why in found.left_out],
            }
        )
    elif cards:
        for line in table(cards):
            speak.result(line)
    _remarks(speak, found, cards)
    if not found.asked:
        ctx.exit(FAILED)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is, and what there is not."""

    cards: tuple[ModelCard, ...]
    asked: tuple[str, ...]
    """The providers that are configured."""
    problems: tuple[tuple[str, str], ...]
    """Configured providers whose list could not be had, and what is shown in its place."""
    left_out: tuple[tuple[str, str], ...]
    """Providers that are not configured, and why."""


async def look(settings: Settings) -> Found:
    """Ask every configured provider for its list."""
    from aiorch.catalog import Catalogue
    from aiorch.catalog.lists import MIGRATIONS, StoredLists
    from aiorch.cli.probing import opened
    from aiorch.clock import SystemClock
    from aiorch.store import FILE_NAME, Store

    clock = SystemClock()
    store = Store(settings.data_dir / FILE_NAME, MIGRATIONS, clock=clock)
    try:
        async with opened(settings) as providers:
            catalogue = Catalogue(
                providers,
                clock=clock,
                store=StoredLists(store),
                ttl=settings.catalog_ttl,
                offline=settings.offline,
            )
            snapshot = await catalogue.snapshot()
    finally:
        await store.aclose()
    asked = tuple(provider.name for provider in providers)
    cards = tuple({c.card.id: c.card for c in snapshot.candidates}.values())
    problems = tuple((p.id, p.reason) for p in snapshot.problems)
    return Found(cards, asked, problems, tuple(left_out(settings, asked)))


def left_out(settings: Settings, asked: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Why each other provider that aiorch knows is not among them."""
    from aiorch.roster import LOCAL, known_specs

    there = set(asked)
    for spec in known_specs()[0].values():
        if spec.id in there:
            continue
        if settings.providers is not None and spec.id not in settings.providers:
            yield spec.id, "not among the setting providers"
        elif settings.offline and not spec.local:
            yield spec.id, "offline"
        elif spec.needs_key:
            yield spec.id, f"no {spec.env[0]}"
        else:
            yield spec.id, f"no {spec.url_env[0]}" if spec.url_env else f"no base_urls.{spec.id}"
    if LOCAL not in there:
        excluded = settings.providers is not None and LOCAL not in settings.providers
        yield (
            LOCAL,
            "not among the setting providers"
            if excluded
            else "no weights or no engine: aiorch local install",
        )


def table(cards: Iterable[ModelCard]) -> list[str]:
    """The models in columns."""
    rows = [("MODEL", "CONTEXT", "IN", "OUT", "FREE", "TOOLS", "NOTE")]
    for card in cards:
        into, out = _prices(card)
        notes = (("demo: often wrong", card.demo), ("retired", card.retired))
        rows.append(
            (
                card.id,
                _size(card.context),
                into,
                out,
                card.free.replace("_", " ")
                if card.costs_nothing
                else {"trial": "trial"}.get(card.free, "no"),
                {True: "yes", False: "no", None: "?"}[card.capabilities.tools],
                ", ".join(note for note, true in notes if true),
            )
        )
    return columns(rows, right=(1, 2, 3))


def _prices(card: ModelCard) -> tuple[str, str]:
    if card.price is None:
        return ("0", "0") if card.costs_nothing else ("?", "?")
    return f"{card.price.input.normalize():f}", f"{card.price.output.normalize():f}"


def _size(tokens: int | None) -> str:
    if tokens is None:
        return "?"
    if tokens < 1_000:
        return str(tokens)
    return f"{tokens / 1_000_000:.3g}M" if tokens >= 1_000_000 else f"{tokens / 1_000:.0f}k"


def _remarks(speak: Voice, found: Found, cards: list[ModelCard]) -> None:
    if cards:
        speak.tell(f"{len(cards)} of {len(found.cards)} models")
    elif found.cards:
        speak.tell(f"none of the {len(found.cards)} models is like that: leave an option out")
    for problem in (f"{name}: {why}" for name, why in found.problems):
        if problem not in speak.warned:
            speak.tell(problem)
    if found.left_out:
        speak.tell("left out: " + ", ".join(f"{name} ({why})" for name, why in found.left_out))
    if not found.asked:
        from aiorch.catalog import NOBODY

        speak.complain(NOBODY)


def _record(card: ModelCard) -> dict[str, Any]:
    from aiorch.types import to_plain

    return {"id": card.id, **to_plain(card), "costs_nothing": card.costs_nothing}
