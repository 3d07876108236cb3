"""Time, passed in rather than reached for, so that tests can turn the hands."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the house asks of time.

    >>> SystemClock().now() > 1_700_000_000
    True
    """

    def now(self) -> float:
        """Epoch seconds: what calendars and ``Retry-After`` speak of."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump: what deadlines and durations are made of."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellation ends it at once."""
        ...


class SystemClock:
    """The machine's clock, under asyncio and trio."""

    __slots__ = ()

    # As they are, not wrapped: every call asks some twenty times.
    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        import anyio

        await anyio.sleep(seconds)
