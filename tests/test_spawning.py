"""Work that outlives the call that began it."""

from __future__ import annotations

import anyio
import pytest

from aiorch.spawning import spawn

pytestmark = pytest.mark.anyio


async def test_it_gives_what_the_work_returns() -> None:
    async def work() -> int:
        await anyio.sleep(0)
        return 7

    assert await spawn(work).result() == 7


async def test_it_raises_what_the_work_raises() -> None:
    async def work() -> int:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await spawn(work).result()


async def test_cancelling_the_wait_cancels_the_work() -> None:
    ended = anyio.Event()

    async def work() -> None:
        try:
            await anyio.sleep(60)
        finally:
            ended.set()

    handle = spawn(work)
    with anyio.move_on_after(0.01):
        await handle.result()
    with anyio.fail_after(1):
        await ended.wait()


async def test_cancelling_work_that_is_done_changes_nothing() -> None:
    async def work() -> str:
        return "done"

    handle = spawn(work)
    assert await handle.result() == "done"
    handle.cancel()
    assert await handle.result() == "done"
