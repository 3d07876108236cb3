from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.diversions import DiversionChange, Diversions
from aiorch.routing.traffic import (
    LEAST,
    STEPS,
    Mirror,
    Rollout,
    Routed,
    Shift,
    Split,
    mirrored,
    place,
    routed,
)
from aiorch.testing import FakeClock

NOW = 1_800_000_000.0
USERS = [f"user-{i}" for i in range(4_000)]


def test_places_are_spread_evenly_and_names_are_independent() -> None:
    counted = Counter(int(place(user, "a") * 10) for user in USERS)
    assert set(counted) == set(range(10))
    assert all(300 < n < 500 for n in counted.values())
    together = sum(place(u, "a") < 0.5 and place(u, "b") < 0.5 for u in USERS) / len(USERS)
    assert together == pytest.approx(0.25, abs=0.03)
    assert place("u", "a") == place("u", "a")


def test_a_place_is_the_same_in_every_process() -> None:
    assert [round(place(f"user-{i}", "n"), 6) for i in range(3)] == [0.179746, 0.361358, 0.800756]


# --- splits ------------------------------------------------------------------------------------------------------


def test_a_split_shares_out_by_weight_and_keeps_everybody_on_a_side() -> None:
    split = Split("general", {"general": 6, "a": 3, "none": 0, "b": 1})
    counted = Counter(split.side(user) for user in USERS)
    assert {name: n / len(USERS) for name, n in counted.items()} == pytest.approx(
        {"general": 0.6, "a": 0.3, "b": 0.1}, abs=0.03
    )
    assert all(split.side(user) == split.side(user) for user in USERS[:50])


def test_a_split_ends_with_the_last_that_has_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiorch.routing.traffic.place", lambda key, name: 1.0 - 2.0**-53)
    for weights in (
        {"a": 0.1, "b": 0.2, "c": 0.3, "none": 0.0},
        {"a": 1e-9, "b": 0.7, "c": 0.1, "none": 0.0},
    ):
        assert Split("general", weights).side("u") == "c"


@pytest.mark.parametrize(
    "weights", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}, {"a": float("nan")}, {"a": float("inf")}]
)
def test_a_split_that_makes_no_sense_is_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="the split of 'general' needs weights"):
        Split("general", weights)


# --- shifts ------------------------------------------------------------------------------------------------------


def test_a_shift_goes_from_one_in_a_hundred_to_all() -> None:
    shift = Shift("old", "new", NOW)
    assert shift.share(NOW - 1) == 0.0
    for after, share in STEPS:
        assert shift.share(NOW + after) == share
        new = sum(shift.side(user, NOW + after) == "new" for user in USERS) / len(USERS)
        assert new == pytest.approx(share, abs=0.02)
    assert shift.share(NOW + 1e9) == 1.0
    assert {shift.side(user, NOW - 1) for user in USERS} == {"old"}


@given(
    st.text(max_size=20),
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1)), min_size=1, max_size=8),
    st.lists(st.floats(-10, 2e5), min_size=2, max_size=20),
)
def test_from_the_new_side_nobody_comes_back(
    user: str, steps: list[tuple[float, float]], looks: list[float]
) -> None:
    afters, shares = sorted(a for a, _ in steps), sorted(s for _, s in steps)
    shift = Shift("old", "new", NOW, tuple(zip(afters, shares, strict=True)))
    times = sorted(looks)
    seen = [shift.side(user, NOW + t) for t in times]
    assert seen == sorted(seen, reverse=True), "old, old, ..., new, new"
    assert [shift.share(NOW + t) for t in times] == sorted(shift.share(NOW + t) for t in times)


@pytest.mark.parametrize(
    "steps",
    [
        (),
        ((0.0, 0.5), (10.0, 0.1)),
        ((10.0, 0.1), (0.0, 0.5)),
        ((0.0, 1.5),),
        ((0.0, -0.1),),
        ((-1.0, 0.1),),
        ((0.0, float("nan")),),
    ],
)
def test_steps_that_go_back_are_refused(steps: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="the steps of the shift from 'old' to 'new'"):
        Shift("old", "new", NOW, steps)


# --- rollouts ----------------------------------------------------------------------------------------------------

HALF = Shift("old", "new", NOW, ((0.0, 0.5),))


def carry_out(
    rollout: Rollout, tasks: int, rates: dict[str, float], what: str = "failed", seed: int = 1
) -> int:
    """:returns: how many tasks the new side got."""
    rng, new = Random(seed), 0
    for i in range(tasks):
        side = rollout.side(f"task-{i}", NOW)
        new += side == "new"
        hit = rng.random() < rates[side]
        told: dict[str, Any] = {"failed": hit} if what == "failed" else {"failed": False, "good": not hit}
        rollout.ended(side, NOW + i, **told)
    return new


