"""A second request beside one that is late: whoever is first wins, the other is cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")
Runner = Callable[[], Awaitable[T | None]]
"""Carries out one request; ``None`` where it failed."""


async def race(
    first: Runner[T],
    second: Callable[[], Awaitable[Runner[T] | None]],
    after: float,
    sleep: Callable[[float], Awaitable[None]],
) -> list[T]:
    """What came of the quicker one; empty where all failed.

    Both may answer at the very same moment: then both are given, the winner first.

    :param second: asked after that many seconds without an answer; ``None`` where there shall be no second request.
    """
    came: list[T] = []
    running = 1
    async with anyio.create_task_group() as tasks:

        async def run(runner: Runner[T]) -> None:
            nonlocal running
            answer = await runner()
            running -= 1
            if answer is not None:
                came.append(answer)
            if came or not running:
                tasks.cancel_scope.cancel()

        async def later() -> None:
            nonlocal running
            await sleep(after)
            runner = await second()
            if runner is not None:
                running += 1
                await run(runner)

        tasks.start_soon(run, first)
        tasks.start_soon(later)
    return came
