"""Budgets of a day that several machines share."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from aiorch.clock import SystemClock
from aiorch.quotas import PostgresRows
from aiorch.routing.day_purse import DayBook, DayHold, DayLimit, DaySpent
from aiorch.routing.day_rows import SharedDays


@pytest.mark.anyio
async def test_machines_never_overshoot_the_day_together(postgres_url: str) -> None:
    clock = SystemClock()
    books = [DayBook(SharedDays(PostgresRows(postgres_url)), clock) for _ in range(2)]
    limits = {"everything": DayLimit(usd=Decimal(1)), "tenant:acme": DayLimit(tokens=5_000)}
    granted: list[DayHold] = []

    async def machine(book: DayBook) -> None:
        for _ in range(8):
            answer = await book.reserve(limits, Decimal("0.1"), 100)
            if isinstance(answer, DayHold):
                granted.append(answer)

    async with anyio.create_task_group() as group:
        for book in books:
            group.start_soon(machine, book)
    assert len(granted) == 10
    assert await books[0].spent() == DaySpent(Decimal(1), 1_000)
    assert await books[1].spent("tenant:acme") == DaySpent(Decimal(1), 1_000)
    for book in books:
        await book.aclose()
