"""Who is sick, kept in a real file."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import pytest

from aiorch.routing.health import Health
from aiorch.routing.health_store import EVERY, MIGRATIONS, HealthStore
from aiorch.routing.outliers import CALM, CONSECUTIVE, LONGEST
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import Failure, FailureKind

pytestmark = pytest.mark.anyio

A, B = "groq/a#K", "nova/b"
SICK = Failure(FailureKind.OVERLOADED, "upstream", "SECRET WORDS", status=503)


class Process:
    """One process with its own memory, over a shared file."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.store = Store(path / "s.sqlite3", MIGRATIONS)
        self.clock = clock
        self.health = Health(Random(1))
        self.keeper = HealthStore(self.store, self.health, clock)

    def fail(self, id: str, times: int = CONSECUTIVE) -> None:
        for _ in range(times):
            self.health.failed(id, SICK, self.clock.now())

    async def rows(self) -> dict[str, str]:
        return dict(await self.store.fetch("SELECT name, phase FROM health"))


async def test_an_ejection_is_known_to_the_next_process(tmp_path: Path) -> None:
    clock = FakeClock()
    first = Process(tmp_path, clock)
    first.fail(A)
    blocked = first.health.blocked([A, B], clock.now())
    assert set(blocked) == {A}
    await first.keeper.aclose()
    await first.store.aclose()
    clock.advance(1)
    second = Process(tmp_path, clock)
    await second.keeper.load()
    assert second.health.blocked([A, B], clock.now()) == blocked
    await second.store.aclose()


async def test_what_a_killed_process_wrote_is_whole(tmp_path: Path) -> None:
    clock = FakeClock()
    first = Process(tmp_path, clock)
    first.fail(A)
    await first.keeper.keep()  # and no aclose
    second = Process(tmp_path, clock)
    await second.keeper.load()
    assert second.health.state(A, clock.now()) == "ejected"
    await first.store.aclose()
    await second.store.aclose()


async def test_writing_happens_only_when_something_changed_and_only_now_and_then(tmp_path: Path) -> None:
    clock = FakeClock()
    one = Process(tmp_path, clock)
    await one.keeper.keep()
    await one.keeper.aclose()
    assert not Path(one.store.path).exists()
    one.fail(A, 1)
    await one.keeper.keep()
    assert set(await one.rows()) == {A, "groq"}
    one.fail(B, 1)
    clock.advance(EVERY - 0.1)
    await one.keeper.keep()
    assert set(await one.rows()) == {A, "groq"}
    clock.advance(0.1)
    await one.keeper.keep()
    assert set(await one.rows()) == {A, "groq", B, "nova"}
    await one.store.execute("DELETE FROM health")
    clock.advance(EVERY)
    await one.keeper.keep()
    assert await one.rows() == {}, "nothing changed, nothing is written"
    await one.store.aclose()


async def test_who_is_well_again_is_removed_and_others_rows_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    other, one = Process(tmp_path, clock), Process(tmp_path, clock)
    other.fail(B)
    await other.keeper.aclose()
    one.fail(A)
    await one.keeper.keep()
    one.health.succeeded(A, clock.now(), 1.0)
    clock.advance(CALM)
    await one.keeper.keep()
    assert set(await one.rows()) == {B, "nova"}
    await other.store.aclose()
    await one.store.aclose()


async def test_what_is_too_old_is_forgotten_and_removed(tmp_path: Path) -> None:
    clock = FakeClock()
    first = Process(tmp_path, clock)
    first.fail(A)
    await first.keeper.aclose()
    await first.store.aclose()
    clock.advance(LONGEST * 3)
    second = Process(tmp_path, clock)
    await second.keeper.load()
    assert second.health.state(A, clock.now()) == "healthy"
    assert await second.rows() == {}
    await second.store.aclose()


async def test_no_words_of_a_provider_are_kept(tmp_path: Path) -> None:
    one = Process(tmp_path, FakeClock())
    one.fail(A)
    await one.keeper.aclose()
    await one.store.aclose()
    assert b"SECRET" not in (tmp_path / "s.sqlite3").read_bytes()


async def test_a_store_that_cannot_be_used_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    (tmp_path / "s.sqlite3").write_text("this is no database, however long one looks at it" * 50)
    one = Process(tmp_path, clock)
    with caplog.at_level(logging.WARNING, "aiorch"):
        await one.keeper.load()
        one.fail(A)
        await one.keeper.keep()
        clock.advance(EVERY)
        await one.keeper.keep()
    assert [r.message.split(":")[0] for r in caplog.records] == [
        "which deployments are sick is forgotten when this process ends"
    ]
    assert one.health.state(A, clock.now()) == "ejected"
    await one.store.aclose()
    (tmp_path / "s.sqlite3").unlink()
    await one.keeper.aclose()
    assert A in await one.rows()
    await one.store.aclose()
