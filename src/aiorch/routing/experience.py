"""What attempts teach those that come after them: limits, sickness, speed. One object that is told of each attempt.

turn = experience.begun(deployment, now)
experience.answered(deployment, turn, lease, response, now, seconds=1.2, first=0.3)     # or failed(), or cancelled()
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from aiorch.clock import Clock
from aiorch.quotas import Demand, Full, Lease, MemoryQuotas, Quotas, account_name, bound_to
from aiorch.routing.attempts import Loop, still_open, unreachable
from aiorch.routing.bench import Bench
from aiorch.routing.health import Health, Turn
from aiorch.routing.health_store import HealthStore
from aiorch.routing.hedging import Hedging
from aiorch.routing.loads import Loads
from aiorch.routing.terms import Terms
from aiorch.types import (
    Candidate,
    Deployment,
    Failure,
    FailureKind,
    FreeTerms,
    Limit,
    LimitSeen,
    Response,
    Usage,
)

if TYPE_CHECKING:
    from aiorch.routing.checks import Checks

TYPICAL = 1_000
"""Tokens reserved for an answer whose length nobody limits; what it really takes is settled."""

SCARCE = 1_440
"""Requests a day below which an allowance is scarce: fewer than one a minute."""

_DISPROVED = frozenset({FailureKind.BAD_REQUEST, FailureKind.EMPTY, FailureKind.MODEL_GONE, FailureKind.AUTH})
"""Ambiguous failures that are the deployment's own where another answers the same request."""

OWNERS = 10_000
"""Users and tenants of whom it is remembered whether they have limits."""

_READ = frozenset(
    {
        FailureKind.TIMEOUT,
        FailureKind.TRUNCATED,
        FailureKind.MALFORMED,
        FailureKind.EMPTY,
        FailureKind.POLICY,
    }
)
"""Failures before which the prompt was probably read, and counted."""


