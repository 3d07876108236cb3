"""Who is sick: outlier detection by what attempts come to, for each deployment and for each provider as a whole. Pure.

    healthy --(failures)--> ejected --(time)--> half-open, one probe --(it answers)--> recovering --> healthy
                               ^                       |
                               +------(it fails)-------+   each time for twice as long

Time and randomness are passed in. Limits, dead keys and dead models are the bench's
(:mod:`aiorch.routing.bench`); what speaks of the request, or of the caller, speaks against nobody.

    health = Health(random.Random())
    barred = health.blocked([c.deployment.id for c in candidates], now)     # ask again right before an attempt
    turn = health.begun(id, now)
    health.succeeded(id, now, seconds, turn)                                # or failed(), or cancelled()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from aiorch.routing.outliers import RAMP, HealthState, Record, remembered
from aiorch.types import Failure, FailureKind

Plain = Mapping[str, Mapping[str, str | int | float]]

LOOK_AGAIN = 1.0
"""Seconds after which to ask again while a probe is under way."""

FAIR = 10.0
"""Seconds that a deployment must have had before a task's own deadline counts against it: connecting alone is allowed
as long (:class:`~aiorch.types.Timeouts`)."""

COUNTED = frozenset(
    {
        FailureKind.OVERLOADED,
        FailureKind.TIMEOUT,
        FailureKind.TRANSPORT,
        FailureKind.MALFORMED,
        FailureKind.TRUNCATED,
        FailureKind.EMPTY,
    }
)
"""Kinds that speak against whoever was asked, where they are not ambiguous."""


class Turn(NamedTuple):
    """One attempt, as :meth:`Health.begun` saw it; handed back with the outcome. Of each pair, the deployment's is
    first and its host's second.
    """

    at: float
    epochs: tuple[int, int]
    probes: tuple[bool, bool]

    @property
    def probe(self) -> bool:
        """True where this attempt finds out for all others."""
        return True in self.probes


@dataclass(frozen=True, slots=True)
class Condition:
    """How one deployment or provider is, for people to read."""

    name: str
    """The deployment's id, or the provider's name."""
    state: HealthState
    until: float | None
    """When its ejection or its recovery ends, epoch seconds."""
    reason: str
    """Why it was ejected last."""
    calls: int
    """Outcomes of the last :data:`~aiorch.routing.outliers.WINDOW` seconds."""
    failures: int
    """How many of them were failures."""
    ejections: int
    """How often in a row it was ejected; good time takes them back."""
    answered: float | None
    """Seconds that its last answer took."""


class Health:
    """Who is sick, until when, and who may find out whether it still is."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._records: dict[str, Record] = {}
        self._out: dict[str, Record] = {}
        """Those that are ejected or half-open: few, so that the usual question is answered at once."""
        self._back: dict[str, Record] = {}
        """Those that recover."""
        self.changes = 0
        """Grows whenever there is something new to keep (:class:`~aiorch.routing.health_store.HealthStore`)."""

    # --- questions ---------------------------------------------------------------------------------------------

    @property
    def calm(self) -> bool:
        """True while nobody is out or recovering, which is nearly always: then nobody need be asked about."""
        return not (self._out or self._back)

    def blocked(self, ids: Sequence[str], now: float) -> Mapping[str, tuple[float, str]]:
        """Who of these should not be asked: until when (epoch seconds), and why. Never all of them.

        Where all are sick, the one that comes back first stays usable: a sick deployment may answer, nobody cannot.
        So ``ids`` are those that the request could still ask. Ask again right before an attempt: the one probe of a
        half-open deployment may have begun in between.
        """
        sick = _among(ids, self._out)
        found: dict[str, tuple[float, str]] = {}
        hosts = _hosts(self._out)
        for id in sick:
            bar = self._bar(id, now)
            of_host = self._bar(host_of(id), now) if hosts else None
            if bar is None or (of_host is not None and of_host > bar):
                bar = of_host
            if bar is not None:
                found[id] = bar
        if found and all(id in found for id in ids):
            del found[min(found, key=lambda id: found[id][0])]
        return found

    def share(self, id: str, now: float) -> float:
        """The share of its usual traffic that it should get, 0 to 1: it grows while it recovers."""
        return min(record.share(now) for record in self._both(id))

    def shares(self, ids: Sequence[str], now: float) -> Mapping[str, float]:
        """Those among them that recover, with their shares."""
        for name in [name for name, record in self._back.items() if now >= record.since + RAMP]:
            del self._back[name]
        return {id: self.share(id, now) for id in _among(ids, self._back)}

    def state(self, id: str, now: float) -> HealthState:
        """How a deployment is, or its host where that is worse. A provider's name asks for the provider alone."""
        return max((record.state(now) for record in self._both(id)), key=_WORSE.__getitem__)

    def conditions(self, now: float) -> tuple[Condition, ...]:
        """All that have been asked, deployments and providers, by name."""
        return tuple(_condition(name, record, now) for name, record in sorted(self._records.items()))

    def unreachable(self, now: float) -> tuple[str, ...]:
        """Providers that are out, or have deployments that are, because no connection came about."""
        out = (name for name, record in self._out.items() if record.unreachable and now < record.until)
        return tuple(dict.fromkeys(map(host_of, out)))

    # --- what happens ------------------------------------------------------------------------------------------

    def begun(self, id: str, now: float) -> Turn:
        """An attempt begins. Where its deployment or host is half-open it is the probe, unless there is one."""
        deployment, probe = self._take(id, now)
        host, host_probe = self._take(host_of(id), now)
        return Turn(now, (deployment, host), (probe, host_probe))

    def succeeded(self, id: str, now: float, seconds: float, turn: Turn | None = None) -> None:
        """It answered to the end; a stream that only opened has not yet.

        :param seconds: how long the answer took.
        :param turn: what :meth:`begun` gave; ``None`` for what was found out otherwise (a check of one's own).
        """
        for level, name in enumerate((id, host_of(id))):
            record = self._record(name)
            if turn is not None and turn.epochs[level] != record.epoch:
                continue  # asked before the last change: it says nothing of now
            record.answered = seconds
            record.recent.append((now, False))
            if record.failing:
                record.failing.pop(model_of(id), None)
            if record.streak:
                record.streak = 0
                self.changes += 1
            if record.phase == "ejected":
                record.recover(now)
                del self._out[name]
                self._back[name] = record
                self.changes += 1

    def failed(self, id: str, failure: Failure, now: float, turn: Turn | None = None) -> None:
        """It failed, before its first piece or after. What does not :func:`count <counts>` only ends a probe."""
        if not counts(failure, 0.0 if turn is None else now - turn.at):
            self.cancelled(id, now, turn)
            return
        for level, name in enumerate((id, host_of(id))):
            if level and failure.upstream is not None:
                self._free(name, level, turn)  # a router that names the host behind it is well itself
                continue
            record = self._record(name)
            if turn is not None and turn.epochs[level] != record.epoch:
                continue
            if record.phase == "ejected":
                over = now >= record.until and (turn is None or turn.probes[level])
                why = "its probe failed" if over else None
            else:
                record.fail(now)
                self.changes += 1
                if level:
                    record.failing[model_of(id)] = now
                why = record.host_sick(now, failure) if level else record.sick(now)
            if why is not None:
                record.eject(now, why, failure, self._rng)
                self._out[name] = record
                self._back.pop(name, None)
                self.changes += 1

    def reached(self, host: str, now: float) -> None:
        """A provider that could not be reached answers again: whoever is out for that is probed now, and not when its
        time is up.
        """
        for name, record in self._out.items():
            if host_of(name) == host and record.unreachable and now < record.until:
                record.until = now
                self.changes += 1

    def cancelled(self, id: str, now: float, turn: Turn | None = None) -> None:
        """The caller gave up: nothing is learnt, and a probe's place is free again."""
        for level, name in enumerate((id, host_of(id))):
            self._free(name, level, turn)

    # --- what is kept ------------------------------------------------------------------------------------------

    def as_plain(self, now: float) -> dict[str, dict[str, str | int | float]]:
        """By name, whatever the next process should know."""
        kept = ((name, record.plain(now)) for name, record in self._records.items())
        return {name: row for name, row in kept if row is not None}

    def from_plain(self, plain: Plain, now: float) -> frozenset[str]:
        """Take over what an earlier process knew, except of those that this one has asked already.

        :returns: the names of rows that are too old, or make no sense.
        """
        forgotten: set[str] = set()
        for name, row in plain.items():
            record = remembered(row, now)
            if record is None:
                forgotten.add(name)
            elif name not in self._records:
                self._records[name] = record
                if record.phase == "ejected":
                    self._out[name] = record
                elif record.phase == "recovering":
                    self._back[name] = record
        return frozenset(forgotten)

    # --- steps -------------------------------------------------------------------------------------------------

    def _record(self, name: str) -> Record:
        record = self._records.get(name)
        if record is None:
            record = self._records[name] = Record()
        return record

    def _both(self, id: str) -> tuple[Record, Record]:
        """What is known of a deployment and of its host, without keeping what is asked about."""
        return self._records.get(id, _WELL), self._records.get(host_of(id), _WELL)

    def _bar(self, name: str, now: float) -> tuple[float, str] | None:
        record = self._out.get(name)
        if record is None:
            return None
        if now < record.until:
            return record.until, record.reason
        if record.probing(now):
            return now + LOOK_AGAIN, "its ejection is over, and its one probe is under way"
        return None

    def _take(self, name: str, now: float) -> tuple[int, bool]:
        """The epoch of a new attempt, and whether it is the probe."""
        record = self._records.get(name)
        if record is None:
            return 0, False
        probe = record.phase == "ejected" and now >= record.until and not record.probing(now)
        if probe:
            record.probed = now
            record.epoch += 1
        return record.epoch, probe

    def _free(self, name: str, level: int, turn: Turn | None) -> None:
        record = self._out.get(name)
        if record is not None and (
            turn is None or (turn.probes[level] and turn.epochs[level] == record.epoch)
        ):
            record.probed = None


