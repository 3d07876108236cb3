"""Somebody who iterates over a run."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from weakref import ref

import anyio

from aiorch.events import Bus, Event, NodeStarted


class Watcher:
    """Somebody who iterates over a run. The bus does not keep it: who no longer looks is not told any more."""

    __slots__ = ("__weakref__", "_end", "_found", "_news", "_over", "_run", "_tasks")

    def __init__(self, run: str) -> None:
        self._run = run
        self._found: deque[Event] = deque()
        self._tasks: set[str] = set()
        """AI tasks of the run, whose own events do not name it."""
        self._over = False
        self._news: anyio.Event | None = None
        self._end: Callable[[], None] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._found:
            if self._over:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        return self._found.popleft()

    def listen(self, bus: Bus) -> None:
        """The run begins, or goes on, and tells this bus."""
        me = ref(self)

        def told(event: Event) -> None:
            watcher = me()
            if watcher is None:
                end()
            else:
                watcher.take(event)

        self._end = end = bus.subscribe(told)

    def take(self, event: Event) -> None:
        """Keep what belongs to the run."""
        if getattr(event, "run_id", None) == self._run:
            if isinstance(event, NodeStarted) and event.task_id:
                self._tasks.add(event.task_id)
        elif event.task_id not in self._tasks:
            return
        self._found.append(event)
        self._wake()

    def finish(self) -> None:
        """The run has ended."""
        self._over = True
        if self._end is not None:
            self._end()
        self._wake()

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()
