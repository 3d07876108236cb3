"""Scores say how much they are worth, and are never mixed with public ones."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benchmarking.conftest import MINI, NOW, item, record

from aiorch.benchmarking import FEWEST, MIGRATIONS, own_scores
from aiorch.benchmarking.records import Record, Records
from aiorch.benchmarking.scores import SOURCE, Share, measured, wilson
from aiorch.benchmarking.suite import Suite
from aiorch.store import Store

WIDE = Suite("mini", tuple(item(f"q{n}", "exact" if n % 2 else "json") for n in range(10)))


def answers(right: int, wrong: int, **more: object) -> list[Record]:
    return [replace(record(f"q{n}", n < right), **more) for n in range(right + wrong)]  # type: ignore[arg-type]


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_is_wilsons(right: int, of: int):
    """Its ends are the shares from which the one that was seen lies just 1.96 of *their* deviations away."""
    share = min(right, of) / of
    for end in wilson(min(right, of), of):
        assert abs(share - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / of), abs=1e-7)


def test_the_interval_of_nothing_is_everything():
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_holds_the_share_and_shrinks_with_more_answers(right: int, of: int):
    right = min(right, of)
    low, high = wilson(right, of)
    assert 0.0 <= low <= right / of + 1e-12
    assert right / of - 1e-12 <= high <= 1.0
    more_low, more_high = wilson(right * 10, of * 10)
    assert more_high - more_low < high - low


def test_a_score_is_the_share_of_right_answers_with_its_date_and_source():
    (one,) = measured(answers(6, 2), WIDE)
    assert one.score is not None
    assert (one.score.benchmark, one.score.value, one.score.source) == ("mini", 0.75, SOURCE)
    assert one.score.as_of == "2027-01-15"
    assert one.interval == wilson(6, 8)
    assert one.parts == {"json": Share(3, 4), "exact": Share(3, 4)}
    assert one.card == "acme/small"


def test_what_was_not_answered_counts_neither_way():
    failed = [record("q8", None), record("q9", None, failure="rate_day")]
    (one,) = measured([*answers(6, 2), *failed], WIDE)
    assert (one.right, one.answered) == (6, 8)
    assert one.failures == {"overloaded": 1, "rate_day": 1}


def test_a_handful_of_answers_is_no_score():
    (few,) = measured(answers(FEWEST - 1, 0), WIDE)
    assert few.score is None
    assert few.to_record()["score"] is None
    (enough,) = measured(answers(FEWEST, 0), WIDE)
    assert enough.score is not None


def test_a_model_that_only_failed_is_still_reported():
    (one,) = measured([record("q1", None)], WIDE)
    assert (one.answered, one.score, one.first_token, one.seconds) == (0, None, None, None)
    assert one.interval == (0.0, 1.0)


def test_speed_is_the_median_of_what_was_measured():
    timed = [
        record(f"q{n}", first_token=f, tokens_per_second=t, seconds=s)
        for n, (f, t, s) in enumerate([(0.1, None, 1.0), (0.3, 40.0, 2.0), (9.0, 60.0, 9.0)])
    ]
    (one,) = measured([*timed, record("q8", None, first_token=100.0, seconds=180.0)], WIDE)
    assert (one.first_token, one.tokens_per_second, one.seconds) == (0.3, 50.0, 2.0)


def test_other_suites_and_questions_that_are_gone_do_not_count():
    assert measured([record("q1", suite="mini-2"), record("no-longer")], WIDE) == ()


def test_the_best_come_first_and_those_without_a_score_last():
    def of(model: str, right: int, wrong: int) -> list[Record]:
        return answers(right, wrong, model=model)

    rows = measured([*of("b", 4, 4), *of("few", 3, 0), *of("a", 8, 0), *of("c", 5, 5)], WIDE)
    assert [one.model for one in rows] == ["a", "c", "b", "few"]


def test_who_answered_in_its_place_is_told():
    (one,) = measured([record("q1", served="other"), record("q2"), record("q3", served="other")], WIDE)
    assert one.served == ("other",)


def test_a_record_is_plain_values():
    row = measured(answers(6, 2), WIDE)[0].to_record()
    assert row["model"] == "acme/small"
    assert (row["score"], row["exact"], row["json"]) == (0.75, 0.75, 0.75)
    (empty,) = measured([record("one")], MINI)
    assert empty.to_record()["code"] is None


@pytest.mark.anyio
async def test_own_scores_are_those_that_are_scores():
    store = Store.in_memory(MIGRATIONS)
    records = Records(store)
    for one in [*answers(6, 2), replace(record("q1"), model="few")]:
        await records.keep(one)
    assert {name: score.value for name, score in (await own_scores(store, WIDE)).items()} == {
        "acme/small": 0.75
    }
    assert await own_scores(store) == {}, "those of another suite are not mixed in"
    await store.aclose()


def test_a_day_is_utc():
    (one,) = measured([record("q1", at=NOW - 8 * 3600 - 1)], WIDE)
    assert one.as_of == "2027-01-14"
