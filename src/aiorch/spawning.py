"""A task of the event loop that outlives the call that began it, under asyncio and trio.

``Orchestrator.map`` hands out outcomes between which its consumer runs. A task group kept open meanwhile would
belong to whichever task happens to iterate; these tasks belong to nobody but the handle, which cancels them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
