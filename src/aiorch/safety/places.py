"""The texts of a content: each with its place and where it comes from, and the content with other texts in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from aiorch.types import Message, Part, Provenance, Reasoning, Stage, Text, ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class Place:
    """One text of a stage's content."""

    where: str
    text: str
    stage: Stage
    """Whose rules hold: what a tool or a document says is a tool's result wherever it stands."""
    provenance: Provenance


def places_of(stage: Stage, content: Sequence[Message]) -> Iterator[Place]:
    """Every text in ``content``, in order.

    >>> [p.where for p in places_of("input", [Message.system("Be brief."), Message.user("Hello")])]
    ['message 1', 'message 2']
    """
    for number, message in enumerate(content, 1):
        several = len(message.parts) > 1
        for at, part in enumerate(message.parts, 1):
            where = f"message {number}, part {at}" if several else f"message {number}"
            if isinstance(part, ToolCall):
                if stage != "arguments":
                    continue  # looked at when it is to be made
                for name, value in _strings(part.arguments, f"{where}, argument"):
                    yield Place(name, value, "arguments", part.provenance)
                if part.raw is not None:
                    yield Place(f"{where}, arguments as they came", part.raw, "arguments", part.provenance)
            elif isinstance(part, ToolResult):
                yield Place(where, part.content, "tool_result", part.provenance)
            elif isinstance(part, Text | Reasoning):
                outside = part.provenance.source in ("tool", "document")
                yield Place(where, part.text, "tool_result" if outside else stage, part.provenance)


def _strings(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            yield from _strings(inner, _inside(name, key))
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(cast("Sequence[object]", value)):
            yield from _strings(inner, f"{name}[{at}]")


def _inside(name: str, key: object) -> str:
    """A name for what is under ``key``, which nothing else has: a key may look like a path."""
    plain = isinstance(key, str) and key.replace("-", "_").isidentifier()
    if name.endswith(", argument"):
        return f"{name} {key}" if plain else f"{name} {key!r}"
    return f"{name}.{key}" if plain else f"{name}[{key!r}]"


def rewritten(content: Sequence[Message], texts: Mapping[str, str]) -> tuple[Message, ...]:
    """``content`` with these texts by place; everything else as it was."""
    messages: list[Message] = []
    for number, message in enumerate(content, 1):
        several = len(message.parts) > 1
        parts = tuple(
            _part(part, f"message {number}, part {at}" if several else f"message {number}", texts)
            for at, part in enumerate(message.parts, 1)
        )
        messages.append(message if parts == message.parts else replace(message, parts=parts))
    return tuple(messages)


def _part(part: Part, where: str, texts: Mapping[str, str]) -> Part:
    if isinstance(part, ToolCall):
        raw = part.raw if part.raw is None else texts.get(f"{where}, arguments as they came", part.raw)
        return replace(part, arguments=_value(part.arguments, f"{where}, argument", texts), raw=raw)
    if where not in texts:
        return part
    if isinstance(part, ToolResult):
        return replace(part, content=texts[where])
    if isinstance(part, Reasoning):
        return replace(part, text=texts[where], signature=None)  # the signature is of the old text
    return replace(part, text=texts[where]) if isinstance(part, Text) else part


def restored(message: Message, restore: Callable[[str], str]) -> Message:
    """``message`` with ``restore`` done to all of its texts."""
    texts = {
        place.where: restore(place.text)
        for stage in cast("tuple[Stage, ...]", ("output", "arguments"))
        for place in places_of(stage, [message])
    }
    return rewritten([message], texts)[0]


def _value(value: Any, name: str, texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return texts.get(name, value)
    if isinstance(value, Mapping):
        inner = cast("Mapping[Any, Any]", value)
        return {key: _value(one, _inside(name, key), texts) for key, one in inner.items()}
    if isinstance(value, list | tuple):
        return [_value(one, f"{name}[{at}]", texts) for at, one in enumerate(cast("Sequence[Any]", value))]
    return value
