"""A whole answer of Converse, and what whole answers and streams have in common. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import (
    ErrorReader,
    as_list,
    as_object,
    as_text,
    count_of,
    make_tool_call,
    raise_error_in,
    response_of,
)
from aiorch.providers.dialects.bedrock.asking import REDACTED
from aiorch.providers.dialects.bedrock.shapes import shaped
from aiorch.providers.failures import malformed
from aiorch.types import (
    Failure,
    FailureKind,
    FinishReason,
    Part,
    Provenance,
    Reasoning,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
)
from aiorch.types.messages import MODEL

_FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_SPOILED = frozenset({"malformed_model_output", "malformed_tool_use"})


def read_answer(answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader) -> Response:
    """The response in ``answer``.

    :raises AttemptFailed: for an error inside it, and for an answer with nothing in it.
    """
    raise_error_in(answer, read_error)
    message = as_object(as_object(answer.get("output")).get("message"))
    if not message and "stopReason" not in answer:
        raise AttemptFailed(malformed("the answer has no message"))
    tool = answer_tool(model, request)
    parts: list[Part] = []
    for item in as_list(message.get("content")):
        calls = sum(isinstance(part, ToolCall) for part in parts)
        parts += _parts(as_object(item), calls, tool, model)
    return responded(parts, answer.get("stopReason"), answer, request, model)


def answer_tool(model: str, request: Request) -> str | None:
    """The tool whose arguments are the answer, where there is one."""
    return (
        request.schema.name if request.schema is not None and shaped(model, request).way == "tool" else None
    )


def _parts(block: Mapping[str, Any], number: int, tool: str | None, model: str) -> Sequence[Part]:
    if "text" in block:
        return text_part(as_text(block["text"]))
    if "toolUse" in block:
        use = as_object(block["toolUse"])
        if use.get("type") == "server_tool_use":
            return ()  # Amazon ran it itself
        if tool is not None and use.get("name") == tool:
            return text_part(json.dumps(use.get("input"), ensure_ascii=False))
        return make_tool_call(use.get("toolUseId"), use.get("name"), use.get("input"), number)
    if "reasoningContent" in block:
        thinking = as_object(block["reasoningContent"])
        told = as_object(thinking.get("reasoningText"))
        return thought(
            as_text(told.get("text")),
            as_text(told.get("signature")),
            as_text(thinking.get("redactedContent")),
            model,
        )
    cited = as_list(as_object(block.get("citationsContent")).get("content"))
    return text_part("".join(as_text(as_object(piece).get("text")) for piece in cited))


# --- shared with streams -----------------------------------------------------------------------------------------


def text_part(text: str) -> Sequence[Part]:
    """A text, if it is one."""
    return (Text(text, MODEL),) if text else ()


def thought(text: str, signature: str, redacted: str, model: str) -> Sequence[Part]:
    """Thinking with its proof, if there is any; what came encrypted is kept as its own proof."""
    proof = REDACTED + redacted if redacted else signature or None
    # Whose it is: only its author, or a relative, can read the proof.
    return (Reasoning(text, proof, Provenance("model", model)),) if text or proof else ()


def responded(
    parts: Sequence[Part], stop: object, told: Mapping[str, Any], request: Request, model: str
) -> Response:
    """A response of these parts.

    :param stop: Converse's ``stopReason``. :param told: where usage and trace are.
    :raises AttemptFailed: when they make none.
    """
    word = as_text(stop)
    if word in _SPOILED:
        what = f"{model} wrote something that is no answer ({word})"
        raise AttemptFailed(
            Failure(FailureKind.MALFORMED, "request", what, status=200, code=word, ambiguous=True)
        )
    calls = any(isinstance(part, ToolCall) for part in parts)
    reason = _FINISH.get(word, "stop")
    if reason == "stop" and calls:
        reason = "tool_calls"
    elif reason == "tool_calls" and not calls:
        reason = "stop"  # the tool was the one that holds the answer
    trace = as_object(told.get("trace"))
    why = as_text(as_object(trace.get("guardrail")).get("actionReason"))
    return response_of(
        parts,
        reason,
        request=request,
        model=model,
        usage=usage_of(told),
        served=as_object(trace.get("promptRouter")).get("invokedModelId"),
        details={"guardrail": why} if why else {},
    )


def usage_of(told: Mapping[str, Any]) -> Usage | None:
    """The tokens that are reported; what was read from the cache, or written to it, is counted beside the input."""
    usage = as_object(told.get("usage"))
    sent, made, read, written = (
        count_of(usage.get(name))
        for name in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    )
    whole = sent + read + written
    return Usage(whole, made, cached_tokens=read) if whole or made else None
