"""Which profile really gets a piece of work: splits, gradual shifts with a way back, mirrors. Pure.

Everybody stays on one side: who goes where is told by a hash of the user, or of the task where no user is known, and a
shift only ever moves people from the old side to the new one.

    shift = Shift("coding_agent", to="coding_agent_v2", begins=clock.now())
    rollout = Rollout(shift)
    profile = rollout.side(user, now)                       # 1 % at first, then step by step everybody
    undone = rollout.ended(profile, now, failed=False, good=True)      # says when it went back, and why
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiorch.routing.comparing import Comparison
from aiorch.routing.diversions import Diversions

STEPS: tuple[tuple[float, float], ...] = (
    (0.0, 0.01),
    (600.0, 0.05),
    (1_800.0, 0.25),
    (3_600.0, 0.5),
    (7_200.0, 1.0),
)
"""Seconds after the beginning, and the share of the new side from then on: 1 % to 100 % in two hours."""

ALPHA = 0.05
"""The probability with which a new side that is no worse is ever sent back: half for failures, half for quality."""

LEAST = 20
"""Outcomes of the new side before it may be sent back."""

MARGIN = 0.02
"""Difference in the share of failures, or of bad answers, that is put up with."""


def place(key: str, name: str) -> float:
    """Where a key stands, from 0 to just below 1: always at the same place under one name, elsewhere under another.

    >>> 0.0 <= place("u1", "shift") < 1.0
    True
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8, person=_person(name)).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53


def _person(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=hashlib.blake2b.PERSON_SIZE).digest()


@dataclass(frozen=True, slots=True)
class Split:
    """A profile's work, shared out by weight.

    >>> Split("general", {"general": 3.0, "analysis_agent": 1.0}).side("u1") in ("general", "analysis_agent")
    True
    """

    profile: str
    weights: Mapping[str, float]
    """By profile, in any unit."""

    def __post_init__(self) -> None:
        weights = self.weights.values()
        if not all(math.isfinite(w) and w >= 0.0 for w in weights) or not sum(weights) > 0.0:
            raise ValueError(
                f"the split of {self.profile!r} needs weights of 0 or more, not all 0: {self.weights}"
            )

    def side(self, key: str) -> str:
        """The profile that this user's (or task's) work goes to."""
        at = place(key, f"split {self.profile}") * sum(self.weights.values())
        last = self.profile
        for profile, weight in self.weights.items():
            if weight > 0.0:
                last = profile
                if at < weight:
                    break
                at -= weight
        return last


@dataclass(frozen=True, slots=True)
class Shift:
    """A profile's work that goes over to another one, step by step."""

    profile: str
    to: str
    begins: float
    """Epoch seconds."""
    steps: tuple[tuple[float, float], ...] = STEPS
    """Seconds after the beginning, and the share of the new side from then on; both only ever grow."""

    def __post_init__(self) -> None:
        times = [after for after, _ in self.steps]
        shares = [share for _, share in self.steps]
        grows = times == sorted(times) and shares == sorted(shares)
        if not self.steps or not grows or times[0] < 0.0 or shares[0] < 0.0 or not shares[-1] <= 1.0:
            raise ValueError(
                f"the steps of the shift from {self.profile!r} to {self.to!r} must be (seconds, share) with both "
                f"growing and shares of 0 to 1: {self.steps}"
            )

    def share(self, now: float) -> float:
        """The share of the new side."""
        done = bisect_right(self.steps, now - self.begins, key=lambda step: step[0])
        return self.steps[done - 1][1] if done else 0.0

    def side(self, key: str, now: float) -> str:
        """The profile that this user's (or task's) work goes to; from the new side nobody comes back."""
        return self.to if place(key, f"shift {self.profile} {self.to}") < self.share(now) else self.profile


@dataclass(frozen=True, slots=True)
class Undone:
    """A shift that was taken back, and why."""

    shift: Shift
    at: float
    """Epoch seconds."""
    why: str


