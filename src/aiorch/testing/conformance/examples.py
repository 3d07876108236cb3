"""What an author may say a plugin should find, and contents that no plugin may stumble over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiorch.types import Action, Image, Message, Reasoning, Stage, ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what a validator is to do about it.

    >>> Example("the code name is BLUEBIRD", "redact", secret="BLUEBIRD").stage
    'input'
    """

    text: str
    action: Action
    stage: Stage = "input"
    secret: str = ""
    """What was found, where it must not be told again: no message may hold it, and no redacted text."""


ODD_TEXTS: Sequence[str] = (
    "",
    " \n\t ",
    "\0\x01\x1b[31m",
    "\ud800 half a surrogate pair",
    "👩‍👩‍👧‍👦 \u202eright to left\u202c e\u0301 ﷽ \U0001f600",
    "ВСЕ ЗАГЛАВНЫЕ, 全部, كل شيء",
    "%s %(x)s {0} {name} {{ }} \\ \" ' ` $HOME",
    "<script>alert(1)</script>'; DROP TABLE x; --",
    '{"a": [1, 2, {"b": "' + "[" * 50,
    "word " * 20_000,
    "a" * 100_000,
    "((((" * 2_000 + "))))" * 2_000,
)
"""Texts that break what was not thought through: nothing, control characters, half characters, much of one thing."""

_CALL = ToolCall("call_1", "weather", {"city": "Oslo", "days": [1, 2], "deep": {"a": {"b": None}}})
_PICTURE = Image(data=b"\x89PNG", media_type="image/png")


def odd_contents(stage: Stage) -> Sequence[tuple[str, list[Message]]]:
    """Contents as the line hands them over at ``stage``, with a word on what is odd about each."""
    return [(_called(text), content_of(stage, text)) for text in ODD_TEXTS] + [
        (label, list(messages)) for label, messages in _STRUCTURES[stage].items()
    ]


def content_of(stage: Stage, text: str) -> list[Message]:
    """One text as the line hands it over at ``stage``."""
    match stage:
        case "input":
            return [Message.user(text)]
        case "output":
            return [Message.assistant(text)]
        case "arguments":
            return [Message.assistant(ToolCall("call_1", "weather", {"city": text}))]
        case "tool_result":
            return [Message.tool(ToolResult("call_1", text))]


def _called(text: str) -> str:
    return f"the text {text[:20]!r}" + (f"... of {len(text):,} characters" if len(text) > 20 else "")


_STRUCTURES: Mapping[Stage, Mapping[str, Sequence[Message]]] = {
    "input": {
        "no message at all": (),
        "a message without parts": (Message("user", ()),),
        "a picture without words": (Message.user(_PICTURE),),
        "a conversation with a tool call and its result": (
            Message.system("Be brief."),
            Message.user("How is the weather?", _PICTURE),
            Message.assistant(Reasoning("hm"), _CALL),
            Message.tool(ToolResult("call_1", "rain", is_error=True)),
            Message.assistant("It rains."),
            Message.user("Thanks."),
        ),
    },
    "output": {
        "an answer without parts": (Message("assistant", ()),),
        "an answer that only calls a tool": (Message.assistant(_CALL),),
        "thinking and text": (Message.assistant(Reasoning("hm"), "It rains."),),
        "a call whose arguments were no JSON": (
            Message.assistant(ToolCall("1", "weather", {}, raw="{oops")),
        ),
    },
    "arguments": {
        "a call without arguments": (Message.assistant(ToolCall("1", "now", {})),),
        "a call with nested arguments": (Message.assistant(_CALL),),
        "a call whose arguments were no JSON": (
            Message.assistant(ToolCall("1", "weather", {}, raw="{oops")),
        ),
    },
    "tool_result": {
        "a result that is an error": (Message.tool(ToolResult("1", "KeyError: 'x'", is_error=True)),),
    },
}
