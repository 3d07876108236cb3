"""Why a call failed on its way, read from whatever the HTTP library raised.

httpx-aiohttp 0.2 calls a refused connection, a failed name look-up and a server that closes before its first byte
all ``httpx.ConnectTimeout``. The truth is in the chain of causes, so that is what is looked at, by class name: no HTTP
library needs to be imported for it, and one table serves aiohttp, httpx and httpcore.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from aiorch.errors import AiorchError

Phase = Literal["connect", "first_byte", "body"]
"""How far the call had come: no connection yet; waiting for the response's head; reading its body."""

Kind = Literal[
    "proxy",
    "dns",
    "tls",
    "refused",
    "unreachable",
    "connect_timeout",
    "pool_timeout",
    "read_timeout",
    "closed_early",
    "broken",
    "protocol",
    "url",
    "too_large",
    "unknown",
]


class NetError(AiorchError):
    """A call that brought no whole response, and why. Providers turn it into a ``Failure``."""

    def __init__(self, phase: Phase, kind: Kind, message: str) -> None:
        self.phase: Phase = phase
        """How far it had come."""
        self.kind: Kind = kind
        self.message = message
        super().__init__(message)

    @property
    def timed_out(self) -> bool:
        """True when patience ended, not the connection."""
        return self.kind in ("connect_timeout", "pool_timeout", "read_timeout")


@dataclass(frozen=True, slots=True)
class Cause:
    """One row: any of these class names in the chain of causes means ``kind``."""

    kind: Kind
    names: frozenset[str]
    text: str
    """What is said about it; ``{host}`` is the server."""
    saying: str = ""
    """Only where an exception of the chain says this."""
    phase: Phase | None = None
    """The phase, where the cause tells it better than the place where it surfaced."""


def _row(kind: Kind, names: str, text: str, *, saying: str = "", phase: Phase | None = None) -> Cause:
    return Cause(kind, frozenset(names.split()), text, saying, phase)


# First match wins, so the specific come first. Names: aiohttp 3.14, httpx 0.28, httpcore 1.0, the standard library.
CAUSES: tuple[Cause, ...] = (
    _row(
        "proxy",
        "ProxyError ClientProxyConnectionError ClientHttpProxyError",
        "the proxy on the way to {host} failed",
        phase="connect",
    ),
    _row(
        "dns",
        "gaierror ClientConnectorDNSError",
        "the name {host} cannot be looked up: is this machine online?",
        phase="connect",
    ),
    _row(
        "tls",
        "SSLError CertificateError ClientSSLError ClientConnectorCertificateError",
        "no secure connection to {host}: its certificate or TLS handshake was refused",
        phase="connect",
    ),
    _row(
        "refused",
        "ConnectionRefusedError",
        "{host} refused the connection: is the server running?",
        phase="connect",
    ),
    _row("connect_timeout", "ConnectionTimeoutError", "no connection to {host} in time", phase="connect"),
    _row(
        "pool_timeout",
        "PoolTimeout",
        "no free connection to {host} in time: too many calls at once",
        phase="connect",
    ),
    _row("read_timeout", "SocketTimeoutError ReadTimeout WriteTimeout", "{host} was silent for too long"),
    _row(
        "closed_early",
        "ServerDisconnectedError",
        "{host} closed the connection before it answered",
        phase="first_byte",
    ),
    _row(
        "closed_early",
        "RemoteProtocolError",
        "{host} closed the connection before it answered",
        saying="without sending a response",
        phase="first_byte",
    ),
    _row(
        "broken",
        "RemoteProtocolError",
        "the connection to {host} broke in the middle of the answer",
        saying="closed connection",
    ),
    _row("unreachable", "ClientConnectorError ConnectError", "{host} cannot be reached", phase="connect"),
    _row(
        "broken",
        "ClientPayloadError ConnectionResetError BrokenPipeError ClientOSError ReadError WriteError CloseError "
        "BrokenResourceError",
        "the connection to {host} broke",
    ),
    _row(
        "protocol",
        "ClientResponseError BadHttpMessage HttpProcessingError RemoteProtocolError LocalProtocolError DecodingError",
        "{host} did not answer in proper HTTP",
    ),
    _row(
        "url",
        "UnsupportedProtocol InvalidURL NonHttpUrlClientError",
        "{host} is not an address that can be called",
    ),
    _row("connect_timeout", "ConnectTimeout", "no connection to {host} in time", phase="connect"),
    _row("read_timeout", "TimeoutException TimeoutError", "{host} did not answer in time"),
)


def net_error(error: BaseException, phase: Phase, host: str) -> NetError:
    """What ``error`` really was.

    >>> net_error(ConnectionRefusedError(), "connect", "localhost:1").kind
    'refused'
    """
    chain = tuple(_chain(error))
    names = {c.__name__ for e in chain for c in type(e).__mro__}
    for row in CAUSES:
        if names & row.names and (not row.saying or any(row.saying in str(e) for e in chain)):
            return NetError(row.phase or phase, row.kind, row.text.format(host=host))
    return NetError(phase, "unknown", f"the call to {host} failed ({type(error).__name__})")


def _chain(error: object, depth: int = 8) -> Iterator[BaseException]:
    """``error`` and what caused it: its cause, the exceptions it wraps (httpcore cuts the cause off and keeps it as an
    argument), and the members of groups (trio reports one for each address tried).

    ``__context__`` is left out: it may be an earlier attempt's error that is just being handled.
    """
    if not isinstance(error, BaseException) or depth == 0:
        return
    yield error
    members: tuple[object, ...] = (
        cast("BaseExceptionGroup[Any]", error).exceptions
        if isinstance(error, BaseExceptionGroup)
        else error.args
    )
    for inner in (error.__cause__, *members):
        yield from _chain(inner, depth - 1)
