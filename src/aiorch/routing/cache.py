"""Answers that are already known: an exact-match cache for deterministic requests.

Only requests that ask for determinism (temperature 0 or a seed) are kept, each under a hash of everything that
shapes the answer: messages, parameters, schema, tools, tenant and the model that would be asked first. Prompts
are not kept, answers until they expire.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from aiorch.clock import Clock
from aiorch.types import Message, Request, Response, ToolSpec, to_plain


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
        "messages": to_plain(request.messages, tuple[Message, ...]),
        "parameters": to_plain(request.parameters),
        "schema": to_plain(request.schema) if request.schema else None,
        "tools": to_plain(request.tools, tuple[ToolSpec, ...]),
        "choice": to_plain(request.tool_choice),
        "model": model,
        "tenant": tenant,
    }
    return hashlib.sha256(json.dumps(shaped, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class MemoryCache:
    """Answers for as long as the process lives: the most recently used, up to a number and an age."""

    def __init__(self, *, entries: int, ttl: float, clock: Clock) -> None:
        """:param entries: the most answers kept. :param ttl: seconds that one is good for."""
        self._kept: OrderedDict[str, Known] = OrderedDict()
        self._entries = entries
        self._ttl = ttl
        self._clock = clock

    async def get(self, key: str) -> Known | None:
        """The answer, unless it is missing or too old."""
        known = self._kept.get(key)
        if known is None:
            return None
        if known.at + self._ttl <= self._clock.now():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return known

    async def put(self, key: str, known: Known) -> None:
        """Keep an answer; the one that was not used for longest makes room."""
        self._kept[key] = known
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)
