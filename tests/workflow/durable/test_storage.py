"""What the storage promises: many commits in one transaction, nothing half done, words for what goes wrong."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import Connection, insert, text

from aiorch.errors import LeaseLost, StorageError
from aiorch.workflow.durable import Durable, connecting, records
from aiorch.workflow.durable.address import Address
from aiorch.workflow.durable.records import Claim, Held
from aiorch.workflow.durable.storage import Storage
from aiorch.workflow.durable.tables import effects, runs

pytestmark = pytest.mark.anyio


@pytest.fixture
def storage(url: str) -> Iterator[Storage]:
    storage = Storage(Address.parse(url))
    yield storage
    storage.close()


def claimed(db: Connection, run_id: str = "r", token: str = "t", owner: str = "me") -> Held:
    held = records.claim(db, run_id, "1", owner=owner, token=token, gone=lambda db, owner: True)
    assert isinstance(held, Held)
    return held


def keeps(mine: Claim, key: str) -> Any:
    return lambda db: records.commit(db, mine, key, "1", at=0.0)


# --- group commit ------------------------------------------------------------------------------------------------


async def test_what_comes_in_meanwhile_is_one_transaction(storage: Storage) -> None:
    mine = (await storage.do(claimed)).claim
    before = storage.batches
    entered, go = threading.Event(), threading.Event()

    def slow(db: Connection) -> None:
        entered.set()
        go.wait(30)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(storage.do, slow)
        await anyio.to_thread.run_sync(entered.wait)
        for number in range(50):
            tasks.start_soon(storage.do, keeps(mine, f"k{number}"))
        await anyio.sleep(0.05)
        go.set()
    assert storage.batches - before == 2
    assert len(await storage.do(lambda db: records.committed(db, "r"), writes=False)) == 50


async def test_one_that_is_refused_takes_nobody_along(storage: Storage) -> None:
    mine = (await storage.do(claimed)).claim
    stale = Claim("r", mine.epoch - 1, "me", "t")
    said: dict[str, BaseException | None] = {}
    entered, go = threading.Event(), threading.Event()

    def slow(db: Connection) -> None:
        entered.set()
        go.wait(30)

    def breaks(db: Connection) -> None:
        db.execute(insert(runs).values(run_id="half", version="1", state="x", epoch=1, created=0, updated=0))
        db.execute(text("SELECT nonsense FROM nowhere"))

    async def tell(name: str, work: Any) -> None:
        try:
            await storage.do(work)
            said[name] = None
        except Exception as fault:
            said[name] = fault

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(storage.do, slow)
        await anyio.to_thread.run_sync(entered.wait)
        for name, work in {"good": keeps(mine, "a"), "stale": keeps(stale, "b"), "bad": breaks}.items():
            tasks.start_soon(tell, name, work)
        await anyio.sleep(0.05)
        go.set()
    assert said["good"] is None
    assert isinstance(said["stale"], LeaseLost)
    assert "nonsense" in str(said["bad"]) or "nowhere" in str(said["bad"])
    assert set(await storage.do(lambda db: records.committed(db, "r"), writes=False)) == {"a"}
    assert await storage.do(lambda db: records.run_row(db, "half"), writes=False) is None


async def test_a_claim_that_changes_hands_within_a_transaction_is_seen(storage: Storage) -> None:
    mine = (await storage.do(claimed)).claim

    def both(db: Connection) -> None:
        records.commit(db, mine, "a", "1", at=0.0)
        records.take_away(db, "r", "cancelled")
        with pytest.raises(LeaseLost):
            records.commit(db, mine, "b", "1", at=0.0)

    await storage.do(both)
    assert set(await storage.do(lambda db: records.committed(db, "r"), writes=False)) == {"a"}


async def test_everything_may_be_carried_out_twice(storage: Storage) -> None:
    """What a connection lost at the commit leads to."""

    def all_of_it(db: Connection) -> Held:
        held = claimed(db)
        mine = held.claim
        records.begin(db, mine, 0, "k", guarded=True, at=1.0)
        records.commit(db, mine, "k", '"v"', at=2.0, call=0)
        records.send(db, "r", "n", "1")
        return held

    first, second = await storage.do(all_of_it), await storage.do(all_of_it)
    assert first.claim == second.claim
    assert await storage.do(lambda db: records.committed(db, "r"), writes=False) == {"k": '"v"'}
    (call,) = await storage.do(lambda db: records.calls_of(db, "r"), writes=False)
    assert (call.state, call.began, call.ended) == ("committed", 1.0, 2.0)

    def ends(db: Connection) -> None:
        records.finish(db, first.claim, "done", result="1")

    await storage.do(ends)
    await storage.do(ends)


async def test_a_thread_without_a_loop_is_served_too(storage: Storage) -> None:
    assert await anyio.to_thread.run_sync(lambda: storage.do_now(claimed).claim.epoch) == 1
    storage.post(lambda db: records.send(db, "r", "n", "1"))
    assert await storage.receive("r", "n") == "1"


async def test_what_is_due_is_done_again_and_again(storage: Storage) -> None:
    count = 0
    twice = threading.Event()

    def beat(db: Connection) -> None:
        nonlocal count
        count += 1
        if count == 2:
            twice.set()

    stop = storage.every(0.01, beat)
    assert await anyio.to_thread.run_sync(lambda: twice.wait(30))
    stop()
    await storage.do(lambda db: None)
    seen = count
    await anyio.sleep(0.1)
    assert count == seen


async def test_one_storage_an_address_until_the_last_has_left(url: str) -> None:
    address = Address.parse(url)
    first, second = Storage.shared(address), Storage.shared(address)
    assert first is second
    await first.do(claimed)
    assert not first.release()
    await second.do(lambda db: None)
    assert second.release()
    assert not [thread for thread in threading.enumerate() if thread.name == "aiorch-runs"]


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A disk that holds so many pages of the file and no more, once ``pages`` says so."""
    from aiorch.workflow.durable import connecting

    room = {"pages": 0}
    connect = connecting.connect

    def small(address: Address) -> Any:
        from sqlalchemy import event

        engine = connect(address)

        @event.listens_for(engine, "begin")
        def limit(db: Connection) -> None:
            if room["pages"]:
                db.exec_driver_sql(f"PRAGMA max_page_count = {room['pages']}")

        return engine

    monkeypatch.setattr("aiorch.workflow.durable.storage.connect", small)
    return room


