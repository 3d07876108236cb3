"""What discovery takes: 30 providers of which six are sick, and the first question without a network.

    python benchmarks/discovery.py [--runs 10] [--models 60] [--latency 0.3]

A process of its own serves 30 lists of models on 30 ports of 127.0.0.1. Each answers after its latency (a third to the
whole of ``--latency``, drawn anew for each run); six of them hang, answer 5xx, break off, or send HTML or noise. Wall
time is shown beside what discovery takes with the slowest provider alone: with one that hangs that is the patience
with lists, here 2 s instead of 10. The last rows are CPU time in processes of their own, less that of the same program
without the question.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

import anyio
from pydantic import SecretStr

from aiorch.catalog import Catalogue, sources
from aiorch.clock import SystemClock
from aiorch.net import Transport
from aiorch.providers import HTTPProvider, ProviderSpec

PROVIDERS = 30
PATIENCE = 2.0
FAULTS = ("hangs", "5xx", "breaks off", "HTML", "noise", "cut JSON")


def listed(name: str, models: int) -> bytes:
    """A list as OpenRouter's is, about a kilobyte a model."""
    item = {
        "context_length": 131072,
        "description": "x" * 700,
        "pricing": {"prompt": "0.0000001", "completion": "0.0000004"},
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
        "supported_parameters": ["tools", "response_format", "temperature"],
    }
    return json.dumps({"data": [{"id": f"{name}/model-{i}-8b", **item} for i in range(models)]}).encode()


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Mock:
    """One provider."""

    name: str
    fault: str | None
    models: int
    latency: float = 0.0

    def __post_init__(self) -> None:
        self.body = answer(listed(self.name, self.models))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = self.body
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self.latency)
                match self.fault:
                    case "hangs":
                        await asyncio.sleep(3600)
                    case "5xx":
                        writer.write(answer(b'{"error": "overloaded"}', "503 Service Unavailable"))
                    case "breaks off":
                        writer.write(body[: len(body) // 2])
                        break
                    case "HTML":
                        writer.write(answer(b"<html><h1>Bad gateway</h1>", kind="text/html"))
                    case "noise":
                        writer.write(random.randbytes(2000))
                        break
                    case "cut JSON":
                        writer.write(answer(listed(self.name, self.models)[:-40]))
                    case _:
                        writer.write(body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def serve(pipe: Connection, faults: tuple[str, ...], models: int) -> None:
    """The process of all providers: tells their ports, then takes latencies until the pipe is closed."""

    async def main() -> None:
        mocks = [Mock(f"p{i:02}", faults[i] if i < len(faults) else None, models) for i in range(PROVIDERS)]
        servers = [await asyncio.start_server(mock.serve, "127.0.0.1", 0) for mock in mocks]
        pipe.send([server.sockets[0].getsockname()[1] for server in servers])
        while True:
            try:
                latencies = await asyncio.to_thread(pipe.recv)
            except EOFError:
                return
            for mock, latency in zip(mocks, latencies, strict=True):
                mock.latency = latency
            pipe.send(None)

    asyncio.run(main())


async def once(ports: list[int], candidates: int) -> float:
    """Seconds of one discovery, nothing known before."""
    transport = Transport(trust_env=False)
    providers = [
        HTTPProvider(
            ProviderSpec(
                id=f"p{i:02}",
                name=f"p{i:02}",
                base_url=f"http://127.0.0.1:{port}/v1",
                env=("K",),
                price_unit="usd_per_token",
            ),
            transport,
            keys={"K": SecretStr("a-secret-key")},
        )
        for i, port in enumerate(ports)
    ]
    catalogue = Catalogue(providers, clock=SystemClock())
    began = time.perf_counter()
    snapshot = await catalogue.snapshot()
    took = time.perf_counter() - began
    assert len(snapshot.candidates) == candidates, "a healthy provider is missing"
    await transport.aclose()
    return took


def crowd(faults: tuple[str, ...], runs: int, models: int, latency: float, backend: str) -> None:
    """Wall time of discovery over all providers beside the slowest one's."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there, faults, models), daemon=True)
    server.start()
    there.close()
    ports = here.recv()
    healthy = PROVIDERS - len(faults)
    took: list[float] = []
    over: list[float] = []
    for run in range(runs + 1):
        latencies = [random.uniform(latency / 3, latency) for _ in ports]
        here.send(latencies)
        here.recv()
        sick = range(len(faults))
        last = 0 if "hangs" in faults else max(range(len(faults), PROVIDERS), key=latencies.__getitem__)
        slowest = anyio.run(once, ports[last : last + 1], 0 if last in sick else models, backend=backend)
        seconds = anyio.run(once, ports, healthy * models, backend=backend)
        if run:  # the first one imports
            took.append(seconds)
            over.append(seconds / slowest - 1)
    here.close()
    server.terminate()
    server.join()
    name = f"{PROVIDERS} providers, {len(faults)} sick{', one hangs' if 'hangs' in faults else ''}, {backend}"
    print(
        f"{name:52}{statistics.median(took):9.3f}{sorted(took)[int(len(took) * 0.95)]:9.3f}"
        f"{statistics.median(over):+10.1%}{max(over):+10.1%}"
    )


QUESTIONS = {
    "what can be asked (groq, mistral, openrouter)": (
        "['groq', 'mistral', 'openrouter']",
        "await subject.snapshot()",
    ),
    "every known model": ("[]", "await subject.discover()"),
}
OFFLINE = """
import anyio, json
from aiorch.catalog import Catalogue
from aiorch.clock import SystemClock
from aiorch.testing import ScriptedProvider
import aiorch.providers, aiorch.store, pydantic

async def main():
    subject = Catalogue([ScriptedProvider(name=n) for n in {names}], clock=SystemClock(), offline=True)
    {question}

anyio.run(main)
"""


def cpu(code: str) -> float:
    """CPU milliseconds (user and system) of a Python process that runs ``code``."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "HOME": tempfile.gettempdir()}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the question failed")
    return (usage.ru_utime + usage.ru_stime) * 1000


def offline(runs: int) -> None:
    """CPU time that the first question adds."""
    for name, (names, question) in QUESTIONS.items():
        asks, bare = (OFFLINE.format(names=names, question=q) for q in (question, "pass"))
        cpu(asks)
        cpu(bare)
        added = [cpu(asks) - cpu(bare) for _ in range(runs)]
        print(f"{name:52}{statistics.median(added):9.1f}{min(added):9.1f}{max(added):10.1f}")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--models", type=int, default=60, help="in each list")
    parser.add_argument("--latency", type=float, default=0.3, help="seconds, of the slowest healthy one")
    given = parser.parse_args()
    sources.LIST_TIMEOUT = PATIENCE
    import logging

    logging.getLogger("aiorch").setLevel(logging.ERROR)
    print(f"{'':52}{'median s':>9}{'p95 s':>9}{'over the slowest: median, worst':>33}")
    for faults in ((), FAULTS[1:], FAULTS):
        for backend in ("asyncio", "trio"):
            crowd(faults, given.runs, given.models, given.latency, backend)
    print(
        f"\n{'the first question offline':52}{'median':>9}{'min':>9}{'max':>10}   CPU ms above what it imports"
    )
    offline(given.runs)


if __name__ == "__main__":
    main()
