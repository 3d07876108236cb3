"""Which profile really serves a task: diversions, splits, shifts and mirrors of one orchestrator, and the way to change
them.

What moves work is declared by the program (splits, shifts, mirrors) or by alerts and people (diversions). Every change
is audited before it holds, and told on the bus.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

from aiorch.clock import Clock
from aiorch.errors import AiorchError, InputError
from aiorch.events import Bus, TrafficChanged, Warned
from aiorch.quality import meets
from aiorch.routing import Profiles
from aiorch.routing.diversions import Diversion, DiversionChange, Diversions
from aiorch.routing.routes import (
    Kind,
    MirrorStatus,
    Rollback,
    Route,
    ShiftStatus,
    Traffic,
    moment,
    shares,
    sticky,
    told,
)
from aiorch.routing.spending import BudgetPurse
from aiorch.routing.traffic import Mirror, Rollout, Shift, Split, Undone, mirrored
from aiorch.routing.traffic_store import TrafficStore
from aiorch.safety import AuditLog
from aiorch.spawning import Crew
from aiorch.types import Assessment, Budget, Task

log = logging.getLogger("aiorch")

DAY = 86_400.0
"""Seconds that a diversion holds at the most, unless whoever makes it says otherwise."""

EVERY = 5.0
"""Seconds after which the store is read again: what another process diverts holds here after that time."""

Action = Literal["diverted", "revoked", "split", "shifted", "mirrored", "rolled_back"]


@dataclass(slots=True)
class _Tally:
    done: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Watched:
    """A shift under way."""

    rollout: Rollout
    rollback: Rollback | None
    last: deque[bool]
    """The new side's last outcomes: True where one was bad."""


@dataclass(frozen=True, slots=True)
class Mirroring:
    """A mirror, with what its copies may cost."""

    mirror: Mirror
    purse: BudgetPurse | None
    """What all its copies together may cost; ``None`` = only what is free."""
    tally: _Tally


