"""Cohere's API v2 (docs.cohere.com, its OpenAPI document of 2026-08-20).

Where it differs from what most have: its own words for parameters, a plan beside tool calls, no way of naming the one
tool that must be called, a smaller vocabulary of JSON schemas, two counts of tokens, at most 96 texts a call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.call_ids import CallIds
from aiorch.providers.decode import (
    ErrorReader,
    as_list,
    as_object,
    as_text,
    make_tool_call,
    raise_error_in,
    response_of,
)
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing, ListSaysAll
from aiorch.providers.dialects.cohere_answers import finish_of, tokens_of, usage_of
from aiorch.providers.dialects.cohere_shapes import loosened
from aiorch.providers.dialects.cohere_stream import CohereReader
from aiorch.providers.encode import content_of, function_tool, say_shape
from aiorch.providers.extras import with_extra
from aiorch.providers.failures import malformed, not_sent
from aiorch.providers.listing import read_models
from aiorch.providers.spec import ProviderSpec
from aiorch.types import (
    Message,
    ModelCard,
    Parameters,
    Part,
    Reasoning,
    Request,
    Response,
    Text,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from aiorch.types.messages import MODEL

TEXTS_A_CALL = 96
"""The most that ``/v2/embed`` takes."""


class Cohere(ListSaysAll):
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    framing: Framing = "sse"

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question. :raises AttemptFailed: when a tool must be called that is not offered."""
        ids = CallIds()
        turns = [turn for message in request.messages for turn in _turns(message, ids)]
        body: dict[str, Any] = {"model": model, "messages": turns, **spec.body}
        _add_parameters(body, request.parameters)
        tools = _offered(request.tools, request.tool_choice)
        if tools:
            body["tools"] = [function_tool(tool) for tool in tools]
            if request.tool_choice.mode != "auto":
                body["tool_choice"] = "NONE" if request.tool_choice.mode == "none" else "REQUIRED"
        if request.schema is not None:
            if not tools:
                # Beside tools it would leave no way to call one.
                shape = {"type": "json_object", "json_schema": loosened(request.schema.schema)}
                body["response_format"] = shape
            say_shape(turns, request.schema)  # asked for JSON and not told so, a model may never end
        if stream:
            body["stream"] = True
        return Call(spec.chat_path, with_extra(body, request.parameters.extra))

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer. The tokens of ``usage`` are those that are billed."""
        raise_error_in(answer, read_error)
        if not isinstance(answer.get("message"), dict):
            raise AttemptFailed(malformed("the answer has no message"))
        message = as_object(answer["message"])
        return response_of(
            _parts(message),
            finish_of(answer.get("finish_reason"), bool(as_list(message.get("tool_calls")))),
            usage=usage_of(answer.get("usage")),
            request=request,
            model=model,
            answer_id=answer.get("id"),
            details=tokens_of(answer.get("usage")),
        )

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> CohereReader:
        """For an answer in pieces."""
        return CohereReader(request, model, read_error)

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """One page of ``/v1/models``."""
        return read_models(body, spec, now)

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """As many calls as it takes."""
        path = spec.embeddings_path or "/v2/embed"
        # The kind of text must be named; what is compared with each other must have the same.
        asked = {"model": model, "input_type": "search_document", "embedding_types": ["float"]}
        batches = (texts[at : at + TEXTS_A_CALL] for at in range(0, len(texts), TEXTS_A_CALL))
        return [EmbedCall(path, {**asked, "texts": list(batch)}, len(batch)) for batch in batches]

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """In the order of the texts."""
        raise_error_in(answer, read_error)
        found = as_list(as_object(answer.get("embeddings")).get("float"))
        made = [
            [float(n) for n in as_list(v) if isinstance(n, int | float) and not isinstance(n, bool)]
            for v in found
        ]
        whole = all(v and len(v) == len(as_list(told)) for v, told in zip(made, found, strict=True))
        if len(made) != count or not whole:
            raise AttemptFailed(malformed(f"{count} texts were sent and {len(made)} vectors came back"))
        return made


# --- the question ------------------------------------------------------------------------------------------------


def _turns(message: Message, ids: CallIds) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        for result in message.tool_results:
            yield {"role": "tool", "tool_call_id": ids.result(result.call_id), "content": result.content}
    elif message.role == "assistant" and message.tool_calls:
        turn: dict[str, Any] = {
            "role": "assistant",
            # An id that comes twice in a conversation is refused.
            "tool_calls": [_call(call, ids.call(call.id)) for call in message.tool_calls],
        }
        if message.reasoning:
            turn["tool_plan"] = message.reasoning
        if message.text:
            turn["content"] = message.text
        yield turn
    else:
        yield {"role": message.role, "content": content_of(message)}


def _call(call: ToolCall, call_id: str) -> dict[str, Any]:
    arguments = call.raw if call.raw is not None else json.dumps(dict(call.arguments), ensure_ascii=False)
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _add_parameters(body: dict[str, Any], p: Parameters) -> None:
    if p.temperature is not None:
        body["temperature"] = min(p.temperature, 1.0)  # its highest; elsewhere that is 2
    if p.top_p is not None:
        body["p"] = min(max(p.top_p, 0.01), 0.99)  # 0 and 1 are refused
    if p.max_tokens is not None:
        body["max_tokens"] = p.max_tokens
    if p.seed is not None:
        body["seed"] = p.seed
    if p.stop:
        body["stop_sequences"] = list(p.stop)


def _offered(tools: Sequence[ToolSpec], choice: ToolChoice) -> Sequence[ToolSpec]:
    """The tools, or the one that must be called: it cannot be named, so it is offered alone."""
    if choice.mode != "tool" or not tools:
        return tools
    named = [tool for tool in tools if tool.name == choice.name]
    if not named:
        raise AttemptFailed(not_sent(f"the tool {choice.name!r} must be called and is not offered"))
    return named


# --- the answer --------------------------------------------------------------------------------------------------


def _parts(message: Mapping[str, Any]) -> list[Part]:
    blocks = [as_object(block) for block in as_list(message.get("content"))]
    thinking = as_text(message.get("tool_plan"))
    thinking += "".join(as_text(b.get("thinking")) for b in blocks if b.get("type") == "thinking")
    text = "".join(as_text(b.get("text")) for b in blocks if b.get("type") == "text")
    parts: list[Part] = [Reasoning(thinking)] if thinking else []
    if text:
        parts.append(Text(text, MODEL))
    for number, told in enumerate(as_list(message.get("tool_calls"))):
        function = as_object(as_object(told).get("function"))
        made = (as_object(told).get("id"), function.get("name"), function.get("arguments"))
        parts += make_tool_call(*made, number)
    return parts


DIALECT: Dialect = Cohere()
