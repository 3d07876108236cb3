"""Reading and writing one file, from tasks, threads, loops and processes."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from aiorch.store import FILE_NAME, Migration, Store

COUNTER = Migration(
    "test", 1, "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL CHECK (n < 1000000));"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / FILE_NAME


@pytest.mark.anyio
async def test_what_is_written_is_read_after_closing(path: Path):
    store = Store(path, [COUNTER])
    assert await store.execute("INSERT INTO counter VALUES (?, ?)", ("a", 1)) == 1
    await store.aclose()
    assert await store.fetch("SELECT * FROM counter") == [("a", 1)]
    assert await store.fetch_one("SELECT n FROM counter WHERE name = ?", ("a",)) == (1,)
    assert await store.fetch_one("SELECT n FROM counter WHERE name = ?", ("b",)) is None
    await store.aclose()
    await store.aclose()


@pytest.mark.anyio
async def test_nothing_is_made_before_the_first_use(path: Path):
    store = Store(path, [COUNTER])
    await store.aclose()
    assert not path.parent.exists()


@pytest.mark.anyio
async def test_the_file_is_its_owners_alone(path: Path):
    store = Store(path, [COUNTER])
    await store.execute("INSERT INTO counter VALUES ('a', 1)")
    try:
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        await store.aclose()


@pytest.mark.anyio
async def test_how_the_file_is_opened(path: Path):
    store = Store(path)
    for pragma, value in {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }.items():
        assert await store.fetch_one(f"PRAGMA {pragma}") == (value,)
    await store.aclose()


@pytest.mark.anyio
async def test_a_transaction_happens_whole_or_not_at_all(path: Path):
    store = Store(path, [COUNTER])

    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO counter VALUES ('a', 1)")
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await store.transaction(half)
    with pytest.raises(sqlite3.IntegrityError):
        await store.execute_many("INSERT INTO counter VALUES (?, ?)", [("b", 1), ("b", 2)])
    assert await store.fetch("SELECT * FROM counter") == []
    await store.execute_many("INSERT INTO counter VALUES (?, ?)", (row for row in [("b", 1), ("c", 2)]))
    assert await store.transaction(lambda db: db.execute("SELECT sum(n) FROM counter").fetchone()) == (3,)
    await store.aclose()


@pytest.mark.anyio
async def test_a_mistake_in_a_statement_keeps_its_own_exception(path: Path):
    store = Store(path)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await store.fetch("SELECT * FROM nowhere")
    await store.aclose()


@pytest.mark.anyio
async def test_many_tasks_share_it(path: Path):
    store = Store(path, [COUNTER])
    await store.execute("INSERT INTO counter VALUES ('a', 0)")

    def add(db: sqlite3.Connection) -> None:
        (n,) = db.execute("SELECT n FROM counter").fetchone()
        db.execute("UPDATE counter SET n = ?", (n + 1,))

    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(store.transaction, add)
    assert await store.fetch("SELECT n FROM counter") == [(60,)]
    await store.aclose()


@pytest.mark.anyio
async def test_the_loop_goes_on_while_the_disk_is_busy(path: Path):
    store = Store(path, [COUNTER])
    started, released = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        started.set()
        assert released.wait(30)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.transaction, slow)
        while not started.is_set():
            await anyio.sleep(0.001)
        for _ in range(10):
            await anyio.lowlevel.checkpoint()  # would hang if the loop were blocked
        released.set()
    await store.aclose()


@pytest.mark.anyio
async def test_cancelling_leaves_a_started_write_whole(path: Path):
    store = Store(path, [COUNTER])
    started, released = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO counter VALUES ('a', 1)")
        started.set()
        assert released.wait(30)
        db.execute("INSERT INTO counter VALUES ('b', 2)")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(store.transaction, slow)
        while not started.is_set():
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
        released.set()
    assert await store.fetch("SELECT count(*) FROM counter") == [(2,)]
    await store.aclose()


def test_several_loops_share_it(path: Path):
    store = Store(path, [COUNTER])
    for n, backend in enumerate(("asyncio", "trio", "asyncio")):
        anyio.run(store.execute, "INSERT INTO counter VALUES (?, ?)", (f"{n}", n), backend=backend)
    assert anyio.run(store.fetch, "SELECT count(*) FROM counter") == [(3,)]
    store.close()


@pytest.mark.anyio
async def test_a_store_in_memory_needs_no_file():
    store = Store.in_memory([COUNTER])
    await store.execute("INSERT INTO counter VALUES ('a', 1)")
    assert await store.fetch("SELECT n FROM counter") == [(1,)]
    await store.aclose()
    assert not any(Path.cwd().iterdir())


WRITER = """
import sys, anyio
from aiorch.store import Migration, Store
store = Store(sys.argv[1], [Migration("test", 1, "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER)")])
def add(db):
    db.execute("INSERT INTO counter VALUES ('a', 1) ON CONFLICT (name) DO UPDATE SET n = n + 1")
async def main():
    for _ in range(50):
        await store.transaction(add)
    await store.aclose()
anyio.run(main)
"""


def test_several_processes_begin_the_file_at_once_and_lose_nothing(path: Path):
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stderr=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    said = [p.communicate(timeout=50)[1] for p in processes]
    assert [p.returncode for p in processes] == [0] * 5, said
    store = Store(path)
    assert anyio.run(store.fetch, "SELECT n FROM counter") == [(250,)]
    assert anyio.run(store.fetch, "SELECT count(*) FROM aiorch_migrations") == [(1,)]
    store.close()


FORKED = """
import os, sys, anyio
from aiorch.store import Migration, Store
store = Store(sys.argv[1], [Migration("test", 1, "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER)")])
anyio.run(store.execute, "INSERT INTO counter VALUES ('parent', 1)")
parents = store._db
child = os.fork()
if not child:
    anyio.run(store.execute, "INSERT INTO counter VALUES ('child', 1)")
    assert store._db is not parents
    store.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
anyio.run(store.execute, "INSERT INTO counter VALUES ('parent again', 1)")
print(len(anyio.run(store.fetch, "SELECT * FROM counter")))
store.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_opens_a_connection_of_its_own(path: Path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(path)], capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_a_store_is_there_once_something_was_written(tmp_path: Path) -> None:
    path = tmp_path / "aiorch.db"
    store = Store(path)
    assert not store.exists
    assert not path.exists()
    path.touch()
    assert store.exists
    assert Store.in_memory().exists


def test_a_folder_that_may_not_be_looked_into_is_left_to_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", forbidden)
    assert Store(tmp_path / "aiorch.db").exists
