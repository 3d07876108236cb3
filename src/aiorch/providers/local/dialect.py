"""Requests in the engine's words, and its chunks as deltas and a response."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from aiorch.errors import AttemptFailed
from aiorch.providers.local.constraints import grammar
from aiorch.providers.local.toolcalls import (
    calls_as_text,
    choice_schema,
    instructions,
    offered,
    read_choice,
    results_as_text,
)
from aiorch.types import (
    JSON,
    Delta,
    Failure,
    FailureKind,
    FinishReason,
    Image,
    Message,
    Parameters,
    Part,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from aiorch.types.messages import MODEL

Shape = Literal["text", "json", "choice"]
"""What the model was held to: nothing, a schema, or a tool call or an answer."""

_FINISH: Mapping[str, FinishReason] = {"stop": "stop", "length": "length"}


def refused(message: str, *, ambiguous: bool = False) -> AttemptFailed:
    """The request is not one that this model can be asked."""
    return AttemptFailed(Failure(FailureKind.BAD_REQUEST, "request", message, ambiguous=ambiguous))


# --- there -------------------------------------------------------------------------------------------------------


DRY_MULTIPLIER = 0.8
"""How strongly text that would go round in circles is held back: llama.cpp's "don't repeat yourself" sampler, at
the strength that its author suggests. At temperature 0 the demo model repeated a haiku's line until its tokens ran
out; with this it stopped. Lists and summaries without loops were left alone, unlike by a plain repetition penalty.
"""


def encode(request: Request, *, most: int) -> tuple[dict[str, Any], Shape]:
    """The engine's request, always streamed, and what the answer is held to.

    :param most: the longest answer where the request sets no limit, tokens.
    :raises AttemptFailed: ``bad_request``, for pictures and for schemas that cannot be held.
    """
    try:
        tools = offered(request.tools, request.tool_choice)
        told = instructions(tools, request.tool_choice) if tools else ""
        body = _parameters(request.parameters, most)
        body["messages"] = _messages(
            request.messages, told, choosing=bool(tools) and request.tool_choice.mode == "auto"
        )
        shape: Shape = "text"
        if tools:
            shape = "choice"
            body["grammar"] = grammar(choice_schema(tools, request.tool_choice, request.schema))
        elif request.schema is not None:
            shape = "json"
            body["grammar"] = grammar(request.schema.schema)
        else:
            body.setdefault("dry_multiplier", DRY_MULTIPLIER)
    except ValueError as error:  # UnusableSchema is one
        raise refused(str(error)) from error
    # a chunk a batch of the prompt, so that a request can be cancelled while its prompt is still being read
    body.update(stream=True, stream_options={"include_usage": True}, return_progress=True)
    return body, shape


def _parameters(parameters: Parameters, most: int) -> dict[str, Any]:
    limit = most if parameters.max_tokens is None else parameters.max_tokens
    body: dict[str, Any] = {**parameters.extra, "max_tokens": limit}
    for name in ("temperature", "seed", "top_p"):
        value = getattr(parameters, name)
        if value is not None:
            body[name] = value
    if parameters.stop:
        body["stop"] = list(parameters.stop)
    return body


def _messages(messages: Sequence[Message], told: str, *, choosing: bool) -> list[dict[str, str]]:
    """The conversation as text. What one side says in several messages becomes one: many templates want turns."""
    if not messages:
        raise refused("the request has no messages")
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    turns: list[tuple[str, str]] = [("system", told)] if told else []
    for message in messages:
        if any(isinstance(part, Image) for part in message.parts):
            raise refused(
                "the embedded model cannot see pictures: ask a model with vision, or leave them out"
            )
        if message.role == "tool":
            turns.append(("user", results_as_text(message, names, choosing=choosing)))
        elif message.role == "assistant":
            turns.append(("assistant", calls_as_text(message)))
        else:
            turns.append((message.role, message.text))
    if told and len(turns) > 1 and turns[1][0] == "system":  # the developer's words come before the tools
        turns[0:2] = [turns[1], turns[0]]
    merged: list[dict[str, str]] = []
    for role, text in turns:
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += "\n\n" + text
        else:
            merged.append({"role": role, "content": text})
    return merged


# --- and back ----------------------------------------------------------------------------------------------------


class Reading:
    """One answer while it comes: fed chunks, then asked for the response."""

    def __init__(self, shape: Shape) -> None:
        self._shape: Shape = shape
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish: str | None = None
        self._usage: Mapping[str, Any] = {}
        self._timings: Mapping[str, Any] = {}
        self._id: str | None = None
        self._model: str | None = None

    def feed(self, chunk: JSON) -> tuple[Delta, ...]:
        """What a chunk brings. Where the model chooses between tools, nothing is shown before it has chosen.

        :raises AttemptFailed: when the chunk is the engine's error.
        """
        if "error" in chunk:
            raise AttemptFailed(failure_of(chunk["error"]))
        self._id = chunk.get("id") or self._id
        self._model = chunk.get("model") or self._model
        self._usage = chunk.get("usage") or self._usage
        self._timings = chunk.get("timings") or self._timings
        deltas: list[Delta] = []
        for choice in cast("Sequence[Mapping[str, Any]]", chunk.get("choices") or ()):
            self._finish = choice.get("finish_reason") or self._finish
            delta = cast("Mapping[str, Any]", choice.get("delta") or {})
            if thought := delta.get("reasoning_content"):
                self._reasoning.append(thought)
                deltas.append(ReasoningDelta(thought))
            if text := delta.get("content"):
                self._text.append(text)
                if self._shape != "choice":
                    deltas.append(TextDelta(text))
        return tuple(deltas)

    def close(self) -> tuple[Delta | Response, ...]:
        """The deltas that were held back, and the response last.

        :raises AttemptFailed: when the answer is empty, broken off, or not what the model was held to.
        """
        finish = _FINISH.get(self._finish or "")
        if finish is None:
            raise _unwell(FailureKind.TRUNCATED, "upstream", "the engine stopped in the middle of the answer")
        text = "".join(self._text)
        if not text.strip() and not self._reasoning:
            raise _unwell(FailureKind.EMPTY, "model", "the model answered with nothing")
        if self._shape == "json" and finish == "stop" and not _is_json(text):
            raise _unwell(FailureKind.MALFORMED, "model", "the model did not keep to the JSON schema")
        if self._shape != "choice":
            return (self._response(finish, Text(text, MODEL)),)
        chosen = read_choice(text, self._call_id())
        if isinstance(chosen, ToolCall):
            arguments = json.dumps(chosen.arguments, ensure_ascii=False)
            return (
                ToolCallDelta(0, arguments, chosen.id, chosen.name),
                self._response("tool_calls", chosen),
            )
        if chosen is None and finish == "stop":
            raise _unwell(FailureKind.MALFORMED, "model", "the model neither called a tool nor answered")
        answer = text if chosen is None else chosen
        if not answer.strip():
            raise _unwell(FailureKind.EMPTY, "model", "the model answered with nothing")
        return (TextDelta(answer), self._response(finish, Text(answer, MODEL)))

    def _response(self, finish: FinishReason, part: Part) -> Response:
        thoughts = "".join(self._reasoning)
        parts = (*((Reasoning(thoughts),) if thoughts else ()), part)
        cached = cast("Mapping[str, Any]", self._usage.get("prompt_tokens_details") or {}).get(
            "cached_tokens"
        )
        usage = Usage(
            input_tokens=self._usage.get("prompt_tokens", 0),
            output_tokens=self._usage.get("completion_tokens", 0),
            cached_tokens=cached or 0,
        )
        details = {
            name: f"{self._timings[key]:.1f}"
            for key, name in (
                ("prompt_per_second", "prompt_tokens_per_second"),
                ("predicted_per_second", "output_tokens_per_second"),
            )
            if isinstance(self._timings.get(key), int | float)
        }
        return Response(Message("assistant", parts), finish, usage, self._model, self._id, details)

    def _call_id(self) -> str:
        return "call_" + (self._id or "local").removeprefix("chatcmpl-")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _unwell(kind: FailureKind, scope: Literal["model", "upstream"], message: str) -> AttemptFailed:
    return AttemptFailed(Failure(kind, scope, message, ambiguous=kind is FailureKind.EMPTY))


# --- what goes wrong ---------------------------------------------------------------------------------------------


def failure_of(error: Any) -> Failure:
    """The engine's error object, classified."""
    facts = cast("Mapping[str, Any]", error) if isinstance(error, Mapping) else {"message": str(error)}
    said, code = str(facts.get("message") or "the engine gave no reason"), facts.get("code")
    kind = str(facts.get("type") or "")
    status = code if isinstance(code, int) else None
    if kind == "exceed_context_size_error":
        prompt, most = facts.get("n_prompt_tokens"), facts.get("n_ctx")
        told = f"the prompt has {prompt} tokens and the embedded model's context {most}: shorten or split it"
        return Failure(FailureKind.CONTEXT, "model", told if prompt and most else said, status, kind)
    if status is not None and (400 <= status < 500 or status == 501):
        return Failure(FailureKind.BAD_REQUEST, "request", said, status, kind or None)
    return Failure(FailureKind.OVERLOADED, "upstream", said, status, kind or None)


def failure_of_exception(error: Exception) -> Failure:
    """What the engine raised, classified.

    It refuses requests by ``ValueError`` (its own checks) and ``RuntimeError`` (the model's template, pictures);
    anything else is the engine's own trouble.
    """
    said = str(error) or type(error).__name__
    if isinstance(error, ValueError | RuntimeError):
        return Failure(FailureKind.BAD_REQUEST, "request", said, ambiguous=isinstance(error, RuntimeError))
    return Failure(FailureKind.OVERLOADED, "upstream", f"the engine failed: {said}")
