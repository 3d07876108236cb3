"""A soak: many calls over six deployments that fall ill and recover at random, over real HTTP.

    python benchmarks/soak.py [--calls 10000] [--seed 4] [--at-once 48] [--speed 20]

The upstream is a process of its own and the judge: it knows when each request arrived, and so whether any limit was
overshot by a single one. Faults are those of ``tests/faults``; they switch at random, and two deployments also meet
those that last (dead keys, used-up days). Time runs ``--speed`` times as fast for limits, ejections and waits, so that
a minute's limit is met many times; timeouts of connections are real.

Prints a table; exit code 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import mmap
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults.sickness import SICKNESSES, Sickness
from tests.faults.upstream import Upstream, healthy, text_of

import aiorch
from aiorch.net import Transport
from aiorch.types import Capabilities, FreeTerms, Limit, ModelCard

LIMITS: Mapping[str, tuple[int, int]] = {
    "A": (80, 6),
    "B": (120, 8),
    "C": (160, 10),
    "D": (200, 12),
    "E": (240, 16),
    "F": (300, 16),
}
"""Requests a minute and at once, by deployment. Asked in this order."""

ILL = 0.6
"""Share of the changes of the weather that make a deployment ill, while fewer than four of the six are."""

PHASE = 0.05, 0.3
"""Seconds between two changes of the weather, at least and at most."""

LASTING_AT = "EF"
"""Only these meet what keeps a deployment away for longer than the soak lasts."""

LASTS = frozenset(
    {
        "openrouter-429-free-day",
        "openrouter-402",
        "cloudflare-429-neurons",
        "openai-401",
        "gemini-400-bad-key",
        "openai-404-model",
        "challenge-403",
        "retry-after-a-date",
        "retry-after-for-ever",
        "retry-after-infinity",
        "retry-after-a-duration",
        "retry-after-epoch-milliseconds",
        "retry-after-an-iso-date",
    }
)

NEVER = frozenset({"announces-ten-gigabytes", "padded-by-a-megabyte", "a-huge-chunk"})
"""Left out: megabytes would measure the machine."""

FIRST_BYTE = 0.5
"""Real seconds that an attempt waits for a first byte, and for each next one."""

STREAMED = 5
"""Each fifth call is a stream."""


# --- the upstream's process --------------------------------------------------------------------------------------


def serve(pipe: Connection, seed: int) -> None:
    """Answer until told to stop, and say then when which request arrived, and which faults there were."""
    rng = random.Random(seed)
    met: Counter[str] = Counter()
    stop = threading.Event()
    with Upstream() as upstream:
        upstream.acts = dict.fromkeys(LIMITS, healthy)
        pipe.send(upstream.port)

        def weather() -> None:
            while not stop.wait(rng.uniform(*PHASE)):
                name = rng.choice(list(LIMITS))
                sick = [n for n, act in upstream.acts.items() if act is not healthy]
                if rng.random() > ILL or (len(sick) >= 4 and name not in sick):
                    upstream.acts[name] = healthy
                else:
                    fault = rng.choice(_faults(name))
                    met[fault.name] += 1
                    upstream.acts[name] = fault.act

        changing = threading.Thread(target=weather)
        changing.start()
        pipe.recv()
        stop.set()
        changing.join()
        arrived = {name: [at for at, came in upstream.came if came.name == name] for name in LIMITS}
    pipe.send((arrived, dict(met)))


def _faults(name: str) -> list[Sickness]:
    out = NEVER if name in LASTING_AT else NEVER | LASTS
    return [s for s in SICKNESSES if s.name not in out]


# --- this process ------------------------------------------------------------------------------------------------


class FastClock:
    """Time that runs so many times as fast as it does."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.time(), time.monotonic()

    def now(self) -> float:
        """Epoch seconds."""
        began, monotonic = self._began
        return began + (time.monotonic() - monotonic) * self._speed

    def monotonic(self) -> float:
        """Seconds."""
        return self._began[1] + (time.monotonic() - self._began[1]) * self._speed

    async def sleep(self, seconds: float) -> None:
        """A pause, that much shorter."""
        await asyncio.sleep(seconds / self._speed)


@dataclass
class Tally:
    """What the calls came to."""

    calls: int = 0
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    """Answers that nobody gave."""
    errors: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    """The first few errors in full."""
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    """Megabytes resident, at each tenth of the calls."""


