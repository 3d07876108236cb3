"""How long a task takes: what was measured, what is assumed, or what it says itself; and drawing from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from random import Random

from aiorch.workflow.assumptions import Duration
from aiorch.workflow.spans import quantile

_P90 = 1.2815515655446004
"""Standard deviations between the median of a normal distribution and what 9 of 10 do not exceed."""


@dataclass(slots=True)
class Source:
    """Where the durations of one task are drawn from."""

    samples: Sequence[float] = ()
    assumed: Duration | None = None
    fixed: float = 0.0

    @property
    def p50(self) -> float:
        """Half of all are at most that."""
        if self.samples:
            return quantile(self.samples, 0.5)
        return self.assumed.p50 if self.assumed else self.fixed

    @property
    def p90(self) -> float:
        """9 of 10 are at most that."""
        if self.samples:
            return quantile(self.samples, 0.9)
        return self.assumed.p90 if self.assumed else self.fixed

    @property
    def certain(self) -> bool:
        """Whether every draw gives the same."""
        return not self.assumed and len(set(self.samples)) <= 1

    def draw(self, rng: Random, times: float) -> float:
        """How long it takes to be carried out so many times, one after the other."""
        if self.certain:
            return self.p50 * times
        if times == 1:
            if self.samples:
                return self.samples[int(rng.random() * len(self.samples))]
            return exp(rng.gauss(*self.shape()))
        mean, deviation = self.moments()
        return max(0.0, mean * times + rng.gauss(0, deviation) * sqrt(times))

    def shape(self) -> tuple[float, float]:
        """Mean and deviation of the logarithm: durations of requests are close to log-normal."""
        return log(self.p50), log(self.p90 / self.p50) / _P90

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        if self.samples:
            mean = sum(self.samples) / len(self.samples)
            return mean, sqrt(sum((s - mean) ** 2 for s in self.samples) / len(self.samples))
        mu, sigma = self.shape()
        mean = exp(mu + sigma * sigma / 2)
        return mean, mean * sqrt(exp(sigma * sigma) - 1)


INSTANT = Source()
"""Of what takes no time by itself."""
