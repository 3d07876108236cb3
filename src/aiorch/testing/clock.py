"""A clock whose hands the test turns."""

from __future__ import annotations

import anyio.lowlevel


class FakeClock:
    """Time that passes only when somebody sleeps, and then at once.

    >>> clock = FakeClock(now=1_800_000_000.0)
    >>> clock.advance(5); clock.now()
    1800000005.0
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._monotonic = 1_000.0
        self.slept: list[float] = []
        """Every sleep so far, seconds."""

    def now(self) -> float:
        """Epoch seconds."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass."""
        self._now += seconds
        self._monotonic += seconds

    async def sleep(self, seconds: float) -> None:
        """Pass that many seconds at once, letting others run."""
        self.slept.append(seconds)
        self.advance(seconds)
        await anyio.lowlevel.checkpoint()
