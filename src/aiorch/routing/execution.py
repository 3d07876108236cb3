"""From a request and a ranking to an answer: the thin ring of I/O around the decisions of
:mod:`aiorch.routing.attempts`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
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
    NoModelAvailable,
    StreamInterrupted,
)
from aiorch.events import AttemptFinished, AttemptStarted, Bus, Restarted, Waiting
from aiorch.protocols import Provider
from aiorch.routing.attempts import Ask, GiveUp, Loop, Step, after, asked, begin, choose, label
from aiorch.routing.bench import Bench
from aiorch.routing.budgets import Spent, answer_limit, cost_of, unaffordable
from aiorch.types import (
    Attempt,
    Budget,
    Candidate,
    Decision,
    Delta,
    Failure,
    FailureKind,
    PassedOver,
    ReasoningDelta,
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
    request: Request
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    spent: Spent = Spent()
    waited: float = 0.0
    refused: str | None = None
    """Who could not be afforded last, and why."""


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
        self,
        providers: Mapping[str, Provider],
        *,
        clock: Clock,
        bus: Bus,
        timeouts: Timeouts = Timeouts(),
        redact: Callable[[str], str] = str,
    ) -> None:
        """:param redact: takes secrets out of what a provider raises besides classified failures."""
        self._providers = providers
        self._clock = clock
        self._bus = bus
        self._timeouts = timeouts
        self._redact = redact
        self._bench = Bench()

    @property
    def benched(self) -> Mapping[str, tuple[float, str]]:
        """What is not asked now: until when (epoch seconds), and why.

        By name: a deployment, a model (``provider/model``) or everything behind a key (``provider#KEY``).
        """
        return self._bench.now(self._clock.now())

    async def complete(self, request: Request, candidates: Sequence[Candidate], terms: Terms) -> Answer:
        """The first good answer.

        :raises AllAttemptsFailed: when everybody that may be asked failed.
        :raises NoModelAvailable: when everybody is known to be blocked, so that nobody was asked.
        :raises DeadlineExceeded: when the time is up.
        :raises BudgetExceeded: when nobody that is left can be afforded.
        """
        trail = self._begin(request, candidates, terms)
        while True:
            begun = await self._next(trail, terms)
            failure = _OUT_OF_TIME
            try:
                with anyio.move_on_after(self._left(terms)):
                    response = await self._provider(begun).complete(
                        begun.candidate.deployment, begun.request, self._patience(terms)
                    )
                    return self._answered(trail, begun, response, terms)
            except Exception as broken:
                failure = _failure_of(broken, self._redact)
            self._failed(trail, begun, failure, terms)

    async def stream(
        self, request: Request, candidates: Sequence[Candidate], terms: Terms
    ) -> AsyncGenerator[Delta | Restarted | Answer, None]:
        """The same, in pieces; the :class:`Answer` comes last.

        A deployment that fails before its first piece is replaced unseen. One that fails later ends the stream.

        :raises StreamInterrupted: when a deployment fails after its first piece; it carries the text so far.
        """
        trail = self._begin(request, candidates, terms)
        while True:
            begun = await self._next(trail, terms)
            shown: list[str] = []
            first: float | None = None
            failure: Failure | None = None
            try:
                pieces = self._provider(begun).stream(
                    begun.candidate.deployment, begun.request, self._patience(terms)
                )
            except Exception as broken:  # a plugin whose stream() is no generator and refuses at once
                self._failed(trail, begun, _failure_of(broken, self._redact), terms)
                continue
            async with aclosing(pieces):
                while failure is None:
                    piece = None
                    # The scope opens and closes around one piece: none stays open while the consumer has the turn.
                    try:
                        with anyio.move_on_after(self._left(terms)) as time:
                            piece = await anext(pieces, None)
                    except Exception as broken:
                        failure = _failure_of(broken, self._redact)
                    else:
                        if time.cancelled_caught:
                            failure = _OUT_OF_TIME
                        elif piece is None:
                            failure = _NO_ANSWER
                        elif isinstance(piece, Response):
                            yield self._answered(trail, begun, piece, terms, first)
                            return
                        elif not _says_nothing(piece):
                            if first is None:
                                first = self._clock.monotonic() - begun.monotonic
                            if isinstance(piece, TextDelta):
                                shown.append(piece.text)
                            yield piece
            if first is None:
                self._failed(trail, begun, failure, terms)
                continue
            text = "".join(shown)
            usage = Usage(terms.prompt_tokens, len(text) // 4, estimated=True)
            self._broken_off(trail, begun, failure, terms, first, usage)
            raise StreamInterrupted(text, failure, usage)

    # --- steps -------------------------------------------------------------------------------------------------

    def _begin(self, request: Request, candidates: Sequence[Candidate], terms: Terms) -> _Trail:
        benched = self._bench.of(candidates, self._clock.now())
        return _Trail(
            terms.task_id,
            begin(candidates, attempts=terms.attempts, benched=benched),
            request,
            spent=terms.spent,
        )

    async def _next(self, trail: _Trail, terms: Terms) -> _Begun:
        """Whoever is asked next, after whatever wait that takes."""
        while True:
            now = self._clock.now()
            step = self._decide(trail, terms, now)
            if isinstance(step, GiveUp):
                raise self._given_up(trail, step, terms)
            if isinstance(step, Ask):
                return self._ask(trail, step.candidate, terms, now)
            pause = step.until - now
            if self._bus.active:
                self._bus.emit(Waiting(at=now, task_id=terms.task_id, seconds=pause, reason=step.reason))
            await self._clock.sleep(pause)
            trail.waited += pause

    def _decide(self, trail: _Trail, terms: Terms, now: float) -> Step:
        """The next step, among those that can be afforded."""
        while True:
            step = choose(trail.loop, now, now + self._left(terms))
            if not isinstance(step, Ask):
                return step
            whom = step.candidate
            refused = unaffordable(
                terms.budget,
                trail.spent,
                whom.card,
                prompt=terms.prompt_tokens,
                answer=self._limit(trail, whom, terms),
                free=whom.deployment.id in terms.free,
            )
            if refused is None:
                return step
            trail.refused = f"{whom.deployment.id}: {refused}"
            trail.loop = _without(trail.loop, whom)

    def _limit(self, trail: _Trail, whom: Candidate, terms: Terms) -> int | None:
        """The most tokens that this one's answer may have."""
        return answer_limit(
            terms.budget,
            trail.spent,
            whom.card,
            prompt=terms.prompt_tokens,
            answer=trail.request.parameters.max_tokens,
            free=whom.deployment.id in terms.free,
        )

    def _ask(self, trail: _Trail, whom: Candidate, terms: Terms, now: float) -> _Begun:
        """Note that this one is being asked."""
        trail.loop = asked(trail.loop, whom)
        request = trail.request
        limit = self._limit(trail, whom, terms)
        if limit != request.parameters.max_tokens:
            request = replace(request, parameters=replace(request.parameters, max_tokens=limit))
        number = terms.spent.attempts + len(trail.attempts) + 1
        begun = _Begun(whom, request, number, now, self._clock.monotonic(), trail.waited)
        trail.waited = 0.0
        if self._bus.active:
            self._bus.emit(
                AttemptStarted(at=now, task_id=terms.task_id, deployment=whom.deployment, number=number)
            )
        return begun

    def _left(self, terms: Terms) -> float:
        """Seconds until the deadline."""
        return max(0.0, terms.deadline - self._clock.monotonic())

    def _provider(self, begun: _Begun) -> Provider:
        return self._providers[begun.candidate.deployment.provider]

    def _patience(self, terms: Terms) -> Timeouts:
        left = max(0.001, self._left(terms))
        given = self._timeouts
        if _within(given.first_byte, left) and _within(given.idle, left) and _within(given.connect, left):
            return given
        return Timeouts(_least(given.connect, left), _least(given.first_byte, left), _least(given.idle, left))

    def _failed(self, trail: _Trail, begun: _Begun, failure: Failure, terms: Terms) -> None:
        """Before anything was shown: decide, and let the next request know."""
        now = self._clock.now()
        trail.loop = after(trail.loop, begun.candidate, failure, now)
        trail.spent = trail.spent.plus(Usage(), Decimal(0))
        self._bench.remember(begun.candidate, failure, now)
        decision = label(begun.candidate, self._decide(trail, terms, now))
        self._note(trail, begun, decision, failure=failure)

    def _broken_off(
        self, trail: _Trail, begun: _Begun, failure: Failure, terms: Terms, first: float, usage: Usage
    ) -> None:
        """After something was shown: there is no other, since what is shown stays shown."""
        self._bench.remember(begun.candidate, failure, self._clock.now())
        free = begun.candidate.deployment.id in terms.free
        cost = cost_of(begun.candidate.card, usage, free=free)
        self._note(trail, begun, "fail", failure=failure, usage=usage, cost=cost, first=first)

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

    def _given_up(self, trail: _Trail, step: GiveUp, terms: Terms) -> AiorchError:
        now = self._clock.now()
        late = now + self._left(terms) <= now
        if late or (trail.attempts and trail.attempts[-1].failure is _OUT_OF_TIME):
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


_OUT_OF_TIME = Failure(FailureKind.TIMEOUT, "request", "the task's time was up")
_NO_ANSWER = Failure(FailureKind.TRUNCATED, "request", "the stream ended without an answer")

_FAULTS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (
        AiorchError,
        FailureKind.MODEL_GONE,
    ),  # weights or an extra that are missing: nothing that passes by itself
    (TimeoutError, FailureKind.TIMEOUT),
    (OSError, FailureKind.TRANSPORT),
    (Exception, FailureKind.MALFORMED),
)
"""What a provider may raise instead of :class:`AttemptFailed`, and what that counts as. The first row that fits."""


def _failure_of(raised: Exception, redact: Callable[[str], str]) -> Failure:
    """The failure that a provider raised; whatever else it raises is its fault, and others are asked."""
    if isinstance(raised, AttemptFailed):
        return raised.failure
    kind = next(kind for fault, kind in _FAULTS if isinstance(raised, fault))
    said = (
        str(raised)
        if isinstance(raised, AiorchError)
        else f"the provider raised {type(raised).__name__}: {raised}"
    )
    return Failure(kind, "model", redact(said))


def _says_nothing(piece: Delta) -> bool:
    """True for a piece without content, with which some providers begin: it commits to nothing."""
    return isinstance(piece, TextDelta | ReasoningDelta) and not piece.text


def _without(loop: Loop, candidate: Candidate) -> Loop:
    return replace(loop, standings=tuple(s for s in loop.standings if s.candidate is not candidate))


def _within(patience: float | None, left: float) -> bool:
    return patience is not None and patience <= left


def _least(patience: float | None, left: float) -> float:
    return left if patience is None else min(patience, left)
