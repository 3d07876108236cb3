from __future__ import annotations

import anyio
import pytest

from aiorch.clock import Clock
from aiorch.testing import FakeClock


def test_time_stands_still_until_somebody_turns_the_hands() -> None:
    clock: Clock = FakeClock(now=50.0)
    assert [clock.now(), clock.now()] == [50.0, 50.0]
    assert clock.monotonic() == clock.monotonic()


def test_both_hands_move_together() -> None:
    clock = FakeClock(now=50.0)
    began = clock.monotonic()
    clock.advance(2.5)
    assert clock.now() == 52.5
    assert clock.monotonic() - began == 2.5


@pytest.mark.anyio
async def test_sleeping_takes_no_time_and_is_remembered() -> None:
    clock = FakeClock(now=0.0)
    with anyio.fail_after(5):
        await clock.sleep(86_400)
        await clock.sleep(0)
    assert clock.slept == [86_400, 0]
    assert clock.now() == 86_400


@pytest.mark.anyio
async def test_sleeping_lets_others_run_and_can_be_cancelled() -> None:
    clock = FakeClock()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await clock.sleep(1)
    assert scope.cancelled_caught