async def test_a_full_disk_says_so_and_the_run_can_be_carried_on(url: str, full: dict[str, int]) -> None:
    engine = Durable(url)
    made: list[str] = []

    async def body(journal: Any) -> int:
        async def effect(name: str, size: int) -> str:
            made.append(name)
            return "x" * size

        await journal.once("small", lambda: effect("small", 10), returns=str)
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
        if len(made) == 1:
            full["pages"] = pages + 2
        await journal.once("large", lambda: effect("large", 100_000), returns=str)
        return 1

    try:
        with pytest.raises(StorageError, match=r"disk is full: make room\. The run can be resumed"):
            await engine.run("r", "1", body, returns=int)
        full["pages"] = 1_000_000
        assert await engine.run("r", "1", body, returns=int) == 1
        assert made == ["small", "large", "large"], "what was committed before is not done again"
    finally:
        engine.close()


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("this is a letter to my aunt, and not a database" * 100)
    storage = Storage(Address.parse(f"sqlite:///{tmp_path}/runs.db"))
    with pytest.raises(StorageError, match="is not a database: move it away"):
        await storage.do(claimed)
    storage.close()


async def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    storage = Storage(Address.parse(f"sqlite:///{tmp_path}/file/runs.db"))
    with pytest.raises(StorageError, match="make its folder writable"):
        await storage.do(claimed)
    storage.close()


async def test_the_file_is_its_owners_alone(storage: Storage) -> None:
    await storage.do(claimed)
    assert Path(storage.address.shown).stat().st_mode & 0o077 == 0


async def test_tables_of_a_newer_aiorch_are_left_alone(storage: Storage, url: str) -> None:
    await storage.do(claimed)
    storage.close()
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
        db.execute("UPDATE aiorch_migrations SET version = 99 WHERE room = 'durable'")
    with pytest.raises(StorageError, match="written by a newer aiorch"):
        await storage.do(claimed)


async def test_a_waiting_one_is_told_that_the_database_is_gone(storage: Storage, url: str) -> None:
    await storage.do(claimed)
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
        db.execute("DROP TABLE aiorch_mail")
    with pytest.raises(Exception, match="aiorch_mail"):
        await storage.receive("r", "n")


async def test_whoever_has_left_is_not_missed(storage: Storage) -> None:
    """A loop that ended while its work was under way."""
    entered, go = threading.Event(), threading.Event()

    def slow(db: Connection) -> None:
        entered.set()
        go.wait(30)

    def leave() -> None:
        async def main() -> None:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(storage.do, slow)
                    await anyio.to_thread.run_sync(entered.wait)
                    scope.cancel()

        anyio.run(main)

    await anyio.to_thread.run_sync(leave)
    go.set()
    assert await storage.do(lambda db: 7) == 7


async def test_ten_thousand_results_are_read_at_once(storage: Storage) -> None:
    mine = (await storage.do(claimed)).claim
    values = [{"run_id": "r", "key": f"each[{i}]", "value": "1", "committed": 0.0} for i in range(10_000)]
    await storage.do(lambda db: db.execute(insert(effects), values) and None)
    began = time.monotonic()
    held = await storage.do(lambda db: claimed(db, token="u"))
    assert len(held.effects) == 10_000
    assert held.claim.epoch == mine.epoch + 1
    assert time.monotonic() - began < 30


async def test_those_who_wait_for_a_busy_file_together_wait_once(
    storage: Storage, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "PATIENCE", 1)
    tried: list[int] = []
    transact: Any = storage._transact  # pyright: ignore[reportPrivateUsage]

    def counted(jobs: list[Any]) -> None:
        tried.append(len(jobs))
        transact(jobs)

    monkeypatch.setattr(storage, "_transact", counted)
    await storage.do(lambda db: None)
    entered, go = threading.Event(), threading.Event()

    def reads(db: Connection) -> None:
        entered.set()
        go.wait(30)

    async def refused() -> None:
        with pytest.raises(StorageError, match="held by another process"):
            await storage.do(lambda db: None)

    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: storage.do(reads, writes=False))
            await anyio.to_thread.run_sync(entered.wait)
            for _ in range(20):
                tasks.start_soon(refused)
            await anyio.sleep(0.05)
            go.set()
    assert tried == [1, 1, 20]


async def test_whoever_held_a_run_that_was_deleted_commits_nothing_into_a_new_one_of_its_id(
    storage: Storage,
) -> None:
    old = (await storage.do(claimed)).claim
    await storage.do(lambda db: records.forget(db, "r"))
    new = (await storage.do(lambda db: claimed(db, token="u"))).claim
    assert old.epoch == new.epoch
    with pytest.raises(LeaseLost):
        await storage.do(keeps(old, "a"))
    assert not await storage.do(lambda db: records.holds(db, old), writes=False)
    await storage.do(keeps(new, "a"))
