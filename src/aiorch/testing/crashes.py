"""Processes that die at a chosen moment, without a process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar

import anyio

from aiorch.protocols import Engine, Journal, Mailbox

T = TypeVar("T")

Moment = Literal["after", "during"]
"""``after``: an effect is committed, and then everything stops; ``during``: it has happened, and is not committed."""


@dataclass
class Death:
    """Strikes a run once, at this effect."""

    key: str
    """The journal's key: a task's path, or that of an effect inside of it."""
    moment: Moment
    scope: anyio.CancelScope
    """What dies."""
    struck: bool = False

    async def strike(self) -> NoReturn:
        """From now on nothing is written and nothing goes on."""
        self.struck = True
        self.scope.cancel()
        while True:
            await anyio.sleep_forever()


class Mortal:
    """An engine whose process may die: everything else is that of the engine inside."""

    def __init__(self, engine: Engine, death: Death) -> None:
        self._engine = engine
        self._death = death
        self.name = engine.name
        self.durable = engine.durable

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Carry ``body`` out, as far as death allows."""

        async def dying(journal: Journal) -> T:
            return await body(_MortalJournal(journal, self._death))

        return await self._engine.run(run_id, version, dying, returns=returns)


class _MortalJournal:
    def __init__(self, journal: Journal, death: Death) -> None:
        self._journal = journal
        self._death = death
        if isinstance(journal, Mailbox):
            self.receive = journal.receive

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        death = self._death
        if death.struck:  # a `finally` of somebody's: the dead write nothing
            await death.strike()

        async def dying() -> T:
            value = await effect()
            if death.struck or (key, "during") == (death.key, death.moment):
                await death.strike()
            return value

        value = await self._journal.once(key, dying, returns=returns, idempotent=idempotent, ledger=ledger)
        if death.struck or (key, "after") == (death.key, death.moment):
            await death.strike()
        return value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)
