"""What one request tells the next: who is not asked for now, until when, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiorch.routing.attempts import NEVER, blocked_until, condemned, names
from aiorch.types import Candidate, Failure

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

    __slots__ = ("_blocked",)

    def __init__(self) -> None:
        self._blocked: dict[str, _Blocked] = {}

    def remember(self, candidate: Candidate, failure: Failure, now: float) -> None:
        """Keep what this failure says of more than its request; an ambiguous one says nothing yet.

        :param now: epoch seconds.
        """
        until = blocked_until(failure, now)
        if until is None or failure.ambiguous or failure.scope == "request":
            return
        told = until != NEVER
        if not told:
            until = now + MENDED_AFTER
        about = condemned(candidate, failure)
        earlier = self._blocked.get(about)
        if earlier is None or earlier.until < until:
            self._blocked[about] = _Blocked(until, f"{failure.kind.value}: {failure.message}", told)

    def now(self, now: float) -> Mapping[str, tuple[float, str]]:
        """By name of what is blocked: until when (epoch seconds), and why."""
        self._forget(now)
        return {name: (b.until, b.reason) for name, b in self._blocked.items()}

    def of(self, candidates: Sequence[Candidate], now: float) -> Mapping[str, tuple[float, str]]:
        """By id of the deployments among them that are blocked: until when one request may wait for them, and why."""
        self._forget(now)
        if not self._blocked:
            return {}
        found: dict[str, tuple[float, str]] = {}
        for candidate in candidates:
            on = [self._blocked[name] for name in names(candidate.deployment) if name in self._blocked]
            if on:
                worst = max(on, key=lambda b: (not b.told, b.until))
                found[candidate.deployment.id] = (worst.until if worst.told else NEVER, worst.reason)
        return found

    def _forget(self, now: float) -> None:
        for name in [name for name, b in self._blocked.items() if b.until <= now]:
            del self._blocked[name]
