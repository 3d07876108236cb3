"""What is asked of quotas, and what they answer: a demand, a lease, or until when they are full."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from aiorch.types import Limit

Unit = Literal["requests", "tokens", "neurons"]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a call will use at most, of every limit of every name.

    >>> Demand(("groq#KEY", "groq/qwen#KEY", "user:u1"), tokens=1_200).requests
    1
    """

    names: tuple[str, ...]
    """See :mod:`aiorch.quotas.names`. A name without limits asks for nothing."""
    requests: int = 1
    tokens: int = 0
    """Estimated: the prompt's and the longest answer's."""
    neurons: int = 0
    """A provider's own unit, where it has one."""

    def __post_init__(self) -> None:
        if self.requests < 0 or self.tokens < 0 or self.neurons < 0:
            raise ValueError(f"a demand cannot be negative: {self}")


@dataclass(frozen=True, slots=True)
class Full:
    """There is no room: nothing was reserved.

    >>> print(Full(1_800_000_000.0, "user:u1", Limit(20, "requests", "minute"), 1))
    user:u1 has used up its 20 requests a minute; asking again makes sense at 2027-01-15 08:00:00 UTC
    """

    until: float
    """Epoch seconds from which asking again makes sense; infinity when the demand is larger than the limit itself.
    Calls that have not ended may make it later."""
    name: str
    """Whose limit it is."""
    limit: Limit
    asked: int = 0
    """How much of it was asked for."""

    @property
    def never(self) -> bool:
        """True when the demand is larger than the limit itself."""
        return math.isinf(self.until)

    def __str__(self) -> str:
        limit = self.limit
        if self.never:
            return f"{self.asked:,} {limit.unit} never fit into the {limit} of {self.name}: ask for fewer"
        if limit.per == "at once":
            return f"{self.name} has all of its {limit} in use"
        from datetime import UTC, datetime

        when = datetime.fromtimestamp(self.until, UTC)
        return (
            f"{self.name} has used up its {limit}; asking again makes sense at {when:%Y-%m-%d %H:%M:%S} UTC"
        )


class Gauge(Protocol):
    """One limit, as a lease sees it."""

    @property
    def unit(self) -> Unit:
        """What it counts."""
        ...

    @property
    def at_once(self) -> bool:
        """True where only what is under way counts."""
        ...

    def settle(self, reserved: int, used: int, now: float) -> None:
        """``used`` took the place of ``reserved``."""
        ...

    def release(self, reserved: int) -> None:
        """What was reserved is not used."""
        ...


class Lease:
    """What is reserved for one call: it counts until it is settled or released, which every lease must be once.

    Settling or releasing again does nothing, so a ``finally`` may release what may have been settled before.
    """

    __slots__ = ("_held",)

    def __init__(self, held: Sequence[tuple[Gauge, int]] = ()) -> None:
        self._held: Sequence[tuple[Gauge, int]] | None = held

    def __repr__(self) -> str:
        return f"<Lease {'closed' if self._held is None else 'open'}>"

    def arrived(self, now: float) -> None:
        """The provider has begun to answer, so it has counted the request by now."""
        if not self._held:
            return
        open_still: list[tuple[Gauge, int]] = []
        for gauge, reserved in self._held:
            if gauge.unit == "requests" and not gauge.at_once:
                gauge.settle(reserved, reserved, now)
            else:
                open_still.append((gauge, reserved))
        self._held = open_still

    def settle(self, tokens: int, neurons: int, now: float) -> None:
        """The call has ended and used this much."""
        held, self._held = self._held, None
        for gauge, reserved in held or ():
            unit = gauge.unit
            used = reserved if unit == "requests" else tokens if unit == "tokens" else neurons
            gauge.settle(reserved, used, now)

    def release(self) -> None:
        """Nothing was sent."""
        held, self._held = self._held, None
        for gauge, reserved in held or ():
            gauge.release(reserved)


@dataclass(frozen=True, slots=True)
class Use:
    """How one limit stands, for people."""

    name: str
    limit: Limit
    used: int
    """What counts against it now. More than the limit where calls took more than they had reserved."""
    reserved: int = 0
    """The part of it that is held for calls under way, or by processes for their next ones."""
    resets_at: float | None = None
    """Epoch seconds from which nothing of this counts any more; ``None`` where nothing does, or for what counts only
    while it is under way."""

    @property
    def left(self) -> int:
        """How much may still be asked for."""
        return max(0, self.limit.amount - self.used)

    @property
    def over(self) -> int:
        """By how much calls went over the limit by taking more than they had reserved."""
        return max(0, self.used - self.limit.amount)
