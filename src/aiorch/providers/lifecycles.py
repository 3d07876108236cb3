"""Whether a model lives, by what its provider's list says in its own words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.types import Lifecycle

_ENDS = (  # OpenRouter; Mistral; OpenAI; Fireworks; Anthropic; Heroku
    *("expiration_date", "deprecation", "shutdown_date", "deprecationDate", "retires_at", "eol_date"),
)
_SINCE = ("deprecated_at",)  # Anthropic
_STATES = ("lifecycle", "lifecycle_status", "status", "state")
_SUCCESSORS = ("deprecation_replacement_model", "replacement_model")  # Mistral, Heroku
_DEAD = frozenset({"retired", "withdrawn", "shutdown", "eol", "end_of_life", "removed"})
_LEAVING = frozenset({"deprecated", "legacy", "sunset", "constricted"})
_ALIVE = frozenset({"active", "available", "live", "ga", "generally-available", "stable"})


def lifecycle_of(item: Mapping[str, Any], now: float) -> Lifecycle:
    """What a list says of one model's life.

    >>> lifecycle_of({"expiration_date": "2026-01-31"}, 1_769_000_000.0).state  # 2026-01-21
    'deprecated'
    """
    ends = _first(item, _ENDS) or moment_of(as_object(item.get("deprecation")).get("inference"))  # Azure
    since = _first(item, _SINCE)
    successor = next((s for name in _SUCCESSORS if (s := as_text(item.get(name)))), None)
    states = {as_text(item.get(name)).lower() for name in _STATES}
    states.add(as_text(as_object(item.get("modelLifecycle")).get("status")).lower())  # Bedrock
    for step in as_list(item.get("lifecycle")):  # watsonx: each state with the day on which it begins
        begins = moment_of(as_object(step).get("start_date"))
        named = as_text(as_object(step).get("id")).lower()
        if begins is not None and named in _DEAD:
            ends = begins
            states.add("deprecated")
        if begins is not None and begins <= now:
            states.add(named)
    off = (
        item.get("active") is False or item.get("is_deprecated") is True
    )  # Groq; Cohere, whose deprecated ones refuse
    if (ends is not None and ends <= now) or states & _DEAD or off:
        return Lifecycle("retired", since, ends, successor)
    alive = states & _ALIVE or item.get("active") is True or item.get("is_deprecated") is False
    # A day on which it will end says that it is leaving, unless it is said to be well (Azure names one for all).
    if successor or states & _LEAVING or (ends is not None and not alive):
        return Lifecycle("deprecated", since, ends, successor)
    if alive:
        return Lifecycle("active", since, ends)
    return Lifecycle("unknown", since)


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    return next((m for name in names if (m := moment_of(item.get(name))) is not None), None)


def moment_of(value: object) -> float | None:
    """Epoch seconds of a date or a moment, in any of the ways in which lists write them."""
    if isinstance(value, dict):  # Fireworks: {"year": 2026, "month": 3, "day": 1}
        parts = as_object(cast("object", value))
        whole = (parts.get(part) for part in ("year", "month", "day"))
        value = "-".join(f"{p:02}" for p in whole if isinstance(p, int))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return float(value) if 1_500_000_000 < value < 1e11 else None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
