from __future__ import annotations

import time

import anyio
import pytest

from aiorch.clock import Clock, SystemClock


def test_the_system_clock_tells_the_machines_time() -> None:
    clock: Clock = SystemClock()
    before, began = time.time(), time.monotonic()
    assert before <= clock.now() <= time.time()
    assert began <= clock.monotonic() <= time.monotonic()


@pytest.mark.anyio
async def test_the_system_clock_sleeps_at_least_as_long_as_asked() -> None:
    clock = SystemClock()
    began = time.monotonic()
    await clock.sleep(0.01)
    assert time.monotonic() - began >= 0.009


@pytest.mark.anyio
async def test_cancelling_ends_a_sleep_at_once() -> None:
    with anyio.move_on_after(0.01) as scope:
        await SystemClock().sleep(3600)
    assert scope.cancelled_caught