class Rollout:
    """A shift that is watched, and taken back where the new side is worse.

    Both sides are compared all the time (:mod:`aiorch.routing.comparing`), so it does not matter when one looks. When
    everybody has gone over there is nothing left to compare with, and the shift stays.
    """

    def __init__(
        self,
        shift: Shift,
        *,
        alpha: float = ALPHA,
        least: int = LEAST,
        margin: float = MARGIN,
        undone: Undone | None = None,
    ) -> None:
        """:param undone: of a shift that was taken back before, so that a restart does not begin it again."""
        self.shift = shift
        self.undone = undone
        self._alpha = alpha
        self._least = least
        self._margin = margin
        self._failures = Comparison()
        self._quality = Comparison()

    def side(self, key: str, now: float) -> str:
        """The profile that this user's (or task's) work goes to."""
        return self.shift.profile if self.undone is not None else self.shift.side(key, now)

    def ended(self, profile: str, now: float, *, failed: bool, good: bool | None = None) -> Undone | None:
        """A task of one of both sides ended. Cancelled ones are not told.

        :param failed: it got no answer.
        :param good: whether the answer was good enough; ``None`` = nobody looked.
        :returns: the shift taken back, once, when this outcome decided it.
        """
        if self.undone is not None or profile not in (self.shift.profile, self.shift.to):
            return None
        new = profile == self.shift.to
        self._failures.add(new=new, bad=failed)
        if good is not None:
            self._quality.add(new=new, bad=not good)
        why = self._worse("calls fail", self._failures) or self._worse(
            "answers are not good enough", self._quality
        )
        if why is not None:
            self.undone = Undone(self.shift, now, why)
        return self.undone

    def _worse(self, what: str, found: Comparison) -> str | None:
        if found.seen[1] < self._least or not found.worse(self._alpha / 2, self._margin):
            return None
        (old, new), (of_old, of_new) = found.rates, found.seen
        return f"{new:.1%} of {of_new} {what} with {self.shift.to}, {old:.1%} of {of_old} with {self.shift.profile}"


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a piece of work goes, and why."""

    profile: str
    why: str
    """In words; empty where nothing changed it."""


def routed(
    profile: str,
    key: str,
    now: float,
    *,
    diversions: Diversions | None = None,
    rollouts: Sequence[Rollout] = (),
    splits: Sequence[Split] = (),
) -> Routed:
    """The profile that really gets the work: a diversion has the first and the last word, a shift goes before a split.

    :param key: of the user, or of the task where no user is known.
    """
    diverted = _diverted(profile, now, diversions)
    if diverted is not None:
        return diverted
    side, why = profile, ""
    rollout = next((r for r in rollouts if r.shift.profile == profile), None)
    split = next((s for s in splits if s.profile == profile), None)
    if rollout is not None:
        side, why = rollout.side(key, now), f"a shift of {profile} to {rollout.shift.to}"
    elif split is not None:
        side, why = split.side(key), f"a split of {profile}"
    if side == profile:
        return Routed(profile, "")
    return _diverted(side, now, diversions) or Routed(side, why)


def _diverted(profile: str, now: float, diversions: Diversions | None) -> Routed | None:
    on = None if diversions is None else diversions.diversion(profile, now)
    if diversions is None or on is None:
        return None
    return Routed(diversions.target(profile, now), f"{profile} is diverted: {on.reason}")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A share of a profile's work that another profile does as well, unseen.

    The answer is the first profile's in any case: the mirrored task runs beside it or after it, under a budget of its
    own, without tools, and what becomes of it is only measured.
    """

    profile: str
    to: str
    share: float
    """0 to 1."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"the mirror of {self.profile!r} has a share of {self.share}: it must be 0 to 1")

    def takes(self, key: str) -> bool:
        """True where this task is mirrored."""
        return place(key, f"mirror {self.profile} {self.to}") < self.share


def mirrored(
    mirrors: Sequence[Mirror], profile: str, task_id: str, *, tools: bool = False
) -> tuple[str, ...]:
    """The profiles that do this task as well, for measurement only.

    :param tools: the task may execute tools, which a mirror never does.
    """
    if tools:
        return ()
    return tuple(dict.fromkeys(m.to for m in mirrors if m.profile == profile and m.takes(task_id)))
