"""What SQLite reports, in words for the person whose file it is."""

from __future__ import annotations

import sqlite3

from aiorch.errors import StorageError

CURES = {
    sqlite3.SQLITE_NOTADB: "is not a database: move it away, or use another data_dir",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore a copy, or move it away (a new one is made, what it held is lost)",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: make room, or use another data_dir",
    sqlite3.SQLITE_READONLY: "cannot be written: make it and its folder writable, or use another data_dir",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder exists and is writable, or use another data_dir",
    sqlite3.SQLITE_PERM: "cannot be opened: check its permissions, or use another data_dir",
    sqlite3.SQLITE_IOERR: "cannot be used, the disk reports an error: check the disk, or use another data_dir",
    sqlite3.SQLITE_BUSY: "is held by another process for too long: end that one, or use another data_dir",
    sqlite3.SQLITE_LOCKED: "is held by another process for too long: end that one, or use another data_dir",
    sqlite3.SQLITE_PROTOCOL: "is held by another process for too long: end that one, or use another data_dir",
}
"""What to do, by SQLite's primary result code. Anything else is a mistake in a statement and keeps its exception."""


def explained(fault: sqlite3.Error, path: str) -> StorageError | None:
    """``fault`` as a :class:`StorageError`, where the file or the disk is to blame."""
    code: int = (
        getattr(fault, "sqlite_errorcode", 0) & 0xFF
    )  # extended codes carry the primary one in the low byte
    cure = CURES.get(code)
    return StorageError(f"{path} {cure} ({fault})") if cure else None


def unusable_folder(fault: OSError, path: str) -> StorageError:
    """The folder of the file cannot be made or written."""
    return StorageError(
        f"{path} cannot be made ({fault.strerror}): make its folder writable, or use another data_dir "
        "(the setting data_dir, AIORCH_DATA_DIR)"
    )
