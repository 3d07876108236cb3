"""PostgreSQL as the place where machines share limits."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import psycopg
import pytest

from aiorch.errors import ConfigurationError, MissingExtra, StorageError
from aiorch.quotas import PostgresRows
from aiorch.quotas.rows import SWEEP_EVERY

pytestmark = pytest.mark.anyio


def writing(state: str, until: float = 4e9, seen: list[Mapping[str, str]] | None = None):
    def decide(rows: Mapping[str, str], now: float) -> Mapping[str, tuple[str, float]]:
        if seen is not None:
            seen.append(rows)
        return {"k": (state, until), "l": (state, until)}

    return decide


async def test_rows_are_kept(postgres_url: str) -> None:
    rows, seen = PostgresRows(postgres_url), list[Mapping[str, str]]()
    await rows.exchange(["k", "l"], writing("1", seen=seen))
    await rows.exchange(["k", "l"], writing("2", seen=seen))
    await rows.aclose()
    assert seen == [{}, {"k": "1", "l": "1"}]
    assert await rows.states() == ["2", "2"]
    await rows.aclose()
    await rows.aclose()


async def test_nothing_is_changed_when_deciding_fails(postgres_url: str) -> None:
    rows = PostgresRows(postgres_url)
    await rows.exchange(["k", "l"], writing("1"))

    def fails(rows: Mapping[str, str], now: float) -> Mapping[str, tuple[str, float]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await rows.exchange(["k", "l"], fails)
    assert await rows.states() == ["1", "1"]
    await rows.aclose()


async def test_a_connection_that_the_server_ended_is_opened_again(postgres_url: str) -> None:
    rows, seen = PostgresRows(postgres_url), list[Mapping[str, str]]()
    await rows.exchange(["k", "l"], writing("1"))
    await _end_all_connections(postgres_url)
    await rows.exchange(["k", "l"], writing("2", seen=seen))
    assert seen == [{"k": "1", "l": "1"}]
    await rows.aclose()


async def test_deciding_is_never_repeated(postgres_url: str) -> None:
    rows, times = PostgresRows(postgres_url), 0
    await rows.exchange(["k", "l"], writing("1"))

    def decide(found: Mapping[str, str], now: float) -> Mapping[str, tuple[str, float]]:
        nonlocal times
        times += 1
        with psycopg.connect(postgres_url, autocommit=True) as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        return {"k": ("2", 4e9)}

    with pytest.raises(StorageError, match="PostgreSQL at 127"):
        await rows.exchange(["k", "l"], decide)
    assert times == 1
    assert await rows.states() == ["1", "1"]
    await rows.aclose()


async def test_rows_that_say_nothing_any_more_are_removed(postgres_url: str) -> None:
    rows = PostgresRows(postgres_url)
    await rows.exchange(["k", "l"], writing("old", until=1.0))
    rows._exchanges = SWEEP_EVERY
    await rows.exchange(["m"], lambda rows, now: {"m": ("new", now + 60)})
    assert await rows.states() == ["new"]
    await rows.aclose()


async def test_a_child_process_leaves_its_parents_connection_alone(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = PostgresRows(postgres_url)
    await rows.exchange(["k", "l"], writing("1"))
    parents = rows._db
    assert parents is not None
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert await rows.states() == ["1", "1"]
    await rows.aclose()
    assert not parents.closed
    parents.close()


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    rows = PostgresRows("postgresql://me:hunter2@127.0.0.1:1/x")
    with pytest.raises(
        StorageError, match="PostgreSQL at 127.0.0.1:1 cannot be used: check that it runs"
    ) as caught:
        await rows.states()
    assert "hunter2" not in f"{caught.value!r}{caught.value.__cause__!r}{rows!r}"


async def test_a_wrong_password_is_not_repeated(postgres_url: str) -> None:
    rows = PostgresRows(postgres_url.replace("pg-secret", "wrong-secret"))
    with pytest.raises(StorageError, match="password authentication failed") as caught:
        await rows.states()
    assert "wrong-secret" not in f"{caught.value!r}{caught.value.__cause__!r}"


async def test_tables_of_a_newer_version_are_left_alone(postgres_url: str) -> None:
    rows = PostgresRows(postgres_url)
    await rows.exchange(["k", "l"], writing("1"))
    with psycopg.connect(postgres_url) as db:
        db.execute("INSERT INTO aiorch_migrations VALUES ('quotas', 99, 0)")
    await rows.aclose()
    with pytest.raises(StorageError, match="newer aiorch"):
        await rows.states()
    await rows.aclose()


def test_an_address_that_is_none_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="postgresql://user:password@host") as caught:
        PostgresRows("postgresql//me:hunter2@host/x")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"aiorch-sdk\[durable\]"):
        PostgresRows("postgresql://host/x")


async def _end_all_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
