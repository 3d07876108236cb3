"""An answer of Converse that comes in events: each into deltas, all of them into a response."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent
from aiorch.providers.decode import ErrorReader, as_object, as_text, make_tool_call
from aiorch.providers.dialects.bedrock.answering import answer_tool, responded, text_part, thought
from aiorch.providers.failures import malformed, truncated
from aiorch.types import (
    Delta,
    Part,
    ReasoningDelta,
    Request,
    Response,
    Text,
    TextDelta,
    ToolCallDelta,
)

_STATUS = {
    "internalserverexception": 500,
    "modelstreamerrorexception": 424,
    "modeltimeoutexception": 408,
    "serviceunavailableexception": 503,
    "throttlingexception": 429,
    "validationexception": 400,
}
"""The status that an exception would have had before the stream began (API reference of ConverseStream)."""


@dataclass(slots=True)
class _Block:
    """A block that is being written."""

    call: int | None = None
    """Which of the tool calls it is; ``None`` for text and thinking."""
    id: str = ""
    name: str = ""
    text: list[str] = field(default_factory=list[str])
    """Text, or the arguments of a call."""
    thinking: list[str] = field(default_factory=list[str])
    signature: str = ""
    redacted: str = ""
    served: bool = False
    """True for a tool that Amazon runs itself."""


class ConverseReader:
    """See :class:`~aiorch.providers.dialect.Reader`."""

    __slots__ = ("_blocks", "_calls", "_model", "_read_error", "_request", "_stop", "_told", "_tool")

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        self._request = request
        self._model = model
        self._read_error = read_error
        self._tool = answer_tool(model, request)
        self._blocks: dict[object, _Block] = {}
        self._calls = 0
        self._stop: str | None = None
        self._told: Mapping[str, Any] = {}

    @property
    def finished(self) -> bool:
        """True once the model has said why it stopped; only usage may follow."""
        return self._stop is not None

    def feed(self, event: ServerSentEvent) -> Sequence[Delta]:
        """The deltas of one event. :raises AttemptFailed: for an exception in it, or when it is not JSON."""
        try:
            parsed: object = json.loads(event.data) if event.data.strip() else {}
        except (ValueError, RecursionError):
            parsed = None
        if event.event.startswith("error:"):
            raise AttemptFailed(self._read_error(_error(event.event.removeprefix("error:"), parsed)))
        if not isinstance(parsed, dict):
            raise AttemptFailed(malformed("the stream holds something that is not a JSON object"))
        told = cast("dict[str, Any]", parsed)
        match event.event:
            case "contentBlockDelta":
                return self._piece(self._block(told), as_object(told.get("delta")))
            case "contentBlockStart":
                return self._begun(self._block(told), as_object(told.get("start")))
            case "messageStop":
                self._stop = as_text(told.get("stopReason")) or "end_turn"
            case "metadata":
                self._told = told
            case _:
                pass  # messageStart and contentBlockStop say nothing that is not known
        return ()

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        parts: list[Part] = []
        for block in self._blocks.values():
            parts += self._parts(block)
        if self._stop is None:
            raise AttemptFailed(truncated(sum(len(p.text) for p in parts if isinstance(p, Text))))
        return responded(parts, self._stop, self._told, self._request, self._model)

    # --- blocks --------------------------------------------------------------------------------------------------

    def _block(self, told: Mapping[str, Any]) -> _Block:
        index = told.get("contentBlockIndex", 0)
        return self._blocks.setdefault(index if isinstance(index, int) else 0, _Block())

    def _begun(self, block: _Block, start: Mapping[str, Any]) -> Sequence[Delta]:
        use = as_object(start.get("toolUse"))
        if not use:
            block.served = "toolResult" in start
            return ()
        block.served = use.get("type") == "server_tool_use"
        block.id, block.name = as_text(use.get("toolUseId")), as_text(use.get("name"))
        if block.served or block.name == self._tool:
            return ()
        block.call = self._calls
        self._calls += 1
        block.id = block.id or f"call_{block.call}"
        return (ToolCallDelta(block.call, "", block.id, block.name),)

    def _piece(self, block: _Block, delta: Mapping[str, Any]) -> Sequence[Delta]:
        if block.served:
            return ()
        text = as_text(delta.get("text")) or as_text(as_object(delta.get("toolUse")).get("input"))
        if text:
            block.text.append(text)
            return (TextDelta(text) if block.call is None else ToolCallDelta(block.call, text),)
        thinking = as_object(delta.get("reasoningContent"))
        block.signature += as_text(thinking.get("signature"))
        block.redacted += as_text(thinking.get("redactedContent"))
        thought_of = as_text(thinking.get("text"))
        if not thought_of:
            return ()
        block.thinking.append(thought_of)
        return (ReasoningDelta(thought_of),)

    def _parts(self, block: _Block) -> Sequence[Part]:
        if block.served:
            return ()
        text = "".join(block.text)
        if block.call is not None:
            return make_tool_call(block.id, block.name, text, block.call)
        thinking = "".join(block.thinking)
        return (*thought(thinking, block.signature, block.redacted, self._model), *text_part(text))


def _error(kind: str, told: object) -> Mapping[str, Any]:
    """An exception as an error object with the status that it stands for."""
    said = as_object(told)
    words = as_text(said.get("message")) or as_text(said.get("Message"))
    meant = as_text(said.get("originalMessage"))
    error: dict[str, Any] = {
        "type": kind,
        "message": f"{words}: {meant}" if words and meant else words or meant,
    }
    if status := _STATUS.get(kind.lower()):
        error["status"] = status
    return {"error": error}
