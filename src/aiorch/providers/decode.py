"""An answer in OpenAI's chat dialect, whole: read once, defensively, into a :class:`~aiorch.types.Response`.

Whatever the shape, the result is a response or :class:`~aiorch.errors.AttemptFailed`; no other exception.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.providers.failures import empty, ended_in_error, filtered, malformed
from aiorch.types import (
    Failure,
    FinishReason,
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
)
from aiorch.types.messages import MODEL

CHARACTERS_A_TOKEN = 4
"""The usual rule of thumb for English text, used only where a provider reports no usage."""

ErrorReader = Callable[[object], Failure]
"""Classifies an error object found inside an answer."""

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "time_limit": "length",  # watsonx
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "prohibited_content": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "spii": "content_filter",
    "refusal": "content_filter",
}
_first_value = json.JSONDecoder().raw_decode
_FAILED = frozenset({"error", "insufficient_system_resource", "abort", "engine_overloaded", "cancelled"})


# --- the whole answer --------------------------------------------------------------------------------------------


def parse_json(body: bytes) -> Mapping[str, Any]:
    """The JSON object in ``body``. :raises AttemptFailed: when it holds anything else."""
    try:
        value: object = _read(body)
    except (ValueError, RecursionError):
        start = body[:200].lstrip().lower()
        what = "a web page" if start.startswith((b"<!doctype", b"<html", b"<head", b"<")) else "no valid JSON"
        raise AttemptFailed(
            malformed(f"the answer is {what}" if body.strip() else "the answer is empty")
        ) from None
    if not isinstance(value, dict):
        raise AttemptFailed(malformed("the answer is JSON, but not an object"))
    return cast("dict[str, Any]", value)


def _read(body: bytes) -> object:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return json.loads(body)  # which knows other encodings
    return read_json(text)


def read_json(text: str) -> object:
    """As :func:`json.loads`, without what it does around its scanner. :raises ValueError: :raises RecursionError:"""
    if not text.startswith("{"):
        return json.loads(text)
    found: tuple[object, int] = _first_value(text)
    return found[0] if found[1] == len(text) else json.loads(text)


def read_response(
    answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
) -> Response:
    """The response in ``answer``.

    :raises AttemptFailed: for an error inside it, for no choices and for an answer with nothing in it.
    """
    raise_error_in(answer, read_error)
    choice = first_choice(answer)
    if choice is None:
        raise AttemptFailed(malformed("the answer has no choices"))
    raise_error_in(choice, read_error)
    message = as_object(choice.get("message"))
    called = message.get("tool_calls")
    calls = (
        [part for n, call in enumerate(as_list(called)) for part in _tool_call(as_object(call), n)]
        if called
        else ()
    )
    content = message.get("content")
    return assemble(
        text=text_of(content) or (as_text(choice.get("text")) if not message else ""),
        reasoning=reasoning_of(message),
        calls=calls,
        refusal=as_text(message.get("refusal")),
        finish=choice.get("finish_reason"),
        usage=read_usage(answer),
        request=request,
        model=model,
        answer=answer,
    )


def raise_error_in(holder: Mapping[str, Any], read_error: ErrorReader) -> None:
    """:raises AttemptFailed: when ``holder`` carries an error object."""
    if carries_error(holder):
        raise AttemptFailed(read_error(holder))
    if "choices" not in holder and "message" in holder and isinstance(holder["message"], str):
        raise AttemptFailed(read_error(holder))


def carries_error(holder: Mapping[str, Any]) -> bool:
    """True for an error object, and for MiniMax's status of another number than 0."""
    return bool(holder.get("error") or as_object(holder.get("base_resp")).get("status_code"))


def assemble(
    *,
    text: str,
    reasoning: str,
    calls: Sequence[Part],
    refusal: str,
    finish: object,
    usage: Usage | None,
    request: Request,
    model: str,
    answer: Mapping[str, Any],
) -> Response:
    """A response of these pieces, if they make one.

    :param answer: where id, model and host are read.
    :raises AttemptFailed:
    """
    upstream = answer.get("provider")
    host = upstream if isinstance(upstream, str) and upstream else None
    word = finish.casefold() if isinstance(finish, str) else ""
    if word in _FAILED:
        raise AttemptFailed(ended_in_error(word, host))
    reason: FinishReason = _FINISH.get(word, "stop")
    if calls and reason == "stop" and any(isinstance(c, ToolCall) for c in calls):
        reason = "tool_calls"
    parts: list[Part] = []
    if reasoning:
        parts.append(Reasoning(reasoning))
    if text:
        parts.append(Text(text, MODEL))
    served, answer_id = answer.get("model"), answer.get("id")
    return response_of(
        [*parts, *calls],
        reason,
        refusal=refusal,
        usage=usage,
        request=request,
        model=model,
        served=served,
        answer_id=answer_id,
        details={"upstream": host} if host else {},
    )


def response_of(
    parts: Sequence[Part],
    reason: FinishReason,
    *,
    request: Request,
    model: str,
    usage: Usage | None = None,
    refusal: str = "",
    served: object = None,
    answer_id: object = None,
    details: Mapping[str, str] | None = None,
) -> Response:
    """A response of parts in their order, if there is something to read in them.

    :param usage: ``None`` is estimated. :param served: the id that the provider says answered, where it says so.
    :raises AttemptFailed:
    """
    message = Message("assistant", tuple(parts))
    if not message.text and not message.tool_calls:
        if refusal or reason == "content_filter":
            raise AttemptFailed(
                filtered(refusal[:300] or "a filter stopped the answer before its first word")
            )
        # Out of tokens while still thinking is an answer that is too short, not one that is missing.
        if reason != "length":
            raise AttemptFailed(empty(model))
    return Response(
        message,
        reason,
        usage if usage is not None else estimated_usage(request, message),
        model=served if isinstance(served, str) else None,
        id=answer_id if isinstance(answer_id, str) else None,
        details=details or {},
    )


