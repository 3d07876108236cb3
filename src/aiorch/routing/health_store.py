"""Who is sick, kept in the store: the next process does not have to fall ill of the same host first.

A store that cannot be used costs that memory and no answer: it is said once in the log.
"""

from __future__ import annotations

import logging
import sqlite3

from aiorch.clock import Clock
from aiorch.errors import StorageError
from aiorch.routing.health import Health
from aiorch.store import Migration, Store

MIGRATIONS = (
    Migration(
        "routing",
        1,
        "CREATE TABLE health (name TEXT PRIMARY KEY, phase TEXT NOT NULL, streak INTEGER NOT NULL, "
        "ejections INTEGER NOT NULL, since REAL NOT NULL, until REAL NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL)",
    ),
)

EVERY = 3.0
"""Seconds between two writes: what a process that is killed may forget."""

log = logging.getLogger("aiorch")

_NOTHING = -1
"""Changes that have been written, where writing failed."""

_COLUMNS: tuple[str, ...] = ("phase", "streak", "ejections", "since", "until", "reason", "at")
_Kept = tuple[str | int | float, ...]


class HealthStore:
    """Keeps one :class:`~aiorch.routing.health.Health`. Each process writes the rows that it has learnt itself.

    For example:

        keeper = HealthStore(store, health, clock)
        await keeper.load()         # once, before the first request
        await keeper.keep()         # after an outcome: writes only what changed, and only now and then
        await keeper.aclose()
    """

    def __init__(self, store: Store, health: Health, clock: Clock) -> None:
        self._store = store
        self._health = health
        self._clock = clock
        self._seen = health.changes
        self._due = 0.0
        self._rows: dict[str, _Kept] = {}
        """What the table holds of ours."""
        self._warned = False

    async def load(self) -> None:
        """Take over what earlier processes knew; what is too old is removed."""
        try:
            rows = await self._store.fetch(f"SELECT name, {', '.join(_COLUMNS)} FROM health")
            kept = {row[0]: dict(zip(_COLUMNS, row[1:], strict=True)) for row in rows}
            old = self._health.from_plain(kept, self._clock.now())
            if old:
                await self._store.execute_many("DELETE FROM health WHERE name = ?", [(n,) for n in old])
        except StorageError as fault:
            self._without(fault)
            return
        self._rows = {row[0]: tuple(row[1:]) for row in rows if row[0] not in old}

    async def keep(self) -> None:
        """Write what changed, unless that was done a moment ago. Costs nothing where nothing changed."""
        if self._health.changes != self._seen and self._clock.monotonic() >= self._due:
            await self._write()

    async def aclose(self) -> None:
        """Write what changed since the last time. The store stays open: it is not ours."""
        if self._health.changes != self._seen:
            await self._write()

    async def _write(self) -> None:
        """All that changed or none of it."""
        self._seen = self._health.changes  # what comes while it is written is new
        self._due = self._clock.monotonic() + EVERY
        plain = self._health.as_plain(self._clock.now())
        now = {name: tuple(row[column] for column in _COLUMNS) for name, row in plain.items()}
        changed = [(name, *row) for name, row in now.items() if self._rows.get(name) != row]
        gone = [(name,) for name in self._rows if name not in now]

        def write(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO health VALUES (?, ?, ?, ?, ?, ?, ?, ?)", changed)
            db.executemany("DELETE FROM health WHERE name = ?", gone)

        try:
            await self._store.transaction(write)
        except StorageError as fault:
            self._seen = _NOTHING
            self._without(fault)
        else:
            self._rows = now

    def _without(self, fault: StorageError) -> None:
        if not self._warned:
            self._warned = True
            log.warning("which deployments are sick is forgotten when this process ends: %s", fault)