def counts(failure: Failure, waited: float) -> bool:
    """True where a failure speaks against whoever was asked.

    :param waited: seconds that it had; a task's own deadline counts only after :data:`FAIR` ones.
    """
    if failure.kind not in COUNTED or failure.ambiguous:
        return False
    return failure.kind is not FailureKind.TIMEOUT or failure.scope != "request" or waited >= FAIR


def host_of(id: str) -> str:
    """The provider of a deployment.

    >>> host_of("groq/llama-3.3-70b#GROQ_API_KEY")
    'groq'
    """
    return id.partition("/")[0]


def model_of(id: str) -> str:
    """A deployment without its key.

    >>> model_of("groq/llama-3.3-70b#GROQ_API_KEY")
    'groq/llama-3.3-70b'
    """
    return id.partition("#")[0]


def _among(ids: Sequence[str], named: Mapping[str, Record]) -> list[str]:
    """Those that are named, or whose host is."""
    if not named:
        return []
    if _hosts(named):
        return [id for id in ids if id in named or host_of(id) in named]
    return [id for id in ids if id in named]


def _hosts(named: Mapping[str, Record]) -> bool:
    return any("/" not in name for name in named)


_WELL = Record()
"""Stands for those that nobody has asked yet. Never changed."""

_WORSE: Mapping[HealthState, int] = {"healthy": 0, "recovering": 1, "probing": 2, "ejected": 3}


def _condition(name: str, record: Record, now: float) -> Condition:
    state = record.state(now)
    calls, failures = record.window(now)
    return Condition(
        name,
        state,
        record.until if state in ("ejected", "recovering") else None,
        record.reason,
        calls,
        failures,
        record.held(now),
        record.answered,
    )
