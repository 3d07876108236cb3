"""What the engine promises: the conformance suite over both databases, and what DBOS and the disk see of a run."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from aiorch.errors import ConfigurationError, LeaseLost, MissingExtra, RunInUse, StorageError, VersionChanged
from aiorch.testing.conformance.durable import DurableEngineConformance
from aiorch.types import new_id
from aiorch.workflow.durable import Durable, records
from aiorch.workflow.durable.identity import started, this_process

Open = Callable[[], Durable]


class TestConformance(DurableEngineConformance):
    @pytest.fixture(params=["sqlite", "postgresql"])
    def url(self, request: pytest.FixtureRequest, tmp_path: Path) -> str:
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path}/runs.db"
        return request.getfixturevalue("postgres_url")

    @pytest.fixture
    def engine(self, opened: Open) -> Durable:
        return opened()

    @pytest.fixture
    def reopened(self, opened: Open) -> Open:
        return opened

    @pytest.fixture
    def send(self, engine: Durable) -> Any:
        async def send(run_id: str, name: str, value: object) -> None:
            await engine.storage.send(run_id, name, json.dumps(value))

        return send


def rows(url: str, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
        return db.execute(query).fetchall()


async def one(_: Any) -> int:
    return 1


# --- what is written of a run ------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_dbos_knows_how_every_run_stands(opened: Open, url: str) -> None:
    engine = opened()
    seen: list[Any] = []

    async def body(_: Any) -> int:
        seen.extend(rows(url, "SELECT workflow_uuid, status FROM workflow_status"))
        return 1

    async def fails(_: Any) -> int:
        raise ValueError("no data")

    async def waits(_: Any) -> int:
        scope.cancel()
        await anyio.sleep_forever()
        return 1

    await engine.run("done", "1", body, returns=int)
    with pytest.raises(ValueError):
        await engine.run("failed", "1", fails, returns=int)
    with anyio.CancelScope() as scope:
        await engine.run("cancelled", "1", waits, returns=int)
    assert seen == [("done", "PENDING")]
    assert rows(url, "SELECT workflow_uuid, status, name FROM workflow_status ORDER BY 1") == [
        ("cancelled", "CANCELLED", "aiorch.run"),
        ("done", "SUCCESS", "aiorch.run"),
        ("failed", "ERROR", "aiorch.run"),
    ]
    assert rows(url, "SELECT run_id, state, owner, error FROM aiorch_runs ORDER BY 1") == [
        ("cancelled", "cancelled", None, None),
        ("done", "done", None, None),
        ("failed", "failed", None, "ValueError: no data"),
    ]


@pytest.mark.anyio
async def test_a_failed_and_a_cancelled_run_are_carried_on_under_their_id(opened: Open, url: str) -> None:
    engine = opened()

    async def fails(_: Any) -> int:
        raise ValueError("no data")

    for _ in range(2):
        with pytest.raises(ValueError):
            await engine.run("r", "1", fails, returns=int)
    assert await engine.run("r", "1", one, returns=int) == 1
    assert rows(url, "SELECT status FROM workflow_status") == [("SUCCESS",)]


@pytest.mark.anyio
async def test_errors_are_kept_without_secrets_and_nothing_is_pickled(url: str) -> None:
    engine = Durable(url, redact=lambda text: text.replace("sk-123", "[key]"))

    async def fails(_: Any) -> int:
        raise ValueError("refused sk-123 " + "x" * 5000)

    try:
        with pytest.raises(ValueError, match="sk-123"):
            await engine.run("r", "1", fails, returns=int)
    finally:
        engine.close()
    ((error,),) = rows(url, "SELECT error FROM workflow_output")
    assert error.startswith('{"error": "ValueError: refused [key] xxx')
    assert rows(url, "SELECT serialization FROM workflow_status") == [("aiorch_json",)]
    assert b"sk-123" not in Path(url.removeprefix("sqlite:///")).read_bytes()
    assert len(rows(url, "SELECT error FROM aiorch_runs")[0][0]) == 2000


# --- who carries a run out ---------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_one_process_does_not_carry_out_a_run_twice_at_a_time(opened: Open) -> None:
    async def body(_: Any) -> int:
        with pytest.raises(RunInUse):
            await opened().run("r", "1", one, returns=int)
        return 2

    assert await opened().run("r", "1", body, returns=int) == 2


def owned_by(url: str, owner: str) -> None:
    """As if that process had begun run ``r`` and were at it, or had been killed at it."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
        db.execute("UPDATE aiorch_runs SET state = 'running', owner = ?, token = 'other'", (owner,))


async def begun(engine: Durable) -> None:
    async def fails(_: Any) -> int:
        raise ValueError

    with pytest.raises(ValueError):
        await engine.run("r", "1", fails, returns=int)


@pytest.mark.anyio
async def test_a_run_of_a_living_process_is_left_alone(opened: Open, url: str) -> None:
    engine = opened()
    await begun(engine)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        me = this_process()
        owner = "|".join((me.host, me.space, me.boot, str(other.pid), started(other.pid), "t"))
        owned_by(url, owner)
        with pytest.raises(RunInUse, match="carried out by another process"):
            await engine.run("r", "1", one, returns=int)
        other.kill()
    assert await engine.run("r", "1", one, returns=int) == 1, "it was killed, so its run is free"


