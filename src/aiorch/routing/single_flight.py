"""Equal questions that are asked at the same time are asked once: the first one leads, the others take its answer.

Whoever leads asks for all. Nobody fails because somebody else was cancelled or ran out of time or money: the next in
line then asks anew. When two in a row failed, the others ask each for themselves, as if nobody shared anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio
from anyio.lowlevel import RunVar

from aiorch.errors import BudgetExceeded, DeadlineExceeded

T = TypeVar("T")

PERSONAL = (DeadlineExceeded, BudgetExceeded)
"""Failures that say something about whoever asked, and nothing about the question."""

FAILURES = 2
"""As with other ambiguous failures, one second opinion; then nobody waits for anybody any more."""


class _Flight(Generic[T]):
    """One question on its way."""

    __slots__ = ("ended", "failures", "result")

    def __init__(self, failures: int) -> None:
        self.failures = failures
        """Of those who led before."""
        self.result: tuple[T] | None = None
        self.ended: anyio.Event | None = None
        """Made by the first that waits: most questions are asked by one alone."""


class SingleFlight(Generic[T]):
    """Shares the answers of equal questions, asyncio and trio. Each event loop shares only with itself.

    flights = SingleFlight[Answer]()
    answer, led = await flights.run(key, lambda: ask(request), patience=lambda: deadline - clock.monotonic())
    """

    def __init__(self) -> None:
        self._flights: RunVar[dict[str, _Flight[T]]] = RunVar("aiorch.single_flight")

    async def run(
        self, key: str, act: Callable[[], Awaitable[T]], *, patience: Callable[[], float]
    ) -> tuple[T, bool]:
        """What ``act`` returns, here or at whoever asked the same before; and whether it was here.

        :param patience: seconds that are left for waiting; ``act`` minds its own time.
        :raises TimeoutError: when they are over. Otherwise raises what ``act`` does, where it was called here.
        """
        flights = self._here()
        failures = 0
        while failures < FAILURES:
            flight = flights.get(key)
            if flight is None:
                return await self._lead(flights, key, act, failures), True
            await _ended(flight, patience())
            if flight.result is not None:
                return flight.result[0], False
            failures = max(failures, flight.failures)
        return await act(), True

    async def _lead(
        self, flights: dict[str, _Flight[T]], key: str, act: Callable[[], Awaitable[T]], failures: int
    ) -> T:
        flight = flights[key] = _Flight[T](failures)
        try:
            result = await act()
            flight.result = (result,)
            return result
        except Exception as failed:
            if not isinstance(failed, PERSONAL):
                flight.failures += 1
            raise
        finally:
            del flights[key]
            if flight.ended is not None:
                flight.ended.set()

    def _here(self) -> dict[str, _Flight[T]]:
        try:
            return self._flights.get()
        except LookupError:
            flights: dict[str, _Flight[T]] = {}
            self._flights.set(flights)
            return flights


async def _ended(flight: _Flight[T], seconds: float) -> None:
    """:raises TimeoutError: when it takes longer."""
    if flight.ended is None:
        flight.ended = anyio.Event()
    with anyio.fail_after(max(0.0, seconds)):
        await flight.ended.wait()
