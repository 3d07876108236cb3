"""What the house asks of quotas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiorch.quotas.leases import Demand, Full, Lease, Unit, Use
from aiorch.types import Limit
from aiorch.types.models import LimitPeriod


class Quotas(Protocol):
    """Leases within limits. For example:

        quotas.define("groq#KEY", (Limit(30, "requests", "minute"),))
        lease = await quotas.lease(Demand(("groq#KEY",), tokens=900))
        if isinstance(lease, Full):
            ...                                     # somebody else, or wait until lease.until
        try:
            response = ...
            quotas.settle(lease, tokens=response.usage.total)
        finally:
            quotas.release(lease)                   # does nothing where it was settled

    Every method may be called from any thread.
    """

    async def lease(self, demand: Demand) -> Lease | Full:
        """Reserve what is asked of every name, or nothing."""
        ...

    def arrived(self, lease: Lease) -> None:
        """The provider has begun to answer. Optional: without it a request counts for a period from its settlement,
        with it from now, which for long streams gives room much earlier. Tokens count from the settlement either way.
        """
        ...

    def settle(self, lease: Lease, *, tokens: int, neurons: int = 0) -> None:
        """The call has ended and used this much, be it more or less than was reserved."""
        ...

    def release(self, lease: Lease) -> None:
        """Nothing was sent: what was reserved is free again."""
        ...

    def full(self, names: Sequence[str], now: float) -> Full | None:
        """Why not even the smallest call fits, as far as is known here; ``None`` where it may. Reserves nothing."""
        ...

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
        """What a response's headers say of one limit.

        A ``limit`` that differs replaces the defined one. ``remaining`` below our own count means that others use the
        same account: it is believed until ``reset_at`` (epoch seconds), or for a period. One above our count changes
        nothing, unless a reset told earlier has passed since.
        """
        ...

    def define(self, name: str, limits: Sequence[Limit], *, reset_zone: str = "UTC") -> None:
        """``name`` has these limits. Its days and months are those of ``reset_zone``. Saying the same again is cheap.

        :raises ConfigurationError: no such time zone.
        """
        ...

    async def show(self) -> tuple[Use, ...]:
        """How every limit stands."""
        ...

    async def aclose(self) -> None:
        """Give back what is held and not used."""
        ...
