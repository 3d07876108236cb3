"""Whether the new one fails more often than the old: a test that may be looked at after every single outcome. Pure.

A fixed-sample test that is looked at again and again finds a difference sooner or later where there is none. This one
is a product of E-variables for two Bernoulli streams (Turner, Ly and Grünwald, "Generic E-variables for exact
sequential k-sample tests that allow for optional stopping", J. Stat. Plan. Inference 230, 2024, arXiv:2106.02693).
While both fail equally often, whatever that rate is, the product reaches 1/alpha with a probability of at most alpha,
ever (Ville's inequality), so it may stop whenever it likes.

Outcomes come in blocks that hold at least one of each. For a block of *m* old and *n* new ones, with rates *a* and *b*
that were estimated before it began, and *c* = (m a + n b) / (m + n),

    E = prod p(y; a) / p(y; c) over the old  x  prod p(y; b) / p(y; c) over the new,    p(bad; r) = r

and E = 1 where *b* is not above *a*: nothing is bet on the new one being better.
"""

from __future__ import annotations

import math

PRIOR = 0.5
"""Pseudo-outcomes, half of a failure and half of a success, with which the old one's rate starts (Jeffreys)."""

SHRINK = 2.0
"""Pseudo-outcomes at the old one's rate with which the new one's starts: no bet before there is a sign."""


class Comparison:
    """Failures of an old and a new one, and how strongly they speak against the new one."""

    __slots__ = ("_bad", "_block", "_rates", "_seen", "log_evidence")

    def __init__(self) -> None:
        self._seen = [0, 0]
        """Outcomes of the old and the new one."""
        self._bad = [0, 0]
        self._block = [[0, 0], [0, 0]]
        """The block that is being filled: good and bad, of the old and the new one."""
        self._rates = (PRIOR, PRIOR)
        """What is bet on in this block: fixed when it began."""
        self.log_evidence = 0.0
        """Natural logarithm of the product."""

    def add(self, *, new: bool, bad: bool) -> None:
        """One outcome."""
        self._seen[new] += 1
        self._bad[new] += bad
        self._block[new][bad] += 1
        if all(map(sum, self._block)):
            self.log_evidence += _log_e(self._block, *self._rates)
            self._block = [[0, 0], [0, 0]]
            old = (self._bad[0] + PRIOR) / (self._seen[0] + 2 * PRIOR)
            self._rates = old, (self._bad[1] + SHRINK * old) / (self._seen[1] + SHRINK)

    def worse(self, alpha: float, margin: float = 0.0) -> bool:
        """True where the new one fails more often, by more than ``margin``.

        :param alpha: the probability with which this is ever said of one that does not.
        :param margin: the difference in rates that does not matter, as it is seen.
        """
        old, new = self.rates
        return self.log_evidence >= -math.log(alpha) and new - old > margin

    @property
    def rates(self) -> tuple[float, float]:
        """Shares of failures of the old and the new one, 0 where nothing was seen."""
        old, new = (bad / seen if seen else 0.0 for bad, seen in zip(self._bad, self._seen, strict=True))
        return old, new

    @property
    def seen(self) -> tuple[int, int]:
        """Outcomes of the old and the new one."""
        return self._seen[0], self._seen[1]


def _log_e(block: list[list[int]], a: float, b: float) -> float:
    if b <= a:
        return 0.0
    (good_a, bad_a), (good_b, bad_b) = block
    m, n = good_a + bad_a, good_b + bad_b
    c = (m * a + n * b) / (m + n)
    return (
        bad_a * math.log(a / c)
        + good_a * math.log((1 - a) / (1 - c))
        + bad_b * math.log(b / c)
        + good_b * math.log((1 - b) / (1 - c))
    )
