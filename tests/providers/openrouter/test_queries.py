"""The filters of the list of models, and where benchmarks are."""

from __future__ import annotations

from typing import Any

import pytest

from aiorch.errors import InputError
from aiorch.providers.openrouter import ModelQuery
from aiorch.providers.openrouter.benchmarks import benchmarks_path, read_benchmarks
from aiorch.types import Score


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({}, "/models"),
        ({"q": "gemma 4"}, "/models?q=gemma+4"),
        (
            {"category": "marketing/seo", "sort": "newest"},
            "/models?category=marketing/seo&sort=newest",
        ),
        (
            {"supported_parameters": ("tools", "seed"), "max_price": 0, "context": 100_000},
            "/models?supported_parameters=tools,seed&context=100000&max_price=0",
        ),
        ({"distillable": False, "zdr": True}, "/models?distillable=false&zdr=true"),
        ({"min_coding_index": 20.5, "limit": 1000}, "/models?min_coding_index=20.5&limit=1000"),
    ],
)
def test_what_is_asked_for_stands_in_the_address(asked: dict[str, Any], path: str) -> None:
    assert ModelQuery(**asked).path == path


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"providers": "acme"}, "takes several names"),
        ({"limit": 0}, "a number from 1 to 1000"),
        ({"limit": 1001}, "a number from 1 to 1000"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        ModelQuery(**wrong)
    assert says in str(refused.value)


def test_benchmarks_are_asked_for_by_source_and_task() -> None:
    assert benchmarks_path() == "/benchmarks"
    assert benchmarks_path("openrouter") == "/benchmarks?source=openrouter"
    assert benchmarks_path(task="coding") == "/benchmarks?task_type=coding"


def test_scores_say_what_they_measure_when_and_by_whom() -> None:
    told = read_benchmarks(
        {
            "meta": {"as_of": "2026-11-01T00:00:00Z"},
            "data": [
                {
                    "source": "artificial-analysis",
                    "model_permaslug": "a/b-1",
                    "intelligence_index": 28.9,
                    "coding_index": None,
                },
                {
                    "source": "design-arena",
                    "model_permaslug": "a/b-1",
                    "arena": "models",
                    "category": "website",
                    "elo": 1169,
                },
                {
                    "source": "openrouter",
                    "model_permaslug": "c/d-1",
                    "benchmark_type": "gpqa_diamond",
                    "accuracy": 0.5,
                    "last_run_timestamp": "2026-10-05T08:00:00Z",
                },
                {
                    "source": "openrouter",
                    "model_permaslug": "c/d-1",
                    "benchmark_type": "search_hle",
                    "primary_score": 0.25,
                },
                {"source": "openrouter", "model_permaslug": "e/f-1", "accuracy": 0.5},
                {"source": "somebody", "model_permaslug": "e/f-1"},
                {"source": "openrouter"},
            ],
        }
    )
    assert told == {
        "a/b-1": (
            Score(
                "artificial_analysis_intelligence_index",
                28.9,
                "2026-11-01",
                "Artificial Analysis, by OpenRouter",
            ),
            Score("design_arena_models_website", 1169.0, "2026-11-01", "Design Arena, by OpenRouter"),
        ),
        "c/d-1": (
            Score("gpqa_diamond", 0.5, "2026-10-05", "OpenRouter"),
            Score("search_hle", 0.25, "2026-11-01", "OpenRouter"),
        ),
    }
    assert read_benchmarks({}) == {}
