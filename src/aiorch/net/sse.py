"""Server-sent events, read from bytes as they come (WHATWG HTML, section 9.2.6).

Bytes may be cut anywhere: inside a line end, a character or the byte order mark. What makes it quick is that the
usual event, ``data: {...}`` and a blank line, is cut out of its chunk whole.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

from aiorch.net.causes import NetError

MAX_EVENT = 8 * 1024 * 1024
"""Bytes of one event: a picture in base64 fits, a server that never ends an event does not."""


class EventTooLarge(NetError):
    """One event is larger than the parser's limit."""

    def __init__(self, limit: int) -> None:
        super().__init__("body", "too_large", f"a server-sent event is larger than {limit:,} bytes")


class ServerSentEvent(NamedTuple):
    """One event."""

    data: str
    """The data lines, joined by newlines."""
    event: str = "message"
    id: str = ""
    """The last id that the stream gave, this event's or an earlier one's."""
    retry: int | None = None
    """Milliseconds to wait before reconnecting, where this event says so."""


class SSEParser:
    """Feed it bytes, get whole events.

    >>> parser = SSEParser()
    >>> parser.feed(b'data: {"a"'), [e.data for e in parser.feed(b': 1}\\n\\n')]
    ([], ['{"a": 1}'])

    Beyond the standard: :meth:`close` also hands out a last event that only lacks its blank line, as some servers end.
    """

    __slots__ = ("_after_cr", "_buffer", "_head", "_id", "_limit")

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        self._limit = max_event
        self._buffer = bytearray()
        self._head: bytes | None = b""
        """The first bytes, while they may still become a byte order mark."""
        self._after_cr = False
        self._id = ""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that ``chunk`` completes. :raises EventTooLarge:"""
        if self._head is not None:
            chunk = self._without_mark(chunk)
        if self._after_cr and chunk:
            # The CR before this chunk already ended a line; an LF that follows it belongs to it.
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

        buffer = self._buffer
        searched = max(0, len(buffer) - 1)
        buffer += chunk
        end = buffer.rfind(b"\n\n", searched)
        if end < 0:
            if len(buffer) > self._limit + 1:
                raise EventTooLarge(self._limit)
            return []
        complete = bytes(buffer[:end])
        del buffer[: end + 2]
        events: list[ServerSentEvent] = []
        for block in complete.split(b"\n\n"):
            if len(block) > self._limit:
                raise EventTooLarge(self._limit)
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append(ServerSentEvent(block[6:].decode("utf-8", "replace"), "message", self._id))
            else:
                self._read(block, events)
        if len(buffer) > self._limit + 1:
            raise EventTooLarge(self._limit)
        return events

    def close(self) -> list[ServerSentEvent]:
        """The stream has ended: the last event, if it lacks nothing but its blank line."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        events: list[ServerSentEvent] = []
        self._read(rest, events)
        return events

    def _without_mark(self, chunk: bytes) -> bytes:
        head = (self._head or b"") + chunk
        if len(head) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(codecs.BOM_UTF8)

    def _read(self, block: bytes, events: list[ServerSentEvent]) -> None:
        """One block of lines, which is at most one event."""
        data: list[str] = []
        kind = ""
        retry: int | None = None
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            if not name:
                continue  # a comment, or an empty line
            text = value.removeprefix(b" ").decode("utf-8", "replace")
            if name == b"data":
                data.append(text)
            elif name == b"event":
                kind = text
            elif name == b"id":
                if "\0" not in text:
                    self._id = text
            elif name == b"retry" and text.isascii() and text.isdigit():
                retry = int(text)
        if data:
            events.append(ServerSentEvent("\n".join(data), kind or "message", self._id, retry))
