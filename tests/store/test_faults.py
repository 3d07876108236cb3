"""A file that cannot be used says so, with what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio
import pytest

from aiorch.errors import StorageError
from aiorch.store import Migration, Store
from aiorch.store.faults import explained

TABLE = Migration("test", 1, "CREATE TABLE t (x)")


async def fails(store: Store, sql: str = "INSERT INTO t VALUES (1)") -> str:
    with pytest.raises(StorageError) as raised:
        await store.execute(sql)
    await store.aclose()
    return str(raised.value)


@pytest.mark.anyio
async def test_a_file_that_is_no_database(tmp_path: Path):
    (tmp_path / "db").write_text("Dear diary, " * 100)
    text = await fails(Store(tmp_path / "db", [TABLE]))
    assert text.startswith(f"{tmp_path / 'db'} is not a database: move it away, or use another data_dir")
    assert (tmp_path / "db").read_text().startswith("Dear diary")


@pytest.mark.anyio
async def test_a_damaged_file(tmp_path: Path):
    store = Store(tmp_path / "db", [TABLE])
    await store.execute_many("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 200)
    await store.aclose()
    raw = bytearray((tmp_path / "db").read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    (tmp_path / "db").write_bytes(raw)
    assert "is damaged: restore a copy, or move it away" in await fails(Store(tmp_path / "db", [TABLE]))


@pytest.mark.anyio
async def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path):
    store = Store(tmp_path / "db", [TABLE])
    await store.execute("INSERT INTO t VALUES ('kept')")
    await store.fetch("PRAGMA max_page_count = 4")
    with pytest.raises(StorageError, match="the disk is full: make room"):
        await store.execute_many("INSERT INTO t VALUES (?)", [("x" * 4000,)] * 9)
    assert await store.fetch("SELECT * FROM t") == [("kept",)]
    await store.aclose()


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").touch()
    text = await fails(Store(tmp_path / "file" / "db", [TABLE]))
    assert "cannot be made (" in text
    assert "AIORCH_DATA_DIR" in text


@pytest.mark.anyio
async def test_a_folder_in_the_files_place(tmp_path: Path):
    (tmp_path / "db").mkdir()
    assert "cannot be made (Is a directory)" in await fails(Store(tmp_path / "db", [TABLE]))


@pytest.mark.anyio
async def test_another_process_that_holds_it_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aiorch.store.sqlite.PATIENCE", 0.05)
    store = Store(tmp_path / "db", [TABLE])
    await store.execute("INSERT INTO t VALUES (1)")
    other = sqlite3.connect(tmp_path / "db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert "is held by another process for too long" in await fails(store)
    finally:
        other.close()


READ_ONLY = """
import os, sys, anyio
from aiorch.errors import StorageError
from aiorch.store import Migration, Store
anyio.run(Store.in_memory().fetch, "SELECT 1")  # everything is imported
if os.geteuid() == 0:  # whom nothing is read-only to
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
store = Store(sys.argv[1], [Migration("test", 1, "CREATE TABLE t (x)")])
try:
    anyio.run(store.execute, "INSERT INTO t VALUES (1)")
except StorageError as error:
    print(error)
store.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions of another system")
@pytest.mark.parametrize("exists", [True, False], ids=["old file", "new file"])
def test_a_read_only_home(exists: bool):
    with tempfile.TemporaryDirectory() as top:  # pytest's own folders are closed to others
        Path(top).chmod(0o755)
        home = Path(top, "home")
        home.mkdir()
        if exists:
            store = Store(home / "db", [TABLE])
            anyio.run(store.execute, "INSERT INTO t VALUES (1)")
            store.close()
            (home / "db").chmod(0o444)
        home.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", READ_ONLY, str(home / "db")],
            capture_output=True,
            text=True,
            timeout=50,
        )
        home.chmod(0o755)
    assert done.returncode == 0, done.stderr
    expected = "cannot be written: make it and its folder writable" if exists else "make its folder writable"
    assert expected in done.stdout
    assert "use another data_dir" in done.stdout


def test_extended_codes_are_understood_and_others_left_alone():
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    assert "the disk reports an error" in str(explained(fault, "db"))
    assert explained(sqlite3.ProgrammingError("closed"), "db") is None
