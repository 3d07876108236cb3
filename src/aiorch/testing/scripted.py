"""A provider that answers from a script: for tests of what is built on aiorch, never a default."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import anyio

from aiorch.errors import AttemptFailed
from aiorch.types import (
    Capabilities,
    Deployment,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Request,
    Response,
    StreamPart,
    TextDelta,
    Timeouts,
    Usage,
)

Line = str | Response | Failure | Exception | Callable[[Request], "str | Response | Failure"]
"""What a script may say: a text, a whole response, a failure, an exception, or a function of the request."""


@dataclass
class ScriptedProvider:
    """Answers with its lines in turn, and with the last one for ever after.

    >>> provider = ScriptedProvider(["Hello.", Failure(FailureKind.OVERLOADED, "model", "busy")])

    The requests that it was asked are kept in ``asked``.
    """

    script: Sequence[Line] = ("Hello.",)
    name: str = "scripted"
    cards: Sequence[ModelCard] = ()
    """The models it lists; by default one free ``<name>/model``."""
    delay: float = 0.0
    """Seconds before each answer."""
    chunks: int = 4
    """Pieces that a streamed answer comes in."""
    break_after: int | None = None
    """Pieces after which a streamed :class:`~aiorch.types.Failure` of the script strikes (default: before the
    first).
    """
    key_names: tuple[str, ...] = ()
    asked: list[tuple[Deployment, Request]] = field(default_factory=list[tuple[Deployment, Request]])
    closed: bool = False

    async def models(self) -> Sequence[ModelCard]:
        """The cards."""
        can = Capabilities(tools=True, json_schema=True, vision=True, streaming=True, chat=True)
        return self.cards or (ModelCard(self.name, "model", context=32_768, free="local", capabilities=can),)

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        """The next line. :raises AttemptFailed: where the script says so."""
        line = self._next(deployment, request)
        if self.delay:
            await anyio.sleep(self.delay)
        if isinstance(line, Failure):
            raise AttemptFailed(line)
        return line

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        """The next line in pieces."""
        line = self._next(deployment, request)
        if self.delay:
            await anyio.sleep(self.delay)
        if isinstance(line, Failure):
            for _ in range(self.break_after or 0):
                yield TextDelta("partial ")
            raise AttemptFailed(line)
        text = line.message.text
        size = max(1, -(-len(text) // self.chunks))
        for start in range(0, len(text), size):
            yield TextDelta(text[start : start + size])
        yield line

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = Timeouts()
    ) -> Sequence[Sequence[float]]:
        """Refused: a script has no vectors."""
        raise AttemptFailed(
            Failure(FailureKind.BAD_REQUEST, "request", "a scripted provider has no embeddings")
        )

    async def aclose(self) -> None:
        """Remembers that it was called."""
        self.closed = True

    def _next(self, deployment: Deployment, request: Request) -> Response | Failure:
        line = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append((deployment, request))
        if callable(line):
            line = line(request)
        if isinstance(line, Exception):
            raise line
        if isinstance(line, str):
            prompt = sum(len(m.text) for m in request.messages) // 4
            return Response(
                Message.assistant(line), "stop", Usage(prompt, len(line) // 4 + 1), model=deployment.model
            )
        return line
