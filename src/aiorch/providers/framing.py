"""Streams between the wire and a dialect: bytes into events, events into parts, whole answers as streams. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from aiorch.errors import AttemptFailed
from aiorch.net import NDJSONParser, ServerSentEvent, SSEParser
from aiorch.providers.dialect import Framing
from aiorch.types import ReasoningDelta, Response, StreamPart, TextDelta, ToolCallDelta


class _Headed(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...


class _Parser(Protocol):
    def feed(self, chunk: bytes) -> Sequence[ServerSentEvent]: ...
    def close(self) -> Sequence[ServerSentEvent]: ...


class _Reader(Protocol):
    def feed(self, event: ServerSentEvent) -> Sequence[StreamPart]: ...


def parts_of(
    reader: _Reader, events: Sequence[ServerSentEvent]
) -> tuple[Sequence[StreamPart], AttemptFailed | None]:
    """What events bring, and the failure that one of them is: what came before it was said."""
    parts: list[StreamPart] = []
    try:
        for event in events:
            parts += reader.feed(event)
    except AttemptFailed as failed:
        return parts, failed
    return parts, None


def parser_for(framing: Framing) -> _Parser:
    """What cuts a body into events."""
    match framing:
        case "sse":
            return SSEParser()
        case "ndjson":
            return NDJSONParser()
        case "aws":
            from aiorch.net.aws_events import AWSEventParser

            return AWSEventParser()


ACCEPT: Mapping[Framing, str] = {
    "sse": "application/json, text/event-stream",
    "ndjson": "application/json, application/x-ndjson",
    "aws": "application/json, application/vnd.amazon.eventstream",
}
_STREAM_TYPES: Mapping[Framing, str] = {
    "sse": "text/event-stream",
    "ndjson": "ndjson",
    "aws": "application/vnd.amazon.eventstream",
}


def is_stream(reply: _Headed, framing: Framing) -> bool:
    """True where an answer comes in pieces as it was asked for."""
    kind = reply.headers.get("content-type", "").lower()
    # No type at all is taken for what was asked for.
    return _STREAM_TYPES[framing] in kind or not kind


def as_stream(response: Response) -> Sequence[StreamPart]:
    """A whole response as a stream would have brought it."""
    parts: list[StreamPart] = []
    if response.message.reasoning:
        parts.append(ReasoningDelta(response.message.reasoning))
    if response.message.text:
        parts.append(TextDelta(response.message.text))
    for index, call in enumerate(response.message.tool_calls):
        arguments = call.raw if call.raw is not None else json.dumps(dict(call.arguments))
        parts.append(ToolCallDelta(index, arguments, call.id, call.name))
    parts.append(response)
    return parts
