"""The in-process engine: runs the body, remembers nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiorch.journal import NullJournal
from aiorch.protocols import Journal

T = TypeVar("T")


class Memory:
    """Runs workflows in this process, under asyncio and trio; nothing survives it."""

    __slots__ = ()

    name = "memory"
    durable = False

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Carry out ``body``."""
        return await body(NullJournal())
