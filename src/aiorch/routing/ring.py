"""The thin ring of I/O around the decisions of :mod:`aiorch.routing.attempts`: one request's steps.

    begun = await ring.next(trail, terms)       # whoever is asked next, after whatever wait that takes
    ring.answered(trail, begun, response, terms)            # or failed(), or broken_off(), or cancelled()

What every attempt teaches goes to :class:`~aiorch.routing.experience.Experience`; what it was goes to the trail and the
event bus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from aiorch.clock import Clock
from aiorch.errors import (
    AiorchError,
    AllAttemptsFailed,
    AttemptFailed,
    BudgetExceeded,
    DeadlineExceeded,
    LimitReached,
    NoModelAvailable,
)
from aiorch.events import AttemptFinished, AttemptStarted, Bus, Waiting
from aiorch.protocols import Provider
from aiorch.routing.attempts import (
    Ask,
    GiveUp,
    Step,
    after,
    asked,
    begin,
    choose,
    label,
    limited,
    without,
)
from aiorch.routing.budgets import ASSUMED_ANSWER, answer_limit, cost_of, unaffordable
from aiorch.routing.joints import going_on
from aiorch.routing.terms import Answer, Terms
from aiorch.routing.trail import Begun, Trail
from aiorch.types import (
    Attempt,
    Candidate,
    Decision,
    Failure,
    FailureKind,
    PassedOver,
    Request,
    Response,
    Timeouts,
    Usage,
)

if TYPE_CHECKING:
    from aiorch.quotas import Full, Lease
    from aiorch.routing.balancing import Balance, Strategy
    from aiorch.routing.experience import Experience


class Ring:
    """The steps of a request's attempts."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        experience: Experience,
        *,
        clock: Clock,
        bus: Bus,
        timeouts: Timeouts,
        redact: Callable[[str], str],
        strategy: Strategy,
        balance: Balance,
    ) -> None:
        self.providers = providers
        self.experience = experience
        self.clock = clock
        self.bus = bus
        self.timeouts = timeouts
        waits = (timeouts.connect, timeouts.first_byte, timeouts.idle)
        self._longest = max(math.inf if wait is None else wait for wait in waits)
        self._content = timeouts.content
        self._silent = Failure(FailureKind.TIMEOUT, "upstream", f"no content for {self._content or 0:g} s")
        self.redact = redact
        self.strategy: Strategy = strategy
        self.balance = balance

    async def begin(self, request: Request, candidates: Sequence[Candidate], terms: Terms) -> Trail:
        """A fresh request, its candidates in the order in which equals are asked now."""
        await self.experience.ready()
        them = self._ordered(candidates, terms)
        return Trail(request, begin(them, attempts=terms.attempts), terms.spent)

    async def next(self, trail: Trail, terms: Terms) -> Begun:
        """Whoever is asked next, after whatever wait that takes.

        :raises ExecutionError: when nobody is.
        """
        while True:
            now = self.clock.now()
            step = self.decide(trail, terms, now)
            if isinstance(step, Ask):
                begun = await self.dispatch(trail, step.candidate, terms, now)
                if begun is not None:
                    return begun
            elif isinstance(step, GiveUp):
                raise self._given_up(trail, step, terms)
            else:
                wait = step.until - now
                if self.bus.active:
                    self.bus.emit(Waiting(at=now, task_id=terms.task_id, seconds=wait, reason=step.reason))
                await self.clock.sleep(wait)
                trail.waited += wait

    def decide(self, trail: Trail, terms: Terms, now: float) -> Step:
        """The next step, among those that are well, not limited, and can be afforded."""
        deadline = now + self.left(terms)
        experience = self.experience
        while True:
            step = choose(trail.loop, now, deadline, experience.barred(trail.loop, now, deadline))
            if not isinstance(step, Ask):
                return step
            whom = step.candidate
            bar = experience.bench.bar(whom.deployment, now)
            if bar is not None:
                trail.loop = limited(trail.loop, *bar)
                continue
            if terms.budget is None:
                return step
            refused = unaffordable(
                terms.budget,
                trail.spent,
                whom.card,
                prompt=_prompt(trail, terms),
                answer=self._limit(trail, whom, terms),
                free=whom.deployment.id in terms.free,
            )
            if refused is None:
                return step
            self._refuse(trail, whom, refused)

    async def dispatch(
        self, trail: Trail, whom: Candidate, terms: Terms, now: float, *, hedge: bool = False
    ) -> Begun | None:
        """Reserve what asking this one takes, and note that it is being asked; ``None`` where there is no room for it.

        Then the loop knows until when.
        """
        limit = self._limit(trail, whom, terms)
        trail.held = None
        lease = await self.experience.lease(whom, terms, limit)
        if lease is not None:
            from aiorch.quotas import Full

            if isinstance(lease, Full):
                self._full(trail, whom, lease, terms, now)
                return None
        hold = None
        if terms.purse is not None:
            try:
                with anyio.move_on_after(self.left(terms)):
                    hold = await terms.purse.reserve(*_worst(trail, whom, terms, limit))
            except BaseException:
                self._unleased(lease)
                raise
            if hold is None or isinstance(hold, str):
                self._unleased(lease)
                if hold is not None:
                    self._refuse(trail, whom, hold)
                return None
        trail.loop = asked(trail.loop, whom)
        request = trail.request
        if trail.partial:
            request = going_on(request, trail.partial, whom.deployment.provider)
        if limit != request.parameters.max_tokens:
            request = replace(request, parameters=replace(request.parameters, max_tokens=limit))
        number = terms.spent.attempts + terms.attempts - trail.loop.attempts_left
        if request.idempotency_key is not None:  # some give back the stored failure of the attempt before
            request = replace(request, idempotency_key=f"{request.idempotency_key}-{number}")
        turn = self.experience.begun(whom.deployment, now)
        begun = Begun(
            whom, request, number, now, self.clock.monotonic(), trail.waited, turn, lease, hold, hedge
        )
        trail.waited = 0.0
        if self.bus.active:
            self.bus.emit(
                AttemptStarted(at=now, task_id=terms.task_id, deployment=whom.deployment, number=number)
            )
        return begun

    def left(self, terms: Terms) -> float:
        """Seconds until the deadline."""
        return max(0.0, terms.deadline - self.clock.monotonic())

    def limit(self, terms: Terms, since: float) -> tuple[float, Failure]:
        """Seconds to wait for content, and what it is called when none comes.

        :param since: when there was content last, or the request was sent; monotonic seconds.
        """
        left = self.left(terms)
        content = self._content
        if content is not None:
            silent = since + content - self.clock.monotonic()
            if silent < left:
                return max(0.0, silent), self._silent
        return left, OUT_OF_TIME

    def provider(self, begun: Begun) -> Provider:
        """Whom an attempt asks. :raises KeyError: when there is no such provider."""
        return self.providers[begun.candidate.deployment.provider]

    def patience(self, terms: Terms) -> Timeouts:
        """As set, and no longer than the task's time."""
        left = max(0.001, self.left(terms))
        given = self.timeouts
        if self._longest <= left:
            return given
        return Timeouts(
            _least(given.connect, left),
            _least(given.first_byte, left),
            _least(given.idle, left),
            given.first_token,
        )

    # --- how an attempt ended ------------------------------------------------------------------------------------

    def answered(self, trail: Trail, begun: Begun, response: Response, terms: Terms) -> None:
        """It answered."""
        usage = response.usage
        deployment = begun.candidate.deployment
        cost = cost_of(begun.candidate.card, usage, free=deployment.id in terms.free)
        seconds = self.clock.monotonic() - begun.monotonic
        self.experience.answered(
            deployment,
            begun.turn,
            begun.lease,
            response,
            self.clock.now(),
            seconds=seconds,
            first=begun.first,
        )
        if begun.hold is not None and terms.purse is not None:
            terms.purse.settle(begun.hold, cost, usage.total)
        if trail.attempts:
            now = self.clock.now()
            for earlier in trail.attempts:
                if earlier.failure is not None and earlier.deployment != deployment:
                    self.experience.contradicted(earlier.deployment, earlier.failure, now)
        trail.won = trail.won or begun
        decision: Decision = "accept" if trail.won is begun else "lost"
        self._note(trail, begun, decision, terms, seconds, usage=usage, cost=cost)

    def failed(
        self,
        trail: Trail,
        begun: Begun,
        failure: Failure,
        terms: Terms,
        usage: Usage | None = None,
        *,
        last: bool = False,
    ) -> None:
        """It failed: decide what follows, and let others know.

        :param usage: what was used, where it had begun to answer; otherwise nothing is taken to be charged.
        :param last: nobody else will be asked, whoever is left.
        """
        now = self.clock.now()
        card, deployment = begun.candidate.card, begun.candidate.deployment
        used = usage or Usage()
        cost = cost_of(card, used, free=deployment.id in terms.free) if usage else Decimal(0)
        chance = self.experience.rng.random()
        trail.loop = after(trail.loop, begun.candidate, failure, now, chance=chance)
        trail.spent = trail.spent.plus(used, cost)
        self.experience.failed(
            begun.candidate, begun.turn, begun.lease, failure, now, prompt=_prompt(trail, terms), usage=usage
        )
        if begun.hold is not None and terms.purse is not None:
            terms.purse.settle(begun.hold, cost, used.total)
        decision: Decision = "fail" if last else label(begun.candidate, self.decide(trail, terms, now))
        if trail.won is begun:
            trail.won = None
        seconds = self.clock.monotonic() - begun.monotonic
        self._note(trail, begun, decision, terms, seconds, failure=failure, usage=used, cost=cost)

    def cancelled(self, trail: Trail, begun: Begun, terms: Terms, shown: str = "") -> None:
        """Its caller gave up, or another was quicker: it is paid for, and held against nobody."""
        card, deployment = begun.candidate.card, begun.candidate.deployment
        usage = estimated(trail, terms, shown)
        cost = cost_of(card, usage, free=deployment.id in terms.free)
        seconds = self.clock.monotonic() - begun.monotonic
        beaten = trail.won is not None and trail.won is not begun
        self.experience.cancelled(
            deployment,
            begun.turn,
            begun.lease,
            self.clock.now(),
            tokens=usage.total,
            waited=seconds if beaten and begun.first is None else None,
        )
        if begun.hold is not None and terms.purse is not None:
            terms.purse.settle(begun.hold, cost, usage.total)
        failure = _QUICKER if beaten else _GAVE_UP
        decision: Decision = "lost" if beaten else "fail"
        self._note(trail, begun, decision, terms, seconds, failure=failure, usage=usage, cost=cost)

    def answer(self, trail: Trail, begun: Begun, response: Response) -> Answer:
        """What the request came to."""
        attempts = tuple(trail.attempts)
        if len(attempts) > 1:  # of two at once, the one that began last may have ended first
            attempts = tuple(sorted(attempts, key=lambda a: a.number))
        return Answer(response, begun.candidate, attempts, trail.usage, trail.cost)

    # --- steps ---------------------------------------------------------------------------------------------------

    def _ordered(self, candidates: Sequence[Candidate], terms: Terms) -> Sequence[Candidate]:
        calm = self.experience.health.calm
        if len(candidates) < 2 or (calm and (self.strategy == "preference" or not terms.tiers)):
            return candidates
        from aiorch.routing.balancing import order

        now = self.clock.now()
        health = self.experience.health
        shares = None if calm else health.shares([c.deployment.id for c in candidates], now)
        return order(
            candidates,
            self.strategy,
            self.experience.loads,
            now,
            self.experience.rng,
            tiers=terms.tiers or tuple(range(len(candidates))),
            balance=self.balance,
            shares=shares,
            prompt=terms.prompt_tokens,
        )

    def _limit(self, trail: Trail, whom: Candidate, terms: Terms) -> int | None:
        """The most tokens that this one's answer may have."""
        given = trail.request.parameters.max_tokens
        if terms.budget is None:
            return given
        return answer_limit(
            terms.budget,
            trail.spent,
            whom.card,
            prompt=_prompt(trail, terms),
            answer=given,
            free=whom.deployment.id in terms.free,
        )

    def _refuse(self, trail: Trail, whom: Candidate, why: str) -> None:
        trail.refused = f"{whom.deployment.id}: {why}"
        trail.loop = without(trail.loop, whom, why)

    def _full(self, trail: Trail, whom: Candidate, full: Full, terms: Terms, now: float) -> None:
        """A limit has no room: as a limit it blocks, and no attempt is used."""
        until = max(full.until, now + SOONEST)
        if full.name in terms.names:  # of whoever asks: it holds whomever is asked
            trail.held = full
            for candidate in trail.loop.candidates:
                trail.loop = limited(trail.loop, candidate.deployment.id, until, str(full))
        elif full.never:
            trail.loop = without(trail.loop, whom, str(full))
        else:
            trail.loop = limited(trail.loop, full.name, until, str(full))

    def _unleased(self, lease: Lease | None) -> None:
        if lease is not None:
            self.experience.quotas.release(lease)

    def _note(
        self,
        trail: Trail,
        begun: Begun,
        decision: Decision,
        terms: Terms,
        seconds: float,
        *,
        failure: Failure | None = None,
        usage: Usage,
        cost: Decimal,
    ) -> None:
        attempt = Attempt(
            begun.candidate.deployment,
            begun.number,
            started_at=begun.at,
            seconds=seconds,
            decision=decision,
            failure=failure,
            usage=usage,
            cost=cost,
            first_token=begun.first,
            waited=begun.waited,
            hedge=begun.hedge,
        )
        trail.attempts.append(attempt)
        if self.bus.active:
            self.bus.emit(AttemptFinished(at=self.clock.now(), task_id=terms.task_id, attempt=attempt))

    def _given_up(self, trail: Trail, step: GiveUp, terms: Terms) -> AiorchError:
        late = self.left(terms) <= 0.0
        held, now = trail.held, self.clock.now()
        if held is not None and (late or held.until > now):
            after = None if held.never else max(0.0, held.until - now)
            return LimitReached(held.name, held.limit, after, trail.attempts)
        if late or (trail.attempts and trail.attempts[-1].failure is OUT_OF_TIME):
            return DeadlineExceeded(terms.timeout, trail.attempts)
        if trail.refused is not None and trail.loop.final is None:
            return BudgetExceeded(
                f"the next call was not made, a larger budget would allow it: {trail.refused}", trail.attempts
            )
        if not trail.attempts and not terms.spent.attempts:
            blocked = [
                PassedOver(s.candidate.deployment.id, s.reason) for s in trail.loop.standings if s.reason
            ]
            return NoModelAvailable(
                f"nobody may be asked now ({step.why}): wait, or set another provider's key", blocked
            )
        return AllAttemptsFailed(trail.attempts, step.why)


