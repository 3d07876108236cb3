"""Where it is kept what days have cost: in the store for the processes of one machine, in PostgreSQL for several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from aiorch.store import Migration

if TYPE_CHECKING:
    import sqlite3

    from aiorch.clock import Clock
    from aiorch.quotas import Rows
    from aiorch.store import Store

T = TypeVar("T")

Key = tuple[str, str]
"""A day in UTC, as ``2026-11-22``, and whose budget it is."""

Amount = tuple[int, int]
"""Millionths of a millionth of a dollar, and tokens; with what is reserved."""

MIGRATIONS = (
    Migration(
        "spending",
        1,
        """
        CREATE TABLE day_spending (
            day TEXT NOT NULL, name TEXT NOT NULL, pico_usd INTEGER NOT NULL, tokens INTEGER NOT NULL,
            PRIMARY KEY (day, name)
        ) WITHOUT ROWID
        """,
    ),
)
"""Money in whole millionths of a millionth of a dollar: exact sums, and the cheapest known token costs thousands of
them."""

KEPT = 40 * 86_400.0
"""Seconds for which a day is remembered, for people who ask what a month has cost."""


class Amounts(Protocol):
    """What a transaction sees."""

    def read(self, key: Key) -> Amount:
        """As it is now, with what was added in this transaction."""
        ...

    def add(self, key: Key, amount: Amount) -> None:
        """Make it so much more."""
        ...


class Days(Protocol):
    """Keeps amounts; a transaction is all or nothing, and nobody else's comes between."""

    @property
    def certain(self) -> bool:
        """False where a transaction that raised may have happened all the same."""
        ...

    async def transaction(self, keys: Collection[Key], work: Callable[[Amounts], T]) -> T:
        """What ``work`` returns, which touches these keys at the most. :raises StorageError: where it cannot be."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


def day_of(now: float) -> str:
    """The day in UTC of a time in epoch seconds."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


class StoreDays:
    """In aiorch's own database, made with :data:`MIGRATIONS`; whoever made the store closes it."""

    certain = True

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tidied = ""

    async def transaction(self, keys: Collection[Key], work: Callable[[Amounts], T]) -> T:
        """Carry out ``work`` in one transaction; what is too old is forgotten once a day."""
        now = self._clock.now()
        today = day_of(now)

        def whole(db: sqlite3.Connection) -> T:
            if self._tidied != today:
                db.execute("DELETE FROM day_spending WHERE day < ?", (day_of(now - KEPT),))
            return work(_Table(db))

        found = await self._store.transaction(whole)
        self._tidied = today
        return found

    async def aclose(self) -> None:
        """Nothing: the store is not ours."""


class _Table:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def read(self, key: Key) -> Amount:
        row = self._db.execute(
            "SELECT pico_usd, tokens FROM day_spending WHERE day = ? AND name = ?", key
        ).fetchone()
        return row or (0, 0)

    def add(self, key: Key, amount: Amount) -> None:
        self._db.execute(
            "INSERT INTO day_spending VALUES (?, ?, ?, ?) ON CONFLICT (day, name) "
            "DO UPDATE SET pico_usd = pico_usd + excluded.pico_usd, tokens = tokens + excluded.tokens",
            (*key, *amount),
        )


class SharedDays:
    """In the rows that machines share for their limits, one a day and name: ``day/2026-11-22/everything``."""

    certain = False

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def transaction(self, keys: Collection[Key], work: Callable[[Amounts], T]) -> T:
        """Carry out ``work`` while nobody else can change these rows."""
        named = {f"day/{day}/{name}": (day, name) for day, name in sorted(keys)}
        found: list[T] = []

        def decide(states: Mapping[str, str], now: float) -> dict[str, tuple[str, float]]:
            seen = _Seen({named[row]: _amount(state) for row, state in states.items()})
            found.append(work(seen))
            until = now + KEPT
            return {
                f"day/{day}/{name}": (" ".join(map(str, seen.amounts[day, name])), until)
                for day, name in seen.changed
            }

        await self._rows.exchange(tuple(named), decide)
        return found[-1]

    async def aclose(self) -> None:
        """Close the connection."""
        await self._rows.aclose()


class _Seen:
    def __init__(self, amounts: dict[Key, Amount]) -> None:
        self.amounts = amounts
        self.changed: set[Key] = set()

    def read(self, key: Key) -> Amount:
        return self.amounts.get(key, (0, 0))

    def add(self, key: Key, amount: Amount) -> None:
        before = self.read(key)
        self.amounts[key] = before[0] + amount[0], before[1] + amount[1]
        self.changed.add(key)


def _amount(state: str) -> Amount:
    pico, tokens = state.split()
    return int(pico), int(tokens)
