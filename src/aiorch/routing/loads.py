"""How busy and how quick each deployment is. Pure: time is passed in.

Latency is a peak-EWMA (Finagle, ``PeakEwma.scala``; Envoy's contrib extension ``peak_ewma``). With *w* = exp(-dt/TAU):

    cost = x                        if x > cost         a peak is believed at once
    cost = cost * w + x * (1 - w)   otherwise           and forgotten slowly

where *dt* is the time since the last observation, so that it does not matter how often somebody is asked. Finagle lets
the cost fade towards 0; here it fades towards a base with a long memory, and the base towards what is usual, since a
model that was asked an hour ago is neither free nor unknown.

A whole answer is expected to take *first token + tokens x seconds per token*, divided by the share of calls that
succeed, plus a penalty that each failure leaves behind. So long answers do not look like a slow host, and a host that
fails at once does not look like a quick one.

    loads = Loads()
    loads.began(id)
    loads.answered(id, now, first=0.4, seconds=3.1, tokens=250)     # or failed(), or cancelled()
    loads.expected(id, 300, now)                                    # seconds
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from aiorch.routing.latencies import Latencies, Spread

TAU = 10.0
"""Seconds over which a peak fades: Finagle's default ``decayTime``."""

SLOW = 600.0
"""Seconds of the base's memory. Free tiers see the same crowd for minutes, not for seconds."""

YOUNG = 20
"""Observations over which a base is their plain mean, before time alone weighs them."""

FIRST, PER_TOKEN = 0.5, 0.01
"""Seconds to the first token and for each further one of somebody unknown while nobody is known: quick, so that it is
tried, and of the order of what hosted models take."""

PENALTY = 30.0
"""Seconds that a failure adds at first; they fade as peaks do. Longer than nearly every answer takes."""

WEIGHT = 0.1
"""How much one outcome moves the share of failures: about the last ten count."""

SELDOM = 0.05
"""The least share of successes reckoned with, so that nobody is out of reach for ever."""

USUAL_FOR = 5.0
"""Seconds for which the medians of all are good."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy and how quick one deployment is, for people to read."""

    in_flight: int
    first: float | None
    """Seconds to the first token; ``None`` = unknown."""
    per_token: float | None
    """Seconds for each further token."""
    failing: float
    """Share of calls that fail, 0 to 1."""


class _Average:
    """One peak-EWMA over its base."""

    __slots__ = ("at", "base", "count", "peak")

    def __init__(self) -> None:
        self.count = 0
        self.peak = self.base = self.at = 0.0

    def observe(self, x: float, now: float) -> None:
        if not self.count:
            self.peak = self.base = x
        else:
            dt = max(0.0, now - self.at)
            w = math.exp(-dt / TAU)
            cost = self.base + (self.peak - self.base) * w
            self.peak = x if x > cost else cost * w + x * (1.0 - w)
            weight = 1.0 - math.exp(-dt / SLOW)
            if self.count < YOUNG:
                weight = max(weight, 1.0 / (self.count + 1))
            self.base += (x - self.base) * weight
        self.count += 1
        self.at = max(self.at, now)

    def value(self, now: float, usual: float) -> float:
        """What is expected now; ``usual`` where nothing is known, and more and more of it while nothing is heard."""
        if not self.count:
            return usual
        dt = max(0.0, now - self.at)
        cost = self.base + (self.peak - self.base) * math.exp(-dt / TAU)
        return usual + (cost - usual) * math.exp(-dt / SLOW)


class _Known:
    __slots__ = ("bad", "bad_at", "first", "penalised_at", "per_token")

    def __init__(self) -> None:
        self.first = _Average()
        self.per_token = _Average()
        self.bad = 0.0
        """Share of failures."""
        self.bad_at = 0.0
        self.penalised_at = -math.inf

    def outcome(self, bad: float, now: float) -> None:
        self.bad = self.failing(now) * (1.0 - WEIGHT) + bad * WEIGHT
        self.bad_at = now

    def failing(self, now: float) -> float:
        return self.bad * math.exp(-max(0.0, now - self.bad_at) / SLOW) if self.bad else 0.0

    def expected(self, tokens: int, now: float, first: float, per_token: float) -> float:
        seconds = self.first.value(now, first) + tokens * self.per_token.value(now, per_token)
        if self.bad:
            seconds /= max(SELDOM, 1.0 - self.failing(now))
            seconds += PENALTY * math.exp((self.penalised_at - now) / TAU)
        return seconds


