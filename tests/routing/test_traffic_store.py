"""Diversions and shifts survive the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiorch.routing.diversions import Diversion
from aiorch.routing.traffic import Shift, Undone
from aiorch.routing.traffic_store import MIGRATIONS, TrafficStore
from aiorch.store import Store

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0
HELD = Diversion("a", "b", NOW + 60, "trouble", NOW)
SHIFT = Shift("a", "b", NOW, ((0.0, 0.01), (60.0, 1.0)))


async def test_what_is_kept_is_read_as_it_was_written() -> None:
    store = Store.in_memory(MIGRATIONS)
    kept = TrafficStore(store)
    assert await kept.read(NOW) == ((), ())
    assert await kept.add(HELD)
    await kept.put(SHIFT)
    assert await kept.read(NOW) == ((HELD,), ((SHIFT, None),))
    undone = Undone(SHIFT, NOW + 1, "worse")
    await kept.put(SHIFT, undone)
    assert (await kept.read(NOW)) == ((HELD,), ((SHIFT, undone),))
    await kept.remove([HELD])
    await kept.drop(SHIFT)
    assert await kept.read(NOW) == ((), ())
    await store.aclose()


async def test_what_has_expired_is_removed() -> None:
    store = Store.in_memory(MIGRATIONS)
    kept = TrafficStore(store)
    await kept.add(HELD)
    later = Diversion("a", "c", NOW + 600, "more trouble", NOW + 1)
    await kept.add(later)
    assert await kept.read(NOW + 60) == ((later,), ())
    assert await store.fetch("SELECT target FROM diversions") == [("c",)]
    await store.aclose()


@pytest.mark.parametrize("steps", ["nonsense", "7", "[[0]]", '[["a", "b"]]', "[[60, 1.0], [0, 0.5]]"])
async def test_a_shift_that_cannot_be_read_stops_nobody(steps: str) -> None:
    store = Store.in_memory(MIGRATIONS)
    await store.execute("INSERT INTO shifts VALUES ('x', 'y', 0, ?, NULL, NULL)", (steps,))
    kept = TrafficStore(store)
    await kept.put(SHIFT)
    assert await kept.read(NOW) == ((), ((SHIFT, None),))
    await store.aclose()


async def test_a_store_that_cannot_be_used_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = TrafficStore(Store(tmp_path, MIGRATIONS))  # a folder is no file
    assert await kept.read(NOW) is None
    assert await kept.add(HELD) is False
    await kept.put(SHIFT)
    assert caplog.text.count("forgotten when this process ends") == 1


async def test_reading_makes_no_database(tmp_path: Path) -> None:
    store = Store(tmp_path / "aiorch.db", MIGRATIONS)
    assert await TrafficStore(store).read(NOW) == ((), ())
    assert not store.exists
    await store.aclose()
