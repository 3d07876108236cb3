from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import StorageError
from aiorch.quotas.rows import Decide
from aiorch.routing.day_purse import (
    EVERYTHING,
    DayBook,
    DayLimit,
    DayPurse,
    DayPurses,
    DaySpent,
)
from aiorch.routing.day_rows import KEPT, MIGRATIONS, SharedDays, StoreDays
from aiorch.routing.spending import Hold
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import Budget

FREE = Decimal(0)
MIDNIGHT = 1_800_057_600.0
"""2027-01-16 00:00 UTC."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MIDNIGHT - 3_600)


@pytest.fixture
async def book(tmp_path: Path, clock: FakeClock) -> AsyncGenerator[DayBook]:
    store = Store(tmp_path / "aiorch.sqlite3", MIGRATIONS, clock=clock)
    yield DayBook(StoreDays(store, clock), clock)
    await store.aclose()


def again(tmp_path: Path, clock: FakeClock) -> DayBook:
    """As another process sees it."""
    return DayBook(StoreDays(Store(tmp_path / "aiorch.sqlite3", MIGRATIONS, clock=clock), clock), clock)


def store_of(book: DayBook) -> Store:
    days = book._days
    assert isinstance(days, StoreDays)
    return days._store


async def closed(book: DayBook) -> None:
    """What was not written is lost, as it is when a process dies."""
    await store_of(book).aclose()


def purse(
    book: DayBook, usd: str | None = None, tokens: int | None = None, name: str = EVERYTHING
) -> DayPurse:
    return DayPurse(book, {name: DayLimit(None if usd is None else Decimal(usd), tokens)})


async def taken(purse: DayPurse, usd: str = "0", tokens: int = 0) -> Hold:
    hold = await purse.reserve(Decimal(usd), tokens)
    assert isinstance(hold, Hold), hold
    return hold


@pytest.mark.anyio
async def test_the_worst_case_counts_until_it_is_settled(book: DayBook) -> None:
    mine = purse(book, "1", 1_000)
    hold = await taken(mine, "0.6", 400)
    assert await book.spent() == DaySpent(Decimal("0.6"), 400)
    mine.settle(hold, Decimal("0.1"), 50)
    mine.settle(hold, Decimal("0.1"), 50)
    mine.release(hold)
    assert await book.spent() == DaySpent(Decimal("0.1"), 50)
    mine.release(await taken(mine, "0.9", 950))
    assert await book.spent() == DaySpent(Decimal("0.1"), 50)


@pytest.mark.anyio
async def test_a_restart_forgets_nothing(book: DayBook, tmp_path: Path, clock: FakeClock) -> None:
    mine = purse(book, "1", 1_000)
    mine.settle(await taken(mine, "0.5", 500), Decimal("0.25"), 300)
    await book.write()
    await book.write()
    later = again(tmp_path, clock)
    assert await later.spent() == DaySpent(Decimal("0.25"), 300)
    assert await purse(later, "1", 1_000).reserve(FREE, 701) == (
        "it could take 701 tokens, and 700 of the day's budget (1,000) are left"
    )
    await closed(later)


@pytest.mark.anyio
async def test_what_a_process_that_died_had_reserved_stays_counted(
    book: DayBook, tmp_path: Path, clock: FakeClock
) -> None:
    await taken(purse(book, "1"), "0.7")
    later = again(tmp_path, clock)
    assert await purse(later, "1").reserve(Decimal("0.4"), 0) == (
        "it could cost 0.4 USD, and 0.3 of the day's budget (1 USD) are left"
    )
    await closed(later)


@pytest.mark.anyio
async def test_what_is_free_is_not_refused_for_money_that_is_gone(book: DayBook) -> None:
    assert isinstance(await purse(book, "0").reserve(FREE, 10_000), Hold)


@pytest.mark.anyio
async def test_the_day_ends_at_midnight_utc(book: DayBook, clock: FakeClock) -> None:
    mine = purse(book, tokens=100)
    mine.settle(await taken(mine, tokens=100), FREE, 100)
    clock.advance(3_599)
    assert isinstance(await mine.reserve(FREE, 1), str)
    clock.advance(1)
    assert (book.today(), mine.tokens_left) == ("2027-01-16", None)
    assert isinstance(await mine.reserve(FREE, 100), Hold)


@pytest.mark.anyio
async def test_a_call_belongs_to_the_day_on_which_it_began(book: DayBook, clock: FakeClock) -> None:
    mine = purse(book, tokens=100)
    hold = await taken(mine, tokens=100)
    clock.advance(7_200)
    mine.settle(hold, FREE, 30)
    assert (await book.spent()).tokens == 0
    assert (await book.spent(day="2027-01-15")).tokens == 30


@pytest.mark.anyio
async def test_days_long_past_are_forgotten(book: DayBook, clock: FakeClock) -> None:
    await taken(purse(book, tokens=100), tokens=1)
    clock.advance(KEPT + 86_400)
    await book.spent()
    assert (await book.spent(day="2027-01-15")).tokens == 0


@pytest.mark.anyio
async def test_amounts_smaller_than_a_cent_add_up_exactly(book: DayBook) -> None:
    mine = purse(book, "1")
    for _ in range(100):
        hold = await taken(mine, "0.0000000000005")
        mine.settle(hold, Decimal("0.000000000001"), 0)
    assert (await book.spent()).usd == Decimal("0.0000000001")


@pytest.mark.anyio
async def test_a_tenants_budget_is_told_by_its_name_and_all_or_nothing_is_reserved(book: DayBook) -> None:
    both = DayPurse(book, {EVERYTHING: DayLimit(tokens=100), "tenant:acme": DayLimit(tokens=10)})
    assert await both.reserve(FREE, 20) == (
        "it could take 20 tokens, and 10 of the day's budget of tenant:acme (10) are left"
    )
    assert (await book.spent()).tokens == 0
    hold = await taken(both, tokens=5)
    assert both.tokens_left == 5
    both.settle(hold, FREE, 2)
    assert both.tokens_left == 8
    assert (await book.spent("tenant:acme")).tokens == 2


@pytest.mark.anyio
async def test_a_call_that_settles_while_another_asks_makes_room_for_it(
    book: DayBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = purse(book, tokens=100)
    first = await taken(mine, tokens=80)
    real = store_of(book).transaction

    async def settled_meanwhile(work: Any) -> Any:
        monkeypatch.setattr(store_of(book), "transaction", real)
        mine.settle(first, FREE, 20)
        return await real(work)

    monkeypatch.setattr(store_of(book), "transaction", settled_meanwhile)
    await taken(mine, tokens=80)
    assert (await book.spent()).tokens == 100


@pytest.mark.anyio
async def test_who_finds_no_room_waits_for_calls_of_this_process(book: DayBook) -> None:
    mine = purse(book, tokens=100)
    first = await taken(mine, tokens=80)
    waited: list[Hold] = []

    async def wait() -> None:
        waited.append(await taken(mine, tokens=80))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.05)
        assert waited == []
        mine.settle(first, FREE, 20)
    assert (await book.spent()).tokens == 100


@pytest.mark.anyio
async def test_who_gives_up_while_waiting_holds_nothing(book: DayBook) -> None:
    mine = purse(book, tokens=100)
    first = await taken(mine, tokens=100)
    with anyio.move_on_after(0.03):
        await mine.reserve(FREE, 10)
    mine.release(first)
    assert (await book.spent()).tokens == 0


@pytest.mark.anyio
async def test_processes_share_one_budget(book: DayBook, tmp_path: Path, clock: FakeClock) -> None:
    other = again(tmp_path, clock)
    here, there = purse(book, tokens=100), purse(other, tokens=100)
    hold = await taken(here, tokens=60)
    assert isinstance(await there.reserve(FREE, 60), str)
    here.settle(hold, FREE, 10)
    await book.write()
    assert isinstance(await there.reserve(FREE, 60), Hold)
    assert (await book.spent()).tokens == 70
    await closed(other)


@pytest.mark.anyio
async def test_what_cannot_be_counted_is_not_spent_and_what_was_spent_is_not_lost(
    book: DayBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = purse(book, tokens=100)
    hold = await taken(mine, tokens=50)
    mine.settle(hold, FREE, 20)

    async def full(work: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(store_of(book), "transaction", full)
        with pytest.raises(StorageError):
            await mine.reserve(FREE, 1)
        with pytest.raises(StorageError):
            await book.write()
    assert (await book.spent()).tokens == 20


# --- who counts against what -------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_task_counts_against_everybodys_budget_its_tenants_and_its_users(book: DayBook) -> None:
    table = {"tenant:acme": DayLimit(tokens=50), "user:u1": DayLimit(usd=Decimal(2))}
    days = DayPurses(book, DayLimit(tokens=100), table.get)
    assert days.purse(()) is not None
    mine = days.purse(("tenant:acme", "user:u1", "user:u2"))
    assert mine is not None
    assert mine.tokens_left is None
    await days.look(("tenant:acme", "user:u1"))
    await days.look(("tenant:acme", "user:u1"))
    assert mine.tokens_left == 50
    assert DayPurses(book, None, table.get).purse(("user:u2",)) is None


# --- never overshot ----------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 300), st.floats(0, 1), st.booleans()), max_size=12),
    st.integers(0, 100),
    st.integers(0, 1_000),
)
def test_two_processes_never_overshoot_the_day_together(
    calls: list[tuple[int, int, float, bool]], cents: int, tokens: int
) -> None:
    clock = FakeClock(MIDNIGHT - 3_600)
    store = Store.in_memory(MIGRATIONS)
    spent = [Decimal(0), 0]

    async def everybody() -> None:
        books = DayBook(StoreDays(store, clock), clock), DayBook(StoreDays(store, clock), clock)
        purses = [purse(book, str(Decimal(cents) / 100), tokens) for book in books]

        async def one(which: int, most: int, longest: int, used: float, sent: bool) -> None:
            mine = purses[which % 2]
            hold = await mine.reserve(Decimal(most) / 100, longest)
            if isinstance(hold, str):
                return
            if not sent:
                mine.release(hold)
                return
            usd, took = Decimal(most) / 100 * Decimal(used), int(longest * used)
            spent[0] += usd
            spent[1] += took
            mine.settle(hold, usd, took)

        async with anyio.create_task_group() as tasks:
            for number, call in enumerate(calls):
                tasks.start_soon(one, number, *call)
        for book in books:
            await book.write()
        found = await books[0].spent()
        assert found.tokens == spent[1]
        assert abs(found.usd - spent[0]) < Decimal("0.000000001")
        await store.aclose()

    anyio.run(everybody)
    assert spent[0] <= Decimal(cents) / 100
    assert spent[1] <= tokens


@pytest.mark.anyio
async def test_what_is_left_of_today_is_the_least_of_all_that_counts(book: DayBook) -> None:
    limits = {"tenant:acme": DayLimit(usd=Decimal(2), tokens=500), "user:u1": DayLimit(tokens=300)}
    purses = DayPurses(book, DayLimit(usd=Decimal(5)), limits.get)
    mine = purses.purse(("tenant:acme", "user:u1"))
    assert mine is not None
    mine.settle(await taken(mine, "1.5", 100), Decimal("1.5"), 100)
    assert await purses.left(("tenant:acme", "user:u1")) == Budget(Decimal("0.5"), 200)
    assert await purses.left(()) == Budget(Decimal("3.5"))
    assert await DayPurses(book).left(("user:u1",)) is None


# --- shared by machines ------------------------------------------------------------------------------------------


class Unsure:
    """Rows in memory whose exchange happens, and is not known to have happened where ``doubtful``."""

    def __init__(self, clock: FakeClock) -> None:
        self.kept: dict[str, tuple[str, float]] = {}
        self.clock = clock
        self.doubtful = False
        self.closed = False

    async def exchange(self, keys: Sequence[str], decide: Decide) -> None:
        self.kept |= decide({k: self.kept[k][0] for k in keys if k in self.kept}, self.clock.now())
        if self.doubtful:
            raise StorageError("the connection was lost")

    async def states(self) -> list[str]:
        return [state for state, _ in self.kept.values()]

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.anyio
async def test_machines_that_share_limits_share_the_day_as_well(clock: FakeClock) -> None:
    rows = Unsure(clock)
    here, there = (DayBook(SharedDays(rows), clock) for _ in range(2))
    mine, theirs = purse(here, "1", 1_000), purse(there, "1", 1_000)
    hold = await taken(mine, "0.6", 400)
    assert "0.4 of the day's budget" in str(await theirs.reserve(Decimal("0.5"), 0))
    mine.settle(hold, Decimal("0.1"), 50)
    await here.write()
    await taken(theirs, "0.9", 950)
    assert await here.spent() == DaySpent(Decimal(1), 1_000)
    assert await here.spent(day="2027-01-14") == DaySpent()
    assert all(until == clock.now() + KEPT for _, until in rows.kept.values())
    await here.aclose()
    assert rows.closed


@pytest.mark.anyio
async def test_what_may_have_been_given_back_is_not_given_back_twice(clock: FakeClock) -> None:
    rows = Unsure(clock)
    book = DayBook(SharedDays(rows), clock)
    mine = purse(book, "1")
    mine.settle(await taken(mine, "0.6"), Decimal("0.1"), 0)
    rows.doubtful = True
    with pytest.raises(StorageError):
        await book.write()
    rows.doubtful = False
    await book.write()
    assert await book.spent() == DaySpent(Decimal("0.1"), 0)
