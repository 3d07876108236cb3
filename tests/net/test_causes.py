"""The true cause of a failed call, row by row."""

from __future__ import annotations

import socket
import ssl

import aiohttp
import httpcore
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadStatusLine

from aiorch.net import NetError, net_error


def caused(error: BaseException, *causes: BaseException) -> BaseException:
    """``error`` raised from the first of ``causes``, which was raised from the next."""
    head = error
    for cause in causes:
        error.__cause__ = cause
        error = cause
    return head


def connector(error: type[aiohttp.ClientConnectorError], inner: OSError) -> aiohttp.ClientConnectorError:
    key = ConnectionKey("h", 1, False, True, None, None, None)
    return caused(error(key, inner), inner)  # type: ignore[return-value]


CASES = [
    # What httpx-aiohttp and aiohttp raise.
    (
        caused(
            httpx.ConnectTimeout("x"),
            connector(aiohttp.ClientConnectorError, ConnectionRefusedError(111, "no")),
        ),
        "refused",
    ),
    (
        caused(
            httpx.ConnectTimeout("x"), connector(aiohttp.ClientConnectorDNSError, socket.gaierror(-2, "no"))
        ),
        "dns",
    ),
    (caused(httpx.ConnectTimeout("x"), aiohttp.ServerDisconnectedError()), "closed_early"),
    (connector(aiohttp.ClientConnectorError, OSError(113, "no route")), "unreachable"),
    (connector(aiohttp.ClientProxyConnectionError, ConnectionRefusedError(111, "no")), "proxy"),
    (aiohttp.ConnectionTimeoutError("x"), "connect_timeout"),
    (aiohttp.SocketTimeoutError("x"), "read_timeout"),
    (aiohttp.ClientPayloadError("x"), "broken"),
    (aiohttp.ClientOSError(32, "broken pipe"), "broken"),
    (aiohttp.ClientConnectionResetError("x"), "broken"),
    (BadStatusLine("x"), "protocol"),
    (aiohttp.InvalidURL("x"), "url"),
    # What httpx raises over httpcore, which keeps the cause only as an argument.
    (caused(httpx.ConnectError("x"), httpcore.ConnectError(ConnectionRefusedError(111, "no"))), "refused"),
    (caused(httpx.ConnectError("x"), httpcore.ConnectError(socket.gaierror(-2, "no"))), "dns"),
    (caused(httpx.ConnectError("x"), httpcore.ConnectError(ssl.SSLCertVerificationError(1, "no"))), "tls"),
    (
        caused(
            httpx.ConnectError("x"),
            httpcore.ConnectError(
                caused(OSError("all failed"), ExceptionGroup("all", [ConnectionRefusedError(111, "")]))
            ),
        ),
        "refused",
    ),
    (httpx.ConnectError("x"), "unreachable"),
    (httpx.ConnectTimeout("x"), "connect_timeout"),
    (httpx.ReadTimeout("x"), "read_timeout"),
    (httpx.PoolTimeout("x"), "pool_timeout"),
    (httpx.RemoteProtocolError("Server disconnected without sending a response."), "closed_early"),
    (httpx.RemoteProtocolError("peer closed connection without sending complete message body"), "broken"),
    (httpx.RemoteProtocolError("illegal status line"), "protocol"),
    (httpx.ReadError("x"), "broken"),
    (httpx.DecodingError("x"), "protocol"),
    (httpx.ProxyError("x"), "proxy"),
    (httpx.UnsupportedProtocol("x"), "url"),
    (TimeoutError(), "read_timeout"),
    (EOFError(), "unknown"),
]


@pytest.mark.parametrize(
    ("error", "kind"), CASES, ids=[f"{n}-{type(e).__name__}-{k}" for n, (e, k) in enumerate(CASES)]
)
def test_the_true_cause_is_found_in_the_chain(error: BaseException, kind: str) -> None:
    found = net_error(error, "first_byte", "api.example.com")
    assert found.kind == kind
    assert "api.example.com" in found.message


def test_an_earlier_attempts_error_is_no_cause() -> None:
    error = httpx.ReadError("x")
    error.__context__ = ConnectionRefusedError()
    assert net_error(error, "body", "h").kind == "broken"


def test_a_cause_that_tells_the_phase_better_than_the_place_says_so() -> None:
    assert net_error(ConnectionRefusedError(), "first_byte", "h").phase == "connect"
    assert net_error(httpx.ReadError("x"), "body", "h").phase == "body"


def test_only_an_end_of_patience_is_a_time_out() -> None:
    assert NetError("connect", "connect_timeout", "x").timed_out
    assert not NetError("connect", "refused", "x").timed_out


def test_a_circle_of_causes_ends() -> None:
    error = OSError("x")
    error.__cause__ = error
    assert net_error(error, "body", "h").kind == "unknown"
