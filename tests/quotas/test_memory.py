"""Quotas of one process."""

from __future__ import annotations

import threading

import anyio
import pytest

from aiorch.quotas import Demand, Full, Lease, MemoryQuotas, Quotas, SharedQuotas, StoreRows
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import Limit


@pytest.mark.anyio
async def test_a_lease_is_had_at_once_and_kept_to() -> None:
    clock = FakeClock()
    quotas = MemoryQuotas(clock)
    quotas.define("a", [Limit(2, "requests", "minute"), Limit(1_000, "tokens", "minute")])
    first = await quotas.lease(Demand(("a",), tokens=600))
    assert isinstance(first, Lease)
    assert isinstance(await quotas.lease(Demand(("a",), tokens=600)), Full)
    quotas.arrived(first)
    quotas.settle(first, tokens=100)
    second = await quotas.lease(Demand(("a",), tokens=600))
    assert isinstance(second, Lease)
    assert quotas.full(["a"], clock.now()) == Full(clock.now() + 60, "a", Limit(2, "requests", "minute"), 1)
    quotas.release(second)
    assert quotas.full(["a"], clock.now()) is None
    quotas.observe("a", "requests", "minute", limit=1, remaining=0, reset_at=clock.now() + 30)
    assert [(str(use.limit), use.used) for use in await quotas.show()] == [
        ("1 requests a minute", 1),
        ("1,000 tokens a minute", 100),
    ]
    await quotas.aclose()


def test_threads_cannot_overshoot() -> None:
    quotas, granted = MemoryQuotas(FakeClock()), list[Lease]()
    quotas.define("a", [Limit(1_000, "requests", "day")])

    async def calls() -> None:
        for _ in range(400):
            lease = await quotas.lease(Demand(("a",)))
            if isinstance(lease, Lease):
                granted.append(lease)
                quotas.settle(lease, tokens=0)

    threads = [threading.Thread(target=anyio.run, args=(calls,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 1_000


def test_both_kinds_are_quotas() -> None:
    clock = FakeClock()
    kinds: list[Quotas] = [MemoryQuotas(clock), SharedQuotas(clock, StoreRows(Store.in_memory(), clock))]
    assert len(kinds) == 2


def test_a_demand_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        Demand(("a",), tokens=-1)
