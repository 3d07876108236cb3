from __future__ import annotations

from random import Random
from typing import Any

import pytest

from aiorch.routing import outliers
from aiorch.routing.outliers import CALM, EJECTION, JITTER, LONGEST, RAMP, WINDOW, Record, remembered
from aiorch.types import Failure, FailureKind

NOW = 1_800_000_000.0
SICK = Failure(FailureKind.OVERLOADED, "upstream", "SECRET WORDS", status=503)


def ejected(times: int, at: float = NOW, seed: int = 1) -> Record:
    record, rng = Record(), Random(seed)
    for _ in range(times):
        record.eject(at, "why", SICK, rng)
    return record


def test_each_ejection_is_twice_as_long_up_to_a_limit_and_differs_by_a_fifth() -> None:
    lengths = [
        [ejected(n, seed=seed).until - NOW for seed in range(200)] for n in range(1, 9)
    ]  # fmt: skip
    for n, seen in enumerate(lengths):
        base = min(LONGEST, EJECTION * 2**n)
        assert base * (1 - JITTER) <= min(seen) < base * 0.85
        assert base * 1.15 < max(seen) <= base * (1 + JITTER)
    assert EJECTION * 2**4 > LONGEST


def test_good_time_takes_ejections_back_one_by_one() -> None:
    record = ejected(3)
    assert record.held(NOW + 10 * CALM) == 3, "time in ejection is no good time"
    record.recover(NOW + 100)
    assert [record.held(NOW + 100 + CALM * n) for n in range(5)] == [3, 2, 1, 0, 0]
    record.eject(NOW + 100 + 2.5 * CALM, "why", SICK, Random(1))
    assert record.ejections == 2


def test_a_reason_names_kind_and_status_and_no_words_of_the_provider() -> None:
    assert ejected(1).reason == "ejected: why, the last: overloaded 503"
    record = Record()
    record.eject(NOW, "why", Failure(FailureKind.TRANSPORT, "upstream", "SECRET WORDS"), Random(1))
    assert record.reason == "ejected: why, the last: transport"
    assert "SECRET" not in str(record.plain(NOW))


def test_the_share_grows_evenly_from_a_tenth_to_all() -> None:
    record = ejected(1)
    assert record.share(NOW) == 0.0
    assert record.share(record.until) == 1.0, "a probe is one attempt"
    record.recover(NOW)
    shares = [record.share(NOW + RAMP * part / 4) for part in range(5)]
    assert shares == [0.1, 0.25, 0.5, 0.75, 1.0]
    assert record.state(NOW + RAMP - 1) == "recovering"
    assert record.state(NOW + RAMP) == "healthy"


def test_memory_does_not_grow_with_traffic_and_the_window_slides() -> None:
    record = Record()
    for i in range(10_000):
        record.recent.append((NOW + i, i % 2 == 0))
    assert len(record.recent) == outliers.KEPT
    assert record.window(NOW + 9_999) == (64, 32)
    assert record.window(NOW + 9_999 + WINDOW - 10) == (10, 5)
    assert record.window(NOW + 9_999 + WINDOW) == (0, 0)


def test_what_is_kept_comes_back_as_it_was() -> None:
    for record in (ejected(2), recovered(), with_streak(2)):
        row = record.plain(NOW + 1)
        assert row is not None
        again = remembered(row, NOW + 1)
        assert again is not None
        assert again.plain(NOW + 1) == row
        assert again.state(NOW + 1) == record.state(NOW + 1)
        assert again.share(NOW + 1) == record.share(NOW + 1)


def recovered() -> Record:
    record = ejected(2)
    record.recover(NOW)
    return record


def with_streak(streak: int) -> Record:
    record = Record()
    for _ in range(streak):
        record.fail(NOW)
    return record


def test_the_well_have_nothing_to_keep() -> None:
    assert Record().plain(NOW) is None
    record = recovered()
    assert record.plain(NOW + 2 * CALM) is None


def test_an_ejection_that_ended_longer_ago_than_it_lasted_is_forgotten() -> None:
    record = ejected(1)
    row, lasts = record.plain(NOW), record.until - NOW
    assert row is not None
    half_open = remembered(row, NOW + lasts * 1.5)
    assert half_open is not None
    assert half_open.state(NOW + lasts * 1.5) == "probing"
    assert remembered(row, NOW + lasts * 2) is None


def test_a_recovery_is_remembered_while_ejections_are_held_against_it() -> None:
    row = recovered().plain(NOW)
    assert row is not None
    later = remembered(row, NOW + CALM)
    assert later is not None
    assert later.state(NOW + CALM) == "healthy"
    assert later.held(NOW + CALM) == 1
    assert remembered(row, NOW + 2 * CALM) is None


def test_failures_in_a_row_are_remembered_for_the_length_of_the_window() -> None:
    row = with_streak(2).plain(NOW)
    assert row is not None
    known = remembered(row, NOW + WINDOW)
    assert known is not None
    assert known.streak == 2
    assert remembered(row, NOW + WINDOW + 1) is None


GOOD: dict[str, Any] = {
    "phase": "ejected",
    "streak": 0,
    "ejections": 1,
    "since": NOW,
    "until": NOW + 30,
    "reason": "r",
    "at": NOW,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"streak": "many"},
        {"since": None},
        {"until": float("nan")},
        {"until": NOW + 1e9},
        {"until": NOW - 1},
        {"since": NOW + 60, "until": NOW + 90},
        {"at": NOW + 60},
        {"ejections": float("inf")},
    ],
)
def test_a_row_that_makes_no_sense_is_forgotten(wrong: dict[str, Any]) -> None:
    assert remembered(GOOD, NOW + 1) is not None
    assert remembered(GOOD | wrong, NOW + 1) is None


def test_a_row_that_lacks_something_is_forgotten() -> None:
    for name in GOOD:
        assert remembered({k: v for k, v in GOOD.items() if k != name}, NOW + 1) is None
