"""What watsonx.ai answers, as its API reference documents it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

STREAM_TYPE = "text/event-stream;charset=UTF-8"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
MODEL = "ibm/granite-4-h-small"
HEAD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model_id": MODEL,
    "model": MODEL,
    "created": 1_763_800_000,
    "created_at": "2025-11-22T08:26:40.000Z",
}


def whole(text: str = "", tool_call: ToolCall | None = None, finish: str | None = None) -> dict[str, Any]:
    """The answer of ``/ml/v1/text/chat``."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tool_call is not None:
        call_id, name, arguments = tool_call
        function = {"name": name, "arguments": json.dumps(dict(arguments))}
        message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
    reason = finish or ("tool_calls" if tool_call else "stop")
    return {
        **HEAD,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": USAGE,
        "system": {"warnings": [{"message": "This model is a Non-IBM Product.", "id": "disclaimer_warning"}]},
    }


def stream_events(
    pieces: Sequence[str], tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The events of ``/ml/v1/text/chat_stream``: the text in ``pieces``, then a tool call in two."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in pieces]
    if tool_call is not None:
        call_id, name, arguments = tool_call
        written = json.dumps(dict(arguments))
        first = {"name": name, "arguments": written[:3]}
        deltas.append({"tool_calls": [{"index": 0, "id": call_id, "type": "function", "function": first}]})
        deltas.append({"tool_calls": [{"index": 0, "function": {"name": "", "arguments": written[3:]}}]})
    reason = finish or ("tool_calls" if tool_call else "stop")
    chunks = [{**HEAD, "choices": [{"index": 0, "finish_reason": None, "delta": d}]} for d in deltas]
    chunks.append({**HEAD, "choices": [{"index": 0, "finish_reason": reason, "delta": {"content": ""}}]})
    chunks.append({**HEAD, "choices": [], "usage": USAGE})
    return b"".join(event(chunk, number) for number, chunk in enumerate(chunks, 1))


def event(chunk: Mapping[str, Any], number: int = 1, kind: str = "message") -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(dict(chunk))}\n\n".encode()


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """``/ml/v1/foundation_model_specs``."""
    return {
        "total_count": len(ids),
        "limit": 200,
        "first": {
            "href": "https://us-south.ml.cloud.ibm.com/ml/v1/foundation_model_specs?version=2025-04-23"
        },
        "resources": [spec(model) for model in ids],
    }


def spec(model: str, **differs: Any) -> dict[str, Any]:
    return {
        "model_id": model,
        "label": model.rpartition("/")[2],
        "provider": "IBM",
        "source": "IBM",
        "functions": [{"id": "autoai_rag"}, {"id": "text_chat"}, {"id": "text_generation"}],
        "short_description": "A model.",
        "input_tier": "class_c1",
        "output_tier": "class_c1",
        "number_params": "32b",
        "min_shot_size": 1,
        "task_ids": ["question_answering", "summarization", "function_calling"],
        "tasks": [{"id": "summarization"}, {"id": "function_calling"}],
        "model_limits": {"max_sequence_length": 131072, "max_output_tokens": 16384},
        "lifecycle": [{"id": "available", "start_date": "2025-10-02"}],
        **differs,
    }


ERRORS = {
    400: ("invalid_input_argument", "Invalid input argument for Model 'm': temperature must be at most 2"),
    401: ("authentication_token_expired", "Failed to authenticate the request due to an expired token"),
    403: ("no_associated_service_instance_error", "The project is not associated with a WML instance"),
    404: ("model_not_supported", "Model 'm' is not supported for this environment"),
    429: ("rate_limit_reached_requests", "The rate limit of 8 requests per second has been reached."),
    500: ("downstream_request_failed", "Downstream request failed"),
}


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of an error."""
    code, message = ERRORS[status]
    body = {
        "errors": [
            {
                "code": code,
                "message": message,
                "more_info": "https://cloud.ibm.com/apidocs/watsonx-ai#text-chat",
            }
        ],
        "trace": "903ff69ef8dc748c20d94f77c5810bf1",
        "status_code": status,
    }
    return {"content-type": "application/json"}, body
