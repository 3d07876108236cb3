"""The benchmarks that OpenRouter collects, as scores. Pure.

Numbers of Artificial Analysis and Design Arena are theirs, under their terms: they are asked for with one's own key,
and not a part of aiorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.types import Score

BenchmarkSource = Literal["artificial-analysis", "design-arena", "openrouter"]
BenchmarkTask = Literal["coding", "intelligence", "agentic", "search"]

_INDICES = ("intelligence_index", "coding_index", "agentic_index")
_SOURCES = {
    "artificial-analysis": "Artificial Analysis, by OpenRouter",
    "design-arena": "Design Arena, by OpenRouter",
    "openrouter": "OpenRouter",
}


def benchmarks_path(source: BenchmarkSource | None = None, task: BenchmarkTask | None = None) -> str:
    """Where they are; 30 requests a minute and 500 a day for each key."""
    told = {name: value for name, value in (("source", source), ("task_type", task)) if value}
    return f"/benchmarks?{urlencode(told)}" if told else "/benchmarks"


def read_benchmarks(answer: Mapping[str, Any]) -> Mapping[str, tuple[Score, ...]]:
    """Scores by the model's id, which stands for one dated version of it (its permanent slug)."""
    day = as_text(as_object(answer.get("meta")).get("as_of"))[:10]
    found: dict[str, list[Score]] = {}
    for item in map(as_object, as_list(answer.get("data"))):
        model = as_text(item.get("model_permaslug"))
        if model:
            found.setdefault(model, []).extend(_scores(item, day))
    return {model: tuple(scores) for model, scores in found.items() if scores}


def _scores(item: Mapping[str, Any], day: str) -> Iterator[Score]:
    source = as_text(item.get("source"))
    if source == "artificial-analysis":
        for name in _INDICES:
            if (value := _number(item.get(name))) is not None:
                yield Score(f"artificial_analysis_{name}", value, day, _SOURCES[source])
    elif source == "design-arena" and (elo := _number(item.get("elo"))) is not None:
        name = "_".join(t for n in ("arena", "category") if (t := as_text(item.get(n))))
        yield Score(f"design_arena_{name}", elo, day, _SOURCES[source])
    elif source == "openrouter":
        value = _number(item.get("accuracy"))
        value = _number(item.get("primary_score")) if value is None else value
        name = as_text(item.get("benchmark_type"))
        if value is not None and name:
            run = as_text(item.get("last_run_timestamp"))[:10]
            yield Score(name, value, run or day, _SOURCES[source])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
