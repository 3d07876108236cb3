"""What was discovered, as a table for notebooks: sorted by a click, without any script.

Each row carries its place in every order as a CSS variable, and the order whose button is pressed says which of them
counts. Where a viewer strips styles (a page that shows notebooks of strangers), a plain table is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiorch.types import ModelCard
from aiorch.views.markup import folded, framed, table, text

if TYPE_CHECKING:
    from aiorch.discovering import DiscoveredModel, Discovery

MOST = 200
"""Rows that are drawn; a browser gets slow beyond some thousand cells, and nobody reads them."""

_HEADS: Mapping[str, str] = {
    "route": "now",
    "name": "model",
    "context": "context",
    "price": "USD per million, in / out",
    "size": "weights",
    "new": "since",
}
"""The order of each column, and what is above it."""


def models_html(found: Discovery, most: int = MOST) -> str:
    """The models as HTML, at most ``most`` of them. Whatever providers say in their lists is shown as text."""
    from aiorch.discovering import ORDERS

    shown = found.models[:most]
    places = {order: _places(shown, key) for order, key in ORDERS.items()}
    # the order that they come in is the one that is drawn first, and the one without styles
    places["route"] = dict(zip(map(id, shown), range(len(shown)), strict=True))
    rows = "".join(_row(model, {o: place[id(model)] for o, place in places.items()}) for model in shown)
    more = f" Shown: the first {most:,}; .where(...) asks for fewer." if len(found) > most else ""
    return (
        f'<form class="aiorch-models"><style>{_STYLE}</style>'
        f"<p>{text(found.told)}.{text(more)}</p>"
        f"<table><thead><tr>{_head()}</tr></thead><tbody>{rows}</tbody></table>"
        f"{_problems(found)}</form>{_providers(found)}"
    )


def _head() -> str:
    cells = (
        f'<th><label><input type="radio" name="by" value="{order}"{" checked" if order == "route" else ""}>'
        f"{text(title)}</label></th>"
        for order, title in _HEADS.items()
    )
    return "".join(cells) + "<th>can</th><th>note</th>"


def _places(models: Sequence[DiscoveredModel], key: Callable[[ModelCard], tuple[Any, ...]]) -> dict[int, int]:
    """By identity: the place of each in an order."""
    ordered = sorted(models, key=lambda m: key(m.card))
    return {id(model): i for i, model in enumerate(ordered)}


def _row(model: DiscoveredModel, places: Mapping[str, int]) -> str:
    card = model.card
    style = ";".join(f"--{order}:{place}" for order, place in places.items())
    cells = (
        "yes" if model.usable_now else "no",
        card.id,
        "" if card.context is None else f"{card.context:,}",
        _prices(model),
        _weights(card.parameters),
        _month(card),
        ", ".join(_abilities(card)),
        "; ".join(note for note in ("demo: often wrong" if card.demo else "", model.why_not) if note),
    )
    return f'<tr style="{style}">' + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>"


def _prices(model: DiscoveredModel) -> str:
    price = model.card.price
    if model.free:
        return f"0 ({model.card.free.replace('_', ' ')})"
    if price is None:
        return ""
    return f"{price.input.normalize():f} / {price.output.normalize():f}"


def _weights(number: int | None) -> str:
    if number is None:
        return ""
    return f"{number / 1e9:.3g}B" if number >= 1e9 else f"{number / 1e6:.3g}M"


def _month(card: ModelCard) -> str:
    from aiorch.discovering import day

    return (day(card.created) or "")[:7]


def _abilities(card: ModelCard) -> Iterator[str]:
    can = card.capabilities
    for name, able in (
        ("tools", can.tools),
        ("JSON schema", can.json_schema),
        ("vision", can.vision),
        ("reasoning", can.reasoning),
        ("embeddings", can.embeddings),
    ):
        if able:
            yield name


def _problems(found: Discovery) -> str:
    if not found.problems:
        return ""
    told = "".join(f"<li>{text(p.id)}: {text(p.reason)}</li>" for p in found.problems)
    return f"<ul>{told}</ul>"


def _providers(found: Discovery) -> str:
    rows = [
        (p.id, p.why_not or "configured", f"{p.listed:,}", f"{p.free:,}", f"{p.usable_now:,}", p.basis)
        for p in found.providers
    ]
    if not rows:
        return ""
    heads = ("provider", "state", "models", "free", "usable now", "what is free")
    return framed(folded("providers", table(heads, rows, {"models", "free", "usable now"})))


_COLUMNS = len(_HEADS) + 2
_SELECTED = "".join(
    f'.aiorch-models:has(input[value="{order}"]:checked) td{{order:var(--{order})}}' for order in _HEADS
)
# Cells become items of one grid, placed by their row's number; heads come before all of them.
_STYLE = (
    ".aiorch-models table{display:grid;border-collapse:collapse;overflow-x:auto;text-align:left;"
    f"grid-template-columns:repeat({_COLUMNS},auto)}}"
    ".aiorch-models :is(thead,tbody,tr){display:contents}"
    ".aiorch-models :is(th,td){text-align:left;padding:.2em .6em;border-bottom:1px solid rgba(128,128,128,.3)}"
    ".aiorch-models td{unicode-bidi:isolate}"
    ".aiorch-models th{order:-1;white-space:nowrap}"
    ".aiorch-models :is(label,input){cursor:pointer}"
    ".aiorch-models td:nth-child(3){font-variant-numeric:tabular-nums}" + _SELECTED
)
