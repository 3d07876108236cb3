"""What a call is made with: where it goes, prepared once, and how long it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from aiorch.types import Timeouts


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Prepared:
    """What stays the same over many calls to one place; made by :meth:`Transport.prepare`.

    Pools keep what they make of one beside it, by its identity.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    host: str
    """Server and port, for messages (a full URL may hold secrets)."""
    proxy: str | None
    keep: bool
    """False where the headers say ``connection: close``."""

    def __repr__(self) -> str:
        return f"Prepared({self.method} {self.host})"


@dataclass(frozen=True, slots=True)
class Patience:
    """Time-outs as pools take them, seconds.

    A pool knows one read time-out. It gets the longer of head's and body's, so the shorter is guarded here.
    """

    connect: float | None
    read: float | None
    head: float | None
    """Guard the response's head with this; ``None`` leaves it to the pool."""
    idle: float | None
    """Guard a later piece of the body with this; ``None`` leaves it to the pool."""


@lru_cache(maxsize=64)
def patience_of(timeouts: Timeouts) -> Patience:
    """The time-outs of an attempt, told apart into what a pool minds and what is left to mind."""
    first, idle = timeouts.first_byte, timeouts.idle
    read = None if first is None or idle is None else max(first, idle)
    return Patience(
        timeouts.connect, read, head=None if first == read else first, idle=None if idle == read else idle
    )
