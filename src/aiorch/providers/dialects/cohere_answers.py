"""What Cohere tells beside an answer, whole or in pieces: why it stopped, and how many tokens it counts. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import as_object, as_text
from aiorch.providers.failures import ended_in_error
from aiorch.types import FinishReason, Usage

_FINISH: Mapping[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",  # of its older models, as the next
    "ERROR_LIMIT": "length",
}
_FAILED = frozenset({"ERROR", "TIMEOUT"})


def finish_of(told: object, calls: bool) -> FinishReason:
    """Why the model stopped. :raises AttemptFailed: when the host gave up."""
    word = as_text(told)
    if word in _FAILED:
        raise AttemptFailed(ended_in_error(word.lower()))
    reason = _FINISH.get(word, "stop")
    return "tool_calls" if calls and reason == "stop" else reason


def usage_of(told: object) -> Usage | None:
    """The tokens that are billed, or else those that were counted; ``None`` where it tells neither.

    What it counts holds its own instructions as well, and may be twenty times what is billed.
    """
    usage = as_object(told)
    sent, made = _pair(usage.get("billed_units"))
    if not (sent or made):
        sent, made = _pair(usage.get("tokens"))
    if not (sent or made):
        return None
    return Usage(sent, made, cached_tokens=min(sent, _count(usage.get("cached_tokens"))))


def tokens_of(told: object) -> dict[str, str]:
    """The tokens that the model read and wrote, for the response's details."""
    sent, made = _pair(as_object(told).get("tokens"))
    return {"tokens_read": str(sent), "tokens_written": str(made)} if sent or made else {}


def _pair(told: object) -> tuple[int, int]:
    counts: Mapping[str, Any] = as_object(told)
    return _count(counts.get("input_tokens")), _count(counts.get("output_tokens"))


def _count(value: object) -> int:
    """Numbers come with a fraction of zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, int(value))
