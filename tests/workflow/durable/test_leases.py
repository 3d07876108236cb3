"""Who counts as dead, and what is left behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiorch.workflow.durable.leases import (
    Held,
    Mine,
    Served,
    Worker,
    abandoned,
    alive,
    dead,
    lost,
    may_judge,
    next_lapse,
    unserved,
)

NIGHTLY = Served("nightly", "v1")


def worker(name: str, *, seen: float = 100.0, buried: bool = False, lease: float = 10.0) -> Worker:
    return Worker(name, "host", 1, (NIGHTLY,), 4, lease, began=0.0, seen=seen, buried=buried)


def test_a_worker_is_dead_only_once_its_whole_lease_has_passed() -> None:
    rows = [worker("late", seen=90.0), worker("gone", seen=89.9), worker("long", seen=80.0, lease=30.0)]
    assert dead(rows, now=100.0) == ("gone",)
    assert [w.id for w in alive(rows, now=100.0)] == ["late", "long"]


def test_the_next_lapse_is_that_of_the_shortest_lease() -> None:
    rows = [worker("a", seen=95.0), worker("b", seen=99.0, lease=3.0), worker("c", seen=0.0, buried=True)]
    assert next_lapse(rows, now=100.0) == 2.0
    assert next_lapse([], now=100.0) is None


def test_nobody_is_buried_twice() -> None:
    rows = [worker("gone", seen=0.0, buried=True)]
    assert dead(rows, now=100.0) == ()
    assert alive(rows, now=1.0) == ()


def test_what_the_buried_and_the_unknown_held_goes_back() -> None:
    held = [Held("a", "buried"), Held("b", "living"), Held("c", "vanished"), Held("d", "buried")]
    rows = [worker("buried", buried=True), worker("living")]
    assert abandoned(held, rows) == {"buried": ("a", "d"), "vanished": ("c",)}


def test_a_lapsed_worker_keeps_its_runs_until_somebody_buries_it() -> None:
    assert abandoned([Held("a", "late")], [worker("late", seen=0.0)]) == {}


def test_a_run_that_was_cancelled_taken_over_or_deleted_is_lost() -> None:
    mine: dict[str, str] = dict.fromkeys(("kept", "cancelled", "taken", "deleted"), "token")
    rows = [Mine("kept", "token", True), Mine("cancelled", "token", False), Mine("taken", "other", True)]
    assert lost(mine, rows) == ("cancelled", "taken", "deleted")


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xy")), st.sampled_from("xyz"))
def test_only_the_own_token_keeps_a_run(mine: dict[str, str], owner: str) -> None:
    gone = lost(mine, [Mine(run, owner, True) for run in mine])
    assert set(gone) == {run for run, token in mine.items() if token != owner}


def test_whoever_was_cut_off_gives_the_others_half_a_lease_to_come_back() -> None:
    assert may_judge(now=5.0, broken_until=None, lease=10.0)
    assert not may_judge(now=5.0, broken_until=1.0, lease=10.0)
    assert may_judge(now=6.0, broken_until=1.0, lease=10.0)


def test_a_version_that_only_the_dead_hold_is_unserved() -> None:
    other = Served("nightly", "v2")
    assert unserved([NIGHTLY, other], [worker("a")], now=100.0) == {other}
    assert unserved([NIGHTLY], [worker("a", seen=0.0)], now=100.0) == {NIGHTLY}
    assert unserved([NIGHTLY], [worker("a", buried=True)], now=100.0) == {NIGHTLY}


def test_a_version_is_named_as_people_write_it() -> None:
    assert str(NIGHTLY) == "nightly@v1"
