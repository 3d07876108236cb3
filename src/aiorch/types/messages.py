"""What is said: messages made of parts, each part knowing where it came from.

A part's :class:`Provenance` is what lets the guard treat words from a tool or a document differently from words
of the developer: content from outside can never lower an approval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from aiorch.types.quick import quick

Role = Literal["system", "user", "assistant", "tool"]
"""Who speaks. ``system`` is the developer's instruction, ``tool`` the result of a tool call."""

Source = Literal["developer", "user", "model", "tool", "document"]
"""Where a piece of content was born, whoever carries it now."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a part came from.

    >>> Provenance("document", "report.pdf").trusted
    False
    """

    source: Source
    """The kind of origin."""
    name: str | None = None
    """Which one: a tool's name, a file, a URL, a model id."""

    @property
    def trusted(self) -> bool:
        """True for what the developer or the user wrote; tools, documents and models are not trusted."""
        return self.source in ("developer", "user")


DEVELOPER = Provenance("developer")
USER = Provenance("user")
MODEL = Provenance("model")
TOOL = Provenance("tool")


@quick
@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str
    provenance: Provenance = USER
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, by URL or by bytes (then with its media type).

    :raises ValueError: when neither or both of ``url`` and ``data`` are given, or bytes come without a media type.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    """For bytes: ``image/png``, ``image/jpeg`` ..."""
    provenance: Provenance = USER
    type: Literal["image"] = "image"

    def __post_init__(self) -> None:
        if (self.url is None) == (self.data is None):
            raise ValueError("an Image takes either url= or data=, not both and not neither")
        if self.data is not None and not self.media_type:
            raise ValueError("an Image of bytes needs media_type=, for example 'image/png'")


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A model's thinking, kept apart from its answer."""

    text: str
    signature: str | None = None
    """The provider's proof that must be replayed with the text in a later turn, where it gives one."""
    provenance: Provenance = MODEL
    type: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks to be done. ``arguments`` is parsed JSON; ``raw`` keeps what could not be parsed."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    raw: str | None = None
    """The model's text when it was not a JSON object; then ``arguments`` is empty."""
    provenance: Provenance = MODEL
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered to the call with this id."""

    call_id: str
    content: str
    is_error: bool = False
    provenance: Provenance = TOOL
    type: Literal["tool_result"] = "tool_result"


Part = Text | Image | Reasoning | ToolCall | ToolResult


@quick
@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    >>> Message.user("What is back-pressure?").text
    'What is back-pressure?'
    """

    role: Role
    parts: tuple[Part, ...]

    @classmethod
    def system(cls, text: str) -> Message:
        """The developer's instruction."""
        return cls("system", (Text(text, DEVELOPER),))

    @classmethod
    def user(cls, *content: str | Part) -> Message:
        """What the user says: strings and parts in order."""
        return cls("user", tuple(Text(c, USER) if isinstance(c, str) else c for c in content))

    @classmethod
    def assistant(cls, *content: str | Part) -> Message:
        """What a model said."""
        return cls("assistant", tuple(Text(c, MODEL) if isinstance(c, str) else c for c in content))

    @classmethod
    def tool(cls, *results: ToolResult) -> Message:
        """The results of the tool calls of the message before."""
        return cls("tool", results)

    @property
    def text(self) -> str:
        """The text parts joined; pictures, reasoning and tool parts are left out."""
        parts = self.parts
        if len(parts) == 1 and type(parts[0]) is Text:  # nearly always, and it is asked for often
            return parts[0].text
        return "".join([p.text for p in parts if isinstance(p, Text)])

    @property
    def reasoning(self) -> str:
        """The reasoning parts joined."""
        return "".join([p.text for p in self.parts if isinstance(p, Reasoning)])

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls this message asks for, in order."""
        return tuple([p for p in self.parts if isinstance(p, ToolCall)])

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The results this message carries, in order."""
        return tuple([p for p in self.parts if isinstance(p, ToolResult)])


def as_messages(prompt: str | Message | Sequence[Message]) -> tuple[Message, ...]:
    """A prompt in any of its forms as messages: a string becomes one user message."""
    if isinstance(prompt, str):
        return (Message.user(prompt),)
    if isinstance(prompt, Message):
        return (prompt,)
    return tuple(prompt)
