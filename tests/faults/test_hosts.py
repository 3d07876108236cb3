"""A's host cannot be reached, or is not what it should be: B answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.faults.rig import Ask, call, orchestrated, stream, together
from tests.faults.sickness import FIRST_BYTE
from tests.faults.upstream import Upstream, text_of

BOTH = pytest.mark.parametrize("ask", [call, stream])


async def _b_answers(upstream: Upstream, folder: Path, url: str, ask: Ask) -> None:
    async with orchestrated(upstream, folder, {"p": "ABC"}, urls={"A": url}) as ai:
        said = [*await together(3, lambda: ask(ai, "p")), await ask(ai, "p")]
    assert [(one.by, one.text) for one in said] == [("B", text_of("B"))] * 4, [str(s.error) for s in said]
    assert max(one.seconds for one in said) < FIRST_BYTE + 1


@pytest.mark.anyio
@BOTH
async def test_a_port_that_refuses(upstream: Upstream, tmp_path: Path, ask: Ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await _b_answers(upstream, tmp_path, f"http://127.0.0.1:{port}/v1", ask)


@pytest.mark.anyio
@BOTH
async def test_a_name_that_nobody_knows(
    upstream: Upstream, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
):
    real = socket.getaddrinfo

    def unknown(host: Any, *args: Any, **more: Any) -> Any:
        if host in ("gone.example", b"gone.example"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    await _b_answers(upstream, tmp_path, "http://gone.example/v1", ask)


@pytest.mark.anyio
@BOTH
async def test_tls_to_a_port_that_speaks_none(upstream: Upstream, tmp_path: Path, ask: Ask):
    await _b_answers(upstream, tmp_path, upstream.url("A", scheme="https"), ask)


@contextmanager
def _full_queue() -> Iterator[int]:
    """A port whose connections are never taken: to the one that connects, packets seem lost."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(busy.getsockname())
        try:
            yield busy.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


@pytest.mark.anyio
@BOTH
async def test_a_host_that_takes_no_connection(upstream: Upstream, tmp_path: Path, ask: Ask):
    with _full_queue() as port:
        await _b_answers(upstream, tmp_path, f"http://127.0.0.1:{port}/v1", ask)


@pytest.mark.anyio
@BOTH
async def test_a_host_that_takes_connections_and_says_nothing(upstream: Upstream, tmp_path: Path, ask: Ask):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        await _b_answers(upstream, tmp_path, f"http://127.0.0.1:{mute.getsockname()[1]}/v1", ask)


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


if _has_ipv6():

    @pytest.mark.anyio
    @BOTH
    async def test_a_host_with_only_its_newer_address_answers_itself(
        upstream: Upstream, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ):
        """Its name has an address of each kind, and only the one of IPv6 answers."""
        real = socket.getaddrinfo

        def two(host: Any, port: Any, *args: Any, **more: Any) -> Any:
            if host in ("two.example", b"two.example"):
                return [
                    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port))),
                    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", int(port), 0, 0)),
                ]
            return real(host, port, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", two)
        with Upstream("::1") as newer:
            url = newer.url("A", host="two.example")
            async with orchestrated(upstream, tmp_path, {"p": "ABC"}, urls={"A": url}) as ai:
                said = await ask(ai, "p")
        assert (said.by, said.text) == ("A", text_of("A")), str(said.error)


@pytest.mark.anyio
async def test_a_host_that_comes_back_is_used_again_before_its_ejection_is_over(
    upstream: Upstream, tmp_path: Path
):
    """A check beside the traffic finds out that it is there, and the next call is the probe."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/d/A/v1"
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}, urls={"A": url}) as ai:
        assert [(await call(ai, "p")).by for _ in range(3)] == ["B"] * 3
        with Upstream(port=port):
            said = [await call(ai, "p")]
            with anyio.move_on_after(5):
                while said[-1].by != "A":
                    await anyio.sleep(0.02)
                    said.append(await call(ai, "p"))
    assert said[-1].text == text_of("A")
    assert {one.text for one in said[:-1]} <= {text_of("B")}
