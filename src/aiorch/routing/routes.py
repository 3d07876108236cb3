"""What moves or copies work between profiles, as it stands and as it is told. Pure.

The decisions are in :mod:`aiorch.routing.traffic` and :mod:`aiorch.routing.diversions`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from aiorch.errors import InputError
from aiorch.routing.diversions import Diversion
from aiorch.routing.traffic import Mirror, Shift, Split, Undone
from aiorch.types import Task

STEPS = 20
"""Steps of a shift: from 1 % to 100 % each one makes the new side 1.26 times as large."""

Kind = Literal["diversion", "split", "shift", "mirror"]
"""What can be declared for a profile."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """When a shift is taken back by itself.

    The new side goes back when its calls fail, or its answers are not good enough, more often than those of the old
    side beyond ``margin`` (a test that may be looked at after every outcome), or when more than ``ceiling`` of its last
    ``least`` outcomes were bad, which also holds when nobody is left on the old side. Answers of both sides are held to
    the minima of the old profile.

    >>> Rollback(least=50).margin
    0.02
    """

    least: int = 20
    """Outcomes of the new side before it may go back."""
    margin: float = 0.02
    """The difference in the share of bad outcomes that is put up with."""
    alpha: float = 0.05
    """The probability of ever sending back a new side that is no worse."""
    ceiling: float = 0.5
    """The share of bad outcomes among the last ``least`` from which on the old side does not matter."""

    def __post_init__(self) -> None:
        if self.least < 1 or not 0 < self.alpha < 1 or not 0 <= self.margin < 1 or not 0 < self.ceiling <= 1:
            raise InputError(
                f"{self}: least is 1 or more; alpha, margin and ceiling are shares (alpha and ceiling above 0)"
            )


@dataclass(frozen=True, slots=True)
class Route:
    """Which profile serves a task, and why."""

    profile: str
    why: str
    model: str | None = None
    """Asked first, in place of the profile's own models."""
    shift: tuple[str, str] | None = None
    """The shift that decided this, where its outcome counts for it: from which profile to which."""


@dataclass(frozen=True, slots=True)
class ShiftStatus:
    """How far a shift has come."""

    shift: Shift
    share: float
    """Of the new side, now."""
    undone: Undone | None = None
    """Set once it was taken back, with the reason."""


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """What became of a mirror's copies."""

    mirror: Mirror
    done: int
    """Copies that were answered."""
    failed: int
    dropped: int
    """Copies that were not sent, since too many were under way."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Everything that moves or copies work now."""

    diversions: tuple[Diversion, ...] = ()
    """Newest first."""
    splits: tuple[Split, ...] = ()
    shifts: tuple[ShiftStatus, ...] = ()
    mirrors: tuple[MirrorStatus, ...] = ()

    def to_records(self) -> list[dict[str, str | float | int | None]]:
        """One flat row each (a split: one a side), all with the same columns: ``pandas.DataFrame(rows)`` takes them."""
        rows: list[dict[str, str | float | int | None]] = []
        for d in self.diversions:
            rows.append(_row("diversion", d.profile, d.to, 1.0, since=d.at, until=d.until, reason=d.reason))
        for split in self.splits:
            whole = sum(split.weights.values())
            rows += [_row("split", split.profile, to, w / whole) for to, w in split.weights.items()]
        for s in self.shifts:
            why = s.undone.why if s.undone else None
            rows.append(_row("shift", s.shift.profile, s.shift.to, s.share, since=s.shift.begins, reason=why))
        for m in self.mirrors:
            counts = {"done": m.done, "failed": m.failed, "dropped": m.dropped}
            rows.append(_row("mirror", m.mirror.profile, m.mirror.to, m.mirror.share, **counts))
        return rows


def _row(
    kind: Kind, profile: str, to: str, share: float, **more: str | float | int | None
) -> dict[str, str | float | int | None]:
    empty = dict.fromkeys(("since", "until", "reason", "done", "failed", "dropped"))
    return {"kind": kind, "profile": profile, "to": to, "share": share, **empty, **more}


def graded(start: float, end: float, over: float) -> tuple[tuple[float, float], ...]:
    """The steps from one share to another within ``over`` seconds, each larger by the same factor. Pure.

    >>> [(t, round(s, 2)) for t, s in graded(0.01, 1.0, 3600.0)][::10]
    [(0.0, 0.01), (1800.0, 0.1), (3600.0, 1.0)]

    :raises InputError: for shares that do not grow, or no time.
    """
    if not 0 < start <= end <= 1 or not (over >= 0 and math.isfinite(over)):
        raise InputError(
            f"a shift from a share of {start} to {end} over {over} seconds: shares are above 0 and up to 1 and do not "
            "shrink, and seconds are 0 or more"
        )
    if over == 0 or start == end:
        return ((0.0, end),)
    growth = end / start
    inner = ((over * i / STEPS, start * growth ** (i / STEPS)) for i in range(STEPS))
    return (*inner, (over, end))


def sticky(task: Task) -> str:
    """By whom a task stays on its side: its user, else its tenant, else the task alone. Pure."""
    if task.user is not None:
        return f"user {task.tenant or ''} {task.user}"
    return f"task {task.id}" if task.tenant is None else f"tenant {task.tenant}"


def told(shift: Shift, undone: Undone | None, now: float) -> str:
    """How a shift stands, in a sentence."""
    if undone is not None:
        return f"the shift from {shift.profile} to {shift.to} was taken back: {undone.why}"
    return f"{shift.share(now):.0%} of the work of {shift.profile} is shifted to {shift.to}"


def shares(split: Split) -> str:
    """The sides of a split with their shares.

    >>> shares(Split("general", {"general": 3, "new": 1}))
    'general 75%, new 25%'
    """
    whole = sum(split.weights.values())
    return ", ".join(f"{name} {weight / whole:.0%}" for name, weight in split.weights.items())


def moment(at: float) -> str:
    """A time (epoch seconds) as people read it.

    >>> moment(1_800_000_000)
    '2027-01-15T08:00:00Z'
    """
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):  # beyond the calendar
        return "the end of time"
