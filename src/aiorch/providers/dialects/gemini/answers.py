"""An answer of Google's generateContent, whole or in pieces, as a :class:`~aiorch.types.Response`. A piece has the same
shape as a whole answer, and brings calls whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
from aiorch.providers.failures import empty, filtered, malformed, truncated
from aiorch.types import (
    Delta,
    Failure,
    FailureKind,
    FinishReason,
    Part,
    Provenance,
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

K = FailureKind

_FINISH: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
}
_SPOILED: Mapping[str, str] = {
    "MALFORMED_FUNCTION_CALL": "wrote a tool call that cannot be read",
    "UNEXPECTED_TOOL_CALL": "called a tool that it was not given",
    "TOO_MANY_TOOL_CALLS": "called tools without an end",
    "MALFORMED_RESPONSE": "wrote an answer that cannot be read",
}
"""Reasons that are the model's fault: another try, or another model, may do better."""
_REFUSED: Mapping[str, tuple[FailureKind, str]] = {
    "MISSING_THOUGHT_SIGNATURE": (K.BAD_REQUEST, "a call in the conversation lacks its thought signature"),
    "PUP_LIMITED_DISABLED": (K.AUTH, "the account is limited for breaking the prohibited use policy"),
}


def read_response(
    answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
) -> Response:
    """A whole answer. :raises AttemptFailed: for an error inside it, and when there is nothing in it."""
    reader = StreamReader(request, model, read_error)
    reader.read(answer)
    if not reader.begun:
        raise AttemptFailed(malformed("the answer has no candidates"))
    return reader.made()


