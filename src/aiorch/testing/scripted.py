"""A provider that answers from a script: for tests of what is built on aiorch, never a default."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AttemptFailed
from aiorch.types import (
    Capabilities,
    Deployment,
    Failure,
    FailureKind,
    FinishReason,
    Message,
    ModelCard,
    Request,
    Response,
    StreamPart,
    TextDelta,
    Timeouts,
    ToolCall,
    ToolCallDelta,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Says:
    """A line of a script with everything about it: how it comes, what it takes, and how it ends.

    >>> Says("Hello.", delay=2.0).text
    'Hello.'
    >>> Says(pieces=["Once ", "upon"], then=Failure(FailureKind.TRANSPORT, "upstream", "reset")).text
    'Once upon'
    """

    text: str = ""
    pieces: Sequence[str] = ()
    """What a streamed answer comes in; together they are the text."""
    tool_calls: Sequence[ToolCall] = ()
    delay: float = 0.0
    """Seconds before it begins."""
    every: float = 0.0
    """Seconds between two pieces."""
    then: Failure | Literal["hang"] | None = None
    """What happens behind the last piece in place of the end: it breaks, or nothing comes any more."""
    usage: Usage | None = None
    """``None`` counts four characters a token."""
    finish: FinishReason | None = None
    """``None`` is ``tool_calls`` where there are any, otherwise ``stop``."""

    def __post_init__(self) -> None:
        if self.pieces:
            if self.text and self.text != "".join(self.pieces):
                raise ValueError(f"the pieces are not the text {self.text!r}: give one of them")
            object.__setattr__(self, "text", "".join(self.pieces))

    @classmethod
    def calling(cls, tool: str, /, **arguments: Any) -> Says:
        """A model that asks for a tool.

        >>> Says.calling("weather", city="Oslo").tool_calls[0].name
        'weather'
        """
        return cls(tool_calls=(ToolCall("call_1", tool, arguments),))


Line = str | Says | Response | Failure | Exception | Callable[[Request], "str | Says | Response | Failure"]
"""What a script may say: a text, a line with everything about it, a whole response, a failure, an exception, or a
function of the request."""


@dataclass
class ScriptedProvider:
    """Answers with its lines in turn, and with the last one for ever after.

    >>> provider = ScriptedProvider(["Hello.", Failure(FailureKind.OVERLOADED, "model", "busy")], "groq")

    What it was asked is kept in ``asked``, the last texts of it in ``prompts``. A silence longer than its caller's
    patience ends in a ``timeout``, as with any good provider; under a :class:`FakeClock` it takes no time.

    :raises ValueError: for a text in place of a list of lines.
    """

    script: Sequence[Line] = ("Hello.",)
    name: str = "scripted"
    cards: Sequence[ModelCard] = ()
    """The models it lists; by default one free ``<name>/model``."""
    delay: float = 0.0
    """Seconds before each answer, besides a line's own."""
    chunks: int = 4
    """Pieces that a streamed answer comes in, where its line does not say."""
    break_after: int | None = None
    """Pieces after which a streamed :class:`~aiorch.types.Failure` of the script strikes (default: before the
    first).
    """
    key_names: tuple[str, ...] = ()
    vectors: Callable[[str], Sequence[float]] | None = None
    """Makes the vector of a text; ``None``: it has no embeddings."""
    clock: Clock = field(default_factory=SystemClock)
    """What delays wait on."""
    asked: list[tuple[Deployment, Request]] = field(default_factory=list[tuple[Deployment, Request]])
    """Every call so far: whom it was for, and what was asked."""
    embedded: list[tuple[Deployment, tuple[str, ...]]] = field(
        default_factory=list[tuple[Deployment, tuple[str, ...]]]
    )
    """The texts that vectors were asked for."""
    running: int = 0
    """Calls that are not over yet; 0 when nobody was left behind."""
    closed: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.script, str):
            raise ValueError(f"a script is a list of lines, such as ['Hello.'], not {self.script!r}")

    @property
    def prompts(self) -> list[str]:
        """The text of the last message of everything that it was asked.

        >>> ScriptedProvider().prompts
        []
        """
        return [request.messages[-1].text for _, request in self.asked]

    async def models(self) -> Sequence[ModelCard]:
        """The cards."""
        can = Capabilities(tools=True, json_schema=True, vision=True, streaming=True, chat=True)
        return self.cards or (ModelCard(self.name, "model", context=32_768, free="local", capabilities=can),)

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        """The next line. :raises AttemptFailed: where the script says so."""
        with self._call():
            line = self._next(deployment, request)
            await self._silence(self.delay, timeouts.first_byte)
            if isinstance(line, Failure):
                raise AttemptFailed(line)
            if isinstance(line, Response):
                return line
            await self._silence(line.delay + line.every * max(0, len(line.pieces) - 1), timeouts.first_byte)
            await self._ended(line, timeouts.first_byte)
            return _response(line, deployment, request)

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        """The next line in pieces. :raises AttemptFailed: where the script says so."""
        with self._call():
            line = self._next(deployment, request)
            await self._silence(self.delay, timeouts.first_byte)
            if isinstance(line, Failure):
                for _ in range(self.break_after or 0):
                    yield TextDelta("partial ")
                raise AttemptFailed(line)
            said = line if isinstance(line, Says) else Says(line.message.text)
            await self._silence(said.delay, timeouts.first_byte)
            for number, piece in enumerate(said.pieces or _cut(said.text, self.chunks)):
                if number:
                    await self._silence(said.every, timeouts.idle)
                yield TextDelta(piece)
            for index, call in enumerate(said.tool_calls):
                yield ToolCallDelta(index, json.dumps(dict(call.arguments)), call.id, call.name)
            await self._ended(said, timeouts.idle if said.text else timeouts.first_byte)
            yield line if isinstance(line, Response) else _response(line, deployment, request)

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = Timeouts()
    ) -> Sequence[Sequence[float]]:
        """What ``vectors`` makes of each text. :raises AttemptFailed: ``bad_request``, where it makes nothing."""
        if self.vectors is None:
            raise AttemptFailed(
                Failure(FailureKind.BAD_REQUEST, "request", "a scripted provider has no embeddings")
            )
        self.embedded.append((deployment, tuple(texts)))
        return [self.vectors(text) for text in texts]

    async def aclose(self) -> None:
        """Remembers that it was called."""
        self.closed = True

    def _next(self, deployment: Deployment, request: Request) -> Says | Response | Failure:
        line = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append((deployment, request))
        if callable(line):
            line = line(request)
        if isinstance(line, Exception):
            raise line
        return Says(line) if isinstance(line, str) else line

    @contextmanager
    def _call(self) -> Generator[None]:
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    async def _silence(self, seconds: float, patience: float | None) -> None:
        if not seconds:
            return
        if patience is None or seconds <= patience:
            await self.clock.sleep(seconds)
            return
        await self.clock.sleep(patience)
        raise AttemptFailed(Failure(FailureKind.TIMEOUT, "upstream", f"nothing came for {patience:g} s"))

    async def _ended(self, line: Says, patience: float | None) -> None:
        if isinstance(line.then, Failure):
            raise AttemptFailed(line.then)
        if line.then == "hang":
            if patience is None:
                await anyio.sleep_forever()
            await self._silence(float("inf"), patience)


def _response(line: Says, deployment: Deployment, request: Request) -> Response:
    prompt = sum(len(m.text) for m in request.messages) // 4
    return Response(
        Message.assistant(*([line.text] if line.text or not line.tool_calls else []), *line.tool_calls),
        line.finish or ("tool_calls" if line.tool_calls else "stop"),
        line.usage or Usage(prompt, len(line.text) // 4 + 1),
        model=deployment.model,
    )


def _cut(text: str, pieces: int) -> list[str]:
    size = max(1, -(-len(text) // pieces))
    return [text[start : start + size] for start in range(0, len(text), size)]
