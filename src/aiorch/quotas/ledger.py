"""Who has used how much of which limit. Pure: no clock, no I/O.

    ledger = Ledger()
    ledger.define("openrouter#KEY", (Limit(20, "requests", "minute"), Limit(50, "requests", "day")))
    lease = ledger.reserve(Demand(("openrouter#KEY", "user:u1"), tokens=900), now)      # Lease | Full
    lease.settle(tokens=640, neurons=0, now=now + 2.5)

What is reserved counts until it is settled, and what is settled counts for a period from then: a provider counts a call
at some moment in between, so its own window, wherever that begins, never sees more than the limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from aiorch.quotas.leases import Demand, Full, Lease, Unit, Use
from aiorch.quotas.windows import Window, rule
from aiorch.types import Limit
from aiorch.types.models import LimitPeriod

MOMENT = 0.1
"""Seconds after which asking again makes sense where calls under way have to end first, which nobody can foretell."""

SWEEP_ABOVE = 1_024
"""Names beyond which those that nothing counts for are put away: users come and go."""

Key = tuple[str, LimitPeriod]


class Meter:
    """One limit of one name."""

    __slots__ = ("at_once", "limit", "name", "open", "told", "unit", "window")

    def __init__(self, name: str, limit: Limit, zone: str) -> None:
        self.name = name
        self.limit = limit
        self.unit: Unit = limit.unit
        self.at_once = limit.per == "at once"
        self.window = None if limit.per == "at once" else Window(rule(limit.per, zone))
        self.open = 0
        self.told = False

    def left(self, now: float) -> int:
        """How much may be reserved; negative after calls that took more than they had reserved."""
        window = self.window
        return self.limit.amount - self.open - (window.counted(now) if window else 0)

    def full(self, asked: int, now: float) -> Full:
        """Why and until when ``asked`` does not fit."""
        return Full(self._fits_at(asked, now), self.name, self.limit, asked)

    def settle(self, reserved: int, used: int, now: float) -> None:
        """``used`` took the place of ``reserved``."""
        self.open -= reserved
        if self.window:
            self.window.add(used, now)

    def release(self, reserved: int) -> None:
        """What was reserved is not used."""
        self.open -= reserved

    def tell(self, limit: int | None, remaining: int | None, reset_at: float | None, now: float) -> None:
        """What a response's headers say."""
        if limit is not None and limit > 0 and limit != self.limit.amount:  # 0 and less: "not said"
            self.limit = replace(self.limit, amount=limit)
            self.told = True
        if remaining is not None and self.window:
            self.window.tell(self.left(now), remaining, reset_at, now)

    def idle(self, now: float) -> bool:
        """True when it knows nothing that defining it again would not bring back."""
        return not (self.open or self.told or (self.window and self.window.counted(now)))

    def use(self, now: float) -> Use:
        """How it stands."""
        window = self.window
        counted = window.counted(now) if window else 0
        return Use(
            self.name,
            self.limit,
            counted + self.open,
            self.open,
            None if window is None else window.rule.leaves(now) if self.open else window.empties(now),
        )

    def _fits_at(self, asked: int, now: float) -> float:
        if asked > self.limit.amount:
            return math.inf
        if self.window is None:
            return now + MOMENT
        fits_at = self.window.frees(asked - self.left(now), now)
        # Where calls under way have to end first, what they use counts for a period from then at least.
        return self.window.rule.leaves(now) if fits_at is None else fits_at


