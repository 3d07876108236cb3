"""Scores that a list shows beside its models."""

from __future__ import annotations

import json

import pytest

from aiorch.providers import SPECS
from aiorch.providers.benchmarks import scores_in
from aiorch.providers.listing import read_models
from aiorch.types import Score

NOW = 1_787_000_000.0  # 2026-08-17


def test_the_indices_of_a_list_are_scores_of_its_models() -> None:
    item = {
        "id": "acme/large",
        "benchmarks": {
            "design_arena": [{"category": "3d", "elo": 1195}],
            "artificial_analysis": {"intelligence_index": 28.9, "coding_index": 37.6, "agentic_index": 16},
        },
    }
    (card,) = read_models(json.dumps({"data": [item]}).encode(), SPECS["openrouter"], NOW)
    assert card.scores == (
        Score("artificial_analysis_intelligence_index", 28.9, "2026-08-17", "live"),
        Score("artificial_analysis_coding_index", 37.6, "2026-08-17", "live"),
        Score("artificial_analysis_agentic_index", 16.0, "2026-08-17", "live"),
    )


@pytest.mark.parametrize("value", [None, "37.6", True, -1.0, 1195, float("nan"), [1]])
def test_what_is_no_index_is_left_out(value: object) -> None:
    assert scores_in({"benchmarks": {"artificial_analysis": {"coding_index": value}}}, NOW) == ()


@pytest.mark.parametrize(
    "benchmarks", [None, [], "high", {"artificial_analysis": None}, {"other": {"coding_index": 1}}]
)
def test_a_list_without_indices_has_no_scores(benchmarks: object) -> None:
    assert scores_in({"benchmarks": benchmarks}, NOW) == ()
