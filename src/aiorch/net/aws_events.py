"""Amazon's binary event stream (``application/vnd.amazon.eventstream``), read from bytes as they come.

Each frame bears its length, headers, a payload and two checksums. Cutting and checking them is botocore's work.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from aiorch.errors import MissingExtra
from aiorch.net.causes import NetError
from aiorch.net.sse import MAX_EVENT, EventTooLarge, ServerSentEvent


class _Prelude(Protocol):
    total_length: int


class _Frame(Protocol):
    prelude: _Prelude
    headers: Mapping[str, Any]
    payload: bytes


class _Buffer(Protocol):
    def add_data(self, data: bytes) -> None: ...
    def __iter__(self) -> Iterable[_Frame]: ...
    def __next__(self) -> _Frame: ...


class AWSEventParser:
    """Feed it bytes, get whole frames, each as a :class:`~aiorch.net.ServerSentEvent`.

    A frame's payload is its ``data``; its ``:event-type`` its ``event``, and of an exception ``error:`` and its type.

    :param max_event: bytes of one frame.
    :raises MissingExtra: without botocore.
    """

    __slots__ = ("_broken", "_buffer", "_limit", "_pending")

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        try:
            stream = import_module("botocore.eventstream")
        except ImportError as error:
            raise MissingExtra("bedrock", "reading Amazon's event streams") from error
        self._buffer = cast(_Buffer, stream.EventStreamBuffer())
        # Frames whose checksum is right can still hold nonsense; botocore lets those errors through as they are.
        self._broken: tuple[type[Exception], ...] = (
            cast("type[Exception]", stream.ParserError),
            struct.error,
            LookupError,
            ValueError,
        )
        self._limit = max_event
        self._pending = 0
        """Bytes of the frame that is not complete."""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The frames that ``chunk`` completes.

        :raises NetError: ``protocol``, when a checksum is wrong or what comes is no such stream.
        :raises EventTooLarge:
        """
        self._buffer.add_data(chunk)
        self._pending += len(chunk)
        events: list[ServerSentEvent] = []
        while True:
            try:
                frame = next(self._buffer, None)
                if frame is None:
                    break
                events.append(_event(frame))
            except self._broken as error:
                what = "the stream does not hold what an event stream of Amazon's does"
                raise NetError("body", "protocol", f"{what} ({type(error).__name__})") from error
            if frame.prelude.total_length > self._limit:
                raise EventTooLarge(self._limit)
            self._pending -= frame.prelude.total_length
        if self._pending > self._limit:
            raise EventTooLarge(self._limit)
        return events

    def close(self) -> list[ServerSentEvent]:
        """The stream has ended. A frame that is not complete is none: its checksum comes last."""
        return []


def _event(frame: _Frame) -> ServerSentEvent:
    headers = frame.headers
    kind = headers.get(":message-type", "event")
    if kind == "error":  # the transport's own, without a payload
        said = {"message": str(headers.get(":error-message", ""))}
        return ServerSentEvent(json.dumps(said), f"error:{headers.get(':error-code', 'error')}")
    data = frame.payload.decode("utf-8", "replace")
    if kind == "exception":
        return ServerSentEvent(data, f"error:{headers.get(':exception-type', 'exception')}")
    return ServerSentEvent(data, str(headers.get(":event-type", "message")))
