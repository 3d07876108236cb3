"""What an estimate takes for granted where nothing was measured. Stated in every estimate that stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiorch.workflow.spans import Span


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds that one of a kind takes: half of them at most ``p50``, 9 of 10 at most ``p90``."""

    p50: float
    p90: float


DURATIONS: Mapping[str, Duration] = {
    "ask": Duration(4.0, 15.0),
    "call": Duration(0.05, 0.5),
    "use": Duration(1.0, 5.0),
}
"""By kind of task. Of questions: about 400 tokens of answer at some 100 tokens a second, which is what free tiers give,
and a long tail of queues; everything else is a guess that history replaces."""

TOOL_ROUNDS = Span(1, 3, 8)
"""Questions that one with tools makes of itself."""

ANSWER = Span(50, 400, 1_500)
"""Tokens of an answer; ``max_tokens`` bounds it."""

VALUE = Span(50, 500, 4_000)
"""Tokens of a value in a prompt that is not known yet."""

ITEMS = Span(1, 10, 100)
"""Items of a list that is not known yet; the mapping's own bound bounds it."""
