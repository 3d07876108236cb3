"""What one request tells the next: who is not asked for now, until when, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiorch.routing.attempts import NEVER, blocked_until, condemned, names
from aiorch.types import Candidate, Deployment, Failure

MENDED_AFTER = 300.0
"""Seconds after which what has no told end is tried again: people mend keys, accounts and models."""


@dataclass(frozen=True, slots=True)
class _Blocked:
    until: float
    reason: str
    told: bool
    """True where ``until`` is the end of a limit: worth waiting for. Nobody knows when a key is mended."""


class Bench:
    """Limits, dead keys and dead models, each under the name of what it condemns (see :func:`~.attempts.names`).

    So a limit of a whole account also holds for a model that the request which met it had no use for.
    """

    __slots__ = ("_blocked", "_times")

    def __init__(self) -> None:
        self._blocked: dict[str, _Blocked] = {}
        self._times: dict[str, int] = {}
        """How often in a row each was met, so that one which says "now" and refuses again is not asked all the time."""

    @property
    def empty(self) -> bool:
        """True where nobody was ever put on it, or all are forgotten."""
        return not self._blocked

    def remember(self, candidate: Candidate, failure: Failure, now: float) -> None:
        """Keep what this failure says of more than its request; an ambiguous one says nothing yet.

        :param now: epoch seconds.
        """
        if failure.ambiguous or failure.scope == "request":
            return
        about = condemned(candidate, failure)
        times = self._times.get(about, 0) + 1
        until = blocked_until(failure, now, times)
        if until is None:
            return
        self._times[about] = times
        told = until != NEVER
        if not told:
            until = now + MENDED_AFTER
        earlier = self._blocked.get(about)
        if earlier is None or earlier.until < until:
            self._blocked[about] = _Blocked(until, f"{failure.kind.value}: {failure.message}", told)

    def answered(self, deployment: Deployment) -> None:
        """It answered: what was met of it before is over."""
        if self._times:
            for name in names(deployment):
                self._times.pop(name, None)

    def bar(self, deployment: Deployment, now: float) -> tuple[str, float, str] | None:
        """What bars it now: the name of what is blocked, until when a request may wait for it, and why."""
        if not self._blocked:
            return None
        on = [
            (not b.told, b.until, name)
            for name in names(deployment)
            if (b := self._blocked.get(name)) and b.until > now
        ]
        if not on:
            return None
        untold, until, name = max(on)
        return name, NEVER if untold else until, self._blocked[name].reason

    def now(self, now: float) -> Mapping[str, tuple[float, str]]:
        """By name of what is blocked: until when (epoch seconds), and why."""
        self._forget(now)
        return {name: (b.until, b.reason) for name, b in self._blocked.items()}

    def _forget(self, now: float) -> None:
        for name in [name for name, b in self._blocked.items() if b.until <= now]:
            del self._blocked[name]
