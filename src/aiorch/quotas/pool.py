"""One limit that several processes share: what all of them have used, and what each one holds. Pure.

A process takes a *block* of what is left and serves its own calls from it. Whatever it holds counts as used until it
says otherwise. A process that dies says nothing: its block counts as if all of it had been used at the last moment at
which that was possible, so nothing is overshot, and the block's remains are back when its window is over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiorch.quotas.leases import Full, Use
from aiorch.quotas.ledger import MOMENT
from aiorch.quotas.windows import DAY, SECONDS, Window, rule
from aiorch.types import Limit
from aiorch.types.models import LimitPeriod

BLOCK = 5.0
"""Seconds for which a process serves from a block."""

BLOCK_AT_ONCE = 1.0
"""Seconds for which it keeps a slot for its next call."""

GRACE = 15.0
"""Seconds beyond which a process that has not renewed what it holds is taken to be dead."""

PART = 8
"""A block is at most this part of what is left, where one call does not need more: others want some as well."""

UNUSED_DAYS = 62
"""Days for which a limit that a header told is remembered."""


def block_seconds(per: LimitPeriod) -> float:
    """How long a process may serve from a block.

    >>> block_seconds("second"), block_seconds("day"), block_seconds("at once")
    (0.25, 5.0, 1.0)
    """
    return BLOCK_AT_ONCE if per == "at once" else min(BLOCK, SECONDS.get(per, DAY) / 4)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a response's headers said."""

    limit: int | None
    remaining: int | None
    reset_at: float | None
    """Epoch seconds by the store's clock."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a process says of one limit."""

    held: int
    """How much it holds, for calls under way and for the next ones."""
    idle: int
    """The part of it that no call has reserved."""
    settled: Sequence[tuple[int, float, int]] = ()
    """Numbers that only grow, when that was used, how much."""
    told: Observation | None = None


class Pool:
    """One limit of one name, as all see it."""

    def __init__(self, name: str, limit: Limit, zone: str) -> None:
        self.name = name
        self.limit = limit
        self._zone = zone
        self._told = False
        self._window = None if limit.per == "at once" else Window(rule(limit.per, zone))
        self._blocks: dict[str, tuple[int, int, float, float, int]] = {}
        """By owner: held, idle, served until, counts until, the last settled number."""

    def hear(self, owner: str, report: Report, now: float) -> None:
        """Take in what ``owner`` says. Hearing the same again changes nothing."""
        known = self._blocks.get(owner)
        number = known[4] if known else 0
        for new, used_at, amount in report.settled:
            if new > number and self._window:
                self._window.add(amount, min(used_at, now))
        number = max(number, report.settled[-1][0] if report.settled else 0)
        self._hold(owner, report.held, report.idle, number, now)
        if report.told:
            self._tell(report.told, report.idle, now)

    def defined(self, limit: Limit, zone: str) -> None:
        """A process says that the limit is this; what headers told goes before it."""
        if not self._told:
            self.limit = limit
        if zone != self._zone and self._window:
            self._zone, self._window.rule = zone, rule(limit.per, zone)

    def left(self, now: float) -> int:
        """How much nobody has used or holds; negative after calls that took more than they had reserved."""
        return self.limit.amount - self._counted(now) - sum(block[0] for block in self._living(now))

    def grant(self, owner: str, need: int, want: int, now: float) -> int:
        """Give ``owner`` a block: what it needs, and of what it wants as much as is fair. There must be room for the
        need.
        """
        granted = max(need, min(want, self.left(now) // PART))
        held, idle, *_, number = self._blocks[owner]
        self._hold(owner, held + granted, idle + granted - need, number, now)
        return granted

    def full(self, asked: int, need: int, now: float) -> Full:
        """Why ``need`` more is not to be had, until when, for a call that asks for ``asked``."""
        return Full(self._fits_at(asked, need, now), self.name, self.limit, asked)

    def use(self, now: float) -> Use:
        """How it stands."""
        held = sum(block[0] for block in self._living(now))
        ends = [block[3] for block in self._living(now) if block[0]]
        window = self._window
        if window and (empty := window.empties(now)):
            ends.append(empty)
        resets_at = max(ends) if window and ends else None
        return Use(self.name, self.limit, self._counted(now) + held, held, resets_at)

    def until(self, now: float) -> float:
        """When nothing is known any more that defining the limit again would not bring back."""
        if self._told:
            return now + UNUSED_DAYS * DAY
        ends = [block[3] for block in self._living(now)]
        if self._window and (empty := self._window.empties(now)):
            ends.append(empty)
        return max(ends, default=now)

    def as_text(self) -> str:
        """For the store; :meth:`from_text` reads it."""
        limit = self.limit
        plain = {
            "name": self.name,
            "limit": [limit.amount, limit.unit, limit.per, limit.scope],
            "zone": self._zone,
            "told": self._told,
            "window": self._window.as_plain() if self._window else None,
            "blocks": self._blocks,
        }
        return json.dumps(plain, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Pool:
        """The pool that :meth:`as_text` wrote down."""
        plain: dict[str, Any] = json.loads(text)
        pool = cls(plain["name"], Limit(*plain["limit"]), plain["zone"])
        pool._told = plain["told"]
        if pool._window:
            pool._window = Window.from_plain(pool._window.rule, plain["window"])
        pool._blocks = {owner: (b[0], b[1], b[2], b[3], b[4]) for owner, b in plain["blocks"].items()}
        return pool

    def _hold(self, owner: str, held: int, idle: int, number: int, now: float) -> None:
        served = now + block_seconds(self.limit.per)
        # Calls that began at the block's last moment may have been counted by a provider a little later still.
        until = served + GRACE
        if held and self._window:
            until = self._window.rule.leaves(until)
        self._blocks[owner] = (held, idle, served, until, number)

    def _tell(self, told: Observation, idle: int, now: float) -> None:
        if told.limit is not None and told.limit > 0 and told.limit != self.limit.amount:
            self.limit = replace(self.limit, amount=told.limit)
            self._told = True
        if told.remaining is not None and self._window:
            # What the teller holds idle, the provider has not counted. What others hold, it may have by now.
            self._window.tell(self.left(now) + idle, told.remaining, told.reset_at, now)

    def _counted(self, now: float) -> int:
        return self._window.counted(now) if self._window else 0

    def _living(self, now: float) -> list[tuple[int, int, float, float, int]]:
        if any(block[3] <= now for block in self._blocks.values()):
            self._blocks = {owner: block for owner, block in self._blocks.items() if block[3] > now}
        return list(self._blocks.values())

    def _fits_at(self, asked: int, need: int, now: float) -> float:
        if asked > self.limit.amount:
            return math.inf
        missing = need - self.left(now)
        given_back = [(max(block[2], now + MOMENT), block[1]) for block in self._living(now) if block[1]]
        if self._window:
            fits_at = self._window.frees(missing, now, given_back)
            return self._window.rule.leaves(now) if fits_at is None else fits_at
        return min((moment for moment, _ in given_back), default=now + MOMENT)
