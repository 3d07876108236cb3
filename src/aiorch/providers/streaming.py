"""An answer in OpenAI's chat dialect that comes in chunks: each chunk into deltas, all of them into a response.

Nothing is validated a chunk: the usual one, a piece of text, costs a few dictionary look-ups.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent
from aiorch.providers.decode import (
    ErrorReader,
    as_list,
    as_object,
    as_text,
    assemble,
    carries_error,
    first_choice,
    make_tool_call,
    read_json,
    read_usage,
    reasoning_of,
    text_of,
)
from aiorch.providers.failures import malformed, truncated
from aiorch.types import (
    Delta,
    Part,
    ReasoningDelta,
    Request,
    Response,
    TextDelta,
    ToolCallDelta,
    Usage,
)


@dataclass(slots=True)
class _Call:
    """A tool call that is being written."""

    index: int
    key: object
    """The provider's own index."""
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class StreamReader:
    """Feed it the events of one stream; ask for the whole :class:`~aiorch.types.Response` at the end."""

    __slots__ = (
        "_calls",
        "_finish",
        "_head",
        "_model",
        "_read_error",
        "_reasoning",
        "_refusal",
        "_request",
        "_text",
        "_usage",
    )

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        self._request = request
        self._model = model
        self._read_error = read_error
        self._head: Mapping[str, Any] = {}
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_Call] = []
        self._finish: str | None = None
        self._usage: Usage | None = None

    @property
    def finished(self) -> bool:
        """True once the model has said why it stopped; only usage may follow."""
        return self._finish is not None

    def feed(self, event: ServerSentEvent) -> list[Delta]:
        """The deltas of one event. :raises AttemptFailed: for an error in it, or when it is not JSON."""
        data = event.data
        if not data.startswith("{") and data.strip() in ("", "[DONE]"):
            return []
        try:
            chunk: object = read_json(data)
        except (ValueError, RecursionError):
            raise AttemptFailed(malformed("the stream holds something that is not JSON")) from None
        if not isinstance(chunk, dict):
            raise AttemptFailed(malformed("the stream holds something that is not a JSON object"))
        return self._read(cast("dict[str, Any]", chunk), event.event == "error")

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        text = "".join(self._text)
        if self._finish is None:
            raise AttemptFailed(truncated(len(text)))
        calls: list[Part] = []
        for call in self._calls:
            calls += make_tool_call(call.id, call.name, "".join(call.arguments), call.index)
        return assemble(
            text=text,
            reasoning="".join(self._reasoning),
            calls=calls,
            refusal="".join(self._refusal),
            finish=self._finish,
            usage=self._usage,
            request=self._request,
            model=self._model,
            answer=self._head,
        )

    def _read(self, chunk: Mapping[str, Any], is_error: bool) -> list[Delta]:
        if is_error or carries_error(chunk):
            raise AttemptFailed(self._read_error(chunk))
        if not self._head:
            self._head = chunk
        if chunk.get("usage") or "x_groq" in chunk:
            self._usage = read_usage(chunk) or self._usage
        choice = first_choice(chunk)
        if choice is None:
            if "choices" in chunk and chunk["choices"] is None and not chunk.get("usage"):
                raise AttemptFailed(malformed("a chunk of the stream has no choices"))
            return []
        if choice.get("error"):
            raise AttemptFailed(self._read_error(choice))
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self._finish = finish
        delta = choice.get("delta")
        return self._pieces(cast("dict[str, Any]", delta)) if isinstance(delta, dict) else []

    def _pieces(self, delta: Mapping[str, Any]) -> list[Delta]:
        made: list[Delta] = []
        thinking = reasoning_of(delta)
        if thinking:
            self._reasoning.append(thinking)
            made.append(ReasoningDelta(thinking))
        text = text_of(delta.get("content"))
        if text:
            self._text.append(text)
            made.append(TextDelta(text))
        if delta.get("refusal"):
            self._refusal.append(as_text(delta["refusal"]))
        for piece in as_list(delta.get("tool_calls")):
            made.append(self._call(as_object(piece)))
        return made

    def _call(self, piece: Mapping[str, Any]) -> ToolCallDelta:
        function = as_object(piece.get("function"))
        call_id, name = as_text(piece.get("id")), as_text(function.get("name"))
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        call = self._slot(piece.get("index"), call_id, name)
        first = not call.name
        call.id = call.id or call_id
        call.name = call.name or name
        call.arguments.append(text)
        if first:
            call.id = call.id or f"call_{call.index}"
        return ToolCallDelta(call.index, text, call.id if first else None, call.name if first else None)

    def _slot(self, key: object, call_id: str, name: str) -> _Call:
        """The call that a piece belongs to. Some hosts send whole calls that all bear index 0, or none: a piece with a
        name and another id begins a new call.
        """
        begun = [c for c in self._calls if c.key == key]
        if begun and not (name and call_id and begun[-1].id and call_id != begun[-1].id):
            return begun[-1]
        call = _Call(len(self._calls), key)
        self._calls.append(call)
        return call
