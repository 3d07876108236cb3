"""What may be spent from midnight to midnight UTC: by everybody here, by a tenant, by a user.

Kept in a database, so a restart forgets nothing, and the processes that use it share it: those of one data folder, or
those of several machines. What is reserved counts as
spent until it is settled; what a process that died had reserved stays counted until the day is over, since nobody knows
what of it was charged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, TypeVar

import anyio

from aiorch.routing.budgets import least
from aiorch.routing.day_rows import Amounts, Days, day_of
from aiorch.routing.spending import FIRST_LOOK, LAST_LOOK, Hold
from aiorch.types import Budget

if TYPE_CHECKING:
    from aiorch.clock import Clock

_PICO = Decimal(10) ** 12

T = TypeVar("T")

EVERYTHING = "everything"
"""The name of the budget that all work counts against."""


@dataclass(frozen=True, slots=True)
class DayLimit:
    """The most of one day; ``None`` sets no limit of that kind."""

    usd: Decimal | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What a day has cost so far, with what is reserved."""

    usd: Decimal = Decimal(0)
    tokens: int = 0


class DayHold(Hold):
    """A hold that knows its day: a call belongs to the day on which it began."""

    __slots__ = ("day",)

    def __init__(self, usd: Decimal, tokens: int, day: str) -> None:
        super().__init__(usd, tokens)
        self.day = day


class DayBook:
    """Who has spent what on which day.

    Reserving is one transaction, so nobody can overshoot, also not in another process. Settlements are gathered and
    written with the next reservation or by :meth:`write`; until then the worst case counts.

    :raises StorageError: from what is awaited, when the store cannot be used: what cannot be counted is not spent.
    """

    def __init__(self, days: Days, clock: Clock) -> None:
        self._days = days
        self._clock = clock
        self._unwritten: dict[tuple[str, str], tuple[int, int]] = {}
        self._open: dict[tuple[str, str], tuple[int, int]] = {}
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._seen_on = ""

    def today(self) -> str:
        """The day in UTC, as ``2026-11-22``."""
        return day_of(self._clock.now())

    async def reserve(self, limits: Mapping[str, DayLimit], usd: Decimal, tokens: int) -> DayHold | Short:
        """Reserve under all these names, or say why not."""
        day, pico = self.today(), _pico(usd)

        def take(kept: Amounts) -> Short | None:
            for name, limit in limits.items():
                there = kept.read((day, name))
                self._seen[day, name] = there
                why = _refused(name, limit, there, pico, tokens)
                if why is not None:
                    with (
                        self._lock
                    ):  # a call may settle while this is asked: then the store does not know yet
                        mine = self._open.get((day, name), (0, 0))
                        later = self._unwritten.get((day, name), (0, 0))
                    alone = there[0] - mine[0] + later[0], there[1] - mine[1] + later[1]
                    return Short(why, passing=_refused(name, limit, alone, pico, tokens) is None)
            for name in limits:
                kept.add((day, name), (pico, tokens))
                there = self._seen[day, name]
                self._seen[day, name] = there[0] + pico, there[1] + tokens
            return None

        short = await self._transaction(take, [(day, name) for name in limits])
        if short is not None:
            return short
        with self._lock:
            for name in limits:
                _more(self._open, (day, name), pico, tokens)
        return DayHold(usd, tokens, day)

    def settle(self, limits: Iterable[str], hold: DayHold, usd: Decimal, tokens: int) -> None:
        """What was reserved is replaced by what it took."""
        if not hold.close():
            return
        reserved, pico = _pico(hold.usd), _pico(usd)
        with self._lock:
            for name in limits:
                _more(self._open, (hold.day, name), -reserved, -hold.tokens)
                _more(self._unwritten, (hold.day, name), pico - reserved, tokens - hold.tokens)
                seen = self._seen.get((hold.day, name))
                if seen is not None:
                    self._seen[hold.day, name] = seen[0] + pico - reserved, seen[1] + tokens - hold.tokens

    async def write(self) -> None:
        """Write the settlements that are not written yet."""
        if self._unwritten:
            await self._transaction(lambda kept: None)

    async def aclose(self) -> None:
        """Write what is not written yet, and let go of connections. :raises StorageError: where that fails."""
        try:
            await self.write()
        finally:
            await self._days.aclose()

    async def spent(self, name: str = EVERYTHING, day: str | None = None) -> DaySpent:
        """What a day (today) has cost under this name, with what is reserved."""
        on = day or self.today()
        pico, tokens = await self._transaction(lambda kept: kept.read((on, name)), [(on, name)])
        self._seen[on, name] = pico, tokens
        return DaySpent(Decimal(pico) / _PICO, tokens)

    def seen(self, name: str) -> DaySpent | None:
        """Today's as it was last seen, without asking the store; ``None`` where nobody has looked today."""
        found = self._seen.get((self.today(), name))
        return None if found is None else DaySpent(Decimal(found[0]) / _PICO, found[1])

    async def _transaction(self, work: Callable[[Amounts], T], keys: Sequence[tuple[str, str]] = ()) -> T:
        """Run ``work`` after whatever has to be written, all or nothing. Who gives up meanwhile waits for its end."""
        with self._lock:
            written, self._unwritten = self._unwritten, {}

        def whole(kept: Amounts) -> T:
            for key, amount in written.items():
                kept.add(key, amount)
            return work(kept)

        results: list[T] = []
        try:
            with anyio.CancelScope(shield=True):
                results.append(await self._days.transaction({*keys, *written}, whole))
        except BaseException:
            with self._lock:
                for key, (pico, tokens) in written.items():
                    if (
                        not self._days.certain
                    ):  # it may stand there: what would be taken back twice stays counted
                        pico, tokens = max(0, pico), max(0, tokens)
                    _more(self._unwritten, key, pico, tokens)
            raise
        today = self.today()
        if self._seen_on != today:
            self._seen_on = today
            self._seen = {key: value for key, value in self._seen.items() if key[0] == today}
        return results[0]