@pytest.mark.anyio
async def test_a_run_of_another_machine_is_left_alone(opened: Open, url: str) -> None:
    engine = opened()
    await begun(engine)
    owned_by(url, "elsewhere|1|b|1|1|t")
    with pytest.raises(RunInUse):
        await engine.run("r", "1", one, returns=int)


@pytest.mark.anyio
async def test_another_version_is_told_both_and_the_cure(opened: Open) -> None:
    await begun(opened())
    with pytest.raises(VersionChanged, match="begun by version 1 .* this is version 2: take a new run id"):
        await opened().run("r", "2", one, returns=int)


@pytest.mark.anyio
async def test_what_a_process_does_after_its_run_was_taken_over_is_thrown_away(
    opened: Open, url: str
) -> None:
    engine = opened()
    came: list[str] = []

    async def body(journal: Any) -> int:
        async def late() -> str:
            await engine.storage.do(lambda db: records.take_away(db, "r", "cancelled"))
            return "late"

        async def after() -> str:
            came.append("after")
            return "after"

        try:
            await journal.once("a", late, returns=str)
        except LeaseLost:  # as a task whose failure is tolerated: the run ends all the same
            with pytest.raises(LeaseLost):
                await journal.once("b", after, returns=str)
            with pytest.raises(LeaseLost):
                await journal.receive("c")
        await anyio.sleep(10)
        return 1

    with anyio.fail_after(8), pytest.raises(LeaseLost, match="taken over"):
        await engine.run("r", "1", body, returns=int)
    assert not came
    assert rows(url, "SELECT count(*) FROM aiorch_effects") == [(0,)]
    assert rows(url, "SELECT state FROM aiorch_runs") == [("cancelled",)]


@pytest.mark.anyio
async def test_a_run_that_was_taken_over_is_not_finished_either(opened: Open) -> None:
    engine = opened()

    async def body(_: Any) -> int:
        await engine.storage.do(lambda db: records.forget(db, "r"))
        return 1

    with pytest.raises(LeaseLost):
        await engine.run("r", "1", body, returns=int)


