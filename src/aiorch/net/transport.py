"""One HTTP attempt over connections that are kept, on asyncio and trio.

What is done here is what every HTTP library leaves to its user: exactly one attempt, patience by phase, the true cause
of a failure, a bound on the answer, connections that belong to the right event loop. Who carries the bytes is in
:mod:`aiorch.net.pools`. Nothing is imported or opened before the first call.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from aiorch.net.calls import Patience, Prepared, patience_of
from aiorch.net.causes import NetError, net_error
from aiorch.types import Timeouts
from aiorch.types.quick import quick

if TYPE_CHECKING:
    import httpx
    from anyio.lowlevel import EventLoopToken

    from aiorch.net.pools import Opened, Pool

T = TypeVar("T")

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one whole answer; the longest known list of models has half a million."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 5.6.2."""

_HEADERS = {"accept-encoding": "gzip, deflate", "user-agent": "aiorch"}


@quick
@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


class StreamReply:
    """A response whose body comes in pieces: iterate over it, or :meth:`read` it whole."""

    __slots__ = ("_errors", "_host", "_idle", "_started", "headers", "opened", "status")

    def __init__(
        self, opened: Opened, host: str, idle: float | None, errors: tuple[type[Exception], ...]
    ) -> None:
        self.status = opened.status
        self.headers: Mapping[str, str] = opened.headers
        """Names in any case."""
        self.opened = opened
        """What the pool made of it."""
        self._host = host
        self._idle = idle
        self._errors = errors
        self._started = False

    def __aiter__(self) -> StreamReply:
        return self

    async def __anext__(self) -> bytes:
        """The next piece. :raises NetError: when the connection breaks or falls silent."""
        try:
            piece = self.opened.at_hand()
        except self._errors as error:
            raise net_error(error, "body", self._host) from error
        if piece is None:
            piece = await self._waited_for()
        if not piece:
            raise StopAsyncIteration
        self._started = True
        return piece

    async def _waited_for(self) -> bytes:
        opened = self.opened
        try:
            # The first piece gets the pool's own patience, the longer of the two: some hosts send their headers at
            # once and read the prompt afterwards (NVIDIA).
            if self._idle is None or not self._started:
                return await opened.next()
            return await _within(self._idle, opened.next)
        except self._errors as error:
            raise net_error(error, "body", self._host) from error

    async def aclose(self) -> None:
        """Give the connection back, or close it where something of the body is left."""
        await self.opened.aclose()

    async def read(self, limit: int = MAX_BODY) -> bytes:
        """The rest of the body. :raises NetError: also when it is larger than ``limit`` bytes."""
        opened, pieces, size = self.opened, list[bytes](), 0
        while True:
            try:
                piece = opened.at_hand()
            except self._errors as error:
                raise net_error(error, "body", self._host) from error
            if piece is None:
                piece = await self._waited_for()
            size += len(piece)
            if size > limit:
                raise NetError(
                    "body", "too_large", f"the answer of {self._host} is larger than {limit:,} bytes"
                )
            if not piece:
                return b"".join(pieces)
            if not pieces and opened.at_end():
                return piece
            self._started = True
            pieces.append(piece)


