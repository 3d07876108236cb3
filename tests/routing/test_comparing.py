from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.comparing import Comparison, _log_e


def watched(old: float, new: float, share: float, count: int, seed: int, alpha: float = 0.05) -> int | None:
    """After how many of the new one's outcomes it is said to be worse, looking after each one."""
    rng, found = Random(seed), Comparison()
    for _ in range(count):
        is_new = rng.random() < share
        found.add(new=is_new, bad=rng.random() < (new if is_new else old))
        if found.worse(alpha):
            return found.seen[1]
    return None


@pytest.mark.parametrize(("rate", "share"), [(0.02, 0.05), (0.3, 0.5), (0.1, 0.01), (0.05, 0.9)])
def test_an_equal_one_is_rarely_called_worse_however_often_one_looks(rate: float, share: float) -> None:
    alarms = sum(watched(rate, rate, share, 800, seed) is not None for seed in range(100))
    assert alarms <= 100 * 0.05


def test_a_better_one_is_hardly_ever_called_worse() -> None:
    assert sum(watched(0.2, 0.05, 0.3, 800, seed) is not None for seed in range(50)) <= 1


@pytest.mark.parametrize(
    ("old", "new", "share", "within"),
    [
        (0.02, 0.3, 0.01, 40),
        (0.02, 0.3, 0.5, 80),
        (0.05, 0.2, 0.25, 200),
        (0.0, 1.0, 0.5, 10),
        (0.0, 1.0, 0.95, 60),
    ],
)
def test_a_worse_one_is_found_soon(old: float, new: float, share: float, within: int) -> None:
    needed = [watched(old, new, share, 10_000, seed) or 10_000 for seed in range(21)]
    assert sorted(needed)[10] <= within


def test_a_difference_that_does_not_matter_is_put_up_with() -> None:
    rng, found = Random(1), Comparison()
    for _ in range(40_000):
        new = rng.random() < 0.5
        found.add(new=new, bad=rng.random() < (0.115 if new else 0.1))
    assert found.worse(0.05)
    assert not found.worse(0.05, margin=0.05)


def test_rates_and_counts_are_what_was_seen() -> None:
    found = Comparison()
    assert found.rates == (0.0, 0.0)
    for new, bad in ((False, True), (False, False), (True, False), (True, True), (True, True), (True, True)):
        found.add(new=new, bad=bad)
    assert found.rates == (0.5, 0.75)
    assert found.seen == (2, 4)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=300))
def test_the_evidence_stays_finite(outcomes: list[tuple[bool, bool]]) -> None:
    found = Comparison()
    for new, bad in outcomes:
        found.add(new=new, bad=bad)
        assert math.isfinite(found.log_evidence)
    if len({new for new, _ in outcomes}) < 2:
        assert found.log_evidence == 0.0
        assert not found.worse(0.5)


def test_each_factor_has_a_mean_of_at_most_one_where_both_fail_equally_often() -> None:
    """What the guarantee rests on, worked out for every block of three old ones and a new one."""
    for seed in range(20):
        rng, before = Random(seed), Comparison()
        for _ in range(rng.randrange(2, 40)):
            before.add(new=rng.random() < 0.4, bad=rng.random() < 0.5)
        while any(map(sum, before._block)):  # up to the beginning of a block
            before.add(new=not sum(before._block[1]), bad=False)
        for rate in (0.01, 0.2, 0.5, 0.9):
            mean = 0.0
            for outcome in range(16):
                block = [[0, 0], [0, 0]]
                chance = 1.0
                for place in range(4):
                    bad = outcome >> place & 1
                    block[place == 3][bad] += 1
                    chance *= rate if bad else 1 - rate
                mean += chance * math.exp(_log_e(block, *before._rates))
            assert mean <= 1.0 + 1e-9
