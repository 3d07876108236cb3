"""A clock for many who wait at the same time: when nobody has anything else to do, the one who is due next wakes up."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Self

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

_STILL = 3
"""Turns of the loop without a task that has something to do: what a callback hands on needs one or two to arrive."""


class VirtualClock:
    """Time that passes while everybody waits, and only then; a year takes no longer than a second.

    Time-outs, retries and sleeps of tasks side by side come in their order, as they would in real time:

        async with VirtualClock() as clock:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(clock.sleep, 3600)
                tasks.start_soon(clock.sleep, 60)
        clock.passed  # 3600.0

    A :class:`FakeClock` needs no ``async with`` and adds up what is slept: it is for one who waits.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._began = now
        self.passed = 0.0
        """Seconds since it was made."""
        self._due: list[tuple[float, int, anyio.Event]] = []
        self._gone: set[int] = set()
        self._number = count()
        self._at_work = 0
        self._news = anyio.Event()
        self._group: TaskGroup | None = None
        self.when_nobody_sleeps: Callable[[], object] | None = None
        """Called when everybody waits, and nobody for this clock: whatever is waited for must come from outside."""

    def now(self) -> float:
        """Epoch seconds."""
        return self._began + self.passed

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return self.passed

    async def sleep(self, seconds: float) -> None:
        """Wait so long in virtual time. :raises RuntimeError: outside of ``async with``."""
        if self._group is None:
            raise RuntimeError("a VirtualClock runs inside of `async with VirtualClock() as clock:`")
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        number, awake = next(self._number), anyio.Event()
        heapq.heappush(self._due, (self.passed + seconds, number, awake))
        self.nudge()
        try:
            await awake.wait()
        finally:
            if not awake.is_set():
                self._gone.add(number)

    @contextmanager
    def standing(self) -> Generator[None]:
        """Time stands still meanwhile: for what really works, or really waits, outside of this clock."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self.nudge()

    def nudge(self) -> None:
        """Look again who waits for what."""
        self._news.set()

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._turn)
        return self

    async def __aexit__(self, *raised: object) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.cancel_scope.cancel()
            await group.__aexit__(None, None, None)  # what was raised inside passes as it is, in no group

    async def _turn(self) -> None:
        """The clockwork."""
        while True:
            self._news = anyio.Event()
            await _stillness()
            if self._at_work:
                await self._news.wait()
            elif not self._wake_next():
                if self.when_nobody_sleeps:
                    self.when_nobody_sleeps()
                await self._news.wait()

    def _wake_next(self) -> bool:
        """Turn the hands to whoever is due next. False where nobody sleeps."""
        while self._due:
            at, number, awake = heapq.heappop(self._due)
            if number in self._gone:
                self._gone.remove(number)
                continue
            self.passed = max(self.passed, at)
            awake.set()
            return True
        return False


async def _stillness() -> None:
    """Wait until every other task waits for something."""
    if "asyncio" not in anyio.lowlevel.current_token().backend_class.__module__:
        await anyio.wait_all_tasks_blocked()
        return
    me, still = asyncio.current_task(), 0  # anyio's own pauses for 0.1 s each time that somebody is at work
    while still < _STILL:
        await asyncio.sleep(0)
        still = still + 1 if all(_waits(task) for task in asyncio.all_tasks() if task is not me) else 0


def _waits(task: asyncio.Task[object]) -> bool:
    """Whether a task waits for something that has not happened: asyncio has no other way to ask, and anyio's own test
    help looks at the same place.
    """
    waiter: asyncio.Future[object] | None = getattr(task, "_fut_waiter", None)
    return waiter is not None and not waiter.done()
