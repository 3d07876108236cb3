from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.latencies import BUCKETS, ENOUGH, FACTOR, MEMORY, SHORTEST, Latencies

NOW = 1_800_000_000.0


def test_no_percentile_is_given_of_too_few() -> None:
    found = Latencies()
    assert found.spread("a", NOW) is None
    for i in range(int(ENOUGH)):
        assert found.spread("a", NOW) is None, i
        found.add("a", 1.0, NOW)
    spread = found.spread("a", NOW)
    assert spread is not None
    assert spread.samples == ENOUGH
    assert found.spread("b", NOW) is None


@given(st.lists(st.floats(SHORTEST, 300.0), min_size=20, max_size=200))
def test_percentiles_are_right_within_a_bucket_and_never_too_soon(seconds: list[float]) -> None:
    found = Latencies()
    for x in seconds:
        found.add("a", x, NOW)
    spread = found.spread("a", NOW)
    assert spread is not None
    for share, given_ in ((0.5, spread.p50), (0.95, spread.p95)):
        exact = sorted(seconds)[max(0, -int(-len(seconds) * share // 1) - 1)]
        assert exact * 0.999 <= given_ <= exact * FACTOR * 1.001


def test_what_is_shorter_or_longer_than_all_buckets_still_counts() -> None:
    found = Latencies()
    for _ in range(10):
        found.add("short", 0.0, NOW)
        found.add("long", 1e6, NOW)
    short, long = found.spread("short", NOW), found.spread("long", NOW)
    assert short is not None
    assert long is not None
    assert short.p95 == SHORTEST
    assert long.p50 == SHORTEST * FACTOR ** (BUCKETS - 1)


def test_old_observations_fade() -> None:
    found = Latencies()
    for _ in range(100):
        found.add("a", 10.0, NOW)
    later = NOW + 5 * MEMORY
    assert found.spread("a", NOW + MEMORY * 4) is None, "100 / e^4 is less than enough"
    for _ in range(20):
        found.add("a", 0.1, later)
    spread = found.spread("a", later)
    assert spread is not None
    assert spread.p95 < 0.12


def test_years_of_observations_overflow_nothing() -> None:
    found, rng = Latencies(), Random(3)
    now = NOW
    for _ in range(5_000):
        now += rng.choice([0.01, 1.0, 3_600.0, 3e7])
        found.add("a", rng.uniform(0.5, 1.5), now)
        for _ in range(5):
            found.add("a", 1.0, now)
        spread = found.spread("a", now)
        assert spread is not None
        assert spread.p50 == pytest.approx(1.0, rel=0.13)
    for _ in range(1_000):
        found.add("steady", 1.0, now)
    found.add("steady", 1.0, NOW)  # a clock turned back
    assert found.spread("steady", now) is not None
