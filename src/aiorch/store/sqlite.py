"""One SQLite file: read and written in a worker thread, so no event loop waits for a disk."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from aiorch.clock import Clock, SystemClock
from aiorch.store.faults import explained, unusable_folder
from aiorch.store.migrations import Migration, migrate, ordered, transaction

T = TypeVar("T")
Value = str | int | float | bytes | None
Row = tuple[Any, ...]

FILE_NAME = "aiorch.sqlite3"
MEMORY = ":memory:"
PATIENCE = 5.0
"""Seconds to wait for another process that is writing. Our writes take milliseconds."""

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: a child may neither use nor close them (sqlite.org/howtocorrupt.html, 2.6)."""


class Store:
    """A database for one process, shared with other processes through its file.

    One connection, opened at the first use and used by one thread at a time. A statement that has been started is
    finished even when its task is cancelled, so what it wrote is whole. Works under asyncio and trio, and from several
    loops.

    :raises StorageError: from every method, when the file cannot be used: read-only, full, damaged, not a database,
        held by another process, or written by a newer aiorch.
    """

    def __init__(
        self, path: str | Path, migrations: Iterable[Migration] = (), *, clock: Clock | None = None
    ) -> None:
        self.path = str(path)
        self._steps = ordered(migrations)
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._pid = 0
        self._turns: tuple[object, anyio.CapacityLimiter] | None = None

    @classmethod
    def in_memory(cls, migrations: Iterable[Migration] = ()) -> Store:
        """A database that is gone when it is closed."""
        return cls(MEMORY, migrations)

    @property
    def exists(self) -> bool:
        """False before anything was ever written: there is nothing to read, and reading would make the file."""
        try:
            return self.path == MEMORY or Path(self.path).exists()
        except OSError:  # a folder that may not be looked into: reading says so
            return True

    async def fetch(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """The rows that a query gives."""
        return await self._turn(lambda db: db.execute(sql, values).fetchall())

    async def fetch_one(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row that a query gives; ``None`` when there is none."""
        return await self._turn(lambda db: db.execute(sql, values).fetchone())

    async def execute(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement as a transaction of its own. :returns: how many rows it changed."""
        return await self._turn(lambda db: db.execute(sql, values).rowcount)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for every row, all or none."""
        kept = list(rows)

        def run(db: sqlite3.Connection) -> None:
            db.executemany(sql, kept)

        await self.transaction(run)

    async def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in the worker thread: all that it does to the database happens, or none of it.

        It must return rows and no cursor, which would keep the file open. For example:

            def take(db):
                (left,) = db.execute("SELECT amount FROM quota").fetchone()
                db.execute("UPDATE quota SET amount = ?", (left - 1,))
                return left

            left = await store.transaction(take)
        """

        def whole(db: sqlite3.Connection) -> T:
            with transaction(db):
                return work(db)

        return await self._turn(whole)

    async def aclose(self) -> None:
        """Let go of the file. Using the store again opens it again."""
        await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """The same without an event loop; waits for a statement that is running."""
        with self._lock:
            self._leave_inherited()
            db, self._db = self._db, None
            if db is not None:
                db.close()

    # --- the thread ----------------------------------------------------------------------------------------------

    async def _turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await anyio.to_thread.run_sync(self._locked, work, limiter=self._limiter())

    def _limiter(self) -> anyio.CapacityLimiter:
        """One waiting line a loop, so that waiting for the connection does not hold threads."""
        loop = anyio.lowlevel.current_token()
        if self._turns is None or self._turns[0] != loop:
            self._turns = (loop, anyio.CapacityLimiter(1))
        return self._turns[1]

    def _locked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                return work(self._opened())
            except sqlite3.Error as fault:
                known = explained(fault, self.path)
                if known is None:
                    raise
                raise known from fault

    def _opened(self) -> sqlite3.Connection:
        self._leave_inherited()
        if self._db is not None:
            return self._db
        if self.path != MEMORY:
            _private_file(Path(self.path))
        db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA foreign_keys = ON")
            # In WAL mode NORMAL loses no consistency, and at most the last commits when the power fails.
            db.execute("PRAGMA synchronous = NORMAL")
            _write_ahead(db)
            migrate(db, self._steps, self._clock.now)
        except BaseException:
            db.close()
            raise
        self._db, self._pid = db, os.getpid()
        return db

    def _leave_inherited(self) -> None:
        if self._db is not None and self._pid != os.getpid():
            _inherited.append(self._db)
            self._db = None


def _private_file(path: Path) -> None:
    """Make the file for its owner alone before SQLite makes it for everybody."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as fault:
        if not path.is_file():  # a file that is only read-only can still be read
            raise unusable_folder(fault, str(path)) from fault


def _write_ahead(db: sqlite3.Connection) -> None:
    """Readers and a writer side by side. Where that cannot be had (memory, network disks) SQLite keeps its old way."""
    patient_until = time.monotonic() + PATIENCE
    while True:
        try:
            if db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                db.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as fault:
            # While another process switches, SQLite does not wait: it says "locked" at once.
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > patient_until:
                raise
            time.sleep(0.01)
