"""Answers as Cohere documents its API v2, for whoever has to play that server in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

ID = "1"
MODEL = None
"""Its answers do not say who gave them."""
INPUT_TOKENS, OUTPUT_TOKENS = 3, 2
USAGE = {
    "billed_units": {"input_tokens": 3.0, "output_tokens": 2.0},
    "tokens": {"input_tokens": 498.0, "output_tokens": 4.0},
    "cached_tokens": 0.0,
}
STREAM_TYPE = "text/event-stream"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""

_FINISH_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL"}


def whole(
    text: str = "hello", tool_call: ToolCall | None = None, finish: str | None = None, **message: Any
) -> dict[str, Any]:
    """A whole answer. :param finish: one of aiorch's words, or one of Cohere's own."""
    said: dict[str, Any] = {"role": "assistant", **message}
    if text:
        said["content"] = [*said.get("content", ()), {"type": "text", "text": text}]
    if tool_call:
        call_id, name, arguments = tool_call
        said["tool_calls"] = [call(call_id, name, json.dumps(dict(arguments)))]
    return {"id": ID, "message": said, "finish_reason": _reason(finish, tool_call), "usage": USAGE}


def stream_events(
    pieces: Sequence[str] = ("hel", "lo"), tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The same in pieces, as the bytes of a body."""
    made = [started(), *(said for said in block(0, pieces))]
    if tool_call:
        call_id, name, arguments = tool_call
        written = json.dumps(dict(arguments))
        made += called(0, call_id, name, ("", written[:3], written[3:]))
    return framed(*made, ended(_reason(finish, tool_call)))


def started() -> dict[str, Any]:
    message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    return event("message-start", message, id=ID)


def block(index: int, pieces: Sequence[str], kind: str = "text") -> list[dict[str, Any]]:
    """The events of one block of content: text or thinking."""
    if not pieces:
        return []
    return [
        event("content-start", {"content": {"type": kind, kind: ""}}, index=index),
        *(event("content-delta", {"content": {kind: piece}}, index=index) for piece in pieces),
        {"type": "content-end", "index": index},
    ]


def called(index: int, call_id: str, name: str, arguments: Sequence[str]) -> list[dict[str, Any]]:
    """The events of one tool call, its arguments in pieces."""
    first, *rest = arguments
    return [
        event("tool-call-start", {"tool_calls": call(call_id, name, first)}, index=index),
        *(
            event("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}}, index=index)
            for piece in rest
        ),
        {"type": "tool-call-end", "index": index},
    ]


def ended(finish: str, **delta: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": finish, "usage": USAGE, **delta}}


def event(kind: str, message: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "delta": {"message": dict(message)}, **more}


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def framed(*events: Mapping[str, Any]) -> bytes:
    """Events as they go over the line: each under the name of its type."""
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """A list of models that chat."""
    return {"models": [model(name) for name in ids], "next_page_token": None}


def model(name: str, **differs: Any) -> dict[str, Any]:
    return {
        "name": name,
        "is_deprecated": False,
        "endpoints": ["chat"],
        "finetuned": False,
        "context_length": 128000.0,
        "tokenizer_url": None,
        "default_endpoints": [],
        "features": ["json_mode", "json_schema", "tools"],
        "sampling_defaults": {"temperature": 0.3},
        **differs,
    }


def vectors(numbers: Sequence[Sequence[float]]) -> dict[str, Any]:
    """An answer of ``/v2/embed``."""
    return {
        "id": ID,
        "response_type": "embeddings_by_type",
        "embeddings": {"float": [list(v) for v in numbers]},
        "texts": ["..."] * len(numbers),
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 2}},
    }


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of a refusal: 401, 429 or 500. No header tells when to come back."""
    message = {
        401: "invalid api token",
        429: "You are past the per minute request limit, please wait and try again later.",
        500: "internal server error",
    }[status]
    return {}, {"id": ID, "message": message}


def _reason(finish: str | None, tool_call: ToolCall | None) -> str:
    wanted = finish or ("tool_calls" if tool_call else "stop")
    return _FINISH_REASONS.get(wanted, wanted)
