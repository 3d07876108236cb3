"""Real processes on one database, all asking as fast as they can."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest

from aiorch.quotas import MIGRATIONS
from aiorch.store import Store

LIMIT = 500
PROCESSES = 4

HAMMER = """
import sys
import anyio
from aiorch.clock import SystemClock
from aiorch.quotas import MIGRATIONS, Demand, Lease, PostgresRows, SharedQuotas, StoreRows
from aiorch.store import Store
from aiorch.types import Limit

async def main(place, fate):
    clock = SystemClock()
    rows = PostgresRows(place) if place.startswith("postgresql:") else StoreRows(Store(place, MIGRATIONS), clock)
    quotas = SharedQuotas(clock, rows)
    quotas.define("openrouter#KEY", [Limit(500, "requests", "month"), Limit(10_000_000, "tokens", "hour")])
    granted = 0

    async def caller():
        nonlocal granted
        while isinstance(lease := await quotas.lease(Demand(("openrouter#KEY",), tokens=1_000)), Lease):
            granted += 1
            print(granted, flush=True)
            if granted == 5 and fate == "dies":
                import os, signal
                os.kill(os.getpid(), signal.SIGKILL)
            await anyio.sleep(0)
            quotas.settle(lease, tokens=500)

    print("ready", flush=True)
    sys.stdin.readline()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(caller)
    await quotas.aclose()

anyio.run(main, sys.argv[1], sys.argv[2], backend=sys.argv[3])
"""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    store = Store(tmp_path / "quotas.sqlite3", MIGRATIONS)
    anyio.run(store.fetch, "SELECT * FROM aiorch_quotas")
    store.close()
    return store.path


def test_exactly_what_the_limit_allows_is_granted(place: str) -> None:
    assert sum(hammered(place, ["lives"] * PROCESSES)) == LIMIT


def test_a_process_that_is_killed_costs_its_block_and_never_an_overshoot(place: str) -> None:
    granted = hammered(place, ["dies", "lives", "lives"])
    assert granted[0] == 5
    assert LIMIT - LIMIT // 8 <= sum(granted) <= LIMIT


def hammered(place: str, fates: list[str]) -> list[int]:
    """How much each process was granted."""
    backends = ["asyncio", "trio"] * len(fates)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, place, fate, backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for fate, backend in zip(fates, backends, strict=False)
    ]
    granted = [0] * len(processes)

    def finish(number: int) -> None:
        out, err = processes[number].communicate("go\n", timeout=50)
        lines = out.split()
        granted[number] = int(lines[-1]) if lines else 0
        assert fates[number] == "dies" or processes[number].returncode == 0, err

    for process in processes:  # all have begun before the first one asks
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=finish, args=(number,)) for number in range(len(processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [p.returncode for p, fate in zip(processes, fates, strict=True) if fate == "lives"] == [
        0
    ] * fates.count("lives")
    return granted