class StreamReader:
    """Feed it the events of one stream; ask for the whole response at the end."""

    __slots__ = (
        "_calls",
        "_finish",
        "_head",
        "_model",
        "_parts",
        "_read_error",
        "_request",
        "_said",
        "_signed",
        "_usage",
        "begun",
    )

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        self._request = request
        self._model = model
        self._read_error = read_error
        self._head: Mapping[str, Any] = {}
        self._parts: list[Part] = []
        self._calls = 0
        self._finish = ""
        self._signed = False
        """Whether the last text has a signature of its own; nothing may be added to one that has."""
        self._said = ""
        """What it says of why it ended."""
        self._usage: Mapping[str, Any] = {}
        self.begun = False
        """True once there was a candidate."""

    @property
    def finished(self) -> bool:
        """True once the model has said why it stopped."""
        return bool(self._finish)

    def feed(self, event: ServerSentEvent) -> list[Delta]:
        """The deltas of one event. :raises AttemptFailed: for an error in it, or when it is not JSON."""
        if not event.data.strip():
            return []
        try:
            chunk: object = json.loads(event.data)
        except (ValueError, RecursionError):
            raise AttemptFailed(malformed("the stream holds something that is not JSON")) from None
        told = next(iter(as_list(chunk)), chunk)  # errors come in a list at times
        if not isinstance(told, dict):
            raise AttemptFailed(malformed("the stream holds something that is not a JSON object"))
        return self.read(cast("dict[str, Any]", told))

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        if not self.finished:
            raise AttemptFailed(truncated(sum(len(p.text) for p in self._parts if isinstance(p, Text))))
        return self.made()

    def read(self, chunk: Mapping[str, Any]) -> list[Delta]:
        """The deltas of one piece. :raises AttemptFailed: for an error in it, and for a prompt that was blocked."""
        if chunk.get("error"):
            raise AttemptFailed(self._read_error(chunk))
        self._head = self._head or chunk
        if usage := as_object(chunk.get("usageMetadata")):
            self._usage = usage  # of all so far
        candidate = as_object(next(iter(as_list(chunk.get("candidates"))), None))
        if not candidate:
            feedback = as_object(chunk.get("promptFeedback"))
            if reason := as_text(feedback.get("blockReason")):
                raise AttemptFailed(_blocked(reason, as_text(feedback.get("blockReasonMessage"))))
            return []
        self.begun = True
        self._finish = as_text(candidate.get("finishReason")) or self._finish
        self._said = as_text(candidate.get("finishMessage")) or self._said
        parts = as_list(as_object(candidate.get("content")).get("parts"))
        return [delta for part in parts for delta in self._part(as_object(part))]

    def made(self) -> Response:
        """The response of what was read. :raises AttemptFailed: when its end was a failure, or there is nothing."""
        if (spoiled := _SPOILED.get(self._finish)) is not None:
            raise AttemptFailed(_spoiled(f"{self._model} {spoiled}", self._finish, self._said))
        if (refused := _REFUSED.get(self._finish)) is not None:
            kind, what = refused
            scope = "account" if kind is K.AUTH else "request"
            raise AttemptFailed(Failure(kind, scope, what, status=200, code=self._finish))
        known = _FINISH.get(self._finish)
        # A reason that is not known, or OTHER, ends an answer early; without a word it says nothing at all.
        said = any(isinstance(p, ToolCall) or (isinstance(p, Text) and p.text) for p in self._parts)
        if known is None and self._finish and not said:
            raise AttemptFailed(empty(f"{self._model} ({self._finish})"))
        reason: FinishReason = known or ("content_filter" if self._finish else "stop")
        if self._calls and reason == "stop":
            reason = "tool_calls"
        return response_of(
            self._parts,
            reason,
            request=self._request,
            model=self._model,
            usage=_usage(self._usage),
            refusal=self._said or (f"blocked: {self._finish}" if reason == "content_filter" else ""),
            served=self._head.get("modelVersion"),
            answer_id=self._head.get("responseId"),
        )

    def _part(self, part: Mapping[str, Any]) -> Sequence[Delta]:
        """Kept in order, each signature right before what it signs. Thinking that is signed is kept with it."""
        signature = as_text(part.get("thoughtSignature")) or None
        text = as_text(part.get("text"))
        whose = Provenance("model", self._model)  # only it can read the signature
        if part.get("thought") is True:
            self._think(text, signature, whose)
            return [ReasoningDelta(text)] if text else []
        if signature:
            self._parts.append(Reasoning("", signature, whose))
        if part.get("functionCall") is not None:
            return [self._call(as_object(part["functionCall"]))]
        last = self._parts[-1] if self._parts else None
        if isinstance(last, Text) and not self._signed:
            self._parts[-1] = Text(last.text + text, MODEL)
        elif text or signature:
            # Also an empty text, so that its signature does not move on to what follows.
            self._parts.append(Text(text, MODEL))
            self._signed = signature is not None
        return [TextDelta(text)] if text else []

    def _think(self, text: str, signature: str | None, whose: Provenance) -> None:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, Reasoning) and last.text and not last.signature:
            self._parts[-1] = Reasoning(last.text + text, signature, whose)
        elif text or signature:
            self._parts.append(Reasoning(text, signature, whose))

    def _call(self, call: Mapping[str, Any]) -> Delta:
        number, self._calls = self._calls, self._calls + 1
        # Older models give their calls no ids. The answer's own id keeps those of several rounds apart.
        made_up = f"call_{as_text(self._head.get('responseId')) or 0}_{number}"
        call_id = as_text(call.get("id")) or made_up
        (made,) = make_tool_call(call_id, call.get("name"), call.get("args"), number)
        self._parts.append(made)
        arguments = made.raw if made.raw is not None else json.dumps(dict(made.arguments))
        return ToolCallDelta(number, arguments, made.id, made.name)


def _blocked(reason: str, said: str) -> Failure:
    return filtered(f"the prompt was blocked: {reason}{f', {said}' if said else ''}"[:300])


def _spoiled(what: str, reason: str, said: str) -> Failure:
    told = f"{what}{f': {said}' if said else ''}"[:300]
    return Failure(K.MALFORMED, "request", told, status=200, code=reason, ambiguous=True)


def _usage(told: Mapping[str, Any]) -> Usage | None:
    """Its prompt's count has what came from the cache in it; its candidates' leaves thinking out."""
    asked, tools, said, thought, cached = (
        count_of(told.get(f"{name}TokenCount"))
        for name in ("prompt", "toolUsePrompt", "candidates", "thoughts", "cachedContent")
    )
    if not (asked or tools or said or thought):
        return None
    return Usage(asked + tools, said + thought, thought, min(asked, cached))
