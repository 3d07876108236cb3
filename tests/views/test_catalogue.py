"""Models, choices, health and benchmarks as tables."""

from __future__ import annotations

from decimal import Decimal

from tests.views.pages import harmless

from aiorch.benchmarking.benchmark import Report
from aiorch.benchmarking.scores import Measured
from aiorch.discovering import DiscoveredModel
from aiorch.routing.vitals import HealthReport, Vital
from aiorch.types import Candidate, Deployment, ModelCard, PassedOver, Ranking, Score
from aiorch.views import benchmark_html, health_html, model_html, ranking_html, records_html
from aiorch.views.catalogue import benchmark_text, health_text, model_text, ranking_text, records_text

CARD = ModelCard("a", "<m>", context=131_072, free="zero_price", scores=(Score("quiz", 0.5, "2026", "us"),))


def test_a_model_is_what_is_known_of_it() -> None:
    told = harmless(model_html(DiscoveredModel(CARD, ("no <key>",)))).texts
    for part in ("a/<m>", "131,072", "no <key>", "quiz", "usable now"):
        assert part in told
    assert "usable now" not in harmless(model_html(CARD)).texts  # a card alone cannot tell
    assert "family" not in told
    lines = model_text(CARD).splitlines()
    assert lines[0] == "a/<m>"
    assert "  context: 131,072" in lines


def test_a_ranking_is_who_would_be_asked_and_why_not_the_others() -> None:
    one = Candidate(Deployment("a", "m", "KEY"), CARD)
    ranking = Ranking((one,) * 25, (PassedOver("b/n", "<paid>"),), "profile general")
    told = harmless(ranking_html(ranking)).texts
    for part in ("25 candidates; profile general", "a/m#KEY", "zero price", "<paid>", "passed over: 1"):
        assert part in told
    lines = ranking_text(ranking).splitlines()
    assert lines[:2] == ["profile general:", "  1. a/m#KEY"]
    assert lines[-2:] == ["  … and 5 more", "passed over: 1"]
    assert ranking_text(Ranking(())).splitlines() == ["candidates:", "  nobody"]


def test_health_is_a_row_a_deployment_without_empty_columns() -> None:
    report = HealthReport(0.0, (Vital("a/m", "ejected", reason="<500>", calls=12_000), Vital("b/n")), ())
    told = harmless(health_html(report)).texts
    assert "2 deployments, 1 sick" in told
    assert "12,000" in told
    assert "<500>" in told
    assert "tokens_per_second" not in told
    assert health_text(report).splitlines()[0].startswith("id a/m, provider a, state ejected")


def test_a_benchmark_is_a_row_a_model() -> None:
    one = Measured("a", "m", "suite", 3, 4, (0.3, 0.954), {}, 0.25, None, 1.5, "2026-11-22")
    report = Report("suite", 4, (one,), waiting=2, spent=Decimal("0.5"))
    told = harmless(benchmark_html(report)).texts
    assert "4 calls in this run, 0.5 USD; 2 questions are left for another run" in told
    assert "0.954" in told
    assert "a/m" in benchmark_text(report)


def test_any_rows_of_plain_values_are_a_table() -> None:
    page = harmless(
        records_html(({"n": i, "x": None, "ok": i == 1, "big": 12345.6} for i in range(300)), "<told>")
    )
    assert "<told> Shown: the first 200 of 300." in page.texts
    assert "x" not in page.texts
    assert "12,346" in page.texts
    assert records_text([]) == "nothing"
    assert records_text([{"a": 1}] * 22).endswith("… and 2 more")
