"""A terminal gets a picture that redraws itself, everything else a line a task."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from aiorch.events import (
    Bus,
    NodeFailed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    NodeWaiting,
    RunFinished,
    RunStarted,
)
from aiorch.testing import FakeClock
from aiorch.types import Outcome
from aiorch.views import Board, live
from aiorch.views.watching import picture, questions
from aiorch.workflow.runs import Run, Waiting

HERE: dict[str, Any] = {"at": 1_800_000_000.0, "run_id": "r"}


def play(bus: Bus) -> None:
    bus.emit(RunStarted(**HERE, workflow="digest", tasks=2))
    bus.emit(NodeStarted(**HERE, node="read", item="0 [bold]a.txt"))
    bus.emit(NodeFinished(**HERE, node="read", item="0 [bold]a.txt", seconds=1.0))
    bus.emit(NodeStarted(**HERE, node="read", item="1 b.txt"))
    bus.emit(NodeFailed(**HERE, node="read", item="1 b.txt", seconds=0.5, error="InputError: empty"))
    bus.emit(RunFinished(**HERE, workflow="digest", state="done", seconds=1.5))


def console(terminal: bool, **more: Any) -> Console:
    capable = {"TERM": "xterm-256color"}  # whatever the terminal that runs the tests can do
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=100, color_system=None, _environ=capable, **more
    )


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_without_a_terminal_each_finished_task_is_a_line() -> None:
    bus, out = Bus(), console(False)
    with live(bus.subscribe, console=out, clock=FakeClock()) as board:
        play(bus)
    assert text(out).splitlines() == [
        "done    read [bold]a.txt  1.0 s",
        "failed  read b.txt  0.5 s  InputError: empty",
        "digest: 1 done, 1 failed, 1.5 s",
    ]
    assert board.state == "done"
    assert not bus.active


def test_nothing_is_said_when_nothing_ran() -> None:
    bus, out = Bus(), console(False)
    with live(bus.subscribe, console=out):
        pass
    assert text(out) == ""


def test_a_terminal_is_drawn_upon_and_left_clean() -> None:
    bus, out = Bus(), console(True, height=30)
    with live(bus.subscribe, console=out, clock=FakeClock()):
        play(bus)
    drawn = text(out)
    assert "b.txt" in drawn
    assert "InputError: empty" in drawn
    assert "\x1b[2K" in drawn  # the lines were erased at the end
    assert not bus.active


def test_the_picture_makes_room_for_a_question_and_stands_below_it_afterwards() -> None:
    bus, out = Bus(), console(True, height=30)
    with live(bus.subscribe, console=out, clock=FakeClock()) as board:
        bus.emit(RunStarted(**HERE, workflow="digest", tasks=2))
        with board.aside():
            out.print("Send this? y")
    before, _, after = text(out).partition("Send this? y\n")
    assert before.endswith("\x1b[2K")  # nothing of it was left
    assert "digest: starting" in after


def test_an_error_inside_ends_the_display_and_goes_on() -> None:
    bus, out = Bus(), console(True)
    with pytest.raises(KeyError), live(bus.subscribe, console=out):
        raise KeyError
    assert not bus.active


def board_of(count: int) -> Board:
    board = Board()
    board.apply(RunStarted(**HERE, workflow="digest", tasks=2))
    for i in range(count):
        board.apply(NodeStarted(**HERE, node=f"read{i}"))
        if i % 2:
            outcome = Outcome(None, "", "t", model="groq/llama")
            board.apply(NodeFinished(**HERE, node=f"read{i}", seconds=1.0, outcome=outcome))
    board.apply(NodeSkipped(**HERE, node="later", because="read"))
    return board


def test_many_rows_are_bounded_by_the_window() -> None:
    out = console(True, height=12)
    out.print(picture(board_of(50), out, 1_800_000_002.0))
    lines = text(out).splitlines()
    assert len(lines) <= 12
    assert lines[0].startswith("digest: 25 done, 25 running, 1 skipped, 2.0 s")
    assert "… and 43 more" in lines[-1]


def test_the_tree_shows_numbers_of_what_it_folds_and_how_to_answer_who_waits() -> None:
    board, out = Board(), console(True, height=30)
    run = Run("digest", id="r")
    run._waiting["ok"] = Waiting("ok", "approval", "ok", "Send [bold]this[/bold]?\nIt is \x1b[31mred.")
    board.apply(RunStarted(**HERE, workflow="digest", tasks=2))
    for i in range(100):
        board.apply(NodeStarted(**HERE, node="read", item=f"{i}"))
        if i < 70:
            board.apply(NodeFinished(**HERE, node="read", item=f"{i}", seconds=1.0))
    board.apply(NodeStarted(**HERE, node="ok"))
    board.apply(NodeWaiting(**HERE, node="ok", kind="approval", name="ok"))
    asked = questions(run)
    out.print(picture(board, out, 1_800_090_000.0, lambda e: f"aiorch runs approve r {e.path}", asked))
    drawn = text(out)
    assert "━━━━━━━╌╌╌ 70 done, 30 running" in drawn
    assert "? ok" in " ".join(drawn.split())
    assert "25:00:00" in drawn
    assert "ok: Send [bold]this[/bold]? It is \ufffd[31mred." in drawn
    assert "aiorch runs approve r ok" in drawn


def test_without_a_terminal_whoever_waits_is_told_with_the_question() -> None:
    bus, out = Bus(), console(False)
    run = Run("digest", id="r")
    run._waiting["ok"] = Waiting("ok", "approval", "ok", "Send this?\nNow?")
    with live(bus.subscribe, console=out, clock=FakeClock(), run=run):
        bus.emit(RunStarted(**HERE, workflow="digest", tasks=1))
        bus.emit(NodeStarted(**HERE, node="ok"))
        bus.emit(NodeWaiting(**HERE, node="ok", kind="approval", name="ok"))
        bus.emit(RunFinished(**HERE, workflow="digest", state="cancelled", seconds=1.5))
    assert text(out).splitlines() == [
        "waiting ok  a person decides",
        "        Send this?",
        "        Now?",
        "        answer: await run.approve('ok')",
        "digest: 1 waiting, 1.5 s",
    ]


def test_of_thousands_that_are_done_a_log_gets_a_few_lines_and_all_failures() -> None:
    bus, out = Bus(), console(False)
    with live(bus.subscribe, console=out, clock=FakeClock()):
        bus.emit(RunStarted(**HERE, workflow="digest", tasks=1))
        for i in range(2000):
            bus.emit(NodeStarted(**HERE, node="read", item=f"{i}"))
            if i == 1234:
                bus.emit(NodeFailed(**HERE, node="read", item=f"{i}", seconds=1.0, error="x"))
            else:
                bus.emit(NodeFinished(**HERE, node="read", item=f"{i}", seconds=1.0))
    lines = text(out).splitlines()
    assert len(lines) == 100 + 9 + 1 + 1 + 1  # the first 100, 200 to 1,000, the failure, 2,000, the headline
    assert "failed  read[1234]  1.0 s  x" in lines


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    out = Console(
        file=io.TextIOWrapper(io.BytesIO(), "ascii"), force_terminal=True, width=80, color_system=None
    )
    with out.capture() as captured:
        out.print(picture(board_of(3), out, 1_800_000_002.0))
    assert captured.get().isascii()
    assert "+ read1" in " ".join(captured.get().split())


def test_a_narrow_terminal_cuts_instead_of_wrapping() -> None:
    out = Console(file=io.StringIO(), force_terminal=True, width=40, height=20, color_system=None)
    out.print(picture(board_of(3), out, 1_800_000_002.0))
    assert len(text(out).splitlines()) == 5
    assert max(map(len, text(out).splitlines())) <= 40


def test_progress_goes_to_standard_error_and_rich_is_loaded_only_then() -> None:
    code = (
        "import sys, aiorch.views\n"
        "assert 'rich' not in sys.modules\n"
        "from aiorch.events import Bus, RunStarted\n"
        "bus = Bus()\n"
        "with aiorch.views.live(bus.subscribe):\n"
        "    bus.emit(RunStarted(at=0.0, run_id='r', workflow='w', tasks=1))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("w: starting")
