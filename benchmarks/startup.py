"""What it costs to begin, and what the line adds to a call: CPU milliseconds, aiorch beside its peers.

    python benchmarks/startup.py [--runs 7] [--peers httpx,openai,litellm]

Each row is a process of its own; the median over the runs, less the median of an empty program. Peers that are not
installed are left out. The last row is measured inside one process: an answer of a scripted provider, so everything but
the network.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = {
    "import aiorch": "import aiorch",
    "aiorch --help": "import sys; sys.argv = ['aiorch', '--help']; from aiorch.cli import main; main()",
    "aiorch.Orchestrator()": "import aiorch; aiorch.Orchestrator()",
}
PEERS = {
    "httpx": "import httpx",
    "aiohttp": "import aiohttp",
    "openai": "from openai import AsyncOpenAI",
    "any_llm": "from any_llm import AnyLLM",
    "pydantic_ai": "from pydantic_ai import Agent",
    "litellm": "import litellm",
    "langgraph": "from langgraph.graph import StateGraph",
}
CALLS = """
import asyncio, sys, tempfile, time
import aiorch
from aiorch.testing import ScriptedProvider

async def main(calls):
    async with aiorch.Orchestrator(providers=[ScriptedProvider()], data_dir=tempfile.mkdtemp()) as ai:
        for i in range(50):
            await ai.run(f"warm {i}")
        before = time.process_time()
        for i in range(calls):
            await ai.run(f"question {i}")
        print((time.process_time() - before) / calls * 1000, file=sys.stderr)

asyncio.run(main(1000))
"""


def cpu(code: str) -> float:
    """CPU milliseconds (user and system) of a Python process that runs ``code``."""
    environment = {**os.environ, "HOME": tempfile.gettempdir(), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {code}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def per_call() -> float:
    """CPU milliseconds of one default ``ai.run`` on a scripted provider."""
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, check=True)
    return float(done.stderr.split()[-1])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peers", default=",".join(PEERS))
    given = parser.parse_args()
    peers = {f"import {p}": PEERS[p] for p in given.peers.split(",") if p and importlib.util.find_spec(p)}
    rows = {"an empty program": "pass", **ROWS, **peers}
    measured: dict[str, list[float]] = {name: [] for name in rows}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(Path(folder))
        for code in rows.values():
            cpu(code)  # warms the file cache and writes the byte code
        for _ in range(given.runs):
            for name in random.sample(list(rows), len(rows)):
                measured[name].append(cpu(rows[name]))
        empty = statistics.median(measured["an empty program"])
        print(f"{'':32}{'median':>10}{'min':>10}{'max':>10}   CPU ms above an empty program ({empty:.0f} ms)")
        for name in [*ROWS, *peers]:
            over = [value - empty for value in measured[name]]
            print(f"{name:32}{statistics.median(over):10.1f}{min(over):10.1f}{max(over):10.1f}")
        calls = [per_call() for _ in range(3)]
    name = "one ai.run, scripted provider"
    print(
        f"{name:32}{statistics.median(calls):10.3f}{min(calls):10.3f}{max(calls):10.3f}   CPU ms a call, 1,000 calls"
    )


if __name__ == "__main__":
    main()
