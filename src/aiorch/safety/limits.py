"""Is this an input at all? Its types, its size and its structure, before anything looks at its meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

from aiorch.types import (
    Image,
    Issue,
    Message,
    Reasoning,
    Role,
    Stage,
    Task,
    Text,
    ToolCall,
    ToolResult,
    Verdict,
)

TEXT_LIMIT = 102_400
"""Bytes of UTF-8 in all texts of one input: 100 KB."""
IMAGE_LIMIT = 20 * 1024 * 1024
"""Bytes of all pictures of one input. Gemini, the strictest of the large ones, takes 20 MB a request."""

ROLES: frozenset[str] = frozenset(get_args(Role))
PLACES: Mapping[type, frozenset[str]] = {
    Text: ROLES - {"tool"},
    Image: frozenset({"user"}),
    Reasoning: frozenset({"assistant"}),
    ToolCall: frozenset({"assistant"}),
    ToolResult: frozenset({"tool"}),
}
"""Whose messages may carry which parts."""


class InputLimits:
    """Refuses an input that is no conversation, too large, or cannot be sent as it is.

    Its codes: ``bad_type``, ``misplaced_part``, ``invalid_text``, ``invalid_image``, ``too_long``, ``image_too_large``,
    ``empty``, ``bad_role_order``, ``orphan_tool_result``, ``unanswered_tool_call``.
    """

    name = "input_limits"
    stages: frozenset[Stage] = frozenset({"input"})

    def __init__(self, text_limit: int = TEXT_LIMIT, image_limit: int = IMAGE_LIMIT) -> None:
        self.text_limit = text_limit
        self.image_limit = image_limit

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """Block when anything is wrong; every problem is named."""
        issues = check(content, self.text_limit, self.image_limit)
        return Verdict(stage, "block" if issues else "allow", issues)


def check(content: object, text_limit: int = TEXT_LIMIT, image_limit: int = IMAGE_LIMIT) -> tuple[Issue, ...]:
    """Everything that is wrong with ``content``. Never raises, whatever it is."""
    if _ordinary(content, text_limit):
        return ()
    wrong_types = tuple(_types(content))
    if wrong_types:
        return wrong_types  # the rest could not be read
    messages = cast("Sequence[Message]", content)
    return (
        *_texts(messages),
        *_images(messages),
        *_sizes(messages, text_limit, image_limit),
        *_structure(messages),
        *_tool_calls(messages),
    )


def _ordinary(content: object, text_limit: int) -> bool:
    """True for what nearly every input is, in one look: instructions, then turns, all of them plain text and short
    enough. False says nothing.
    """
    if not isinstance(content, list | tuple):
        return False
    size, begun, said = 0, False, False
    for message in cast("Sequence[object]", content):
        if type(message) is not Message or type(cast(object, message.parts)) is not tuple:
            return False
        role: object = message.role
        if role == "system":
            if begun:
                return False
        elif role == "user" or role == "assistant":
            begun = True
        else:
            return False
        for part in message.parts:
            if type(part) is not Text or type(cast(object, part.text)) is not str:
                return False
            text = part.text
            if not text.isascii() or "\0" in text:
                return False
            size += len(text)
            said = said or (begun and bool(text) and not text.isspace())
    return said and size <= text_limit


# --- types -------------------------------------------------------------------------------------------------------


def _types(content: object) -> Iterator[Issue]:
    if not isinstance(content, list | tuple):
        yield _issue("bad_type", f"expected messages, got {_kind(content)}")
        return
    for n, message in enumerate(cast("Sequence[object]", content), 1):
        if not isinstance(message, Message):
            yield _issue("bad_type", f"message {n} is {_kind(message)}, not a Message")
        elif not isinstance(cast(object, message.parts), list | tuple):
            yield _issue("bad_type", f"the parts of message {n} are {_kind(message.parts)}, not a tuple")
        elif not isinstance(cast(object, message.role), str) or message.role not in ROLES:
            yield _issue("bad_type", f"message {n} has the role {message.role!r}; roles are {_or(ROLES)}")
        else:
            for part in cast("Sequence[object]", message.parts):
                yield from _part_types(n, message.role, part)


def _part_types(n: int, role: str, part: object) -> Iterator[Issue]:
    if type(part) not in PLACES:
        yield _issue("bad_type", f"message {n} holds {_kind(part)}, which is not a part of a message")
    elif role not in PLACES[type(part)]:
        where = _or(PLACES[type(part)])
        yield _issue(
            "misplaced_part", f"message {n} ({role}) holds a {type(part).__name__}; it belongs to {where}"
        )
    else:
        for field, value in _fields(part).items():
            if not isinstance(value, _expected(field)):
                yield _issue(
                    "bad_type", f"{field} of a {type(part).__name__} in message {n} is {_kind(value)}"
                )


def _fields(part: object) -> dict[str, object]:
    match part:
        case Text() | Reasoning():
            return {"text": part.text}
        case ToolCall():
            return {"id": part.id, "name": part.name, "arguments": part.arguments, "raw": part.raw or ""}
        case ToolResult():
            return {"call_id": part.call_id, "content": part.content}
        case Image():
            given = {"url": part.url, "data": part.data, "media_type": part.media_type}
            return {k: v for k, v in given.items() if v is not None}
        case _:  # pragma: no cover - the caller has looked
            return {}


def _expected(field: str) -> type | tuple[type, ...]:
    return {"arguments": Mapping, "data": bytes}.get(field, str)


# --- texts and pictures ------------------------------------------------------------------------------------------


def _strings(part: object) -> Iterator[str]:
    """All that a part says in characters."""
    match part:
        case Text() | Reasoning():
            yield part.text
        case ToolCall():
            yield part.name
            yield _json(part.arguments)
            yield part.raw or ""
        case ToolResult():
            yield part.content
        case Image(url=str() as url) if not url.startswith("data:"):
            yield url
        case _:
            pass


def _json(arguments: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(arguments), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # no JSON value, a circle, too deep
        return ""


def _texts(messages: Sequence[Message]) -> Iterator[Issue]:
    for n, message in enumerate(messages, 1):
        said = [s for part in message.parts for s in _strings(part)]
        if any("\0" in s for s in said):
            yield _issue("invalid_text", f"message {n} holds a NUL character; is it a binary file? Remove it")
        if not all(s.isascii() or _encodable(s) for s in said):
            yield _issue(
                "invalid_text",
                f"message {n} holds half a surrogate pair, which UTF-8 cannot carry; decode its source with "
                "errors='replace'",
            )
        for call in message.tool_calls:
            if call.arguments and not _json(call.arguments):
                yield _issue(
                    "invalid_text", f"the arguments of the tool call {call.id!r} in message {n} are no JSON"
                )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _images(messages: Sequence[Message]) -> Iterator[Issue]:
    for n, message in enumerate(messages, 1):
        for part in message.parts:
            if not isinstance(part, Image):
                continue
            if part.url is not None and not part.url.startswith(("https://", "http://", "data:image/")):
                yield _issue(
                    "invalid_image", f"the picture in message {n} needs an http(s) or data:image/ URL"
                )
            if part.data is not None and not (part.media_type or "").startswith("image/"):
                yield _issue(
                    "invalid_image", f"message {n} holds {part.media_type!r}, which is not a picture"
                )


def _sizes(messages: Sequence[Message], text_limit: int, image_limit: int) -> Iterator[Issue]:
    parts = [part for message in messages for part in message.parts]
    texts = sum(_bytes(s) for part in parts for s in _strings(part))
    if texts > text_limit:
        yield _issue(
            "too_long",
            f"the input is {texts:,} bytes long, at most {text_limit:,} are taken: shorten or split it, "
            "or raise the setting input_limit (AIORCH_INPUT_LIMIT)",
        )
    pictures = sum(_image_bytes(part) for part in parts if isinstance(part, Image))
    if pictures > image_limit:
        yield _issue(
            "image_too_large",
            f"the pictures are {pictures:,} bytes, at most {image_limit:,} are taken: make them smaller",
        )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _image_bytes(image: Image) -> int:
    if image.data is not None:
        return len(image.data)
    url = image.url or ""
    return len(url) * 3 // 4 if url.startswith("data:") else 0


# --- structure ---------------------------------------------------------------------------------------------------


def _structure(messages: Sequence[Message]) -> Iterator[Issue]:
    if not any(_has_content(m) for m in messages if m.role != "system"):
        yield _issue("empty", "there is nothing to answer: no message but the system's has any content")
    begun = False
    for n, message in enumerate(messages, 1):
        if message.role == "system" and begun:
            yield _issue("bad_role_order", f"message {n} is the system's; those come before all others")
        begun = begun or message.role != "system"


def _has_content(message: Message) -> bool:
    return any(not isinstance(part, Text | Reasoning) or part.text.strip() for part in message.parts)


def _tool_calls(messages: Sequence[Message]) -> Iterator[Issue]:
    """Each result answers a call of the message before, each call is answered before anybody goes on."""
    waiting: dict[str, str] = {}
    for n, message in enumerate(messages, 1):
        if message.role != "tool":
            yield from _unanswered(waiting)
            waiting = {call.id: call.name for call in message.tool_calls}
            if len(waiting) < len(message.tool_calls):
                yield _issue("bad_role_order", f"two tool calls in message {n} have the same id")
        for result in message.tool_results:
            if waiting.pop(result.call_id, None) is None:
                yield _issue(
                    "orphan_tool_result",
                    f"message {n} answers {result.call_id!r}, which was not called or is answered already",
                )
    yield from _unanswered(waiting)


def _unanswered(waiting: Mapping[str, str]) -> Iterator[Issue]:
    for call_id, name in waiting.items():
        yield _issue(
            "unanswered_tool_call", f"the call {call_id!r} of {name!r} has no result in the message after it"
        )


def _issue(code: str, message: str) -> Issue:
    return Issue(code, message, detector=InputLimits.name)


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _or(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))
