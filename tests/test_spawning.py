"""Work that outlives the call that began it."""

from __future__ import annotations

import anyio
import pytest

from aiorch.spawning import Crew, spawn

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


# --- a crew ------------------------------------------------------------------------------------------------------


async def test_a_crew_does_so_much_at_once_keeps_a_short_queue_and_drops_the_rest() -> None:
    done: list[int] = []
    most = at_once = 0
    go = anyio.Event()

    def job(number: int):
        async def work() -> None:
            nonlocal most, at_once
            at_once += 1
            most = max(most, at_once)
            await go.wait()
            at_once -= 1
            done.append(number)

        return work

    crew = Crew(most=2, waiting=3)
    taken = [crew.offer(job(i)) for i in range(7)]
    assert taken == [True] * 5 + [False] * 2
    go.set()
    with anyio.fail_after(5):
        while len(done) < 5:
            await anyio.sleep(0)
    assert most == 2
    await anyio.sleep(0.01)
    assert crew.offer(job(7))
    with anyio.fail_after(5):
        while len(done) < 6:
            await anyio.sleep(0)


async def test_closing_a_crew_ends_what_runs_and_forgets_what_waits() -> None:
    begun = ended = 0

    async def endless() -> None:
        nonlocal begun, ended
        begun += 1
        try:
            await anyio.sleep_forever()
        finally:
            ended += 1

    crew = Crew(most=1, waiting=5)
    for _ in range(3):
        crew.offer(endless)
    await anyio.sleep(0.01)
    await crew.aclose()
    assert (begun, ended) == (1, 1)
    await crew.aclose()


async def test_work_that_will_not_stop_does_not_hold_up_whoever_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aiorch.spawning.GRACE", 0.02)
    go = anyio.Event()
    ended = anyio.Event()

    async def stubborn() -> None:
        with anyio.CancelScope(shield=True):
            await go.wait()
        ended.set()

    crew = Crew()
    crew.offer(stubborn)
    await anyio.sleep(0.01)
    with anyio.fail_after(5):
        await crew.aclose()
        assert not ended.is_set()
        go.set()
        await ended.wait()


async def test_a_crew_that_moves_to_another_loop_begins_afresh() -> None:
    """What ran in a loop that is over neither counts nor can be cancelled."""
    crew = Crew(most=1, waiting=0)

    async def elsewhere() -> None:
        crew.offer(anyio.sleep_forever)
        await anyio.sleep(0.01)

    await anyio.to_thread.run_sync(anyio.run, elsewhere)
    await crew.aclose()
    ran = anyio.Event()

    async def work() -> None:
        ran.set()

    await anyio.to_thread.run_sync(anyio.run, elsewhere)
    assert crew.offer(work)
    with anyio.fail_after(5):
        await ran.wait()
