"""Answers as Google's generateContent documents them, for whoever has to play that server in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

ID = "1"
MODEL = "acme/small-1"
"""Who answers."""
INPUT_TOKENS, OUTPUT_TOKENS = 3, 2
STREAM_TYPE = "text/event-stream"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""

_FINISH_REASONS = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",  # there is no reason of its own for calls
    "content_filter": "SAFETY",
}
_USAGE = {
    "promptTokenCount": INPUT_TOKENS,
    "candidatesTokenCount": OUTPUT_TOKENS,
    "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
}


def whole(
    text: str = "hello", tool_call: ToolCall | None = None, finish: str | None = None
) -> dict[str, Any]:
    """A whole answer. :param finish: one of aiorch's words, or one of Google's own."""
    parts: list[dict[str, Any]] = [{"text": text}] if text else []
    if tool_call:
        parts.append(called(tool_call))
    return chunk(parts, finish or "stop", _USAGE)


def stream_events(
    pieces: Sequence[str] = ("hel", "lo"), tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The same in pieces, as the bytes of a body. A call always comes whole."""
    chunks = [chunk([{"text": piece}]) for piece in pieces]
    if tool_call:
        chunks.append(chunk([called(tool_call)]))
    return framed(*chunks, chunk([{"text": ""}], finish or "stop", _USAGE))


def chunk(
    parts: Sequence[Mapping[str, Any]], finish: str | None = None, usage: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One answer or one piece of it."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [dict(p) for p in parts]}, "index": 0}
    if finish:
        candidate["finishReason"] = _FINISH_REASONS.get(finish, finish)
    told = usage or {"promptTokenCount": INPUT_TOKENS, "totalTokenCount": INPUT_TOKENS}
    return {
        "candidates": [candidate],
        "usageMetadata": dict(told),
        "modelVersion": MODEL,
        "responseId": ID,
    }


def called(tool_call: ToolCall, signature: str | None = None) -> dict[str, Any]:
    """A part that asks for a tool."""
    call_id, name, arguments = tool_call
    part: dict[str, Any] = {"functionCall": {"id": call_id, "name": name, "args": dict(arguments)}}
    if signature:
        part["thoughtSignature"] = signature
    return part


def framed(*chunks: Mapping[str, Any]) -> bytes:
    """Chunks as they go over the line."""
    return b"".join(f"data: {json.dumps(made)}\r\n\r\n".encode() for made in chunks)


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """A list of models that chat."""
    return {
        "models": [
            {
                "name": f"models/{model}",
                "version": "001",
                "displayName": model,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            }
            for model in ids
        ]
    }


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of a refusal: 401, 429 or 500."""
    made: dict[int, dict[str, Any]] = {
        401: {
            "code": 401,
            "message": "Request had invalid authentication credentials.",
            "status": "UNAUTHENTICATED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
                    "domain": "googleapis.com",
                }
            ],
        },
        429: {
            "code": 429,
            "message": "You exceeded your current quota. Please retry in 36.5s.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [
                        {
                            "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                            "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
                            "quotaDimensions": {"location": "global", "model": "small"},
                            "quotaValue": "5",
                        }
                    ],
                },
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36s"},
            ],
        },
        500: {"code": 500, "message": "An internal error has occurred.", "status": "INTERNAL"},
    }
    return {}, {"error": made[status]}
