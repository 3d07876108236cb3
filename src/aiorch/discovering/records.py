"""A model as one flat row of plain values, for data frames, spreadsheets and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from aiorch.discovering.orders import score

if TYPE_CHECKING:
    from aiorch.discovering.discovery import DiscoveredModel

Plain = str | int | float | bool | None


def record(model: DiscoveredModel, benchmarks: Iterable[str] = ()) -> dict[str, Plain]:
    """The row of one model.

    Prices are USD per million tokens, days are ISO dates in UTC, lists are joined with commas, and what nobody says is
    ``None``.

    :param benchmarks: each gets a column ``score_<benchmark>``.
    """
    card, can, life = model.card, model.card.capabilities, model.card.lifecycle
    row: dict[str, Plain] = {
        "id": card.id,
        "provider": card.provider,
        "model": card.model,
        "name": card.name,
        "family": card.family,
        "variant": card.variant,
        "usable_now": model.usable_now,
        "why_not": model.why_not or None,
        "free": model.free,
        "free_kind": card.free,
        "limits": ", ".join(map(str, card.terms.limits)) or None if card.terms else None,
        "context": card.context,
        "max_output": card.max_output,
        "input_price": _usd(card.price and card.price.input),
        "output_price": _usd(card.price and card.price.output),
        "cached_input_price": _usd(card.price and card.price.cached_input),
        "request_price": _usd(card.price and card.price.request),
        "chat": can.chat,
        "tools": can.tools,
        "json_schema": can.json_schema,
        "vision": can.vision,
        "reasoning": can.reasoning,
        "streaming": can.streaming,
        "embeddings": can.embeddings,
        "inputs": None if card.inputs is None else ",".join(card.inputs),
        "outputs": None if card.outputs is None else ",".join(card.outputs),
        "state": life.state,
        "deprecated_at": day(life.deprecated_at),
        "retires_at": day(life.retires_at),
        "successor": life.successor,
        "parameters": card.parameters,
        "open_weights": card.open_weights,
        "knowledge": card.knowledge,
        "created": day(card.created),
        "demo": card.demo,
        "source": card.source,
        "as_of": day(card.as_of),
    }
    for benchmark in benchmarks:
        found = score(card, benchmark)
        row[f"score_{benchmark}"] = None if found is None else found.value
    return row


def day(epoch: float | None) -> str | None:
    """Epoch seconds as a date in UTC."""
    if epoch is None:
        return None
    try:
        return datetime.fromtimestamp(epoch, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):  # a list may say anything: years beyond 9999, infinity
        return None


def _usd(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
