"""When a second request is worth while, since the first is late. Pure, and off unless somebody asks for it.

The tail of a shared service is long: a few calls take many times what most do, whoever is asked. A second request to
somebody else, sent when the first has taken longer than nearly all do, ends that wait for a few extra requests (Dean
and Barroso, "The Tail at Scale", CACM 2013). When everybody is slow it doubles the load instead, so it has a budget and
stops.

    hedging = Hedging()
    hedging.began()                                       # each first request
    hedge = hedging.when(loads.spread(id, now), now)      # hedge.after: seconds, or None, and why
    if hedging.fire(now): ...                             # they have passed without a token: send the second
    hedging.ended(now, well=True)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from aiorch.routing.latencies import Spread

SHARE = 0.05
"""Extra requests for each first one: what waiting for the 95th percentile comes to, and enough for the paper."""

BURST = 10.0
"""Extra requests that may be saved up, and that there are at the start: ``maxTokens`` of gRPC's retryThrottling example
(proposal A6)."""

MEDIANS = math.log(20) / math.log(2)
"""Medians after which a first token counts as late, where its 95th percentile is later still: the 95th percentile of a
wait without memory with that median. A tail that is longer is what hedging is for, and would hide itself."""

SOONEST = 0.05
"""Seconds below which a second request gains nothing."""

UNKNOWN = 0.4
"""Seconds while too little is known of a class: longer than this, a person notices waiting (Doherty and Thadani, IBM,
1982)."""

OUTAGE = 0.4
"""Share of recent calls that were late or failed from which on an outage is taken to be on: 5 % would be late anyway,
and one bad host of three makes a third."""

RECENT, CALLS = 30.0, 10.0
"""Seconds that "recent" reaches back, and the calls that must have ended within them before an outage can be seen."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """Whether and when to send a second request."""

    after: float | None
    """Seconds without a first token; ``None`` = never."""
    why: str


class Hedging:
    """The budget of second requests, and whether this is a time for them."""

    def __init__(self, *, share: float = SHARE, burst: float = BURST) -> None:
        """:param share: extra requests for each first one. :param burst: how many may be saved up."""
        if not 0.0 <= share <= 1.0 or not burst >= 0.0:
            raise ValueError(
                f"a share of {share} and a burst of {burst}: the share is 0 to 1, the burst 0 or more"
            )
        self._share = share
        self._burst = burst
        self._budget = burst
        self._ended = 0.0
        self._trouble = 0.0
        self._at = -math.inf

    def began(self) -> None:
        """A first request is sent: it earns its share of an extra one."""
        self._budget = min(self._burst, self._budget + self._share)

    def when(self, spread: Spread | None, now: float, *, tools: bool = False, scarce: bool = False) -> Hedge:
        """When to send a second request, should the first have no token by then.

        :param spread: of first tokens in this class of deployments.
        :param tools: the call may execute tools. :param scarce: it counts against a daily allowance that is short.
        """
        if tools:
            return Hedge(None, "it may execute tools, which must not happen twice")
        if scarce:
            return Hedge(None, "its daily allowance is scarce")
        refused = self._refused(now)
        if refused is not None:
            return Hedge(None, refused)
        if spread is None:
            return Hedge(UNKNOWN, f"too little is known of its first tokens, so after {UNKNOWN:g} s")
        late = MEDIANS * spread.p50
        if late < spread.p95:
            return Hedge(
                max(SOONEST, late), f"{MEDIANS:.1f} medians of {spread.p50:.2f} s, before its long tail"
            )
        return Hedge(max(SOONEST, spread.p95), f"95 of 100 first tokens come within {spread.p95:.2f} s")

    def fire(self, now: float) -> bool:
        """The time has come: take one from the budget. False where there is none left, or an outage has begun."""
        if self._refused(now) is not None:
            return False
        self._budget -= 1.0
        return True

    def ended(self, now: float, *, well: bool) -> None:
        """A first request ended. :param well: False where it failed, or its first token was late."""
        fade = self._fade(now)
        self._ended = self._ended * fade + 1.0
        self._trouble = self._trouble * fade + (0.0 if well else 1.0)
        self._at = now

    def _refused(self, now: float) -> str | None:
        fade = self._fade(now)
        if self._ended * fade >= CALLS and self._trouble > OUTAGE * self._ended:
            share = self._trouble / self._ended
            return f"{share:.0%} of recent calls were late or failed: more load would not help"
        if self._budget < 1.0:
            return f"the budget of {self._share:.0%} extra requests is used up"
        return None

    def _fade(self, now: float) -> float:
        return math.exp(min(0.0, (self._at - now) / RECENT))
