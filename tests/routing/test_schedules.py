"""Whatever providers do, and whenever: thousands of random schedules through the whole executor, in virtual time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, get_args

import anyio
import anyio.lowlevel
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import AttemptFailed, ExecutionError, StreamInterrupted
from aiorch.events import AttemptStarted, Bus, Event, Restarted, Waiting
from aiorch.quotas import bound_to
from aiorch.routing import Answer, Executor, Terms
from aiorch.routing.attempts import Loop
from aiorch.routing.experience import Experience, sent
from aiorch.testing import FakeClock
from aiorch.types import (
    ZERO_PRICE,
    Budget,
    Candidate,
    Deployment,
    Failure,
    FailureKind,
    FailureScope,
    FreeTerms,
    Limit,
    Message,
    ModelCard,
    Price,
    Request,
    Response,
    StreamPart,
    TextDelta,
    Timeouts,
    Usage,
)

K = FailureKind
ROUNDING = 1e-5
"""Epoch seconds are large numbers: two sums that should be equal differ by this much."""

ASK = Request((Message.user("?"),))
DEAR = Price(Decimal(1), Decimal(1))
GOOD = Response(Message.assistant("The whole answer."), "stop", Usage(10, 5))


@dataclass(frozen=True)
class Line:
    """What one call does: so many seconds, then an answer or a failure, perhaps in the middle."""

    seconds: float
    failure: Failure | None
    shown: bool


@dataclass
class Erratic:
    """A provider that goes by its script, over and over."""

    name: str
    lines: list[Line]
    clock: FakeClock
    calls: list[tuple[float, Deployment, Line]] = field(default_factory=list)

    def _next(self, deployment: Deployment) -> Line:
        line = self.lines[len(self.calls) % len(self.lines)]
        self.calls.append((self.clock.now(), deployment, line))
        return line

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        line = self._next(deployment)
        await anyio.lowlevel.checkpoint()
        self.clock.advance(line.seconds)
        if line.failure is not None:
            raise AttemptFailed(line.failure)
        return GOOD

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        line = self._next(deployment)
        await anyio.lowlevel.checkpoint()
        if line.shown:
            yield TextDelta("The whole ")
        self.clock.advance(line.seconds)
        if line.failure is not None:
            raise AttemptFailed(line.failure)
        if not line.shown:
            yield TextDelta("The whole ")
        yield TextDelta("answer.")
        yield GOOD


class Watched(Experience):
    """Knows who was too sick when somebody was asked."""

    def __init__(self, clock: FakeClock, seed: int) -> None:
        super().__init__(clock, rng=Random(seed))
        self.said: Mapping[str, Any] | None = None
        self.asked_though_barred: list[str] = []

    def barred(self, loop: Loop, now: float, deadline: float) -> Mapping[str, tuple[float, str]] | None:
        self.said = super().barred(loop, now, deadline)
        return self.said

    def begun(self, deployment: Deployment, now: float) -> Any:
        if self.said and deployment.id in self.said:
            self.asked_though_barred.append(deployment.id)
        return super().begun(deployment, now)


failures = st.builds(
    Failure,
    st.sampled_from([k for k in FailureKind if k is not K.CANCELLED]),
    st.sampled_from(get_args(FailureScope)),
    st.just("so it says"),
    code=st.sampled_from([None, "refused", "read_timeout"]),
    ambiguous=st.booleans(),
)
lines = st.builds(
    Line, st.sampled_from([0.0, 0.3, 2.0, 15.0]), st.none() | failures | failures, st.booleans()
)
limits = st.fixed_dictionaries(
    {},
    optional={
        ("minute", "account"): st.integers(1, 3),
        ("minute", "key_model"): st.integers(1, 3),
        ("at once", "account"): st.integers(1, 2),
    },
).map(lambda given: tuple(Limit(n, "requests", per, scope) for (per, scope), n in given.items()))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Plan:
    scripts: dict[str, list[Line]]
    limits: dict[str, tuple[Limit, ...]]
    """By provider."""
    cards: list[tuple[str, str, bool]]
    """Provider, model, whether it costs money."""
    requests: list[tuple[float, int, float]]
    """Seconds before it, attempts, patience."""
    streaming: bool
    resume: str
    at_once: int
    hedge: bool
    seed: int


plans = st.builds(
    Plan,
    st.fixed_dictionaries({p: st.lists(lines, min_size=1, max_size=6) for p in "abc"}),
    st.fixed_dictionaries(dict.fromkeys("abc", limits)),
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("mn"), st.booleans()),
        min_size=1,
        max_size=5,
        unique_by=lambda c: c[:2],
    ),
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 40.0]), st.integers(0, 9), st.sampled_from([0.5, 20.0, 120.0])),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.sampled_from(["interrupt", "continue", "restart"]),
    st.integers(1, 3),
    st.booleans(),
    st.integers(0, 1_000),
)


async def play(plan: Plan) -> None:
    """Carry it out, and look at every promise."""
    clock = FakeClock()
    providers = {name: Erratic(name, script, clock) for name, script in plan.scripts.items()}
    them = [
        Candidate(
            Deployment(p, m, "K"),
            ModelCard(
                p,
                m,
                price=DEAR if dear else ZERO_PRICE,
                free="none" if dear else "free_quota",
                terms=FreeTerms("a plan", plan.limits[p]),
            ),
        )
        for p, m, dear in plan.cards
    ]
    free = frozenset(c.deployment.id for c in them if c.card.free == "free_quota")
    watched = Watched(clock, plan.seed)
    bus, events = Bus(), list[Event]()
    bus.subscribe(events.append)
    executor = Executor(providers, clock=clock, bus=bus, experience=lambda: watched)  # type: ignore[arg-type]
    deadlines: dict[str, float] = {}
    allowed: dict[str, int] = {}

    async def one(name: str, attempts: int, patience: float) -> None:
        deadlines[name], allowed[name] = clock.now() + patience, attempts
        terms = Terms(
            name,
            clock.monotonic() + patience,
            patience,
            attempts,
            10,
            free=free,
            budget=Budget(usd=0),
            hedge=plan.hedge,
        )
        shown = ""
        try:
            if not plan.streaming:
                answer = await executor.complete(ASK, them, terms)
                assert answer.response is GOOD
                return
            async with aclosing(executor.stream(ASK, them, terms, plan.resume)) as pieces:  # type: ignore[arg-type]
                async for piece in pieces:
                    if isinstance(piece, Restarted):
                        assert plan.resume == "restart"
                        shown = ""
                    elif isinstance(piece, Answer):
                        assert shown == piece.response.message.text == "The whole answer."
                    elif isinstance(piece, TextDelta):
                        shown += piece.text
        except ExecutionError as failed:
            interrupted = failed
        else:
            interrupted = None
        if isinstance(interrupted, StreamInterrupted):
            assert "The whole answer.".startswith(shown)
            assert interrupted.partial == shown

    number = 0
    for seconds, attempts, patience in plan.requests:
        clock.advance(seconds)
        async with anyio.create_task_group() as tasks:
            for _ in range(plan.at_once):
                number += 1
                tasks.start_soon(one, str(number), attempts, patience)

    started: dict[str, list[AttemptStarted]] = defaultdict(list)
    for event in events:
        assert event.task_id is not None
        if isinstance(event, AttemptStarted):
            started[event.task_id].append(event)
            assert event.at < deadlines[event.task_id] + ROUNDING  # never after the deadline
        elif isinstance(event, Waiting):
            assert event.seconds > 0
            assert event.at + event.seconds < deadlines[event.task_id] + ROUNDING
    for name, attempts_made in started.items():
        assert len(attempts_made) <= allowed[name]
        assert all(a.deployment.id in free for a in attempts_made)  # nothing that costs money
        assert [a.number for a in attempts_made] == list(range(1, len(attempts_made) + 1))
    assert watched.asked_though_barred == []
    assert not watched.loads.busy
    for use in await watched.quotas.show():
        assert use.reserved == 0
    for provider in providers.values():
        no_limit_is_overshot(provider, plan.limits[provider.name])


def no_limit_is_overshot(provider: Erratic, limits: tuple[Limit, ...]) -> None:
    counted = [
        (at, deployment) for at, deployment, line in provider.calls if not line.failure or sent(line.failure)
    ]
    for limit in limits:
        if limit.per != "minute":
            continue
        for group in {bound_to(deployment, limit) for _, deployment in counted}:
            times = sorted(at for at, deployment in counted if bound_to(deployment, limit) == group)
            for first, later in zip(times, times[limit.amount :], strict=False):
                assert later - first >= 60.0 - 1e-6, (group, limit, times)


@settings(max_examples=1_000, deadline=None)
@given(plans)
def test_no_schedule_breaks_a_promise(plan: Plan) -> None:
    assert anyio.run(_in_time, plan), "it never ends"


async def _in_time(plan: Plan) -> bool:
    with anyio.move_on_after(30) as scope:
        await play(plan)
    return not scope.cancelled_caught
