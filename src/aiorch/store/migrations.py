"""How tables come to be and change: numbered steps, each room its own row of them, applied once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiorch.errors import StorageError

LEDGER = """
    CREATE TABLE IF NOT EXISTS aiorch_migrations (
        room TEXT NOT NULL, version INTEGER NOT NULL, applied_at REAL NOT NULL, PRIMARY KEY (room, version)
    )
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of one room's tables.

    >>> Migration("cache", 1, "CREATE TABLE cache (key TEXT PRIMARY KEY, value TEXT)").version
    1
    """

    room: str
    """Whose tables: ``cache``, ``history``."""
    version: int
    """1 for the first, then without gaps. A step that has been released is never changed."""
    sql: str
    """One or several statements, each ended by a semicolon (the last may go without)."""


def ordered(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """By room and version.

    :raises ValueError: when a room's versions are not 1, 2, 3 ...
    """
    steps = tuple(sorted(migrations, key=lambda m: (m.room, m.version)))
    for room in dict.fromkeys(m.room for m in steps):
        versions = [m.version for m in steps if m.room == room]
        if versions != list(range(1, len(versions) + 1)):
            raise ValueError(f"the migrations of {room!r} are numbered {versions}, not 1 to {len(versions)}")
    return steps


def migrate(db: sqlite3.Connection, steps: tuple[Migration, ...], now: Callable[[], float]) -> None:
    """Bring the tables up to date, all or nothing. A file that is up to date is only read.

    :raises StorageError: when a newer aiorch has changed these tables already.
    """
    if not pending(_applied(db), steps):
        return
    with transaction(db):
        db.execute(LEDGER)
        for step in pending(_applied(db), steps):  # again: another process may have been quicker
            for statement in statements(step.sql):
                db.execute(statement)
            db.execute("INSERT INTO aiorch_migrations VALUES (?, ?, ?)", (step.room, step.version, now()))


def pending(applied: set[tuple[str, int]], steps: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """The steps that have not been applied.

    :raises StorageError: when a room's tables are newer than its steps.
    """
    known = {m.room: m.version for m in steps}
    for room, version in sorted(applied):
        if version > known.get(room, version):
            raise StorageError(
                f"the tables of {room!r} were written by a newer aiorch (version {version}, this one knows "
                f"{known[room]}): upgrade aiorch-sdk, or use another data_dir"
            )
    return tuple(m for m in steps if (m.room, m.version) not in applied)


def statements(sql: str) -> Iterator[str]:
    """The single statements of ``sql``: ``executescript`` would commit the transaction that it runs in."""
    begun = ""
    for piece in sql.split(";"):
        begun += piece
        if not begun.strip():
            begun = ""
        elif sqlite3.complete_statement(begun + ";"):  # no, inside of a string, a comment or a trigger
            yield begun.strip()
            begun = ""
        else:
            begun += ";"
    if rest := begun.removesuffix(";").strip():
        yield rest


@contextmanager
def transaction(db: sqlite3.Connection) -> Generator[None]:
    """All or nothing. Takes the write lock at once, so two writers wait for each other instead of failing half-way."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has rolled back already
            db.execute("ROLLBACK")
        raise


def _applied(db: sqlite3.Connection) -> set[tuple[str, int]]:
    found = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'aiorch_migrations'").fetchone()
    return set(db.execute("SELECT room, version FROM aiorch_migrations")) if found else set()
