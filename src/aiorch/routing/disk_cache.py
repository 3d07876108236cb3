"""Answers that outlive the process, in the store; the recent ones also in memory.

A store that cannot be used costs the memory of other processes and no answer: it is said once in the log.
"""

from __future__ import annotations

import logging

from aiorch.clock import Clock
from aiorch.errors import StorageError
from aiorch.routing.cache import Known, MemoryCache
from aiorch.store import Migration, Store
from aiorch.types import from_json, to_json

MIGRATIONS = (
    Migration(
        "answers",
        1,
        "CREATE TABLE answers (key TEXT PRIMARY KEY, at REAL NOT NULL, known TEXT NOT NULL);"
        "CREATE INDEX answers_by_age ON answers (at);",
    ),
    Migration(
        "answers",
        2,
        "CREATE TABLE likenesses (key TEXT PRIMARY KEY, bucket TEXT NOT NULL, at REAL NOT NULL, vector BLOB NOT NULL);"
        "CREATE INDEX likenesses_by_bucket ON likenesses (bucket);"
        "CREATE INDEX likenesses_by_age ON likenesses (at);",
    ),
)

log = logging.getLogger("aiorch")

SWEEP_EVERY = 256
"""Writes between two removals of what is too old or too much."""


class DiskCache:
    """The :class:`~aiorch.routing.AnswerCache` of the database. A row that can no longer be read counts as missing."""

    def __init__(
        self, store: Store, *, entries: int, ttl: float, clock: Clock, size: int = 64 * 1024 * 1024
    ) -> None:
        """:param entries: the most answers kept. :param ttl: seconds that one is good for.
        :param size: the most bytes of all answers together.
        """
        self._store = store
        self._near = MemoryCache(entries=entries, ttl=ttl, clock=clock, size=size)
        self._entries = entries
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._writes = 0
        self._warned = False

    async def get(self, key: str) -> Known | None:
        """The answer, unless it is missing or too old."""
        known = await self._near.get(key)
        if known is not None:
            return known
        try:
            row = await self._store.fetch_one(
                "SELECT known FROM answers WHERE key = ? AND at > ?", (key, self._clock.now() - self._ttl)
            )
        except StorageError as fault:
            return self._without(fault)
        if row is None:
            return None
        try:
            known = from_json(Known, row[0])
        except ValueError:
            return None
        await self._near.put(key, known)
        return known

    async def put(self, key: str, known: Known) -> None:
        """Keep an answer; now and then the oldest make room."""
        await self._near.put(key, known)
        row = (key, known.at, to_json(known))
        try:
            await self._store.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)
            if self._writes % SWEEP_EVERY == 0:
                await self._sweep()
        except StorageError as fault:
            self._without(fault)
        self._writes += 1

    def _without(self, fault: StorageError) -> None:
        if not self._warned:
            self._warned = True
            log.warning("answers are kept in memory only: %s", fault)

    async def _sweep(self) -> None:
        await self._store.execute("DELETE FROM answers WHERE at <= ?", (self._clock.now() - self._ttl,))
        await self._store.execute(
            "DELETE FROM answers WHERE key NOT IN (SELECT key FROM ("
            "SELECT key, row_number() OVER newest AS place, sum(length(CAST(known AS BLOB))) OVER newest AS size "
            "FROM answers WINDOW newest AS (ORDER BY at DESC, key)) WHERE place <= ? AND size <= ?)",
            (self._entries, self._size),
        )
