"""Real worker processes: killed, paused, stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import anyio
import pytest
from tests.workflow.durable.jobs import PATIENCE, ended, job

from aiorch.workflow.durable import Runs

ROOT = Path(__file__).parents[3]
LEASE = 2.0

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals of POSIX"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Workers:
    """Processes that carry out jobs, and what they wrote down."""

    def __init__(self, url: str, log: Path) -> None:
        self._url = url
        self._log = log
        self._all: list[subprocess.Popen[str]] = []

    def start(self, seconds: float) -> subprocess.Popen[str]:
        """One more, ready."""
        command = [sys.executable, "-m", "tests.workflow.durable.jobs", self._url, str(self._log)]
        worker = subprocess.Popen(
            [*command, str(LEASE), str(seconds)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._all.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "UP\n"
        return worker

    def lines(self, what: str, worker: subprocess.Popen[str] | None = None) -> list[str]:
        """Prompts of the calls that began or ended."""
        if not self._log.exists():
            return []
        read = [json.loads(line) for line in self._log.read_text().splitlines() if line.endswith("]")]
        return [p for kind, p, pid, _ in read if kind == what and (worker is None or pid == worker.pid)]

    def end(self) -> None:
        """All of them."""
        for worker in self._all:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()
            if worker.stdout is not None:
                worker.stdout.close()


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Generator[Workers]:
    found = Workers(url, tmp_path / "calls.jsonl")
    yield found
    found.end()


async def _so(what: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not what():
            await anyio.sleep(0.05)


async def test_a_killed_workers_runs_are_taken_over_and_nothing_committed_is_repeated(
    url: str, workers: Workers
) -> None:
    async with Runs(url) as runs:
        names = [str(i) for i in range(4)]
        for name in names:
            await runs.submit(job(), {"n": name}, run_id=name)
        victim = workers.start(seconds=0.4)
        await _so(lambda: any("again" in prompt for prompt in workers.lines("begin", victim)))
        victim.kill()
        victim.wait()
        other = workers.start(seconds=0.05)
        for name in names:
            assert (await ended(runs, name)).state == "done"
        for name in names:
            calls = await runs.calls(name)
            committed = [call.key for call in calls if call.state == "committed"]
            assert sorted(committed) == ["first:model", "second:model"]
        assert 2 in [(await runs.get(name)).attempts for name in names]
        assert [one.pid for one in await runs.workers()] == [other.pid]


async def test_what_a_worker_brings_after_it_was_taken_for_dead_is_thrown_away(
    url: str, workers: Workers
) -> None:
    async with Runs(url) as runs:
        slow = workers.start(seconds=1.0)
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await _so(lambda: workers.lines("begin", slow) == ["think about owls"])
        slow.send_signal(signal.SIGSTOP)
        workers.start(seconds=0.05)
        done = await ended(runs, "owls")
        assert (done.state, done.attempts) == ("done", 2)
        before = await runs.calls("owls")
        slow.send_signal(signal.SIGCONT)
        await anyio.sleep(2.0)  # its own call would have ended by then
        assert await runs.calls("owls") == before
        assert (await runs.get("owls")).worker == done.worker
        for i in range(8):  # and it goes on serving, under a new name
            await runs.submit(job(), {"n": str(i)}, run_id=str(i))
        await _so(lambda: len(workers.lines("begin", slow)) > 1)
        for i in range(8):
            assert (await ended(runs, str(i))).state == "done"


async def test_a_worker_that_is_asked_to_stop_finishes_what_it_is_at_and_takes_nothing_new(
    url: str, workers: Workers
) -> None:
    async with Runs(url) as runs:
        worker = workers.start(seconds=0.5)
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await _so(lambda: bool(workers.lines("begin")))
        worker.send_signal(signal.SIGTERM)
        await anyio.sleep(0.2)
        await runs.submit(job(), {"n": "bats"}, run_id="bats")
        assert await anyio.to_thread.run_sync(lambda: worker.wait(PATIENCE)) == 0
        assert (await runs.get("owls")).state == "done"
        assert (await runs.get("bats")).state == "queued"
        assert await runs.workers() == ()


async def test_a_second_signal_hands_back_at_once(url: str, workers: Workers) -> None:
    async with Runs(url) as runs:
        worker = workers.start(seconds=300.0)
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await _so(lambda: bool(workers.lines("begin")))
        began = time.monotonic()
        worker.send_signal(signal.SIGINT)
        await anyio.sleep(0.5)
        worker.send_signal(signal.SIGINT)
        assert await anyio.to_thread.run_sync(lambda: worker.wait(PATIENCE)) == 0
        assert time.monotonic() - began < 20  # the grace that was given
        assert (await runs.get("owls")).state == "queued"