class Experience:
    """Bench, health, loads, hedging and quotas of one executor.

    :param quotas: by default those of this process alone.
    :param keeper: keeps the health; by default it is forgotten when the process ends.
    :param zones: by provider, the time zone in which its days end, where that is not UTC.
    :param limits: what a user or tenant (``user:u1``) may use; by default whatever they like.
    :param closes: what has to be closed at the end.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        rng: Random | None = None,
        quotas: Quotas | None = None,
        keeper: Callable[[Health], HealthStore] | None = None,
        zones: Mapping[str, str] | None = None,
        limits: Callable[[str], Sequence[Limit]] | None = None,
        closes: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.rng = rng or Random()
        self.bench = Bench()
        self.health = Health(self.rng)
        self.loads = Loads()
        self.hedging = Hedging()
        self.quotas: Quotas = quotas or MemoryQuotas(clock)
        self.checks: Checks | None = None
        """Asks hosts that cannot be reached whether they are there again."""
        self._keeper = None if keeper is None else keeper(self.health)
        self._loaded = False
        self._zones = zones or {}
        self._limits_of = limits
        self._owners: dict[str, bool] = {}
        """By user or tenant: whether there are limits."""
        self._closes = closes
        self._defined: dict[str, tuple[FreeTerms, tuple[str, ...]]] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        """By deployment id: the names that headers told limits of."""

    async def ready(self) -> None:
        """Load what earlier processes learnt, before the first request; keep what is new, now and then."""
        if self.checks is not None and not self.health.calm:
            self.checks.tend()
        if self._keeper is None:
            return
        if self._loaded:
            await self._keeper.keep()
        else:
            self._loaded = True
            await self._keeper.load()

    async def aclose(self) -> None:
        """Keep what was learnt, give back what is held."""
        if self._keeper is not None and self._loaded:
            await self._keeper.aclose()
        await self.quotas.aclose()
        if self._closes is not None:
            await self._closes()

    # --- questions ---------------------------------------------------------------------------------------------

    def barred(self, loop: Loop, now: float, deadline: float) -> Mapping[str, tuple[float, str]] | None:
        """Who of those that the request could still ask is too sick for it."""
        if self.health.calm:
            return None
        return self.health.blocked(still_open(loop, deadline), now)

    async def lease(self, whom: Candidate, terms: Terms, answer: int | None) -> Lease | Full | None:
        """Reserve one call in every limit that it counts for; ``None`` where there is no limit.

        :param answer: the most tokens that the answer may have.
        """
        names = self._names(whom, free=whom.deployment.id in terms.free)
        if terms.names and self._limits_of is not None:
            names = (*names, *(name for name in terms.names if self._owned(name, self._limits_of)))
        if not names:
            return None
        tokens = terms.prompt_tokens + (TYPICAL if answer is None else answer)
        lease = await self.quotas.lease(Demand(names, tokens=tokens))
        if isinstance(lease, Full) and lease.never and lease.limit.unit == "tokens":
            # Few answers are as long as they may be: whether the prompt fits is what can be known.
            lease = await self.quotas.lease(Demand(names, tokens=terms.prompt_tokens))
        return lease

    def scarce(self, whom: Candidate) -> bool:
        """True where a call counts against an allowance of few requests a day."""
        terms = whom.card.terms
        return terms is not None and any(
            limit.unit == "requests" and limit.per in ("day", "month") and limit.amount < SCARCE
            for limit in terms.limits
        )

    # --- what happens ------------------------------------------------------------------------------------------

    def begun(self, deployment: Deployment, now: float) -> Turn:
        """An attempt begins."""
        id = deployment.id
        self.loads.began(id)
        return self.health.begun(id, now)

    def answered(
        self,
        deployment: Deployment,
        turn: Turn,
        lease: Lease | None,
        response: Response,
        now: float,
        *,
        seconds: float,
        first: float | None,
    ) -> None:
        """It answered to the end."""
        id = deployment.id
        self.bench.answered(deployment)
        self.health.succeeded(id, now, seconds, turn)
        usage = response.usage
        self.loads.answered(id, now, first=first, seconds=seconds, tokens=usage.output_tokens)
        if lease is not None:
            self.quotas.settle(lease, tokens=usage.total)
        if response.limits:
            self._observe(deployment, response.limits)

    def contradicted(self, deployment: Deployment, failure: Failure, now: float) -> None:
        """It refused what another answered, in doubt about the request: so the doubt was about itself.

        A filter or a context may well differ, and say nothing of the next request.
        """
        if failure.ambiguous and failure.kind in _DISPROVED:
            said = f"{failure.kind.value}, and another answered"
            proven = Failure(FailureKind.MALFORMED, failure.scope, said, failure.status, failure.code)
            self.health.failed(deployment.id, proven, now)

    def failed(
        self,
        whom: Candidate,
        turn: Turn,
        lease: Lease | None,
        failure: Failure,
        now: float,
        *,
        prompt: int,
        usage: Usage | None = None,
    ) -> None:
        """It failed.

        :param prompt: tokens of the prompt. :param usage: what was used, where an answer broke off.
        """
        deployment = whom.deployment
        self.bench.remember(whom, failure, now)
        self.health.failed(deployment.id, failure, now, turn)
        self.loads.failed(deployment.id, now)
        if lease is not None:
            if not sent(failure):
                self.quotas.release(lease)
            elif usage is not None:
                self.quotas.settle(lease, tokens=usage.total)
            else:
                self.quotas.settle(lease, tokens=prompt if failure.kind in _READ else 0)
        if failure.limits:
            self._observe(deployment, failure.limits)

    def cancelled(
        self,
        deployment: Deployment,
        turn: Turn,
        lease: Lease | None,
        now: float,
        *,
        tokens: int,
        waited: float | None = None,
    ) -> None:
        """The caller gave up, or another was quicker.

        :param tokens: taken to be used. :param waited: seconds without a first token, where another was quicker.
        """
        self.health.cancelled(deployment.id, now, turn)
        self.loads.cancelled(deployment.id, now, waited)
        if lease is not None:
            self.quotas.settle(lease, tokens=tokens)

    # --- steps -------------------------------------------------------------------------------------------------

    def _names(self, whom: Candidate, *, free: bool) -> tuple[str, ...]:
        """The names whose limits a call counts for; what a free route allows is defined on the way."""
        terms = whom.card.terms if free else None
        if terms is None or not terms.limits:
            return self._told.get(whom.deployment.id, ()) if self._told else ()
        id = whom.deployment.id
        known = self._defined.get(id)
        if known is None or known[0] is not terms:
            known = self._defined[id] = (terms, self._define(whom.deployment, terms))
        told = self._told.get(id, ()) if self._told else ()
        return tuple(dict.fromkeys((*known[1], *told))) if told else known[1]

    def _owned(self, name: str, limits_of: Callable[[str], Sequence[Limit]]) -> bool:
        """True where a user or tenant has limits."""
        known = self._owners.get(name)
        if known is None:
            limits = limits_of(name)
            if len(self._owners) >= OWNERS:  # users come and go
                self._owners.clear()
            known = self._owners[name] = bool(limits)
            if limits:
                self.quotas.define(name, limits)
        return known

    def _define(self, deployment: Deployment, terms: FreeTerms) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(bound_to(deployment, limit) for limit in terms.limits))
        for name in names:
            limits = tuple(limit for limit in terms.limits if bound_to(deployment, limit) == name)
            self.quotas.define(name, limits, reset_zone=self._zones.get(deployment.provider, "UTC"))
        return names

    def _observe(self, deployment: Deployment, limits: Iterable[LimitSeen]) -> None:
        id = deployment.id
        account = account_name(deployment.provider, deployment.key)
        told = self._told.get(id, ())
        for seen in limits:
            name = account if seen.scope == "account" else id
            self.quotas.observe(
                name,
                seen.unit,
                seen.per,
                limit=seen.limit,
                remaining=seen.remaining,
                reset_at=seen.reset_at,
            )
            if name not in told:
                told = self._told[id] = (*told, name)


def sent(failure: Failure) -> bool:
    """False where nothing had been sent: no connection, no key, no words for the question."""
    if unreachable(failure):
        return False
    return failure.status is not None or failure.kind not in (FailureKind.AUTH, FailureKind.BAD_REQUEST)
