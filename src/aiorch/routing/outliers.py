"""When one is sick, and for how long: what is known of one deployment, or of one provider as a whole. Pure.

The numbers are Envoy's (api/envoy/config/cluster/v3/outlier_detection.proto), and differ, with a reason, where calls
are few and dear.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Literal

from aiorch.routing.attempts import unreachable
from aiorch.types import Failure, FailureKind

HealthState = Literal["healthy", "ejected", "probing", "recovering"]
"""``probing``: the ejection is over, and one attempt at a time may find out."""

CONSECUTIVE = 3
"""Failures in a row that eject a deployment. Envoy: 5 (consecutive_5xx); there a failure costs milliseconds, here each
keeps a person waiting."""

HOST_CONSECUTIVE = 5
"""Failures in a row, over several models, that eject a whole provider: Envoy's number."""

WINDOW = 120.0
"""Seconds that the failure rate looks back. Envoy sweeps each 10 s, with thousands of calls in between; free tiers
allow some 20 a minute."""

RATE, VOLUME = 0.6, 10
"""Share of failures that ejects, and out of how many at least. Envoy: 0.85 of 50 (failure_percentage_threshold,
failure_percentage_request_volume); with a sibling ready to answer, more than half is enough."""

KEPT = 64
"""Outcomes looked back on at most, so that memory does not grow with traffic."""

EJECTION, LONGEST = 30.0, 300.0
"""Seconds of the first ejection and of the longest: base_ejection_time and max_ejection_time. Each further ejection is
twice as long (Envoy's grow evenly), so that a dead host is soon left in peace."""

JITTER = 0.2
"""Ejections differ by up to this share, so that many processes do not come back at the same moment."""

CALM = 60.0
"""Seconds of good time that take back one ejection. Envoy takes one back each sweep, which forgets too soon here."""

RAMP, RAMP_FROM = 60.0, 0.1
"""Seconds over which a recovered deployment's share grows to 1, and where it begins: as Envoy's slow start, linear and
from 10 % (slow_start_config.min_weight_percent)."""

PROBE_LOST = 600.0
"""Seconds after which a probe that nobody reported back on is given up."""

MODELS_OF_A_SICK_HOST = 3
"""Models of a provider that must be failing before it is taken for sick itself: a router has sick models every day."""

MODELS_OF_AN_UNREACHABLE_HOST = 2
"""The same where the connection fails."""


