"""What a run looks like at this moment, made from its events."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.events import (
    AttemptStarted,
    CacheHit,
    NodeFailed,
    NodeFinished,
    NodeRetrying,
    NodeSkipped,
    NodeStarted,
    NodeWaiting,
    RunFinished,
    RunStarted,
    Waiting,
    Warned,
)
from aiorch.types import Attempt, Deployment, Outcome
from aiorch.views import Board
from aiorch.views.board import MOST_INSIDE, Entry, answer_in_python
from aiorch.views.watching import lines

HERE: dict[str, Any] = {"at": 100.0, "run_id": "r"}
GROQ = Deployment("groq", "llama")


def board() -> Board:
    it = Board()
    it.apply(RunStarted(**HERE, workflow="digest", tasks=3))
    return it


def only(it: Board) -> Entry:
    """The last line of all."""
    return it.shown(99)[-1]


def line(entry: Entry | None) -> str:
    assert entry is not None
    [said] = lines(entry, answer_in_python)
    return said


def outcome(**more: Any) -> Outcome[Any]:
    attempts = tuple(Attempt(GROQ, n, 0.0, 1.0, "accept", cost=Decimal(0)) for n in (1, 2))
    return Outcome(None, "", "t", model="groq/llama", attempts=attempts, **more)


def test_a_task_is_followed_from_start_to_end() -> None:
    it = board()
    assert it.apply(NodeStarted(**HERE, node="record", task_id="t")) is None
    assert it.shown(9) == (Entry("record", "record", "record", "running", 100.0),)
    it.apply(AttemptStarted(at=101.0, task_id="t", deployment=GROQ, number=1))
    it.apply(Waiting(at=101.0, task_id="t", seconds=2.0, reason="rate limit"))
    entry = only(it)
    assert (entry.model, entry.attempts, entry.note) == ("groq/llama", 1, "waits 2 s: rate limit")
    it.apply(AttemptStarted(at=103.0, task_id="t", deployment=GROQ, number=2))
    entry = only(it)
    assert (entry.attempts, entry.note, entry.elapsed(103.5)) == (2, "", 3.5)
    done = it.apply(NodeFinished(**HERE, node="record", seconds=4.0, task_id="t", outcome=outcome(demo=True)))
    assert done == Entry("record", "record", "record", "done", 100.0, 4.0, "groq/llama", 2, "demo")
    assert line(done) == "done    record  groq/llama  2 attempts  4.0 s  demo"


def test_the_cache_is_named() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="a", task_id="t"))
    it.apply(CacheHit(at=1.0, task_id="t", model="groq/llama"))
    assert only(it).note == "cached"
    said = outcome(cached=True, accepted=False, degraded=True)
    it.apply(NodeFinished(**HERE, node="a", seconds=0.1, outcome=said))
    assert only(it).note == "cached, stand-in, not accepted"


def test_a_failure_says_why() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="read", item="0"))
    failed = NodeFailed(**HERE, node="read", item="0", seconds=0.0, error="InputError: no\nsuch file")
    assert line(it.apply(failed)) == "failed  read[0]  0.0 s  InputError: no such file"


def test_a_task_that_failed_before_it_started_is_shown() -> None:
    it = board()
    it.apply(NodeFailed(**HERE, node="a", seconds=0.0, error="TemplateError: x", task_id="t"))
    assert it.counts() == {"failed": 1}


def test_skipped_tasks_and_the_end_are_shown() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="a"))
    assert it.headline(102.5) == "digest: 1 running, 2.5 s"
    it.apply(NodeSkipped(**HERE, node="b", because="a"))
    it.apply(RunFinished(**HERE, workflow="digest", state="failed", seconds=9.0))
    assert it.state == "failed"
    assert it.headline(200.0) == "digest: 1 running, 1 skipped, 9.0 s"
    assert only(it).note == "because of a"


def test_another_run_and_other_events_do_not_disturb() -> None:
    it = board()
    it.apply(RunStarted(at=1.0, run_id="other", workflow="inner", tasks=1))
    it.apply(NodeStarted(at=1.0, run_id="other", node="x"))
    it.apply(NodeSkipped(at=1.0, run_id="other", node="x", because="y"))
    it.apply(RunFinished(at=1.0, run_id="other", workflow="inner", state="done", seconds=1.0))
    it.apply(AttemptStarted(at=1.0, task_id="unknown", deployment=GROQ, number=1))
    it.apply(Warned(at=1.0, code="x", message="y"))
    assert it.shown(9) == ()
    assert (it.workflow, it.state, it.headline(100.0)) == ("digest", "running", "digest: starting, 0.0 s")


def test_what_waits_for_somebody_says_for_whom_and_how_to_answer() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="ok"))
    asked = it.apply(NodeWaiting(**HERE, node="ok", kind="approval", name="ok"))
    assert asked is not None
    assert (asked.state, asked.note, answer_in_python(asked)) == (
        "waiting",
        "a person decides",
        "await run.approve('ok')",
    )
    it.apply(NodeStarted(**HERE, node="paid"))
    event = it.apply(NodeWaiting(**HERE, node="paid", kind="event", name="payment", until=0.0))
    assert event is not None
    assert event.note.startswith("the event payment, until ")
    assert answer_in_python(event) == "await run.send('payment', value)"
    it.apply(NodeStarted(**HERE, node="pause"))
    assert it.apply(NodeWaiting(**HERE, node="pause", kind="time", until=0.0)) is None  # nobody has to act
    assert [entry.path for entry in it.waiting()] == ["ok", "paid"]
    assert it.counts() == {"waiting": 2, "running": 1}
    done = it.apply(NodeFinished(**HERE, node="ok", seconds=60.0))
    assert done is not None
    assert done.wants is None
    assert [entry.path for entry in it.waiting()] == ["paid"]


def test_a_task_that_is_tried_again_says_why_and_when() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="a"))
    it.apply(NodeRetrying(**HERE, node="a", attempt=1, wait=2.5, error="OSError: gone"))
    assert (only(it).state, only(it).note) == ("running", "tries again in 2.5 s: OSError: gone")


def test_items_rounds_and_workflows_stand_below_what_they_are_in() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="each", item="3 a letter"))
    it.apply(NodeStarted(**HERE, node="polish"))
    it.apply(NodeStarted(**HERE, node="polish#2/better"))
    it.apply(NodeStarted(**HERE, node="each[3]/inner"))
    assert [(e.depth, e.title, e.state) for e in it.shown(99)] == [
        (0, "each", "running"),
        (1, "a letter", "running"),
        (2, "inner", "running"),
        (0, "polish", "running"),
        (1, "round 2", "running"),
        (2, "better", "running"),
    ]
    finished = it.apply(NodeFinished(**HERE, node="polish", seconds=3.0))
    assert finished is not None
    assert finished.name == "polish"
    assert [e.title for e in it.shown(99)] == ["each", "a letter", "inner", "polish"]
    failed = it.apply(NodeFailed(**HERE, node="each", item="3 a letter", seconds=1.0, error="x"))
    assert failed is not None
    assert failed.name == "each a letter"
    assert [(e.title, e.state) for e in it.shown(99)][:2] == [("each", "failed"), ("a letter", "failed")]


def test_ten_thousand_items_are_one_line_with_numbers_and_those_that_matter() -> None:
    it = board()
    for i in range(10_000):
        it.apply(NodeStarted(**HERE, node="read", item=f"{i}"))
        if i < 9_000:
            it.apply(NodeFinished(**HERE, node="read", item=f"{i}", seconds=1.0))
    [read, *items] = it.shown(30)
    assert (read.path, read.told) == ("read", "9,000 done, 1,000 running")
    assert [item.title for item in items] == [f"#{i}" for i in range(10_000 - MOST_INSIDE, 10_000)]
    assert it.lines == 1_001  # who is done is counted and forgotten
    assert it.headline(100.0) == "digest: 9,000 done, 1,000 running, 0.0 s"


def test_what_is_done_with_all_its_items_stays_as_a_line() -> None:
    it = board()
    for i in range(3):
        it.apply(NodeStarted(**HERE, node="read", item=f"{i}"))
        it.apply(NodeFinished(**HERE, node="read", item=f"{i}", seconds=1.0))
    assert [(e.path, e.state, e.told) for e in it.shown(9)] == [("read", "done", "3 done")]


@given(st.lists(st.sampled_from(["running", "done", "failed", "skipped"]), max_size=40), st.integers(1, 20))
def test_what_matters_is_shown_when_there_is_little_room(states: list[str], most: int) -> None:
    it = board()
    for i, state in enumerate(states):
        it.apply(NodeStarted(**HERE, node=f"n{i}"))
        if state == "done":
            it.apply(NodeFinished(**HERE, node=f"n{i}", seconds=1.0))
        elif state == "failed":
            it.apply(NodeFailed(**HERE, node=f"n{i}", seconds=1.0, error="e"))
        elif state == "skipped":
            it.apply(NodeSkipped(**HERE, node=f"n{i}", because="x"))
    shown = it.shown(most)
    assert len(shown) == min(most, len(states))
    numbers = [int(entry.path[1:]) for entry in shown]
    assert numbers == sorted(numbers)
    if len(states) > most and states.count("running") >= most:
        assert all(entry.state == "running" for entry in shown)


@pytest.mark.parametrize(("item", "title"), [("4", "#4"), ("4 b c", "b c")])
def test_items_are_called_by_their_labels(item: str, title: str) -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="a", item=item))
    assert only(it).title == title


PATHS = st.sampled_from(["a", "b", "a/x", "a/y", "c#1/x", "c#2/x", "c"])
ITEMS = st.sampled_from([None, "0", "1 one", "2"])
KINDS = st.sampled_from([NodeStarted, NodeFinished, NodeFailed, NodeSkipped, NodeWaiting, NodeRetrying])
MORE: dict[type, dict[str, Any]] = {
    NodeStarted: {},
    NodeFinished: {"seconds": 1.0},
    NodeFailed: {"seconds": 1.0, "error": "e"},
    NodeSkipped: {"because": "x"},
    NodeWaiting: {"kind": "approval", "name": "x"},
    NodeRetrying: {"attempt": 1, "wait": 1.0, "error": "e"},
}


@given(st.lists(st.tuples(KINDS, PATHS, ITEMS), max_size=40), st.integers(1, 12))
def test_whatever_order_events_come_in_the_tree_holds_together(
    told: list[tuple[type, str, str | None]], most: int
) -> None:
    it = board()
    for kind, node, item in told:
        more: dict[str, Any] = MORE[kind] | ({} if kind is NodeSkipped else {"item": item})
        it.apply(kind(**HERE, node=node, **more))
    shown = it.shown(most)
    assert len(shown) <= most
    assert all(count > 0 for count in it.counts().values())
    above: list[str] = []
    for entry in shown:  # whoever is inside stands below what it is inside of
        above = [*above[: entry.depth], entry.path]
        assert len(above) == entry.depth + 1
        assert all(path.startswith(over) for over, path in pairwise(above))
