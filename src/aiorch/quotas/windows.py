"""What has been used within a period, and when it stops to count. Pure arithmetic: no clock of its own, no I/O.

A second, a minute and an hour *slide*: what was used leaves when a whole period has passed since it, so no stretch of
that length ever holds more than the limit, wherever a provider's own window begins. A day and a month are those of a
calendar in a zone: what was used leaves at the next midnight there, or at the first of the next month.

    window = Window(rule("minute"))
    window.add(3, now)
    window.counted(now + 59), window.counted(now + 60)      # 3, 0

Uses close together are kept as one that leaves with the last of them, so a window holds some hundred numbers at most
however much is asked, and errs by at most a 64th of its period, always to the safe side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Protocol

from aiorch.errors import ConfigurationError
from aiorch.types.models import LimitPeriod

SECONDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3_600.0}
"""The periods that slide."""

DAY = 86_400.0
LONGEST: Final = {**SECONDS, "day": DAY + 3_600.0, "month": 31 * DAY + 3_600.0}
"""Seconds that each period lasts at most: when clocks are put back, a day has 25 hours."""

PARTS = 64
"""Uses within this part of a period may be kept as one."""

FIRST, LAST, LEAVES, AMOUNT = range(4)
"""What an entry of a window holds: when its first and its last use were, when it stops to count, how much it is."""


class Rule(Protocol):
    """When a use stops to count."""

    @property
    def longest(self) -> float:
        """Seconds that a use counts at most."""
        ...

    def leaves(self, used: float) -> float:
        """When what was used at ``used`` stops to count; later than ``used``. Both epoch seconds."""
        ...


class Sliding:
    """A use counts for so many seconds.

    >>> Sliding(60.0).leaves(1_000.0)
    1060.0
    """

    __slots__ = ("longest",)

    def __init__(self, seconds: float) -> None:
        self.longest = seconds

    def leaves(self, used: float) -> float:
        """A period after it."""
        return used + self.longest


class Calendar:
    """A use counts until its day or month is over in ``zone``.

    >>> Calendar("day", "UTC").leaves(86_400.0 * 100 + 5) == 86_400.0 * 101
    True
    """

    __slots__ = ("_begins", "_ends", "longest", "per", "zone")

    def __init__(self, per: LimitPeriod, zone: str) -> None:
        self.per: LimitPeriod = per
        self.zone = zone
        self.longest = LONGEST[per]
        self._begins = self._ends = 0.0

    def leaves(self, used: float) -> float:
        """The beginning of the next day or month."""
        if self.per == "day" and self.zone == "UTC":
            return (used // DAY + 1) * DAY
        if (
            not self._begins <= used < self._ends
        ):  # the calendar is slow, and the answer holds for the whole period
            self._begins, self._ends = used, _next(self.per, self.zone, used)
        return self._ends


@cache
def rule(per: LimitPeriod, zone: str = "UTC") -> Rule:
    """How a period counts.

    :raises ConfigurationError: no such time zone.
    """
    if per in SECONDS:
        return Sliding(SECONDS[per])
    if zone != "UTC" and not _known(zone):
        return Sliding(LONGEST[per])  # a system without zone data: never shorter than the real period
    return Calendar(per, zone)


class Window:
    """What one limit has seen within its period, in requests, tokens or neurons.

    ``now`` may be turned back: what lies in the future then counts as used at that moment.
    """

    __slots__ = ("_entries", "_others", "_others_until", "_rule", "_told_at", "_told_until", "_used")

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._entries: deque[list[Any]] = deque()
        self._used = 0
        self._others = 0  # what a header told of that nobody here has used
        self._others_until = 0.0
        self._told_at = self._told_until = (
            0.0  # the last header that named a reset: when it was seen, what it named
        )

    def counted(self, now: float) -> int:
        """How much counts at ``now``."""
        entries = self._entries
        if entries:
            if entries[-1][LAST] > now:
                self._turn_back(now)
            while entries and entries[0][LEAVES] <= now:
                self._used -= entries.popleft()[AMOUNT]
        if self._others and self._others_until <= now:
            self._others = 0
        return self._used + self._others

    def add(self, amount: int, used_at: float) -> None:
        """``amount`` was used at ``used_at``. Of what is told out of order, the later moment counts."""
        if amount <= 0:
            return
        self._used += amount
        entries = self._entries
        last = entries[-1] if entries else None
        if last and last[LAST] > used_at:
            used_at = last[LAST]
        leaves = self._rule.leaves(used_at)
        near = last and used_at - last[FIRST] <= self._rule.longest / PARTS
        if last and near and (last[LEAVES] == leaves or isinstance(self._rule, Sliding)):
            last[LAST], last[LEAVES] = used_at, leaves
            last[AMOUNT] += amount
        else:
            entries.append([used_at, used_at, leaves, amount])

    def frees(self, amount: int, now: float, also: Sequence[tuple[float, int]] = ()) -> float | None:
        """When ``amount`` of what counts will have left; ``None`` where less than that counts.

        :param also: what else will be free at a moment, and how much of it.
        """
        if amount <= 0:
            return now
        self.counted(now)
        leaving = [(entry[LEAVES], entry[AMOUNT]) for entry in self._entries]
        for leaves, freed in sorted([*leaving, (self._others_until, self._others), *also]):
            amount -= freed
            if amount <= 0:
                return leaves
        return None

    def empties(self, now: float) -> float | None:
        """When nothing that counts now counts any more; ``None`` where nothing does."""
        counted = self.counted(now)
        return self.frees(counted, now) if counted else None

    def tell(self, left: int, remaining: int, reset_at: float | None, now: float) -> None:
        """A provider says that ``remaining`` is left, where ``left`` is left by our own count.

        Fewer: others use the same account, and what they used counts until the reset, or for a period. More: our
        count holds, since not every call of ours need have reached the provider; but once a reset that was told
        earlier has passed, the oldest uses of before go, as many as the provider says.
        """
        if remaining < 0 or (reset_at is not None and reset_at <= now):
            return  # "unknown", or of a window that is over
        if remaining < left:
            end = self._rule.leaves(now) if reset_at is None else min(reset_at, now + self._rule.longest)
            self._others = self.counted(now) - self._used + left - remaining
            self._others_until = max(self._others_until, end)
        elif self._told_until and self._told_until <= now:
            self._forget(remaining - left)
        if reset_at is not None:
            self._told_at, self._told_until = now, reset_at

    @property
    def rule(self) -> Rule:
        """When a use stops to count."""
        return self._rule

    @rule.setter
    def rule(self, rule: Rule) -> None:
        if rule is not self._rule:
            self._rule = rule
            for entry in self._entries:
                entry[LEAVES] = rule.leaves(entry[LAST])

    def as_plain(self) -> list[Any]:
        """For JSON; :meth:`from_plain` reads it."""
        others = [self._others, self._others_until] if self._others else []
        return [list(self._entries), others, [self._told_at, self._told_until] if self._told_until else []]

    @classmethod
    def from_plain(cls, rule: Rule, plain: list[Any]) -> Window:
        """The window that :meth:`as_plain` wrote down."""
        window = cls(rule)
        entries, others, told = plain
        window._entries = deque(entries)
        window._used = sum(entry[AMOUNT] for entry in entries)
        if others:
            window._others, window._others_until = others
        if told:
            window._told_at, window._told_until = told
        return window

    def _forget(self, amount: int) -> None:
        """Drop that much of the oldest that the told reset was about."""
        entries = self._entries
        while amount > 0 and entries and entries[0][LAST] <= self._told_at:
            dropped = min(amount, entries[0][AMOUNT])
            amount -= dropped
            self._used -= dropped
            entries[0][AMOUNT] -= dropped
            if not entries[0][AMOUNT]:
                entries.popleft()

    def _turn_back(self, now: float) -> None:
        for entry in self._entries:
            entry[FIRST], entry[LAST] = min(entry[FIRST], now), min(entry[LAST], now)
            entry[LEAVES] = self._rule.leaves(entry[LAST])


def _known(zone: str) -> bool:
    """Whether the zone's data is here; False where this system has none at all."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as fault:  # not found; not a name; a folder of zones
        try:
            ZoneInfo("America/Los_Angeles")
        except KeyError:
            return False
        raise ConfigurationError(
            f"there is no time zone {zone!r}: name one as the IANA database does, for example Europe/Berlin"
        ) from fault
    return True


def _next(per: LimitPeriod, zone: str, moment: float) -> float:
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    here = datetime.fromtimestamp(moment, UTC if zone == "UTC" else ZoneInfo(zone))
    if per == "month":
        here = here.replace(day=28) + timedelta(days=4)  # somewhere in the next month
        here = here.replace(day=1)
    else:
        here += timedelta(days=1)
    return here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()
