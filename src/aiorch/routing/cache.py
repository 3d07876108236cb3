"""Answers that are already known: an exact-match cache for deterministic requests.

Only requests that ask for determinism (temperature 0 or a seed) are kept, each under a hash of everything that
shapes the answer: messages, parameters, schema, tools, tenant and the model that would be asked first. Prompts
are not kept, answers until they expire.

Two prompts count as the same where they differ only in white space at the end of what a person or a program wrote, or
in line ends of Windows. Nothing else is evened out: case, inner spaces and the order of parts can all be what is asked
about. Documents, tool results and what models said count to the byte.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Protocol

from aiorch.clock import Clock
from aiorch.types import Message, Request, Response, Text, ToolSpec, to_json, to_plain


@dataclass(frozen=True, slots=True)
class Known:
    """A kept answer."""

    response: Response
    model: str
    """Who gave it, as ``provider/model``."""
    demo: bool
    at: float
    """When, epoch seconds."""


class AnswerCache(Protocol):
    """Where answers are kept."""

    async def get(self, key: str) -> Known | None:
        """The answer, unless it is missing or too old."""
        ...

    async def put(self, key: str, known: Known) -> None:
        """Keep an answer."""
        ...


def deterministic(request: Request) -> bool:
    """True for a request that asks for the same answer every time."""
    return request.parameters.temperature == 0 or request.parameters.seed is not None


def key_of(request: Request, *, model: str, tenant: str | None) -> str:
    """The hash under which an answer is kept, 64 hexadecimal digits.

    :param model: who would be asked first: a better model that turns up later is not silenced by an old answer.
    :param tenant: tenants never see each other's answers.
    """
    shaped = {
        "messages": to_plain(tuple(map(evened, request.messages)), tuple[Message, ...]),
        "parameters": to_plain(request.parameters),
        "schema": to_plain(request.schema) if request.schema else None,
        "tools": to_plain(request.tools, tuple[ToolSpec, ...]),
        "choice": to_plain(request.tool_choice),
        "model": model,
        "tenant": tenant,
    }
    return hashlib.sha256(json.dumps(shaped, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def evened(message: Message) -> Message:
    """The message without differences that cannot matter.

    The end of a text loses its white space, and one with line ends of Windows throughout gets those of everybody else
    (a mixture may be what is asked about). Only what the developer or the user wrote, and no beginning of an answer.

    >>> evened(Message.user("Why?\\r\\n")) == Message.user("Why?")
    True
    """
    if message.role not in ("system", "user") or not message.parts:
        return message
    last = len(message.parts) - 1
    parts = tuple(
        replace(part, text=_evened(part.text, last=number == last))
        if isinstance(part, Text) and part.provenance.trusted
        else part
        for number, part in enumerate(message.parts)
    )
    return replace(message, parts=parts)


def _evened(text: str, *, last: bool) -> str:
    if "\r" in text and text.count("\r") == text.count("\n") == text.count("\r\n"):
        text = text.replace("\r\n", "\n")
    return text.rstrip() if last else text


def weight(known: Known) -> int:
    """What an answer takes, in bytes of JSON."""
    return len(to_json(known).encode())


class MemoryCache:
    """Answers for as long as the process lives: the most recently used, up to a number, a size and an age."""

    def __init__(self, *, entries: int, ttl: float, clock: Clock, size: int = 64 * 1024 * 1024) -> None:
        """:param entries: the most answers kept. :param ttl: seconds that one is good for.
        :param size: the most bytes of all answers together; one that is larger alone is not kept.
        """
        self._kept: OrderedDict[str, Known] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._weight = 0
        self._entries = entries
        self._size = size
        self._ttl = ttl
        self._clock = clock

    async def get(self, key: str) -> Known | None:
        """The answer, unless it is missing or too old."""
        known = self._kept.get(key)
        if known is None:
            return None
        if known.at + self._ttl <= self._clock.now():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return known

    async def put(self, key: str, known: Known) -> None:
        """Keep an answer; those that were not used for longest make room."""
        if key in self._kept:
            self._drop(key)
        self._kept[key] = known
        self._weights[key] = weight(known)
        self._weight += self._weights[key]
        while len(self._kept) > self._entries or self._weight > self._size:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        del self._kept[key]
        self._weight -= self._weights.pop(key)
