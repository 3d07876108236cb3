"""An answer of Ollama's own API: a JSON document a line, the last of which says how it ended; a whole one is one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent
from aiorch.providers.decode import (
    ErrorReader,
    as_list,
    as_object,
    as_text,
    make_tool_call,
    raise_error_in,
    response_of,
)
from aiorch.providers.failures import malformed, truncated
from aiorch.types import (
    Delta,
    FinishReason,
    Part,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    Text,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from aiorch.types.messages import MODEL

_TIMES = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""Nanoseconds."""


class OllamaReader:
    """See :class:`~aiorch.providers.dialect.Reader`."""

    __slots__ = ("_calls", "_last", "_model", "_read_error", "_reasoning", "_request", "_text")

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        self._request = request
        self._model = model
        self._read_error = read_error
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[Part] = []
        self._last: Mapping[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """True once a line has said that it is the last."""
        return self._last is not None

    def feed(self, event: ServerSentEvent) -> list[Delta]:
        """The deltas of one line. :raises AttemptFailed: for an error in it, or when it is not JSON."""
        try:
            line: object = json.loads(event.data)
        except (ValueError, RecursionError):
            raise AttemptFailed(malformed("the stream holds something that is not JSON")) from None
        if not isinstance(line, dict):
            raise AttemptFailed(malformed("the stream holds something that is not a JSON object"))
        told = cast("dict[str, Any]", line)
        raise_error_in(told, self._read_error)
        return self.take(told)

    def take(self, line: Mapping[str, Any]) -> list[Delta]:
        """The deltas of one line that has been parsed."""
        message = as_object(line.get("message"))
        made: list[Delta] = []
        if thinking := as_text(message.get("thinking")):
            self._reasoning.append(thinking)
            made.append(ReasoningDelta(thinking))
        if text := as_text(message.get("content")):
            self._text.append(text)
            made.append(TextDelta(text))
        for told in as_list(message.get("tool_calls")):
            made.append(self._call(as_object(told)))
        if line.get("done") is True:
            self._last = line
        return made

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        text = "".join(self._text)
        if self._last is None:
            raise AttemptFailed(truncated(len(text)))
        parts: list[Part] = [Reasoning("".join(self._reasoning))] if self._reasoning else []
        if text:
            parts.append(Text(text, MODEL))
        reason: FinishReason = "tool_calls" if self._calls else "stop"
        return response_of(
            [*parts, *self._calls],
            "length" if self._last.get("done_reason") == "length" else reason,
            usage=_usage(self._last),
            request=self._request,
            model=self._model,
            served=self._last.get("model"),
            details=_details(self._last),
        )

    def _call(self, told: Mapping[str, Any]) -> ToolCallDelta:
        """A call, which always comes whole. All of them may say that their index is 0."""
        function = as_object(told.get("function"))
        number = len(self._calls)
        (call,) = make_tool_call(told.get("id"), function.get("name"), function.get("arguments"), number)
        self._calls.append(call)
        arguments = call.raw if call.raw is not None else json.dumps(dict(call.arguments))
        return ToolCallDelta(number, arguments, call.id, call.name)


def _usage(last: Mapping[str, Any]) -> Usage | None:
    """``None`` where it counts nothing. What it read from its cache it does not tell, or leaves out of the count."""
    sent, made = _count(last.get("prompt_eval_count")), _count(last.get("eval_count"))
    return Usage(sent, made) if made else None


def _details(last: Mapping[str, Any]) -> dict[str, str]:
    """How long it took, in seconds, and who ran it where that was not this server."""
    told = {
        name.replace("_duration", "_seconds"): f"{nanoseconds / 1e9:.3f}"
        for name in _TIMES
        if (nanoseconds := _count(last.get(name)))
    }
    host = as_text(last.get("remote_host"))
    return {**told, "upstream": host} if host else told


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, int(value))
