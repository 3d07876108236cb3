"""A question in the words of Anthropic's Messages API. Pure.

Since API version 2026-10-21 it has no temperature, top_p and top_k, and it never had a seed: they are left out. For a
model that still takes one, ``Parameters.extra`` says it, with the older version in ``Parameters.headers``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.dialects.anthropic.schemas import closed
from aiorch.providers.encode import in_words
from aiorch.providers.extras import with_extra
from aiorch.providers.failures import not_sent
from aiorch.providers.spec import ProviderSpec
from aiorch.types import (
    Image,
    Message,
    Part,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)

MAX_TOKENS = 16_384
"""Sent where nobody says how long an answer may be, which this API must be told. Every model of Claude 4 and later may
write as much, and its thinking counts."""

MOST_BYTES = 32_000_000
"""Of one request, by its documentation; a larger one is refused with 413."""

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")

REDACTED = "redacted:"
"""Before the signature of thinking that came encrypted; no signature has a colon."""

# Since 5.1 a call cannot be forced: any other choice than auto and none is refused.
_FREE_TO_CHOOSE = re.compile(r"claude-[a-z]+-(?:5-\d{1,2}(?!\d)|[6-9])")
_NO_ID = re.compile(r"[^a-zA-Z0-9_-]")

JSON = dict[str, Any]


def chat_body(model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> JSON:
    """The JSON object that asks ``model`` for ``request``.

    >>> from aiorch.providers.specs import SPECS
    >>> chat_body("claude-haiku-5-5", Request((Message.user("hi"),)), SPECS["anthropic"])["messages"]
    [{'role': 'user', 'content': [{'type': 'text', 'text': 'hi'}]}]

    :raises AttemptFailed: ``bad_request``, for what has no words here.
    """
    system = [m.text for m in request.messages if m.role == "system" and m.text.strip()]
    limit = request.parameters.max_tokens
    body: JSON = {
        "model": model,
        "max_tokens": MAX_TOKENS if limit is None else limit,
        "messages": _turns(model, request.messages),
        **spec.body,
    }
    if request.schema is not None:
        shape = closed(request.schema.schema) if request.schema.strict else None
        if shape is None:
            system.append(in_words(request.schema))
        else:
            body["output_config"] = {"format": {"type": "json_schema", "schema": shape}}
    if system:
        body["system"] = "\n\n".join(system)
    if stop := [text for text in request.parameters.stop if text.strip()]:  # blank ones are refused
        body["stop_sequences"] = stop
    if request.tools:
        body["tools"] = [_tool(t) for t in request.tools]
        if (choice := _choice(request.tool_choice, model)) is not None:
            body["tool_choice"] = choice
    if stream:
        body["stream"] = True
    body = with_extra(body, request.parameters.extra)
    if (size := _bytes(request.messages)) > MOST_BYTES:
        raise AttemptFailed(not_sent(f"{spec.name} takes {MOST_BYTES:,} bytes at most, and this is {size:,}"))
    return body


# --- turns -------------------------------------------------------------------------------------------------------


def _turns(model: str, messages: Sequence[Message]) -> list[JSON]:
    """Turns of user and assistant; neighbours of one role are one turn."""
    ids = _Ids()
    now = _current(messages)
    turns: list[JSON] = []
    for n, message in enumerate(messages):
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [block for part in message.parts for block in _block(part, message, ids, model, n >= now)]
        if message.role == "system" or not blocks:
            continue
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"] += blocks
    if not turns:
        raise AttemptFailed(not_sent("there is nothing to answer: all messages are empty"))
    return [{**turn, "content": _results_first(turn["content"])} for turn in turns]


def _results_first(blocks: Sequence[JSON]) -> list[JSON]:
    """Anything before a result is refused."""
    results = [block for block in blocks if block["type"] == "tool_result"]
    return [*results, *(block for block in blocks if block["type"] != "tool_result")]


def _current(messages: Sequence[Message]) -> int:
    """Where the turn that is under way begins: what a model has thought there goes back to it, because it is not done
    with its tools. Thinking of earlier turns is not missed, and would be refused when anything before it changes.
    """
    last = max((n for n, m in enumerate(messages) if m.role == "user" and not m.tool_results), default=-1)
    return last + 1


def _block(part: Part, message: Message, ids: _Ids, model: str, current: bool) -> Sequence[JSON]:
    match part:
        case Text(text):
            return [{"type": "text", "text": text}] if text.strip() else []  # blank ones are refused
        case Image() if message.role == "user":
            return [{"type": "image", "source": _source(part)}]
        case ToolCall() if message.role == "assistant":
            arguments = dict(part.arguments) if part.raw is None else {"unparsed": part.raw}
            return [{"type": "tool_use", "id": ids.call(part.id), "name": part.name, "input": arguments}]
        case ToolResult(call_id, content, is_error) if message.role in ("user", "tool"):
            result: JSON = {"type": "tool_result", "tool_use_id": ids.result(call_id), "content": content}
            if is_error:
                result |= {"is_error": True, "content": content or "error"}  # an empty error is refused
            return [result]
        case Reasoning() if message.role == "assistant":
            wanted = current and bool(message.tool_calls) and _reads(model, part.provenance.name)
            return _thinking(part) if wanted else []
        case _:
            raise AttemptFailed(
                not_sent(f"{part.type} parts have no place in a message of the {message.role}")
            )


def _reads(model: str, author: str | None) -> bool:
    """True where ``model`` can do something with thinking that ``author`` has signed. What another Claude cannot read
    is dropped without an error; a stranger's signature is one.
    """
    return author is not None and (author == model or ("claude" in author and "claude" in model))


def _thinking(part: Reasoning) -> Sequence[JSON]:
    if not part.signature:
        return []
    if part.signature.startswith(REDACTED):
        return [{"type": "redacted_thinking", "data": part.signature.removeprefix(REDACTED)}]
    return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]


class _Ids:
    """Ids of calls as this API takes them: letters, digits, ``_`` and ``-``, each once in a conversation. Other
    providers' calls have other ids, and some have none, so that every round begins again at ``call_0``.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._open: dict[str, str] = {}

    def call(self, call_id: str) -> str:
        """A new call's."""
        plain = _NO_ID.sub("_", call_id) or "call"
        made, n = plain, 1
        while made in self._used:
            n += 1
            made = f"{plain}_{n}"
        self._used.add(made)
        self._open[call_id] = made
        return made

    def result(self, call_id: str) -> str:
        """That of the last call which was given this id."""
        return self._open.get(call_id) or _NO_ID.sub("_", call_id) or "call"


