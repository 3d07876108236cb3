"""Shared limits in PostgreSQL, for several machines; the extra ``durable`` brings what it needs.

One connection a process, used by one worker thread at a time, so asyncio and trio are served alike.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from aiorch.errors import ConfigurationError, MissingExtra, StorageError
from aiorch.quotas.rows import MIGRATIONS, SWEEP_EVERY, Decide
from aiorch.store.migrations import pending

if TYPE_CHECKING:
    import psycopg

    Database = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")

PATIENCE = 5
"""Seconds to wait for a connection, and for others that are changing the same rows. Changes take milliseconds."""

TABLES_LOCK = 0x61696F726368
"""The number of the lock under which tables are made ("aiorch")."""

EMPTY = ""
"""The state of a row that is there to be locked."""


class PostgresRows:
    """Rows in PostgreSQL. Its clock is everybody's, so machines may disagree about the time.

    :param url: what libpq takes: ``postgresql://user:password@host:5432/database`` or ``host=... dbname=...``.
    :raises MissingExtra: without psycopg.
    :raises ConfigurationError: that is no such address.
    """

    def __init__(self, url: str) -> None:
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
        except ImportError as fault:
            raise MissingExtra("durable", "sharing limits through PostgreSQL", str(fault)) from None
        try:
            parts = conninfo_to_dict(url)
        except psycopg.Error:  # whose words may hold the password
            raise ConfigurationError(
                "the address of the PostgreSQL server cannot be read: write it as "
                "postgresql://user:password@host:5432/database"
            ) from None
        self._url = url
        self._where = f"PostgreSQL at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
        self._lock = threading.Lock()
        self._db: Database | None = None
        self._pid = 0
        self._inherited: list[Database] = []
        self._decided = False
        self._exchanges = 0
        self._turns: tuple[object, anyio.CapacityLimiter] | None = None

    def __repr__(self) -> str:
        return f"<PostgresRows {self._where}>"  # without the address, which may hold a password

    async def exchange(self, keys: Sequence[str], decide: Decide) -> None:
        """Change rows in one transaction."""
        wanted = list(keys)

        def work(db: Database) -> None:
            if self._exchanges % SWEEP_EVERY == 0:
                _sweep(db)
            while not self._change(db, wanted, decide):
                _insert(db, wanted)
            self._exchanges += 1

        await self._turn(work)

    async def states(self) -> list[str]:
        """The states of all rows."""

        def work(db: Database) -> list[str]:
            found = db.execute("SELECT state FROM aiorch_quotas WHERE state <> '' ORDER BY key")
            return [state for (state,) in found]

        return await self._turn(work)

    async def aclose(self) -> None:
        """Close the connection. Using the rows again opens another one."""
        await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """The same without an event loop."""
        with self._lock:
            self._leave_inherited()
            self._drop()

    def _change(self, db: Database, keys: Sequence[str], decide: Decide) -> bool:
        """:returns: False where a row is missing. Only rows that are there can be locked."""
        with db.transaction():
            found: Mapping[str, str] = dict(
                db.execute(
                    "SELECT key, state FROM aiorch_quotas WHERE key = ANY(%s) ORDER BY key FOR UPDATE",
                    (keys,),
                ).fetchall()
            )
            if len(found) < len(keys):
                return False
            now = _now(db)  # only here: whoever held the rows before has read an earlier time
            self._decided = True
            changed = decide({key: state for key, state in found.items() if state != EMPTY}, now)
            with db.cursor() as cursor:
                cursor.executemany(
                    "UPDATE aiorch_quotas SET state = %s, until = %s WHERE key = %s",
                    [(state, until, key) for key, (state, until) in changed.items()],
                )
        return True

    # --- the thread ----------------------------------------------------------------------------------------------

    async def _turn(self, work: Callable[[Database], T]) -> T:
        return await anyio.to_thread.run_sync(self._locked, work, limiter=self._limiter())

    def _limiter(self) -> anyio.CapacityLimiter:
        """One waiting line a loop, so that waiting for the connection does not hold threads."""
        loop = anyio.lowlevel.current_token()
        if self._turns is None or self._turns[0] != loop:
            self._turns = (loop, anyio.CapacityLimiter(1))
        return self._turns[1]

    def _locked(self, work: Callable[[Database], T]) -> T:
        import psycopg

        with self._lock:
            self._leave_inherited()
            self._decided = False
            used_before = self._db is not None
            try:
                try:
                    return work(self._opened())
                except psycopg.OperationalError:
                    lost = self._db is not None and self._db.closed
                    if not (used_before and lost) or self._decided:
                        raise
                    self._drop()  # the server ended it while nobody looked
                    return work(self._opened())
            except psycopg.Error as fault:
                self._drop()
                reason = (str(fault).strip().splitlines() or [""])[0]
                raise StorageError(
                    f"{self._where} cannot be used: check that it runs, lets this user in and lets it make tables "
                    f"({type(fault).__name__}: {reason})"
                ) from fault

    def _opened(self) -> Database:
        if self._db is None:
            import psycopg

            # Nothing is prepared: a pooler between may give each transaction another connection.
            db = psycopg.connect(self._url, autocommit=True, connect_timeout=PATIENCE, prepare_threshold=None)
            try:
                limits = (f"{PATIENCE}s", f"{2 * PATIENCE}s")
                db.execute(
                    "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)",
                    limits,
                )
                _migrate(db)
            except BaseException:
                db.close()
                raise
            self._db, self._pid = db, os.getpid()
        return self._db

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _leave_inherited(self) -> None:
        if self._db is not None and self._pid != os.getpid():
            self._inherited.append(self._db)  # closing it would end the parent's session
            self._db = None


def _now(db: Database) -> float:
    row = db.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return row[0]


def _insert(db: Database, keys: Sequence[str]) -> None:
    """In a transaction of its own: with locks held, two that add rows could wait for each other for ever."""
    db.execute(
        "INSERT INTO aiorch_quotas SELECT k, %s, extract(epoch FROM now()) + 3600 FROM unnest(%s::text[]) AS k "
        "ORDER BY k ON CONFLICT DO NOTHING",
        (EMPTY, keys),
    )


def _sweep(db: Database) -> None:
    db.execute(
        "DELETE FROM aiorch_quotas WHERE key IN (SELECT key FROM aiorch_quotas "
        "WHERE until < extract(epoch FROM now()) FOR UPDATE SKIP LOCKED)"
    )


def _migrate(db: Database) -> None:
    """Bring the tables up to date, one process at a time."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
        db.execute(
            "CREATE TABLE IF NOT EXISTS aiorch_migrations (room TEXT NOT NULL, version INTEGER NOT NULL, "
            "applied_at DOUBLE PRECISION NOT NULL, PRIMARY KEY (room, version))"
        )
        applied = db.execute("SELECT room, version FROM aiorch_migrations").fetchall()
        for step in pending({(room, version) for room, version in applied}, MIGRATIONS):
            db.execute(step.sql.encode())
            db.execute(
                "INSERT INTO aiorch_migrations VALUES (%s, %s, extract(epoch FROM now()))",
                (step.room, step.version),
            )
