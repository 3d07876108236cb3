"""Ctrl-C and SIGTERM, on real processes: gone within a second, nothing left running, and what was done is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiorch.cli import stopping
from aiorch.cli.stopping import Stopped

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as Unix has them")

Process = subprocess.Popen[str]
MARK = """
@flow.task
def quick() -> int:
    return 1
@flow.task
def begun(quick: int) -> int:
    Path('begun').touch()
    return 2
"""
ASKS = MARK + "flow.ask('slow', 'Write a long story about {begun}.')\nflow.ask('last', 'Shorten: {slow}')\n"


def until(there: Callable[[], object], process: Process) -> None:
    """Wait for something that a process does."""
    deadline = time.monotonic() + 40
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stopped(process: Process, number: signal.Signals = signal.SIGINT) -> tuple[str, str, float]:
    """Send a signal. Returns what was said, and how many seconds the process then lived."""
    began = time.monotonic()
    process.send_signal(number)
    process.wait(20)
    lived = time.monotonic() - began
    out, err = process.communicate()
    return out, err, lived


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_stops_and_says_what_was_finished(start, flow, scripted, number: signal.Signals):
    process = start("run", flow(ASKS), PYTHONPATH=str(scripted(delay="60.0")))
    until(lambda: list(Path(os.environ["XDG_DATA_HOME"]).rglob("audit-*.jsonl")), process)
    time.sleep(0.3)
    out, err, lived = stopped(process, number)
    assert process.returncode == 130
    assert lived < 5  # a second, and the machine's own slowness
    assert out == ""
    for said in (
        "interrupted",
        "finished: quick, begun",
        "stopped: slow",
        "not started: last",
        "audit log: ",
    ):
        assert said in err
    assert "Traceback" not in err


def test_json_of_a_stopped_run_is_one_document(start, flow, scripted):
    process = start("run", "--json", flow(ASKS), PYTHONPATH=str(scripted(delay="60.0")))
    until(lambda: list(Path(os.environ["XDG_DATA_HOME"]).rglob("audit-*.jsonl")), process)
    time.sleep(0.3)
    document = json.loads(stopped(process)[0])
    assert document["state"] == "cancelled"
    assert {t["task"]: t["state"] for t in document["tasks"]} == {
        "quick": "done", "begun": "done", "slow": "cancelled", "last": "skipped",
    }  # fmt: skip


HANGS = MARK + "@flow.task\ndef hangs(begun: int) -> int:\n    time.sleep(60)\n    return 1\n"


def test_a_function_that_cannot_be_cancelled_does_not_hold_the_program(start, flow):
    process = start("run", flow(HANGS))
    until(Path("begun").exists, process)
    time.sleep(0.3)
    _out, err, lived = stopped(process)
    assert process.returncode == 130
    assert lived < 5
    assert "stopped: hangs" in err
    assert "finished: quick, begun" in err


def test_json_is_said_by_a_program_that_hangs_too(start, flow):
    process = start("run", "--json", flow(HANGS))
    until(Path("begun").exists, process)
    time.sleep(0.3)
    assert json.loads(stopped(process)[0])["state"] == "cancelled"


def test_a_loop_that_is_blocked_does_not_hold_the_program(start, flow):
    tasks = (
        MARK + "@flow.task(thread=False)\ndef blocks(begun: int) -> int:\n    while True: time.sleep(0.05)\n"
    )
    process = start("run", flow(tasks))
    until(Path("begun").exists, process)
    time.sleep(0.3)
    _, err, lived = stopped(process)
    assert (process.returncode, lived < 5) == (130, True)
    assert "stopped: blocks" in err


def test_the_second_time_it_ends_at_once(start, flow):
    process = start("run", flow(HANGS))
    until(Path("begun").exists, process)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    _, err, _lived = stopped(process)
    assert process.returncode == 130
    assert "stopped: hangs" in err


STUCK = """
import anyio
class Stuck(ScriptedProvider):
    async def stream(self, *given, **named):
        async for piece in super().stream(*given, **named):
            yield piece
            await anyio.sleep(60)
