from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.latencies import ENOUGH
from aiorch.routing.loads import FIRST, PENALTY, PER_TOKEN, SLOW, TAU, USUAL_FOR, Loads

NOW = 1_800_000_000.0
A, B, C = "groq/a#K", "nova/b", "cerebras/c"


def answer(
    loads: Loads,
    id: str,
    now: float,
    *,
    first: float | None = 1.0,
    per_token: float = 0.01,
    tokens: int = 100,
) -> None:
    loads.began(id)
    seconds = (first or 1.0) + per_token * tokens
    loads.answered(id, now, first=first, seconds=seconds, tokens=tokens)


def test_calls_under_way_are_counted_until_they_end_however_they_end() -> None:
    loads = Loads()
    for _ in range(4):
        loads.began(A)
    assert loads.in_flight(A) == 4
    assert dict(loads.busy) == {A: 4}
    loads.answered(A, NOW, first=1.0, seconds=2.0, tokens=10)
    loads.failed(A, NOW)
    loads.cancelled(A, NOW)
    assert loads.in_flight(A) == 1
    loads.cancelled(A, NOW)
    loads.cancelled(A, NOW)
    assert dict(loads.busy) == {}
    assert loads.in_flight(B) == 0


def test_turns_tell_who_was_asked_longest_ago() -> None:
    loads = Loads()
    for id in (A, B, A):
        loads.began(id)
    assert loads.turn(A) == loads.turn("groq") == 3
    assert loads.turn(B) == loads.turn("nova") == 2
    assert loads.turn(C) == loads.turn("cerebras") == 0


def test_a_peak_is_believed_at_once_and_forgotten_slowly() -> None:
    loads = Loads()
    for i in range(100):
        answer(loads, A, NOW + i, first=1.0)
    at = NOW + 100
    answer(loads, A, at, first=9.0)
    seen = [loads.seen(at + dt)[A].first or 0.0 for dt in (0.0, TAU, 3 * TAU)]
    assert seen[0] == pytest.approx(9.0, rel=0.01)
    assert seen[1] == pytest.approx(1 + 8 / math.e, rel=0.05)
    assert 1.0 < seen[2] < 1.6
    answer(loads, A, at + 1, first=1.0)
    assert (loads.seen(at + 1)[A].first or 0.0) > 7.0, "one good answer does not make it good"


def test_the_speed_of_many_quick_calls_does_not_make_peaks_fade_faster() -> None:
    once, often = Loads(), Loads()
    for loads, step in ((once, 5.0), (often, 0.05)):
        for i in range(100):
            answer(loads, A, NOW - 100 + i, first=1.0)
        answer(loads, A, NOW, first=9.0)
        for k in range(1, round(5.0 / step) + 1):
            answer(loads, A, NOW + k * step, first=1.0)
    few, many = once.seen(NOW + 5)[A].first, often.seen(NOW + 5)[A].first
    assert few is not None
    assert many is not None
    assert many == pytest.approx(few, rel=0.35)
    assert 3.0 < many < 7.0


def test_a_long_answer_does_not_look_like_a_slow_host() -> None:
    loads = Loads()
    for i in range(10):
        answer(loads, A, NOW + i, first=0.5, per_token=0.01, tokens=4_000)
        answer(loads, B, NOW + i, first=2.0, per_token=0.02, tokens=10)
    assert loads.expected(A, 300, NOW + 10) == pytest.approx(3.5, rel=0.02)
    assert loads.expected(B, 300, NOW + 10) == pytest.approx(8.0, rel=0.02)


def test_an_answer_in_one_piece_is_split_as_is_known_so_far() -> None:
    loads = Loads()
    loads.answered(A, NOW, first=None, seconds=10 * (FIRST + 100 * PER_TOKEN), tokens=100)
    assert loads.seen(NOW)[A].first == pytest.approx(10 * FIRST)
    assert loads.seen(NOW)[A].per_token == pytest.approx(10 * PER_TOKEN)
    assert loads.expected(A, 100, NOW) == pytest.approx(10 * (FIRST + 100 * PER_TOKEN))


def test_an_answer_of_one_token_tells_nothing_of_the_pace() -> None:
    loads = Loads()
    loads.answered(A, NOW, first=0.3, seconds=0.3, tokens=1)
    assert loads.seen(NOW)[A].per_token is None
    assert loads.seen(NOW)[A].first == pytest.approx(0.3)


def test_a_host_that_fails_at_once_never_wins() -> None:
    loads, now = Loads(), NOW
    for _ in range(50):
        answer(loads, A, now, first=3.0, per_token=0.05)
        loads.began(B)
        loads.failed(B, now)
        assert loads.cost(B, 300, now + 5) > loads.cost(A, 300, now + 5)
        now += 15.0
    assert loads.expected(B, 300, now + 10 * TAU) > 3 * FIRST, (
        "and is not thought quick when the penalty is over"
    )
    assert loads.seen(now)[B].failing > 0.7


