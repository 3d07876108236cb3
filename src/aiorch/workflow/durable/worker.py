"""A worker at work: three loops over the decisions of ``leases.py``.

One pulls runs from the queues; one looks after what is held here and what others left behind; and the storage's
thread renews the lease, so that an event loop that somebody blocks does not lose it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

from aiorch.errors import AiorchError, InputError
from aiorch.workflow.durable import workers
from aiorch.workflow.durable.identity import this_process
from aiorch.workflow.durable.leased import Sure
from aiorch.workflow.durable.leases import BEATS, Served, abandoned, lost, may_judge, next_lapse
from aiorch.workflow.durable.queues import QUEUES, Claim, Line

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.workflow.durable.storage import Storage

T = TypeVar("T")

SWEEP = 0.5
"""Seconds between two looks at what was lost here and left behind elsewhere, at the most."""
ASK_AGAIN = 0.05
"""Seconds between two looks whether a lapsed lease was renewed."""
SOON = 0.02
"""Seconds after a lease has ended: then it is over by everybody's rounding."""
FORGET = 3600.0
"""Seconds between two clearings of the table of workers."""

logger = logging.getLogger("aiorch")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a worker works."""

    concurrency: int
    """Runs at once, and as many parts of other runs."""
    lease: float
    """Seconds."""
    grace: float
    """Seconds for what is under way when it is stopped."""
    poll: float
    """Seconds between two looks at an empty queue."""

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise InputError(f"concurrency={self.concurrency}: a worker carries out at least 1 run at once")
        if self.lease < 1:
            raise InputError(f"lease={self.lease:g}: one of less than 1 s would be lost to any hiccup")
        if self.grace < 0 or self.poll <= 0:
            raise InputError(f"grace={self.grace:g}, poll={self.poll:g}: seconds, at least 0 and above 0")

    @property
    def sweep(self) -> float:
        """Seconds between two sweeps."""
        return min(SWEEP, self.lease / BEATS)


@dataclass(slots=True, eq=False)
class AtWork:
    """A run that this process took."""

    claim: Claim
    queue: str
    task: asyncio.Task[Any] | None = None
    """Its carrying out, once that has begun."""

    def stop(self) -> None:
        """End it here; nothing is recorded."""
        if self.task is not None:
            self.task.cancel()


Carry = Callable[[Claim, str, Sure, Any], Awaitable[None]]
"""Carries out one run: its claim, this worker's name, what waits until the lease holds, and what was submitted."""


class GiveBack(Exception):
    """The run cannot go on here just now: it goes back to its queue.

    :param rest: whether to take nothing for a while, since others would fare no better.
    """

    def __init__(self, why: str, *, rest: bool) -> None:
        super().__init__(why)
        self.rest = rest


