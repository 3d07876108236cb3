"""The journal of whoever keeps none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class NullJournal:
    """The default :class:`~aiorch.protocols.Journal`: only runs the effect, so a crash forgets everything."""

    __slots__ = ()

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
