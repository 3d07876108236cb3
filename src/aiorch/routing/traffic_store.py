"""Diversions and shifts, kept in the store: the next process sends work where this one did.

Splits and mirrors have no memory and are not kept: the program that declares them declares them again.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from aiorch.errors import StorageError
from aiorch.store import Migration, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiorch.routing.diversions import Diversion
    from aiorch.routing.traffic import Shift, Undone

MIGRATIONS = (
    Migration(
        "traffic",
        1,
        """
        CREATE TABLE diversions (
            profile TEXT NOT NULL, target TEXT NOT NULL, until REAL NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (profile, target, at)
        );
        CREATE TABLE shifts (
            profile TEXT NOT NULL, target TEXT NOT NULL, begins REAL NOT NULL, steps TEXT NOT NULL,
            undone_at REAL, why TEXT, PRIMARY KEY (profile, target)
        )
        """,
    ),
)

log = logging.getLogger("aiorch")


class TrafficStore:
    """Reads and writes them. A store that cannot be used costs the memory and no answer: it is said once in the log."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._warned = False

    async def read(
        self, now: float
    ) -> tuple[tuple[Diversion, ...], tuple[tuple[Shift, Undone | None], ...]] | None:
        """The diversions, oldest first, and the shifts; ``None`` where the store cannot be used.

        What has expired is removed.
        """
        if not self._store.exists:
            return (), ()  # making a database takes longer than a task should wait before it begins
        from aiorch.routing.diversions import Diversion
        from aiorch.routing.traffic import Shift, Undone

        try:
            rows = await self._store.fetch(
                "SELECT profile, target, until, reason, at FROM diversions ORDER BY at"
            )
            if any(until <= now for _, _, until, _, _ in rows):
                await self._store.execute("DELETE FROM diversions WHERE until <= ?", (now,))
            shifts = await self._store.fetch(
                "SELECT profile, target, begins, steps, undone_at, why FROM shifts"
            )
        except StorageError as fault:
            self._without(fault)
            return None
        found: list[tuple[Shift, Undone | None]] = []
        for profile, to, begins, steps, undone_at, why in shifts:
            try:
                taken = tuple((float(after), float(share)) for after, share in json.loads(steps))
                shift = Shift(profile, to, begins, taken)
            except (ValueError, TypeError):  # not written by us: it is declared anew
                continue
            found.append((shift, None if undone_at is None else Undone(shift, undone_at, why or "")))
        return tuple(Diversion(*row) for row in rows if row[2] > now), tuple(found)

    async def add(self, diversion: Diversion) -> bool:
        """Keep one more. :returns: whether it is kept."""
        d = diversion
        return await self._written(
            "INSERT OR REPLACE INTO diversions VALUES (?, ?, ?, ?, ?)",
            (d.profile, d.to, d.until, d.reason, d.at),
        )

    async def remove(self, diversions: Sequence[Diversion]) -> None:
        """Forget these."""
        for d in diversions:
            await self._written(
                "DELETE FROM diversions WHERE profile = ? AND target = ? AND at = ?", (d.profile, d.to, d.at)
            )

    async def put(self, shift: Shift, undone: Undone | None = None) -> None:
        """Keep how a shift stands."""
        steps = json.dumps(shift.steps)
        end = (None, None) if undone is None else (undone.at, undone.why)
        await self._written(
            "INSERT OR REPLACE INTO shifts VALUES (?, ?, ?, ?, ?, ?)",
            (shift.profile, shift.to, shift.begins, steps, *end),
        )

    async def drop(self, shift: Shift) -> None:
        """Forget a shift."""
        await self._written("DELETE FROM shifts WHERE profile = ? AND target = ?", (shift.profile, shift.to))

    async def _written(self, sql: str, values: Sequence[str | float | None]) -> bool:
        try:
            await self._store.execute(sql, values)
        except StorageError as fault:
            self._without(fault)
            return False
        return True

    def _without(self, fault: StorageError) -> None:
        if not self._warned:
            self._warned = True
            log.warning("diversions and shifts are forgotten when this process ends: %s", fault)