# --- pictures ----------------------------------------------------------------------------------------------------


def _source(image: Image) -> JSON:
    if image.data is None:
        url = image.url or ""
        if not url.startswith("data:"):
            return {"type": "url", "url": url}
        kind, _, data = url.removeprefix("data:").partition(";base64,")
    else:
        kind, data = image.media_type or "", base64.b64encode(image.data).decode("ascii")
    if kind.lower() not in IMAGE_TYPES:
        raise AttemptFailed(
            not_sent(f"a picture of type {kind[:40]!r} is not taken, only {', '.join(IMAGE_TYPES)}")
        )
    return {"type": "base64", "media_type": kind.lower(), "data": data}


def _bytes(messages: Sequence[Message]) -> int:
    """About the size of the request: what is written and shown."""
    size = 0
    for part in (part for message in messages for part in message.parts):
        if isinstance(part, Image):
            size += len(part.url or "") + len(part.data or b"") * 4 // 3
        elif isinstance(part, Text | ToolResult):
            size += len((part.text if isinstance(part, Text) else part.content).encode("utf-8", "replace"))
    return size


# --- tools -------------------------------------------------------------------------------------------------------


def _tool(tool: ToolSpec) -> JSON:
    schema: Mapping[str, Any] = {"type": "object", **tool.parameters}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _choice(choice: ToolChoice, model: str) -> JSON | None:
    """``None`` for ``auto``, which is what leaving it out means, and where nothing else is taken."""
    if choice.mode == "none":
        return {"type": "none"}
    if choice.mode == "auto" or _FREE_TO_CHOOSE.search(model):
        return None
    return {"type": "any"} if choice.mode == "required" else {"type": "tool", "name": choice.name}
