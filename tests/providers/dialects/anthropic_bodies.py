"""Answers as Anthropic's Messages API documents them, for whoever has to play that server in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

ID = "1"
MODEL = "acme/small-1"
"""Who answers."""
INPUT_TOKENS, OUTPUT_TOKENS = 3, 2
STREAM_TYPE = "text/event-stream; charset=utf-8"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def whole(
    text: str = "hello", tool_call: ToolCall | None = None, finish: str | None = None
) -> dict[str, Any]:
    """A whole answer. :param finish: one of aiorch's words, or one of Anthropic's own."""
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    if tool_call:
        call_id, name, arguments = tool_call
        content.append({"type": "tool_use", "id": call_id, "name": name, "input": dict(arguments)})
    return {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": _reason(finish, tool_call),
        "stop_sequence": None,
        "usage": {
            "input_tokens": INPUT_TOKENS,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": OUTPUT_TOKENS,
            "service_tier": "standard",
        },
    }


def stream_events(
    pieces: Sequence[str] = ("hel", "lo"), tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The same in pieces, as the bytes of a body."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if pieces:
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
        blocks.append(({"type": "text", "text": ""}, deltas))
    if tool_call:
        call_id, name, arguments = tool_call
        written = json.dumps(dict(arguments))
        half = len(written) // 2
        cut = ("", written[:half], written[half:])
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in cut]
        blocks.append(({"type": "tool_use", "id": call_id, "name": name, "input": {}}, deltas))
    return framed(*started(), *inside(blocks), *ended(_reason(finish, tool_call)))


def started() -> list[dict[str, Any]]:
    """The events before the first block."""
    message = {**whole(""), "stop_reason": None}
    message["usage"] = {**message["usage"], "output_tokens": 1}
    return [{"type": "message_start", "message": message}, {"type": "ping"}]


def inside(blocks: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """The events of content blocks, each with its deltas."""
    made: list[dict[str, Any]] = []
    for index, (block, deltas) in enumerate(blocks):
        made.append({"type": "content_block_start", "index": index, "content_block": dict(block)})
        made += [{"type": "content_block_delta", "index": index, "delta": dict(delta)} for delta in deltas]
        made.append({"type": "content_block_stop", "index": index})
    return made


def ended(stop_reason: str, **more: Any) -> list[dict[str, Any]]:
    """The events after the last block. :param more: fields of the usage."""
    return [
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": OUTPUT_TOKENS, **more},
        },
        {"type": "message_stop"},
    ]


def framed(*events: Mapping[str, Any]) -> bytes:
    """Events as they go over the line: each under the name of its type."""
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """A list of models that says nothing of them but their names."""
    return {
        "data": [
            {
                "type": "model",
                "id": model,
                "display_name": model,
                "created_at": "1970-01-01T00:00:00Z",
                "lifecycle": "active",
                "deprecated_at": None,
                "retires_at": None,
                "max_input_tokens": None,
                "max_tokens": None,
                "capabilities": None,
            }
            for model in ids
        ],
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": False,
    }


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of a refusal: 401, 429 or 500."""
    kind, message = {
        401: ("authentication_error", "invalid x-api-key"),
        429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
        500: ("api_error", "Internal server error"),
    }[status]
    told = {
        "retry-after": "17",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:17Z",
    }
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return (told if status == 429 else {}), body


def _reason(finish: str | None, tool_call: ToolCall | None) -> str:
    wanted = finish or ("tool_calls" if tool_call else "stop")
    return _STOP_REASONS.get(wanted, wanted)