class Loads:
    """What runs where, and how long it takes there."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._busy: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._count = 0
        self._usual = (FIRST, PER_TOKEN)
        self._usual_until = -math.inf
        self._latencies = Latencies()

    # --- what happens ------------------------------------------------------------------------------------------

    def began(self, id: str) -> None:
        """A call is under way; one of the next three says how it ended."""
        self._busy[id] = self._busy.get(id, 0) + 1
        self._count += 1
        self._turns[id] = self._turns[id.partition("/")[0]] = self._count

    def answered(
        self,
        id: str,
        now: float,
        *,
        first: float | None,
        seconds: float,
        tokens: int,
        kind: str | None = None,
    ) -> None:
        """It answered.

        :param first: seconds to the first token; ``None`` where the answer came in one piece, whose time is then split
            in the proportion that is known so far.
        :param seconds: of the whole answer.
        :param tokens: of the answer.
        :param kind: the class of deployments whose :meth:`spread` this belongs to; by default those of the same model.
        """
        self._ended(id)
        known = self._of(id)
        if first is None:
            usual_first, usual_per_token = self._medians(now)
            before = known.first.value(now, usual_first)
            whole = before + tokens * known.per_token.value(now, usual_per_token)
            first = seconds * before / whole if whole else seconds
        if not known.first.count:
            self._usual_until = -math.inf
        known.first.observe(first, now)
        if tokens > 1:
            known.per_token.observe(max(0.0, seconds - first) / tokens, now)
        if known.bad:
            known.outcome(0.0, now)
        self._latencies.add(_class(kind or id), first, now)

    def failed(self, id: str, now: float) -> None:
        """It failed, however quickly: the time that it took says nothing, the failure does."""
        self._ended(id)
        known = self._of(id)
        known.outcome(1.0, now)
        known.penalised_at = now

    def cancelled(self, id: str, now: float, waited: float | None = None, kind: str | None = None) -> None:
        """The caller gave up.

        :param waited: seconds without a first token, where another was quicker: it would have taken longer still.
            Leaving these out would make the slow look quick.
        """
        self._ended(id)
        if waited is None:
            return
        known = self._of(id)
        if waited > known.first.value(now, self._medians(now)[0]):
            known.first.observe(waited, now)
        self._latencies.add(_class(kind or id), waited, now)

    def prior(
        self,
        id: str,
        now: float,
        *,
        first: float | None = None,
        per_token: float | None = None,
        uptime: float | None = None,
    ) -> None:
        """What others say of somebody who has not been asked yet; one's own experience counts more.

        :param first: seconds to the first token. :param per_token: seconds for each token.
        :param uptime: share of calls that succeed, 0 to 1.
        """
        known = self._of(id)
        self._usual_until = -math.inf
        if first is not None and not known.first.count:
            known.first.observe(first, now)
        if per_token is not None and not known.per_token.count:
            known.per_token.observe(per_token, now)
        if uptime is not None and not known.bad:
            known.bad, known.bad_at = 1.0 - uptime, now

    # --- questions ---------------------------------------------------------------------------------------------

    def in_flight(self, id: str) -> int:
        """Calls under way."""
        return self._busy.get(id, 0)

    @property
    def busy(self) -> Mapping[str, int]:
        """Calls under way by deployment, of those that have any."""
        return self._busy

    def turn(self, name: str) -> int:
        """When a deployment or a provider was asked last, as a number that grows with each call; 0 = never."""
        return self._turns.get(name, 0)

    def expected(self, id: str, tokens: int, now: float) -> float:
        """Seconds until it has given an answer of so many tokens."""
        first, per_token = self._medians(now)
        known = self._known.get(id)
        if known is None:
            return first + tokens * per_token
        return known.expected(tokens, now, first, per_token)

    def cost(self, id: str, tokens: int, now: float) -> float:
        """The same for one more call beside those under way: Finagle's ``cost * (pending + 1)``."""
        return self.expected(id, tokens, now) * (self._busy.get(id, 0) + 1)

    def spread(self, kind: str, now: float) -> Spread | None:
        """How long first tokens take in a class of deployments; ``None`` where too few are known.

        :param kind: a class that was named, or a deployment's id for those of the same model.
        """
        return self._latencies.spread(_class(kind), now)

    def seen(self, now: float) -> Mapping[str, Load]:
        """All that have been asked, by id."""
        usual = self._medians(now)
        return {
            id: Load(
                self.in_flight(id),
                known.first.value(now, usual[0]) if known.first.count else None,
                known.per_token.value(now, usual[1]) if known.per_token.count else None,
                known.failing(now),
            )
            for id, known in sorted(self._known.items())
        }

    # --- steps -------------------------------------------------------------------------------------------------

    def _of(self, id: str) -> _Known:
        known = self._known.get(id)
        if known is None:
            known = self._known[id] = _Known()
        return known

    def _ended(self, id: str) -> None:
        left = self._busy.get(id, 0) - 1
        if left > 0:
            self._busy[id] = left
        else:
            self._busy.pop(id, None)

    def _medians(self, now: float) -> tuple[float, float]:
        """What is usual: the medians of all bases. Worked out anew now and then, and when somebody is new."""
        if now >= self._usual_until:
            firsts = [k.first.base for k in self._known.values() if k.first.count]
            rates = [k.per_token.base for k in self._known.values() if k.per_token.count]
            self._usual = (median(firsts) if firsts else FIRST, median(rates) if rates else PER_TOKEN)
            self._usual_until = now + USUAL_FOR
        return self._usual


def _class(id: str) -> str:
    """A deployment's model: its keys share its pace."""
    return id.partition("#")[0]