async def soak(port: int, calls: int, at_once: int, speed: float, folder: Path) -> Tally:
    """Make the calls."""
    tally = Tally()
    transport = Transport()
    ai = aiorch.Orchestrator(
        providers=[
            aiorch.endpoint(
                name,
                f"http://127.0.0.1:{port}/d/{name}/v1",
                key="k",
                models=[_card(name, minute, together)],
                transport=transport,
            )
            for name, (minute, together) in LIMITS.items()
        ],
        profiles={"soak": {"primary": "A/m", "fallbacks": [f"{n}/m" for n in LIMITS if n != "A"]}},
        data_dir=folder,
        clock=FastClock(speed),
        cache="off",
        timeout=20 * speed,
        connect_timeout=FIRST_BYTE,
        first_byte_timeout=FIRST_BYTE,
        idle_timeout=FIRST_BYTE,
        max_attempts=24,
    )
    numbers = iter(range(calls))
    tenth = max(1, calls // 10)
    started = time.monotonic()

    async def worker() -> None:
        for number in numbers:
            began = time.monotonic()
            try:
                text, model = await (_stream if number % STREAMED == 0 else _call)(ai, f"Question {number}")
            except aiorch.AiorchError as error:
                tally.errors[type(error).__name__] += 1
                if len(tally.said) < 5:
                    tally.said.append(str(error)[:2000])
            else:
                name = model.partition("/")[0]
                if text == text_of(name):
                    tally.answered += 1
                else:
                    tally.wrong.append(f"{model}: {text[:80]!r}")
            tally.seconds.append(time.monotonic() - began)
            tally.calls += 1
            if tally.calls % tenth == 0:
                gc.collect()
                tally.memory.append(_resident())
                told = f"{tally.calls} calls, {tally.answered} answered, {time.monotonic() - started:.0f} s"
                print(told, file=sys.stderr, flush=True)

    try:
        await asyncio.gather(*[worker() for _ in range(at_once)])
    finally:
        await ai.aclose()
        await transport.aclose()
    return tally


def _card(name: str, minute: int, together: int) -> ModelCard:
    limits = (Limit(minute, "requests", "minute"), Limit(together, "requests", "at once"))
    return ModelCard(
        name,
        "m",
        free="free_quota",
        terms=FreeTerms("a soak's", limits),
        capabilities=Capabilities(chat=True),
        source="user",
    )


async def _call(ai: aiorch.Orchestrator, prompt: str) -> tuple[str, str]:
    outcome = await ai.run(prompt, agent="soak")
    return outcome.text, outcome.model or ""


async def _stream(ai: aiorch.Orchestrator, prompt: str) -> tuple[str, str]:
    shown: list[str] = []
    async with ai.stream(prompt, agent="soak", resume="restart") as pieces:
        async for event in pieces:
            if isinstance(event, aiorch.TextDelta):
                shown.append(event.text)
            elif event.type == "restarted":
                shown.clear()
        outcome = await pieces.outcome()
    return "".join(shown), outcome.model or ""


def _resident() -> float:
    """Megabytes of this process; where the system does not say, the most that it ever had."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 1e6 if sys.platform == "darwin" else most / 1e3
    return pages * mmap.PAGESIZE / 1e6


# --- what is judged ----------------------------------------------------------------------------------------------


def most_within(times: Sequence[float], window: float) -> int:
    """The most arrivals within any stretch of so many seconds.

    >>> most_within([0.0, 0.5, 0.9, 1.0], 1.0)
    3
    """
    most = first = 0
    ordered = sorted(times)
    for last, at in enumerate(ordered):
        while ordered[first] <= at - window:
            first += 1
        most = max(most, last - first + 1)
    return most


@dataclass(frozen=True)
class Verdict:
    """What was promised, and what came."""

    tally: Tally
    arrived: Mapping[str, Sequence[float]]
    faults: Mapping[str, int]
    seconds: float
    speed: float

    @property
    def overshot(self) -> dict[str, int]:
        """By how much limits were overshot, where they were."""
        window = 60 / self.speed
        over = {n: most_within(self.arrived[n], window) - minute for n, (minute, _) in LIMITS.items()}
        return {n: by for n, by in over.items() if by > 0}

    @property
    def grown(self) -> float:
        """Megabytes by which memory grew after the first fifth of the calls."""
        return self.tally.memory[-1] - self.tally.memory[1]

    def broken(self, *, most_growth: float = 10.0) -> list[str]:
        """Every promise that was not kept."""
        tally = self.tally
        found: list[str] = []
        if tally.answered < 0.999 * tally.calls:
            found.append(f"answered {tally.answered} of {tally.calls}: {dict(tally.errors)}")
        if tally.wrong:
            found.append(f"{len(tally.wrong)} answers that nobody gave, the first: {tally.wrong[0]}")
        if self.overshot:
            found.append(f"limits overshot by {self.overshot}")
        if self.grown > most_growth:
            found.append(f"memory grew by {self.grown:.1f} MB")
        return found

    def table(self) -> str:
        """For people."""
        tally, window = self.tally, 60 / self.speed
        spread = statistics.quantiles(tally.seconds, n=100)
        lines = [
            f"{tally.calls} calls in {self.seconds:.1f} s, {tally.answered} answered "
            f"({100 * tally.answered / tally.calls:.2f} %), errors: {dict(tally.errors) or 'none'}",
            f"seconds a call: median {spread[49]:.3f}, p99 {spread[98]:.2f}, longest {max(tally.seconds):.2f}",
            f"{sum(self.faults.values())} changes to {len(self.faults)} different faults",
            f"memory: {' '.join(f'{m:.0f}' for m in tally.memory)} MB at each tenth of the calls",
            f"{'deployment':12}{'requests':>10}{f'most in {window:g} s':>16}{'allowed':>10}{'at once':>10}",
        ]
        for name, (minute, together) in LIMITS.items():
            came = self.arrived[name]
            lines.append(f"{name:12}{len(came):>10}{most_within(came, window):>16}{minute:>10}{together:>10}")
        return "\n".join(lines)


def run(calls: int, seed: int, at_once: int, speed: float) -> Verdict:
    """The whole soak."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, seed), daemon=True)
    process.start()
    try:
        port = here.recv()
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            tally = asyncio.run(soak(port, calls, at_once, speed, Path(folder)))
        seconds = time.monotonic() - began
        here.send("stop")
        arrived, faults = here.recv()
    finally:
        process.terminate()
        process.join()
    return Verdict(tally, arrived, faults, seconds, speed)


def main() -> int:
    """Parse, soak, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=48, help="calls under way")
    parser.add_argument(
        "--speed", type=float, default=20.0, help="how fast time runs for limits and ejections"
    )
    given = parser.parse_args()
    verdict = run(given.calls, given.seed, given.at_once, given.speed)
    print(verdict.table())
    for error in verdict.tally.said:
        print(f"\nerror: {error}")
    broken = verdict.broken()
    print("\n".join(f"BROKEN: {promise}" for promise in broken) or "every promise was kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
