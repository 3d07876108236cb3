"""What databases report, in words for the person whose database it is."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from aiorch.errors import StorageError
from aiorch.workflow.durable.address import Address

RESUME = "The run can be resumed under the same id."

FILE = {
    sqlite3.SQLITE_NOTADB: "is not a database: move it away, or name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore a copy, or move it away (what it held is lost)",
    sqlite3.SQLITE_FULL: f"cannot grow, the disk is full: make room. {RESUME}",
    sqlite3.SQLITE_READONLY: "cannot be written: make it and its folder writable, or name another file",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder exists and is writable, or name another file",
    sqlite3.SQLITE_PERM: "cannot be opened: check its permissions, or name another file",
    sqlite3.SQLITE_IOERR: f"cannot be used, the disk reports an error: check the disk. {RESUME}",
    sqlite3.SQLITE_BUSY: f"is held by another process for too long: end that one. {RESUME}",
    sqlite3.SQLITE_LOCKED: f"is held by another process for too long: end that one. {RESUME}",
    sqlite3.SQLITE_PROTOCOL: f"is held by another process for too long: end that one. {RESUME}",
}
"""What to do, by SQLite's primary result code."""

SERVER = (
    ("53100", f"cannot grow, its disk is full: make room. {RESUME}"),
    ("53", f"has no resources left: look at its limits. {RESUME}"),
    ("28", "does not let this user in: check the user and the password in the address"),
    ("3D", "has no such database: make it, or name another"),
    ("42501", "does not let this user make or change tables: grant it CREATE on the schema"),
    ("55P03", f"kept a row locked for too long: look for who holds it. {RESUME}"),
    ("57", f"has ended the connection and did not come back in time. {RESUME}"),
    ("08", f"could not be reached for too long. {RESUME}"),
)
"""What to do, by how PostgreSQL's SQLSTATE begins; the first that fits."""


def explained(fault: Exception, address: Address) -> StorageError | None:
    """``fault`` as a :class:`StorageError`, where the database is to blame and not a mistake of ours."""
    if not isinstance(fault, DBAPIError):
        return None
    orig = fault.orig
    if isinstance(orig, sqlite3.Error):
        code: int = (
            getattr(orig, "sqlite_errorcode", 0) & 0xFF
        )  # extended codes carry the primary one in the low byte
        cure = FILE.get(code)
        return StorageError(f"{address} {cure} ({orig})") if cure else None
    state: str | None = getattr(orig, "sqlstate", None)
    if state is None:
        return StorageError(
            f"{address} cannot be reached: check that it runs and lets this user in. {RESUME}"
        )
    for prefix, cure in SERVER:
        if state.startswith(prefix):
            return StorageError(f"{address} {cure} (SQLSTATE {state})")
    return None


def unusable_folder(fault: OSError, path: str) -> StorageError:
    """The folder of the file cannot be made or written."""
    return StorageError(
        f"{path} cannot be made ({fault.strerror}): make its folder writable, or name another file"
    )
