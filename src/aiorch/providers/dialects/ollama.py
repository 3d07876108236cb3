"""Ollama's own API (its OpenAPI document and source of 2026-08-21).

Unlike its OpenAI-compatible side it says what a model can do and how long a text it takes, refuses a prompt that is
too long instead of cutting it (see the row), and tells how long loading, reading and writing took.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import ErrorReader, as_list, as_object, as_text, raise_error_in
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing
from aiorch.providers.dialects.ollama_stream import OllamaReader
from aiorch.providers.encode import function_tool, say_shape
from aiorch.providers.extras import with_extra
from aiorch.providers.failures import malformed, not_sent
from aiorch.providers.listing import read_models
from aiorch.providers.spec import ProviderSpec
from aiorch.types import (
    Capabilities,
    Image,
    Message,
    ModelCard,
    Parameters,
    Request,
    Response,
    ToolChoice,
    ToolSpec,
)

_WINDOW = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)


class Ollama:
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    framing: Framing = "ndjson"

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question. :raises AttemptFailed: for pictures by address, and a tool that is not offered."""
        turns = list(_turns(request.messages))
        body: dict[str, Any] = {"model": model, "messages": turns, "stream": stream, **spec.body}
        options = _options(request.parameters)
        if options:
            body["options"] = options
        tools = _offered(request.tools, request.tool_choice)
        if tools:
            body["tools"] = [function_tool(tool) for tool in tools]
        if request.schema is not None:
            if not tools and spec.quirks.schema == "json_schema":
                # It binds the whole answer, so beside tools it would leave no way to call one.
                body["format"] = dict(request.schema.schema)
            say_shape(turns, request.schema)
        return Call(spec.chat_path, with_extra(body, request.parameters.extra))

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer: the one and only line of a stream."""
        reader = OllamaReader(request, model, read_error)
        raise_error_in(answer, read_error)
        if not isinstance(answer.get("message"), dict):
            raise AttemptFailed(malformed("the answer has no message"))
        reader.take(answer)
        return reader.response()

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> OllamaReader:
        """For an answer in pieces."""
        return OllamaReader(request, model, read_error)

    # --- its models ----------------------------------------------------------------------------------------------

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """``/api/tags``: what is installed, or what the cloud has."""
        try:
            parsed: object = json.loads(body)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(as_object(parsed).get("models"), list):
            raise AttemptFailed(malformed("the list of models holds no list of models"))
        told = {
            model: item
            for item in map(as_object, as_list(as_object(parsed)["models"]))
            if (model := as_text(item.get("model")) or as_text(item.get("name")))
        }
        plain = [
            {"id": model, "context_length": as_object(item.get("details")).get("context_length")}
            for model, item in told.items()
        ]
        cards = read_models(json.dumps({"models": plain}).encode(), spec, now)
        return [_told(card, told.get(card.model, {}), spec) for card in cards]

    def about(self, card: ModelCard, spec: ProviderSpec) -> Call | None:
        """What it can do and how much it takes, where the list of an older server does not say so."""
        if card.context is not None and card.capabilities.chat is not None:
            return None
        return Call("/api/show", {"model": card.model})

    def enriched(self, card: ModelCard, answer: Mapping[str, Any]) -> ModelCard:
        """With what ``/api/show`` says."""
        info = as_object(answer.get("model_info"))
        longest = _whole(info.get(f"{as_text(info.get('general.architecture'))}.context_length"))
        fixed = _WINDOW.search(as_text(answer.get("parameters")))  # what its maker set for it is what it gets
        window = int(fixed[1]) if fixed else longest
        return replace(
            card,
            context=min(window, longest) if window and longest else window or longest or card.context,
            capabilities=_capabilities(answer, card.capabilities),
            inputs=_inputs(answer) or card.inputs,
            parameters=_whole(info.get("general.parameter_count")) or card.parameters,
        )

    # --- vectors -------------------------------------------------------------------------------------------------

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """One call for all."""
        path = spec.embeddings_path or "/api/embed"
        return (EmbedCall(path, {"model": model, "input": list(texts)}, len(texts)),)

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """In the order of the texts."""
        raise_error_in(answer, read_error)
        found = [as_list(v) for v in as_list(answer.get("embeddings"))]
        made = [
            [float(n) for n in v if isinstance(n, int | float) and not isinstance(n, bool)] for v in found
        ]
        whole = all(v and len(v) == len(told) for v, told in zip(made, found, strict=True))
        if len(made) != count or not whole:
            raise AttemptFailed(malformed(f"{count} texts were sent and {len(made)} vectors came back"))
        return made


# --- the question ------------------------------------------------------------------------------------------------


def _turns(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    names: dict[str, str] = {}  # of the calls so far; another provider's ids may begin again in every round
    for message in messages:
        names.update((call.id, call.name) for call in message.tool_calls)
        for result in message.tool_results:
            turn = {"role": "tool", "content": result.content, "tool_call_id": result.call_id}
            if result.call_id in names:
                turn["tool_name"] = names[result.call_id]  # which many of its templates go by
            yield turn
        if message.role != "tool":
            yield _turn(message)


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    pictures = [_picture(part) for part in message.parts if isinstance(part, Image)]
    if pictures:
        turn["images"] = pictures
    if message.tool_calls:
        turn["tool_calls"] = [
            {"id": call.id, "function": {"index": n, "name": call.name, "arguments": dict(call.arguments)}}
            for n, call in enumerate(message.tool_calls)
        ]
        if message.reasoning:
            turn["thinking"] = message.reasoning  # some go on with it after the tools have answered
    return turn


def _picture(image: Image) -> str:
    if image.data is None:
        raise AttemptFailed(not_sent("Ollama takes pictures as bytes, and one is given by its address"))
    return base64.b64encode(image.data).decode("ascii")


def _options(p: Parameters) -> dict[str, Any]:
    named = {
        "temperature": p.temperature,
        "top_p": p.top_p,
        "seed": p.seed,
        "num_predict": p.max_tokens,
        "stop": list(p.stop) or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _offered(tools: Sequence[ToolSpec], choice: ToolChoice) -> Sequence[ToolSpec]:
    """There is no way to say whether or which tool must be called; leaving tools out says which must not."""
    if choice.mode == "none":
        return ()
    if choice.mode != "tool" or not tools:
        return tools
    named = [tool for tool in tools if tool.name == choice.name]
    if not named:
        raise AttemptFailed(not_sent(f"the tool {choice.name!r} must be called and is not offered"))
    return named


# --- what is known of a model ------------------------------------------------------------------------------------


def _told(card: ModelCard, item: Mapping[str, Any], spec: ProviderSpec) -> ModelCard:
    made = replace(
        card, capabilities=_capabilities(item, card.capabilities), inputs=_inputs(item) or card.inputs
    )
    if spec.local and item.get("remote_host"):
        # Listed here and run elsewhere, under somebody else's terms.
        return replace(made, free="unknown", price=None)
    return made


def _capabilities(told: Mapping[str, Any], known: Capabilities) -> Capabilities:
    """What a model can do, by the words of ``capabilities``; they name all, so what is missing is refused."""
    named = {as_text(word) for word in as_list(told.get("capabilities"))}
    if not named:
        return known
    chat = "completion" in named
    return replace(
        known,
        tools="tools" in named,
        vision="vision" in named,
        reasoning="thinking" in named,
        chat=chat,
        embeddings="embedding" in named,
        streaming=True if chat else None,
        json_schema=True if chat and not told.get("remote_host") else None,
    )


def _inputs(told: Mapping[str, Any]) -> tuple[str, ...] | None:
    named = {as_text(word) for word in as_list(told.get("capabilities"))}
    if not named:
        return None
    kinds = (("audio", "audio"), ("image", "vision"), ("text", "completion"), ("text", "embedding"))
    return tuple(sorted({kind for kind, word in kinds if word in named})) or None


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return int(value)


DIALECT: Dialect = Ollama()
