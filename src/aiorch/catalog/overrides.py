"""The user's own word on models: a TOML file whose facts count before any source's.

    [models."groq/llama-3.3-70b-versatile"]
    context = 131_072                        # tokens; max_output likewise
    price = { input = 0.59, output = 0.79 }  # USD per million tokens; cached_input and request (USD a call) too
    capabilities = { tools = true }
    free = "none"
    note = "our contract"

A price that is not zero makes a route paid unless ``free`` says otherwise.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast, get_args

from aiorch.errors import SettingsError, nearest
from aiorch.types import Capabilities, FreeKind, FreeTerms, Lifecycle, ModelCard, PassedOver, Price

TABLE = "models"

FREE_KINDS: tuple[str, ...] = tuple(kind for kind in get_args(FreeKind) if kind != "unknown")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the file says, as claims by card id."""

    path: str = ""
    cards: Mapping[str, ModelCard] = field(default_factory=dict[str, ModelCard])
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    """Where each is, for who has to mend it."""

    def strangers(self, known: Iterable[str]) -> tuple[PassedOver, ...]:
        """Those that correct a model which nobody lists, each with the names most like it.

        No error: models end every week, and a correction of one that ended does no harm.
        """
        there = frozenset(known)
        missing = [id for id in self.cards if id not in there]
        if not missing:
            return ()
        return tuple(
            PassedOver(
                id, f"{self.path}, line {self.lines[id]}: no such model is known{_offer(nearest(id, there))}"
            )
            for id in missing
        )


def load(path: Path, providers: Iterable[str]) -> Overrides:
    """Read the file.

    :param providers: every provider that there is, configured or not.
    :raises SettingsError: when it cannot be read, is no TOML, or says what cannot be used: every mistake with its line.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise SettingsError(f"the file of model corrections {path} cannot be read: {why}") from None
    return read(text, str(path), providers)


def read(text: str, path: str, providers: Iterable[str]) -> Overrides:
    """As :func:`load`, of a text. Pure."""
    try:
        told = tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise SettingsError(f"{path} is no TOML: it is nested too deeply") from None
    except ValueError as fault:
        raise SettingsError(f"{path} is no TOML: {fault}") from None
    known = tuple(providers)
    wrong: list[str] = []
    cards: dict[str, ModelCard] = {}
    lines: dict[str, int] = {}

    def mistake(place: tuple[str, ...], what: str) -> None:
        wrong.append(f"{path}, line {line_of(text, place)}: {_written(place)} {what}")

    for name in told:
        if name != TABLE:
            mistake((name,), f'is not known{_offer((TABLE,))}: write [{TABLE}."provider/model"]')
    tables = told.get(TABLE, {})
    if not isinstance(tables, dict):
        mistake((TABLE,), "must be a table of models")
        tables = {}
    for id, said in cast("dict[str, object]", tables).items():
        provider, slash, model = id.partition("/")
        if not slash or not model:
            mistake((TABLE, id), "must be provider/model, in quotes")
        elif provider not in known:
            mistake(
                (TABLE, id),
                f"names the provider {provider!r}, which is not known{_offer(nearest(provider, known))}",
            )
        elif not isinstance(said, dict):
            mistake((TABLE, id), "must be a table of corrections")
        else:
            faults = list(_faults(cast("dict[str, object]", said)))
            for place, what in faults:
                mistake((TABLE, id, *place), what)
            if not faults:
                cards[id] = _card(provider, model, cast("dict[str, Any]", said))
                lines[id] = line_of(text, (TABLE, id))
    if wrong:
        raise SettingsError("\n".join(wrong))
    return Overrides(path, cards, lines)


# --- what may be said --------------------------------------------------------------------------------------------

Rule = tuple[Callable[[object], bool], str]
"""Whether a value can be used, and what could be."""


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _words(value: object) -> bool:
    return isinstance(value, list) and all(_text(v) for v in cast("list[object]", value))


def _amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    return Decimal(value).is_finite() and value >= 0


_COUNT: Rule = (_whole, "a whole number above 0")
_NAME: Rule = (_text, "a text")
_SWITCH: Rule = (lambda value: isinstance(value, bool), "true or false")
_LIST: Rule = (_words, "a list of texts")
_USD: Rule = (_amount, "a number of USD, 0 or more")

FIELDS: Mapping[str, Rule] = {
    "name": _NAME,
    "context": _COUNT,
    "max_output": _COUNT,
    "free": (lambda value: value in FREE_KINDS, f"one of {', '.join(FREE_KINDS)}"),
    "inputs": _LIST,
    "outputs": _LIST,
    "retired": _SWITCH,
    "successor": _NAME,
    "family": _NAME,
    "variant": _NAME,
    "knowledge": _NAME,
    "open_weights": _SWITCH,
    "parameters": _COUNT,
    "note": _NAME,
}
"""What may be corrected, beside the two tables below."""

TABLES: Mapping[str, Mapping[str, Rule]] = {
    "price": {"input": _USD, "output": _USD, "cached_input": _USD, "request": _USD},
    "capabilities": dict.fromkeys(Capabilities.__slots__, _SWITCH),
}


def _faults(said: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where something is wrong in one model's table, and what."""
    for name, value in said.items():
        if name in FIELDS:
            allowed, what = FIELDS[name]
            if not allowed(value):
                yield (name,), f"is {_shown(value)}; allowed: {what}"
        elif name not in TABLES:
            known = (*FIELDS, *TABLES)
            yield (name,), f"is no field of a model{_offer(nearest(name, known) or known)}"
        elif not isinstance(value, dict):
            yield (name,), f"is {_shown(value)}; allowed: a table of {', '.join(TABLES[name])}"
        else:
            yield from _inside(name, cast("dict[str, object]", value))


