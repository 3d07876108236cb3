"""From a request and a ranking to an answer: the thin ring of I/O around the decisions of
:mod:`aiorch.routing.attempts`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal

import anyio

from aiorch.clock import Clock
from aiorch.errors import (
    AiorchError,
    AllAttemptsFailed,
    AttemptFailed,
    BudgetExceeded,
    DeadlineExceeded,
    StreamInterrupted,
)
from aiorch.events import AttemptFinished, AttemptStarted, Bus, Restarted, Waiting
from aiorch.protocols import Provider
from aiorch.routing.attempts import (
    GiveUp,
    Loop,
    Wait,
    after,
    asked,
    begin,
    blocked_until,
    choose,
    condemned,
    label,
)
from aiorch.routing.budgets import Spent, answer_limit, cost_of, unaffordable
from aiorch.types import (
    Attempt,
    Budget,
    Candidate,
    Decision,
    Delta,
    Failure,
    FailureKind,
    Request,
    Response,
    TextDelta,
    Timeouts,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms one request is carried out."""

    task_id: str
    deadline: float
    """Monotonic seconds."""
    timeout: float
    """The task's whole time in seconds, for the message when it is up."""
    attempts: int
    """Attempts that are left to the task."""
    prompt_tokens: int
    """The prompt's size, estimated."""
    free: frozenset[str] = frozenset()
    """Ids of the deployments whose calls cost nothing."""
    budget: Budget | None = None
    spent: Spent = Spent()
    """What the task has used before this request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered what, and everything tried on the way."""

    response: Response
    candidate: Candidate
    attempts: tuple[Attempt, ...]
    usage: Usage
    cost: Decimal


@dataclass(slots=True)
class _Trail:
    """What one request has done so far."""

    task_id: str
    loop: Loop
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    spent: Spent = Spent()
    waited: float = 0.0
    refused: str | None = None
    """Why the last candidate could not be afforded."""


@dataclass(frozen=True, slots=True)
class _Begun:
    candidate: Candidate
    request: Request
    number: int
    at: float
    monotonic: float
    waited: float


