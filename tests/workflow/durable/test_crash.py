"""A process that is killed in the middle: what it committed stays, and its run is carried on at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
import anyio
from aiorch.workflow.durable import Durable

folder, url = sys.argv[1:]


def log(line):
    with open(f"{folder}/ledger", "a") as ledger:
        ledger.write(line + "\\n")
        ledger.flush()
        os.fsync(ledger.fileno())


async def body(journal):
    values = {}

    async def step(lane, number):
        async def effect():
            log(f"S {lane}.{number}")
            await anyio.sleep(0.02)
            log(f"E {lane}.{number}")
            return f"{lane}.{number}"

        values[f"{lane}.{number}"] = await journal.once(f"{lane}.{number}", effect, returns=str, ledger=True)

    async def lane(name):
        for number in range(10):
            await step(name, number)

    async with anyio.create_task_group() as tasks:
        for name in "abc":
            tasks.start_soon(lane, name)
    return values


async def main():
    engine = Durable(url)
    print(len(await engine.run("r", "1", body, returns=dict[str, str])), flush=True)
    await engine.aclose()


anyio.run(main)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(
    "after", [4, 14]
)  # of three lanes: one is at its second step, so its first is committed
def test_nothing_that_was_committed_is_done_again_after_a_kill(tmp_path: Path, url: str, after: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), url]
    ledger = tmp_path / "ledger"
    with subprocess.Popen(command, start_new_session=True) as child:
        while not ledger.exists() or ledger.read_text().count("E ") < after:
            assert child.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
        committed = {key for (key,) in db.execute("SELECT key FROM aiorch_effects")}
        begun = Counter(key for (key,) in db.execute("SELECT key FROM aiorch_calls"))
    before = Counter(ledger.read_text().split("\n"))
    assert committed
    assert all(before[f"E {key}"] for key in committed)
    assert all(begun[line[2:]] for line in before if line.startswith("S ")), "begun, and not in the ledger"

    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout == "30\n"
    ended = Counter(line[2:] for line in ledger.read_text().split("\n") if line.startswith("E "))
    assert len(ended) == 30
    assert {key for key in committed if ended[key] > 1} == set()
