"""An executor over scripted providers in virtual time, for the tests of this room."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import anyio

from aiorch.errors import AiorchError
from aiorch.events import Bus, Event, Restarted
from aiorch.protocols import Provider
from aiorch.routing import Answer, Executor, Terms
from aiorch.routing.experience import Experience
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    ZERO_PRICE,
    Candidate,
    Deployment,
    Failure,
    FailureKind,
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
ASK = Request((Message.user("What is back-pressure?"),))
DEAR = Price(Decimal(10), Decimal(1000))  # USD per million tokens


def at(provider: str, model: str = "m", key: str | None = None, **card: Any) -> Candidate:
    return Candidate(
        Deployment(provider, model, key), ModelCard(provider, model, **{"price": ZERO_PRICE, **card})
    )


def failing(
    kind: FailureKind = K.OVERLOADED, scope: Any = "model", said: str = "busy", **more: Any
) -> Failure:
    return Failure(kind, scope, said, **more)


def wholly(text: str, usage: Usage = Usage(10, 20)) -> Response:
    return Response(Message.assistant(text), "stop", usage)


class Middle(Random):
    """Chance that never goes either way."""

    def random(self) -> float:
        return 0.5


@dataclass
class Rig:
    """An executor over providers by name, with everything it said."""

    providers: dict[str, Provider]
    timeouts: Timeouts = Timeouts()
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        bus = Bus()
        bus.subscribe(self.events.append)
        self.experience = Experience(self.clock, rng=Middle())
        self.executor = Executor(
            self.providers,
            clock=self.clock,
            bus=bus,
            timeouts=self.timeouts,
            experience=lambda: self.experience,
        )

    def terms(self, **given: Any) -> Terms:
        timeout = given.pop("timeout", 60.0)
        usual = {"attempts": 8, "prompt_tokens": 10}
        return Terms("t1", self.clock.monotonic() + timeout, timeout, **{**usual, **given})

    async def complete(self, *them: Candidate, request: Request = ASK, **given: Any) -> Answer:
        return await self.executor.complete(request, them, self.terms(**given))

    async def stream(
        self, *them: Candidate, request: Request = ASK, resume: Any = "interrupt", **given: Any
    ) -> tuple[str, Answer]:
        """The text that was shown (``|`` where it began again), and the answer."""
        shown = ""
        async with aclosing(self.executor.stream(request, them, self.terms(**given), resume)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Restarted):
                    shown += "|"
                if isinstance(piece, Answer):
                    return shown, piece
                if isinstance(piece, TextDelta):
                    shown += piece.text
        raise AssertionError("no answer came")

    def asked(self) -> dict[str, int]:
        return {name: len(p.asked) for name, p in self.providers.items() if isinstance(p, ScriptedProvider)}


def rig(**scripts: Sequence[Any]) -> Rig:
    return Rig({name: ScriptedProvider(script, name=name) for name, script in scripts.items()})


def trail(answer: Answer | AiorchError) -> list[tuple[str, str, str]]:
    """Deployment, what came of it and what was done next, of each attempt."""
    attempts = answer.attempts  # type: ignore[union-attr]
    return [(a.deployment.id, a.failure.kind.value if a.failure else "answer", a.decision) for a in attempts]


class Odd(ScriptedProvider):
    """A provider whose stream is written out: pieces to yield, exceptions to raise, seconds to hang."""

    def __init__(self, *pieces: Any, clock: FakeClock | None = None, seconds: float = 0.0) -> None:
        super().__init__(name="odd")
        self.pieces = pieces
        self.hands = clock
        self.seconds = seconds
        """Virtual seconds before each piece."""
        self.closed_streams = 0

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        try:
            for piece in self.pieces:
                if self.hands:
                    self.hands.advance(self.seconds)
                if isinstance(piece, BaseException):
                    raise piece
                if isinstance(piece, float):
                    await anyio.sleep(piece)
                else:
                    yield piece
        finally:
            self.closed_streams += 1


class Slow(ScriptedProvider):
    """A provider that takes its time in virtual seconds, then says its line."""

    def __init__(self, clock: FakeClock, seconds: float, line: Any = "late") -> None:
        super().__init__([line], name="slow")
        self.hands = clock
        self.seconds = seconds
        self.timeouts: list[Timeouts] = []

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        self.timeouts.append(timeouts)
        self.hands.advance(self.seconds)
        return await super().complete(deployment, request, timeouts)
