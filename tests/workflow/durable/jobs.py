"""A workflow of two questions, a model that writes down when it is asked, and workers that carry it out.

As a program it is a worker process: ``python -m tests.workflow.durable.jobs URL LOG LEASE SECONDS``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from aiorch.protocols import Journal, Tool
from aiorch.types import Outcome, Task
from aiorch.workflow import Services, Workflow
from aiorch.workflow.durable import RunInfo, Runs, serve

PATIENCE = 45.0
"""Seconds: machines that run tests are busy."""


def job(wording: str = "think about") -> Workflow:
    """Two questions, one after the other."""
    flow = Workflow("job")
    flow.ask("first", wording + " {n}")
    flow.ask("second", "think again about {first}")
    return flow


@dataclass
class Model:
    """Answers, and remembers what it was asked."""

    seconds: float = 0.0
    log: Path | None = None
    asked: list[str] = field(default_factory=list[str])
    fails: set[str] = field(default_factory=set[str])
    """Prompts at which it raises."""

    async def ask(self, task: Task, output: Any, tools: Sequence[Tool], journal: Journal) -> Outcome[Any]:
        prompt = task.messages[-1].text

        async def call() -> str:
            self.asked.append(prompt)
            self._note("begin", prompt)
            if prompt in self.fails:
                raise ValueError("the model is out of order")
            await asyncio.sleep(self.seconds)
            self._note("end", prompt)
            return f"<{prompt}>"

        text = await journal.once("model", call, returns=str, ledger=True)
        return Outcome(text, text=text, task_id=task.id)

    def _note(self, what: str, prompt: str) -> None:
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(json.dumps([what, prompt, os.getpid(), time.time()]) + "\n")


@asynccontextmanager
async def working(url: str, *flows: Workflow, model: Model | None = None, **how: Any) -> AsyncGenerator[None]:
    """A worker in this process, meanwhile."""
    ready = asyncio.Event()
    services = Services((model or Model()).ask)
    how = {"lease": 5.0, "poll": 0.1, **how}
    worker = asyncio.create_task(serve(flows, services, engine=url, on_ready=ready.set, **how))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({worker, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            await worker
        yield
    finally:
        waiting.cancel()
        worker.cancel()
        await asyncio.wait({worker})


async def until(runs: Runs, run: str, passes: Callable[[RunInfo], bool]) -> RunInfo:
    """The run, once it is so."""
    with anyio.fail_after(PATIENCE):
        while not passes(info := await runs.get(run)):
            await anyio.sleep(0.05)
    return info


async def ended(runs: Runs, run: str) -> RunInfo:
    """The run, once it has ended."""
    return await until(runs, run, lambda info: info.state in ("done", "failed", "cancelled"))


def main() -> None:
    """The worker process."""
    url, log, lease, seconds = sys.argv[1:]
    model = Model(float(seconds), Path(log))
    asyncio.run(
        serve(
            [job()],
            Services(model.ask),
            engine=url,
            concurrency=3,
            lease=float(lease),
            poll=0.2,
            grace=20.0,
            signals=True,
            on_ready=lambda: print("UP", flush=True),
        )
    )


if __name__ == "__main__":
    main()
