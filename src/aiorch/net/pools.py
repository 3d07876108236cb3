"""Who carries the bytes: aiohttp on asyncio, httpx's transport on trio, or an httpx transport that the caller hands in.

Measured beside each other (CPU a call, 64 at once): aiohttp's connections and parser without its client 36 us, with it
114 us, that behind httpx's types (httpx-aiohttp, client left out) 150 us, httpx's own pool above 900 us. So aiohttp is
called below its client where a call is an ordinary one (:mod:`aiorch.net.direct`), and httpx's types are the seam for
whatever else a caller brings, not a layer under everybody. This module is imported at the first call.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from aiorch.net.calls import Patience, Prepared

MAX_CONNECTIONS = 2048
KEEP_ALIVE = 45.0
"""Seconds that an idle connection is kept. A pause should not cost a new TLS handshake, but the common load balancers
close after 60 s, and a call must not meet that moment."""


class Opened(Protocol):
    """A response whose head is there."""

    status: int
    headers: Mapping[str, str]

    def at_hand(self) -> bytes | None:
        """A piece that is there already; empty at the end; ``None`` when it has to be waited for."""
        ...

    def at_end(self) -> bool:
        """True where nothing more comes; False where that is not known."""
        ...

    async def next(self) -> bytes:
        """The next piece; empty at the end."""
        ...

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end. Raises nothing of its own."""
        ...


class Pool(Protocol):
    """Connections of one event loop."""

    errors: tuple[type[Exception], ...]
    """What it raises when a call fails; anything else is a bug and passes through."""

    def open(self, prepared: Prepared, body: bytes | None, patience: Patience) -> Awaitable[Opened]:
        """Send one request and wait for the response's head."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def open_pool(inner: httpx.AsyncBaseTransport | None, *, asyncio: bool) -> Pool:
    """The pool for an event loop of that kind."""
    return AiohttpPool() if asyncio and inner is None else HttpxPool(inner)


def tls() -> ssl.SSLContext:
    """The certificates of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` where they are set, else certifi's (httpx's rules)."""
    cafile, capath = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not cafile and not capath:
        import certifi

        cafile = certifi.where()
    return ssl.create_default_context(cafile=cafile, capath=capath)


# --- aiohttp -----------------------------------------------------------------------------------------------------


class AiohttpPool:
    """aiohttp, asyncio only."""

    def __init__(self) -> None:
        import aiohttp
        import yarl

        from aiorch.net.direct import ERRORS, Lines

        self.errors = ERRORS
        # aiohttp keeps a connection although the request said `connection: close`, so such calls have a session of
        # their own. trust_env stays off: aiohttp would look up ~/.netrc in a thread at every call, and fail where it
        # finds an entry beside our key. Cookies belong to browsers.
        certificates = tls()
        kept = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE, ssl=certificates)
        closed = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, force_close=True, ssl=certificates)
        self._kept = aiohttp.ClientSession(connector=kept, cookie_jar=aiohttp.DummyCookieJar())
        self._closed = aiohttp.ClientSession(connector=closed, cookie_jar=aiohttp.DummyCookieJar())
        self._lines_kept = Lines(kept)
        self._lines_closed = Lines(closed)
        self._timeout = aiohttp.ClientTimeout
        self._encoded = yarl.URL

    def open(self, prepared: Prepared, body: bytes | None, patience: Patience) -> Awaitable[Opened]:
        lines = self._lines_kept if prepared.keep else self._lines_closed
        return (lines.open if lines.fit(prepared, body) else self._asked)(prepared, body, patience)

    async def _asked(self, prepared: Prepared, body: bytes | None, patience: Patience) -> Opened:
        """Through aiohttp's client."""
        # connect counts the wait for a free connection and the name look-up too, sock_connect one address.
        timeout = self._timeout(
            total=None, connect=patience.connect, sock_connect=patience.connect, sock_read=patience.read
        )
        session = self._kept if prepared.keep else self._closed
        # What is already encoded goes as it is: yarl would send `%3A` as `:`, and a signature is made of the path.
        url = self._encoded(prepared.url, encoded=True) if _is_encoded(prepared.url) else prepared.url
        response = await session.request(
            prepared.method,
            url,
            data=body,
            headers=prepared.headers,
            allow_redirects=False,
            timeout=timeout,
            proxy=prepared.proxy,
        )
        return AiohttpOpened(response)

    async def aclose(self) -> None:
        await self._kept.close()
        await self._closed.close()


def _is_encoded(url: str) -> bool:
    return "%" in url and url.isascii()


class AiohttpOpened:
    """A response of aiohttp."""

    __slots__ = ("_content", "_response", "headers", "next", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._content = response.content
        self.next = response.content.readany

    def at_hand(self) -> bytes | None:
        content = self._content
        piece = content.read_nowait()
        return piece if piece or content.at_eof() else None

    def at_end(self) -> bool:
        return self._content.at_eof()

    async def aclose(self) -> None:
        # Closes the connection when the body was not read to its end.
        self._response.release()


# --- httpx -------------------------------------------------------------------------------------------------------


class HttpxPool:
    """Any ``httpx.AsyncBaseTransport``: the caller's, or httpx's own, one a proxy."""

    def __init__(self, inner: httpx.AsyncBaseTransport | None) -> None:
        import httpx

        self.errors: tuple[type[Exception], ...] = (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpx.StreamError,
            OSError,
            EOFError,
        )
        self._inner = inner
        self._by_proxy: dict[str | None, httpx.AsyncBaseTransport] = {}
        self._request = httpx.Request

    async def open(self, prepared: Prepared, body: bytes | None, patience: Patience) -> Opened:
        transport = self._inner or self._by_proxy.get(prepared.proxy) or self._own(prepared.proxy)
        waits = {
            "connect": patience.connect,
            "pool": patience.connect,
            "read": patience.read,
            "write": patience.read,
        }
        request = self._request(
            prepared.method,
            prepared.url,
            headers=dict(prepared.headers),
            content=body,
            extensions={"timeout": waits},
        )
        return HttpxOpened(await transport.handle_async_request(request), self.errors)

    def _own(self, proxy: str | None) -> httpx.AsyncBaseTransport:
        import httpx

        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE,
        )
        transport = httpx.AsyncHTTPTransport(verify=tls(), limits=limits, proxy=proxy)
        self._by_proxy[proxy] = transport
        return transport

    async def aclose(self) -> None:
        for transport in (self._inner, *self._by_proxy.values()):
            if transport is not None:
                await transport.aclose()


class HttpxOpened:
    """A response of an httpx transport."""

    __slots__ = ("_errors", "_pieces", "_response", "headers", "status")

    def __init__(self, response: httpx.Response, errors: tuple[type[Exception], ...]) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._errors = errors
        encoded = "content-encoding" in response.headers
        pieces = response.aiter_bytes() if encoded else cast("AsyncIterable[bytes]", response.stream)
        self._pieces: AsyncIterator[bytes] = pieces.__aiter__()

    def at_hand(self) -> bytes | None:
        return None

    def at_end(self) -> bool:
        return False

    async def next(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        return b""

    async def aclose(self) -> None:
        # Closing the iterator first lets httpcore's generator end where it stands, not at garbage collection. A
        # connection that breaks while it is given back changes nothing about what was already read.
        close: Any = getattr(self._pieces, "aclose", None)
        with suppress(*self._errors):
            if close is not None:
                await close()
        with suppress(*self._errors):
            await self._response.aclose()