class DayPurse:
    """The :class:`~aiorch.routing.spending.Purse` of one task: the day's budgets that it counts against.

    For example:

        purse = DayPurse(book, {"everything": DayLimit(usd=Decimal(2)), "tenant:acme": DayLimit(tokens=100_000)})
    """

    def __init__(self, book: DayBook, limits: Mapping[str, DayLimit]) -> None:
        self._book = book
        self._limits = dict(limits)

    @property
    def tokens_left(self) -> int | None:
        """By what was seen last, so that an answer can be kept that short; ``None`` where nobody has looked today, or
        tokens have no limit.
        """
        left: list[int] = []
        for name, limit in self._limits.items():
            seen = self._book.seen(name)
            if seen is not None and limit.tokens is not None:
                left.append(max(0, limit.tokens - seen.tokens))
        return min(left, default=None)

    async def reserve(self, usd: Decimal, tokens: int) -> Hold | str:
        """Reserve under every name; waits for calls of this process where it would fit without them."""
        pause = FIRST_LOOK
        while True:
            answer = await self._book.reserve(self._limits, usd, tokens)
            if isinstance(answer, DayHold):
                return answer
            if not answer.passing:
                return answer.why
            await anyio.sleep(pause)
            pause = min(LAST_LOOK, pause * 2)

    def settle(self, hold: Hold, usd: Decimal, tokens: int) -> None:
        """The call has ended and took this much."""
        assert isinstance(hold, DayHold)
        self._book.settle(self._limits, hold, usd, tokens)

    def release(self, hold: Hold) -> None:
        """Nothing was sent."""
        self.settle(hold, Decimal(0), 0)


class DayPurses:
    """Which budgets of the day a task counts against."""

    def __init__(
        self,
        book: DayBook,
        everything: DayLimit | None = None,
        limit_of: Callable[[str], DayLimit | None] = lambda name: None,
    ) -> None:
        """:param limit_of: gives the limit of ``tenant:acme`` or ``user:u1``, where it has one."""
        self.book = book
        self._everything = everything
        self._limit_of = limit_of

    def purse(self, names: Sequence[str]) -> DayPurse | None:
        """The purse of a task on behalf of these; ``None`` where no budget speaks of it."""
        limits = self._limits(names)
        return DayPurse(self.book, limits) if limits else None

    async def left(self, names: Sequence[str]) -> Budget | None:
        """What is left of today for work on behalf of these; ``None`` where no budget speaks of it.

        :raises StorageError: when nobody can tell.
        """
        found: Budget | None = None
        for name, limit in self._limits(names).items():
            spent = await self.book.spent(name)
            usd = None if limit.usd is None else max(Decimal(0), limit.usd - spent.usd)
            tokens = None if limit.tokens is None else max(0, limit.tokens - spent.tokens)
            found = least(found, Budget(usd, tokens))
        return found

    async def look(self, names: Sequence[str]) -> None:
        """Know what is left, where nobody has looked today, so that the first answer may be as long as it can be."""
        for name in self._limits(names):
            if self.book.seen(name) is None:
                await self.book.spent(name)

    def _limits(self, names: Sequence[str]) -> dict[str, DayLimit]:
        limits = {name: limit for name in names if (limit := self._limit_of(name)) is not None}
        if self._everything is not None:
            limits[EVERYTHING] = self._everything
        return limits


# --- one row -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Short:
    """There is not enough left."""

    why: str
    passing: bool
    """True where it would fit without calls that are under way here."""


def _pico(usd: Decimal) -> int:
    return int((usd * _PICO).to_integral_value(ROUND_CEILING))


def _more(book: dict[tuple[str, str], tuple[int, int]], key: tuple[str, str], pico: int, tokens: int) -> None:
    before = book.get(key, (0, 0))
    after = before[0] + pico, before[1] + tokens
    if after == (0, 0):
        book.pop(key, None)
    else:
        book[key] = after


def _refused(name: str, limit: DayLimit, there: tuple[int, int], pico: int, tokens: int) -> str | None:
    """Why this much more is too much; ``None`` where it is not. What is free is never refused for money."""
    whose = "the day's budget" if name == EVERYTHING else f"the day's budget of {name}"
    if limit.usd is not None and pico and there[0] + pico > limit.usd * _PICO:
        left = max(Decimal(0), limit.usd - Decimal(there[0]) / _PICO)
        return f"it could cost {Decimal(pico) / _PICO:f} USD, and {left:f} of {whose} ({limit.usd:f} USD) are left"
    if limit.tokens is not None and there[1] + tokens > limit.tokens:
        left = max(0, limit.tokens - there[1])
        return f"it could take {tokens:,} tokens, and {left:,} of {whose} ({limit.tokens:,}) are left"
    return None
