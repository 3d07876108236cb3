"""Where results of tasks with ``cache=`` are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.workflow.result_cache import MIGRATIONS, SWEEP_EVERY, DiskResults, MemoryResults

pytestmark = pytest.mark.anyio

Cache = MemoryResults | DiskResults
Make = Callable[..., Cache]


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def made(clock: FakeClock, entries: int = 100, size: int = 10_000) -> Cache:
        if request.param == "memory":
            return MemoryResults(clock, entries=entries, size=size)
        store = Store(tmp_path / "aiorch.sqlite3", MIGRATIONS, clock=clock)
        return DiskResults(store, clock, entries=entries, size=size)

    return made


async def closed(cache: Cache) -> None:
    if isinstance(cache, DiskResults):
        await cache.aclose()


async def test_a_result_is_kept_for_as_long_as_was_said(make: Make) -> None:
    clock = FakeClock()
    cache = make(clock)
    assert await cache.get("a") is None
    await cache.put("a", '"x"', 60.0)
    await cache.put("b", "[1]", 600.0)
    assert (await cache.get("a"), await cache.get("b")) == ('"x"', "[1]")
    clock.advance(60.0)
    assert (await cache.get("a"), await cache.get("b")) == (None, "[1]")
    await closed(cache)


async def test_a_newer_result_takes_the_place_of_the_older(make: Make) -> None:
    cache = make(FakeClock(), size=10)
    for text in ("12345678", "87654321"):
        await cache.put("a", text, 60.0)
    assert await cache.get("a") == "87654321"
    await closed(cache)


@pytest.mark.parametrize("bounds", [{"entries": 3}, {"size": 3}])
async def test_there_are_never_many_more_than_may_be(make: Make, bounds: dict[str, int]) -> None:
    cache = make(FakeClock(), **bounds)
    writes = 3 * SWEEP_EVERY + 1  # the last one clears up on disk, too
    for number in range(writes):
        await cache.put(str(number), "1", 60.0 + number)
    assert [number for number in range(writes) if await cache.get(str(number))] == [
        *range(writes - 3, writes)
    ]
    await closed(cache)


async def test_what_is_used_stays() -> None:
    cache = MemoryResults(FakeClock(), entries=2, size=100)
    await cache.put("a", "1", 60.0)
    await cache.put("b", "2", 60.0)
    await cache.get("a")
    await cache.put("c", "3", 60.0)
    assert [await cache.get(key) for key in "abc"] == ["1", None, "3"]


async def test_the_next_process_has_them(tmp_path: Path) -> None:
    clock = FakeClock()
    for expected in (None, '"x"'):
        cache = DiskResults(Store(tmp_path / "f", MIGRATIONS, clock=clock), clock, entries=9, size=99)
        assert await cache.get("a") == expected
        await cache.put("a", '"x"', 60.0)
        await cache.aclose()
