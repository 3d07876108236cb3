"""A stream of JSON documents, one a line, read from bytes as they come."""

from __future__ import annotations

from aiorch.net.sse import MAX_EVENT, EventTooLarge, ServerSentEvent


class NDJSONParser:
    """Feed it bytes, get whole lines, each as the ``data`` of a :class:`~aiorch.net.ServerSentEvent`.

    >>> parser = NDJSONParser()
    >>> parser.feed(b'{"a":'), [e.data for e in parser.feed(b'1}\\n{"b"')], [e.data for e in parser.close()]
    ([], ['{"a":1}'], ['{"b"'])
    """

    __slots__ = ("_buffer", "_limit")

    def __init__(self, *, max_line: int = MAX_EVENT) -> None:
        self._limit = max_line
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The lines that ``chunk`` completes. :raises EventTooLarge:"""
        self._buffer += chunk
        *lines, rest = bytes(self._buffer).split(b"\n") if b"\n" in chunk else [bytes(self._buffer)]
        if len(rest) > self._limit or any(len(line) > self._limit for line in lines):
            raise EventTooLarge(self._limit)
        self._buffer = bytearray(rest)
        return [_event(line) for line in lines if line.strip()]

    def close(self) -> list[ServerSentEvent]:
        """The stream has ended: its last line, where nothing ended that."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return [_event(rest)] if rest.strip() else []


def _event(line: bytes) -> ServerSentEvent:
    return ServerSentEvent(line.decode("utf-8", "replace").strip())
