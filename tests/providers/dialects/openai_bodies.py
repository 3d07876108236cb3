"""Answers in OpenAI's chat dialect, for whoever has to play such a server in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

ID = "1"
MODEL = "acme/small-1"
"""Who answers."""
INPUT_TOKENS, OUTPUT_TOKENS = 3, 2
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STREAM_TYPE = "text/event-stream; charset=utf-8"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""


def whole(
    text: str = "hello", tool_call: ToolCall | None = None, finish: str | None = None, **message: Any
) -> dict[str, Any]:
    """A whole answer. :param message: further fields of the message."""
    said: dict[str, Any] = {"role": "assistant", "content": text or None, **message}
    if tool_call:
        call_id, name, arguments = tool_call
        said["tool_calls"] = [call(call_id, name, json.dumps(dict(arguments)))]
    return {
        "id": ID,
        "object": "chat.completion",
        "created": 1_763_800_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": said, "finish_reason": _reason(finish, tool_call)}],
        "usage": USAGE,
    }


def stream_events(
    pieces: Sequence[str] = ("hel", "lo"), tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The same in pieces, as the bytes of a body: a comment, the text, a call in two, the usage, the end."""
    chunks = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in pieces)]
    if tool_call:
        call_id, name, arguments = tool_call
        written = json.dumps(dict(arguments))
        chunks.append(chunk({"tool_calls": [{"index": 0, **call(call_id, name, written[:3])}]}))
        chunks.append(chunk({"tool_calls": [{"index": 0, "function": {"arguments": written[3:]}}]}))
    chunks.append(chunk({}, _reason(finish, tool_call)))
    chunks.append({**chunk({}), "choices": [], "usage": USAGE})
    return framed(*chunks)


def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "object": "chat.completion.chunk",
        "model": MODEL,
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
        **more,
    }


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def framed(*chunks: Mapping[str, Any]) -> bytes:
    """Chunks as they go over the line."""
    written = (b"data: " + json.dumps(made).encode() + b"\n\n" for made in chunks)
    return b": PROCESSING\n\n" + b"".join(written) + b"data: [DONE]\n\n"


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """A list that says nothing of its models but their names."""
    return {"object": "list", "data": [{"id": model, "object": "model", "created": 0} for model in ids]}


def vectors(numbers: Sequence[Sequence[float]]) -> dict[str, Any]:
    """An answer to a question for vectors; they come in any order."""
    made = [{"object": "embedding", "index": n, "embedding": list(v)} for n, v in enumerate(numbers)]
    return {"object": "list", "data": made[::-1], "model": MODEL, "usage": {"prompt_tokens": 2}}


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of a refusal: 401, 429 or 500."""
    message, kind, code = {
        401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
        429: ("Rate limit reached, slow down.", "requests", "rate_limit_exceeded"),
        500: ("The server had an error.", "server_error", None),
    }[status]
    told = {"retry-after": "7"} if status == 429 else {}
    return told, {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _reason(finish: str | None, tool_call: ToolCall | None) -> str:
    return finish or ("tool_calls" if tool_call else "stop")
