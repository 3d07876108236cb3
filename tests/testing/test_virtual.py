"""Virtual time: it passes while everybody waits, and only then."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.clock import Clock
from aiorch.testing import VirtualClock

pytestmark = pytest.mark.anyio


async def test_those_who_wait_side_by_side_wake_up_in_order_and_no_time_is_added_up() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(clock: VirtualClock, name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.passed))

    async with VirtualClock(now=50.0) as clock, anyio.create_task_group() as tasks:
        for name, seconds in {"year": 3e7, "hour": 3600.0, "minute": 60.0}.items():
            tasks.start_soon(sleeper, clock, name, seconds)
    assert woken == [("minute", 60), ("hour", 3600), ("year", 3e7)]
    assert clock.now() == 50 + 3e7
    assert clock.monotonic() == 3e7


async def test_nobody_who_has_something_to_do_is_overtaken() -> None:
    async with VirtualClock() as clock, anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 1)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
            assert clock.passed == 0
    assert clock.passed == 1


async def test_a_deadline_in_virtual_time_strikes_what_takes_longer() -> None:
    async with VirtualClock() as clock:
        ended = ""
        async with anyio.create_task_group() as tasks:

            async def deadline() -> None:
                await clock.sleep(10)
                tasks.cancel_scope.cancel()

            async def work() -> None:
                nonlocal ended
                try:
                    await clock.sleep(1000)
                finally:
                    ended = f"after {clock.passed:g} s"

            tasks.start_soon(deadline)
            tasks.start_soon(work)
        await clock.sleep(1)
    assert ended == "after 10 s"
    assert clock.passed == 11  # nobody waits for one who is gone


async def test_time_stands_still_while_a_thread_works() -> None:
    async with VirtualClock() as clock, anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 5)
        with clock.standing():
            await anyio.to_thread.run_sync(lambda: None)
            await anyio.sleep(0.05)
            assert clock.passed == 0
    assert clock.passed == 5


async def test_it_can_be_used_again_and_goes_on_from_there() -> None:
    clock = VirtualClock()
    for _ in range(2):
        async with clock:
            await clock.sleep(30)
            await clock.sleep(0)
    assert clock.passed == 60


async def test_outside_it_says_how_it_is_used() -> None:
    clock: Clock = VirtualClock()
    with pytest.raises(RuntimeError, match="async with VirtualClock"):
        await clock.sleep(1)


async def test_what_is_raised_inside_arrives_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with VirtualClock():
            raise KeyError("x")


async def test_whoever_waits_for_something_else_for_ever_is_told_of() -> None:
    told = anyio.Event()
    async with VirtualClock() as clock:
        clock.when_nobody_sleeps = told.set
        await clock.sleep(5)
        with anyio.fail_after(30):
            await told.wait()


@settings(max_examples=30)
@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=12))
def test_any_sleeps_wake_up_in_order(lengths: list[float]) -> None:
    async def main() -> None:
        woken: list[float] = []

        async def sleeper(clock: VirtualClock, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append(seconds)
            assert clock.passed == seconds

        async with VirtualClock() as clock, anyio.create_task_group() as tasks:
            for seconds in lengths:
                tasks.start_soon(sleeper, clock, seconds)
        assert woken == sorted(lengths)

    anyio.run(main)
