"""What goes on is shown in the cell that does it, in one place, and nowhere else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.views.pages import harmless

from aiorch.benchmarking import Answered, Planned, Record
from aiorch.events import (
    AttemptStarted,
    Bus,
    NodeFinished,
    NodeStarted,
    RunFinished,
    RunStarted,
    TaskErred,
    TaskFinished,
    TaskStarted,
)
from aiorch.testing import FakeClock
from aiorch.types import Deployment, Usage
from aiorch.views import Tally, live, progress
from aiorch.views.cells import picture

AT: dict[str, Any] = {"at": 1_800_000_000.0}


def begun(task: str) -> TaskStarted:
    return TaskStarted(**AT, task_id=task, agent="general", complexity="simple")


def done(task: str, model: str = "groq/<llama>") -> TaskFinished:
    return TaskFinished(
        **AT,
        task_id=task,
        model=model,
        accepted=True,
        cached=False,
        usage=Usage(),
        cost=0,  # type: ignore[arg-type]
        seconds=1.0,
        attempts=1,
    )


def test_tasks_are_counted() -> None:
    tally = Tally(4)
    for event in (begun("a"), begun("b"), begun("c"), done("a")):
        tally.take(event)
    tally.take(TaskErred(**AT, task_id="b", error="E", message="m"))
    assert tally.headline(2.0) == "1 of 4 done, 1 running, 1 failed, 2.0 s"
    page = harmless(picture(tally, 2.0))
    assert "groq/<llama>: 1" in page.texts
    assert 'max="4" value="2"' in picture(tally, 2.0)


def test_tasks_of_a_workflow_are_shown_with_it_and_counted_once() -> None:
    tally = Tally()
    run: dict[str, Any] = {**AT, "run_id": "r"}
    later: dict[str, Any] = {**AT, "run_id": "s"}
    for event in (
        RunStarted(**run, workflow="<w>", tasks=1),
        NodeStarted(**run, node="n", task_id="a"),
        begun("a"),
        AttemptStarted(**AT, task_id="a", deployment=Deployment("groq", "m"), number=1),
        done("a"),
    ):
        tally.take(event)
    assert (tally.done, tally.running) == (0, 0)
    page = harmless(picture(tally, 1.0))
    assert [t for t in page.texts if t in ("<w>: 1 running, 1.0 s", "groq/m")] == [
        "<w>: 1 running, 1.0 s",
        "groq/m",
    ]
    tally.take(NodeFinished(**run, node="n", seconds=1.0))
    tally.take(RunFinished(**run, workflow="<w>", state="done", seconds=1.5))
    assert harmless(picture(tally, 9.0)).texts == ["<w>: 1 done, 1.5 s"]
    tally.take(RunStarted(**later, workflow="next", tasks=1))
    assert [board.workflow for board in tally.boards] == ["<w>", "next"]


def test_a_benchmark_tells_of_its_answers() -> None:
    tally = Tally()
    tally.take(Planned((None, None, None)))  # type: ignore[arg-type]
    tally.take(Answered(Record("s", "groq", "m", "i", 0.0, True, 1.0)))
    tally.take(Answered(Record("s", "groq", "m", "j", 0.0, None, 1.0, failure="overloaded")))
    tally.take(object())
    assert tally.headline(1.0) == "1 of 3 done, 1 failed, 1.0 s"
    assert tally.models == {"groq/m": 1}


def test_outside_of_notebooks_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    bus = Bus()
    with progress(bus.subscribe, 3):
        assert not bus.active
        bus.emit(begun("a"))
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the one output of the cell was, one after the other."""
    found: list[str] = []
    monkeypatch.setattr("aiorch.views.cells.shower", lambda: found.append)
    monkeypatch.setattr("aiorch.views.watching.shower", lambda: found.append)
    return found


def test_a_cell_shows_the_beginning_and_the_end(shown: list[str]) -> None:
    bus, clock = Bus(), FakeClock()
    with progress(bus.subscribe, clock=clock):
        bus.emit(begun("a"))
        bus.emit(done("a"))
        clock.advance(2.0)
    assert [harmless(html).texts for html in shown] == [["0.0 s"], ["1 done, 2.0 s", "groq/<llama>: 1"]]
    assert not bus.active


def test_what_is_interrupted_says_so(shown: list[str]) -> None:
    bus = Bus()
    with pytest.raises(KeyboardInterrupt), progress(bus.subscribe, clock=FakeClock()):
        raise KeyboardInterrupt
    assert harmless(shown[-1]).texts == ["stopped: 0.0 s"]
    assert not bus.active


@pytest.mark.asyncio
async def test_the_picture_goes_on_while_a_cell_waits(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiorch.views.cells.EVERY", 0.001)
    bus, clock = Bus(), FakeClock()
    with progress(bus.subscribe, clock=clock):
        bus.emit(begun("a"))
        while len(shown) < 2:
            await asyncio.sleep(0.001)
        seen = len(shown)
        for _ in range(5):
            await asyncio.sleep(0.002)
        assert len(shown) == seen  # nothing changed, so nothing was drawn
    assert "1 running" in shown[1]


def test_a_live_display_is_the_cell_s_in_a_notebook(
    shown: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    bus = Bus()
    with live(bus.subscribe, clock=FakeClock()) as board:
        bus.emit(RunStarted(**AT, run_id="r", workflow="w", tasks=1))
    assert board.workflow == "w"
    assert "w: starting" in shown[-1]
    assert not bus.active
    assert capfd.readouterr() == ("", "")


def test_a_terminal_with_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    from aiorch.views.cells import shower

    terminal = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
    monkeypatch.setitem(__import__("sys").modules, "IPython", terminal)
    assert shower() is None