def make(settings): return Stuck(['on and on'], name='parrot')
"""


def test_an_answer_that_is_streamed_stops(start, scripted):
    folder = scripted()
    module = folder / "parrot.py"
    module.write_text(module.read_text() + STUCK)
    process = start("ask", "hi", PYTHONPATH=str(folder))
    assert process.stdout is not None
    first = process.stdout.read(3)
    _out, err, lived = stopped(process)
    assert (process.returncode, lived < 5) == (130, True)
    assert first == "on "
    assert err == "error: interrupted after 3 characters\n"
    assert "Traceback" not in err


def test_a_call_before_anything_is_shown_stops_too(start, scripted):
    process = start("ask", "hi", "--json", PYTHONPATH=str(scripted(delay="60.0")))
    until(lambda: list(Path(os.environ["XDG_DATA_HOME"]).rglob("audit-*.jsonl")), process)
    time.sleep(0.3)
    out, _err, _ = stopped(process)
    assert process.returncode == 130
    assert json.loads(out)["error"]["type"] == "Interrupted"


def test_the_doctor_stops(start, server, monkeypatch: pytest.MonkeyPatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        process = start("doctor", GROQ_API_KEY="gsk_0123456789abcdefghij", AIORCH_BASE_URLS=f"groq={url}")
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            _, err, lived = stopped(process)
    assert (process.returncode, lived < 5) == (130, True)
    assert "interrupted" in err


def test_a_blocking_download_ends_at_sigterm(start, tmp_path: Path):
    """No child of it is left behind either: the installer is a process of its own."""
    script = (
        "import sys, time, subprocess\nfrom aiorch.providers import local\n"
        "def install(name, folder, *, progress):\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "    open('child', 'w').write(str(child.pid))\n"
        "    try: time.sleep(60)\n    finally: child.kill(); child.wait()\n"
        "local.install = install\nfrom aiorch.cli import main\nmain(['local', 'install'])\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    until(lambda: Path("child").exists() and Path("child").read_text(), process)
    _, err, _ = stopped(process, signal.SIGTERM)
    assert process.returncode == 130
    assert "the same command goes on there" in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("child").read_text()), 0)


@pytest.mark.weights
def test_the_embedded_model_is_stopped_in_the_middle_of_an_answer(start, flow):
    from tests.conftest import WEIGHTS

    if not (Path(WEIGHTS) / "smollm2-135m.gguf").is_file():
        pytest.skip("no weights: aiorch local install")
    pytest.importorskip("xllamacpp")
    process = start("run", flow(ASKS), AIORCH_WEIGHTS_DIR=WEIGHTS)
    until(Path("begun").exists, process)
    time.sleep(2.5)
    _, err, lived = stopped(process)
    assert (process.returncode, lived < 5) == (130, True)
    assert "stopped: slow" in err or "finished: quick, begun, slow" in err


# --- the same in this process ------------------------------------------------------------------------------------


def test_work_that_is_not_interrupted_gives_its_value_and_says_nothing():
    async def work() -> int:
        return 3

    before = signal.getsignal(signal.SIGINT)
    assert stopping.run(work, lambda: pytest.fail("nobody was interrupted")) == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_errors_pass_through():
    async def work() -> int:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        stopping.run(work, lambda: pytest.fail("nobody was interrupted"))


class Timer:
    """A clock that never runs out."""

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self.daemon = False

    def start(self) -> None:
        assert self.daemon


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping.threading, "Timer", Timer)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("breaks", [False, True])
def test_cancelled_work_is_stopped_also_when_it_breaks_meanwhile(breaks: bool):
    import anyio

    said: list[str] = []

    async def work() -> int:
        signal.raise_signal(signal.SIGINT)
        try:
            await anyio.sleep(60)
        finally:
            if breaks:
                raise ConnectionError("torn down")
        return 1

    with pytest.raises(Stopped):
        stopping.run(work, lambda: said.append("last words"))
    assert said == ["last words"]


@pytest.mark.usefixtures("patient")
def test_a_signal_before_the_loop_runs_stops_the_work_at_its_first_wait(monkeypatch: pytest.MonkeyPatch):
    import anyio

    run = anyio.run

    def late(main: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return run(main)

    monkeypatch.setattr(anyio, "run", late)
    with pytest.raises(Stopped):
        stopping.run(anyio.sleep_forever, lambda: None)


@pytest.mark.usefixtures("patient")
def test_when_time_runs_out_the_last_words_are_said_once_and_the_cursor_is_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    class Gone(BaseException):
        pass

    def gone(code: int) -> None:
        raise Gone(code)

    said: list[str] = []
    stop = stopping._Stop(lambda: said.append("last words"))
    monkeypatch.setattr(os, "_exit", gone)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    stop._on_signal(signal.SIGINT, None)
    for _ in range(2):
        with pytest.raises(Gone, match="130"):
            stop._on_signal(signal.SIGINT, None)
    assert said == ["last words"]
    assert capsys.readouterr().err.startswith(stopping.SHOW_CURSOR)


def test_elsewhere_than_in_the_main_thread_signals_are_left_alone():
    from concurrent.futures import ThreadPoolExecutor

    before = signal.getsignal(signal.SIGINT)

    async def work() -> bool:
        return signal.getsignal(signal.SIGINT) is before

    with ThreadPoolExecutor() as pool:
        assert pool.submit(stopping.run, work, lambda: None).result()
