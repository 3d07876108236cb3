"""The in-process engine: runs the body, remembers nothing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

from aiorch.clock import Clock, SystemClock
from aiorch.errors import WorkflowError
from aiorch.protocols import Journal
from aiorch.workflow.ledger import CallRecord, task_of

T = TypeVar("T")


class Memory:
    """Runs workflows in this process, under asyncio and trio; nothing survives it."""

    __slots__ = ("_clock",)

    name = "memory"
    durable = False

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Carry out ``body``."""
        return await body(MemoryJournal(self._clock))


class MemoryJournal:
    """The journal of one run that is kept nowhere: it runs effects, and has a mailbox and a list of calls."""

    __slots__ = ("_calls", "_clock", "_mail", "_news")

    keeps = False
    """See :class:`~aiorch.journal.NullJournal`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mail: dict[str, Any] = {}
        self._news: dict[str, anyio.Event] = {}
        self._calls: list[CallRecord] = []

    def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> Awaitable[T]:
        """Run ``effect``; ``ledger`` writes down that it did."""
        return self._written(key, effect) if ledger else effect()

    async def receive(self, name: str) -> Any:
        """What was sent under ``name`` first, once it is there."""
        while name not in self._mail:
            await self._news.setdefault(name, anyio.Event()).wait()
        return self._mail[name]

    async def send(self, name: str, value: Any) -> None:
        """Put ``value`` into the mailbox; where there is one of that name already, nothing happens.

        :raises WorkflowError: for what JSON cannot hold, as every engine would.
        """
        try:
            text = json.dumps(value)
        except (TypeError, ValueError) as wrong:
            raise WorkflowError(f"{name!r} cannot be sent: JSON cannot hold it ({wrong})") from None
        if name not in self._mail:
            self._mail[name] = json.loads(text)
            if name in self._news:
                self._news.pop(name).set()

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """Every call that was begun, in that order."""
        return tuple(self._calls)

    async def _written(self, key: str, effect: Callable[[], Awaitable[T]]) -> T:
        place, began = len(self._calls), self._clock.now()
        self._calls.append(CallRecord(key, task_of(key), began))
        try:
            value = await effect()
        except Exception:
            self._calls[place] = CallRecord(key, task_of(key), began, self._clock.now(), "failed")
            raise
        self._calls[place] = CallRecord(key, task_of(key), began, self._clock.now(), "committed")
        return value
