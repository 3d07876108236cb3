"""What a run looks like at this moment, made from its events."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.events import (
    AttemptStarted,
    CacheHit,
    NodeFailed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
    Waiting,
    Warned,
)
from aiorch.types import Attempt, Deployment, Outcome
from aiorch.views import Board, Entry
from aiorch.views.watching import line

HERE: dict[str, Any] = {"at": 100.0, "run_id": "r"}
GROQ = Deployment("groq", "llama")


def board() -> Board:
    it = Board()
    it.apply(RunStarted(**HERE, workflow="digest", tasks=3))
    return it


def outcome(**more: Any) -> Outcome[Any]:
    attempts = tuple(Attempt(GROQ, n, 0.0, 1.0, "accept", cost=Decimal(0)) for n in (1, 2))
    return Outcome(None, "", "t", model="groq/llama", attempts=attempts, **more)


def test_a_task_is_followed_from_start_to_end() -> None:
    it = board()
    assert it.apply(NodeStarted(**HERE, node="record", item="3 letter.txt", task_id="t")) is None
    assert it.entries() == (Entry("record", "letter.txt", "running", 100.0),)
    it.apply(AttemptStarted(at=101.0, task_id="t", deployment=GROQ, number=1))
    it.apply(Waiting(at=101.0, task_id="t", seconds=2.0, reason="rate limit"))
    [entry] = it.entries()
    assert (entry.model, entry.attempts, entry.note) == ("groq/llama", 1, "waits 2 s: rate limit")
    it.apply(AttemptStarted(at=103.0, task_id="t", deployment=GROQ, number=2))
    [entry] = it.entries()
    assert (entry.attempts, entry.note, entry.elapsed(103.5)) == (2, "", 3.5)
    done = it.apply(
        NodeFinished(**HERE, node="record", item="3 letter.txt", seconds=4.0, outcome=outcome(demo=True))
    )
    assert done == Entry("record", "letter.txt", "done", 100.0, 4.0, "groq/llama", 2, "demo")
    assert done is not None
    assert line(done) == "done    record letter.txt  groq/llama  2 attempts  4.0 s  demo"


def test_the_cache_is_named() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="a", task_id="t"))
    it.apply(CacheHit(at=1.0, task_id="t", model="groq/llama"))
    assert it.entries()[0].note == "cached"
    it.apply(
        NodeFinished(
            **HERE, node="a", seconds=0.1, outcome=outcome(cached=True, accepted=False, degraded=True)
        )
    )
    assert it.entries()[0].note == "cached, stand-in, not accepted"


def test_a_failure_says_why() -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="read", item="0"))
    failed = it.apply(
        NodeFailed(**HERE, node="read", item="0", seconds=0.0, error="InputError: no\nsuch file")
    )
    assert failed is not None
    assert line(failed) == "failed  read #0  0.0 s  InputError: no such file"


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
    assert it.entries()[1].note == "because of a"


def test_another_run_and_other_events_do_not_disturb() -> None:
    it = board()
    it.apply(RunStarted(at=1.0, run_id="other", workflow="inner", tasks=1))
    it.apply(NodeStarted(at=1.0, run_id="other", node="x"))
    it.apply(NodeSkipped(at=1.0, run_id="other", node="x", because="y"))
    it.apply(RunFinished(at=1.0, run_id="other", workflow="inner", state="done", seconds=1.0))
    it.apply(AttemptStarted(at=1.0, task_id="unknown", deployment=GROQ, number=1))
    it.apply(Warned(at=1.0, code="x", message="y"))
    assert it.entries() == ()
    assert (it.workflow, it.state, it.headline(100.0)) == ("digest", "running", "digest: starting, 0.0 s")


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
    numbers = [int(entry.task[1:]) for entry in shown]
    assert numbers == sorted(numbers)
    hidden_running = [e for e in it.entries() if e.state == "running" and e not in shown]
    assert not hidden_running or all(e.state == "running" for e in shown)


@pytest.mark.parametrize(("item", "title"), [(None, "a"), ("4", "a #4"), ("4 b c", "a b c")])
def test_items_are_called_by_their_labels(item: str | None, title: str) -> None:
    it = board()
    it.apply(NodeStarted(**HERE, node="a", item=item))
    assert it.entries()[0].title == title
