"""A run while it goes on, and after: what happens, what is waited for, what can be sent."""

from __future__ import annotations

import gc
from typing import Any

import anyio
import pytest
from tests.workflow.running import Durable, Script, carry_out, listening

from aiorch.clock import SystemClock
from aiorch.errors import InvalidWorkflow, WorkflowError
from aiorch.events import Bus, NodeFinished, NodeStarted, RunFinished, RunStarted, TaskStarted
from aiorch.protocols import Journal, Mailbox
from aiorch.spawning import spawn
from aiorch.testing import FakeClock
from aiorch.workflow import Run, Workflow
from aiorch.workflow.engine import MemoryJournal

pytestmark = pytest.mark.anyio


def two() -> Workflow:
    flow = Workflow("w")
    flow.ask("said", "{x}")
    flow.add("end", lambda said: said + "!")
    return flow


async def test_a_run_tells_its_events_until_it_ends() -> None:
    bus, run = Bus(), Run("w")
    seen: list[Any] = []

    async def ask(task: Any, *rest: Any) -> Any:
        mine = TaskStarted(at=0, task_id=task.id, agent="general", complexity="simple")
        bus.emit(mine)
        bus.emit(TaskStarted(at=0, task_id="another", agent="general", complexity="simple"))
        return await Script()(task, *rest)

    async def watch() -> None:
        seen.extend([event async for event in run])

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await anyio.sleep(0.01)
        await carry_out(two(), {"x": "a"}, ask=ask, bus=bus, run=run)
    assert [type(event) for event in seen] == [
        RunStarted,
        NodeStarted,
        TaskStarted,
        NodeFinished,
        NodeStarted,
        NodeFinished,
        RunFinished,
    ]
    assert not bus.active
    assert [event async for event in run] == []


async def test_who_no_longer_looks_is_not_told_any_more() -> None:
    flow, bus = Workflow("w"), Bus()
    gone: list[bool] = []

    @flow.task
    async def first(run: Run) -> None:
        async for event in run:
            assert isinstance(event, NodeStarted)
            break
        gc.collect()

    @flow.task
    async def second(first: None) -> None:
        gone.append(not bus.active)

    @flow.task(thread=False)
    def tell(run: Run) -> None:
        bus.emit(NodeStarted(at=0, run_id=run.id, node="x"))

    await carry_out(flow, bus=bus)
    assert gone == [True]


async def test_nobody_waits_for_a_run_that_never_begins() -> None:
    class Refuses(Durable):
        async def run(self, *args: Any, **more: Any) -> Any:
            raise WorkflowError("no room")

    run, events = Run("w"), list[Any]()

    async def watch() -> None:
        events.extend([event async for event in run])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await anyio.sleep(0.01)
            with pytest.raises(WorkflowError, match="no room"):
                await carry_out(two(), {"x": "a"}, engine=Refuses(), run=run)
    assert events == []


async def test_what_cannot_be_sent_is_told() -> None:
    run = Run("w", "r1")
    with pytest.raises(WorkflowError, match="run r1 has not begun"):
        await run.send("paid")
    flow = Workflow("w")

    @flow.task
    async def inside(run: Run) -> None:
        with pytest.raises(WorkflowError, match="JSON cannot hold it"):
            await run.send("paid", object())

    await carry_out(flow, run=run)
    with pytest.raises(WorkflowError, match="run r1 is done"):
        await run.approve("ok")
    deaf = Workflow("w")

    @deaf.task
    async def other(run: Run) -> None:
        with pytest.raises(WorkflowError, match="takes no messages"):
            await run.send("paid", 1)

    await carry_out(deaf, engine=Durable())


async def test_a_run_in_the_background_is_waited_for_and_stopped() -> None:
    flow = Workflow("w")
    flow.wait_for("paid")
    run = Run("w", "r1")
    run._background = spawn(lambda: carry_out(flow, run=run))
    with anyio.fail_after(10):
        while not run.waiting:
            await anyio.sleep(0.001)
        await run.send("paid", 3)
        assert await run.result() is run
    assert run.value == 3
    stopped = Run("w")
    stopped._background = spawn(lambda: carry_out(flow, run=stopped))
    with anyio.fail_after(10):
        while not stopped.waiting:
            await anyio.sleep(0.001)
        stopped.cancel()
        await stopped.result()
    assert stopped.state == "cancelled"


async def test_only_a_run_in_the_background_is_waited_for() -> None:
    run = Run("w", "r1")
    with pytest.raises(WorkflowError, match="run r1 does not go on in the background"):
        await run.result()
    with pytest.raises(WorkflowError, match="run r1 does not go on in the background"):
        run.cancel()
    flow = Workflow("w")
    flow.add("a", lambda: 1)
    await carry_out(flow, run=run)
    run.cancel()
    assert (await run.result()).value == 1


async def test_every_paid_call_is_listed() -> None:
    run = await carry_out(two(), {"x": "a"}, ask=Script(), clock=FakeClock(now=100.0))
    [call] = run.calls
    assert (call.task, call.state, call.began, call.ended) == ("said", "committed", 100.0, 100.0)
    assert call.key.startswith("said:")
    assert Run("w").calls == ()


async def test_a_call_that_fails_is_listed_as_failed() -> None:
    journal = MemoryJournal(SystemClock())

    async def broken() -> int:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        await journal.once("a:model", broken, returns=int, ledger=True)
    [call] = journal.calls
    assert (call.task, call.state) == ("a", "failed")
    assert isinstance(journal, Journal)
    assert isinstance(journal, Mailbox)


async def test_a_run_is_shown_by_how_it_stands_and_not_by_what_came_of_it() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: "a long text")
    flow.add("b", lambda a: a).when("a", "another")
    run = await carry_out(flow, run=Run("w", "r1"))
    assert repr(run) == "<run 'r1' of 'w': done (1 done, 1 skipped)>"


async def test_records_tell_tries_and_why_tasks_were_skipped() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1)
    flow.add("b", lambda: 1).when("a", 2)
    first, second = (await carry_out(flow)).to_records()
    assert (first["task"], first["state"], first["tries"]) == ("a", "done", 1)
    assert (second["task"], second["state"], second["error"]) == (
        "b",
        "skipped",
        "the value of 'a' did not pass",
    )


async def test_the_value_is_what_the_workflow_gives() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1)
    flow.add("b", lambda a: a + 1)
    assert (await carry_out(flow)).value == 2
    assert (await carry_out(flow.gives("a"))).value == 1


async def test_inputs_of_another_type_are_refused_before_anything_starts() -> None:
    def half(n: int) -> int:
        return n // 2

    flow, (bus, events) = Workflow("w"), listening()
    flow.add("half", half)
    assert (await carry_out(flow, {"n": "4"})).value == 2
    with pytest.raises(InvalidWorkflow, match=r"\[input\] 'n' should be an int"):
        await carry_out(flow, {"n": "four"}, bus=bus)
    assert events == []
