"""How long first tokens take in a class of deployments: a small histogram that forgets. Pure.

Buckets grow by a constant factor, so that the error is relative and the size fixed. Old observations fade by forward
decay (Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009): new ones weigh more, and nothing is touched to make the old
weigh less.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import NamedTuple

MEMORY = 600.0
"""Seconds over which an observation fades to 1/e."""

SHORTEST, FACTOR, BUCKETS = 0.005, 1.12, 100
"""The first bucket's upper edge in seconds, how much wider each next one is, and how many: up to 400 s, within 12 %."""

ENOUGH = 5.0
"""Observations below which no percentile is given."""

_ROOM = 300.0
"""The largest exponent before weights are brought down again; a float ends at 709."""


class Spread(NamedTuple):
    """How long something takes, in seconds."""

    p50: float
    p95: float
    samples: float
    """Observations, each weighed by its age."""


class Latencies:
    """Histograms by name."""

    __slots__ = ("_by_name",)

    def __init__(self) -> None:
        self._by_name: dict[str, _Histogram] = {}

    def add(self, name: str, seconds: float, now: float) -> None:
        """One more observation."""
        histogram = self._by_name.get(name)
        if histogram is None:
            histogram = self._by_name[name] = _Histogram(now)
        histogram.add(seconds, now)

    def spread(self, name: str, now: float) -> Spread | None:
        """The median and the 95th percentile; ``None`` where too few observations are left."""
        histogram = self._by_name.get(name)
        if histogram is None:
            return None
        samples = histogram.samples(now)
        if samples < ENOUGH:
            return None
        return Spread(histogram.percentile(0.5), histogram.percentile(0.95), samples)


class _Histogram:
    __slots__ = ("landmark", "total", "weights")

    def __init__(self, now: float) -> None:
        self.landmark = now
        self.total = 0.0
        self.weights = [0.0] * BUCKETS

    def add(self, seconds: float, now: float) -> None:
        exponent = (now - self.landmark) / MEMORY
        if exponent > _ROOM:
            fade = math.exp(-exponent)
            self.weights = [w * fade for w in self.weights]
            self.total = sum(self.weights)
            self.landmark, exponent = now, 0.0
        weight = math.exp(exponent)
        self.weights[_bucket(seconds)] += weight
        self.total += weight

    def samples(self, now: float) -> float:
        """How many observations it holds, by today's weight."""
        return self.total * math.exp(min(0.0, (self.landmark - now) / MEMORY))

    def percentile(self, share: float) -> float:
        """The upper edge of the bucket that holds it: never sooner than it was."""
        reached = accumulate(self.weights)
        wanted = share * self.total
        last = BUCKETS - 1  # where rounding leaves the sum of all a trifle short
        return SHORTEST * FACTOR ** next((i for i, below in enumerate(reached) if below >= wanted), last)


def _bucket(seconds: float) -> int:
    if seconds <= SHORTEST:
        return 0
    return min(BUCKETS - 1, math.ceil(math.log(seconds / SHORTEST) / math.log(FACTOR)))
