"""Answers as Ollama documents its own API, for whoever has to play that server in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

ID = None
"""Its answers have no ids."""
MODEL = "acme/small-1"
"""Who answers."""
INPUT_TOKENS, OUTPUT_TOKENS = 3, 2
STREAM_TYPE = "application/x-ndjson"

ToolCall = tuple[str, str, Mapping[str, Any]]
"""Id, name, arguments."""

MEASURES = {
    "total_duration": 4_883_583_458,
    "load_duration": 1_334_875_000,
    "prompt_eval_count": 3,
    "prompt_eval_duration": 342_546_000,
    "eval_count": 2,
    "eval_duration": 4_535_599_000,
}
HEAD = {"model": MODEL, "created_at": "2026-10-17T23:14:07.414671Z"}


def whole(
    text: str = "hello", tool_call: ToolCall | None = None, finish: str | None = None, **message: Any
) -> dict[str, Any]:
    """A whole answer. :param finish: ``stop``, ``length`` ...; a call ends with ``stop``, too."""
    calls = {"tool_calls": [called(*tool_call)]} if tool_call else {}
    said = {"role": "assistant", "content": text, **calls, **message}
    return {**HEAD, "message": said, "done": True, "done_reason": finish or "stop", **MEASURES}


def stream_events(
    pieces: Sequence[str] = ("hel", "lo"), tool_call: ToolCall | None = None, finish: str | None = None
) -> bytes:
    """The same in pieces, as the bytes of a body. A call always comes whole."""
    lines = [line(piece) for piece in pieces]
    if tool_call:
        lines.append(line("", tool_calls=[called(*tool_call)]))
    return framed(*lines, ended(finish or "stop"))


def line(text: str, **message: Any) -> dict[str, Any]:
    return {**HEAD, "message": {"role": "assistant", "content": text, **message}, "done": False}


def ended(finish: str | None = "stop", **differs: Any) -> dict[str, Any]:
    return {**line(""), "done": True, "done_reason": finish, **MEASURES, **differs}


def called(call_id: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": call_id, "function": {"index": 0, "name": name, "arguments": dict(arguments)}}


def framed(*lines: Mapping[str, Any]) -> bytes:
    """Lines as they go over the line."""
    return b"".join(json.dumps(made).encode() + b"\n" for made in lines)


def listing(ids: Sequence[str]) -> dict[str, Any]:
    """``/api/tags``, of a server that tells there what its models can do."""
    return {"models": [tag(name) for name in ids]}


def tag(name: str, **differs: Any) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-10-03T23:34:03.409490317-07:00",
        "size": 9_608_350_245,
        "digest": "c6eb396dbd5992bbe3f5cdb947e8bbc0ee413d7c17e2beaae69f5d569cf982eb",
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "acme",
            "families": ["acme"],
            "parameter_size": "8.0B",
            "quantization_level": "Q4_K_M",
            "context_length": 131072,
        },
        "capabilities": ["completion", "tools"],
        **differs,
    }


def shown(**differs: Any) -> dict[str, Any]:
    """``/api/show``."""
    return {
        "license": "...",
        "parameters": 'stop                           "<|im_end|>"\ntemperature                    0.6',
        "details": {"family": "qwen3", "parameter_size": "32.8B"},
        "model_info": {
            "general.architecture": "qwen3",
            "general.parameter_count": 32_762_123_264,
            "qwen3.context_length": 40960,
            "qwen3.embedding_length": 5120,
            "tokenizer.ggml.tokens": None,
        },
        "capabilities": ["completion", "tools", "thinking"],
        "modified_at": "2026-06-02T22:16:13.644123606-04:00",
        **differs,
    }


def vectors(numbers: Sequence[Sequence[float]]) -> dict[str, Any]:
    """An answer of ``/api/embed``."""
    made = [list(v) for v in numbers]
    return {"model": MODEL, "embeddings": made, "total_duration": 14_143_917, "prompt_eval_count": 2}


def error(status: int) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of a refusal: 401, 429 or 500."""
    message = {
        401: "unauthorized",
        429: "too many concurrent requests",
        500: "the model failed to generate a response",
    }[status]
    return {}, {"error": message}
