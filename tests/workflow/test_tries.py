"""Tries over restarts: a resumed run goes on with the try it was in."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import anyio
import pytest

from aiorch.errors import ExecutionError, NeedsPermission, TaskFailed
from aiorch.protocols import Journal, Tool
from aiorch.testing import KeptRuns, VirtualClock
from aiorch.types import Outcome, Task, ToolSpec
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


async def test_a_workflow_inside_is_carried_out_anew_in_every_try_with_a_durable_engine_too() -> None:
    drawn: list[int] = []

    def draw() -> int:
        drawn.append(1)
        return len(drawn)

    def good(draw: int) -> int:
        if draw < 3:
            raise ValueError("too small")
        return draw

    inner = Workflow("inner")
    inner.add("draw", draw)
    inner.add("good", good)
    flow = Workflow("w")
    flow.sub("sub", inner, retry=Retry(attempts=3))
    runs = KeptRuns()
    async with VirtualClock() as clock:
        run = await execute(
            flow, services=Services(Fragile(), clock=clock), engine=runs, run=Run("w", id="1")
        )
    assert run.value == 3
    assert len(runs["1"].committed) == len(set(runs["1"].committed))


async def test_what_must_not_happen_twice_does_not_in_another_try_of_what_it_is_inside() -> None:
    paid: list[int] = []
    tried: list[int] = []

    def fails_once(pay: str) -> str:
        tried.append(1)
        if len(tried) == 1:
            raise OSError("no network")
        return pay

    inner = Workflow("inner")
    inner.add("pay", lambda: paid.append(1) or "paid", idempotent=False)
    inner.add("told", fails_once)
    flow = Workflow("w")
    flow.sub("sub", inner, retry=Retry(attempts=2))
    async with VirtualClock() as clock:
        services = Services(Fragile(), clock=clock)
        run = await execute(flow, services=services, engine=KeptRuns(), run=Run("w", id="1"))
    assert (run.value, len(paid)) == ("paid", 1)


async def test_a_guarded_thread_that_outlasts_its_time_is_not_begun_again_unasked() -> None:
    go, begun = threading.Event(), list[int]()

    def send() -> str:
        begun.append(1)
        go.wait(30)
        return "sent"

    flow = Workflow("w")
    flow.add("send", send, idempotent=False, timeout=0.05, retry=Retry(attempts=2, delay=0))
    with pytest.raises(TaskFailed) as failed:
        await execute(flow, services=Services(Fragile()), engine=KeptRuns(), run=Run("w", id="1"))
    go.set()
    assert isinstance(failed.value.__cause__, NeedsPermission)
    assert len(begun) == 1


class Forgetful:
    """A cache, until it is emptied."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    async def put(self, key: str, text: str, seconds: float) -> None:
        self.kept[key] = text


@pytest.mark.parametrize("loop", [False, True])
async def test_what_a_workflow_inside_had_from_the_cache_stays_when_the_cache_forgets_it(loop: bool) -> None:
    drawn: list[int] = []
    seen: list[int] = []

    def draw() -> int:
        drawn.append(1)
        return len(drawn)

    def fails_once(sub: int) -> int:
        seen.append(sub)
        if len(seen) == 1:
            raise OSError("no network")
        return sub

    inner = Workflow("inner")
    inner.add("draw", draw)
    first, flow, cache = Workflow("first"), Workflow("w"), Forgetful()
    for one in (first, flow):
        if loop:
            one.loop("sub", inner, most=1, cache=60)
        else:
            one.sub("sub", inner, cache=60)
    flow.add("after", fails_once)
    services, runs = Services(Fragile(), cache=cache), KeptRuns()
    await execute(first, services=services)
    with pytest.raises(TaskFailed):
        await execute(flow, services=services, engine=runs, run=Run("w", id="1"))
    cache.kept.clear()
    run = await execute(flow, services=services, engine=runs, run=Run("w", id="1"))
    assert (run.value, seen, len(drawn)) == (1, [1, 1], 1)


async def test_what_tolerated_failures_said_is_kept_without_secrets() -> None:
    def broken() -> None:
        raise OSError("401 for key sk-secret")

    flow, runs = Workflow("w"), KeptRuns()
    flow.add("a", broken, on_error="continue")
    services = Services(Fragile(), redact=lambda text: text.replace("sk-secret", "***"))
    await execute(flow, services=services, engine=runs, run=Run("w", id="1"))
    assert "401 for key ***" in str(runs["1"].result)
    assert "sk-secret" not in str(runs["1"])


@pytest.mark.parametrize("kept", [False, True])
async def test_a_call_that_was_cut_off_and_must_not_happen_twice_is_not_tried_again(kept: bool) -> None:
    sent: list[str] = []

    async def use(tool: Tool, arguments: Mapping[str, Any], task: Task, journal: Journal, /) -> str:
        async def send() -> str:
            sent.append("sent")
            await anyio.sleep_forever()
            return "never"

        return await journal.once(f"{task.id}/tool", send, returns=str, idempotent=False)

    flow = Workflow("w")
    flow.use("a", Mailer(), retry=3, timeout=5)
    async with VirtualClock() as clock:
        services = Services(Fragile(), use=use, clock=clock, rng=Random(1))
        with pytest.raises(TaskFailed, match="longer than 5 s"):
            await execute(flow, services=services, engine=KeptRuns() if kept else None)
    assert sent == ["sent"]


class Mailer:
    spec = ToolSpec("mail", "Sends a mail.", {"type": "object", "properties": {}})
    idempotent = False

    async def call(self, arguments: Any) -> str:
        raise AssertionError("it is called through the guard")