class Station:
    """The loops, and what is held."""

    def __init__(
        self,
        storage: Storage,
        line: Line,
        carry: Carry,
        serves: Sequence[Served],
        terms: Terms,
        extra: Sequence[Callable[[float], Awaitable[None]]] = (),
    ) -> None:
        self.storage = storage
        self.line = line
        self.carry = carry
        self.serves = tuple(serves)
        self.terms = terms
        self.extra = extra
        """What else is done at every sweep; takes the database's time."""
        self.name = ""
        self.at_work: list[AtWork] = []
        self.back: list[Claim] = []
        """What is to be put back as soon as the database allows."""
        self.stopping = asyncio.Event()
        self._names = 0
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._threads = anyio.CapacityLimiter(4)
        self._renewed = time.monotonic()
        self._broken_until: float | None = None
        self._buried = False
        self._next_lapse = 0.0
        self._rest_until = 0.0
        self._forgotten = 0.0

    # --- the whole -----------------------------------------------------------------------------------------------

    async def work(self, on_ready: Callable[[], object]) -> None:
        """Until it is stopped: then what is under way may end, and the rest is handed back. Cancelled, at once."""
        await self._enter()
        stop_renewing = self.storage.every(self.terms.lease / BEATS, self._renew)
        try:
            async with anyio.create_task_group() as loops:
                loops.start_soon(self._forever, self._pull, "taking runs")
                loops.start_soon(self._forever, self._sweep, "looking after runs")
                on_ready()
                await self.stopping.wait()
                loops.cancel_scope.cancel()
            await self._let_end()
        finally:
            stop_renewing()
            with anyio.CancelScope(shield=True):
                await self._hand_back()

    def stop(self) -> None:
        """Take nothing new, and end when what is under way has ended; said twice: at once."""
        if self.stopping.is_set():
            self._give_up_all()
        self.stopping.set()

    async def handle(self, run: str, token: str | None, given: Any) -> None:
        """DBOS begins a run that was claimed here."""
        one = next((o for o in self.at_work if o.claim.run == run and o.claim.token == token), None)
        if one is None:  # it was given up while DBOS was beginning it
            raise asyncio.CancelledError
        one.task = asyncio.current_task()
        try:
            await self.carry(one.claim, self.name, self.sure, given)
        except GiveBack as because:
            logger.warning("run %s goes back to its queue: %s", run, because)
            self.back.append(one.claim)
            if because.rest:
                self._rest_until = time.monotonic() + self.terms.lease / 2
            raise asyncio.CancelledError from None
        finally:
            self.at_work = [other for other in self.at_work if other is not one]
            self._tell()

    async def sure(self) -> None:
        """Return while the lease holds: at once, or after the next renewal. Whoever was buried is cancelled by then."""
        while self._buried or self._cut_off():  # noqa: ASYNC110 - time alone ends a lease, so there is no event
            await anyio.sleep(ASK_AGAIN)

    # --- pulling -------------------------------------------------------------------------------------------------

    async def _pull(self) -> None:
        """Take as much as there is room for; wait for news where there is nothing."""
        taken = 0
        if time.monotonic() >= self._rest_until and not self._buried and not self._cut_off():
            for queue in QUEUES:
                room = self.terms.concurrency - sum(1 for one in self.at_work if one.queue == queue)
                if room > 0:
                    taken += await self._take(queue, room)
        if not taken:
            self._news.clear()
            with anyio.move_on_after(self.terms.poll):
                await self._news.wait()

    async def _take(self, queue: str, room: int) -> int:
        served = {one.version for one in self.serves}
        taken = 0
        for version in await self._in_thread(self.line.wanted, queue, served):
            if taken < room:
                name = self.name
                claims = await self._in_thread(self.line.claim, queue, version, name, room - taken)
                self.at_work += [AtWork(claim, queue) for claim in claims]
                taken += len(claims)
                for claim in await self._in_thread(self.line.begin, claims) if claims else ():
                    self.at_work = [one for one in self.at_work if one.claim != claim]
                    self.back.append(claim)
        return taken

    # --- looking after -------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Give up what is not ours any more, put back what the dead held, do what else is to be done now and then."""
        await anyio.sleep(min(self.terms.sweep, self._next_lapse))
        self._next_lapse = self.terms.sweep
        if self._buried:
            await self._rise()
        mine = {one.claim.run: one.claim.token for one in self.at_work}
        if mine:
            rows = await self._in_thread(self.line.owners, tuple(mine))
            gone = lost(mine, rows)
            for one in list(self.at_work):
                if one.claim.run in gone and one.claim.token == mine[one.claim.run]:
                    logger.info("run %s was cancelled or taken over: it ends here", one.claim.run)
                    one.stop()
        while self.back:
            await self._in_thread(self.line.put_back, [self.back[0].run], self.name)
            self.back.pop(0)
        self._note_outage()
        if may_judge(time.monotonic(), self._broken_until, self.terms.lease):
            await self._take_over()

    async def _take_over(self) -> None:
        held = await self._in_thread(self.line.held)
        attendance = await self.storage.do(_bury_and_read)  # after `held`: see leases.abandoned
        self._next_lapse = SOON + max(0.0, next_lapse(attendance.workers, attendance.now) or 0.0)
        for worker, runs in abandoned(held, attendance.workers).items():
            count = await self._in_thread(self.line.put_back, runs, worker)
            logger.warning("worker %s is gone: %d of its runs are back in the queue", worker, count)
            self._tell()
        for act in self.extra:
            await act(attendance.now)
        if time.monotonic() - self._forgotten > FORGET:
            self._forgotten = time.monotonic()
            await self.storage.do(workers.forget)

    # --- the lease -----------------------------------------------------------------------------------------------

    async def _enter(self) -> None:
        """Begin under a name that nobody had before."""
        self._names += 1
        self.name = str(this_process()) + (f"#{self._names}" if self._names > 1 else "")
        terms = self.terms
        await self.storage.do(
            partial(
                workers.enter,
                name=self.name,
                host=socket.gethostname(),
                pid=os.getpid(),
                serves=self.serves,
                concurrency=terms.concurrency,
                lease=terms.lease,
            )
        )
        self._renewed = time.monotonic()
        self._buried = False

    def _renew(self, db: Connection) -> None:
        """In the storage's thread."""
        at = time.monotonic()  # before the database's time, so that the lease ends here first
        if workers.renew(db, self.name):
            self._renewed = at
        elif not self._buried:
            self._buried = True
            self._loop.call_soon_threadsafe(self._give_up_all)

    async def _rise(self) -> None:
        """Others have found this worker dead, and have its runs by now: begin anew under another name."""
        logger.warning("this worker was taken for dead: what it was at is given up, it goes on as a new one")
        self.back.clear()
        await self._enter()

    def _give_up_all(self) -> None:
        for one in self.at_work:
            one.stop()

    def _cut_off(self) -> bool:
        return time.monotonic() - self._renewed > self.terms.lease

    def _note_outage(self) -> None:
        """Remember since when the database is back, after it was away for longer than one renewal."""
        if time.monotonic() - self._renewed > 2 * self.terms.lease / BEATS:
            self._broken_until = time.monotonic()

    # --- the end -------------------------------------------------------------------------------------------------

    async def _let_end(self) -> None:
        with anyio.move_on_after(self.terms.grace):
            while self.at_work:
                self._news.clear()
                await self._news.wait()

    async def _hand_back(self) -> None:
        """Put back what is still held, and leave."""
        self._give_up_all()
        with anyio.move_on_after(5):
            while self.at_work:
                self._news.clear()
                await self._news.wait()
        try:
            held = await self._in_thread(self.line.held)
            mine = [one.run for one in held if one.worker == self.name]
            await self._in_thread(self.line.put_back, mine, self.name)
            await self.storage.do(partial(workers.leave, name=self.name))
        except Exception as wrong:  # then the others find out when the lease has ended
            logger.warning("this worker could not sign off: %s: %s", type(wrong).__name__, wrong)

    # --- small things --------------------------------------------------------------------------------------------

    async def _forever(self, step: Callable[[], Awaitable[None]], what: str) -> None:
        """Again and again, also where the database cannot be reached for a while."""
        failing = False
        while True:
            try:
                await step()
                failing = False
            except Exception as wrong:
                if not failing:
                    told = wrong if isinstance(wrong, AiorchError) else type(wrong).__name__
                    logger.warning("%s did not work, and is tried again: %s", what, told)
                    logger.debug("%s", what, exc_info=wrong)
                failing = True
                await anyio.sleep(1.0)

    async def _in_thread(self, work: Callable[..., T], *given: Any) -> T:
        return await anyio.to_thread.run_sync(partial(work, *given), limiter=self._threads)

    def _tell(self) -> None:
        self._news.set()


def _bury_and_read(db: Connection) -> workers.Attendance:
    workers.bury(db)
    return workers.read(db)