class Transport:
    """Makes exactly one attempt a call; asyncio and trio.

    Connections belong to the event loop that opened them; a call from another loop opens its own.

        transport = Transport()
        chat = transport.prepare("POST", "https://api.example.com/v1/chat/completions", {"authorization": "Bearer ..."})
        reply = await transport.send(chat, b'{"model": ...}', Timeouts(connect=5))

    :param inner: an ``httpx.AsyncBaseTransport`` that carries everything instead of the default; closed with this one.
    :param trust_env: use the proxies that the environment (``HTTPS_PROXY``, ``NO_PROXY`` ...) names.
    :param max_body: the largest whole answer, bytes.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport | None = None,
        *,
        trust_env: bool = True,
        max_body: int = MAX_BODY,
    ) -> None:
        self._inner = inner
        self._trust_env = trust_env and inner is None
        self._max_body = max_body
        self._here: Callable[[], EventLoopToken] | None = None
        """Tells which event loop runs; imported with the first call."""
        self._pools: weakref.WeakKeyDictionary[object, Pool] = weakref.WeakKeyDictionary()

    def prepare(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Prepared:
        """What calls to ``url`` share.

        :raises NetError: when ``url`` is not an HTTP address.
        :raises ValueError: when a header holds what no header may.
        """
        try:
            parts = urlsplit(url)
            host = parts.netloc.rpartition("@")[2]
            _ = parts.port  # raises where it is no number
        except ValueError:
            parts = host = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or not host:
            raise NetError(
                "connect", "url", f"{url!r} is not an address that begins with http:// or https://"
            )
        own = dict(headers or {})
        for name, value in own.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is no name that a header may have")
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"the header {name} holds characters that no header may")
        given = {name.lower(): value.lower() for name, value in own.items()}
        defaults = {name: value for name, value in _HEADERS.items() if name not in given}
        proxy = _proxy_for(parts.scheme, host) if self._trust_env else None
        return Prepared(method, url, {**own, **defaults}, host, proxy, given.get("connection") != "close")

    async def send(
        self, prepared: Prepared, body: bytes | None = None, timeouts: Timeouts = Timeouts()
    ) -> Reply:
        """One call, its whole answer read. :raises NetError: when there is none."""
        reply = await self._open(prepared, body, patience_of(timeouts))
        try:
            return Reply(reply.status, reply.headers, await reply.read(self._max_body))
        finally:
            await reply.opened.aclose()

    def stream(self, prepared: Prepared, body: bytes | None = None, timeouts: Timeouts = Timeouts()) -> Call:
        """One call, its answer in pieces: ``async with transport.stream(...) as reply: async for piece in reply``.

        Leaving the block ends the call, whatever is left of it.

        :raises NetError: on entering, or while the pieces come.
        """
        return Call(partial(self._open, prepared, body, patience_of(timeouts)))

    async def _open(self, prepared: Prepared, body: bytes | None, patience: Patience) -> StreamReply:
        """A call up to its response's head."""
        pool = self._pools.get(self._here().native_token) if self._here else None
        if pool is None:
            pool = await self.pool()
        try:
            if patience.head is None:
                opened = await pool.open(prepared, body, patience)
            else:
                opened = await _within(patience.head, lambda: pool.open(prepared, body, patience))
        except pool.errors as error:
            raise net_error(error, "first_byte", prepared.host) from error
        return StreamReply(opened, prepared.host, patience.idle, pool.errors)

    async def warm(self, url: str, timeouts: Timeouts = Timeouts()) -> None:
        """Open a connection to the server of ``url`` and keep it for its next call, so that this one need not wait for
        name look-up, TCP and TLS.

        What is sent is ``HEAD /``, without a key; whatever the server answers is fine.

        :raises NetError: when there is no answer.
        """
        parts = urlsplit(url)
        await self.send(self.prepare("HEAD", f"{parts.scheme}://{parts.netloc}/"), None, timeouts)

    async def pool(self) -> Pool:
        """The running event loop's connections, opened at its first call."""
        from anyio.lowlevel import current_token

        self._here = current_token
        here = current_token()
        pool = self._pools.get(here.native_token)
        if pool is not None:
            return pool
        await self._drop_dead_loops()
        from aiorch.net.pools import open_pool

        # Another call may have opened it while the dead were let go.
        pool = self._pools.get(here.native_token)
        if pool is None:
            pool = open_pool(self._inner, asyncio="asyncio" in here.backend_class.__module__)
            self._pools[here.native_token] = pool
        return pool

    async def aclose(self) -> None:
        """Close what this event loop opened. A later call opens anew."""
        from anyio.lowlevel import current_token

        pool = self._pools.pop(current_token().native_token, None)
        if pool is not None:
            await pool.aclose()
        elif self._inner is not None:
            await self._inner.aclose()

    async def _drop_dead_loops(self) -> None:
        """Let go of what was left open by loops that are closed by now (``asyncio.run`` twice, a notebook)."""
        for loop, pool in tuple(self._pools.items()):
            is_closed = getattr(loop, "is_closed", None)
            if callable(is_closed) and is_closed():
                del self._pools[loop]
                if self._inner is None:
                    with suppress(Exception):  # a dead loop cannot close politely
                        await pool.aclose()


class Call:
    """One call: entered when the response's head is there, left when its connection is given back."""

    __slots__ = ("_opening", "_reply")

    def __init__(self, opening: Callable[[], Awaitable[StreamReply]]) -> None:
        self._opening = opening

    async def __aenter__(self) -> StreamReply:
        self._reply = await self._opening()
        return self._reply

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reply.aclose()


async def _within(seconds: float, act: Callable[[], Awaitable[T]]) -> T:
    import anyio

    with anyio.CancelScope(deadline=anyio.current_time() + seconds):
        return await act()
    raise TimeoutError


def _proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a place; asked once a place, by the standard library's rules."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
