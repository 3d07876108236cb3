"""How a task is carried out: tries, time-outs, limits, the cache, and what a resumed run remembers of failures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.workflow.running import Durable, Ledger, Script, carry_out, listening

from aiorch.errors import TaskFailed
from aiorch.events import NodeRetrying
from aiorch.testing import FakeClock
from aiorch.types import ToolSpec, to_plain
from aiorch.workflow import Run, Workflow
from aiorch.workflow.nodes import Retry
from aiorch.workflow.retrying import wait_before_next

pytestmark = pytest.mark.anyio


def failing(times: int, error: type[Exception] = OSError) -> Callable[..., Any]:
    """A function that fails so often, and then tells how often it was called."""
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error(f"call {len(calls)}")
        return len(calls)

    return work


# --- tries ---------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 6),
    st.floats(0, 100),
    st.floats(0, 10),
    st.floats(0, 1000),
    st.integers(1, 2000),
    st.booleans(),
)
def test_a_wait_lies_between_nothing_and_the_full_time(
    attempts: int, delay: float, factor: float, longest: float, attempt: int, jitter: bool
) -> None:
    retry = Retry(attempts, delay, factor, longest, jitter)
    seconds = wait_before_next(retry, attempt, OSError(), Random(1))
    assert (seconds is None) == (attempt >= attempts)
    assert seconds is None or 0 <= seconds <= longest


def test_waits_grow_to_the_longest_and_only_for_what_is_worth_it() -> None:
    retry = Retry(attempts=9, delay=1, factor=2, longest=5, jitter=False, on=(OSError,))
    waits = [wait_before_next(retry, n, OSError(), Random()) for n in range(1, 10)]
    assert waits == [1, 2, 4, 5, 5, 5, 5, 5, None]
    assert wait_before_next(retry, 1, ValueError(), Random()) is None
    assert wait_before_next(None, 1, OSError(), Random()) is None
    assert wait_before_next(Retry(10**6, 1, 10.0, 7, jitter=False), 10**5, OSError(), Random()) == 7


async def test_a_failed_task_is_tried_again() -> None:
    flow, clock = Workflow("w"), FakeClock()
    flow.add("a", failing(2), retry=Retry(4, delay=10, jitter=False))
    bus, events = listening()
    run = await carry_out(flow, clock=clock, bus=bus)
    assert run.results == {"a": 3}
    assert clock.slept == [10, 20]
    assert run.errors == {}
    [row] = run.timeline
    assert (row.tries, row.state, row.seconds) == (3, "done", 30)
    assert [(e.attempt, e.wait, e.error) for e in events if isinstance(e, NodeRetrying)] == [
        (1, 10, "OSError: call 1"),
        (2, 20, "OSError: call 2"),
    ]


async def test_the_last_failure_counts() -> None:
    flow = Workflow("w")
    flow.add("a", failing(9), retry=3)
    with pytest.raises(TaskFailed, match="call 3"):
        await carry_out(flow, clock=FakeClock())


async def test_whoever_waits_for_another_try_lets_others_work() -> None:
    flow, gone = Workflow("w"), anyio.Event()

    class Clock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await gone.wait()

    flow.add("a", failing(1), retry=2, resources="printer")
    flow.add("b", lambda: gone.set(), resources="printer", thread=False, priority=-1)
    with anyio.fail_after(10):
        run = await carry_out(flow, clock=Clock(), limit=1)
    assert run.finished == ("a", "b")


async def test_a_question_that_is_asked_again_is_not_answered_by_the_first_ones_calls() -> None:
    flow = Workflow("w")
    flow.ask("a", "{x}", retry=Retry(3, on=(ValueError,)))
    flow.ask("b", "{x}")
    answers = iter(["bad", "good", "also good"])
    engine = Durable()

    class Strict(Script):
        async def __call__(self, *args: Any) -> Any:
            outcome = await super().__call__(*args)
            if outcome.value == "bad":
                raise ValueError("cannot be used")
            return outcome

    run = await carry_out(
        flow, {"x": "p"}, ask=Strict(lambda text: next(answers)), engine=engine, clock=FakeClock(), limit=1
    )
    assert run.results == {"a": "also good", "b": "good"}
    assert [key.replace(key.split(":")[-1][-38:], "") for key in engine.ledger.kept if ":" in key] == [
        "a:",
        "b:",
        "a:try2/",
    ]


async def test_a_workflow_inside_is_tried_again_as_a_whole() -> None:
    inner = Workflow("inner")
    inner.add("steady", lambda: 1)
    inner.add("shaky", failing(1), after=["steady"])
    inner.add("end", lambda shaky: shaky)
    flow = Workflow("w")
    flow.sub("sub", inner, retry=2)
    run = await carry_out(flow, clock=FakeClock())
    assert run.results == {"sub": 2}
    assert (run.errors, run.skipped) == ({}, {})


# --- time-outs -----------------------------------------------------------------------------------------------------


async def test_a_try_that_takes_too_long_fails() -> None:
    flow = Workflow("w")
    stopped: list[int] = []

    @flow.task(timeout=0.01, fallback="late")
    async def slow() -> str:
        try:
            await anyio.sleep_forever()
            return "in time"
        finally:
            stopped.append(1)

    flow.add("quick", lambda: 1, timeout=600)
    with anyio.fail_after(10):
        run = await carry_out(flow)
    assert run.results == {"slow": "late", "quick": 1}
    assert str(run.errors["slow"]) == "it took longer than 0.01 s"
    assert stopped == [1]


async def test_a_time_out_by_another_clock() -> None:
    class Clock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            if seconds > 100:
                await anyio.sleep_forever()
            await super().sleep(seconds)

    async def stuck() -> None:
        await anyio.sleep_forever()

    async def broken() -> None:
        raise ValueError("no good")

    async def quick() -> int:
        return 1

    flow = Workflow("w")
    flow.add("stuck", stuck, timeout=5, on_error="skip")
    flow.add("broken", broken, timeout=500, on_error="skip")
    flow.add("quick", quick, timeout=500)
    with anyio.fail_after(10):
        run = await carry_out(flow, clock=Clock())
    assert run.results == {"quick": 1}
    assert {path: type(wrong).__name__ for path, wrong in run.errors.items()} == {
        "stuck": "TimeoutError",
        "broken": "ValueError",
    }


async def test_a_thread_that_takes_too_long_is_left_behind() -> None:
    flow, over = Workflow("w"), threading.Event()
    flow.add("slow", over.wait, timeout=0.01, fallback="late")
    try:
        with anyio.fail_after(10):
            run = await carry_out(flow)
    finally:
        over.set()
    assert run.value == "late"
    assert "its thread goes on by itself" in str(run.errors["slow"])


async def test_a_workflow_inside_that_takes_too_long_is_stopped() -> None:
    inner = Workflow("inner")
    inner.add("stuck", anyio.sleep_forever)
    inner.add("end", lambda stuck: 1)
    flow = Workflow("w")
    flow.sub("sub", inner, timeout=0.01, on_error="skip")
    flow.add("beside", lambda: 1)
    with anyio.fail_after(10):
        run = await carry_out(flow)
    assert run.results == {"beside": 1}
    assert run.skipped == {"sub/end": "'sub' was cancelled"}
    assert {row.key: row.state for row in run.timeline} == {
        "sub": "failed",
        "sub/stuck": "cancelled",
        "beside": "done",
    }


# --- limits --------------------------------------------------------------------------------------------------------


class Counter:
    """Counts who is at work at the same time."""

    def __init__(self) -> None:
        self.busy: dict[str, int] = {}
        self.most: dict[str, int] = {}

    def task(self, *names: str) -> Callable[..., Any]:
        async def work() -> None:
            for name in names:
                self.busy[name] = self.busy.get(name, 0) + 1
                self.most[name] = max(self.most.get(name, 0), self.busy[name])
            for _ in range(3):
                await anyio.sleep(0)
            for name in names:
                self.busy[name] -= 1

        return work


async def test_a_tag_limits_how_many_are_at_work_and_holds_up_nobody_else() -> None:
    flow, seen = Workflow("w"), Counter()
    for n in range(8):
        flow.add(f"tagged{n}", seen.task("tagged", "all"), tags=["db"], priority=1)
    for n in range(4):
        flow.add(f"plain{n}", seen.task("plain", "all"))
    run = await carry_out(flow, limits={"db": 2}, limit=6)
    assert (seen.most["tagged"], seen.most["plain"], seen.most["all"]) == (2, 4, 6)
    assert run.state == "done"


async def test_tasks_that_share_a_resource_never_run_at_the_same_time() -> None:
    flow, seen = Workflow("w"), Counter()
    for n in range(6):
        needs = [("a",), ("b",), ("a", "b")][n % 3]
        flow.add(f"t{n}", seen.task(*needs), resources=needs)
    await carry_out(flow)
    assert seen.most == {"a": 1, "b": 1}


async def test_a_resource_of_a_workflow_is_its_tasks_too() -> None:
    inner, seen = Workflow("inner"), Counter()
    inner.add("one", seen.task("a", "x"), resources="a")
    inner.add("two", seen.task("a"), resources="a")
    inner.add("three", seen.task("b"), resources="b")
    flow = Workflow("w")
    flow.sub("first", inner, resources="a")
    flow.sub("second", inner, resources="b")
    flow.sub("third", inner)
    with anyio.fail_after(10):
        await carry_out(flow)
    assert seen.most == {"a": 1, "b": 1, "x": 1}


async def test_a_mapping_may_have_a_limit_of_its_own() -> None:
    flow, seen = Workflow("w"), Counter()
    work = seen.task("each")

    async def item(n: int) -> None:
        await work()

    flow.add("each", item).map(n="ns", limit=2)
    await carry_out(flow, {"ns": list(range(7))})
    assert seen.most == {"each": 2}


async def test_a_limit_below_one_makes_no_sense() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1, tags="db")
    with pytest.raises(ValueError, match=r"limits\['db'\]=0"):
        await carry_out(flow, limits={"db": 0})


async def test_the_highest_priority_goes_first() -> None:
    flow = Workflow("w")
    flow.add("low", lambda: 1, priority=-1)
    flow.add("plain", lambda: 1)
    flow.add("long", lambda: 1)
    flow.add("behind", lambda long: 1)
    flow.add("high", lambda: 1, priority=5)
    run = await carry_out(flow, limit=1)
    assert run.finished == ("high", "long", "plain", "behind", "low")


async def test_questions_wait_for_room_and_others_go_first() -> None:
    class Providers:
        def __init__(self) -> None:
            self.asked: list[str] = []
            self.now = 0
            self.most = 0

        def room(self, agent: str) -> int | None:
            self.asked.append(agent)
            return {"busy": 0, "free": None}.get(agent, 2)

    providers = Providers()

    async def ask(task: Any, output: Any, tools: Any, journal: Any) -> Any:
        if task.agent == "general":
            providers.now += 1
            providers.most = max(providers.most, providers.now)
            await anyio.sleep(0)
            await anyio.sleep(0)
            providers.now -= 1
        return await Script()(task, output, tools, journal)

    flow = Workflow("w")
    flow.ask("each", "{n}", priority=9).map(n="ns")
    flow.ask("busy", "{n}", agent="busy").map(n="ns")
    flow.ask("free", "{n}", agent="free").map(n="ns")
    with anyio.fail_after(10):
        run = await carry_out(flow, {"ns": [1, 2, 3, 4, 5]}, ask=ask, capacity=providers, limit=4)
    assert providers.most == 2
    assert run.results["each"] == run.results["busy"] == run.results["free"] == list("12345")
    assert run.finished.index("free[0]") < run.finished.index("each[4]")


# --- the cache -----------------------------------------------------------------------------------------------------


class Cache:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, float]] = {}

    async def get(self, key: str) -> str | None:
        return self.kept[key][0] if key in self.kept else None

    async def put(self, key: str, text: str, seconds: float) -> None:
        self.kept[key] = (text, seconds)


class Broken:
    async def get(self, key: str) -> str | None:
        raise OSError("disk")

    async def put(self, key: str, text: str, seconds: float) -> None:
        raise OSError("disk")


async def test_the_same_task_with_the_same_values_is_carried_out_once() -> None:
    calls: list[int] = []

    def double(n: int) -> int:
        calls.append(n)
        return n * 2

    def flow(name: str) -> Workflow:
        flow = Workflow(name)
        flow.add("each", double, cache=60).map(n="ns")
        flow.ask("said", "say {x}", cache=60)
        return flow

    cache, script = Cache(), Script()
    first = await carry_out(flow("w"), {"ns": [1, 2], "x": "a"}, ask=script, cache=cache, limit=1)
    again = await carry_out(flow("v"), {"ns": [2, 3], "x": "a"}, ask=script, cache=cache, limit=1)
    assert (first.results["each"], again.results["each"]) == ([2, 4], [4, 6])
    assert calls == [1, 2, 3]
    assert len(script.asked) == 1
    outcome: Any = again.outcomes["said"]
    assert (outcome.value, outcome.cached) == ("SAY A", True)
    assert {seconds for _, seconds in cache.kept.values()} == {60}


async def test_tools_loops_and_workflows_inside_are_cached_too() -> None:
    class Tool:
        spec = ToolSpec("t", "A tool.", {"type": "object", "properties": {"x": {}}, "required": ["x"]})
        idempotent = True
        calls: ClassVar[list[Any]] = []

        async def call(self, arguments: Any) -> str:
            self.calls.append(arguments)
            return "said"

    rounds: list[int] = []
    inner = Workflow("inner")
    inner.add("only", lambda x: rounds.append(1) or x)
    left_out = Workflow("left_out")
    left_out.add("only", lambda x: x).when("x", "no")
    flow, cache = Workflow("w"), Cache()
    flow.use("used", Tool(), cache=60)
    flow.sub("sub", inner, cache=60)
    flow.loop("loop", inner, most=2, cache=60)
    flow.sub("without", left_out, cache=60)
    first = await carry_out(flow, {"x": "a"}, cache=cache)
    again = await carry_out(flow, {"x": "a"}, cache=cache)
    assert first.results == again.results == {"used": "said", "sub": "a", "loop": "a"}
    assert (len(Tool.calls), len(rounds), len(cache.kept)) == (1, 3, 3)
    assert set(again.finished) == {"used", "sub", "loop", "without"}


async def test_a_cache_that_fails_costs_only_the_work(caplog: pytest.LogCaptureFixture) -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1, cache=60)
    assert (await carry_out(flow, cache=Broken())).results == {"a": 1}
    assert len(caplog.records) == 2


async def test_what_json_cannot_hold_is_not_cached() -> None:
    flow, cache = Workflow("w"), Cache()
    flow.add("thing", lambda: object())
    flow.add("a", lambda thing: 1, cache=60)
    await carry_out(flow, cache=cache)
    assert cache.kept == {}


# --- resumed -------------------------------------------------------------------------------------------------------


async def test_functions_results_are_committed_where_the_engine_keeps_any() -> None:
    def count() -> int:
        return 3

    flow, engine = Workflow("w"), Durable()
    flow.add("count", count, idempotent=False)
    flow.add("any", lambda count: count)
    await carry_out(flow, engine=engine)
    assert engine.ledger.kept == {"count": 3, "any": 3}
    assert engine.ledger.types == {"count": int, "any": Any}
    assert engine.ledger.idempotent == {"count": False, "any": True}


async def test_a_resumed_run_keeps_the_decision_to_go_on_without_a_task() -> None:
    ledger = Ledger()
    shaky, crash = failing(1), failing(1)
    flow = Workflow("w")
    flow.add("skips", shaky, on_error="skip")
    flow.add("takes", lambda skips: 1)
    flow.add("each", lambda n: 1 // n).map(n="ns", on_error="collect")
    flow.add("end", crash, after=["each", "takes"])
    inputs: dict[str, Any] = {"ns": [1, 0]}
    end = Workflow("w")
    end.add("skips", shaky, on_error="skip")
    end.add("takes", lambda skips: 1)
    end.add("each", lambda n: 1 // n).map(n="ns", on_error="collect")
    end.add("end", crash, after=["each"])
    with pytest.raises(TaskFailed):
        await carry_out(end, inputs, engine=Durable(ledger), run=Run("w", "r"))
    run = await carry_out(end, inputs, engine=Durable(ledger), run=Run("w", "r"))
    assert ledger.kept["skips!failed"] == "OSError: call 1"
    assert str(run.errors["skips"]) == "OSError: call 1"
    assert run.skipped == {"takes": "'skips' failed"}
    assert run.results["end"] == 2
    first, second = run.results["each"]
    assert (first, str(second)) == (1, str(run.errors["each[1]"]))
    assert "ZeroDivisionError" in str(second)


async def test_a_finished_run_is_typed_as_far_as_the_graph_tells() -> None:
    class Person(BaseModel):
        name: str

    def where() -> Path:
        return Path("/tmp/x")

    def odd(n: int) -> int:
        if n == 2:
            raise ValueError("even")
        return n

    flow = Workflow("w")
    flow.add("where", where)
    flow.ask("who", "{x}", output=Person)
    flow.add("each", odd).map(n="ns", on_error="collect")
    flow.add("left", lambda: 1).when("x", "no")
    flow.add("any", lambda: {"a": 1}, fallback=None)
    inputs: dict[str, Any] = {"x": "ann", "ns": [1, 2, 3]}

    class Stored(Durable):
        async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
            return to_plain(await super().run(run_id, version, body, returns=returns), returns)

    engine = Stored()
    script = Script(lambda text: Person(name=text))
    await carry_out(flow, inputs, ask=script, engine=engine, run=Run("w", "r"))
    run = await carry_out(flow, inputs, ask=script, engine=engine, run=Run("w", "r"))
    assert run.results["where"] == Path("/tmp/x")
    assert run.results["who"] == Person(name="ann")
    first, second, third = run.results["each"]
    assert (first, str(second), third) == (1, "ValueError: even", 3)
    assert run.skipped == {"left": "the value of 'x' did not pass"}
    assert run.value == run.results["any"] == {"a": 1}
    assert run.state == "done"
    assert len(script.asked) == 1
