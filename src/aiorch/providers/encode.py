"""A request in OpenAI's chat dialect, bent to a provider's quirks. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, cast

from aiorch.providers.spec import ProviderSpec, Quirks
from aiorch.types import (
    Image,
    JsonSchema,
    Message,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolSpec,
)


def chat_body(model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> dict[str, Any]:
    """The JSON object that asks ``model`` for ``request``.

    >>> from aiorch.providers.specs import SPECS
    >>> chat_body("m", Request((Message.user("hi"),)), SPECS["groq"])
    {'model': 'm', 'messages': [{'role': 'user', 'content': 'hi'}]}
    """
    quirks = spec.quirks
    body: dict[str, Any] = {
        "model": model,
        "messages": [turn for message in request.messages for turn in _turns(message, quirks)],
        **spec.body,
    }
    _add_parameters(body, model, request, quirks)
    if request.tools:
        body["tools"] = [function_tool(t) for t in request.tools]
        choice = _tool_choice(request.tool_choice, quirks)
        if choice is not None and quirks.tool_choice:
            body["tool_choice"] = choice
        if quirks.parallel_tools is not None:
            body["parallel_tool_calls"] = quirks.parallel_tools
    if request.schema is not None:
        _add_schema(body, request.schema, quirks)
    if stream:
        body["stream"] = True
        if quirks.stream_usage:
            body["stream_options"] = {"include_usage": True}
    body.update(request.parameters.extra)
    return body


def _add_parameters(body: dict[str, Any], model: str, request: Request, quirks: Quirks) -> None:
    p = request.parameters
    if p.max_tokens is not None:
        body[quirks.max_tokens] = p.max_tokens
    if p.seed is not None and quirks.seed is not None:
        body[quirks.seed] = p.seed
    if quirks.no_sampling and any(fnmatchcase(model, pattern) for pattern in quirks.no_sampling):
        return
    if p.temperature is not None:
        body["temperature"] = p.temperature
    if p.top_p is not None and (quirks.greedy_top_p or p.temperature != 0):
        body["top_p"] = p.top_p
    if p.stop and quirks.stop:
        body["stop"] = list(p.stop)


# --- messages ----------------------------------------------------------------------------------------------------


def _turns(message: Message, quirks: Quirks) -> Iterator[dict[str, Any]]:
    """One message as the dialect has it; results of several tool calls become a message each."""
    if message.role == "tool":
        for result in message.tool_results:
            yield {"role": "tool", "tool_call_id": result.call_id, "content": result.content}
    elif message.role == "assistant":
        yield _assistant(message, quirks)
    else:
        yield {"role": message.role, "content": content_of(message)}


def content_of(message: Message) -> str | list[dict[str, Any]]:
    """What a message says: its text, or blocks where it shows pictures as well."""
    if not any(isinstance(p, Image) for p in message.parts):
        return message.text
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Text):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            content.append({"type": "image_url", "image_url": {"url": image_url(part)}})
    return content


def image_url(image: Image) -> str:
    """A picture's address; one that came as bytes as a data URL."""
    if image.data is None:
        return image.url or ""
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode('ascii')}"


def _assistant(message: Message, quirks: Quirks) -> dict[str, Any]:
    calls = [_call(call) for call in message.tool_calls]
    turn: dict[str, Any] = {"role": "assistant", "content": message.text}
    if not calls:
        return turn
    turn["content"] = message.text or None
    turn["tool_calls"] = calls
    if quirks.reasoning_back == "tool_turns" and message.reasoning:
        turn["reasoning_content"] = message.reasoning
    return turn


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = call.raw if call.raw is not None else json.dumps(dict(call.arguments), ensure_ascii=False)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


# --- tools and shapes --------------------------------------------------------------------------------------------


def function_tool(tool: ToolSpec) -> dict[str, Any]:
    """A tool as OpenAI has it, and many after it."""
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
    }


def _tool_choice(choice: ToolChoice, quirks: Quirks) -> str | dict[str, Any] | None:
    """``None`` for ``auto``, which is what leaving it out means."""
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    if choice.mode == "required":
        return quirks.required_tool
    return "none" if choice.mode == "none" else None


def _add_schema(body: dict[str, Any], schema: JsonSchema, quirks: Quirks) -> None:
    if quirks.schema == "json_schema":
        strict = schema.strict and not (quirks.closed_schemas and not is_closed(schema.schema))
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": schema.name, "schema": dict(schema.schema), "strict": strict},
        }
        return
    if quirks.schema == "json_object":
        body["response_format"] = {"type": "json_object"}
    say_shape(body["messages"], schema)


def say_shape(turns: list[dict[str, Any]], schema: JsonSchema) -> None:
    """Say in the system's message, which is added where there is none, which shape the answer must have."""
    said = in_words(schema)
    if turns and turns[0]["role"] == "system" and isinstance(turns[0]["content"], str):
        turns[0] = {"role": "system", "content": f"{turns[0]['content']}\n\n{said}"}
    else:
        turns.insert(0, {"role": "system", "content": said})


def in_words(schema: JsonSchema) -> str:
    """What a model is told where a shape can only be asked for."""
    shape = json.dumps(dict(schema.schema), ensure_ascii=False)
    return f"Answer with one JSON object and nothing else. It must fit this JSON schema:\n{shape}"


def is_closed(schema: object) -> bool:
    """True when every object in ``schema`` forbids other properties and requires all of its own.

    >>> is_closed({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False})
    True
    """
    if isinstance(schema, list):
        return all(is_closed(item) for item in cast("list[object]", schema))
    if not isinstance(schema, Mapping):
        return True
    own = cast("Mapping[str, Any]", schema)
    properties = own.get("properties")
    if own.get("type") == "object" or isinstance(properties, Mapping):
        names: set[str] = (
            set(cast("Mapping[str, Any]", properties)) if isinstance(properties, Mapping) else set()
        )
        if own.get("additionalProperties") is not False or names != set(own.get("required", ())):
            return False
    return all(is_closed(value) for value in own.values())
