"""Where shared limits are kept: one row for each limit of each name, changed by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from aiorch.clock import Clock
from aiorch.store.migrations import Migration

if TYPE_CHECKING:
    import sqlite3

    from aiorch.store import Store

MIGRATIONS = (
    Migration(
        "quotas",
        1,
        "CREATE TABLE aiorch_quotas "
        "(key TEXT PRIMARY KEY, state TEXT NOT NULL, until DOUBLE PRECISION NOT NULL)",
    ),
)

SWEEP_EVERY = 1_024
"""Exchanges between two removals of rows that say nothing any more."""

Decide = Callable[[Mapping[str, str], float], Mapping[str, tuple[str, float]]]
"""From the rows' states, by key, and the store's time (epoch seconds) to the states that they are to have, each with
the moment from which its row may be removed."""


class Rows(Protocol):
    """What shared quotas need of a database. For example, in memory:

    class InMemory:
        async def exchange(self, keys, decide):
            self.rows |= decide({k: self.rows[k][0] for k in keys if k in self.rows}, clock.now())
    """

    async def exchange(self, keys: Sequence[str], decide: Decide) -> None:
        """Change rows in one transaction that nobody else's can interleave with. ``decide`` is called once.

        :raises StorageError: when it is not known to have happened; it may have.
        """
        ...

    async def states(self) -> list[str]:
        """The states of all rows. :raises StorageError: when they cannot be read."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class StoreRows:
    """Rows in aiorch's own database, for the processes of one machine.

    The store has to be made with :data:`MIGRATIONS`. Its time is this machine's.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._exchanges = 0

    async def exchange(self, keys: Sequence[str], decide: Decide) -> None:
        """Change rows in one transaction."""
        sweep = self._exchanges % SWEEP_EVERY == 0
        self._exchanges += 1

        def work(db: sqlite3.Connection) -> None:
            now = self._clock.now()
            if sweep:
                db.execute("DELETE FROM aiorch_quotas WHERE until < ?", (now,))
            marks = ", ".join("?" * len(keys))
            found = db.execute(f"SELECT key, state FROM aiorch_quotas WHERE key IN ({marks})", keys)
            changed = decide(dict(found.fetchall()), now)
            db.executemany(
                "INSERT OR REPLACE INTO aiorch_quotas VALUES (?, ?, ?)",
                [(key, state, until) for key, (state, until) in changed.items()],
            )

        await self._store.transaction(work)

    async def states(self) -> list[str]:
        """The states of all rows."""
        return [state for (state,) in await self._store.fetch("SELECT state FROM aiorch_quotas ORDER BY key")]

    async def aclose(self) -> None:
        """The store is its owner's."""
