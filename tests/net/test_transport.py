"""The transport over real sockets: one attempt, true causes, patience by phase, a healthy pool afterwards."""

from __future__ import annotations

import asyncio
import gc
import gzip
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from tests.net.raw_server import CHUNKED, LAST, RawServer, answer, chunk, hangs, says

from aiorch.net import NetError, Transport
from aiorch.net.pools import tls
from aiorch.types import Timeouts

pytestmark = pytest.mark.anyio

HASTY = Timeouts(connect=2.0, first_byte=0.3, idle=0.3)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@pytest.fixture
async def transport(anyio_backend: str) -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.aclose()


async def fails(transport: Transport, url: str, timeouts: Timeouts = HASTY) -> NetError:
    with pytest.raises(NetError) as caught:
        await transport.send(transport.prepare("POST", url), b"{}", timeouts)
    return caught.value


async def works(transport: Transport, server: RawServer) -> None:
    server.scripts["/ok"] = says(answer(b"fine"))
    reply = await transport.send(transport.prepare("POST", server.url + "/ok"), b"{}", Timeouts())
    assert (reply.status, reply.body) == (200, b"fine")


async def test_a_call_brings_status_headers_and_body(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(answer(b"{}", "429 Too Many Requests", extra="Retry-After: 7\r\n"))
    prepared = transport.prepare("POST", server.url + "/a", {"authorization": "Bearer x", "X-Own": "1"})
    reply = await transport.send(prepared, b"hello")
    assert (reply.status, reply.body, reply.headers["retry-AFTER"]) == (429, b"{}", "7")
    came = server.requests[0]
    head = came.head.lower()
    assert came.body == b"hello"
    assert b"authorization: bearer x" in head
    assert b"x-own: 1" in head
    assert b"user-agent: aiorch" in head
    assert b"cookie" not in head


async def test_connections_are_kept_for_the_next_call(transport: Transport, server: RawServer) -> None:
    for _ in range(5):
        await works(transport, server)
    assert server.connections == 1


async def test_an_error_is_one_attempt_and_no_more(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(answer(b"", "503 Unavailable", extra="Retry-After: 0\r\n"))
    assert (await transport.send(transport.prepare("POST", server.url + "/a"), b"{}")).status == 503
    server.scripts["/b"] = says(keep=False)
    await fails(transport, server.url + "/b")
    assert [c.path for c in server.requests] == ["/a", "/b"]


async def test_a_redirect_is_an_answer_and_is_not_followed(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(answer(b"", "302 Found", extra="Location: /ok\r\nSet-Cookie: a=b\r\n"))
    assert (await transport.send(transport.prepare("GET", server.url + "/a"))).status == 302
    assert len(server.requests) == 1


async def test_a_compressed_answer_is_unpacked(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(answer(gzip.compress(b"hello" * 100), extra="Content-Encoding: gzip\r\n"))
    assert (await transport.send(transport.prepare("GET", server.url + "/a"))).body == b"hello" * 100


async def test_a_broken_compression_is_broken_and_not_an_answer(
    transport: Transport, server: RawServer
) -> None:
    server.scripts["/a"] = says(answer(b"this is no gzip", extra="Content-Encoding: gzip\r\n"))
    assert (await fails(transport, server.url + "/a")).kind in ("broken", "protocol")


async def test_a_refused_connection_is_not_called_a_time_out(transport: Transport) -> None:
    with RawServer() as gone:
        url = gone.url
    error = await fails(transport, url + "/a")
    assert (error.kind, error.phase, error.timed_out) == ("refused", "connect", False)


async def test_a_server_that_closes_before_its_first_byte(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(keep=False)
    error = await fails(transport, server.url + "/a")
    assert (error.kind, error.phase) == ("closed_early", "first_byte")
    await works(transport, server)


async def test_a_body_that_is_cut_off(transport: Transport, server: RawServer) -> None:
    server.scripts["/length"] = says(answer(b"whole")[:-2], keep=False)
    server.scripts["/chunks"] = says(CHUNKED + chunk(b"data: a\n\n"), keep=False)
    for path in ("/length", "/chunks"):
        error = await fails(transport, server.url + path)
        assert (error.kind, error.phase) == ("broken", "body")
    await works(transport, server)


async def test_an_answer_that_is_not_http(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", keep=False)
    assert (await fails(transport, server.url + "/a")).kind == "protocol"


async def test_tls_that_is_none(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(answer(b"fine"))
    error = await fails(transport, server.url.replace("http:", "https:") + "/a", Timeouts(connect=0.3))
    # The handshake's bytes are no HTTP request for the server, which closes or waits.
    assert error.phase == "connect"
    assert error.kind in ("tls", "connect_timeout", "unreachable", "broken")


@pytest.mark.parametrize("idle", [0.3, 60.0, None, 0.1])
async def test_a_head_that_never_comes(transport: Transport, server: RawServer, idle: float | None) -> None:
    server.scripts["/a"] = hangs()
    with anyio.fail_after(5):
        error = await fails(transport, server.url + "/a", Timeouts(connect=2.0, first_byte=0.3, idle=idle))
    assert (error.kind, error.phase, error.timed_out) == ("read_timeout", "first_byte", True)
    await works(transport, server)


@pytest.mark.parametrize("first_byte", [0.3, 60.0, None, 0.1])
async def test_a_silence_inside_the_body(
    transport: Transport, server: RawServer, first_byte: float | None
) -> None:
    server.scripts["/a"] = hangs(CHUNKED + chunk(b"data: a\n\n"))
    with anyio.fail_after(5):
        error = await fails(
            transport, server.url + "/a", Timeouts(connect=2.0, first_byte=first_byte, idle=0.3)
        )
    assert (error.kind, error.phase) == ("read_timeout", "body")
    await works(transport, server)


async def test_a_slow_but_steady_body_is_waited_for(transport: Transport, server: RawServer) -> None:
    pieces = [CHUNKED, *(chunk(b"data: a\n\n") for _ in range(6)), LAST]
    server.scripts["/a"] = says(*pieces, pause=0.1)
    reply = await transport.send(transport.prepare("GET", server.url + "/a"), None, Timeouts(1.0, 0.5, 0.3))
    assert reply.body == b"data: a\n\n" * 6


async def test_the_first_piece_may_take_as_long_as_the_head(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(CHUNKED, chunk(b"data: a\n\n") + LAST, pause=0.5)
    reply = await transport.send(transport.prepare("GET", server.url + "/a"), None, Timeouts(1.0, 5.0, 0.1))
    assert reply.body == b"data: a\n\n"


async def test_an_answer_without_end_is_refused(server: RawServer, anyio_backend: str) -> None:
    transport = Transport(max_body=100_000)
    server.scripts["/a"] = hangs(CHUNKED + chunk(b"x" * 200_000))
    error = await fails(transport, server.url + "/a")
    assert (error.kind, error.message) == (
        "too_large",
        f"the answer of 127.0.0.1:{server.port} is larger than 100,000 bytes",
    )
    await works(transport, server)
    await transport.aclose()


async def test_pieces_come_as_they_are_sent(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(CHUNKED, chunk(b"data: a\n\n"), chunk(b"data: b\n\n") + LAST, pause=0.1)
    async with transport.stream(transport.prepare("GET", server.url + "/a")) as reply:
        assert reply.status == 200
        assert [piece async for piece in reply] == [b"data: a\n\n", b"data: b\n\n"]


async def test_leaving_a_stream_early_ends_the_call_at_the_server(
    transport: Transport, server: RawServer
) -> None:
    server.scripts["/a"] = hangs(CHUNKED + chunk(b"data: a\n\n"))
    async with transport.stream(transport.prepare("GET", server.url + "/a")) as reply:
        async for _ in reply:
            break
    assert await anyio.to_thread.run_sync(server.left.acquire, True, 5.0)
    await works(transport, server)


@pytest.mark.parametrize(
    "written", [(), (CHUNKED + chunk(b"data: a\n\n"),)], ids=["before the head", "in the body"]
)
async def test_cancelling_leaves_a_healthy_pool(
    transport: Transport, server: RawServer, written: tuple[bytes, ...]
) -> None:
    server.scripts["/a"] = hangs(*written)
    prepared = transport.prepare("POST", server.url + "/a")
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(transport.send, prepared, b"{}", Timeouts())
        with anyio.fail_after(5):
            while len(server.requests) < 20:
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    for _ in range(20):
        assert await anyio.to_thread.run_sync(server.left.acquire, True, 5.0)
    await works(transport, server)


async def test_three_hundred_calls_at_once(
    transport: Transport, server: RawServer, anyio_backend: str
) -> None:
    number = 300 if anyio_backend == "asyncio" else 100  # httpx's pool takes seconds for 300
    server.scripts["/a"] = says(answer(b"fine"))
    prepared = transport.prepare("POST", server.url + "/a")
    bodies: list[bytes] = []

    async def call() -> None:
        bodies.append((await transport.send(prepared, b"{}", Timeouts())).body)

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(call)
    assert bodies == [b"fine"] * number


async def test_closing_lets_go_and_a_later_call_opens_anew(transport: Transport, server: RawServer) -> None:
    await works(transport, server)
    await transport.aclose()
    await transport.aclose()
    await works(transport, server)
    assert server.connections == 2


@pytest.mark.parametrize(
    "backends", [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "asyncio"), ("trio", "trio")]
)
def test_another_event_loop_opens_its_own_connections(server: RawServer, backends: tuple[str, str]) -> None:
    transport = Transport()

    async def both() -> None:
        await works(transport, server)
        await transport.aclose()

    for backend in backends:
        anyio.run(both, backend=backend)
    assert server.connections == 2


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_a_closed_loop_left_open_is_let_go(server: RawServer) -> None:
    transport = Transport()
    asyncio.run(works(transport, server))  # nobody closes it

    async def again() -> None:
        await works(transport, server)
        assert len(transport._pools) == 1
        await transport.aclose()

    asyncio.run(again())
    gc.collect()  # the sockets of the loop that nobody closed complain here, not in another test


async def test_the_environments_proxy_is_used_and_its_exceptions_kept(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    transport = Transport()
    server.scripts["http://api.example.test/a"] = says(answer(b"by proxy"))
    prepared = transport.prepare("GET", "http://api.example.test/a")
    assert (await transport.send(prepared)).body == b"by proxy"
    assert prepared.proxy == server.url
    await works(transport, server)
    assert transport.prepare("GET", "https://api.example.test/").proxy is None
    assert Transport(trust_env=False).prepare("GET", "http://api.example.test/a").proxy is None
    await transport.aclose()


async def test_a_callers_own_transport_carries_everything(anyio_backend: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"] == {"connect": 1.0, "pool": 1.0, "read": 3.0, "write": 3.0}
        return httpx.Response(201, content=request.content + b"!", headers={"x-a": "b"})

    transport = Transport(httpx.MockTransport(respond))
    reply = await transport.send(transport.prepare("POST", "http://h/"), b"hi", Timeouts(1.0, 3.0, 2.0))
    assert (reply.status, reply.body, reply.headers["X-A"]) == (201, b"hi!", "b")
    await transport.aclose()


async def test_a_callers_own_transport_is_closed_with_it(anyio_backend: str) -> None:
    class Own(httpx.AsyncBaseTransport):
        closed = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectTimeout("x")

        async def aclose(self) -> None:
            self.closed += 1

    unused, used = Own(), Own()
    await Transport(unused).aclose()
    transport = Transport(used)
    assert (await fails(transport, "http://h/")).kind == "connect_timeout"
    await transport.aclose()
    assert (unused.closed, used.closed) == (1, 1)


async def test_a_bug_is_not_dressed_up_as_a_network_error(anyio_backend: str) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise KeyError("bug")

    transport = Transport(httpx.MockTransport(broken))
    with pytest.raises(KeyError):
        await transport.send(transport.prepare("GET", "http://h/"))


@pytest.mark.parametrize(
    "url", ["", "api.example.com/v1", "ftp://h/", "http://", "http://h:x/", "http://[::1", "/v1"]
)
def test_what_is_no_address_is_said_before_anything_is_sent(url: str) -> None:
    with pytest.raises(NetError, match="not an address") as caught:
        Transport().prepare("GET", url)
    assert caught.value.kind == "url"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "a\0", "schlüssel"])
def test_a_header_cannot_smuggle_another(value: str) -> None:
    with pytest.raises(ValueError, match="header authorization") as caught:
        Transport().prepare("GET", "http://h/", {"authorization": value})
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nevil", "é"])
def test_a_headers_name_cannot_smuggle_another(name: str) -> None:
    with pytest.raises(ValueError, match="no name that a header may have"):
        Transport().prepare("POST", "http://localhost/", {name: "x"})


async def test_a_large_body_arrives_whole(transport: Transport, server: RawServer) -> None:
    server.scripts["/a"] = says(answer(b"fine"))
    body = b"0123456789abcdef" * 20_000
    reply = await transport.send(transport.prepare("POST", server.url + "/a"), body, Timeouts())
    assert (reply.status, reply.body, server.requests[0].body) == (200, b"fine", body)


async def test_news_before_the_answer_is_not_the_answer(transport: Transport, server: RawServer) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    server.scripts["/a"] = says(early + answer(b"fine"))
    reply = await transport.send(transport.prepare("POST", server.url + "/a"), b"{}", Timeouts())
    assert (reply.status, reply.body) == (200, b"fine")


def test_nothing_prepared_shows_a_secret() -> None:
    prepared = Transport().prepare(
        "GET", "http://u:secret1@h:1/?key=secret2", {"authorization": "Bearer secret3"}
    )
    assert "secret" not in repr(prepared)
    assert prepared.host == "h:1"


def test_no_http_client_is_imported_before_the_first_call() -> None:
    code = (
        "import sys, aiorch.net; t = aiorch.net.Transport(); t.prepare('GET', 'https://h/');"
        "print([m for m in ('httpx', 'aiohttp', 'anyio') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_environments_certificates_are_the_ones_believed(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert tls().get_ca_certs()
    where = tmp_path / "certificates"
    where.touch() if name == "SSL_CERT_FILE" else where.mkdir()
    monkeypatch.setenv(name, str(where))
    if name == "SSL_CERT_FILE":
        with pytest.raises(ssl.SSLError):  # an empty file is no certificate
            tls()
    else:
        assert not tls().get_ca_certs()
