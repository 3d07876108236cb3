"""Tries over restarts: a resumed run goes on with the try it was in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import anyio
import pytest

from aiorch.errors import ExecutionError, TaskFailed
from aiorch.protocols import Journal, Tool
from aiorch.testing import KeptRuns, VirtualClock
from aiorch.types import Outcome, Task
from aiorch.workflow import Retry, Run, Services, Workflow, execute

pytestmark = pytest.mark.anyio


class Fragile:
    """A model's tool sends something in every try; the first try fails before, the second one after that."""

    def __init__(self) -> None:
        self.tries = 0
        self.sent = 0
        self.power: anyio.CancelScope | None = None

    async def __call__(
        self, task: Task, output: Any, tools: Sequence[Tool], journal: Journal, /
    ) -> Outcome[Any]:
        self.tries += 1
        if self.tries == 1:
            raise ExecutionError("overloaded")

        async def send() -> str:
            self.sent += 1
            return "sent"

        said = await journal.once(f"{task.id}/tool", send, returns=str, idempotent=False)
        if self.power is not None:
            self.power.cancel()
            await anyio.sleep_forever()
        return Outcome(said, said, task.id, model="m")


@pytest.mark.parametrize("nested", [False, True])
async def test_what_a_later_try_sent_is_not_sent_again_by_the_first_one(nested: bool) -> None:
    flow = Workflow("w")
    flow.ask("a", "send it", retry=Retry(attempts=3))
    if nested:
        flow = Workflow("outer").sub("inner", flow)._flow  # pyright: ignore[reportPrivateUsage]
    ask, runs = Fragile(), KeptRuns()
    async with VirtualClock() as clock:
        services = Services(ask, clock=clock, rng=Random(1))
        with anyio.CancelScope() as ask.power:
            await execute(flow, services=services, engine=runs, run=Run("w", id="1"))
        assert (ask.tries, ask.sent) == (2, 1)
        ask.power = None
        run = await execute(flow, services=services, engine=runs, run=Run("w", id="1"))
    assert run.value == "sent"
    assert (ask.tries, ask.sent) == (3, 1)


async def test_a_restart_gives_no_further_tries() -> None:
    flow = Workflow("w")
    made: list[int] = []

    def broken() -> None:
        made.append(1)
        raise OSError("no disk")

    flow.add("a", broken, retry=Retry(attempts=3), thread=False)
    runs = KeptRuns()
    async with VirtualClock() as clock:
        for _ in range(2):
            with pytest.raises(TaskFailed):
                await execute(
                    flow, services=Services(Fragile(), clock=clock), engine=runs, run=Run("w", id="1")
                )
    assert len(made) == 3 + 1  # whoever carries on a run that failed wants one more
