"""What it costs to keep to limits: microseconds of CPU for a lease and its settlement.

    python benchmarks/quotas.py [--calls 20000]

Each call is bound by three names with nine limits: an account and a model with requests and tokens by the minute and by
the day, a user with requests by the hour. "Shared" rows serve from blocks, with the store's work counted; "full" is a
refusal.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from aiorch.clock import SystemClock
from aiorch.quotas import MIGRATIONS, Demand, Full, MemoryQuotas, Quotas, SharedQuotas, StoreRows
from aiorch.store import Store
from aiorch.types import Limit

NAMES = ("groq#KEY", "groq/qwen#KEY", "user:u1")
PLENTY = 10**12
DEMAND = Demand(NAMES, tokens=900)


def defined(quotas: Quotas, amount: int = PLENTY) -> Quotas:
    """Give the three names their nine limits."""
    periods = ("minute", "day")
    limits = [Limit(amount, unit, per) for unit in ("requests", "tokens") for per in periods]
    for name in NAMES[:2]:
        quotas.define(name, limits)
    quotas.define(NAMES[2], [Limit(amount, "requests", "hour")])
    return quotas


async def per_call(quotas: Quotas, calls: int) -> float:
    """Microseconds of CPU for a lease and its settlement (or for a refusal), all threads counted."""
    before = time.process_time()
    for _ in range(calls):
        lease = await quotas.lease(DEMAND)
        if not isinstance(lease, Full):
            quotas.settle(lease, tokens=640)
    return (time.process_time() - before) / calls * 1e6


async def main(calls: int) -> None:
    """Measure and print the table."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "quotas.sqlite3", MIGRATIONS)
        kinds: dict[str, Quotas] = {
            "in memory": defined(MemoryQuotas(clock)),
            "in memory, full": defined(MemoryQuotas(clock), amount=0),
            "shared, SQLite": defined(SharedQuotas(clock, StoreRows(store, clock))),
        }
        print(f"{'CPU us a call':24}{'median':>8}{'min':>8}{'max':>8}   {calls:,} calls, 7 runs")
        for name, quotas in kinds.items():
            await per_call(quotas, calls // 10)
            runs = [await per_call(quotas, calls) for _ in range(7)]
            print(f"{name:24}{statistics.median(runs):8.1f}{min(runs):8.1f}{max(runs):8.1f}")
            await quotas.aclose()
        await store.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=20_000)
    asyncio.run(main(parser.parse_args().calls))
