from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.hedging import BURST, CALLS, MEDIANS, OUTAGE, RECENT, SHARE, SOONEST, UNKNOWN, Hedging
from aiorch.routing.latencies import Spread

NOW = 1_800_000_000.0
USUAL = Spread(0.5, 1.2, 100)


def test_the_second_request_waits_for_the_95th_percentile() -> None:
    hedge = Hedging().when(USUAL, NOW)
    assert hedge.after == 1.2
    assert "95 of 100" in hedge.why


def test_a_long_tail_does_not_hide_itself() -> None:
    hedge = Hedging().when(Spread(0.01, 1.5, 100), NOW)
    assert hedge.after == SOONEST
    hedge = Hedging().when(Spread(0.5, 30.0, 100), NOW)
    assert hedge.after == pytest.approx(MEDIANS * 0.5)
    assert "long tail" in hedge.why


def test_too_little_known_waits_for_as_long_as_a_person_does_not_notice() -> None:
    assert Hedging().when(None, NOW).after == UNKNOWN


@pytest.mark.parametrize(("told", "why"), [({"tools": True}, "tools"), ({"scarce": True}, "allowance")])
def test_some_calls_are_never_sent_twice(told: dict[str, bool], why: str) -> None:
    hedge = Hedging().when(USUAL, NOW, **told)
    assert hedge.after is None
    assert why in hedge.why


def test_the_budget_is_a_share_of_first_requests_and_some_saved_up() -> None:
    hedging = Hedging()
    spent = 0
    while hedging.fire(NOW):
        spent += 1
    assert spent == BURST
    hedge = hedging.when(USUAL, NOW)
    assert hedge.after is None
    assert "budget" in hedge.why
    for _ in range(math.ceil(1 / SHARE) + 1):
        hedging.began()
    assert hedging.fire(NOW)
    assert not hedging.fire(NOW)


def test_nothing_more_is_saved_up_than_the_burst() -> None:
    hedging = Hedging(burst=2)
    for _ in range(1_000):
        hedging.began()
    assert [hedging.fire(NOW) for _ in range(3)] == [True, True, False]


def test_an_outage_stops_it_and_the_end_of_the_outage_brings_it_back() -> None:
    hedging = Hedging()
    for i in range(40):
        hedging.ended(NOW + i * 0.1, well=i % 2 == 0)
    at = NOW + 4
    hedge = hedging.when(USUAL, at)
    assert hedge.after is None
    assert "50% of recent calls" in hedge.why or "49%" in hedge.why or "51%" in hedge.why
    assert not hedging.fire(at)
    for i in range(40):
        hedging.ended(at + i * 0.1, well=True)
    assert hedging.when(USUAL, at + 4).after is not None
    assert hedging.fire(at + 4)


def test_an_outage_is_forgotten_when_nobody_asks() -> None:
    hedging = Hedging()
    for _ in range(40):
        hedging.ended(NOW, well=False)
    assert hedging.when(USUAL, NOW).after is None
    assert hedging.when(USUAL, NOW + 2 * RECENT).after is not None


def test_a_few_failures_or_the_usual_tail_are_no_outage() -> None:
    hedging = Hedging()
    for _ in range(int(CALLS) - 1):
        hedging.ended(NOW, well=False)
    assert hedging.when(USUAL, NOW).after is not None
    hedging = Hedging()
    for i in range(1_000):
        hedging.ended(NOW + i * 0.01, well=i % 5 != 0)
        assert hedging.when(USUAL, NOW + i * 0.01).after is not None
    assert OUTAGE > 1 / 5


@pytest.mark.parametrize("wrong", [{"share": -0.1}, {"share": 1.1}, {"burst": -1}, {"burst": math.nan}])
def test_a_budget_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="the share is 0 to 1"):
        Hedging(**wrong)


@given(
    st.lists(st.tuples(st.sampled_from(["began", "fire", "well", "ill"]), st.floats(0, 30)), max_size=400),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_the_budget_is_never_exceeded(steps: list[tuple[str, float]], share: float, burst: int) -> None:
    hedging, now = Hedging(share=share, burst=burst), NOW
    first = second = 0
    for what, passed in steps:
        now += passed
        match what:
            case "began":
                hedging.began()
                first += 1
            case "fire":
                could = hedging.when(USUAL, now).after is not None
                fired = hedging.fire(now)
                assert fired == could
                second += fired
            case _:
                hedging.ended(now, well=what == "well")
        assert second <= burst + share * first + 1e-9