# --- its pieces --------------------------------------------------------------------------------------------------


def as_object(value: object) -> Mapping[str, Any]:
    """``value`` if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """``value`` if it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else ()


def as_text(value: object) -> str:
    """``value`` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def first_choice(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first choice; ``None`` where there is none."""
    choices = as_list(answer.get("choices"))
    return as_object(choices[0]) or None if choices else None


def text_of(content: object) -> str:
    """The text of a message's content: a string, a list of parts (Mistral's reasoning models), or a number where the
    answer is one (Cloudflare).
    """
    if isinstance(content, str):
        return content
    if isinstance(content, int | float) and not isinstance(content, bool):
        return json.dumps(content)
    parts = [as_object(p) for p in as_list(content)]
    return "".join(as_text(p.get("text")) for p in parts if p.get("type") in ("text", "output_text"))


def reasoning_of(message: Mapping[str, Any]) -> str:
    """A model's thinking, wherever it was put."""
    for name in ("reasoning_content", "reasoning"):
        said = message.get(name)
        if said and isinstance(said, str):
            return said
    if "reasoning_details" not in message and not isinstance(message.get("content"), list):
        return ""
    details = [as_object(d) for d in as_list(message.get("reasoning_details"))]  # MiniMax has nothing else
    told = "".join(as_text(d.get("text")) for d in details)
    if told:
        return told
    thinking = [
        as_object(p) for p in as_list(message.get("content")) if as_object(p).get("type") == "thinking"
    ]
    return "".join(as_text(p.get("thinking")) or text_of(p.get("thinking")) for p in thinking)


def _tool_call(call: Mapping[str, Any], number: int) -> Sequence[Part]:
    function = as_object(call.get("function"))
    return make_tool_call(call.get("id"), function.get("name"), function.get("arguments"), number)


def make_tool_call(call_id: object, name: object, arguments: object, number: int) -> tuple[ToolCall]:
    """A tool call. :raises AttemptFailed: when it names no tool.

    Arguments that are no JSON object are kept as they are in ``raw``.
    """
    if not isinstance(name, str) or not name:
        raise AttemptFailed(malformed("the answer has a tool call that names no tool"))
    parsed: object = arguments
    raw: str | None = None
    if isinstance(arguments, str):
        try:
            parsed = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            parsed = None
    if arguments is None:
        parsed = {}
    if not isinstance(parsed, dict):
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        parsed = {}
    return (ToolCall(as_text(call_id) or f"call_{number}", name, cast("dict[str, Any]", parsed), raw),)


# --- usage -------------------------------------------------------------------------------------------------------


_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})


def read_usage(answer: Mapping[str, Any]) -> Usage | None:
    """The tokens that the provider reports; ``None`` when it reports none."""
    usage = as_object(answer.get("usage")) or as_object(as_object(answer.get("x_groq")).get("usage"))
    if not usage:
        return None
    sent, made = count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens"))
    total = count_of(usage.get("total_tokens"))
    if not (sent or made or total):
        return None
    # Gemini leaves thinking out of completion_tokens but counts it in the total.
    made = max(made, total - sent)
    if _COUNTS.issuperset(usage):  # nothing else to look for
        return Usage(sent, made)
    details = as_object(usage.get("completion_tokens_details"))
    cached = count_of(as_object(usage.get("prompt_tokens_details")).get("cached_tokens")) or count_of(
        usage.get("prompt_cache_hit_tokens")
    )
    return Usage(sent, made, min(made, count_of(details.get("reasoning_tokens"))), min(sent, cached))


def count_of(value: object) -> int:
    """A number of tokens; 0 for what is none."""
    if type(value) is int:
        return value if value > 0 else 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, int(value))


def estimated_usage(request: Request, message: Message) -> Usage:
    """A guess from the number of characters, marked as one."""
    return Usage(
        _tokens(request.messages), _tokens((message,)), _tokens_of(message.reasoning), estimated=True
    )


def _tokens(messages: Sequence[Message]) -> int:
    characters = 0
    for message in messages:
        for part in message.parts:
            match part:
                case Text(text) | Reasoning(text):
                    characters += len(text)
                case ToolCall():
                    characters += len(part.name) + len(part.raw or json.dumps(dict(part.arguments)))
                case Image():
                    pass  # nobody can tell: providers count pictures by their own rules
                case _:
                    characters += len(part.content)
    return -(-characters // CHARACTERS_A_TOKEN)


def _tokens_of(text: str) -> int:
    return -(-len(text) // CHARACTERS_A_TOKEN)


# --- embeddings --------------------------------------------------------------------------------------------------


def read_vectors(
    answer: Mapping[str, Any], wanted: int, read_error: ErrorReader
) -> Sequence[Sequence[float]]:
    """The vectors in the order of the texts. :raises AttemptFailed: when there are not ``wanted`` of them."""
    raise_error_in(answer, read_error)
    found: dict[int, Sequence[float]] = {}
    for position, item in enumerate(as_list(answer.get("data"))):
        entry = as_object(item)
        index, vector = entry.get("index", position), as_list(entry.get("embedding"))
        numbers = [float(v) for v in vector if isinstance(v, int | float) and not isinstance(v, bool)]
        if isinstance(index, int) and numbers and len(numbers) == len(vector):
            found[index] = numbers
    if set(found) != set(range(wanted)):
        raise AttemptFailed(malformed(f"{wanted} texts were sent and {len(found)} vectors came back"))
    return [found[n] for n in range(wanted)]