@pytest.mark.anyio
async def test_a_run_that_commits_nothing_learns_that_it_was_taken_away(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiorch.workflow.durable.engine.WATCH", 0.02)
    engine = opened()

    async def body(_: Any) -> int:
        await engine.storage.do(lambda db: records.take_away(db, "r", "cancelled"))
        await anyio.sleep_forever()
        return 1

    with anyio.fail_after(20), pytest.raises(LeaseLost):
        await engine.run("r", "1", body, returns=int)


@pytest.mark.anyio
async def test_a_run_that_is_done_is_not_cancelled_any_more(opened: Open) -> None:
    engine = opened()
    await engine.run("r", "1", one, returns=int)

    def late(db: Any) -> None:
        row = records.run_row(db, "r")
        assert row is not None
        records.finish(db, records.Claim("r", 1, str(this_process()), row.token), "cancelled")

    await engine.storage.do(late)
    assert await engine.run("r", "1", one, returns=int) == 1


@pytest.mark.anyio
async def test_a_run_whose_end_cannot_be_written_fails_as_it_failed(opened: Open, url: str) -> None:
    engine = opened()

    async def body(_: Any) -> int:
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
            db.execute("UPDATE aiorch_runs SET epoch = 99")
        raise ValueError("no data")

    with pytest.raises(ValueError, match="no data"):
        await engine.run("r", "1", body, returns=int)
    assert rows(url, "SELECT state FROM aiorch_runs") == [("running",)]


# --- one DBOS a process ------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_one_database_after_the_other(tmp_path: Path) -> None:
    engines = [Durable(f"sqlite:///{tmp_path}/{name}.db") for name in "aba"]
    try:
        for engine in engines:
            assert await engine.run(new_id(), "1", one, returns=int) == 1
    finally:
        for engine in engines:
            engine.close()


@pytest.mark.anyio
async def test_two_databases_at_a_time_are_refused_in_words(tmp_path: Path) -> None:
    first, second = Durable(f"sqlite:///{tmp_path}/a.db"), Durable(f"sqlite:///{tmp_path}/b.db")

    async def body(_: Any) -> int:
        with pytest.raises(ConfigurationError, match="DBOS serves one database a process"):
            await second.run("r", "1", one, returns=int)
        return 1

    try:
        assert await first.run("r", "1", body, returns=int) == 1
        assert await second.run("r", "1", one, returns=int) == 1, "refused, and free to try again"
    finally:
        first.close()
        second.close()


@pytest.mark.anyio
async def test_a_dbos_of_the_programs_own_is_left_alone(opened: Open, tmp_path: Path) -> None:
    from dbos import DBOS

    from aiorch.workflow.durable.life import quiet

    quiet()

    def launch() -> None:
        DBOS(config={"name": "theirs", "system_database_url": f"sqlite:///{tmp_path}/theirs.db"})
        DBOS.launch()

    await anyio.to_thread.run_sync(launch)
    try:
        with pytest.raises(ConfigurationError, match="launched a DBOS application of its own"):
            await opened().run("r", "1", one, returns=int)
        assert await anyio.to_thread.run_sync(DBOS.list_workflows) == [], "theirs is at work"
    finally:
        await anyio.to_thread.run_sync(DBOS.destroy)
    assert await opened().run("r", "1", one, returns=int) == 1


@pytest.mark.anyio
async def test_closing_leaves_no_thread_and_no_file_open(url: str) -> None:
    engine = Durable(url)
    await engine.run("r", "1", one, returns=int)
    await engine.aclose()
    assert not [t.name for t in threading.enumerate() if "dbos" in t.name.lower() or "aiorch" in t.name]
    assert not [t.name for t in threading.enumerate() if t.name.startswith("queue-worker")]
    if sys.platform == "linux":
        folder = Path("/proc/self/fd")
        names = [str(fd.readlink()) for fd in folder.iterdir() if fd.is_symlink()]
        assert not [name for name in names if "runs.db" in name]
    await engine.aclose()
    assert await engine.run("r", "1", one, returns=int) == 1, "used again, it is opened again"
    engine.close()


@pytest.mark.anyio
async def test_closing_while_a_run_is_at_work_ends_dbos_behind_it(url: str) -> None:
    engine = Durable(url)

    async def body(_: Any) -> int:
        await engine.aclose()
        return 1

    assert await engine.run("r", "1", body, returns=int) == 1
    assert not [t.name for t in threading.enumerate() if t.name.startswith("aiorch-")]
    assert rows(url, "SELECT status FROM workflow_status") == [("SUCCESS",)]


@pytest.mark.anyio
async def test_a_dbos_that_cannot_begin_is_tried_again(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbos import DBOS

    def fails() -> None:
        raise RuntimeError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(DBOS, "launch", fails)
        with pytest.raises(StorageError, match=r"DBOS cannot use .*: RuntimeError\. Check that it runs"):
            await opened().run("r", "1", one, returns=int)
    assert await opened().run("r", "1", one, returns=int) == 1


@pytest.mark.anyio
async def test_a_dbos_that_hangs_does_not_keep_a_result(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbos import DBOS

    from aiorch.workflow.durable import life

    engine = opened()
    await engine.run("first", "1", one, returns=int)
    monkeypatch.setattr(life, "PATIENCE", 0.05)

    async def hangs(run_id: str) -> None:
        await anyio.sleep(30)

    async def cancelled(_: Any) -> int:
        scope.cancel()
        await anyio.sleep_forever()
        return 1

    with monkeypatch.context() as slow:
        slow.setattr(DBOS, "cancel_workflow_async", hangs)
        with anyio.CancelScope() as scope:
            await engine.run("r", "1", cancelled, returns=int)
        slow.setattr(DBOS, "get_workflow_status_async", hangs)
        with pytest.raises(StorageError, match="DBOS could not write into"):
            await engine.run("r", "1", one, returns=int)
    monkeypatch.setattr(life, "PATIENCE", 30.0)
    assert await engine.run("r", "1", one, returns=int) == 1


def test_an_engine_names_itself_and_shows_no_password(tmp_path: Path) -> None:
    kept = Durable("postgresql://me:hush@db.example/runs")
    assert (kept.name, kept.durable, Durable(f"sqlite:///{tmp_path}/a.db").name) == (
        "postgresql",
        True,
        "sqlite",
    )
    assert "hush" not in repr(kept)
    assert "hush" not in repr(kept.storage)
    kept.close()


def test_a_forked_child_opens_a_database_of_its_own(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened()
    parents = engine.storage
    monkeypatch.setattr(os, "getpid", lambda: 1)
    childs = engine.storage
    assert childs is not parents
    monkeypatch.undo()
    assert engine.storage is parents
    childs.release()


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from aiorch.workflow.durable import engine

    engine._needed.cache_clear()
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"aiorch-sdk\[durable\]"):
        Durable("sqlite:///never-made.db")


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from aiorch.workflow.durable.address import Address
    from aiorch.workflow.durable.connecting import connect

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"aiorch-sdk\[durable\]"):
        connect(Address.parse("postgresql://me@host/runs"))


def test_nothing_heavy_is_loaded_before_it_is_used() -> None:
    script = """
import sys
from aiorch.workflow.durable import Durable
Durable("sqlite:///never-made.db")
loaded = {"dbos", "sqlalchemy", "psycopg"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.anyio
async def test_words_that_no_database_takes_end_a_run_like_any_others(opened: Open) -> None:
    engine = opened()

    async def body(_: Any) -> int:
        raise ValueError("half a pair \ud83d and a zero \0")

    with pytest.raises(ValueError, match="half a pair"):
        await engine.run("r", "1", body, returns=int)
    row = await engine.storage.do(lambda db: records.run_row(db, "r"), writes=False)
    assert row is not None
    assert (row.state, row.error) == ("failed", "ValueError: half a pair ? and a zero \ufffd")
    assert await engine.run("r", "1", one, returns=int) == 1
