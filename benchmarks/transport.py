"""What the HTTP seam costs: CPU microseconds a call, aiorch's transport beside bare aiohttp and httpx.

    python benchmarks/transport.py [--calls 2000] [--at-once 1,64,256]

A small server in a process of its own answers every call with the same chat completion. Clients take turns in random
order, so a noisy machine disturbs all alike: trust the ratios. With httpx-aiohttp installed, aiohttp behind httpx's
types is measured, too.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiorch.net import Transport
from aiorch.providers import endpoint
from aiorch.types import Deployment, Message, Parameters, Request

ANSWER = json.dumps(
    {
        "id": "x",
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
    }
).encode()
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0}).encode()
HEADERS = {"authorization": "Bearer x", "content-type": "application/json"}

Call = Callable[[], Awaitable[Any]]
Close = Callable[[], Awaitable[Any]]


class Server(asyncio.Protocol):
    """Answers each request of a kept connection at once."""

    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        len(ANSWER),
        ANSWER,
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.seen = transport, b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while (end := self.seen.find(b"\r\n\r\n")) >= 0:
            head = self.seen[:end].lower()
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self.seen) < end + 4 + size:
                return
            self.seen = self.seen[end + 4 + size :]
            self.transport.write(self.reply)  # type: ignore[attr-defined]


def serve(port: Any) -> None:
    """The server's process."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def clients(base: str) -> dict[str, tuple[Call, Close]]:
    """What is measured, by name."""
    import aiohttp
    import httpx

    url = f"{base}/v1/chat/completions"
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000))

    async def bare() -> Any:
        async with session.post(url, data=BODY, headers=HEADERS) as reply:
            return json.loads(await reply.read())

    transport = Transport()
    prepared = transport.prepare("POST", url, HEADERS)

    async def seam() -> Any:
        return json.loads((await transport.send(prepared, BODY)).body)

    provider = endpoint("bench", f"{base}/v1", key="x", models=["m"])
    deployment = Deployment("bench", "m", "bench.key")
    request = Request((Message.user("hi"),), Parameters(temperature=0))

    async def whole() -> Any:
        return await provider.complete(deployment, request)

    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
    client = httpx.AsyncClient(limits=limits, timeout=60)

    async def plain() -> Any:
        return (await client.post(url, content=BODY, headers=HEADERS)).json()

    found: dict[str, tuple[Call, Close]] = {
        "bare aiohttp": (bare, session.close),
        "aiorch transport": (seam, transport.aclose),
        "aiorch provider": (whole, provider.aclose),
        "httpx.AsyncClient": (plain, client.aclose),
    }
    if importlib.util.find_spec("httpx_aiohttp"):
        from httpx_aiohttp import AiohttpTransport

        behind = AiohttpTransport()

        async def typed() -> Any:
            reply = await behind.handle_async_request(
                httpx.Request("POST", url, headers=HEADERS, content=BODY)
            )
            return json.loads(await reply.aread())

        found["httpx-aiohttp's transport"] = (typed, behind.aclose)
    return found


async def turn(call: Call, calls: int, at_once: int) -> float:
    """CPU microseconds a call."""
    left = calls

    async def one() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    before = time.process_time()
    await asyncio.gather(*[one() for _ in range(at_once)])
    return (time.process_time() - before) / calls * 1e6


async def measure(base: str, calls: int, widths: list[int], rounds: int) -> None:
    """Take turns and print the table."""
    measured = clients(base)
    figures: dict[tuple[str, int], list[float]] = {(name, width): [] for name in measured for width in widths}
    for width in widths:
        for call, _ in measured.values():
            await turn(call, max(20, width), width)  # opens the connections
        for _ in range(rounds):
            for name in random.sample(list(measured), len(measured)):
                figures[name, width].append(await turn(measured[name][0], calls, width))
    print(f"{'CPU us a call (times bare aiohttp)':36}" + "".join(f"{f'{w} at once':>18}" for w in widths))
    for name in measured:
        cells = ""
        for width in widths:
            own = statistics.median(figures[name, width])
            bare = statistics.median(figures["bare aiohttp", width])
            cells += f"{f'{own:.0f} ({own / bare:.2f})':>18}"
        print(f"{name:36}{cells}")
    for _, close in measured.values():
        await close()


def main() -> None:
    """Parse, serve, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=2000, help="calls a turn")
    parser.add_argument("--at-once", default="1,64,256", help="widths, with commas")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    port: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=serve, args=(port,), daemon=True)
    process.start()
    widths = [int(w) for w in given.at_once.split(",")]
    try:
        asyncio.run(measure(f"http://127.0.0.1:{port.get()}", given.calls, widths, given.rounds))
    finally:
        process.terminate()


if __name__ == "__main__":
    main()
