"""From a request and a ranking to an answer: one attempt loop each, whole or in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import anyio

from aiorch.clock import Clock
from aiorch.errors import ExecutionError, StreamInterrupted
from aiorch.events import Bus, Restarted
from aiorch.protocols import Provider
from aiorch.routing.attempts import Ask
from aiorch.routing.joints import may_go_on
from aiorch.routing.races import race
from aiorch.routing.ring import OUT_OF_TIME, Ring, estimated, failure_of
from aiorch.routing.streams import Opened, Patience, Shown, at_hand, opened, says_nothing
from aiorch.routing.terms import Answer, Resume, Terms
from aiorch.routing.trail import Begun, Trail
from aiorch.types import Candidate, Delta, Deployment, Failure, Message, Request, Response, Timeouts

if TYPE_CHECKING:
    from aiorch.routing.balancing import Strategy
    from aiorch.routing.experience import Experience

__all__ = ["Answer", "Executor", "Resume", "Terms"]

T = TypeVar("T")


class Executor:
    """Carries out requests over the providers, one attempt loop each.

    What one request learns about limits, dead keys, sick hosts and speed the next one knows.

    :param redact: takes secrets out of what a provider raises besides classified failures.
    :param experience: makes the memory of all requests at the first one; by default it ends with the process.
    :param strategy: in which order equals are asked. By default as they are ranked: the same question meets the same
        model, and a provider's cache of prompts stays of use; limits and sickness move work away from it anyway.
    :param rotation: providers whose turn comes in this order in ``round_robin``. :param weights: for ``weighted``.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        *,
        clock: Clock,
        bus: Bus,
        timeouts: Timeouts = Timeouts(),
        redact: Callable[[str], str] = str,
        experience: Callable[[], Experience] | None = None,
        strategy: Strategy = "preference",
        rotation: Sequence[str] = (),
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self._providers = providers
        self._clock = clock
        self._bus = bus
        self._timeouts = timeouts
        self._redact = redact
        self._make_experience = experience
        self._strategy: Strategy = strategy
        self._rotation = tuple(rotation)
        self._weights = weights or {}
        self._made: Ring | None = None

    @property
    def benched(self) -> Mapping[str, tuple[float, str]]:
        """What is not asked now: until when (epoch seconds), and why.

        By name: a deployment, a model (``provider/model``) or everything behind a key (``provider#KEY``).
        """
        return {} if self._made is None else self._made.experience.bench.now(self._clock.now())

    def barred(self, deployments: Sequence[Deployment]) -> Collection[str]:
        """Ids of those that are left alone for now: a limit, a dead key, a dead model, a sick host."""
        if self._made is None:
            return ()
        now, experience = self._clock.now(), self._made.experience
        bench, health = experience.bench, experience.health
        found = () if bench.empty else [d.id for d in deployments if bench.bar(d, now) is not None]
        return found if health.calm else {*found, *health.blocked([d.id for d in deployments], now)}

    @property
    def experience(self) -> Experience:
        """What was learnt: health, loads, quotas."""
        return self._ring.experience

    async def aclose(self) -> None:
        """Keep what was learnt, give back what is held. It can be used again."""
        if self._made is not None:
            await self._made.experience.aclose()

    async def complete(self, request: Request, candidates: Sequence[Candidate], terms: Terms) -> Answer:
        """The first good answer.

        :raises AllAttemptsFailed: when everybody that may be asked failed.
        :raises NoModelAvailable: when everybody is known to be blocked, so that nobody was asked.
        :raises DeadlineExceeded: when the time is up.
        :raises BudgetExceeded: when nobody that is left can be afforded.
        :raises LimitReached: when whoever asks has used up a limit of theirs for longer than there is time.
        """
        ring = self._ring
        trail = await ring.begin(request, candidates, terms)
        while True:
            begun = await ring.next(trail, terms)
            if terms.hedge:
                came = await self._hedged(trail, begun, terms, self._called)
            else:
                came = await self._called(trail, begun, terms)
            if came is not None:
                return ring.answer(trail, *came)

    async def stream(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        terms: Terms,
        resume: Resume = "interrupt",
    ) -> AsyncGenerator[Delta | Restarted | Answer, None]:
        """The same, in pieces; the :class:`Answer` comes last.

        A deployment that fails before its first content is replaced unseen.

        :param resume: what happens when one fails later: ``"interrupt"`` ends the stream, ``"continue"`` asks the next
            one to go on (not with tools or a schema), ``"restart"`` tells of it by a ``Restarted`` and begins again.
        :raises StreamInterrupted: when that is not asked for, not possible, or nobody is left; it carries the text so
            far.
        """
        ring = self._ring
        trail = await ring.begin(request, candidates, terms)
        shown = Shown()
        broken: Failure | None = None
        while True:
            try:
                begun = await ring.next(trail, terms)
            except ExecutionError as failed:
                if broken is None:
                    raise
                raise StreamInterrupted(shown.text, broken, trail.usage, trail.attempts) from failed
            if terms.hedge:
                stream = await self._hedged(trail, begun, terms, self._opened)
            else:
                stream = await self._opened(trail, begun, terms)
            if stream is None:
                continue
            again = broken if broken is not None and not trail.partial else None
            if again is not None:
                shown.void()
            elif broken is not None:
                shown.going_on()
            before = len(shown.text)
            failure = OUT_OF_TIME
            begun, patience = stream.begun, Patience(ring, terms, self._clock.monotonic())
            held = iter(stream.held)
            ended = False
            there = at_hand(stream.pieces)
            async with aclosing(stream.pieces) as pieces:
                try:
                    if again is not None:
                        yield Restarted(f"{again.kind.value}: {again.message}", again)
                    while True:
                        piece = next(held, None) or there()
                        if piece is None:
                            try:
                                piece = await patience.next(pieces)
                            except Exception as raised:
                                piece = failure_of(raised, self._redact)
                        if isinstance(piece, Failure):
                            failure = piece
                            break
                        if isinstance(piece, Response):
                            rest = shown.rest()
                            ended = True
                            ring.answered(trail, begun, piece, terms)
                            if rest is not None:
                                yield rest
                            if trail.partial:
                                piece = replace(piece, message=Message.assistant(shown.text))
                            yield ring.answer(trail, begun, piece)
                            return
                        if not says_nothing(piece):
                            patience.heard()
                        visible = shown.piece(piece)
                        if visible is not None:
                            yield visible
                except BaseException:  # whoever listened has gone
                    if not ended:
                        ring.cancelled(trail, begun, terms, shown.text[before:])
                    raise
            usage = estimated(trail, terms, shown.text[before:])
            last = resume == "interrupt" or (resume == "continue" and not may_go_on(request))
            ring.failed(trail, begun, failure, terms, usage, last=last)
            broken = failure
            trail.partial = shown.text if resume == "continue" else ""
            if last:
                raise StreamInterrupted(shown.text, failure, trail.usage, trail.attempts)

    # --- one attempt ---------------------------------------------------------------------------------------------

    @property
    def _ring(self) -> Ring:
        """Made at the first request: whatever it needs is not loaded before."""
        if self._made is None:
            from aiorch.routing.balancing import Balance
            from aiorch.routing.experience import Experience

            self._made = Ring(
                self._providers,
                Experience(self._clock) if self._make_experience is None else self._make_experience(),
                clock=self._clock,
                bus=self._bus,
                timeouts=self._timeouts,
                redact=self._redact,
                strategy=self._strategy,
                balance=Balance(self._rotation, self._weights),
            )
        return self._made

    async def _called(self, trail: Trail, begun: Begun, terms: Terms) -> tuple[Begun, Response] | None:
        """One attempt at a whole answer; ``None`` where it failed."""
        ring = self._ring
        limit, failure = ring.limit(terms, self._clock.monotonic())
        try:
            with anyio.move_on_after(limit):
                response = await ring.provider(begun).complete(
                    begun.candidate.deployment, begun.request, ring.patience(terms)
                )
                ring.answered(trail, begun, response, terms)
                return begun, response
        except Exception as broken:
            failure = failure_of(broken, self._redact)
        except BaseException:
            ring.cancelled(trail, begun, terms)
            raise
        ring.failed(trail, begun, failure, terms)
        return None

    async def _opened(self, trail: Trail, begun: Begun, terms: Terms) -> Opened | None:
        return await opened(self._ring, trail, begun, terms)

    async def _hedged(
        self,
        trail: Trail,
        begun: Begun,
        terms: Terms,
        run: Callable[[Trail, Begun, Terms], Awaitable[T | None]],
    ) -> T | None:
        """One attempt, and a second one beside it where the first is late."""
        ring = self._ring
        experience = ring.experience
        hedging, whom = experience.hedging, begun.candidate
        hedging.began()
        spread = experience.loads.spread(whom.deployment.id, self._clock.now())
        hedge = hedging.when(
            spread,
            self._clock.now(),
            tools=bool(trail.request.tools),
            scarce=experience.scarce(whom),
        )
        if hedge.after is None:
            came = await run(trail, begun, terms)
            hedging.ended(self._clock.now(), well=came is not None)
            return came

        late = False

        async def second() -> Callable[[], Awaitable[T | None]] | None:
            nonlocal late
            late = True
            now = self._clock.now()
            step = ring.decide(trail, terms, now)
            if not isinstance(step, Ask) or step.candidate is whom or experience.scarce(step.candidate):
                return None
            if not hedging.fire(now):
                return None
            other = await ring.dispatch(trail, step.candidate, terms, now, hedge=True)
            return None if other is None else lambda: run(trail, other, terms)

        came = await race(lambda: run(trail, begun, terms), second, hedge.after, self._clock.sleep)
        hedging.ended(self._clock.now(), well=bool(came) and not late)
        for beaten in came[1:]:
            if isinstance(beaten, Opened):
                await beaten.pieces.aclose()
                ring.cancelled(trail, beaten.begun, terms)
        return came[0] if came else None
