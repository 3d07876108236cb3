"""Tables come to be once, in order, all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import StorageError
from aiorch.store import Migration, Store
from aiorch.store.migrations import ordered, pending, statements

ONE = Migration("cache", 1, "CREATE TABLE answers (key TEXT); CREATE INDEX by_key ON answers (key)")
TWO = Migration("cache", 2, "ALTER TABLE answers ADD COLUMN at REAL DEFAULT 7.0")
OTHER = Migration("history", 1, "CREATE TABLE runs (id TEXT)")


@pytest.mark.anyio
async def test_a_newer_version_brings_the_tables_up_to_date_and_keeps_the_rows(tmp_path: Path):
    old = Store(tmp_path / "db", [ONE])
    await old.execute("INSERT INTO answers VALUES ('a')")
    await old.aclose()
    new = Store(tmp_path / "db", [OTHER, TWO, ONE])
    assert await new.fetch("SELECT * FROM answers") == [("a", 7.0)]
    assert await new.fetch("SELECT * FROM runs") == []
    await new.aclose()


@pytest.mark.anyio
async def test_a_file_of_a_newer_aiorch_is_left_alone(tmp_path: Path):
    new = Store(tmp_path / "db", [ONE, TWO])
    await new.fetch("SELECT 1")
    await new.aclose()
    old = Store(tmp_path / "db", [ONE])
    with pytest.raises(StorageError, match="newer aiorch.*version 2, this one knows 1.*upgrade aiorch-sdk"):
        await old.fetch("SELECT 1")
    await old.aclose()


@pytest.mark.anyio
async def test_another_rooms_tables_are_nobody_elses_business(tmp_path: Path):
    for steps in ([ONE, OTHER], [ONE], [OTHER]):
        store = Store(tmp_path / "db", steps)
        await store.fetch("SELECT 1")
        await store.aclose()


@pytest.mark.anyio
async def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path):
    broken = Migration("cache", 2, "CREATE TABLE more (x); CREATE TABLE answers (again)")
    store = Store(tmp_path / "db", [ONE, broken])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        await store.fetch("SELECT 1")
    await store.aclose()
    store = Store(tmp_path / "db")
    assert await store.fetch("SELECT name FROM sqlite_master") == []
    await store.aclose()


@pytest.mark.parametrize("versions", [[2], [1, 3], [1, 1]])
def test_versions_without_order_are_refused(versions: list[int]):
    with pytest.raises(ValueError, match="'cache' are numbered"):
        ordered(Migration("cache", v, "SELECT 1") for v in versions)


def test_only_what_is_missing_is_pending():
    assert pending({("cache", 1)}, (ONE, TWO, OTHER)) == (TWO, OTHER)
    assert pending({("cache", 1), ("unknown", 9)}, (ONE,)) == ()


def test_semicolons_inside_of_statements_do_not_end_them():
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;"
    assert list(statements(f"INSERT INTO a VALUES ('x;y');\n-- a; comment\n{trigger}\n;; SELECT 1 ;  ")) == [
        "INSERT INTO a VALUES ('x;y')",
        f"-- a; comment\n{trigger}"[:-1],
        "SELECT 1",
    ]


def test_a_statement_that_is_not_ended_is_still_given_to_sqlite():
    assert list(statements("SELECT 1; SELECT 'open; ")) == ["SELECT 1", "SELECT 'open;"]
    assert list(statements("SELECT 1 -- the end")) == ["SELECT 1 -- the end"]


@given(st.lists(st.text(alphabet="ab;'\n -", max_size=8), max_size=5))
def test_single_statements_come_back_as_they_went_in(texts: list[str]):
    wanted = [f"SELECT '{t.replace(chr(39), chr(39) * 2)}'" for t in texts]
    assert list(statements("; ".join(wanted))) == wanted
