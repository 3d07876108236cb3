"""A task of the event loop that outlives the call that began it, under asyncio and trio.

``Orchestrator.map`` hands out outcomes between which its consumer runs. A task group kept open meanwhile would
belong to whichever task happens to iterate; these tasks belong to nobody but the handle, which cancels them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

import anyio
from anyio.lowlevel import current_token

T = TypeVar("T")

_alive: set[Any] = set()  # the event loop itself keeps only weak references to its tasks


class Spawned(Generic[T]):
    """Work that was started."""

    def __init__(self) -> None:
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """True when it has ended, however it did."""
        return self._done.is_set()

    async def result(self) -> T:
        """What it returned, or raised. Cancelling the wait cancels the work."""
        try:
            await self._done.wait()
        except BaseException:
            self.cancel()
            raise
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def cancel(self) -> None:
        """Stop it, if it is not done."""
        self._scope.cancel()

    async def _run(self, work: Callable[[], Awaitable[T]]) -> None:
        try:
            with self._scope:
                self._value = await work()
        except Exception as error:
            self._error = error
        finally:
            self._done.set()


def spawn(work: Callable[[], Awaitable[T]]) -> Spawned[T]:
    """Start ``work`` in the running event loop."""
    handle: Spawned[T] = Spawned()
    if "trio" in current_token().backend_class.__module__:
        import trio

        trio.lowlevel.spawn_system_task(handle._run, work)  # pyright: ignore[reportPrivateUsage]
    else:
        import asyncio

        task = asyncio.get_running_loop().create_task(handle._run(work))  # pyright: ignore[reportPrivateUsage]
        _alive.add(task)
        task.add_done_callback(_alive.discard)
    return handle


async def ended(works: Iterable[Spawned[Any]], patience: float) -> None:
    """Cancel these, and wait at most that many seconds until they have ended. What they raise is for whoever waits for
    them.
    """
    running = [work for work in works if not work.done]
    for work in running:
        work.cancel()
    with anyio.move_on_after(patience):
        for work in running:
            await work._done.wait()  # pyright: ignore[reportPrivateUsage]


MOST = 2
"""Pieces of work that a crew does at once."""

WAITING = 16
"""Pieces of work that wait for it; what comes beyond that is dropped."""

GRACE = 2.0
"""Seconds that closing waits for cancelled work: one that will not stop must not hold up whoever closes."""


class Crew:
    """Work that nobody waits for: so much at once, a short queue, and what does not fit in is dropped.

    For example:

        crew = Crew()
        crew.offer(copy)        # False where it was dropped; never waits, never raises
        await crew.aclose()     # whatever still runs is cancelled
    """

    def __init__(self, most: int = MOST, waiting: int = WAITING) -> None:
        self._most = most
        self._queue: deque[Callable[[], Awaitable[None]]] = deque()
        self._waiting = waiting
        self._loop: object = None
        self._running: list[Spawned[None]] = []

    def offer(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do ``work``, which raises nothing, soon. :returns: False where too much is under way already."""
        loop = current_token()
        if loop != self._loop:  # what ran in a loop that is over is over as well
            self._loop = loop
            self._running.clear()
            self._queue.clear()
        if len(self._running) < self._most:
            self._start(work)
        elif len(self._queue) < self._waiting:
            self._queue.append(work)
        else:
            return False
        return True

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        async def one_after_another() -> None:
            try:
                await work()
                while self._queue:
                    await self._queue.popleft()()
            finally:
                if handle in self._running:
                    self._running.remove(handle)

        handle = spawn(one_after_another)
        self._running.append(handle)

    async def aclose(self) -> None:
        """Cancel what runs, forget what waits. It can be offered work again."""
        self._queue.clear()
        running, self._running = self._running, []
        if not running or current_token() != self._loop:
            return
        for handle in running:
            handle.cancel()
        with anyio.move_on_after(GRACE):
            for handle in running:
                await handle.result()
