"""Measuring keeps to a provider's limits, and leaves half of a day's for other work."""

from __future__ import annotations

import pytest
from tests.benchmarking.conftest import candidate

from aiorch.benchmarking.allowances import caps, pauses
from aiorch.types import Candidate, FreeTerms, Limit


def limited(*limits: Limit) -> Candidate:
    return candidate(key="KEY", terms=FreeTerms("free plan", limits))


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        (Limit(20, "requests", "minute"), 3.0),
        (Limit(2, "requests", "second"), 0.5),
        (Limit(8_000, "tokens", "minute"), 7.5),
        (Limit(500, "tokens", "minute"), 60.0),  # one call is more than a minute's
        (Limit(10_000, "neurons", "minute"), 0.0),
    ],
)
def test_short_limits_are_kept_by_asking_slowly(limit: Limit, seconds: float):
    assert pauses(limited(limit), 1_000) == {"acme#KEY": seconds}


def test_the_strictest_of_several_counts_for_each_who_shares_it():
    found = pauses(
        limited(
            Limit(20, "requests", "minute"),
            Limit(6_000, "tokens", "minute"),
            Limit(5, "requests", "minute", "key_model"),
        ),
        1_000,
    )
    assert found == {"acme#KEY": 10.0, "acme/small#KEY": 12.0}


def test_long_limits_do_not_slow_down():
    assert pauses(limited(Limit(50, "requests", "day"), Limit(1, "requests", "at once")), 1_000) == {}
    assert pauses(candidate(), 1_000) == {}


def test_half_of_a_long_limit_may_be_used():
    terms = limited(
        Limit(50, "requests", "day"), Limit(1, "requests", "hour", "key_model"), Limit(9, "tokens", "day"),
        Limit(20, "requests", "minute"),
    )  # fmt: skip
    assert list(caps(terms)) == [("acme#KEY", 86_400.0, 25), ("acme/small#KEY", 3_600.0, 1)]
