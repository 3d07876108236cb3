"""Work that is sent elsewhere for a while, by an alert or a person: the state behind
:class:`~aiorch.protocols.RouteControl`.

Every diversion expires; of several for one profile the newest counts; each is told to the audit before it holds, since
what cannot be recorded does not happen.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiorch.clock import Clock


@dataclass(frozen=True, slots=True)
class Diversion:
    """One profile's work, sent to another profile or to a model."""

    profile: str
    to: str
    until: float
    """Epoch seconds."""
    reason: str
    at: float
    """When it was made, epoch seconds."""


@dataclass(frozen=True, slots=True)
class DiversionChange:
    """What the audit is told."""

    action: Literal["diverted", "revoked"]
    diversion: Diversion
    at: float
    """Epoch seconds."""
    reason: str


Audit = Callable[[DiversionChange], Awaitable[None]]


class Diversions:
    """The diversions that hold now.

    For example:

        diversions = Diversions(clock, audit)
        await diversions.divert("coding_agent", to="analysis_agent", until=clock.now() + 600, reason="error rate 0.3")
        diversions.target("coding_agent", clock.now())      # "analysis_agent"
    """

    def __init__(self, clock: Clock, audit: Audit) -> None:
        """:param audit: is told of each change before it holds; what it raises prevents the change."""
        self._clock = clock
        self._audit = audit
        self._made: dict[str, list[Diversion]] = {}
        """By profile, oldest first."""

    async def divert(self, profile: str, to: str, until: datetime | float, reason: str) -> None:
        """Send work of ``profile`` to profile or model ``to``, until then (epoch seconds or a datetime with a zone).

        :raises ValueError: when it would never end, has ended already, or leads back to where it begins.
        :raises AuditError: when it could not be recorded; it is not made then.
        """
        now = self._clock.now()
        ends = _epoch(until)
        if not math.isfinite(ends) or ends <= now:
            raise ValueError(f"the diversion of {profile!r} must end at some time to come, not at {until}")
        if profile in self._way(to, now):
            raise ValueError(
                f"the diversion of {profile!r} to {to!r} leads back to {profile!r}: divert it elsewhere"
            )
        made = Diversion(profile, to, ends, reason, now)
        await self._audit(DiversionChange("diverted", made, now, reason))
        self._made.setdefault(profile, []).append(made)

    async def revoke(self, profile: str, reason: str) -> tuple[Diversion, ...]:
        """End all diversions of a profile now. :returns: those that held.

        :raises AuditError: when it could not be recorded; those not yet recorded go on.
        """
        now = self._clock.now()
        ended: list[Diversion] = []
        for diversion in reversed(self._holding(profile, now)):
            await self._audit(DiversionChange("revoked", diversion, now, reason))
            if diversion in self._made.get(profile, ()):
                self._made[profile].remove(diversion)
                ended.append(diversion)
        return tuple(ended)

    def hold(self, diversions: Iterable[Diversion]) -> None:
        """Exactly these hold from now on, recorded when they were made: what the store says."""
        self._made = {}
        for diversion in sorted(diversions, key=lambda d: d.at):
            self._made.setdefault(diversion.profile, []).append(diversion)

    def target(self, profile: str, now: float) -> str:
        """Where work of ``profile`` goes: to itself, or to the end of the way that diversions lead."""
        return self._way(profile, now)[-1]

    def diversion(self, profile: str, now: float) -> Diversion | None:
        """The one that counts for a profile: the newest that has not expired."""
        if not self._made:
            return None
        held = self._holding(profile, now)
        return held[-1] if held else None

    def listing(self, now: float) -> tuple[Diversion, ...]:
        """All that have not expired, newest first; an older one of the same profile counts again when a newer ends."""
        held = [d for profile in tuple(self._made) for d in self._holding(profile, now)]
        return tuple(sorted(held, key=lambda d: d.at, reverse=True))

    def _way(self, profile: str, now: float) -> tuple[str, ...]:
        """From a profile through all diversions. One that is in force again may close a circle: the way ends there."""
        way = [profile]
        while (on := self.diversion(way[-1], now)) is not None and on.to not in way:
            way.append(on.to)
        return tuple(way)

    def _holding(self, profile: str, now: float) -> list[Diversion]:
        held = [d for d in self._made.get(profile, ()) if d.until > now]
        if held:
            self._made[profile] = held
        else:
            self._made.pop(profile, None)
        return held


def _epoch(until: datetime | float) -> float:
    if not isinstance(until, datetime):
        return float(until)
    if until.tzinfo is None:
        raise ValueError(f"{until} names no time zone: pass an aware datetime, or epoch seconds")
    return until.timestamp()