@pytest.mark.parametrize("what", ["failed", "good"])
def test_a_worse_side_is_sent_back_by_itself(what: str) -> None:
    rollout = Rollout(HALF)
    new = carry_out(rollout, 2_000, {"old": 0.02, "new": 0.4}, what)
    assert LEAST <= new < 60
    assert rollout.undone is not None
    assert rollout.undone.shift is HALF
    assert NOW < rollout.undone.at < NOW + 200
    assert ("calls fail" if what == "failed" else "answers are not good enough") in rollout.undone.why
    assert "with new" in rollout.undone.why
    assert {rollout.side(user, NOW + 1e9) for user in USERS[:100]} == {"old"}


def test_a_side_that_is_no_worse_stays() -> None:
    for seed in range(20):
        rollout = Rollout(HALF)
        carry_out(rollout, 1_000, {"old": 0.1, "new": 0.1}, seed=seed)
        assert rollout.undone is None


def test_the_decision_is_told_once_and_stays() -> None:
    rollout = Rollout(HALF, least=5)
    told = [rollout.ended(side, NOW, failed=side == "new") for side in ("old", "new") * 50]
    assert sum(t is not None for t in told) == 1
    assert rollout.undone in told


def test_a_few_failures_at_the_start_do_not_send_back() -> None:
    rollout = Rollout(HALF)
    for _ in range(LEAST - 1):
        rollout.ended("old", NOW, failed=False)
        assert rollout.ended("new", NOW, failed=True) is None
    assert rollout.ended("old", NOW, failed=False) is None
    assert rollout.ended("new", NOW, failed=True) is not None


def test_others_outcomes_do_not_count() -> None:
    rollout = Rollout(HALF, least=0)
    for _ in range(200):
        rollout.ended("old", NOW, failed=False)
        assert rollout.ended("other", NOW, failed=True) is None


def test_a_shift_that_was_taken_back_is_not_begun_again_by_a_restart() -> None:
    rollout = Rollout(HALF)
    carry_out(rollout, 2_000, {"old": 0.02, "new": 0.4})
    again = Rollout(HALF, undone=rollout.undone)
    assert {again.side(user, NOW) for user in USERS[:100]} == {"old"}


# --- mirrors -----------------------------------------------------------------------------------------------------


def test_a_share_of_the_tasks_is_mirrored_and_none_that_may_execute_tools() -> None:
    mirrors = [Mirror("a", "b", 0.2), Mirror("a", "b", 0.0), Mirror("a", "c", 1.0), Mirror("x", "y", 1.0)]
    taken = [mirrored(mirrors, "a", f"task-{i}") for i in range(2_000)]
    assert {t[-1] for t in taken} == {"c"}
    assert sum("b" in t for t in taken) / 2_000 == pytest.approx(0.2, abs=0.03)
    assert mirrored(mirrors, "a", "task-1", tools=True) == ()
    assert mirrored(mirrors, "other", "task-1") == ()
    assert mirrored([Mirror("a", "c", 1.0)] * 2, "a", "t") == ("c",)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_mirror_that_makes_no_sense_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="it must be 0 to 1"):
        Mirror("a", "b", share)


# --- together ----------------------------------------------------------------------------------------------------


async def _recorded(change: DiversionChange) -> None: ...


@pytest.mark.anyio
async def test_a_diversion_has_the_first_and_the_last_word() -> None:
    clock = FakeClock(NOW)
    diversions = Diversions(clock, _recorded)
    rollouts = [Rollout(Shift("a", "a2", NOW - 1, ((0.0, 1.0),)))]
    splits = [Split("a", {"never": 1}), Split("s", {"s1": 1}), Split("t", {"t": 1})]

    def now(profile: str) -> Routed:
        return routed(profile, "u", NOW, diversions=diversions, rollouts=rollouts, splits=splits)

    assert now("a") == Routed("a2", "a shift of a to a2")
    assert now("s") == Routed("s1", "a split of s")
    assert now("t") == now("t") == Routed("t", "")
    assert now("other") == Routed("other", "")
    await diversions.divert("a2", to="safe", until=NOW + 60, reason="error rate 0.3")
    assert now("a") == Routed("safe", "a2 is diverted: error rate 0.3")
    await diversions.divert("a", to="b", until=NOW + 60, reason="a person said so")
    assert now("a") == Routed("b", "a is diverted: a person said so")
    assert routed("a", "u", NOW, rollouts=rollouts) == Routed("a2", "a shift of a to a2")
