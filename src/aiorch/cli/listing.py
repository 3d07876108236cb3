"""Models in columns, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aiorch.cli.columns import columns

if TYPE_CHECKING:
    from aiorch.discovering import DiscoveredModel, Discovery

HEADS = ("CONTEXT", "IN", "OUT", "FREE", "TOOLS", "NOW", "NOTE")
UNKNOWN = "?"
"""What nobody says."""


def table(models: Iterable[DiscoveredModel], benchmark: str | None = None) -> list[str]:
    """The models in columns.

    :param benchmark: gets a column of its own.
    """
    from aiorch.discovering import score

    rows: list[tuple[str, ...]] = [("MODEL", *([benchmark.upper()] if benchmark else []), *HEADS)]
    for model in models:
        row = _row(model)
        if benchmark:
            found = score(model.card, benchmark)
            row = (row[0], UNKNOWN if found is None else f"{found.value:g}", *row[1:])
        rows.append(tuple(map(plain, row)))
    return columns(rows, right=(1, 2, 3, 4) if benchmark else (1, 2, 3))


def _row(model: DiscoveredModel) -> tuple[str, ...]:
    from aiorch.discovering import PAID

    card = model.card
    free = card.free.replace("_", " ") if model.free else "trial" if card.free == "trial" else "no"
    notes = (
        "demo: often wrong" if card.demo else "",
        f"deprecated{ending(model)}" if card.lifecycle.state == "deprecated" else "",
        *(reason for reason in model.reasons if reason != PAID),  # the column says so
    )
    return (
        card.id,
        size(card.context),
        *prices(model),
        free,
        yes_no(card.capabilities.tools),
        yes_no(model.usable_now),
        ", ".join(note for note in notes if note),
    )


def ending(model: DiscoveredModel) -> str:
    """Until when it answers, where that is known: ``, ends 2026-12-31``."""
    from aiorch.discovering import day

    ends = day(model.card.lifecycle.retires_at)
    return f", ends {ends}" if ends else ""


def prices(model: DiscoveredModel) -> tuple[str, str]:
    """USD per million tokens, in and out."""
    price = model.card.price
    if price is None:
        return ("0", "0") if model.free else (UNKNOWN, UNKNOWN)
    return f"{price.input.normalize():f}", f"{price.output.normalize():f}"


def size(tokens: int | None) -> str:
    """A number of tokens, short: ``8k``, ``1.05M``."""
    if tokens is None:
        return UNKNOWN
    if tokens < 1_000:
        return str(tokens)
    return f"{tokens / 1_000_000:.3g}M" if tokens >= 1_000_000 else f"{tokens / 1_000:.0f}k"


def yes_no(value: bool | None) -> str:
    """In a word."""
    return {True: "yes", False: "no", None: UNKNOWN}[value]


def plain(text: str) -> str:
    """Text of somebody's list, without characters that would move a terminal's cursor or change its colours."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def as_csv(found: Discovery) -> str:
    """One line a model below a line of names, as spreadsheets read it."""
    from aiorch.discovering import DiscoveredModel, record
    from aiorch.types import ModelCard

    rows = found.to_records()
    heads = rows[0] if rows else record(DiscoveredModel(ModelCard("", "")))
    text = io.StringIO()
    writer = csv.DictWriter(text, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(models: Iterable[DiscoveredModel]) -> list[dict[str, Any]]:
    """The whole cards."""
    from aiorch.types import to_plain

    return [
        {
            "id": model.card.id,
            **to_plain(model.card),
            "costs_nothing": model.free,
            "usable_now": model.usable_now,
            "why_not": model.why_not or None,
        }
        for model in models
    ]
