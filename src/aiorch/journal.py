"""The journal of whoever keeps none, and how to look into one that does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiorch.protocols import Journal

T = TypeVar("T")


class NullJournal:
    """The default :class:`~aiorch.protocols.Journal`: only runs the effect, so a crash forgets everything."""

    __slots__ = ()

    keeps = False
    """Nothing that was done is known after a restart; whoever asks a journal that does not say takes it for one that
    keeps."""

    def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> Awaitable[T]:
        """Run ``effect``."""
        return effect()


class NothingKept(Exception):
    """Nothing is committed under a key: what a look into a journal raises inside of it."""


def keeps(journal: Journal) -> bool:
    """False for a journal that only runs effects: nothing has to be looked up in it, or prepared for a restart."""
    return getattr(journal, "keeps", True)


async def committed(journal: Journal, key: str, returns: type[T]) -> T | None:
    """What an earlier process committed under ``key``; ``None`` where nothing is. Makes nothing happen.

    An effect that fails commits nothing, so one that only fails is how to look.
    """
    if not keeps(journal):
        return None

    async def fails() -> T:
        raise NothingKept

    try:
        return await journal.once(key, fails, returns=returns)
    except NothingKept:
        return None
