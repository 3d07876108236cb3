"""Who runs next: counters of what each task still waits for, no layers and no barriers.

A worker goes on with the next ready task itself; others are started only while there is more to do than workers and
the limit allows. So a chain costs no task switch, and ten thousand tasks need no ten thousand coroutines: a task group
entry and a stream message a task measured 9 to 56 times the cost of such a loop. Among the ready ones the longest
remaining path goes first.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Sequence

import anyio
from anyio.lowlevel import checkpoint

_BREATH = 32
"""Tasks that a worker carries out before it surely lets others have the loop, and cancellation reach it."""

_ITEM_BITS = 40
"""A unit's place in the queue is its task's rank, then its item's number: one integer, cheap to compare."""

_ITEM = (1 << _ITEM_BITS) - 1


class Scheduler:
    """Runs tasks ``0 .. n-1``, each after those it needs, at most ``limit`` at once.

    :param needs: for each task the tasks it waits for.
    :param followers: the same seen from the other side.
    :param heights: for each task the length of the longest path that begins with it.
    """

    def __init__(
        self,
        needs: Sequence[Sequence[int]],
        followers: Sequence[Sequence[int]],
        heights: Sequence[int],
        *,
        limit: int,
        expand: Callable[[int], int | None],
        unit: Callable[[int, int], Awaitable[bool]],
    ) -> None:
        """
        :param expand: called once when a task becomes ready: the number of its items, ``None`` when it has none.
        :param unit: carries out a task, or one item of it (item 0 for a task without items); False ends the whole run.
        """
        self._followers = followers
        self._limit = limit
        self._expand = expand
        self._unit = unit
        self._order = sorted(range(len(needs)), key=lambda i: (-heights[i], i))
        self._place = [0] * len(needs)
        for place, i in enumerate(self._order):
            self._place[i] = place
        self._left = [len(n) for n in needs]
        self._open = [1] * len(needs)
        self._ready: list[int] = []
        self._busy = 0
        self._failed = False

    async def run(self) -> bool:
        """Run everything. False when a unit ended the run; whatever ran beside it was cancelled.

        :raises ValueError: when ``expand`` or ``unit`` does; nothing is left running.
        """
        for i in [
            i for i, left in enumerate(self._left) if left == 0
        ]:  # a list: releasing changes the counters
            self._release(i)
        async with anyio.create_task_group() as group:
            self._recruit(group, 0)
        return not self._failed

    def _recruit(self, group: anyio.abc.TaskGroup, spare: int) -> None:
        """Start a worker for every ready unit but ``spare``, up to the limit."""
        for _ in range(min(len(self._ready) - spare, self._limit - self._busy)):
            self._busy += 1
            group.start_soon(self._work, group)

    async def _work(self, group: anyio.abc.TaskGroup) -> None:
        ready, order, unit = self._ready, self._order, self._unit
        breath = _BREATH
        try:
            while ready:
                key = heapq.heappop(ready)
                i = order[key >> _ITEM_BITS]
                if not await unit(i, key & _ITEM):
                    self._failed = True
                    group.cancel_scope.cancel()
                    return
                self._open[i] -= 1
                if self._open[i] == 0:
                    for j in self._followers[i]:
                        self._left[j] -= 1
                        if self._left[j] == 0:
                            self._release(j)
                    if len(ready) > 1 and self._busy < self._limit:
                        self._recruit(group, 1)
                breath -= 1
                if breath == 0:
                    breath = _BREATH
                    await checkpoint()
        finally:
            self._busy -= 1

    def _release(self, i: int) -> None:
        """``i`` may run: queue it, or its items; a task of no items is done at once, and so may be those behind it."""
        todo = [i]
        while todo:
            i = todo.pop()
            items = self._expand(i)
            if items is None:
                heapq.heappush(self._ready, self._place[i] << _ITEM_BITS)
            elif items:
                self._open[i] = items
                base = self._place[i] << _ITEM_BITS
                for item in range(items):
                    heapq.heappush(self._ready, base | item)
            else:
                for j in self._followers[i]:
                    self._left[j] -= 1
                    if self._left[j] == 0:
                        todo.append(j)
