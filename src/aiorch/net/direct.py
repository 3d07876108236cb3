"""An ordinary call over aiohttp's connections and parser, without its client: one write, one read.

aiohttp's connector (name look-up, TLS, keep-alive, limits) and its response parser do what they do anyway. Left out is
what its client builds anew for each call and each call throws away: request, headers, cookies, timers, writer,
response. Measured, CPU a call with 64 at once: 36 us in place of 114 us. What is unusual (a proxy, a large body, a
method that may be repeated) still takes the client.

The names used here are aiohttp's inner ones since 3.8 (``connect``, ``set_response_params``, ``read``); the tests in
``tests/net`` go through them with real sockets, so that a version that changes them is noticed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection

    from aiorch.net.calls import Patience, Prepared

ERRORS: tuple[type[Exception], ...] = (aiohttp.ClientError, HttpProcessingError, OSError, EOFError)
"""What a call may raise, over aiohttp's client or below it."""

AT_ONCE = 64 * 1024
"""Bytes of a body that the event loop takes without making the writer wait (asyncio's and uvloop's high water)."""

_REPLACED = frozenset({"content-length", "transfer-encoding"})
"""Headers that say how long the body is: that is known here."""


class Lines:
    """Ordinary calls over one connector."""

    __slots__ = ("_connector", "_made", "_patience")

    def __init__(self, connector: aiohttp.TCPConnector) -> None:
        self._connector = connector
        self._made: WeakKeyDictionary[Prepared, tuple[aiohttp.ClientRequest, bytes]] = WeakKeyDictionary()
        self._patience = lru_cache(maxsize=64)(_connecting)

    def fit(self, prepared: Prepared, body: bytes | None) -> bool:
        """True for an ordinary call: aiohttp's client repeats a GET over a connection that turns out to be closed, asks
        proxies, and writes a large body while it already listens.
        """
        return (
            body is not None and len(body) <= AT_ONCE and prepared.proxy is None and prepared.method == "POST"
        )

    async def open(self, prepared: Prepared, body: bytes | None, patience: Patience) -> DirectOpened:
        """Send it and wait for the response's head. Raises one of :data:`ERRORS`."""
        made = self._made.get(prepared)
        if made is None:
            made = self._made[prepared] = _written(prepared)
        request, head = made
        body = body or b""
        try:
            connection = await self._connector.connect(request, [], self._patience(patience.connect))
        except TimeoutError as late:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {prepared.host} in time") from late
        try:
            protocol = connection.protocol
            if protocol is None or protocol.transport is None:
                raise aiohttp.ServerDisconnectedError
            protocol.set_response_params(read_until_eof=True, read_timeout=patience.read)
            protocol.transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            protocol.start_timeout()
            while True:
                message, content = await protocol.read()
                if not 100 <= message.code <= 199 or message.code == 101:
                    return DirectOpened(connection, message.code, message.headers, content)
        except BaseException:
            connection.close()
            raise


def _connecting(seconds: float | None) -> aiohttp.ClientTimeout:
    # connect counts the wait for a free connection and the name look-up too, sock_connect one address.
    return aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds)


def _written(prepared: Prepared) -> tuple[aiohttp.ClientRequest, bytes]:
    """The request as aiohttp's connector wants it, and its head as bytes up to the body's length."""
    import asyncio

    # What is already encoded goes as it is: yarl would send `%3A` as `:`, and a signature is made of the path.
    encoded = "%" in prepared.url and prepared.url.isascii()
    url = URL(prepared.url, encoded=encoded)
    request = aiohttp.ClientRequest(
        prepared.method, url, headers=dict(prepared.headers), loop=asyncio.get_running_loop()
    )
    lines = [f"{prepared.method} {request.url.raw_path_qs} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in _REPLACED]
    return request, "\r\n".join((*lines, "content-length: ")).encode("latin-1")


class DirectOpened:
    """A response whose head is there."""

    __slots__ = ("_connection", "_content", "headers", "next", "status")

    def __init__(
        self,
        connection: Connection,
        status: int,
        headers: Mapping[str, str],
        content: aiohttp.StreamReader,
    ) -> None:
        self.status = status
        self.headers = headers
        self._connection = connection
        self._content = content
        self.next = content.readany

    def at_hand(self) -> bytes | None:
        """See :class:`aiorch.net.pools.Opened`."""
        content = self._content
        piece = content.read_nowait()
        return piece if piece or content.at_eof() else None

    def at_end(self) -> bool:
        """Likewise."""
        return self._content.at_eof()

    async def aclose(self) -> None:
        """Give the connection back; aiohttp closes it when the body was not read to its end."""
        self._connection.release()
