"""Quotas that processes share, through the store of one machine or the PostgreSQL of several.

A process takes a block of a limit for some seconds and serves its calls from it, so most leases touch no disk. What it
did not use goes back when those seconds are over, also while nobody asks for anything: a thread that sleeps until then
sees to it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import anyio
import anyio.lowlevel

from aiorch.clock import Clock
from aiorch.errors import StorageError
from aiorch.quotas.leases import Demand, Full, Lease, Unit, Use
from aiorch.quotas.ledger import Ledger
from aiorch.quotas.pool import Observation, Pool
from aiorch.quotas.rows import Rows
from aiorch.quotas.shares import Exchange, Shares
from aiorch.types import Limit
from aiorch.types.models import LimitPeriod

log = logging.getLogger("aiorch")

ALONE = 30.0
"""Seconds for which a process counts by itself after its store could not be used."""

SOONEST = 0.25
"""Seconds at least between two times that a process tells what it holds by itself."""


class Alarm(Protocol):
    """Something that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """Let it not happen."""
        ...


def alarm_thread(seconds: float, ring: Callable[[], None]) -> Alarm:
    """Call ``ring`` after so many seconds, in a thread that does not keep the program alive."""
    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.name = "aiorch-quotas"
    timer.start()
    return timer


class SharedQuotas:
    """The :class:`~aiorch.quotas.Quotas` of several processes.

        quotas = SharedQuotas(clock, StoreRows(store, clock))               # one machine
        quotas = SharedQuotas(clock, PostgresRows("postgresql://..."))      # several

    No limit is ever overshot by all of them together. The price is paid when a process is killed: what it held counts
    until its window is over, so close quotas when the program ends. Use survives restarts.

    While the store cannot be used, a process takes what was left when it heard of the others last, counts by itself,
    and says so once in the log: answers go before limits that others use as well. That use is not told to them later.
    """

    def __init__(
        self, clock: Clock, rows: Rows, *, alarm: Callable[[float, Callable[[], None]], Alarm] = alarm_thread
    ) -> None:
        self._clock = clock
        self._rows = rows
        self._set_alarm = alarm
        self._begin(Shares(_owner()))

    async def lease(self, demand: Demand) -> Lease | Full:
        """Reserve what is asked of every name, or nothing."""
        answer = self._at_once(demand)
        if answer is None:
            async with self._line():  # whoever comes first brings enough for those behind
                answer = self._at_once(demand)
                if answer is None:
                    answer = await self._asked(demand)
        return answer

    def arrived(self, lease: Lease) -> None:
        """The provider has begun to answer."""
        with self._lock:
            lease.arrived(self._now())

    def settle(self, lease: Lease, *, tokens: int, neurons: int = 0) -> None:
        """The call has ended and used this much."""
        with self._lock:
            lease.settle(tokens, neurons, self._now())

    def release(self, lease: Lease) -> None:
        """Nothing was sent."""
        with self._lock:
            lease.release()

    def full(self, names: Sequence[str], now: float) -> Full | None:
        """Why not even the smallest call fits, as far as this process has heard."""
        with self._lock:
            books = self._counts_alone() or self._shares
            full = books.full(names, self._now())
            return self._here(full) if full else None

    def observe(
        self,
        name: str,
        unit: Unit,
        per: LimitPeriod,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        reset_at: float | None = None,
    ) -> None:
        """What a response's headers say. The others hear of it within seconds."""
        with self._lock:
            now = self._now()
            there = None if reset_at is None else reset_at - self._clock.now() + now
            self._shares.observe(name, unit, per, Observation(limit, remaining, there), now)

    def define(self, name: str, limits: Sequence[Limit], *, reset_zone: str = "UTC") -> None:
        """``name`` has these limits."""
        with self._lock:
            self._shares.define(name, limits, reset_zone)

    async def tend(self) -> None:
        """Tell the store what is due: what was used, what is given back, what is held on to. Happens by itself.

        :raises StorageError: when the store cannot be used.
        """
        with self._lock:
            exchange = self._shares.telling(self._now())
        if exchange:
            await self._carry_out(exchange)

    async def show(self) -> tuple[Use, ...]:
        """How every limit stands that is defined here or was used by anybody.

        :raises StorageError: when the store cannot be read.
        """
        states = await self._rows.states()
        with self._lock:
            now = self._now()
            uses = [Pool.from_text(state).use(now) for state in states]
            return (*uses, *self._shares.unused(uses))

    async def aclose(self) -> None:
        """Give back what is held and not used, and let go of the database. Using the quotas again opens it again."""
        with self._lock:
            if self._alarm:
                self._alarm.cancel()
                self._alarm = None
            exchange = self._shares.telling(self._now(), closing=True)
        try:
            if exchange:
                await self._carry_out(exchange)
        except StorageError as fault:
            self._without(fault)
        finally:
            with anyio.CancelScope(shield=True):
                await self._rows.aclose()

    # --- asking --------------------------------------------------------------------------------------------------

    def _at_once(self, demand: Demand) -> Lease | Full | None:
        """The answer, where the store need not be asked."""
        if os.getpid() != self._pid:
            self._begin(self._shares.forked(_owner()))  # what the parent holds is the parent's
        with self._lock:
            now = self._now()
            alone = self._counts_alone()
            if alone:
                for name in demand.names:
                    alone.define(name, *self._shares.definition(name))
            answer = alone.reserve(demand, now) if alone else self._shares.serve(demand, now)
            return self._here(answer) if isinstance(answer, Full) else answer

    async def _asked(self, demand: Demand) -> Lease | Full:
        with self._lock:
            exchange = self._shares.asking(demand)
        try:
            answer = await self._carry_out(exchange)
        except StorageError as fault:
            self._without(fault)
            answer = self._at_once(demand)
            assert answer is not None
            return answer
        self._arm()
        return self._here(answer) if isinstance(answer, Full) else answer

    async def _carry_out(self, exchange: Exchange) -> Lease | Full:
        before_now, before = self._clock.now(), self._clock.monotonic()

        def decide(rows: Mapping[str, str], now: float) -> Mapping[str, tuple[str, float]]:
            with self._lock:
                # Measured from before the visit: the store's time is never taken to be earlier than it is.
                self._offsets = (now - before_now, now - before)
                return exchange.decide(rows, now)

        try:
            await self._rows.exchange(exchange.keys, decide)
        except BaseException:
            with self._lock:
                exchange.failed()
            raise
        with self._lock:
            self._alone = None
            return exchange.done()

    def _line(self) -> anyio.Lock:
        """One waiting line a loop."""
        loop = anyio.lowlevel.current_token()
        with self._lock:
            if self._lines is None or self._lines[0] != loop:
                self._lines = (loop, anyio.Lock())
            return self._lines[1]

    # --- time ----------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        """The store's time, rather late than early: a clock that jumps and a machine that sleeps make it later."""
        of_epoch, of_monotonic = self._offsets
        return max(self._clock.now() + of_epoch, self._clock.monotonic() + of_monotonic)

    def _here(self, full: Full) -> Full:
        """The same by this machine's clock."""
        return replace(full, until=full.until - self._now() + self._clock.now())

    # --- by itself -----------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """See to it that what is held will be told about."""
        with self._lock:
            due_at = self._shares.due_at()
            if due_at is None:
                return
            if self._alarm:
                if due_at >= self._alarm_at - SOONEST:
                    return
                self._alarm.cancel()
            wait = ALONE if self._counts_alone() else max(SOONEST, due_at - self._now())
            self._alarm_at = self._now() + wait
            self._alarm = self._set_alarm(wait, self._ring)

    def _ring(self) -> None:
        """In a thread of its own: tell what is due."""
        self._alarm = None
        try:
            anyio.run(self.tend)
        except StorageError as fault:
            self._without(fault)
        self._arm()

    # --- alone ---------------------------------------------------------------------------------------------------

    def _without(self, fault: StorageError) -> None:
        with self._lock:
            self._alone = self._alone or self._shares.alone(self._now())
            self._alone_until = self._clock.monotonic() + ALONE
            told, self._told = self._told, True
        if not told:
            log.warning("limits are kept by this process alone, not together with others: %s", fault)

    def _counts_alone(self) -> Ledger | None:
        """The books of this process alone, where it keeps them at present."""
        return self._alone if self._alone and self._clock.monotonic() < self._alone_until else None

    def _begin(self, shares: Shares) -> None:
        self._shares = shares
        self._alone: Ledger | None = None
        self._alone_until = 0.0
        self._told = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._lines: tuple[object, anyio.Lock] | None = None
        self._alarm: Alarm | None = None
        self._alarm_at = 0.0
        self._offsets = (0.0, self._clock.now() - self._clock.monotonic())


def _owner() -> str:
    """A process's name among those that share; a fork and a restart have another one."""
    return f"{os.getpid()}-{os.urandom(6).hex()}"
