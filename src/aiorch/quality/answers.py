"""The JSON in what a model wrote: behind its thinking, in a code fence, between sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

FENCE = re.compile(r"^[ \t]{0,8}(?P<sign>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE)
"""A line that opens or closes a code block; indented as far as in a nested list."""
BEGINNINGS = re.compile(r"[{\[]")
SIGNS = re.compile(r"[\"'{\d]")
"""What a list has that is data; words in brackets have none of it."""
MOST_REPAIRED = 20_000
"""Characters; nobody knows what a longer broken text was to be."""
MOST_TRIES = 32
"""How many brackets are tried as the beginning of the JSON. Each try may read to the end, so there must be a limit."""


class NoJSON(ValueError):
    """There is none; the message says where it goes wrong."""


def json_in(text: str) -> Any:
    """The JSON value that an answer holds.

    >>> json_in('Sure! Here it is:\\n```json\\n{"a": 1}\\n```\\nAnything else?')
    {'a': 1}

    :raises NoJSON: when there is none.
    """
    said = without_thinking(text).strip()
    try:
        return _read(said)
    except NoJSON as as_it_is:
        reason = as_it_is
    for block in fenced(said):
        try:
            return _read(block)
        except NoJSON as in_block:
            reason = in_block
    for block in (said, *fenced(said)):
        mended = repaired(block)
        if mended is not None:
            return mended
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for tries, beginning in enumerate(BEGINNINGS.finditer(said)):
        if tries == MOST_TRIES:
            break
        try:
            return cast(Any, decoder.raw_decode(said, beginning.start()))[0]
        except (ValueError, RecursionError):
            continue
    raise reason


def repaired(text: str) -> Any:
    """The value of a text that is JSON but for its punctuation (quotes, commas, comments, Python's words), by
    json-repair; ``None`` where that is not installed (``aiorch-sdk[quality]``), or where mending would be
    guessing: a text that stops in the middle has lost something.
    """
    text = text.strip()
    whole = (text.startswith("{") and text.endswith("}")) or (text.startswith("[") and text.endswith("]"))
    if not whole or len(text) > MOST_REPAIRED or text.count("{") != text.count("}"):
        return None
    try:
        from json_repair import repair_json
    except ImportError:
        return None
    try:
        mended = json.loads(repair_json(text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if isinstance(mended, dict if text.startswith("{") else list) and mended and SIGNS.search(text):
        return cast(Any, mended)
    return None


def without_thinking(text: str) -> str:
    """The answer behind ``<think>...</think>``, which some models leave in front of it."""
    if text.lstrip().startswith("<think>"):
        _, closed, answer = text.partition("</think>")
        return answer if closed else text
    return text


def fenced(text: str) -> list[str]:
    """What stands between code fences; a last one may be unclosed."""
    return [inside.strip() for inside, _ in _blocks(text)]


def unclosed_fence(text: str) -> bool:
    """Whether a code block was begun and not ended."""
    return not all(closed for _, closed in _blocks(text))


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Each code block with whether it is closed: by a fence of the same sign, no shorter, with nothing behind it."""
    if "```" not in text and "~~~" not in text:
        return
    opened: re.Match[str] | None = None
    for fence in FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence["sign"].startswith(opened["sign"]) and not fence["info"].strip():
            yield text[opened.end() : fence.start()], True
            opened = None
    if opened is not None:
        yield text[opened.end() :], False


def unclosed_json(text: str) -> bool:
    """Whether ``text`` is JSON that stops in the middle: brackets or a string are still open at its end.

    >>> unclosed_json('{"a": [1, 2'), unclosed_json('{"a": [1, 2]}')
    (True, False)
    """
    depth, in_string, escaped = 0, False, False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
    return in_string or depth > 0


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise NoJSON("it is nested too deeply") from None
    except json.JSONDecodeError as wrong:
        where = f"line {wrong.lineno}, column {wrong.colno}"
        raise NoJSON(f"{wrong.msg} at {where}" if text else "it is empty") from None


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"no JSON number: {name}", name, 0)
