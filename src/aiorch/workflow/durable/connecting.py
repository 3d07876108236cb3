"""Connections to the database of durable runs, set up so that what was committed stays committed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from aiorch.errors import MissingExtra
from aiorch.workflow.durable.address import Address
from aiorch.workflow.durable.faults import unusable_folder

PATIENCE = 30
"""Seconds to wait for another process that is writing (SQLite), or for a lock (PostgreSQL)."""
CONNECT_TIMEOUT = 10
"""Seconds."""

LOST = ("08", "57P", "53300")
"""SQLSTATEs of PostgreSQL that begin so: the connection is gone, the server shuts down or starts, or is full of
connections (postgresql.org/docs/current/errcodes-appendix.html)."""
AGAIN = ("40001", "40P01")
"""Serialization failure, deadlock: the same transaction may pass the next time."""


def connect(address: Address) -> Engine:
    """An engine whose connections are opened one by one, when they are needed.

    :raises MissingExtra: without the driver. :raises StorageError: where the file's folder cannot be made.
    """
    return _file(address) if address.kind == "sqlite" else _server(address)


def is_lost(fault: Exception) -> bool:
    """Whether the server went away or asks to try again; what was begun has not happened, or happened as a whole."""
    if not isinstance(fault, DBAPIError) or isinstance(fault.orig, sqlite3.Error):
        return False
    state = getattr(fault.orig, "sqlstate", None)
    if state is None:  # no server was there to give one
        return isinstance(fault, OperationalError) or fault.connection_invalidated
    return state.startswith(LOST) or state in AGAIN


def _file(address: Address) -> Engine:
    _private_file(Path(address.shown))
    engine = create_engine(
        address.url, poolclass=NullPool, connect_args={"check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def set_up(dbapi: sqlite3.Connection, _: object) -> None:  # pyright: ignore[reportUnusedFunction]
        dbapi.isolation_level = None  # transactions begin where we say so
        dbapi.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        dbapi.execute("PRAGMA journal_mode = WAL").fetchone()
        # FULL: what is committed survives the loss of power too (sqlite.org/pragma.html#pragma_synchronous).
        dbapi.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(db: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        # At once with the lock to write: one that begins with reading could not wait for another writer.
        db.exec_driver_sql("BEGIN IMMEDIATE" if db.info.get("writes", True) else "BEGIN")

    return engine


def _server(address: Address) -> Engine:
    try:
        import psycopg  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as fault:
        raise MissingExtra("durable", "keeping runs in PostgreSQL", str(fault)) from None
    # Nothing is prepared: a pooler between may give each transaction another connection.
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "prepare_threshold": None,
        "application_name": "aiorch",
        "options": f"-c lock_timeout={PATIENCE}s",
    }
    return create_engine(address.url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)


def _private_file(path: Path) -> None:
    """Make the file for its owner alone before SQLite makes it for everybody."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as fault:
        raise unusable_folder(fault, str(path)) from fault
