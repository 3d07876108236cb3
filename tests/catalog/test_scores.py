from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from aiorch.catalog.families import family_of
from aiorch.catalog.scores import scores_of

FACTS = Path(__file__).parents[2] / "tools" / "benchmarks.csv"


def test_scores_are_found_by_family_and_variant() -> None:
    thinking = {score.benchmark: score for score in scores_of("deepseek-r1", "0528")}
    assert thinking["aider_polyglot"].value == 71.4
    assert {s.value for s in scores_of("deepseek-r1") if s.benchmark == "aider_polyglot"} == {56.9}


def test_the_day_of_a_release_and_a_faster_server_do_not_change_a_model() -> None:
    assert scores_of("gpt-5", "20250807") == scores_of("gpt-5") != ()
    assert scores_of("llama-3.3-70b", "turbo") == scores_of("llama-3.3-70b") != ()


def test_a_score_without_thinking_says_nothing_about_thinking() -> None:
    assert scores_of("qwen-3-32b", "thinking") == ()


def test_nobody_has_scores_that_nobody_measured() -> None:
    assert scores_of("no-such-model") == ()


def test_of_several_runs_of_one_kind_the_best_counts() -> None:
    assert {s.value for s in scores_of("gpt-5") if s.benchmark == "aider_polyglot"} == {88.0}


def test_every_curated_fact_names_its_source_licence_and_day() -> None:
    with FACTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 200
    for row in rows:
        assert row["licence"] in ("Apache-2.0", "MIT")
        assert 0 <= float(row["score"]) <= 100
        assert row["source"].startswith(("Aider", "Berkeley", "models.dev"))
        assert "artificialanalysis" not in row["source"]
        date.fromisoformat(row["date"])
        assert family_of(row["model"]).family