def test_a_failure_is_forgotten() -> None:
    loads = Loads()
    answer(loads, A, NOW, first=1.0, tokens=0)
    loads.failed(A, NOW)
    assert loads.expected(A, 0, NOW) == pytest.approx(PENALTY + 1.0 / 0.9, rel=0.01)
    assert loads.expected(A, 0, NOW + 10 * TAU) == pytest.approx(1.1, rel=0.02)
    for i in range(60):
        answer(loads, A, NOW + i, first=1.0, tokens=0)
    assert loads.seen(NOW + 60)[A].failing < 0.01


def test_the_unknown_is_expected_to_be_as_usual_so_that_it_is_tried() -> None:
    loads = Loads()
    assert loads.expected(A, 100, NOW) == FIRST + 100 * PER_TOKEN
    for first, id in ((1.0, "x/1"), (2.0, "x/2"), (9.0, "x/3")):
        answer(loads, id, NOW, first=first, per_token=first / 100)
    assert loads.expected(A, 100, NOW) == pytest.approx(2.0 + 100 * 0.02)
    loads.began(A)
    loads.failed(A, NOW)
    assert loads.seen(NOW)[A].first is None
    assert loads.expected(A, 100, NOW) > PENALTY


def test_what_was_known_long_ago_becomes_what_is_usual() -> None:
    loads = Loads()
    answer(loads, A, NOW, first=20.0, tokens=0)
    later = NOW + 3 * SLOW
    for id in ("x/1", "x/2", "x/3"):
        answer(loads, id, later, first=1.0, tokens=0)
    assert 1.0 < loads.expected(A, 0, later) < 2.1


def test_what_is_usual_follows_within_seconds() -> None:
    loads = Loads()
    answer(loads, A, NOW, first=1.0, tokens=0)
    assert loads.expected(B, 0, NOW) == pytest.approx(1.0)
    for i in range(40):
        answer(loads, A, NOW + 0.1 * i, first=5.0, tokens=0)
    assert loads.expected(B, 0, NOW + USUAL_FOR) > 2.0


def test_what_others_say_counts_until_one_knows_better() -> None:
    loads = Loads()
    loads.prior(A, NOW, first=4.0, per_token=0.1, uptime=0.5)
    assert loads.expected(A, 10, NOW) == pytest.approx((4.0 + 1.0) / 0.5)
    loads.prior(A, NOW, first=1.0, per_token=0.01, uptime=0.9)
    assert loads.expected(A, 10, NOW) == pytest.approx((4.0 + 1.0) / 0.5)
    for i in range(30):
        answer(loads, A, NOW + i, first=1.0, per_token=0.01)
    assert loads.expected(A, 10, NOW + 30 + 5 * TAU) < 2.0
    loads.prior(B, NOW)
    assert loads.expected(B, 0, NOW) > 0


def test_who_lost_a_race_is_known_to_have_been_slower() -> None:
    loads = Loads()
    for i in range(10):
        answer(loads, A, NOW + i, first=0.5)
    at = NOW + 10
    loads.began(A)
    loads.cancelled(A, at, waited=0.2)
    assert loads.seen(at)[A].first == pytest.approx(0.5), "it might have been as quick as ever"
    loads.began(A)
    loads.cancelled(A, at, waited=3.0)
    assert loads.seen(at)[A].first == pytest.approx(3.0)
    spread = loads.spread(A, at)
    assert spread is not None
    assert spread.samples == pytest.approx(12, rel=0.05)
    assert spread.p95 >= 3.0


def test_keys_share_the_pace_of_their_model_and_classes_can_be_named() -> None:
    loads = Loads()
    for i in range(int(ENOUGH)):
        answer(loads, f"groq/a#K{i}", NOW, first=1.0)
        loads.answered(B, NOW, first=2.0, seconds=2.0, tokens=1, kind="small")
    assert loads.spread("groq/a#K9", NOW) == loads.spread("groq/a", NOW) is not None
    small = loads.spread("small", NOW)
    assert small is not None
    assert small.p50 >= 2.0
    assert loads.spread(B, NOW) is None


def test_a_call_under_way_makes_the_next_dearer() -> None:
    loads = Loads()
    alone = loads.cost(A, 100, NOW)
    loads.began(A)
    loads.began(A)
    assert loads.cost(A, 100, NOW) == pytest.approx(3 * alone)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-5, 1_000), st.integers(0, 3)), max_size=60))
def test_expectations_stay_finite_and_positive(calls: list[tuple[float, float, int]]) -> None:
    loads, now, rng = Loads(), NOW, Random(1)
    for seconds, passed, what in calls:
        now += passed
        id = rng.choice([A, B, C])
        loads.began(id)
        match what:
            case 0:
                loads.failed(id, now)
            case 1:
                loads.cancelled(id, now, waited=seconds)
            case 2:
                loads.answered(id, now, first=None, seconds=seconds, tokens=rng.randrange(500))
            case _:
                loads.answered(id, now, first=seconds / 2, seconds=seconds, tokens=rng.randrange(500))
        for each in (A, B, C):
            expected = loads.expected(each, 300, now)
            assert math.isfinite(expected)
            assert expected >= 0
    assert dict(loads.busy) == {}
