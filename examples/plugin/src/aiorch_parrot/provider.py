"""A provider whose models say what they were told."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence

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
    ToolCall,
    Usage,
)

CONTEXTS = {"small": 4_096, "grand": 32_768}
"""The largest prompt of each model, in tokens."""


class Parrot:
    """Says what it was told; one that has a tool calls it first, and tells what came of it."""

    name = "parrot"
    local = True  # what it is told does not leave this machine

    async def models(self) -> Sequence[ModelCard]:
        """The two that there are."""
        can = Capabilities(tools=True, streaming=True, chat=True)
        return [
            ModelCard(self.name, model, context=context, free="local", capabilities=can)
            for model, context in CONTEXTS.items()
        ]

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        """The whole answer at once. :raises AttemptFailed: where there is nothing to say, or no such model."""
        if deployment.model not in CONTEXTS:
            raise AttemptFailed(Failure(FailureKind.MODEL_GONE, "model", f"no model {deployment.model!r}"))
        last = request.messages[-1] if request.messages else Message.user("")
        if request.tools and last.role == "user" and last.text:
            call = ToolCall("call-1", request.tools[0].name, {"text": last.text})
            return Response(
                Message.assistant(call), "tool_calls", _usage(request, last.text), deployment.model
            )
        said = " ".join(result.content for result in last.tool_results) or last.text
        if not said.strip():
            raise AttemptFailed(
                Failure(FailureKind.BAD_REQUEST, "request", "a parrot repeats text, and there is none")
            )
        return Response(Message.assistant(said), "stop", _usage(request, said), deployment.model)

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        """The same word by word, and the whole of it last."""
        response = await self.complete(deployment, request, timeouts)
        for piece in re.findall(r"\s*\S+\s*", response.message.text):
            yield TextDelta(piece)
        yield response

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = Timeouts()
    ) -> Sequence[Sequence[float]]:
        """:raises AttemptFailed: always: a parrot has no vectors."""
        raise AttemptFailed(Failure(FailureKind.BAD_REQUEST, "request", "a parrot has no embeddings"))

    async def aclose(self) -> None:
        """Nothing was opened."""


def _usage(request: Request, said: str) -> Usage:
    """A parrot counts words."""
    heard = sum(len(message.text.split()) for message in request.messages)
    return Usage(heard, len(said.split()) or 1, estimated=True)
