"""A request in the words of Converse. Pure.

Source of the words: the API reference of the Bedrock runtime, as botocore 1.44 models it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from aiorch.errors import AttemptFailed
from aiorch.providers.call_ids import CallIds
from aiorch.providers.dialects.bedrock.shapes import Shaped, obeys, shaped
from aiorch.providers.encode import in_words
from aiorch.providers.extras import with_extra
from aiorch.providers.failures import not_sent
from aiorch.providers.spec import ProviderSpec
from aiorch.types import Image, Message, Part, Reasoning, Request, Text, ToolCall, ToolResult

REDACTED = "redacted:"
"""Before the signature of thinking that came encrypted, as for Anthropic; Converse has it in a field of its own."""

_FIELDS = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "inferenceConfig",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "toolConfig",
    }
)
"""Converse's own. What else ``Parameters.extra`` holds is for the model behind it."""
_FORMATS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}

Block = dict[str, Any]


def path_of(template: str, model: str) -> str:
    """The path of a model. An id may hold a colon, and as an ARN slashes.

    >>> path_of("/model/{model}/converse", "amazon.nova-micro-v1:0")
    '/model/amazon.nova-micro-v1%3A0/converse'
    """
    return template.replace("{model}", quote(model, safe=""))


def converse_body(model: str, request: Request, spec: ProviderSpec) -> dict[str, Any]:
    """The JSON object that asks ``model`` for ``request``.

    :raises AttemptFailed: ``bad_request``, for what has no words here.
    """
    shape = shaped(model, request)
    system: list[Block] = [
        {"text": m.text} for m in request.messages if m.role == "system" and m.text.strip()
    ]
    body: dict[str, Any] = {"messages": _turns(model, request.messages), **spec.body}
    if request.schema is not None and shape.way == "words":
        system.append({"text": in_words(request.schema)})
    if request.schema is not None and shape.way == "native":
        # The schema goes as a text.
        asked = {"name": request.schema.name, "schema": json.dumps(shape.schema)}
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": asked}}}
    if system:
        body["system"] = system
    if inference := _inference(model, request, spec):
        body["inferenceConfig"] = inference
    if tools := _tools(model, request, shape):
        body["toolConfig"] = tools
    extra = request.parameters.extra
    body = with_extra(body, {name: value for name, value in extra.items() if name in _FIELDS})
    for_model = {name: value for name, value in extra.items() if name not in _FIELDS}
    return with_extra(body, {"additionalModelRequestFields": for_model}) if for_model else body


def _inference(model: str, request: Request, spec: ProviderSpec) -> dict[str, Any]:
    """Seeds have no place here: each model has its own field, if any."""
    p = request.parameters
    made: dict[str, Any] = {}
    if p.max_tokens is not None:
        made["maxTokens"] = p.max_tokens
    if stop := [text for text in p.stop if text]:
        made["stopSequences"] = stop
    if any(fnmatchcase(model, pattern) for pattern in spec.quirks.no_sampling):
        return made
    if p.temperature is not None:
        made["temperature"] = p.temperature
    if p.top_p is not None and (spec.quirks.greedy_top_p or p.temperature is None):
        made["topP"] = p.top_p
    return made


# --- messages ----------------------------------------------------------------------------------------------------


def _turns(model: str, messages: Sequence[Message]) -> list[Block]:
    """The turns of user and assistant, each after the other's; the results of tools are the user's, and come first."""
    ids, now = CallIds(), _current(messages)
    turns: list[Block] = []
    for n, message in enumerate(messages):
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        thinks = n >= now and bool(message.tool_calls)
        blocks = [block for part in message.parts for block in _blocks(part, ids, model if thinks else None)]
        if not blocks:
            continue  # a block without text is refused, and so is a turn without a block
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"] += blocks
    for turn in turns:
        if turn["role"] == "user":
            turn["content"].sort(key=_is_no_result)
    if not turns:
        raise AttemptFailed(not_sent("there is nothing to answer: all messages are empty"))
    return turns


def _is_no_result(block: Block) -> bool:
    return "toolResult" not in block


