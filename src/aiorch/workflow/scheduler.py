"""Who runs next: counters of what each task still waits for, no layers and no barriers.

A :class:`Pool` belongs to a whole run: how much is at work, and a queue of what is ready, best first. A
:class:`Schedule` belongs to one graph, the run's own or that of a workflow inside of it, and counts what its tasks
still wait for. What is ready is one *unit*: a task, or one item of a mapped task.

A worker goes on with the next ready unit of its graph itself; others are started only while there is more to do than
workers and the limit allows. So a chain costs no task switch, and ten thousand tasks need no ten thousand coroutines: a
task group entry and a stream message a task measured 9 to 56 times the cost of such a loop.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from aiorch.workflow.gates import Gate, Gates

_BREATH = 32
"""Units that a worker carries out before it surely lets others have the loop, and cancellation reach it."""

# A unit's place in the queue is one integer, cheap to compare, from the highest bits to the lowest: priority, length of
# the path that is left, number of the schedule, of the task, of the item.
_BITS = 24
_MASK = (1 << _BITS) - 1
_TASK = _BITS
_SCHEDULE = 2 * _BITS
_PATH = 3 * _BITS
_PRIORITY = 4 * _BITS
_MOST = 1 << 30
"""Priorities lie between minus and plus this."""


class Place(IntEnum):
    """What a task takes while it is at work."""

    WORKS = 0
    """One of the places under the run's limit."""
    HOLDS = 1
    """Nothing: others work inside of it. It begins only while there is a place for those."""
    WAITS = 2
    """Nothing: it waits for a person, an event or the time, and begins at once."""


@dataclass(frozen=True, slots=True)
class Again:
    """What a unit says that is to be tried again."""

    seconds: float
    """How long to wait; its place is free meanwhile."""
    waits: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """Cancelled by whoever wants it to be tried at once."""


