"""Kills inside a tool loop: a model calls tools that have effects, and the process is killed at random moments.

    .venv/bin/python benchmarks/durability_tools.py [--kills 50] [--engine sqlite | postgresql://...] [--out FILE]

What happened is written by the tools themselves, synced to the disk, before and after each effect; so the truth does
not come from what is tested. Half of the tools are idempotent, the other half "charge": one of those that began and
was never committed is not repeated before somebody says so; here that is whoever can look into the ledger.

Of each kill it says how many results were committed at that moment (read from the database), how many of those were
made again, how many charges were made twice, how often permission was asked for, and whether the run finished. It
fails where a committed call was repeated, a charge was made twice, or anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

CALLS = 16
"""Calls of tools in a run, one a round."""
PACE = 0.03
"""Seconds that a call or an answer takes, on average."""


class Ledger:
    """What really happened: a line before and a line after each effect."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger"

    def write(self, line: str) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{line}\n".encode())
        os.fsync(file)
        os.close(file)

    def read(self) -> Counter[str]:
        return Counter(self.path.read_text().split("\n")) if self.path.exists() else Counter()


# --- the run: a process that may be killed at any time -------------------------------------------------------------


async def run(folder: Path, url: str, run_id: str) -> None:
    import aiorch
    from aiorch.testing import Says, ScriptedProvider
    from aiorch.types import Request

    ledger = Ledger(folder)

    async def happens(name: str) -> str:
        ledger.write(f"S {name}")
        await asyncio.sleep(PACE * random.uniform(0.3, 1.7))
        ledger.write(f"E {name}")
        return f"{name} is done"

    @aiorch.tool(idempotent=True)
    async def look(number: int) -> str:
        """Look something up."""
        return await happens(f"look {number}")

    @aiorch.tool(idempotent=False)
    async def charge(number: int) -> str:
        """Charge somebody."""
        return await happens(f"charge {number}")

    def speak(request: Request) -> Says:
        """The model: it asks for one tool after the other, by how many answers it has seen."""
        seen = sum(message.role == "tool" for message in request.messages)
        ledger.write(f"M {seen}")
        if seen == CALLS:
            return Says("all done", delay=PACE)
        return Says(
            tool_calls=(aiorch.ToolCall(f"call_{seen}", "charge" if seen % 2 else "look", {"number": seen}),),
            delay=PACE * random.uniform(0.3, 1.7),
        )

    flow = aiorch.Workflow("tool-loop")
    flow.ask("work", "Do what is to be done.", agent="patient", tools=[look, charge])
    async with aiorch.Orchestrator(
        providers=[ScriptedProvider([speak])],
        profiles={"patient": {"max_rounds": CALLS + 2}},
        data_dir=folder / "data",
        engine=url,
        cache="off",
        guard="off",
        max_attempts=CALLS + 4,
    ) as ai:
        while True:
            try:
                done = await ai.execute(flow, run_id=run_id)
                print("DONE", done.results["work"], flush=True)
                return
            except aiorch.TaskFailed as failed:
                asked = failed.__cause__
                if not isinstance(asked, aiorch.NeedsPermission):
                    raise
                await decide(ai, ledger, run_id, asked.name)


async def decide(ai, ledger: Ledger, run_id: str, name: str) -> None:
    """What a person does: look whether what the model asked for last has happened, and say so."""
    seen = ledger.read()
    number = max(int(line.removeprefix("M ")) for line in seen if line.startswith("M "))
    ledger.write(f"A charge {number}")
    happened = seen[f"E charge {number}"]
    told = {"result": {"content": f"charge {number} is done"}} if happened else {"repeat": True}
    await ai.runs().send(run_id, name, told)


# --- the kills -----------------------------------------------------------------------------------------------------


def committed(url: str, run_id: str) -> set[str]:
    """What was committed by now, in the ledger's words, read from the database itself."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    with engine.connect() as db:
        rows = db.execute(text("SELECT key, value FROM aiorch_effects WHERE run_id = :run"), {"run": run_id})
        kept = [json.loads(value)["content"] for key, value in rows if "/tool/" in key]
    engine.dispose()
    return {told.removesuffix(" is done") for told in kept}


def trial(number: int, engine: str) -> dict[str, object]:
    """One run with one kill."""
    chance = random.Random(number)
    folder = Path(tempfile.mkdtemp(prefix="aiorch-kills-"))
    url = f"sqlite:///{folder}/runs.db" if engine == "sqlite" else engine
    run_id = f"tools-{number}-{time.time_ns()}"
    ledger = Ledger(folder)
    command = [sys.executable, "-W", "ignore", __file__, "run", str(folder), url, run_id]
    target = chance.randint(1, CALLS - 1)
    began = time.monotonic()
    with (folder / "errors").open("ab") as errors:
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
        while first.poll() is None:
            if sum(count for line, count in ledger.read().items() if line.startswith("E ")) >= target:
                time.sleep(chance.uniform(0, 3 * PACE))
                break
            time.sleep(0.005)
        killed = first.poll() is None
        if killed:
            os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        kept = committed(url, run_id)
        at_kill = ledger.read()
        last = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=120, check=False
        )
    after = ledger.read()
    return {
        "kill": number,
        "killed": killed,
        "committed": len(kept),
        "ended": sum(count for line, count in at_kill.items() if line.startswith("E ")),
        "committed_repeated": sorted(name for name in kept if after[f"S {name}"] > at_kill[f"S {name}"]),
        "charged_twice": sorted(line for line in after if line.startswith("E charge") and after[line] > 1),
        "looked_twice": sum(1 for line in after if line.startswith("E look") and after[line] > 1),
        "asked": sum(count for line, count in after.items() if line.startswith("A ")),
        "lost": [n for n in range(CALLS) if not after[f"E {'charge' if n % 2 else 'look'} {n}"]],
        "finished": "DONE all done" in last.stdout,
        "error": "" if last.returncode == 0 else (folder / "errors").read_text()[-300:],
        "seconds": round(time.monotonic() - began, 2),
    }


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--engine", default="sqlite")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    trials = []
    for number in range(given.kills):
        trials.append(trial(number, given.engine))
        print(json.dumps(trials[-1]), flush=True)
        if given.out:
            with given.out.open("a") as file:
                file.write(json.dumps(trials[-1]) + "\n")
    wrong = [
        t for t in trials if t["committed_repeated"] or t["charged_twice"] or t["lost"] or not t["finished"]
    ]
    print(
        f"{sum(bool(t['killed']) for t in trials)} kills, {sum(t['committed'] for t in trials)} calls committed before "
        f"them, {sum(len(t['committed_repeated']) for t in trials)} of those repeated, "
        f"{sum(len(t['charged_twice']) for t in trials)} charges made twice, permission asked for "
        f"{sum(t['asked'] for t in trials)} times, {len(wrong)} runs wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        asyncio.run(run(Path(sys.argv[2]), sys.argv[3], sys.argv[4]))
    else:
        sys.exit(main())
