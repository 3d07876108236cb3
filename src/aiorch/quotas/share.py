"""What one process holds of one limit that it shares with others. Pure; times are those of the store's clock."""

from __future__ import annotations

import json
from collections import deque

from aiorch.quotas.leases import Full, Unit
from aiorch.quotas.pool import Observation, Report, block_seconds
from aiorch.quotas.windows import LONGEST, PARTS
from aiorch.types import Limit


class Share:
    """What this process holds of one limit."""

    def __init__(self, name: str, limit: Limit, zone: str) -> None:
        self.name = name
        self.limit = limit
        self.zone = zone
        self.key = json.dumps([name, limit.unit, limit.per])  # ASCII, whatever users are called
        self.unit: Unit = limit.unit
        self.at_once = limit.per == "at once"
        self.idle = 0
        self.open = 0
        self.coming = 0
        """Granted by exchanges that have not been committed: counted, and not served from."""
        self.good_until = 0.0
        self.settled: deque[tuple[int, float, int]] = deque()
        self.left: int | None = None
        """How much nobody held when the store was asked last."""
        self.told: Observation | None = None
        self.news = False
        """True when a header tells of less than is held here: the store has to hear of it first."""
        self.full: Full | None = None
        self.full_at = 0.0
        self._number = 0
        self._reported = 0
        self._since = 0.0
        self._taken = 0
        self._granted = 1
        self._asked_at = 0.0

    def fits(self, asked: int, now: float) -> bool:
        """Whether ``asked`` can be served without the store."""
        return self.idle >= asked and now < self.good_until and not self.news

    def full_for(self, seconds: float, now: float) -> bool:
        """Whether it is still full, as far as was heard so many seconds ago."""
        return self.full is not None and now < min(self.full.until, self.full_at + seconds)

    def take(self, asked: int) -> None:
        """Serve ``asked``."""
        self.idle -= asked
        self.open += asked
        self._taken += asked

    def put_back(self, asked: int) -> None:
        """Undo :meth:`take`."""
        self.idle += asked
        self.open -= asked
        self._taken -= asked

    def settle(self, reserved: int, used: int, now: float) -> None:
        """``used`` took the place of ``reserved``."""
        self.open -= reserved
        if self.at_once:
            self.idle += reserved
            return
        self.idle = max(0, self.idle + reserved - used)
        if not used:
            return
        if self._number > self._reported and now - self._since <= LONGEST[self.limit.per] / PARTS / 2:
            number, last, amount = self.settled[-1]
            self.settled[-1] = (number, max(last, now), amount + used)
            return
        self._number += 1
        self._since = now
        self.settled.append((self._number, now, used))

    def release(self, reserved: int) -> None:
        """What was reserved is not used."""
        self.open -= reserved
        self.idle += reserved

    def report(self, now: float, *, closing: bool) -> Report:
        """What the store is to know. A block whose time is over is given back by this."""
        if closing or now >= self.good_until:
            self.idle = 0
        self._reported = self._number
        idle = self.idle + self.coming
        return Report(idle + self.open, idle, tuple(self.settled), self.told)

    def wanted(self, now: float) -> int:
        """How much would last for the time of a block, judged by what was taken since the last exchange."""
        since = max(now - self._asked_at, 1e-3)
        wanted = min(self._taken / since * block_seconds(self.limit.per), 2.0 * self._granted)
        self._taken, self._asked_at = 0, now
        return int(wanted)

    def granted(self, amount: int) -> None:
        """The next block may be about that much larger."""
        self._granted = max(1, amount)

    def acknowledged(self, report: Report, now: float) -> None:
        """The store has taken in ``report``, and counts on this process for the time of a block."""
        last = report.settled[-1][0] if report.settled else 0
        while self.settled and self.settled[0][0] <= last:
            self.settled.popleft()
        if self.told is report.told:
            self.told, self.news = None, False
        self.good_until = max(self.good_until, now + block_seconds(self.limit.per))

    def observe(self, observation: Observation, now: float) -> None:
        """What a response's headers say."""
        self.told = observation
        remaining, reset_at = observation.remaining, observation.reset_at
        if remaining is not None and 0 <= remaining < self.idle and (reset_at is None or reset_at > now):
            self.idle, self.news = remaining, True

    @property
    def holding(self) -> bool:
        """True when the store would count too much or too little if this process never spoke again."""
        return bool(self.idle or self.open or self.settled or self.told)
