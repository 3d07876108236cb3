"""The journal of whoever keeps none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

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
