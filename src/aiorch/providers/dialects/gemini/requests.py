"""A question in the words of Google's generateContent. Pure."""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.encode import in_words
from aiorch.providers.extras import with_extra
from aiorch.providers.failures import not_sent
from aiorch.providers.spec import ProviderSpec
from aiorch.types import (
    Image,
    Message,
    Parameters,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)

MOST_STOPS = 5
"""Stop sequences of one request, by its reference."""
MOST_BYTES = 100_000_000
"""Of the pictures within one request, by its guide to input methods."""
IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")

UNSIGNED = "skip_thought_signature_validator"
"""In place of a signature, beside calls that another model has made: Gemini 3 and later refuse a call without one."""

_SIGNS = re.compile(r"gemini-(?:[3-9]|\d\d|(?:flash|flash-lite|pro)-latest)")
"""Models that check signatures. They alone also answer in a shape while they have tools."""
_BARE = re.compile(r"gemma-(?:[123]n?)(?!\d)")
"""Models without instructions, shapes and tools, each of which they answer with 400."""

JSON = dict[str, Any]


def chat_body(model: str, request: Request, spec: ProviderSpec) -> JSON:
    """The JSON object that asks ``model`` for ``request``.

    >>> from aiorch.providers.specs import SPECS
    >>> chat_body("gemini-3.5-flash", Request((Message.user("hi"),)), SPECS["gemini"])
    {'contents': [{'role': 'user', 'parts': [{'text': 'hi'}]}]}

    :raises AttemptFailed: ``bad_request``, for what has no words here.
    """
    bare = bool(_BARE.search(model))
    told = [m.text for m in request.messages if m.role == "system" and m.text.strip()]
    config = _config(request.parameters, spec)
    if request.schema is not None:
        if bare or not request.schema.strict or (request.tools and not _SIGNS.search(model)):
            told.append(in_words(request.schema))
        else:
            config |= {
                "responseMimeType": "application/json",
                "responseJsonSchema": dict(request.schema.schema),
            }
    contents = _contents(model, request.messages)
    if told and bare:
        contents.insert(0, {"role": "user", "parts": [{"text": text} for text in told]})
    if not contents:
        raise AttemptFailed(not_sent("there is nothing to answer: all messages are empty"))
    body: JSON = {"contents": contents, **spec.body}
    if told and not bare:
        body["systemInstruction"] = {"parts": [{"text": text} for text in told]}
    if request.tools:
        if bare:
            raise AttemptFailed(not_sent(f"{model} cannot be given tools"))
        body["tools"] = [
            {
                "functionDeclarations": [
                    {
                        "name": t.name,
                        "description": t.description,
                        "parametersJsonSchema": {"type": "object", **t.parameters},
                    }
                    for t in request.tools
                ]
            }
        ]
        if (choice := _choice(request.tool_choice)) is not None:
            body["toolConfig"] = {"functionCallingConfig": choice}
    if config:
        body["generationConfig"] = config
    return with_extra(body, request.parameters.extra)


def _config(p: Parameters, spec: ProviderSpec) -> JSON:
    if len(p.stop) > MOST_STOPS:
        raise AttemptFailed(
            not_sent(f"{spec.name} takes {MOST_STOPS} stop texts at most, and these are {len(p.stop)}")
        )
    if p.seed is not None and not -(2**31) <= p.seed < 2**31:
        raise AttemptFailed(not_sent(f"{spec.name} takes seeds of 32 bits, and {p.seed} is larger"))
    said: Mapping[str, object] = {
        "temperature": p.temperature,
        "topP": p.top_p,
        "maxOutputTokens": p.max_tokens,
        "stopSequences": list(p.stop) or None,
        "seed": p.seed,
    }
    return {name: value for name, value in said.items() if value is not None}


def _choice(choice: ToolChoice) -> JSON | None:
    """``None`` for ``auto``, which is what leaving it out means."""
    if choice.mode == "tool":
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    return {"required": {"mode": "ANY"}, "none": {"mode": "NONE"}}.get(choice.mode)


