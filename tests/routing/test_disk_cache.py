"""Answers on disk: found by the next process, until they are too old or too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiorch.routing import Known
from aiorch.routing.disk_cache import MIGRATIONS, SWEEP_EVERY, DiskCache
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import Message, Response, ToolCall, Usage

pytestmark = pytest.mark.anyio


def known(text: str, at: float) -> Known:
    message = Message.assistant(text, ToolCall("1", "f", {"a": [1, None]}))
    return Known(Response(message, "stop", Usage(1, 2)), "groq/a", False, at)


def cache(path: Path, clock: FakeClock, *, entries: int = 100, ttl: float = 60.0) -> tuple[DiskCache, Store]:
    store = Store(path / "s.sqlite3", MIGRATIONS)
    return DiskCache(store, entries=entries, ttl=ttl, clock=clock), store


async def rows(store: Store) -> int:
    row = await store.fetch_one("SELECT count(*) FROM answers")
    assert row is not None
    return int(row[0])


async def test_an_answer_is_found_by_the_next_process_as_it_was(tmp_path: Path) -> None:
    clock = FakeClock()
    first, store = cache(tmp_path, clock)
    kept = known("Rome.", clock.now())
    await first.put("k", kept)
    assert await first.get("k") == kept
    await store.aclose()
    second, store = cache(tmp_path, clock)
    assert await second.get("k") == kept
    assert await second.get("other") is None
    await store.aclose()


async def test_an_answer_that_was_read_once_is_not_read_from_disk_again(tmp_path: Path) -> None:
    clock = FakeClock()
    first, store = cache(tmp_path, clock)
    await first.put("k", known("Rome.", clock.now()))
    await store.aclose()
    second, store = cache(tmp_path, clock)
    await second.get("k")
    await store.execute("DELETE FROM answers")
    assert await second.get("k") is not None
    await store.aclose()


async def test_an_answer_that_is_too_old_is_not_used(tmp_path: Path) -> None:
    clock = FakeClock()
    first, store = cache(tmp_path, clock, ttl=60)
    await first.put("k", known("Rome.", clock.now()))
    clock.advance(59)
    second = DiskCache(store, entries=10, ttl=60, clock=clock)
    assert await second.get("k") is not None
    clock.advance(1)
    assert await second.get("k") is None
    assert await DiskCache(store, entries=10, ttl=60, clock=clock).get("k") is None
    await store.aclose()


async def test_now_and_then_the_old_and_the_too_many_make_room(tmp_path: Path) -> None:
    clock = FakeClock()
    first, store = cache(tmp_path, clock, entries=5, ttl=60)
    for i in range(SWEEP_EVERY):
        await first.put(f"k{i}", known("x", clock.now()))
        clock.advance(0.01)
    assert await rows(store) > 5
    await first.put("last", known("x", clock.now()))
    assert await rows(store) == 5
    assert await first.get("last") is not None
    assert await first.get("k0") is None
    clock.advance(100)
    for i in range(SWEEP_EVERY):
        await first.put(f"n{i}", known("x", clock.now()))
    left = await store.fetch("SELECT key FROM answers WHERE key LIKE 'k%'")
    assert left == []
    await store.aclose()


@pytest.mark.parametrize("text", ["not json", "{}", '{"response": 1}'])
async def test_a_row_of_another_version_counts_as_missing(tmp_path: Path, text: str) -> None:
    clock = FakeClock()
    first, store = cache(tmp_path, clock)
    await store.execute("INSERT INTO answers VALUES ('k', ?, ?)", (clock.now(), text))
    assert await first.get("k") is None
    await store.aclose()


async def test_a_store_that_cannot_be_used_costs_no_answer_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "s.sqlite3").write_bytes(
        b"this is no database, but long enough to look like something else" * 9
    )
    clock = FakeClock()
    first, store = cache(tmp_path, clock)
    assert await first.get("k") is None
    await first.put("k", known("Rome.", clock.now()))
    assert await first.get("k") == known("Rome.", clock.now())
    assert caplog.text.count("answers are kept in memory only") == 1
    await store.aclose()


async def test_answers_on_disk_take_no_more_bytes_than_they_may(tmp_path: Path) -> None:
    clock = FakeClock()
    store = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    first = DiskCache(store, entries=10_000, ttl=60, clock=clock, size=4_000)
    for i in range(SWEEP_EVERY + 1):
        await first.put(f"k{i:03}", known("é" * 100, clock.now()))
        clock.advance(0.01)
    left = await store.fetch("SELECT key, length(CAST(known AS BLOB)) FROM answers ORDER BY key")
    assert sum(size for _, size in left) <= 4_000
    assert left[-1][0] == f"k{SWEEP_EVERY:03}"
    assert 4_000 - sum(size for _, size in left) < left[0][1]
    await store.aclose()
