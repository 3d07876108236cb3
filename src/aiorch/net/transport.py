"""One HTTP attempt over a pooled transport: httpx's types and transports, without its client.

``httpx.AsyncClient`` costs about 250 microseconds a call above its transport (measured beside bare aiohttp), so a
transport is driven directly with URL and headers prepared once: aiohttp's on asyncio, httpx's own on trio, or one
that the caller hands in. Nothing is imported or opened before the first call. Redirects are not followed and no
cookies are kept: neither belongs to a call with a key in its headers.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiorch.net.causes import NetError, net_error
from aiorch.types import Timeouts

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one whole answer; the longest known list of models has half a million."""
MAX_CONNECTIONS = 2048
KEEP_ALIVE = 60.0
"""Seconds that an idle connection is kept (httpx's own 5 s make every pause a new TLS handshake)."""

_HEADERS = (("accept-encoding", "gzip, deflate"), ("user-agent", "aiorch"))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What stays the same over many calls to one place; made by :meth:`Transport.prepare`."""

    method: str
    url: httpx.URL
    headers: httpx.Headers
    host: str
    """Server and port, for messages (a full URL may hold secrets)."""
    proxy: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


class StreamReply:
    """A response whose body comes in pieces: iterate over it, or :meth:`read` it whole."""

    __slots__ = ("_errors", "_host", "_idle", "_next", "_started", "headers", "status")

    def __init__(self, response: httpx.Response, pieces: AsyncIterator[bytes], call: _Call) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        """Names in any case."""
        self._next = pieces.__anext__
        self._idle = call.limits.idle
        self._host = call.prepared.host
        self._errors = call.errors
        self._started = False

    def __aiter__(self) -> StreamReply:
        return self

    async def __anext__(self) -> bytes:
        """The next piece. :raises NetError: when the connection breaks or falls silent."""
        # The first piece gets the transport's own patience, the longer of the two: some hosts send their headers at
        # once and read the prompt afterwards (NVIDIA).
        idle = self._idle if self._started else None
        self._started = True
        try:
            return await (self._next() if idle is None else _within(idle, self._next))
        except self._errors as error:
            raise net_error(error, "body", self._host) from error

    async def read(self, limit: int = MAX_BODY) -> bytes:
        """The rest of the body. :raises NetError: also when it is larger than ``limit`` bytes."""
        length = self.headers.get("content-length", "")
        expected = int(length) if length.isascii() and length.isdigit() else -1
        pieces: list[bytes] = []
        size = 0
        async for piece in self:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise NetError("body", "too_large", f"the answer of {self._host} is larger than {limit:,} bytes")
            if size == expected:
                self._idle = None  # only the end is left, and it is here: not worth a guard
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Transport:
    """Makes exactly one attempt a call, over connections that are kept; asyncio and trio.

    Connections belong to the event loop that opened them; a call from another loop opens its own.

        transport = Transport()
        chat = transport.prepare("POST", "https://api.example.com/v1/chat/completions", {"authorization": "Bearer ..."})
        reply = await transport.send(chat, b'{"model": ...}', Timeouts(connect=5))

    :param inner: an ``httpx.AsyncBaseTransport`` to use instead of the default ones; closed with this one.
    :param trust_env: use the proxies that the environment (``HTTPS_PROXY``, ``NO_PROXY`` ...) names.
    :param max_body: the largest whole answer, bytes.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport | None = None, *, trust_env: bool = True, max_body: int = MAX_BODY
    ) -> None:
        self._inner = inner
        self._trust_env = trust_env
        self._max_body = max_body
        self._tls: ssl.SSLContext | None = None
        self._pools: weakref.WeakKeyDictionary[object, _Pools] = weakref.WeakKeyDictionary()
        self._timeouts: dict[Timeouts, _Limits] = {}

    def prepare(self, method: str, url: str, headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> Prepared:
        """What calls to ``url`` share. :raises NetError: when ``url`` is not an HTTP address."""
        import httpx

        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as bad:
            raise net_error(bad, "connect", repr(url)) from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise NetError("connect", "url", f"{url!r} is not an address that begins with http:// or https://")
        own = list(headers.items() if isinstance(headers, Mapping) else headers)
        given = {name.lower() for name, _ in own}
        host = parsed.netloc.decode("ascii").rpartition("@")[2]
        return Prepared(
            method,
            parsed,
            httpx.Headers([*own, *(h for h in _HEADERS if h[0] not in given)]),
            host,
            _proxy_for(parsed) if self._trust_env and self._inner is None else None,
        )

    async def send(self, prepared: Prepared, body: bytes | None = None, timeouts: Timeouts = Timeouts()) -> Reply:
        """One call, its whole answer read. :raises NetError: when there is none."""
        async with self.stream(prepared, body, timeouts) as reply:
            return Reply(reply.status, reply.headers, await reply.read(self._max_body))

    def stream(self, prepared: Prepared, body: bytes | None = None, timeouts: Timeouts = Timeouts()) -> _Call:
        """One call, its answer in pieces: ``async with transport.stream(...) as reply: async for piece in reply``.

        Leaving the block ends the call, whatever is left of it.

        :raises NetError: on entering, or while the pieces come.
        """
        limits = self._timeouts.get(timeouts)
        if limits is None:
            if len(self._timeouts) > 1000:  # deadlines make ever new ones
                self._timeouts.clear()
            limits = self._timeouts[timeouts] = _limits(timeouts)
        return _Call(self, prepared, body, limits)

    async def aclose(self) -> None:
        """Close what this event loop opened. A later call opens anew."""
        if self._inner is not None:
            await self._inner.aclose()
            return
        from anyio.lowlevel import current_token

        pools = self._pools.pop(current_token().native_token, None)
        if pools is not None:
            await pools.aclose()

    async def pool_for(self, proxy: str | None) -> _Pool:
        """The transport of the running event loop, opened at its first call."""
        from anyio.lowlevel import current_token

        here = current_token()
        pools = self._pools.get(here.native_token)
        if pools is None:
            await self._drop_dead_loops()
            pools = self._pools[here.native_token] = _Pools({})
        pool = pools.by_proxy.get(proxy)
        if pool is None:
            pool = pools.by_proxy[proxy] = self._open(proxy, "asyncio" in here.backend_class.__module__)
        return pool

    async def _drop_dead_loops(self) -> None:
        """Let go of what was left open by loops that are closed by now (``asyncio.run`` twice, a notebook)."""
        for loop, pools in tuple(self._pools.items()):
            is_closed = getattr(loop, "is_closed", None)
            if callable(is_closed) and is_closed():
                del self._pools[loop]
                with suppress(Exception):  # a dead loop cannot close politely
                    await pools.aclose()

    def _open(self, proxy: str | None, asyncio: bool) -> _Pool:
        import httpx

        if self._inner is not None:
            return _Pool(self._inner, _errors())
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        via = httpx.Proxy(proxy) if proxy else None
        if not asyncio:
            limits = httpx.Limits(
                max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS, keepalive_expiry=KEEP_ALIVE
            )
            return _Pool(httpx.AsyncHTTPTransport(verify=self._tls, limits=limits, proxy=via), _errors())
        import aiohttp
        from httpx_aiohttp import AiohttpTransport

        # A session of our own: httpx-aiohttp's keeps cookies, and its connector takes no DNS settings. trust_env stays
        # off: aiohttp would look up ~/.netrc in a thread at every call and fail where it finds an entry beside our key.
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE, ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return _Pool(AiohttpTransport(verify=self._tls, proxy=via, client=session), (*_errors(), aiohttp.ClientError))


@dataclass(frozen=True, slots=True)
class _Pool:
    transport: httpx.AsyncBaseTransport
    errors: tuple[type[Exception], ...]
    """What it raises when a call fails; anything else is a bug and passes through."""


@dataclass(frozen=True, slots=True)
class _Pools:
    by_proxy: dict[str | None, _Pool]

    async def aclose(self) -> None:
        for pool in self.by_proxy.values():
            await pool.transport.aclose()


@dataclass(frozen=True, slots=True)
class _Limits:
    """Timeouts as transport and phases take them."""

    extension: dict[str, Any]
    head: float | None
    """Guard the head with this; ``None`` leaves it to the transport."""
    idle: float | None
    """Guard a later piece of the body with this."""


def _limits(timeouts: Timeouts) -> _Limits:
    """A transport knows one read time-out. It gets the longer of ours, so the shorter needs a guard of our own."""
    first, idle = timeouts.first_byte, timeouts.idle
    read = None if first is None or idle is None else max(first, idle)
    extension = {"connect": timeouts.connect, "pool": timeouts.connect, "read": read, "write": read}
    return _Limits(
        {"timeout": extension},
        head=None if first == read else first,
        idle=None if idle == read else idle,
    )


async def _within(seconds: float, act: Callable[[], Awaitable[T]]) -> T:
    import anyio

    with anyio.CancelScope(deadline=anyio.current_time() + seconds):
        return await act()
    raise TimeoutError


class _Call:
    """One call: entered when the response's head is there, left when its connection is given back."""

    __slots__ = ("_body", "_pieces", "_response", "_transport", "errors", "limits", "prepared")

    def __init__(self, transport: Transport, prepared: Prepared, body: bytes | None, limits: _Limits) -> None:
        self._transport = transport
        self._body = body
        self.prepared = prepared
        self.limits = limits

    async def __aenter__(self) -> StreamReply:
        import httpx

        prepared, head = self.prepared, self.limits.head
        pool = await self._transport.pool_for(prepared.proxy)
        self.errors = pool.errors
        request = httpx.Request(
            prepared.method,
            prepared.url,
            headers=prepared.headers,
            content=self._body,
            extensions=self.limits.extension,
        )
        handle = pool.transport.handle_async_request
        try:
            response = await (handle(request) if head is None else _within(head, lambda: handle(request)))
        except pool.errors as error:
            raise net_error(error, "first_byte", prepared.host) from error
        self._response = response
        encoded = "content-encoding" in response.headers
        raw = cast("AsyncIterable[bytes]", response.stream)
        self._pieces: AsyncIterator[bytes] = (response.aiter_bytes() if encoded else raw).__aiter__()
        return StreamReply(response, self._pieces, self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A connection that breaks while it is given back changes nothing about what was already read.
        try:
            # Closing the iterator first lets httpcore's generator end where it stands, not at garbage collection.
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()
        except self.errors:
            pass
        finally:
            with suppress(*self.errors):
                await self._response.aclose()


def _errors() -> tuple[type[Exception], ...]:
    import httpx

    return (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, EOFError)


def _proxy_for(url: httpx.URL) -> str | None:
    """The proxy that the environment names for ``url``. Asked once a place, by the standard library's rules."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode("ascii").rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