def _prompt(trail: Trail, terms: Terms) -> int:
    """Tokens of what is sent, estimated."""
    return terms.prompt_tokens + len(trail.partial) // 4 if trail.partial else terms.prompt_tokens


def estimated(trail: Trail, terms: Terms, shown: str) -> Usage:
    """What an answer has used of which only a part came."""
    return Usage(_prompt(trail, terms), len(shown) // 4, estimated=True)


def _worst(trail: Trail, whom: Candidate, terms: Terms, limit: int | None) -> tuple[Decimal, int]:
    """The most that asking this one can cost: USD and tokens."""
    prompt, most = _prompt(trail, terms), limit or whom.card.max_output or ASSUMED_ANSWER
    usd = cost_of(whom.card, Usage(prompt, most), free=whom.deployment.id in terms.free)
    return usd, prompt + most


SOONEST = 0.05
"""Seconds that a wait for room lasts at least, so that quotas saying "now" cannot spin the loop."""

OUT_OF_TIME = Failure(FailureKind.TIMEOUT, "request", "the task's time was up")
NO_ANSWER = Failure(FailureKind.TRUNCATED, "request", "the stream ended without an answer")
_GAVE_UP = Failure(FailureKind.CANCELLED, "request", "the caller gave up")
_QUICKER = Failure(FailureKind.CANCELLED, "request", "another answered sooner")

_FAULTS: tuple[tuple[type[Exception], FailureKind, str | None], ...] = (
    # Weights or an extra that are missing: nothing that passes by itself.
    (AiorchError, FailureKind.MODEL_GONE, None),
    (TimeoutError, FailureKind.TIMEOUT, None),
    (ConnectionRefusedError, FailureKind.TRANSPORT, "refused"),
    (OSError, FailureKind.TRANSPORT, None),
    (Exception, FailureKind.MALFORMED, None),
)
"""What a provider may raise instead of :class:`AttemptFailed`, what that counts as, and its code. The first row that
fits."""


def failure_of(raised: Exception, redact: Callable[[str], str]) -> Failure:
    """The failure that a provider raised; whatever else it raises is its fault, and others are asked."""
    if isinstance(raised, AttemptFailed):
        return raised.failure
    kind, code = next((kind, code) for fault, kind, code in _FAULTS if isinstance(raised, fault))
    said = (
        str(raised)
        if isinstance(raised, AiorchError)
        else f"the provider raised {type(raised).__name__}: {raised}"
    )
    return Failure(kind, "model", redact(said), code=code)


def _least(patience: float | None, left: float) -> float:
    return left if patience is None else min(patience, left)
