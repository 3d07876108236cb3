"""What Bedrock answers, as its API reference documents it, and how its streams are framed; written here byte by byte.

A frame of ``application/vnd.amazon.eventstream``: the length of all and the length of the headers (4 bytes each, big
endian), their CRC-32, the headers, the payload, and the CRC-32 of everything before it. A header is the length of its
name (1 byte), the name, its type (7 = text), the length of its value (2 bytes) and the value.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

STREAM_TYPE = "application/vnd.amazon.eventstream"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""

FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "guardrail_intervened",
}
"""Our words and Bedrock's."""

USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}


def whole(text: str = "", tool_call: ToolCall | None = None, finish: str | None = None) -> dict[str, Any]:
    """The answer of ``/converse``."""
    content: list[dict[str, Any]] = [{"text": text}] if text else []
    if tool_call is not None:
        call_id, name, arguments = tool_call
        content.append({"toolUse": {"toolUseId": call_id, "name": name, "input": dict(arguments)}})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": FINISH[finish or ("tool_calls" if tool_call else "stop")],
        "usage": USAGE,
        "metrics": {"latencyMs": 551},
    }


def stream_events(
    pieces: Sequence[str], tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The frames of ``/converse-stream``: the text in ``pieces``, then a tool call whose arguments come in two."""
    made = [event("messageStart", role="assistant")]
    index = 0
    if pieces:
        made += [block_delta(index, {"text": piece}) for piece in pieces]
        made.append(event("contentBlockStop", contentBlockIndex=index))
        index += 1
    if tool_call is not None:
        call_id, name, arguments = tool_call
        written = json.dumps(dict(arguments))
        start = {"toolUse": {"toolUseId": call_id, "name": name}}
        made.append(event("contentBlockStart", contentBlockIndex=index, start=start))
        for piece in (written[:3], written[3:]):
            made.append(block_delta(index, {"toolUse": {"input": piece}}))
        made.append(event("contentBlockStop", contentBlockIndex=index))
    reason = FINISH[finish or ("tool_calls" if tool_call else "stop")]
    made.append(event("messageStop", stopReason=reason))
    made.append(event("metadata", usage=USAGE, metrics={"latencyMs": 551}))
    return b"".join(made)


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """``/foundation-models``."""
    return {"modelSummaries": [summary(model) for model in ids]}


def summary(model: str, **differs: Any) -> dict[str, Any]:
    return {
        "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{model}",
        "modelId": model,
        "modelName": model.rpartition(".")[2].title(),
        "providerName": model.partition(".")[0].title(),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
        **differs,
    }


def profile(profile_id: str, *models: str, **differs: Any) -> dict[str, Any]:
    """One row of ``/inference-profiles``."""
    return {
        "inferenceProfileName": profile_id.replace(".", " "),
        "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{profile_id}",
        "inferenceProfileId": profile_id,
        "models": [{"modelArn": f"arn:aws:bedrock:us-west-2::foundation-model/{model}"} for model in models],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": "2024-11-25T00:00:00Z",
        "updatedAt": "2024-11-25T00:00:00Z",
        **differs,
    }


ERRORS = {
    400: ("ValidationException", "The provided model identifier is invalid."),
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: (
        "ResourceNotFoundException",
        "Could not resolve the foundation model from the provided model identifier.",
    ),
    408: ("ModelTimeoutException", "The request took too long to process."),
    424: ("ModelErrorException", "The model could not process the request."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error during processing."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of an error; the type is in a header alone."""
    kind, message = ERRORS[status]
    return {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/"}, {"message": message}


# --- frames ------------------------------------------------------------------------------------------------------


def block_delta(index: int, delta: Mapping[str, Any]) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=dict(delta))


def event(kind: str, **payload: Any) -> bytes:
    # "p" is filler that Amazon adds, so that the sizes of pieces tell nothing of the words in them.
    return frame(
        {":event-type": kind, ":content-type": "application/json", ":message-type": "event"},
        json.dumps({**payload, "p": "abcdefgh"}).encode(),
    )


def exception(kind: str, message: str) -> bytes:
    return frame(
        {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"},
        json.dumps({"message": message}).encode(),
    )


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    written = b""
    for name, value in headers.items():
        text = value.encode()
        written += struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(text)) + text
    prelude = struct.pack("!II", 4 + 4 + 4 + len(written) + len(payload) + 4, len(written))
    start = prelude + struct.pack("!I", zlib.crc32(prelude)) + written + payload
    return start + struct.pack("!I", zlib.crc32(start))
