"""The live display in a real terminal, driven by tmux."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FLOW = """
import anyio
import aiorch

flow = aiorch.Workflow("slow")

@flow.task
async def numbers() -> list[int]:
    return [1, 2, 3]

async def work(number: int) -> int:
    await anyio.sleep(2.5 if number == 3 else 0.1)
    return number * number

flow.add("square", work).map(number="numbers", label="no {number}")

@flow.task
def done(square: list[int]) -> str:
    return f"sum {sum(square)}"
"""

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A terminal of 100 columns: called with a command, it runs it; always gives what its screen shows."""
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]

    def screen(command: str | None = None, *, key: str | None = None) -> str:
        if command is not None:
            kept = ("PATH", "HOME", "PYTHONPATH", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
            environment = [f"-e{name}={os.environ[name]}" for name in kept if name in os.environ]
            shell = f"{command}; echo exit=$?; sleep 30"
            subprocess.run(
                [*tmux, "new-session", "-d", "-x", "100", "-y", "30", *environment, shell],
                check=True,
                cwd=tmp_path,
            )
        if key is not None:
            subprocess.run([*tmux, "send-keys", key], check=True)
        return subprocess.run(
            [*tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True
        ).stdout

    yield screen
    subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)


def shown(screen: Callable[..., str], *wanted: str) -> str:
    """The screen once it shows all that is wanted."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        text = screen()
        if all(w in text for w in wanted):
            return text
        time.sleep(0.1)
    raise AssertionError(f"never all of {wanted} on the screen:\n{screen()}")


def test_tasks_are_seen_at_work_and_then_in_a_table(terminal: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    terminal(f"{shlex.quote(sys.executable)} -m aiorch run flow.py")
    live = shown(terminal, "no 3", "1 running", "3 done")
    assert "exit=" not in live
    final = shown(terminal, "exit=0")
    assert "slow: done" in final
    assert "sum 14" in final
    assert "1 running" not in final


def test_ctrl_c_says_what_was_finished_and_leaves_a_clean_terminal(
    terminal: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    terminal(f"{shlex.quote(sys.executable)} -m aiorch run flow.py")
    shown(terminal, "no 3", "1 running", "3 done")
    began = time.monotonic()
    terminal(key="C-c")
    text = shown(terminal, "exit=130")
    assert time.monotonic() - began < 2.3
    assert "finished: numbers, square[0] (no 1), square[1] (no 2)" in text
    assert "not started: done" in text
