"""The ring around shared limits: the store, threads, forks, stores that fail."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from aiorch.clock import SystemClock
from aiorch.errors import StorageError
from aiorch.quotas import MIGRATIONS, Demand, Full, Lease, PostgresRows, Rows, SharedQuotas, StoreRows
from aiorch.quotas.rows import Decide
from aiorch.quotas.shared import ALONE, SOONEST
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import Limit

REQUEST = Demand(("a",))


class NoAlarm:
    """Rings when the test says so."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.rings: list[Callable[[], None]] = []
        self.cancelled = 0

    def __call__(self, seconds: float, ring: Callable[[], None]) -> NoAlarm:
        self.waits.append(seconds)
        self.rings.append(ring)
        return self

    def cancel(self) -> None:
        self.cancelled += 1

    async def ring(self) -> None:
        """As a thread would."""
        await anyio.to_thread.run_sync(self.rings.pop(0))


class Failing:
    """Rows that cannot be used while ``broken``."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.broken = False
        self.exchanges = 0

    async def exchange(self, keys: Sequence[str], decide: Decide) -> None:
        self.exchanges += 1
        if self.broken:
            raise StorageError("the disk is full")
        await self._rows.exchange(keys, decide)

    async def states(self) -> list[str]:
        return await self._rows.states()

    async def aclose(self) -> None:
        await self._rows.aclose()


@pytest.fixture(params=["sqlite", "postgres"])
def rows(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Callable[[], Rows]]:
    """Makes rows of one database. PostgreSQL has its own time."""
    if request.param == "sqlite":
        yield lambda: StoreRows(Store(tmp_path / "quotas.sqlite3", MIGRATIONS), clock)
        return
    made, url = list[PostgresRows](), request.getfixturevalue("postgres_url")

    def make() -> Rows:
        made.append(PostgresRows(url))
        return made[-1]

    yield make
    for db in (db for rows in made for db in rows._inherited):
        db.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(now=time.time())


def one(clock: FakeClock, rows: Rows, *limits: Limit, alarm: NoAlarm | None = None) -> SharedQuotas:
    quotas = SharedQuotas(clock, rows, alarm=alarm or NoAlarm())
    quotas.define("a", limits)
    return quotas


async def leased(quotas: SharedQuotas, demand: Demand = REQUEST) -> Lease:
    lease = await quotas.lease(demand)
    assert isinstance(lease, Lease), lease
    return lease


async def refused(quotas: SharedQuotas, demand: Demand = REQUEST) -> Full:
    full = await quotas.lease(demand)
    assert isinstance(full, Full)
    return full


async def used(quotas: SharedQuotas) -> dict[str, int]:
    return {f"{use.name}: {use.limit}": use.used for use in await quotas.show()}


@pytest.mark.anyio
async def test_processes_share_one_limit(rows: Callable[[], Rows], clock: FakeClock) -> None:
    limit = Limit(10, "requests", "month")
    first, second = one(clock, rows(), limit), one(clock, rows(), limit)
    for quotas in (first, second) * 5:
        await leased(quotas)
    assert (await refused(first)).limit == limit
    assert (await refused(second)).name == "a"
    await first.aclose()
    await second.aclose()


@pytest.mark.anyio
async def test_a_restart_forgets_nothing(rows: Callable[[], Rows], clock: FakeClock) -> None:
    limits = Limit(3, "requests", "month"), Limit(1_000, "tokens", "month")
    before = one(clock, rows(), *limits)
    for _ in range(2):
        before.settle(await leased(before, Demand(("a",), tokens=400)), tokens=150)
    await before.aclose()
    after = one(clock, rows(), *limits)
    assert await used(after) == {"a: 3 requests a month": 2, "a: 1,000 tokens a month": 300}
    lease = await leased(after, Demand(("a",), tokens=700))
    after.arrived(lease)
    after.settle(lease, tokens=0)
    await refused(after)
    assert after.full(["a"], clock.now()) is not None
    await after.aclose()


@pytest.mark.anyio
async def test_concurrent_calls_of_one_process_cannot_overshoot(
    rows: Callable[[], Rows], clock: FakeClock
) -> None:
    quotas, answers = one(clock, rows(), Limit(25, "requests", "day")), list[Lease | Full]()

    async def call() -> None:
        answers.append(await quotas.lease(REQUEST))

    async with anyio.create_task_group() as tasks:
        for _ in range(40):
            tasks.start_soon(call)
    assert sum(isinstance(answer, Lease) for answer in answers) == 25
    await quotas.aclose()


@pytest.mark.anyio
async def test_of_calls_that_come_together_few_ask_the_store(
    rows: Callable[[], Rows], clock: FakeClock
) -> None:
    counted = Failing(rows())
    quotas = one(clock, counted, Limit(100_000, "requests", "day"))
    async with anyio.create_task_group() as tasks:
        for _ in range(256):
            tasks.start_soon(leased, quotas)
    assert counted.exchanges <= 10
    await quotas.aclose()


@pytest.mark.anyio
async def test_what_was_released_is_free_again(rows: Callable[[], Rows], clock: FakeClock) -> None:
    quotas = one(clock, rows(), Limit(1, "requests", "day"))
    quotas.release(await leased(quotas))
    quotas.settle(await leased(quotas), tokens=0)
    await refused(quotas)
    await quotas.aclose()


@pytest.mark.anyio
async def test_headers_reach_the_other_processes(rows: Callable[[], Rows], clock: FakeClock) -> None:
    limit = Limit(50, "requests", "day")
    first, second = one(clock, rows(), limit), one(clock, rows(), limit)
    lease = await leased(first)
    first.observe("a", "requests", "day", limit=50, remaining=0, reset_at=clock.now() + 600)
    first.settle(lease, tokens=0)
    await refused(first)
    full = await refused(second)
    assert 590 < full.until - clock.now() < 610
    await first.aclose()
    await second.aclose()


@pytest.mark.anyio
async def test_limits_are_shown_also_before_they_are_used(rows: Callable[[], Rows], clock: FakeClock) -> None:
    quotas = one(clock, rows(), Limit(10, "requests", "day"), Limit(5, "requests", "at once"))
    quotas.define("b", [Limit(10, "tokens", "day")])
    await leased(quotas)
    shown = {f"{use.name}: {use.limit}": use for use in await quotas.show()}
    assert {name: (use.used, use.left, use.reserved) for name, use in shown.items()} == {
        "a: 10 requests a day": (1, 9, 1),
        "a: 5 requests at once": (1, 4, 1),
        "b: 10 tokens a day": (0, 10, 0),
    }
    assert (shown["a: 10 requests a day"].resets_at or 0) > clock.now()
    assert shown["a: 5 requests at once"].resets_at is None
    await quotas.aclose()


@pytest.mark.anyio
async def test_time_is_the_databases_however_wrong_a_machines_clock_is(postgres_url: str) -> None:
    limit = Limit(2, "requests", "minute")
    right, wrong = FakeClock(now=time.time()), FakeClock(now=time.time() + 7_200)
    first, second = (
        one(right, PostgresRows(postgres_url), limit),
        one(wrong, PostgresRows(postgres_url), limit),
    )
    first.settle(await leased(first), tokens=0)
    second.settle(await leased(second), tokens=0)
    for quotas, clock in ((first, right), (second, wrong)):
        full = await refused(quotas)
        assert 0 < full.until - clock.now() < 61
        await quotas.aclose()


# --- by itself --------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_an_idle_process_gives_back_by_itself(tmp_path: Path) -> None:
    clock, limit = SystemClock(), Limit(1, "requests", "at once")
    store = Store(tmp_path / "quotas.sqlite3", MIGRATIONS)
    idle, other = (SharedQuotas(clock, StoreRows(store, clock)) for _ in range(2))
    for quotas in (idle, other):
        quotas.define("a", [limit])
    idle.settle(await leased(idle), tokens=0)
    await refused(other)
    with anyio.fail_after(30):
        while isinstance(lease := await other.lease(REQUEST), Full):
            await anyio.sleep(0.1)
    other.settle(lease, tokens=0)
    await idle.aclose()
    await other.aclose()
    assert not [t for t in threading.enumerate() if t.name == "aiorch-quotas" and not t.daemon]
    await store.aclose()


@pytest.mark.anyio
async def test_the_alarm_is_set_for_what_is_due_first_and_not_again_for_the_same(
    rows: Callable[[], Rows], clock: FakeClock
) -> None:
    alarm = NoAlarm()
    quotas = one(clock, rows(), Limit(100, "requests", "day"), alarm=alarm)
    quotas.define("b", [Limit(100, "requests", "second")])
    await leased(quotas)
    assert alarm.waits == [pytest.approx(5, abs=0.5)]
    await leased(quotas, Demand(("b",)))
    assert alarm.waits[1:] == [SOONEST]
    assert alarm.cancelled == 1
    await leased(quotas)
    assert len(alarm.waits) == 2
    await quotas.aclose()
    assert alarm.cancelled == 2


@pytest.mark.anyio
async def test_while_anything_is_held_the_alarm_is_set_again(
    rows: Callable[[], Rows], clock: FakeClock
) -> None:
    alarm = NoAlarm()
    quotas = one(clock, rows(), Limit(100, "requests", "month"), alarm=alarm)
    lease = await leased(quotas)
    clock.advance(6)
    await alarm.ring()
    assert len(alarm.rings) == 1
    quotas.settle(lease, tokens=0)
    clock.advance(6)
    await alarm.ring()
    assert alarm.rings == []
    await quotas.tend()
    assert await used(quotas) == {"a: 100 requests a month": 1}
    await quotas.aclose()


# --- what may go wrong ------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_without_its_store_a_process_counts_alone_and_says_so_once(
    rows: Callable[[], Rows], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    alarm, failing = NoAlarm(), Failing(rows())
    quotas = one(clock, failing, Limit(2, "requests", "month"), alarm=alarm)
    quotas.settle(await leased(quotas), tokens=0)
    failing.broken = True
    clock.advance(6)
    with caplog.at_level(logging.WARNING, "aiorch"):
        await alarm.ring()
        assert alarm.waits[-1] == ALONE
        asked = failing.exchanges
        quotas.settle(await leased(quotas), tokens=0)
        assert (await refused(quotas)).until > clock.now()
        assert quotas.full(["a"], clock.now()) is not None
        assert failing.exchanges == asked
        clock.advance(ALONE)
        await refused(quotas)
    assert [record.message for record in caplog.records] == [
        "limits are kept by this process alone, not together with others: the disk is full"
    ]
    failing.broken = False
    clock.advance(ALONE)
    await leased(quotas)
    await refused(quotas)
    failing.broken = True
    await quotas.aclose()


@pytest.mark.anyio
async def test_cancelling_while_the_store_is_asked_loses_nothing(clock: FakeClock) -> None:
    class Slow(Failing):
        async def exchange(self, keys: Sequence[str], decide: Decide) -> None:
            await anyio.sleep_forever()

    rows = StoreRows(Store.in_memory(MIGRATIONS), clock)
    quotas = one(clock, Slow(rows), Limit(1, "requests", "day"))
    with anyio.move_on_after(0.05) as scope:
        await quotas.lease(REQUEST)
    assert scope.cancelled_caught
    quotas._rows = rows
    await leased(quotas)


@pytest.mark.anyio
async def test_a_fork_does_not_serve_from_its_parents_block(
    rows: Callable[[], Rows], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(rows())
    quotas = one(clock, failing, Limit(1_000, "requests", "day"))
    for _ in range(10):
        await leased(quotas)
    asked = failing.exchanges
    monkeypatch.setattr(os, "getpid", lambda: 1)
    await leased(quotas)
    assert failing.exchanges == asked + 1
    assert await used(quotas) == {"a: 1,000 requests a day": 16}  # 15 of the parent, 1 of the child
    monkeypatch.undo()
    await quotas.aclose()


def test_several_loops_and_threads_may_share_one(rows: Callable[[], Rows], clock: FakeClock) -> None:
    quotas, granted = one(clock, rows(), Limit(300, "requests", "day")), list[Lease]()

    async def calls() -> None:
        for _ in range(100):
            lease = await quotas.lease(REQUEST)
            if isinstance(lease, Lease):
                granted.append(lease)
                quotas.settle(lease, tokens=0)

    threads = [
        threading.Thread(target=lambda b=backend: anyio.run(calls, backend=b))
        for backend in ("asyncio", "trio", "asyncio", "asyncio")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 300
    anyio.run(quotas.aclose)


@pytest.mark.anyio
async def test_rows_that_say_nothing_any_more_are_removed(tmp_path: Path, clock: FakeClock) -> None:
    store = Store(tmp_path / "quotas.sqlite3", MIGRATIONS)
    quotas = one(clock, StoreRows(store, clock), Limit(5, "requests", "second"))
    quotas.settle(await leased(quotas), tokens=0)
    await quotas.aclose()
    clock.advance(3_600)
    again = one(clock, StoreRows(store, clock))
    again.define("b", [Limit(5, "requests", "second")])
    await leased(again, Demand(("b",)))
    assert await used(again) == {"b: 5 requests a second": 1}
    await again.aclose()
    await store.aclose()
