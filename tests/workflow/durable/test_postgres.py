"""PostgreSQL alone: it goes away and comes back, refuses, and carries runs of several processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import psycopg
import pytest
from tests.workflow.durable.server import Server

from aiorch.errors import LeaseLost, StorageError
from aiorch.types import new_id
from aiorch.workflow.durable import Durable, records
from aiorch.workflow.durable.address import Address
from aiorch.workflow.durable.records import Held
from aiorch.workflow.durable.storage import Storage

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


def claimed(db: Any, run_id: str, token: str) -> Held:
    held = records.claim(db, run_id, "1", owner=token, token=token, gone=lambda db, owner: True)
    assert isinstance(held, Held)
    return held


async def test_a_server_that_is_started_again_is_waited_for(url: str, postgres: Server) -> None:
    engine = Durable(url)
    made: list[int] = []

    async def body(journal: Any) -> list[int]:
        values: list[int] = []
        for number in range(6):

            async def effect(number: int = number) -> int:
                made.append(number)
                return number

            if number == 3:
                await anyio.to_thread.run_sync(postgres.stop)
                threading.Timer(0.5, postgres.start).start()
            values.append(await journal.once(f"k{number}", effect, returns=int))
        return values

    try:
        assert await engine.run(new_id(), "1", body, returns=list[int]) == [0, 1, 2, 3, 4, 5]
        assert made == [0, 1, 2, 3, 4, 5]
    finally:
        await engine.aclose()


async def test_a_server_that_does_not_come_back_ends_the_run_in_words(url: str, postgres: Server) -> None:
    storage = Storage(Address.parse(url), patience=0.3)
    run_id = new_id()
    mine = (await storage.do(lambda db: claimed(db, run_id, "t"))).claim
    await anyio.to_thread.run_sync(postgres.stop)
    try:
        for _ in range(2):  # the second time nobody waits: it was not there to begin with
            with pytest.raises(StorageError, match="cannot be reached: check that it runs"):
                await storage.do(lambda db: records.commit(db, mine, "a", "1", at=0.0))
    finally:
        await anyio.to_thread.run_sync(postgres.start)
    await storage.do(lambda db: records.commit(db, mine, "a", "1", at=0.0))
    storage.close()


async def test_a_commit_waits_for_a_claim_that_is_changing_hands(url: str) -> None:
    first, second = Storage(Address.parse(url)), Storage(Address.parse(url))
    run_id = new_id()
    mine = (await first.do(lambda db: claimed(db, run_id, "one"))).claim
    claiming, go = threading.Event(), threading.Event()

    def takes_over(db: Any) -> Held:
        held = claimed(db, run_id, "two")
        claiming.set()
        go.wait(30)
        return held

    refused: list[bool] = []

    async def commits() -> None:
        try:
            await first.do(lambda db: records.commit(db, mine, "a", "1", at=0.0))
        except LeaseLost:
            refused.append(True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second.do, takes_over)
        await anyio.to_thread.run_sync(claiming.wait)
        tasks.start_soon(commits)
        await anyio.sleep(0.1)
        go.set()
    assert refused == [True]
    assert await first.do(lambda db: records.committed(db, run_id), writes=False) == {}
    first.close()
    second.close()


async def test_two_processes_that_begin_one_run_at_a_time_are_one(url: str) -> None:
    storages = [Storage(Address.parse(url)) for _ in range(4)]
    run_id = new_id()
    won: list[int] = []

    async def begin(number: int) -> None:
        def take(db: Any) -> Any:
            return records.claim(
                db, run_id, "1", owner=f"p{number}", token=f"t{number}", gone=lambda db, owner: False
            )

        try:
            await storages[number].do(take)
            won.append(number)
        except Exception:
            return

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(begin, number)
    assert len(won) == 1
    for storage in storages:
        storage.close()


@pytest.fixture
def wrong(request: pytest.FixtureRequest, postgres: Server) -> Iterator[Storage]:
    address = postgres.address
    urls = {
        "password": address.replace("pg-secret", "wrong") + "postgres",
        "database": address + "nowhere",
        "port": address.replace(str(postgres.port), "1") + "postgres",
    }
    storage = Storage(Address.parse(urls[request.param]))
    yield storage
    storage.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("password", "lets this user in"), ("database", "cannot be reached"), ("port", "cannot be reached")],
    indirect=["wrong"],
)
async def test_what_keeps_us_out_is_said_without_secrets(wrong: Storage, words: str) -> None:
    with pytest.raises(StorageError, match=words) as refused:
        await wrong.do(lambda db: None)
    assert "pg-secret" not in str(refused.value)


async def test_a_user_who_may_not_make_tables_is_told(postgres: Server) -> None:
    url = await anyio.to_thread.run_sync(postgres.database)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS guest")
        db.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-pass-1'")
    storage = Storage(Address.parse(url.replace("aiorch:pg-secret-9Lm4", "guest:guest-pass-1")))
    with pytest.raises(StorageError, match="grant it CREATE"):
        await storage.do(lambda db: None)
    storage.close()