class Pool:
    """What all graphs of a run share: so many units at once, and who is next.

    :param limit: units at work at once.
    :param sleep: how to wait that many seconds.
    """

    def __init__(self, limit: int, gates: Gates, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.limit = limit
        self.gates = gates
        self.sleep = sleep
        self.busy = 0
        self.starting = 0
        """Workers that were started and have not begun."""
        self.ready: list[int] = []
        self.schedules: dict[int, Schedule] = {}
        self.opening: set[int] = set()
        self.numbers = count()
        gates.attach(self.push, self.alive)

    def push(self, key: int) -> None:
        """A unit is ready."""
        heapq.heappush(self.ready, key)

    def alive(self, key: int) -> bool:
        """False for a unit of a graph that has ended."""
        return (key >> _SCHEDULE & _MASK) in self.schedules

    def dispatch(self, most: int = 1) -> None:
        """Start what is ready, as far as there is room: at most so many workers, none while others are about to start.

        Each begins with starting two more, so 64 are at work after six turns of the event loop. Where tasks never wait,
        and one worker is enough for all of them, hardly any are started.
        """
        ready = self.ready
        if self.starting:
            return
        while ready and self.busy < self.limit and self.starting < most:
            schedule = self.schedules.get(ready[0] >> _SCHEDULE & _MASK)
            if schedule is None:
                heapq.heappop(ready)
            elif schedule.place(ready[0]) is Place.WORKS:
                self.starting += 1
                schedule.recruit()
            else:
                key = heapq.heappop(ready)
                if schedule.admitted(key):
                    schedule.start(key)

    def next(self, schedule: Schedule) -> int | None:
        """The unit with which a worker of ``schedule`` goes on: the best of all, where it is one of the same graph."""
        ready, mine = self.ready, schedule.number
        while ready:
            key = ready[0]
            number = key >> _SCHEDULE & _MASK
            if number not in self.schedules:
                heapq.heappop(ready)
                continue
            if number != mine:
                return None
            heapq.heappop(ready)
            if not schedule.admitted(key):
                continue
            if schedule.place(key) is Place.WORKS:
                return key
            schedule.start(key)
            if self.busy > self.limit:  # what was just opened has the worker's place
                return None
        return None

    def opened(self, key: int) -> None:
        """What works inside of this unit is known: the place that was kept for the first of it is free."""
        if key in self.opening:
            self.opening.remove(key)
            self.busy -= 1

    def close(self, schedule: Schedule) -> None:
        """Nothing of this graph is started any more."""
        if self.schedules.pop(schedule.number, None) is not None:
            self.gates.rouse()


class Schedule:
    """Runs tasks ``0 .. n-1`` of one graph, each after those it needs.

    :param needs: for each task the tasks it waits for.
    :param followers: the same seen from the other side.
    :param ranks: for each task how urgent it is; see :func:`rank`.
    :param places: for each task what it takes; ``None`` = all of them work.
    :param claims: for each task the gates that it has to pass; ``None`` = there are none.
    :param begin: called once when a task's needs are met: how many units it has; 0 for a task that is done with that.
    :param unit: carries out a task, or one item of it (item 0 for a task without items). True: it is done; False ends
        this graph, and whatever runs beside it is cancelled; :class:`Again`: it is to be tried again. It raises nothing
        but cancellation.
    :param inside: the unit of another schedule that this graph is the inside of.
    """

    def __init__(
        self,
        pool: Pool,
        needs: Sequence[Sequence[int]],
        followers: Sequence[Sequence[int]],
        ranks: Sequence[int],
        *,
        begin: Callable[[int], int],
        unit: Callable[[int, int], Awaitable[bool | Again]],
        places: Sequence[Place] | None = None,
        claims: Sequence[tuple[Gate, ...]] | None = None,
        inside: int | None = None,
    ) -> None:
        self.number = next(pool.numbers)
        self.places = places
        self._pool = pool
        self._followers = followers
        self._claims = claims
        self._begin = begin
        self._unit = unit
        self._inside = inside
        own = self.number << _SCHEDULE
        self._base = [rank << _PATH | own | i << _TASK for i, rank in enumerate(ranks)]
        self._left = list(map(len, needs))
        self._open = [0] * len(ranks)
        self._pending = len(ranks)
        self._failed = False
        self._over = anyio.Event()
        self._group: TaskGroup

    async def run(self) -> bool:
        """Run everything. False when a unit ended it; whatever ran beside that was cancelled."""
        pool = self._pool
        pool.schedules[self.number] = self
        try:
            async with anyio.create_task_group() as self._group:
                self._release([i for i, left in enumerate(self._left) if left == 0])
                if self._inside is not None:
                    pool.opened(self._inside)
                pool.dispatch()
                if self._pending:
                    await self._over.wait()
        finally:
            pool.close(self)
        return not self._failed

    def key(self, i: int, item: int) -> int:
        """The queue's name for a unit."""
        return self._base[i] | item

    def admitted(self, key: int) -> bool:
        """Whether a unit passes its gates; where it does not, it is kept by the one that is full."""
        claims = self._claims
        if claims is None:
            return True
        gates = claims[key >> _TASK & _MASK]
        return not gates or self._pool.gates.admit(key, gates)

    def place(self, key: int) -> Place:
        """What a unit takes while it is at work."""
        return Place.WORKS if self.places is None else self.places[key >> _TASK & _MASK]

    def recruit(self) -> None:
        """Start a worker."""
        self._pool.busy += 1
        self._group.start_soon(self._work)

    def start(self, key: int) -> None:
        """Start a unit that was admitted, and is not a worker's."""
        if self.place(key) is Place.HOLDS:
            self._pool.busy += 1
            self._pool.opening.add(key)
        self._group.start_soon(self._hold, key)

    async def _work(self) -> None:
        """Carry out one unit after the other, as long as there are any."""
        pool, breath = self._pool, _BREATH
        pool.starting -= 1
        through = False
        try:
            if anyio.current_effective_deadline() == -math.inf:  # cancelled meanwhile: begin nothing
                await checkpoint()
            key = pool.next(self)
            pool.dispatch(2)
            while key is not None:
                self._after(key, await self._carried(key))
                breath -= 1
                if breath == 0:
                    breath = _BREATH
                    await checkpoint()
                key = pool.next(self)
                if pool.ready:
                    pool.dispatch()
            through = True
        finally:
            pool.busy -= 1
            if through:
                pool.dispatch()

    async def _hold(self, key: int) -> None:
        """Carry out one unit that takes no place."""
        try:
            self._after(key, await self._carried(key))
        finally:
            self._pool.opened(key)
        self._pool.dispatch()

    async def _carried(self, key: int) -> bool | Again:
        i = key >> _TASK & _MASK
        try:
            return await self._unit(i, key & _MASK)
        except BaseException:  # cancelled, and everything else of this graph with it
            self._pool.close(self)
            raise
        finally:
            if self._claims is not None and self._claims[i]:
                self._pool.gates.release(self._claims[i])

    def _after(self, key: int, said: bool | Again) -> None:
        """What a unit's end means for others."""
        if said is True:
            i = key >> _TASK & _MASK
            self._open[i] -= 1
            if self._open[i] == 0:
                self._release(self._freed(i))
        elif said is False:
            self._failed = True
            self._pool.close(self)
            self._group.cancel_scope.cancel()
        else:
            self._group.start_soon(self._later, key, said)

    async def _later(self, key: int, again: Again) -> None:
        with again.waits:
            await self._pool.sleep(again.seconds)
        if self.places is not None and self.places[key >> _TASK & _MASK] is Place.WAITS:
            self.start(key)
        else:
            self._pool.push(key)
            self._pool.dispatch()

    def _freed(self, i: int) -> list[int]:
        """Task ``i`` is done: those that need nobody else any more."""
        left, found = self._left, list[int]()
        for j in self._followers[i]:
            left[j] -= 1
            if left[j] == 0:
                found.append(j)
        self._pending -= 1
        if self._pending == 0:
            self._over.set()
        return found

    def _release(self, todo: list[int]) -> None:
        """These may run: queue their units; who has none is done at once, and so may be those behind it."""
        ready = self._pool.ready
        while todo:
            i = todo.pop()
            units = self._begin(i)
            self._open[i] = units
            if units == 0:
                todo += self._freed(i)
            elif self.places is not None and self.places[i] is Place.WAITS:
                for item in range(units):
                    self.start(self._base[i] | item)
            else:
                base = self._base[i]
                for item in range(units):
                    heapq.heappush(ready, base | item)


def rank(priority: int, path: int) -> int:
    """How urgent a unit is, the smallest first: by priority, then by the number of tasks on the way from it to the end.

    >>> rank(1, 1) < rank(0, 9) < rank(0, 8)
    True
    """
    return (_MOST - max(-_MOST, min(priority, _MOST))) << _BITS | (_MASK - min(path, _MASK))
