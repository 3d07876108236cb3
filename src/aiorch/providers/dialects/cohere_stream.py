"""An answer of Cohere's API v2 that comes in typed events: each into deltas, all of them into a response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent
from aiorch.providers.decode import ErrorReader, as_object, as_text, make_tool_call, response_of
from aiorch.providers.dialects.cohere_answers import finish_of, tokens_of, usage_of
from aiorch.providers.failures import malformed, truncated
from aiorch.types import (
    Delta,
    Part,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    Text,
    TextDelta,
    ToolCallDelta,
)
from aiorch.types.messages import MODEL


@dataclass(slots=True)
class _Call:
    """A tool call that is being written."""

    key: object
    """Cohere's index of it."""
    id: str
    name: str
    arguments: list[str] = field(default_factory=list[str])


class CohereReader:
    """See :class:`~aiorch.providers.dialect.Reader`. Citations and whatever else is not an answer are passed over."""

    __slots__ = (
        "_calls",
        "_finish",
        "_id",
        "_model",
        "_read_error",
        "_reasoning",
        "_request",
        "_text",
        "_usage",
    )

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        self._request = request
        self._model = model
        self._read_error = read_error
        self._id: object = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_Call] = []
        self._finish: str | None = None
        self._usage: object = None

    @property
    def finished(self) -> bool:
        """True once the message has ended; its last event brings the usage, too."""
        return self._finish is not None

    def feed(self, event: ServerSentEvent) -> list[Delta]:
        """The deltas of one event. :raises AttemptFailed: for an error in it, or when it is not JSON."""
        if not event.data.strip() or event.data.strip() == "[DONE]":
            return []
        try:
            parsed: object = json.loads(event.data)
        except (ValueError, RecursionError):
            raise AttemptFailed(malformed("the stream holds something that is not JSON")) from None
        if not isinstance(parsed, dict):
            raise AttemptFailed(malformed("the stream holds something that is not a JSON object"))
        told = cast("dict[str, Any]", parsed)
        kind = as_text(told.get("type"))
        if event.event == "error" or told.get("error") or (not kind and "message" in told):
            raise AttemptFailed(self._read_error(told))
        delta = as_object(told.get("delta"))
        message = as_object(delta.get("message"))
        match kind:
            case "message-start":
                self._id = told.get("id")
            case "content-start" | "content-delta":
                return self._content(as_object(message.get("content")))
            case "tool-plan-delta":
                return self._thinking(as_text(message.get("tool_plan")))
            case "tool-call-start":
                return self._begun(told.get("index"), as_object(message.get("tool_calls")))
            case "tool-call-delta":
                return self._written(told.get("index"), as_object(message.get("tool_calls")))
            case "message-end":
                self._ended(delta)
            case _:
                pass
        return []

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        text = "".join(self._text)
        if self._finish is None:
            raise AttemptFailed(truncated(len(text)))
        parts: list[Part] = [Reasoning("".join(self._reasoning))] if self._reasoning else []
        if text:
            parts.append(Text(text, MODEL))
        for number, call in enumerate(self._calls):
            parts += make_tool_call(call.id, call.name, "".join(call.arguments), number)
        return response_of(
            parts,
            finish_of(self._finish, bool(self._calls)),
            usage=usage_of(self._usage),
            request=self._request,
            model=self._model,
            answer_id=self._id,
            details=tokens_of(self._usage),
        )

    def _ended(self, delta: Mapping[str, Any]) -> None:
        if delta.get("error"):
            raise AttemptFailed(self._read_error({"message": delta["error"]}))
        self._usage = delta.get("usage")
        self._finish = as_text(delta.get("finish_reason")) or "COMPLETE"
        finish_of(self._finish, False)  # raises at once where the host gave up

    def _content(self, content: Mapping[str, Any]) -> list[Delta]:
        made = self._thinking(as_text(content.get("thinking")))
        text = as_text(content.get("text"))
        if text:
            self._text.append(text)
            made.append(TextDelta(text))
        return made

    def _thinking(self, thinking: str) -> list[Delta]:
        if not thinking:
            return []
        self._reasoning.append(thinking)
        return [ReasoningDelta(thinking)]

    def _begun(self, key: object, told: Mapping[str, Any]) -> list[Delta]:
        function = as_object(told.get("function"))
        number = len(self._calls)
        call = _Call(key, as_text(told.get("id")) or f"call_{number}", as_text(function.get("name")))
        call.arguments.append(as_text(function.get("arguments")))
        self._calls.append(call)
        return [ToolCallDelta(number, call.arguments[0], call.id, call.name)]

    def _written(self, key: object, told: Mapping[str, Any]) -> list[Delta]:
        piece = as_text(as_object(told.get("function")).get("arguments"))
        number = next((n for n in reversed(range(len(self._calls))) if self._calls[n].key == key), None)
        if number is None:
            raise AttemptFailed(malformed("the stream goes on with a tool call that it has not begun"))
        self._calls[number].arguments.append(piece)
        return [ToolCallDelta(number, piece)]
