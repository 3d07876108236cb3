"""Quotas of one process, forgotten when it ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from aiorch.clock import Clock
from aiorch.quotas.leases import Demand, Full, Lease, Unit, Use
from aiorch.quotas.ledger import Ledger
from aiorch.types import Limit
from aiorch.types.models import LimitPeriod


class MemoryQuotas:
    """The :class:`~aiorch.quotas.Quotas` of one process.

    Nothing ever waits, so a lease is had at once, also from several event loops and threads (one lock, held for
    microseconds).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ledger = Ledger()
        self._lock = threading.Lock()

    async def lease(self, demand: Demand) -> Lease | Full:
        """Reserve what is asked of every name, or nothing."""
        with self._lock:
            return self._ledger.reserve(demand, self._clock.now())

    def arrived(self, lease: Lease) -> None:
        """The provider has begun to answer."""
        with self._lock:
            lease.arrived(self._clock.now())

    def settle(self, lease: Lease, *, tokens: int, neurons: int = 0) -> None:
        """The call has ended and used this much."""
        with self._lock:
            lease.settle(tokens, neurons, self._clock.now())

    def release(self, lease: Lease) -> None:
        """Nothing was sent."""
        with self._lock:
            lease.release()

    def full(self, names: Sequence[str], now: float) -> Full | None:
        """Why not even the smallest call fits."""
        with self._lock:
            return self._ledger.full(names, now)

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
        """What a response's headers say."""
        with self._lock:
            self._ledger.observe(
                name, unit, per, self._clock.now(), limit=limit, remaining=remaining, reset_at=reset_at
            )

    def define(self, name: str, limits: Sequence[Limit], *, reset_zone: str = "UTC") -> None:
        """``name`` has these limits."""
        with self._lock:
            self._ledger.define(name, limits, reset_zone)

    async def show(self) -> tuple[Use, ...]:
        """How every limit stands."""
        with self._lock:
            return tuple(self._ledger.uses(self._clock.now()))

    async def aclose(self) -> None:
        """Nothing is held elsewhere."""