class Ledger:
    """The limits of all names."""

    def __init__(self) -> None:
        self._defined: dict[str, tuple[tuple[Limit, ...], str]] = {}
        self._meters: dict[str, dict[Key, Meter]] = {}
        self._sweep_at = SWEEP_ABOVE

    def define(self, name: str, limits: Sequence[Limit], reset_zone: str = "UTC") -> None:
        """``name`` has these limits and no others. What it has used stays used; saying the same again costs nothing.

        :raises ConfigurationError: no such time zone.
        """
        definition = (tuple(limits), reset_zone)
        if self._defined.get(name) == definition:
            return
        rule("day", reset_zone)
        self._defined[name] = definition
        known = self._meters.pop(name, {})
        if known:
            self._meters[name] = _redefined(known, self._new(name))

    def reserve(self, demand: Demand, now: float) -> Lease | Full:
        """Reserve what is asked of every name, or nothing."""
        held: list[tuple[Meter, int]] = []
        for name in dict.fromkeys(demand.names):
            for meter in (self._meters.get(name) or self._known(name, now)).values():
                asked: int = getattr(demand, meter.unit)
                if not asked:
                    continue
                if meter.left(now) < asked:
                    for reserved, amount in held:
                        reserved.open -= amount
                    return self._latest(demand, now)
                meter.open += asked
                held.append((meter, asked))
        return Lease(held)

    def full(self, names: Sequence[str], now: float) -> Full | None:
        """Why not even the smallest call fits; ``None`` where it does. Reserves nothing."""
        fulls = [
            meter.full(1, now)
            for name in names
            for meter in self._known(name, now).values()
            if meter.left(now) < 1
        ]
        return max(fulls, key=_until, default=None)

    def observe(
        self,
        name: str,
        unit: Unit,
        per: LimitPeriod,
        now: float,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        reset_at: float | None = None,
    ) -> None:
        """What a response's headers say of one limit; one that nobody has defined becomes known, where they name it."""
        meters = self._known(name, now)
        meter = meters.get((unit, per))
        if meter is None:
            if limit is None or limit <= 0:
                return
            zone = self._defined.get(name, ((), "UTC"))[1]
            meter = Meter(name, Limit(limit, unit, per), zone)
            meter.told = True
            meters[unit, per] = meter
            self._meters[name] = meters
        meter.tell(limit, remaining, reset_at, now)

    def uses(self, now: float) -> Iterator[Use]:
        """How every limit stands that anything counts for, or that is defined."""
        for name in dict.fromkeys((*self._defined, *self._meters)):
            for meter in (self._meters.get(name) or self._new(name)).values():
                yield meter.use(now)

    def _latest(self, demand: Demand, now: float) -> Full:
        """Of all limits that have no room, the one that has it last."""
        asked = [(m, getattr(demand, m.unit)) for n in demand.names for m in self._known(n, now).values()]
        return max((meter.full(a, now) for meter, a in asked if a and meter.left(now) < a), key=_until)

    def _known(self, name: str, now: float) -> dict[Key, Meter]:
        meters = self._meters.get(name)
        if meters is None:
            meters = self._new(name)
            if meters:
                if len(self._meters) >= self._sweep_at:
                    self._sweep(now)
                self._meters[name] = meters
        return meters

    def _new(self, name: str) -> dict[Key, Meter]:
        limits, zone = self._defined.get(name, ((), "UTC"))
        return {(m.unit, m.per): Meter(name, m, zone) for m in tightest(limits)}

    def _sweep(self, now: float) -> None:
        self._meters = {n: ms for n, ms in self._meters.items() if not all(m.idle(now) for m in ms.values())}
        self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._meters))


def tightest(limits: Sequence[Limit]) -> Sequence[Limit]:
    """One limit for each unit and period: the smallest.

    >>> tightest((Limit(20, "requests", "minute"), Limit(15, "requests", "minute")))[0].amount
    15
    """
    kept: dict[Key, Limit] = {}
    for limit in limits:
        other = kept.setdefault((limit.unit, limit.per), limit)
        if limit.amount < other.amount:
            kept[limit.unit, limit.per] = limit
    return tuple(kept.values())


def _redefined(known: Mapping[Key, Meter], wanted: dict[Key, Meter]) -> dict[Key, Meter]:
    """The wanted meters, with what is known of those that were there; what headers told stays."""
    for key, new in wanted.items():
        old = known.get(key)
        if old is None:
            continue
        if old.window and new.window:
            old.window.rule = new.window.rule
        if not old.told:
            old.limit = new.limit
        wanted[key] = old
    learnt = {key: old for key, old in known.items() if old.told and key not in wanted}
    return {**wanted, **learnt}


def _until(full: Full) -> float:
    return full.until