def _inside(table: str, said: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], str]]:
    rules = TABLES[table]
    for name, value in said.items():
        if name not in rules:
            yield (table, name), f"is not known{_offer(nearest(name, rules) or tuple(rules))}"
        elif not rules[name][0](value):
            yield (table, name), f"is {_shown(value)}; allowed: {rules[name][1]}"
    if table == "price" and not {"input", "output"} <= said.keys():
        yield (table,), "needs input and output, in USD per million tokens"


def _card(provider: str, model: str, said: Mapping[str, Any]) -> ModelCard:
    """The claim; everything in it has been looked at."""
    price = Price(**{n: Decimal(v) for n, v in said["price"].items()}) if "price" in said else None
    gone = said.get("retired")
    state = "unknown" if gone is None else "retired" if gone else "active"
    return ModelCard(
        provider,
        model,
        name=said.get("name"),
        context=said.get("context"),
        max_output=said.get("max_output"),
        price=price,
        free=said.get("free") or ("zero_price" if price is not None and price.zero else "unknown"),
        terms=FreeTerms(said["note"]) if "note" in said else None,
        capabilities=Capabilities(**said.get("capabilities", {})),
        inputs=tuple(said["inputs"]) if "inputs" in said else None,
        outputs=tuple(said["outputs"]) if "outputs" in said else None,
        lifecycle=Lifecycle(state, successor=said.get("successor")),
        family=said.get("family"),
        variant=said.get("variant"),
        knowledge=said.get("knowledge"),
        open_weights=said.get("open_weights"),
        parameters=said.get("parameters"),
        source="user",
    )


# --- for who has to mend it --------------------------------------------------------------------------------------

_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w.\s-])+?)\s*=""")


def line_of(text: str, place: tuple[str, ...]) -> int:
    """The line (from 1) that gives the value at ``place``, or else the innermost table around it.

    >>> line_of('[models."a/b"]\\ncontext = 1', ("models", "a/b", "context"))
    2
    """
    best, found = 0, 1
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        here: tuple[str, ...] | None = None
        if line.lstrip().startswith("["):
            here = table = _path(line)
        elif key := _KEY.match(line):
            here = (*table, *_path(f"{key[1]} = 0"))
        if here and len(here) > best and place[: len(here)] == here:
            best, found = len(here), number
    return found


def _path(line: str) -> tuple[str, ...]:
    """The names that a table's head or a key spells."""
    try:
        told: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(told, dict) and told:
        name, told = next(iter(cast("dict[str, object]", told).items()))
        names.append(name)
    return tuple(names)


def _written(place: tuple[str, ...]) -> str:
    return ".".join(name if re.fullmatch(r"[\w-]+", name) else f'"{name}"' for name in place)


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _offer(names: Iterable[str]) -> str:
    offered = list(names)[:3]
    return f"; did you mean {' or '.join(map(repr, offered))}?" if offered else ""