# --- contents ----------------------------------------------------------------------------------------------------


def _contents(model: str, messages: Sequence[Message]) -> list[JSON]:
    """Turns of user and model. Results of tools that follow each other are one turn, which has to answer all calls of
    the one before it.
    """
    names: dict[str, str] = {}
    now = _current(messages)
    size = 0
    turns: list[JSON] = []
    before = ""
    for n, message in enumerate(messages):
        if message.role == "system":
            continue
        parts = list(_parts(model, message, names))
        if message.role == "assistant" and n >= now and _SIGNS.search(model):
            _sign(parts)
        size += sum(len(part["inlineData"]["data"]) for part in parts if "inlineData" in part)
        if message.role == "tool" == before and parts:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
        before = message.role if parts else before
    if size > MOST_BYTES:
        raise AttemptFailed(
            not_sent(f"pictures of {MOST_BYTES:,} bytes are taken at most, and these have {size:,}")
        )
    return turns


def _current(messages: Sequence[Message]) -> int:
    """Where the turn that is under way begins: only there are signatures checked."""
    last = max((n for n, m in enumerate(messages) if m.role == "user" and not m.tool_results), default=-1)
    return last + 1


def _parts(model: str, message: Message, names: dict[str, str]) -> Iterator[JSON]:
    """:param names: of the tools that calls so far were for, by the calls' ids."""
    signature: str | None = None
    for part in message.parts:
        made: JSON
        match part:
            case Text(text):
                if not text and not signature:
                    continue
                made = {"text": text}
            case Image() if message.role == "user":
                made = _picture(part)
            case ToolCall() if message.role == "assistant":
                names[part.id] = part.name
                arguments = dict(part.arguments) if part.raw is None else {"unparsed": part.raw}
                made = {"functionCall": {"id": part.id, "name": part.name, "args": arguments}}
            case ToolResult() if message.role in ("user", "tool"):
                made = {"functionResponse": _result(part, names)}
            case Reasoning() if message.role == "assistant":
                # Signatures are their model's own, and unsigned thinking says nothing to it.
                if not part.signature or part.provenance.name != model:
                    continue
                if not part.text:
                    signature = part.signature  # of the part that follows
                    continue
                made = {"text": part.text, "thought": True, "thoughtSignature": part.signature}
            case _:
                raise AttemptFailed(
                    not_sent(f"{part.type} parts have no place in a message of the {message.role}")
                )
        if signature and "thought" not in made:
            made["thoughtSignature"], signature = signature, None
        yield made
    if signature:
        yield {"text": "", "thoughtSignature": signature}


def _sign(parts: Sequence[JSON]) -> None:
    """The first call of a step must be signed; where this model has not made it, it says so."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and "thoughtSignature" not in first:
        first["thoughtSignature"] = UNSIGNED


def _result(result: ToolResult, names: Mapping[str, str]) -> JSON:
    name = names.get(result.call_id) or result.provenance.name
    if not name:
        raise AttemptFailed(
            not_sent(f"the result {result.call_id!r} belongs to no call of this conversation")
        )
    said = {"error" if result.is_error else "output": result.content}
    return {"id": result.call_id, "name": name, "response": said}


def _picture(image: Image) -> JSON:
    if image.data is not None:
        return _inline(image.media_type or "", base64.b64encode(image.data).decode("ascii"))
    url = image.url or ""
    if url.startswith("data:"):
        kind, _, data = url.removeprefix("data:").partition(";base64,")
        return _inline(kind, data)
    kind = image.media_type or mimetypes.guess_type(url.partition("?")[0])[0]
    return {"fileData": {"fileUri": url, **({"mimeType": kind} if kind else {})}}


def _inline(kind: str, data: str) -> JSON:
    if kind.lower() not in IMAGE_TYPES:
        raise AttemptFailed(
            not_sent(f"a picture of type {kind[:40]!r} is not taken, only {', '.join(IMAGE_TYPES)}")
        )
    return {"inlineData": {"mimeType": kind.lower(), "data": data}}
