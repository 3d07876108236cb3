"""A process that dies: from that moment on nothing of it is written, whatever it still does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from aiorch.protocols import Journal
from aiorch.testing import KeptRuns
from aiorch.testing.crashes import Death, Mortal

pytestmark = pytest.mark.anyio


async def one() -> int:
    return 1


async def test_what_goes_on_beside_a_death_or_cleans_up_after_it_writes_nothing() -> None:
    kept, scope = KeptRuns(), anyio.CancelScope()
    death = Death("quick", "after", scope)
    done: list[str] = []
    begun = anyio.Event()

    async def quick() -> int:
        await begun.wait()
        return 1

    async def stubborn() -> int:
        begun.set()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.05)
        done.append("stubborn")
        return 1

    async def through(journal: Journal, key: str, effect: Callable[[], Awaitable[int]]) -> None:
        await journal.once(key, effect, returns=int)

    async def body(journal: Journal) -> int:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(through, journal, "stubborn", stubborn)
                tasks.start_soon(through, journal, "quick", quick)
        finally:
            with anyio.move_on_after(0.05, shield=True):
                await journal.once("cleaning", one, returns=int)
        return 1

    with scope:
        await Mortal(kept, death).run("r", "1", body, returns=int)
    assert death.struck
    assert done == ["stubborn"]
    assert list(kept["r"].committed) == ["quick"]
    assert kept["r"].result is None


async def test_the_engine_and_its_journal_are_those_inside() -> None:
    kept = KeptRuns()
    mortal = Mortal(kept, Death("never", "after", anyio.CancelScope()))
    assert (mortal.name, mortal.durable) == (kept.name, kept.durable)
    kept.at("r").send("ok", {"allowed": True})

    async def body(journal: Journal) -> int:
        await journal.once("paid", one, returns=int, ledger=True)
        assert [call.state for call in journal.calls] == ["committed"]  # pyright: ignore[reportAttributeAccessIssue]
        assert await journal.receive("ok") == {"allowed": True}  # pyright: ignore[reportAttributeAccessIssue]
        return 2

    assert await mortal.run("r", "1", body, returns=int) == 2
