"""The journal of a run in a worker's hands: no effect begins unless the worker's lease holds.

A commit of a worker that lost its run is refused by the database. What it *does* is not: one that stood still for
longer than its lease, and goes on right behind the question whether it may begin, would call a model for a run that
another one has finished meanwhile. So the last question is asked here, of this process' own clock, with
nothing in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from aiorch.workflow.durable.journal import DurableJournal
    from aiorch.workflow.ledger import CallRecord

T = TypeVar("T")

Sure = Callable[[], Awaitable[None]]
"""Returns as soon as the lease holds; whoever has lost it is cancelled meanwhile."""


class Leased:
    """A durable journal, and a lease."""

    def __init__(self, journal: DurableJournal, sure: Sure) -> None:
        self._journal = journal
        self._sure = sure

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """Every call ever begun for the run."""
        return self._journal.calls

    def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> Awaitable[T]:
        """As the journal's, with a last question before ``effect``."""
        begin = partial(self._begin, effect)
        return self._journal.once(key, begin, returns=returns, idempotent=idempotent, ledger=ledger)

    def receive(self, name: str) -> Awaitable[Any]:
        """As the journal's."""
        return self._journal.receive(name)

    async def _begin(self, effect: Callable[[], Awaitable[T]]) -> T:
        await self._sure()
        return await effect()
