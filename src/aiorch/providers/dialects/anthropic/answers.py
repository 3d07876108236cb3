"""An answer of Anthropic's Messages API, whole or in pieces, as a :class:`~aiorch.types.Response`.

Its content is a list of blocks. Those of text, thinking and tool calls are kept, in their order; those of tools that
run at Anthropic's, and kinds that are not known, are passed over, as its versioning policy asks.
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
    count_of,
    make_tool_call,
    response_of,
)
from aiorch.providers.dialects.anthropic.requests import REDACTED
from aiorch.providers.failures import malformed, truncated
from aiorch.types import (
    Delta,
    FinishReason,
    Part,
    Provenance,
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

_FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # a tool at Anthropic's took too long: there is more to come
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read_response(
    answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
) -> Response:
    """A whole answer. :raises AttemptFailed: for an error inside it, and when there is nothing in it."""
    if answer.get("error") or answer.get("type") == "error":
        raise AttemptFailed(read_error(answer))
    if not isinstance(answer.get("content"), list):
        raise AttemptFailed(malformed("the answer has no content"))
    blocks = [_Block.begun(as_object(block)) for block in as_list(answer["content"])]
    return _made(blocks, answer, answer, as_object(answer.get("usage")), request, model)


class StreamReader:
    """Feed it the events of one stream; ask for the whole response at the end."""

    __slots__ = (
        "_blocks",
        "_calls",
        "_head",
        "_model",
        "_over",
        "_read_error",
        "_request",
        "_stop",
        "_usage",
    )

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        self._request = request
        self._model = model
        self._read_error = read_error
        self._head: Mapping[str, Any] = {}
        self._stop: Mapping[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[object, _Block] = {}
        self._calls = 0
        self._over = False

    @property
    def finished(self) -> bool:
        """True once the model has said why it stopped."""
        return self._over or isinstance(self._stop.get("stop_reason"), str)

    def feed(self, event: ServerSentEvent) -> list[Delta]:
        """The deltas of one event. :raises AttemptFailed: for an error in it, or when it is not JSON."""
        data = event.data
        if not data.strip():
            return []
        try:
            told: object = json.loads(data)
        except (ValueError, RecursionError):
            raise AttemptFailed(malformed("the stream holds something that is not JSON")) from None
        if not isinstance(told, dict):
            raise AttemptFailed(malformed("the stream holds something that is not a JSON object"))
        return self._read(cast("dict[str, Any]", told), event.event)

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        blocks = list(self._blocks.values())
        if not self.finished:
            raise AttemptFailed(truncated(sum(len(b.text) for b in blocks if b.kind == "text")))
        return _made(blocks, self._head, self._stop, self._usage, self._request, self._model)

    def _read(self, told: Mapping[str, Any], name: str) -> list[Delta]:
        kind = told.get("type", name)
        index = told.get("index")
        if kind == "error" or told.get("error"):
            raise AttemptFailed(self._read_error(told))
        if kind == "content_block_delta" and isinstance(index, int):
            return self._delta(self._blocks.get(index), as_object(told.get("delta")))
        if kind == "content_block_start" and isinstance(index, int):
            return self._begin(index, as_object(told.get("content_block")))
        if kind == "content_block_stop" and isinstance(index, int):
            return self._end(self._blocks.get(index))
        if kind == "message_start":
            self._head = as_object(told.get("message"))
            self._count(self._head)
        elif kind == "message_delta":
            self._stop = as_object(told.get("delta"))
            self._count(told)
        elif kind == "message_stop":
            self._over = True
        return []  # a ping, or a kind that is not known yet

    def _count(self, told: Mapping[str, Any]) -> None:
        """Its counts are of all so far, and those that it leaves out have not changed."""
        self._usage |= {k: v for k, v in as_object(told.get("usage")).items() if v is not None}

    def _begin(self, index: int, started: Mapping[str, Any]) -> list[Delta]:
        block = self._blocks[index] = _Block.begun(started)
        if block.kind == "tool_use":
            block.call = self._calls
            self._calls += 1
            return [ToolCallDelta(block.call, "", block.id or f"call_{block.call}", block.name or None)]
        return _shown(block, block.text)

    def _delta(self, block: _Block | None, delta: Mapping[str, Any]) -> list[Delta]:
        if block is None:
            return []
        if block.kind == "tool_use":
            piece = as_text(delta.get("partial_json"))
            block.written.append(piece)
            return [ToolCallDelta(block.call, piece)] if piece else []
        piece = as_text(delta.get("text")) or as_text(delta.get("thinking"))
        block.pieces.append(piece)
        block.signature += as_text(delta.get("signature"))
        return _shown(block, piece)

    def _end(self, block: _Block | None) -> list[Delta]:
        """A call whose arguments came whole, with its beginning, has not been shown yet."""
        if block is None or block.kind != "tool_use" or any(block.written) or not block.input:
            return []
        block.written.append(json.dumps(block.input))
        return [ToolCallDelta(block.call, block.written[-1])]


@dataclass(slots=True)
class _Block:
    """One block of content, which may still be written."""

    kind: str
    pieces: list[str] = field(default_factory=list[str])
    signature: str = ""
    id: str = ""
    name: str = ""
    input: object = None
    written: list[str] = field(default_factory=list[str])
    """Its arguments, where they come in pieces."""
    call: int = 0
    """How many calls came before it."""

    @classmethod
    def begun(cls, block: Mapping[str, Any]) -> _Block:
        """A block as it first appears; in a whole answer that is all of it."""
        kind = as_text(block.get("type"))
        text = as_text(block.get("thinking" if kind == "thinking" else "text"))
        data = as_text(block.get("data"))
        return cls(
            kind,
            [text],
            f"{REDACTED}{data}" if kind == "redacted_thinking" and data else as_text(block.get("signature")),
            as_text(block.get("id")),
            as_text(block.get("name")),
            block.get("input"),
        )

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def parts(self, number: int, model: str) -> list[Part]:
        """What is kept of it. :param number: of the calls before it."""
        text = self.text
        if self.kind == "tool_use":
            written = "".join(self.written)
            return list(make_tool_call(self.id, self.name, written or self.input, number))
        if self.kind in ("thinking", "redacted_thinking") and (text or self.signature):
            # Whose it is: only its author, or a relative, can read the signature.
            return [Reasoning(text, self.signature or None, Provenance("model", model))]
        return [Text(text, MODEL)] if self.kind == "text" and text else []


def _shown(block: _Block, piece: str) -> list[Delta]:
    if not piece:
        return []
    if block.kind == "text":
        return [TextDelta(piece)]
    return [ReasoningDelta(piece)] if block.kind == "thinking" else []


def _made(
    blocks: list[_Block],
    head: Mapping[str, Any],
    stop: Mapping[str, Any],
    usage: Mapping[str, Any],
    request: Request,
    model: str,
) -> Response:
    parts: list[Part] = []
    calls = 0
    for block in blocks:
        parts += block.parts(calls, model)
        calls += block.kind == "tool_use"
    reason: FinishReason = _FINISH.get(as_text(stop.get("stop_reason")), "stop")
    if calls and reason == "stop":
        reason = "tool_calls"
    details = as_object(stop.get("stop_details"))
    return response_of(
        parts,
        reason,
        request=request,
        model=model,
        usage=_usage(usage),
        refusal=as_text(details.get("explanation")) or as_text(details.get("category")),
        served=head.get("model"),
        answer_id=head.get("id"),
    )


def _usage(told: Mapping[str, Any]) -> Usage | None:
    """Its ``input_tokens`` leave out what went into its cache and what came from there."""
    fresh, written, cached, made = (
        count_of(told.get(name))
        for name in (
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
        )
    )
    if not (fresh or written or cached or made):
        return None
    thought = count_of(as_object(told.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(fresh + written + cached, made, min(made, thought), cached)