class Executor:
    """Carries out requests over the providers, one attempt loop each.

    What one request learns about limits, dead keys and dead models the next one knows.
    """

    def __init__(
        self, providers: Mapping[str, Provider], *, clock: Clock, bus: Bus, timeouts: Timeouts = Timeouts()
    ) -> None:
        self._providers = providers
        self._clock = clock
        self._bus = bus
        self._timeouts = timeouts
        self._benched: dict[str, tuple[float, str]] = {}

    @property
    def benched(self) -> Mapping[str, tuple[float, str]]:
        """Deployment ids that are not asked now: until when (epoch seconds), and why."""
        now = self._clock.now()
        return {d: b for d, b in self._benched.items() if b[0] > now}

    async def complete(self, request: Request, candidates: Sequence[Candidate], terms: Terms) -> Answer:
        """The first good answer.

        :raises AllAttemptsFailed: when everybody that may be asked failed.
        :raises DeadlineExceeded: when the time is up.
        :raises BudgetExceeded: when nobody that is left can be afforded.
        """
        trail = self._begin(candidates, terms)
        while True:
            begun = await self._next(trail, request, terms)
            try:
                with anyio.fail_after(max(0.0, terms.deadline - self._clock.monotonic())):
                    response = await self._provider(begun).complete(
                        begun.candidate.deployment, begun.request, self._patience(terms)
                    )
            except AttemptFailed as failed:
                self._failed(trail, begun, failed.failure, candidates)
            except TimeoutError:
                self._failed(trail, begun, _OUT_OF_TIME, candidates)
            except Exception as broken:
                self._failed(trail, begun, _fault(broken), candidates)
            else:
                return self._answered(trail, begun, response, terms)

    async def stream(
        self, request: Request, candidates: Sequence[Candidate], terms: Terms
    ) -> AsyncGenerator[Delta | Restarted | Answer, None]:
        """The same, in pieces; the :class:`Answer` comes last.

        A deployment that fails before its first piece is replaced unseen. One that fails later ends the stream.

        :raises StreamInterrupted: when a deployment fails after its first piece; it carries the text so far.
        """
        trail = self._begin(candidates, terms)
        while True:
            begun = await self._next(trail, request, terms)
            shown: list[str] = []
            first: float | None = None
            failure: Failure | None = None
            pieces = self._provider(begun).stream(
                begun.candidate.deployment, begun.request, self._patience(terms)
            )
            async with aclosing(pieces):
                while failure is None:
                    # The scope opens and closes around one piece: none stays open while the consumer has the turn.
                    try:
                        with anyio.fail_after(max(0.0, terms.deadline - self._clock.monotonic())):
                            piece = await anext(pieces, None)
                    except AttemptFailed as failed:
                        failure = failed.failure
                    except TimeoutError:
                        failure = _OUT_OF_TIME
                    except Exception as broken:
                        failure = _fault(broken)
                    else:
                        if piece is None:
                            failure = Failure(
                                FailureKind.TRUNCATED, "request", "the stream ended without an answer"
                            )
                        elif isinstance(piece, Response):
                            yield self._answered(trail, begun, piece, terms, first)
                            return
                        else:
                            if first is None:
                                first = self._clock.monotonic() - begun.monotonic
                            if isinstance(piece, TextDelta):
                                shown.append(piece.text)
                            yield piece
            self._failed(trail, begun, failure, candidates, first)
            if first is not None:
                text = "".join(shown)
                raise StreamInterrupted(
                    text, failure, Usage(terms.prompt_tokens, len(text) // 4, estimated=True)
                )

    # --- steps -------------------------------------------------------------------------------------------------

    def _begin(self, candidates: Sequence[Candidate], terms: Terms) -> _Trail:
        loop = begin(candidates, attempts=terms.attempts, benched=self.benched if self._benched else None)
        return _Trail(terms.task_id, loop, spent=terms.spent)

    async def _next(self, trail: _Trail, request: Request, terms: Terms) -> _Begun:
        """Whoever is asked next, after whatever wait that takes."""
        while True:
            now = self._clock.now()
            deadline = now + terms.deadline - self._clock.monotonic()
            step = choose(trail.loop, now, deadline)
            if isinstance(step, GiveUp):
                raise self._given_up(trail, step, terms, deadline <= now)
            if isinstance(step, Wait):
                pause = step.until - now
                if self._bus.active:
                    self._bus.emit(Waiting(at=now, task_id=terms.task_id, seconds=pause, reason=step.reason))
                await self._clock.sleep(pause)
                trail.waited += pause
                continue
            candidate = step.candidate
            answer = request.parameters.max_tokens
            free = candidate.deployment.id in terms.free
            trail.refused = unaffordable(
                terms.budget,
                trail.spent,
                candidate.card,
                prompt=terms.prompt_tokens,
                answer=answer,
                free=free,
            )
            if trail.refused is not None:
                trail.loop = _without(trail.loop, candidate)
                continue
            trail.loop = asked(trail.loop, candidate)
            limit = answer_limit(terms.budget, trail.spent, prompt=terms.prompt_tokens, answer=answer)
            if limit != answer:
                request = replace(request, parameters=replace(request.parameters, max_tokens=limit))
            begun = _Begun(
                candidate,
                request,
                terms.spent.attempts + len(trail.attempts) + 1,
                now,
                self._clock.monotonic(),
                trail.waited,
            )
            trail.waited = 0.0
            if self._bus.active:
                self._bus.emit(
                    AttemptStarted(
                        at=now, task_id=terms.task_id, deployment=candidate.deployment, number=begun.number
                    )
                )
            return begun

    def _provider(self, begun: _Begun) -> Provider:
        return self._providers[begun.candidate.deployment.provider]

    def _patience(self, terms: Terms) -> Timeouts:
        left = max(0.001, terms.deadline - self._clock.monotonic())
        given = self._timeouts
        if _within(given.first_byte, left) and _within(given.idle, left) and _within(given.connect, left):
            return given
        return Timeouts(_least(given.connect, left), _least(given.first_byte, left), _least(given.idle, left))

    def _failed(
        self,
        trail: _Trail,
        begun: _Begun,
        failure: Failure,
        candidates: Sequence[Candidate],
        first: float | None = None,
    ) -> None:
        now = self._clock.now()
        trail.loop = after(trail.loop, begun.candidate, failure, now)
        self._remember(begun.candidate, failure, candidates, now)
        decision = label(begun.candidate, choose(trail.loop, now, float("inf")))
        trail.spent = trail.spent.plus(Usage(), Decimal(0))
        self._note(trail, begun, decision, failure=failure, first=first)

    def _answered(
        self, trail: _Trail, begun: _Begun, response: Response, terms: Terms, first: float | None = None
    ) -> Answer:
        card = begun.candidate.card
        cost = cost_of(card, response.usage, free=begun.candidate.deployment.id in terms.free)
        self._note(trail, begun, "accept", usage=response.usage, cost=cost, first=first)
        return Answer(response, begun.candidate, tuple(trail.attempts), response.usage, cost)

    def _note(
        self,
        trail: _Trail,
        begun: _Begun,
        decision: Decision,
        *,
        failure: Failure | None = None,
        usage: Usage = Usage(),
        cost: Decimal = Decimal(0),
        first: float | None = None,
    ) -> None:
        attempt = Attempt(
            begun.candidate.deployment,
            begun.number,
            started_at=begun.at,
            seconds=self._clock.monotonic() - begun.monotonic,
            decision=decision,
            failure=failure,
            usage=usage,
            cost=cost,
            first_token=first,
            waited=begun.waited,
        )
        trail.attempts.append(attempt)
        if self._bus.active:
            self._bus.emit(AttemptFinished(at=self._clock.now(), task_id=trail.task_id, attempt=attempt))

    def _remember(
        self, candidate: Candidate, failure: Failure, candidates: Sequence[Candidate], now: float
    ) -> None:
        """Let the next request know what this failure condemned, where it speaks of more than this request."""
        until = blocked_until(failure, now)
        if until is None or failure.scope == "request":
            return
        if failure.kind in _MENDABLE:
            until = min(until, now + MENDED_AFTER)
        reason = f"{failure.kind.value}: {failure.message}"
        for hit in condemned(candidates, candidate, failure):
            self._benched[hit.deployment.id] = (until, reason)

    def _given_up(self, trail: _Trail, step: GiveUp, terms: Terms, late: bool) -> AiorchError:
        if late or (trail.attempts and trail.attempts[-1].failure is _OUT_OF_TIME):
            return DeadlineExceeded(terms.timeout, trail.attempts)
        if trail.refused is not None:
            return BudgetExceeded(f"the next call was not made: {trail.refused}", trail.attempts)
        return AllAttemptsFailed(trail.attempts, step.why)


MENDED_AFTER = 300.0
"""Seconds after which a refused key, an empty account or a missing model is tried again: people mend these."""

_MENDABLE = (FailureKind.AUTH, FailureKind.BILLING, FailureKind.MODEL_GONE, FailureKind.RATE_DAY)

_OUT_OF_TIME = Failure(FailureKind.TIMEOUT, "request", "the task's time was up")


def _fault(broken: Exception) -> Failure:
    """A provider that raises something else than :class:`AttemptFailed` is at fault; others are asked."""
    kind = FailureKind.MODEL_GONE if isinstance(broken, AiorchError) else FailureKind.MALFORMED
    said = (
        str(broken)
        if isinstance(broken, AiorchError)
        else f"the provider raised {type(broken).__name__}: {broken}"
    )
    return Failure(kind, "model", said)


def _without(loop: Loop, candidate: Candidate) -> Loop:
    return replace(loop, standings=tuple(s for s in loop.standings if s.candidate is not candidate))


def _within(patience: float | None, left: float) -> bool:
    return patience is not None and patience <= left


def _least(patience: float | None, left: float) -> float:
    return left if patience is None else min(patience, left)
