"""What ``aiorch run`` can do beside carrying out: rehearse, draw, keep a page, ask a person, carry on."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from aiorch.cli.answering import attend
from aiorch.events import Bus, NodeWaiting
from aiorch.views import Board
from aiorch.workflow import Run, Services, Workflow, execute
from aiorch.workflow.runs import Waiting

WAITS = """
@flow.task
def draft(name: str) -> str:
    return f"Dear {name}"

flow.approve("ok", "Send this to {draft}?")

@flow.task(after=["ok"], tags="out")
def send(draft: str) -> str:
    return draft + "!"
"""
ASKS = "flow.ask('facts', 'List the changes in: {log}')"


# --- instead of a run --------------------------------------------------------------------------------------------


def test_a_workflow_is_printed_as_mermaid_and_needs_no_inputs(aiorch, flow):
    done = aiorch("run", flow(WAITS), "--mermaid")
    assert done.exit_code == 0
    assert "flowchart TB" in done.stdout
    assert 'n1{{"ok<br/>a person decides"}}:::person' in done.stdout
    assert json.loads(aiorch("run", flow(WAITS), "--mermaid", "--json").stdout)["mermaid"].startswith("---")


def test_a_dry_run_says_what_would_be_done_and_asks_nobody(aiorch, flow, scripted, tmp_path: Path):
    scripted("raise_if_asked", delay="60.0")
    page = tmp_path / "plan.html"
    path = flow(WAITS + ASKS)
    done = aiorch("run", path, "name=Ann", "log=x", "--dry-run", "--html", str(page))
    assert "1. draft, facts" in done.stdout, done.stderr
    assert "facts asks general: List the changes in: x" in done.stdout
    assert "what would be asked" in page.read_text()
    document = json.loads(aiorch("run", path, "name=Ann", "log=x", "--dry-run", "--json").stdout)
    assert document["plan"]["groups"][1:] == [["ok"], ["send"]]
    assert isinstance(document["problems"], list)


def test_a_dry_run_fails_where_the_run_would(aiorch, flow):
    done = aiorch("run", flow(ASKS), "log=x", "--dry-run")
    assert done.exit_code == 1
    assert "error: [" in done.stderr


@pytest.mark.parametrize("limit", ["gpu", "gpu=0", "gpu=x", "=3"])
def test_a_limit_that_is_none_is_refused(aiorch, flow, limit: str):
    done = aiorch("run", flow(WAITS), "--limits", limit)
    assert done.exit_code == 2
    assert "is no TAG=N" in done.stderr


def test_limits_by_tag_reach_the_run(aiorch, flow):
    path = flow(
        "import threading\nnow, most = [], []\n"
        "def work(n: int) -> int:\n    now.append(n); most.append(len(now)); time.sleep(0.02); now.pop(); return n\n"
        "flow.add('work', work, tags='gpu').map(n='numbers')\n"
        "@flow.task\ndef top(work: list[int]) -> int: return max(most)"
    )
    assert aiorch("run", path, "1", "2", "3", "4", "--limits", "gpu=1").stdout == "1\n"


# --- a page ------------------------------------------------------------------------------------------------------


def test_a_page_is_written_whether_the_run_is_done_or_failed(aiorch, flow, tmp_path: Path):
    page = tmp_path / "run.html"
    path = flow("@flow.task\ndef one(x: int) -> int: return 1 // x")
    done = aiorch("run", path, "x=1", "--html", str(page))
    assert f"wrote {page}" in done.stderr
    assert "<summary>workflow</summary>" in page.read_text()
    page.unlink()
    assert aiorch("run", path, "x=0", "--html", str(page)).exit_code == 1
    assert "ZeroDivisionError" in page.read_text()


# --- people ------------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_says_where_one_can_answer(start, flow):
    process = start("run", flow(WAITS), "name=Ann")
    assert process.stderr is not None
    said: list[str] = []
    while "answer:" not in (line := process.stderr.readline()):
        assert line, said
        said.append(line)
    assert "        Send this to Dear Ann?\n" in said
    assert "--engine sqlite:///runs.db" in line
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped: ok" in err
    assert "go on with" not in err  # nothing was kept


@pytest.mark.parametrize(("typed", "answer"), [(("perhaps", "y"), "Dear Ann!"), ((None,), "interrupted")])
def test_whoever_sits_at_the_terminal_is_asked(flow, typed: tuple[str | None, ...], answer: str):
    out, err, code = at_a_terminal("run", flow(WAITS), "name=Ann", prompt="ok: allow? [y/N] ", typed=typed)
    assert "Send this to Dear Ann?" in err
    assert (out.strip(), code) == ((answer, 0) if answer != "interrupted" else ("", 130))
    assert err.count("[y/N]") == len(typed)


def at_a_terminal(*args: str, prompt: str, typed: tuple[str | None, ...]) -> tuple[str, str, int]:
    """Run the program with a terminal as its standard input; ``None`` presses Ctrl-C there."""
    ours, theirs = pty.openpty()
    source = str(Path(__file__).parents[2] / "src")
    process = subprocess.Popen(
        [sys.executable, "-m", "aiorch", *args],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    )
    os.close(theirs)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said, left, end = b"", list(typed), time.monotonic() + 60
        while left:
            assert time.monotonic() < end, said
            if select.select([process.stderr], [], [], 0.1)[0]:
                said += os.read(process.stderr.fileno(), 65_536)
            if said.count(prompt.encode()) > len(typed) - len(left):
                word = left.pop(0)
                if word is None:
                    process.send_signal(signal.SIGINT)
                else:
                    os.write(ours, f"{word}\n".encode())
        out, err = process.communicate(timeout=60)
        return out.decode(), (said + err).decode(), process.returncode
    finally:
        process.kill()
        os.close(ours)


@pytest.mark.anyio
async def test_what_is_typed_is_the_answer_and_enter_alone_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, capsys
):
    async def ask(*_: object) -> None: ...

    async def typed(prompt: str) -> str:
        return {"ok: allow? [y/N] ": "\n", "payment = (JSON or text) ": '{"sum": 3}\n'}.get(
            prompt, "as text\n"
        )

    monkeypatch.setattr("aiorch.cli.answering._typed", typed)
    flow = Workflow("w")
    flow.wait_for("paid", "payment")
    flow.wait_for("said")
    flow.approve("ok", "Thank {paid}?")
    run, bus = Run("w"), Bus()
    async with anyio.create_task_group() as beside:
        beside.start_soon(attend, run, Board(), bus.subscribe, str, True)
        await anyio.wait_all_tasks_blocked()
        await execute(flow, services=Services(ask, bus=bus), run=run)  # pyright: ignore[reportArgumentType]
        beside.cancel_scope.cancel()
    assert run.results == {"paid": {"sum": 3}, "said": "as text"}
    assert [row.state for row in run.timeline] == ["done", "done", "refused"]
    assert "said waits for the event said" in capsys.readouterr().err


@pytest.mark.anyio
async def test_a_question_that_was_answered_elsewhere_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys):
    run, bus = Run("w", id="r", state="running"), Bus()
    run._waiting["ok"] = Waiting("ok", "approval", "ok", "Send?")

    async def late(prompt: str) -> str:
        run.state = "done"
        return "y\n"

    async def gone(prompt: str) -> None:
        return None

    monkeypatch.setattr("aiorch.cli.answering._typed", late)
    async with anyio.create_task_group() as beside:
        beside.start_soon(attend, run, Board(), bus.subscribe, str, False)
        await anyio.wait_all_tasks_blocked()
        assert "cannot be sent: run r is done" in capsys.readouterr().err
        monkeypatch.setattr("aiorch.cli.answering._typed", gone)
        run._waiting["more"] = Waiting("more", "approval", "more", "And this?")
        run._waiting["paid"] = Waiting("paid", "event", "payment")
        bus.emit(NodeWaiting(at=0.0, run_id="r", node="more", kind="approval", name="more"))
        await anyio.wait_all_tasks_blocked()
        err = capsys.readouterr().err
        assert "And this?" in err
        assert "payment" not in err  # others can send it
        beside.cancel_scope.cancel()


# --- a run that is kept ------------------------------------------------------------------------------------------


def test_an_interrupted_run_is_carried_on_under_its_id(aiorch, start, flow, tmp_path: Path):
    engine = f"sqlite:///{tmp_path / 'runs.db'}"
    path = flow(WAITS)
    process = start("run", path, "name=Ann", "--engine", engine, "--run-id", "one")
    assert process.stderr is not None
    said: list[str] = []
    while "answer:" not in (line := process.stderr.readline()):
        assert line, said
        said.append(line)
    assert line.strip() == f"answer: aiorch runs approve one ok --engine {engine}"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"go on with: aiorch run {path} name=Ann --engine={engine} --run-id=one" in err
    assert aiorch("runs", "approve", "one", "ok", "--engine", engine).exit_code == 0
    again = ("run", path, "name=Ann", "--engine", engine, "--run-id", "one")
    done = aiorch(*again)
    assert (done.stdout, done.exit_code) == ("Dear Ann!\n", 0), done.stderr
    assert "it was done before" not in done.stderr
    stored = aiorch(*again)
    assert stored.stdout == "Dear Ann!\n"
    assert "it was done before" in stored.stderr
