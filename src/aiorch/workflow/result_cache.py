"""Results of tasks with ``cache=``, over runs: in this process, or in the store for the next ones too.

For example:

    cache = DiskResults(store, clock)
    await cache.put("5f0c...", '"a summary"', seconds=3600)
    await cache.get("5f0c...")                              # None from an hour later on
"""

from __future__ import annotations

from collections import OrderedDict

from aiorch.clock import Clock
from aiorch.store import Migration, Store

MIGRATIONS = (
    Migration(
        "task_results",
        1,
        "CREATE TABLE task_results (key TEXT PRIMARY KEY, until REAL NOT NULL, text TEXT NOT NULL);"
        "CREATE INDEX task_results_by_end ON task_results (until);",
    ),
)

SWEEP_EVERY = 256
"""Writes between two removals of what no longer holds, or is too much."""


class MemoryResults:
    """Results for as long as the process lives: the most recently used, up to a number and a size."""

    def __init__(self, clock: Clock, *, entries: int, size: int) -> None:
        """:param entries: the most results kept. :param size: the most characters of all of them together."""
        self._clock = clock
        self._entries = entries
        self._size = size
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._weight = 0

    async def get(self, key: str) -> str | None:
        """The JSON that is kept under ``key`` and still holds."""
        known = self._kept.get(key)
        if known is None:
            return None
        until, text = known
        if until <= self._clock.now():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return text

    async def put(self, key: str, text: str, seconds: float) -> None:
        """Keep it for so long; what was not used for longest makes room."""
        if key in self._kept:
            self._drop(key)
        self._kept[key] = self._clock.now() + seconds, text
        self._weight += len(text)
        while len(self._kept) > self._entries or self._weight > self._size:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        self._weight -= len(self._kept.pop(key)[1])


class DiskResults:
    """Results in the database.

    :raises StorageError: from both methods, when it cannot be used; whoever asks can do without.
    """

    def __init__(self, store: Store, clock: Clock, *, entries: int, size: int) -> None:
        """:param entries: the most results kept. :param size: the most bytes of all of them together."""
        self._store = store
        self._clock = clock
        self._entries = entries
        self._size = size
        self._writes = 0

    async def get(self, key: str) -> str | None:
        """The JSON that is kept under ``key`` and still holds."""
        now = self._clock.now()
        row = await self._store.fetch_one(
            "SELECT text FROM task_results WHERE key = ? AND until > ?", (key, now)
        )
        return None if row is None else row[0]

    async def put(self, key: str, text: str, seconds: float) -> None:
        """Keep it for so long; now and then those that end first make room."""
        row = (key, self._clock.now() + seconds, text)
        await self._store.execute("INSERT OR REPLACE INTO task_results VALUES (?, ?, ?)", row)
        if self._writes % SWEEP_EVERY == 0:
            await self._sweep()
        self._writes += 1

    async def aclose(self) -> None:
        """Let go of the database."""
        await self._store.aclose()

    async def _sweep(self) -> None:
        await self._store.execute("DELETE FROM task_results WHERE until <= ?", (self._clock.now(),))
        await self._store.execute(
            "DELETE FROM task_results WHERE key NOT IN (SELECT key FROM ("
            "SELECT key, row_number() OVER last AS place, sum(length(CAST(text AS BLOB))) OVER last AS size "
            "FROM task_results WINDOW last AS (ORDER BY until DESC, key)) WHERE place <= ? AND size <= ?)",
            (self._entries, self._size),
        )