class Record:
    """What is known of one deployment or host."""

    __slots__ = (
        "answered",
        "at",
        "ejections",
        "epoch",
        "failing",
        "phase",
        "probed",
        "reason",
        "recent",
        "since",
        "streak",
        "unreachable",
        "until",
    )

    def __init__(self) -> None:
        self.phase: Literal["healthy", "ejected", "recovering"] = "healthy"
        self.recent: deque[tuple[float, bool]] = deque(maxlen=KEPT)
        """When, and whether it failed."""
        self.streak = 0
        """Failures since the last success."""
        self.at = 0.0
        """When it failed last."""
        self.failing: dict[str, float] = {}
        """A host's models that failed last, and when."""
        self.ejections = 0
        self.since = 0.0
        """When the phase began; good time counts from the end of an ejection."""
        self.until = 0.0
        self.unreachable = False
        """True where it was ejected since no connection came about: what a check of its host can find out."""
        self.reason = ""
        self.epoch = 0
        """Grows with each change of phase and each probe, so that what was asked before can be told from what was
        asked after."""
        self.probed: float | None = None
        """When the probe began that is under way."""
        self.answered: float | None = None
        """Seconds that the last answer took."""

    # --- questions ---------------------------------------------------------------------------------------------

    def state(self, now: float) -> HealthState:
        """What it is called."""
        if self.phase == "ejected":
            return "ejected" if now < self.until else "probing"
        return "recovering" if self.phase == "recovering" and now < self.since + RAMP else "healthy"

    def share(self, now: float) -> float:
        """The share of its usual traffic that it should get."""
        match self.state(now):
            case "ejected":
                return 0.0
            case "recovering":
                return max(RAMP_FROM, min(1.0, (now - self.since) / RAMP))
            case "healthy" | "probing":  # the probe is one attempt, not a share
                return 1.0

    def held(self, now: float) -> int:
        """Ejections that are still held against it."""
        good = 0.0 if self.phase == "ejected" else max(0.0, now - self.since)
        return max(0, self.ejections - int(good // CALM))

    def probing(self, now: float) -> bool:
        """True while a probe is under way."""
        return self.probed is not None and now - self.probed < PROBE_LOST

    def window(self, now: float) -> tuple[int, int]:
        """Calls that the window still holds, and failures among them."""
        while self.recent and self.recent[0][0] <= now - WINDOW:
            self.recent.popleft()
        return len(self.recent), sum(failed for _, failed in self.recent)

    def sick(self, now: float, consecutive: int = CONSECUTIVE) -> str | None:
        """Why a deployment is to be ejected; ``None`` while it is not."""
        if self.streak >= consecutive:
            return f"{self.streak} failures in a row"
        calls, failures = self.window(now)
        if calls >= VOLUME and failures >= RATE * calls:
            return f"{failures} of {calls} calls failed within {WINDOW:.0f} s"
        return None

    def host_sick(self, now: float, failure: Failure) -> str | None:
        """The same of a host: several of its models must be failing."""
        failing = sum(at > now - WINDOW for at in self.failing.values())
        broken = failure.kind is FailureKind.TRANSPORT
        if failing < (MODELS_OF_AN_UNREACHABLE_HOST if broken else MODELS_OF_A_SICK_HOST):
            return None
        why = self.sick(now, HOST_CONSECUTIVE)
        return None if why is None else f"{why}, of {failing} models"

    # --- changes -----------------------------------------------------------------------------------------------

    def fail(self, now: float) -> None:
        """One more failure."""
        self.recent.append((now, True))
        self.streak += 1
        self.at = now

    def eject(self, now: float, why: str, failure: Failure, rng: Random) -> None:
        """Out for a while: twice as long as the last time."""
        self.ejections = self.held(now) + 1
        seconds = min(LONGEST, EJECTION * 2.0 ** min(self.ejections - 1, 10))
        self.until = now + seconds * rng.uniform(1.0 - JITTER, 1.0 + JITTER)
        status = "" if failure.status is None else f" {failure.status}"
        self.reason = f"ejected: {why}, the last: {failure.kind.value}{status}"
        self.unreachable = unreachable(failure)
        self._begin("ejected", now)

    def recover(self, now: float) -> None:
        """Back, with a small share at first."""
        self.until = now + RAMP
        self._begin("recovering", now)

    def _begin(self, phase: Literal["ejected", "recovering"], now: float) -> None:
        self.phase, self.since = phase, now
        self.streak = 0
        self.recent.clear()
        self.failing.clear()
        self.probed = None
        self.epoch += 1

    # --- what is kept ------------------------------------------------------------------------------------------

    def plain(self, now: float) -> dict[str, str | int | float] | None:
        """What the next process should know; ``None`` where there is nothing. Times and counts, no provider's words."""
        if self.phase != "ejected" and not self.streak and not self.held(now):
            return None
        return {
            "phase": self.phase,
            "streak": self.streak,
            "ejections": self.ejections,
            "since": self.since,
            "until": self.until,
            "reason": self.reason,
            "at": self.at,
        }


def remembered(row: Mapping[str, str | int | float], now: float) -> Record | None:
    """The record of a kept row; ``None`` where it is too old, or makes no sense.

    An ejection that ended longer ago than it lasted is too old.
    """
    record = Record()
    try:
        record.streak, record.ejections = int(row["streak"]), int(row["ejections"])
        record.since, record.until = float(row["since"]), float(row["until"])
        record.reason, record.at = str(row["reason"]), float(row["at"])
        phase = row["phase"]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not (record.since <= now and record.at <= now):
        return None  # a clock was turned back
    if phase == "ejected":
        record.phase = "ejected"
        lasts = record.until - record.since
        sensible = 0 < lasts <= LONGEST * (1 + JITTER)
        return record if sensible and now < record.until + lasts else None
    if record.ejections and now < record.since + RAMP:
        record.phase = "recovering"
    if now - record.at > WINDOW:
        record.streak = 0
    return record if record.streak or record.held(now) else None
