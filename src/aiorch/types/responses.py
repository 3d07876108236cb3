"""What one model answered, whole or in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiorch.types.allowances import LimitSeen
from aiorch.types.messages import Message
from aiorch.types.quick import quick

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why the model stopped: done, out of tokens, wants tools, refused by a filter."""


@quick
@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or several calls.

    >>> Usage(9, 12) + Usage(1, 1)
    Usage(input_tokens=10, output_tokens=13, reasoning_tokens=0, cached_tokens=0, estimated=False)
    """

    input_tokens: int = 0
    output_tokens: int = 0
    """Everything generated, reasoning included."""
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    """Input tokens that the provider read from its own cache."""
    estimated: bool = False
    """True where the provider reported nothing and aiorch counted characters."""

    @property
    def total(self) -> int:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
        )


@quick
@dataclass(frozen=True, slots=True)
class Response:
    """One model's whole answer to one :class:`~aiorch.types.requests.Request`."""

    message: Message
    finish: FinishReason
    usage: Usage = Usage()
    model: str | None = None
    """The id that the provider says served it (a router may choose another than was asked for)."""
    id: str | None = None
    """The provider's own id of this answer."""
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    """What else the provider told and may be shown: upstream host, timings."""
    limits: tuple[LimitSeen, ...] = ()
    """What the headers told of limits."""


@quick
@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's thinking."""

    text: str
    type: Literal["reasoning_delta"] = "reasoning_delta"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; the first piece of an ``index`` carries ``id`` and ``name``."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None
    type: Literal["tool_call_delta"] = "tool_call_delta"


Delta = TextDelta | ReasoningDelta | ToolCallDelta
StreamPart = Delta | Response
"""What a provider's stream yields: deltas, and the whole :class:`Response` last."""
