"""Benchmark scores that a list of models shows beside them (OpenRouter). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiorch.providers.decode import as_object
from aiorch.types import Score

_BOARD = "artificial_analysis"
_INDICES = ("intelligence_index", "coding_index", "agentic_index")


def scores_in(item: Mapping[str, Any], now: float) -> tuple[Score, ...]:
    """The indices of Artificial Analysis, 0 to 100.

    >>> shown = {"benchmarks": {"artificial_analysis": {"coding_index": 37.6, "agentic_index": None}}}
    >>> scores_in(shown, 0.0)[0]
    Score(benchmark='artificial_analysis_coding_index', value=37.6, as_of='1970-01-01', source='live')
    """
    board = as_object(as_object(item.get("benchmarks")).get(_BOARD))
    if not board:
        return ()
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    return tuple(
        Score(f"{_BOARD}_{name}", float(value), day, "live")
        for name in _INDICES
        if isinstance(value := board.get(name), int | float)
        and not isinstance(value, bool)
        and 0 <= value <= 100
    )