def _current(messages: Sequence[Message]) -> int:
    """Where the turn that is under way begins: what was thought since then goes back, the model is not done yet."""
    last = max((n for n, m in enumerate(messages) if m.role == "user" and not m.tool_results), default=-1)
    return last + 1


def _blocks(part: Part, ids: CallIds, thinker: str | None) -> Iterator[Block]:
    """:param thinker: the model to which thinking goes back; ``None`` = not."""
    match part:
        case Text(text):
            if text.strip():
                yield {"text": text}
        case Image():
            yield {"image": _image(part)}
        case Reasoning(text, signature):
            if signature is None or thinker is None or not _reads(thinker, part.provenance.name):
                return
            if signature.startswith(REDACTED):
                yield {"reasoningContent": {"redactedContent": signature.removeprefix(REDACTED)}}
            else:
                yield {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
        case ToolCall():
            given = {"unparsed": part.raw} if part.raw is not None else dict(part.arguments)
            yield {"toolUse": {"toolUseId": ids.call(part.id), "name": part.name, "input": given}}
        case ToolResult(call_id, content, is_error):
            said = content or ("error" if is_error else "")
            result: Block = {"toolUseId": ids.result(call_id), "content": [{"text": said}] if said else []}
            if is_error:
                result["status"] = "error"  # said only where it is so: not every model takes it
            yield {"toolResult": result}


def _reads(model: str, author: str | None) -> bool:
    """True where ``model`` can do something with thinking that ``author`` signed; a stranger's signature is refused."""
    return author is not None and (author == model or ("claude" in author and "claude" in model))


def _image(image: Image) -> Block:
    url = image.url or ""
    if url.startswith("s3://"):
        ending = url.rpartition(".")[2].lower()
        kind = _FORMATS.get(f"image/{'jpeg' if ending == 'jpg' else ending}")
        source: Block = {"s3Location": {"uri": url}}
    else:
        media_type, data = image.media_type or "", image.data
        if url.startswith("data:"):
            media_type, _, encoded = url.removeprefix("data:").partition(";base64,")
            data = _decoded(encoded)
        if data is None:
            raise AttemptFailed(
                not_sent("Bedrock takes pictures as bytes or from s3://, not from an address")
            )
        kind = _FORMATS.get(media_type.lower())
        source = {"bytes": base64.b64encode(data).decode("ascii")}
    if kind is None:
        raise AttemptFailed(not_sent("Bedrock takes pictures that are PNG, JPEG, GIF or WebP"))
    return {"format": kind, "source": source}


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True) or None
    except (binascii.Error, ValueError):
        return None


# --- tools -------------------------------------------------------------------------------------------------------


def _tools(model: str, request: Request, shape: Shaped) -> Block | None:
    choice = request.tool_choice
    called = {call.name for m in request.messages for call in m.tool_calls}
    # There is no other way to forbid calls, and none at all once there were some.
    given = request.tools if choice.mode != "none" or called else ()
    tools = [_tool(t.name, t.description, t.parameters) for t in given]
    # What was called must be described, also where it is not offered any more.
    tools += [_tool(name, "", {"type": "object"}) for name in sorted(called - {t.name for t in given})]
    picked: Block | None = None
    if shape.way == "tool" and request.schema is not None:
        may_call = bool(given) and choice.mode != "none"
        picked = {"any": {}} if may_call else {"tool": {"name": request.schema.name}}
        tools.append(_tool(request.schema.name, "Gives the answer.", request.schema.schema))
    elif choice.mode in ("required", "tool") and obeys(model):
        picked = {"any": {}} if choice.mode == "required" else {"tool": {"name": choice.name}}
    if not tools:
        return None
    return {"tools": tools, "toolChoice": picked} if picked else {"tools": tools}


def _tool(name: str, description: str, parameters: Mapping[str, Any]) -> Block:
    made: Block = {"name": name, "inputSchema": {"json": dict(parameters)}}
    if description.strip():
        made["description"] = description
    return {"toolSpec": made}