class Control:
    """The :class:`~aiorch.protocols.RouteControl` of one orchestrator.

    For example:

        await control.divert("coding_agent", "analysis_agent", clock.now() + 600, "error rate 0.3")
    """

    def __init__(
        self,
        *,
        profiles: Profiles,
        audit: AuditLog,
        bus: Bus,
        clock: Clock,
        store: TrafficStore,
        known: Callable[[str], Awaitable[None]],
        usable: Callable[[str], object],
        crew: Crew,
        redact: Callable[[str], str],
    ) -> None:
        """
        :param known: raises UnknownModel for a name that no model has.
        :param usable: raises ConfigurationError for a profile that nobody described, or whose tools nobody has.
        :param crew: carries out copies. :param redact: takes keys out of reasons, which are shown and kept.
        """
        self._profiles = profiles
        self._names = frozenset(profiles.names())
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._store = store
        self._known = known
        self._usable = usable
        self._redact = redact
        self._diversions = Diversions(clock, self._change)
        self._unkept: list[Diversion] = []
        """Diversions that the store does not hold."""
        self._splits: dict[str, Split] = {}
        self._shifts: dict[str, _Watched] = {}
        self._mirrors: dict[tuple[str, str], Mirroring] = {}
        self._read = False
        self._due = 0.0
        self._changes = 0
        self.crew = crew
        self.low: tuple[float, frozenset[str]] = (-math.inf, frozenset())
        """When it was last looked which limits copies must leave alone (monotonic seconds), and their names."""

    # --- who serves ----------------------------------------------------------------------------------------------

    async def fresh(self) -> None:
        """Know what the store says: before the first task, and again every few seconds."""
        if self._read and self._clock.monotonic() < self._due:
            return
        if self._read:  # the others go on with what is known; before the first time they read, too
            self._due = self._clock.monotonic() + EVERY
        before = self._changes
        kept = await self._store.read(self._clock.now())
        self._due, self._read = self._clock.monotonic() + EVERY, True
        if kept is None or self._changes != before:  # what was changed here meanwhile may not be in it
            return
        diversions, shifts = kept
        self._diversions.hold((*diversions, *self._unkept))
        for shift, undone in shifts:
            watched = self._shifts.get(shift.profile)
            if watched is not None and watched.rollout.shift == shift and undone is not None:
                watched.rollout.undone = undone

    def route(self, task: Task, now: float) -> Route | None:
        """Which profile serves ``task``; ``None`` where nothing moves its work. A task that names a model is never
        moved.

        A diversion comes first; where there is none, a split or a shift; and its side may be diverted in turn.
        """
        if task.model is not None:
            return None
        diverted = self._diverted(task.agent, now)
        if diverted is not None:
            return diverted
        watched, split = self._shifts.get(task.agent), self._splits.get(task.agent)
        if watched is not None:
            shift = watched.rollout.shift
            side = watched.rollout.side(sticky(task), now)
            why = told(shift, watched.rollout.undone, now)
            route = Route(side, why, shift=(shift.profile, shift.to))
        elif split is not None:
            side = split.side(sticky(task))
            route = Route(side, f"the work of {split.profile} is split: {shares(split)}")
        else:
            return None
        if side != task.agent:
            diverted = self._diverted(side, now)
            if diverted is not None:
                return replace(diverted, why=f"{route.why}; {diverted.why}")
        return route

    def _diverted(self, profile: str, now: float) -> Route | None:
        at, model = profile, None
        reasons: list[str] = []
        seen = {profile}
        while model is None:
            on = self._diversions.diversion(at, now)
            if on is None or on.to in seen:
                break
            reasons.append(f"{at} is diverted to {on.to} until {moment(on.until)}: {on.reason}")
            seen.add(on.to)
            if on.to in self._names:
                at = on.to
            else:
                model = on.to
        return Route(at, "; ".join(reasons), model=model) if reasons else None

    async def ended(
        self, route: Route | None, *, failed: bool, assessment: Assessment | None = None, fits: bool = True
    ) -> None:
        """What became of a task that a shift decided on. A side that is worse goes back.

        :param failed: it got no answer. :param fits: the answer has the type that was asked for.
        """
        if route is None or route.shift is None:
            return
        old, new = route.shift
        watched = self._shifts.get(old)
        if watched is None or watched.rollback is None or watched.rollout.shift.to != new:
            return
        rollout = watched.rollout
        if rollout.undone is not None:
            return
        now = self._clock.now()
        good = None if failed else _good(assessment, fits, self._profiles[old].minima)
        undone = rollout.ended(route.profile, now, failed=failed, good=good)
        if undone is None and route.profile == new:
            watched.last.append(failed or good is False)
            bad = sum(watched.last) / watched.rollback.least
            if len(watched.last) == watched.rollback.least and bad > watched.rollback.ceiling:
                why = f"{bad:.0%} of the last {watched.rollback.least} tasks of {new} failed or were not good enough"
                undone = rollout.undone = Undone(rollout.shift, now, why)
        if undone is not None:
            await self._rolled_back(undone)

    async def _rolled_back(self, undone: Undone) -> None:
        """It is back already. That this cannot be recorded is told, and stops nothing: it undoes what was recorded."""
        shift = undone.shift
        log.warning("the shift from %s to %s is taken back: %s", shift.profile, shift.to, undone.why)
        try:
            self._record("rolled_back", shift.profile, shift.to, undone.why)
        except AiorchError as unwritten:
            self._bus.emit(Warned(at=undone.at, code="audit", message=str(unwritten)))
        self._changes += 1
        await self._store.put(shift, undone)

    @property
    def mirrors(self) -> bool:
        """True where anything is copied."""
        return bool(self._mirrors)

    def mirrored(self, task: Task) -> tuple[Mirroring, ...]:
        """The mirrors that copy this task. One that names a model, or may use tools, is never copied."""
        if not self._mirrors or task.model is not None:
            return ()
        all_of_them = [m.mirror for m in self._mirrors.values()]
        to = mirrored(all_of_them, task.agent, task.id, tools=bool(task.tools))
        return tuple(self._mirrors[task.agent, name] for name in to)

    # --- changing it ---------------------------------------------------------------------------------------------

    async def divert(self, profile: str, to: str, until: datetime | float, reason: str) -> None:
        """See :class:`~aiorch.protocols.RouteControl`."""
        await self.send_away(profile, to, until, reason, longest=DAY)

    async def send_away(
        self, profile: str, to: str, until: datetime | float, reason: str, *, longest: float
    ) -> Diversion:
        """Send work of ``profile`` to profile or model ``to``, until then (epoch seconds or an aware datetime).

        :param longest: seconds that it may hold.
        :raises UnknownAgent: for a profile that nobody described. :raises UnknownModel: for a target that is neither.
        :raises InputError: when it would end never, too late or in the past, gives no reason, or leads back.
        :raises AuditError: when it could not be recorded; it is not made then.
        """
        await self._there(profile, to)
        await self.fresh()
        now = self._clock.now()
        ends = until.timestamp() if isinstance(until, datetime) and until.tzinfo else until
        if isinstance(ends, float | int) and ends - now > longest:
            raise InputError(
                f"the diversion of {profile!r} would hold until {moment(ends)}, longer than {longest:,.0f} seconds: "
                "every diversion expires soon; pass longest= for one that should not"
            )
        if not reason.strip():
            raise InputError(f"the diversion of {profile!r} gives no reason: say why, for whoever finds it")
        try:
            await self._diversions.divert(profile, to, until, self._redact(reason))
        except ValueError as wrong:
            raise InputError(str(wrong)) from None
        self._changes += 1
        made = self._diversions.diversion(profile, now)
        assert made is not None
        self._unkept.append(made)
        if await self._store.add(made):
            self._unkept.remove(made)
        return made

    async def split(self, split: Split) -> None:
        """Share out a profile's work by weight, in place of an earlier split or shift of it.

        :raises UnknownAgent: for a profile that nobody described. :raises AuditError: when it could not be recorded.
        """
        for name in (split.profile, *split.weights):
            self._usable(name)
        self._record("split", split.profile, shares(split), "")
        self._shifts.pop(split.profile, None)
        self._splits[split.profile] = split

    async def shift(self, shift: Shift, rollback: Rollback | None) -> ShiftStatus:
        """Let a profile's work go over to another. The same shift said again goes on where it was, also in the next
        process; one that was taken back stays so until it is revoked.

        :raises UnknownAgent: for a profile that nobody described. :raises AuditError: when it could not be recorded.
        """
        for name in (shift.profile, shift.to):
            self._usable(name)
        if shift.profile == shift.to:
            raise InputError(f"a shift from {shift.profile!r} to itself moves nothing")
        kept = await self._store.read(self._clock.now())
        undone: Undone | None = None
        here = self._shifts.get(shift.profile)
        known = [(here.rollout.shift, here.rollout.undone)] if here else []
        for began, end in (*known, *(kept[1] if kept else ())):
            if replace(began, begins=shift.begins) == shift:
                shift, undone = began, end
                break
        else:
            self._record("shifted", shift.profile, shift.to, "")
            await self._store.put(shift)
        terms = rollback or Rollback()
        rollout = Rollout(shift, alpha=terms.alpha, least=terms.least, margin=terms.margin, undone=undone)
        if here is None or here.rollout.shift != shift or here.rollback != rollback:
            self._shifts[shift.profile] = _Watched(rollout, rollback, deque(maxlen=terms.least))
        self._splits.pop(shift.profile, None)
        return self._status(self._shifts[shift.profile])

    async def mirror(self, mirror: Mirror, budget: Budget | None) -> None:
        """Copy a share of a profile's tasks to another one.

        :raises UnknownAgent: for a profile that nobody described. :raises AuditError: when it could not be recorded.
        """
        for name in (mirror.profile, mirror.to):
            self._usable(name)
        if mirror.profile == mirror.to:
            raise InputError(f"a mirror of {mirror.profile!r} to itself shows nothing: name another profile")
        self._record("mirrored", mirror.profile, mirror.to, "", share=mirror.share)
        self._mirrors[mirror.profile, mirror.to] = Mirroring(
            mirror, BudgetPurse(budget) if budget else None, _Tally()
        )

    async def revoke(
        self, profile: str, reason: str, *, only: Kind | None = None
    ) -> tuple[Diversion | Split | Shift | Mirror, ...]:
        """End what moves or copies work of ``profile``, or only what is of one kind. :returns: what ended.

        :raises AuditError: when it could not be recorded; what was not yet ended goes on.
        """
        if only is not None and only not in get_args(Kind):
            raise InputError(f"there is no {only!r} to revoke: it is one of {', '.join(get_args(Kind))}")
        self._profiles[profile]
        reason = self._redact(reason)
        await self.fresh()
        over: list[Diversion | Split | Shift | Mirror] = []
        if only in (None, "diversion"):
            ended = await self._diversions.revoke(profile, reason)
            self._changes += 1
            self._unkept = [d for d in self._unkept if d not in ended]
            await self._store.remove(ended)
            over += ended
        if only in (None, "split") and (split := self._splits.get(profile)) is not None:
            self._record("revoked", profile, shares(split), reason)
            over.append(self._splits.pop(profile))
        if only in (None, "shift") and (watched := self._shifts.get(profile)) is not None:
            shift = watched.rollout.shift
            self._record("revoked", profile, shift.to, reason)
            del self._shifts[profile]
            await self._store.drop(shift)
            over.append(shift)
        for mirroring in tuple(self._mirrors.values()) if only in (None, "mirror") else ():
            if mirroring.mirror.profile == profile:
                self._record("revoked", profile, mirroring.mirror.to, reason)
                over.append(self._mirrors.pop((profile, mirroring.mirror.to)).mirror)
        return tuple(over)

    # --- looking -------------------------------------------------------------------------------------------------

    async def now(self) -> Traffic:
        """Everything that holds now."""
        await self.fresh()
        return Traffic(
            self._diversions.listing(self._clock.now()),
            tuple(self._splits.values()),
            tuple(self._status(w) for w in self._shifts.values()),
            tuple(
                MirrorStatus(m.mirror, m.tally.done, m.tally.failed, m.tally.dropped)
                for m in self._mirrors.values()
            ),
        )

    def _status(self, watched: _Watched) -> ShiftStatus:
        rollout = watched.rollout
        share = 0.0 if rollout.undone else rollout.shift.share(self._clock.now())
        return ShiftStatus(rollout.shift, share, rollout.undone)

    # --- recording -----------------------------------------------------------------------------------------------

    async def _there(self, profile: str, to: str) -> None:
        self._profiles[profile]
        if to in self._names:
            self._usable(to)
        else:
            await self._known(to)

    async def _change(self, change: DiversionChange) -> None:
        d = change.diversion
        self._record(change.action, d.profile, d.to, change.reason, until=d.until)

    def _record(
        self, action: Action, profile: str, to: str, reason: str, *, until: float | None = None, **more: Any
    ) -> None:
        """:raises AuditError: when it cannot be recorded."""
        ends = None if until is None else moment(until)
        self._audit.append(
            f"traffic.{action}", profile=profile, to=to, reason=reason or None, until=ends, **more
        )
        if self._bus.active:
            self._bus.emit(
                TrafficChanged(
                    at=self._clock.now(), action=action, profile=profile, to=to, reason=reason, until=until
                )
            )


def _good(assessment: Assessment | None, fits: bool, minima: Mapping[str, float]) -> bool | None:
    """Whether an answer was good enough; ``None`` where nobody looked."""
    if not fits:
        return False
    if assessment is None:
        return None
    looked = assessment.score is not None or any(v is not None for v in assessment.dimensions.values())
    return meets(assessment, minima) if looked else None
