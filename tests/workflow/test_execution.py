"""A workflow carried out: values flow, failures end it or are collected, and what was finished stays readable."""

from __future__ import annotations

import functools
import threading
from typing import Any

import anyio
import pytest
from pydantic import BaseModel
from tests.workflow.running import Durable, Script, listening, never
from tests.workflow.running import carry_out as execute

from aiorch.errors import ExecutionError, InvalidWorkflow, TaskFailed
from aiorch.events import (
    NodeFailed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from aiorch.journal import NullJournal
from aiorch.protocols import Engine, Journal
from aiorch.testing import FakeClock
from aiorch.types import Budget, Message, Outcome, Parameters, Task, ToolSpec, Verdict, to_json
from aiorch.workflow import Memory, Run, Workflow

pytestmark = pytest.mark.anyio


async def test_values_flow_along_names() -> None:
    flow = Workflow("notes")
    flow.ask("facts", "list {log}")
    flow.ask("draft", "write {facts}")

    @flow.task
    def save(draft: str, times: int = 2) -> str:
        return draft * times

    @flow.task
    async def count(save: str, log: str) -> int:
        return len(save) + len(log)

    run = await execute(flow, {"log": "x"}, ask=Script())
    assert run.state == "done"
    assert run.results == {
        "facts": "LIST X",
        "draft": "WRITE LIST X",
        "save": "WRITE LIST XWRITE LIST X",
        "count": 25,
    }
    assert run.outcomes["draft"].model == "script/1"  # type: ignore[union-attr]
    assert run.finished == ("facts", "draft", "save", "count")
    assert save("a") == "aa"  # still a function


async def test_an_ai_task_carries_everything_that_was_said_about_it() -> None:
    class Reply(BaseModel):
        text: str

    class Search:
        idempotent = True
        spec = ToolSpec("search", "Searches.", {"type": "object"})

        async def call(self, arguments: Any) -> str:
            return ""

    tool = Search()
    flow = Workflow("w")
    parameters = Parameters(temperature=0, max_tokens=7)
    flow.ask(
        "a",
        "do {x}",
        agent="coding_agent",
        output=Reply,
        system="be brief",
        tools=[tool],
        parameters=parameters,
        budget=Budget(tokens=5),
        timeout=3.0,
    )
    script = Script(lambda text: Reply(text=text))
    run = await execute(flow, {"x": "it"}, ask=script)
    [(task, output, tools)] = script.asked
    assert output is Reply
    assert tools == (tool,)
    assert [m.role for m in task.messages] == ["system", "user"]
    assert task.text == "do it"
    assert (task.agent, task.parameters, task.budget, task.timeout) == (
        "coding_agent",
        parameters,
        Budget(tokens=5),
        3.0,
    )
    assert task.tags == {"workflow": "w", "task": "a"}
    assert run.results["a"] == Reply(text="do it")


async def test_a_prompt_is_trusted_only_as_far_as_what_flows_into_it() -> None:
    flow = Workflow("w")
    flow.ask("fixed", "no value")
    flow.ask("given", "{x}")
    flow.ask("from_model", "{x} {given}")
    flow.add("fetched", lambda x: x)
    flow.ask("from_function", "{fetched}")
    flow.ask("items", "{f}").map(f="fetched")
    script = Script()
    await execute(flow, {"x": ["text"]}, ask=script)
    found = {t.tags["task"]: t.messages[-1].parts[0].provenance for t, _, _ in script.asked}
    assert {name: (p.source, p.trusted) for name, p in found.items()} == {
        "fixed": ("developer", True),
        "given": ("user", True),
        "from_model": ("model", False),
        "from_function": ("document", False),
        "items": ("document", False),
    }


async def test_a_mapped_task_gives_its_results_in_order() -> None:
    flow = Workflow("w")
    flow.add("chunks", lambda: ["a", "b", "c"])

    async def slow_first(chunk: str, suffix: str, rest: list[str]) -> str:
        await anyio.sleep({"a": 0.03, "b": 0.02, "c": 0.0}[chunk])
        return chunk + suffix + str(len(rest))

    flow.add("each", slow_first, uses={"rest": "chunks"}).map(chunk="chunks")
    flow.ask("said", "say {each}").map(each="each", label="{each}")
    flow.add("joined", lambda said, each: [*said, *each])
    run = await execute(flow, {"suffix": "!"}, ask=Script())
    assert run.results["each"] == ["a!3", "b!3", "c!3"]
    assert run.results["joined"] == ["SAY A!3", "SAY B!3", "SAY C!3", "a!3", "b!3", "c!3"]
    outcomes = run.outcomes["said"]
    assert isinstance(outcomes, list)
    assert [o.value for o in outcomes if o] == ["SAY A!3", "SAY B!3", "SAY C!3"]
    assert {row.label for row in run.timeline if row.task == "said"} == {"a!3", "b!3", "c!3"}


async def test_several_lists_are_walked_side_by_side() -> None:
    flow = Workflow("w")
    flow.add("pairs", lambda a, b: (a, b)).map({"a": "as_"}, b="bs")
    run = await execute(flow, {"as_": [1, 2], "bs": (x for x in "xy")}, ask=never)
    assert run.results["pairs"] == [(1, "x"), (2, "y")]


async def test_an_empty_list_gives_an_empty_list() -> None:
    flow = Workflow("w")
    flow.ask("each", "{x}").map(x="xs")
    flow.add("after", lambda each: len(each))
    run = await execute(flow, {"xs": []}, ask=never)
    assert run.results == {"each": [], "after": 0}
    assert run.outcomes == {"each": []}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"a": "text", "b": [1]}, "needs a list of them; it got one str"),
        ({"a": 5, "b": [1]}, "needs a list of them; it got one int"),
        ({"a": {"x": 1}, "b": [1]}, "needs a list of them; it got one dict"),
        ({"a": [1, 2], "b": [1]}, "not equally long (a: 2, b: 1)"),
    ],
)
async def test_what_is_no_list_cannot_be_mapped(inputs: dict[str, Any], says: str) -> None:
    flow = Workflow("w")
    flow.add("each", lambda a, b: a).map(a="a", b="b", on_error="collect")
    with pytest.raises(TaskFailed) as caught:
        await execute(flow, inputs, ask=never)
    assert says in str(caught.value)
    assert caught.value.task == "each"


async def test_collected_failures_stand_in_their_places() -> None:
    def half(n: int) -> int:
        if n % 2:
            raise ValueError(f"{n} is odd")
        return n // 2

    flow = Workflow("w")
    flow.add("halves", half).map(n="ns", on_error="collect")
    flow.add("good", lambda halves: [h for h in halves if isinstance(h, int)])
    bus, events = listening()
    run = await execute(flow, {"ns": [2, 3, 4]}, ask=never, bus=bus)
    first, second, third = run.results["halves"]
    assert (first, str(second), third) == (1, "3 is odd", 2)
    assert run.results["good"] == [1, 2]
    assert run.state == "done"
    assert {key: str(e) for key, e in run.errors.items()} == {"halves[1]": "3 is odd"}
    assert [e.item for e in events if isinstance(e, NodeFailed)] == ["1"]


async def test_a_collected_failure_of_an_ai_task_has_no_outcome() -> None:
    def answer(text: str) -> str:
        if text == "b":
            raise ExecutionError("nobody answers")
        return text

    flow = Workflow("w")
    flow.ask("each", "{x}").map(x="xs", on_error="collect")
    run = await execute(flow, {"xs": ["a", "b"]}, ask=Script(answer))
    outcomes = run.outcomes["each"]
    assert isinstance(outcomes, list)
    assert [o and o.value for o in outcomes] == ["a", None]
    assert [run.outcome(row) is not None for row in run.timeline] == [True, False]


async def test_a_failure_ends_the_run_and_tells_what_was_finished() -> None:
    flow = Workflow("w")
    started = anyio.Event()

    @flow.task
    async def stuck() -> None:
        started.set()
        await anyio.sleep_forever()

    @flow.task
    def quick() -> int:
        return 1

    @flow.task
    async def bad(quick: int) -> None:
        await started.wait()
        raise ValueError("no good")

    flow.add("later", lambda bad: 1)
    flow.add("last", lambda: 1, after=["later"])
    bus, events = listening()
    with anyio.fail_after(5), pytest.raises(TaskFailed, match="task 'bad' failed: no good") as caught:
        await execute(flow, ask=never, bus=bus)
    error = caught.value
    assert isinstance(error.__cause__, ValueError)
    assert error.skipped == ("later", "last")
    run = error.run
    assert run.state == "failed"
    assert run.results == {"quick": 1}
    assert run.skipped == {"later": "'bad' failed", "last": "'bad' failed"}
    assert {row.task: row.state for row in run.timeline} == {
        "stuck": "cancelled",
        "quick": "done",
        "bad": "failed",
    }
    assert [(e.node, e.because) for e in events if isinstance(e, NodeSkipped)] == [
        ("later", "bad"),
        ("last", "bad"),
    ]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].state == "failed"
    assert {r["task"]: r["state"] for r in run.to_records()}["later"] == "skipped"


async def test_a_value_that_a_prompt_cannot_read_fails_its_task() -> None:
    flow = Workflow("w")
    flow.ask("a", "{x.name}")
    with pytest.raises(TaskFailed, match="has no 'name'"):
        await execute(flow, {"x": 3}, ask=never)


async def test_cancelling_leaves_nothing_running_and_a_readable_run() -> None:
    flow = Workflow("w")
    left: list[str] = []

    @flow.task
    def quick() -> int:
        return 1

    @flow.task
    async def stuck(quick: int) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            left.append("stuck")

    flow.add("after", lambda stuck: 1)
    flow.ask("each", "{x}").map(x="xs")
    bus, events = listening()
    run = Run("w")
    with anyio.move_on_after(0.2) as scope:
        await execute(flow, {"xs": ["a"]}, ask=Script(), bus=bus, run=run)
    assert scope.cancelled_caught
    assert left == ["stuck"]
    assert run.state == "cancelled"
    assert run.results == {"quick": 1, "each": ["A"]}
    assert run.skipped == {"after": "the run was cancelled"}
    assert set(run.finished) == {"quick", "each[0]"}
    assert {row.state for row in run.timeline} == {"done", "cancelled"}
    assert isinstance(events[-1], RunFinished)
    assert events[-1].state == "cancelled"


async def test_a_run_is_filled_in_once() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1)
    run = await execute(flow, ask=never)
    with pytest.raises(ValueError, match="fresh Run, this one is done"):
        await execute(flow, ask=never, run=run)


async def test_at_least_one_task_must_be_allowed() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1)
    with pytest.raises(ValueError, match="limit=0"):
        await execute(flow, ask=never, limit=0)


async def test_nothing_starts_when_anything_is_wrong() -> None:
    flow = Workflow("w")
    ran: list[int] = []
    flow.add("a", lambda: ran.append(1))
    flow.ask("b", "{x}")
    bus, events = listening()
    run = Run("w")
    with pytest.raises(InvalidWorkflow, match=r"\[missing-input\] 'x'"):
        await execute(flow, {"y": 1}, ask=never, bus=bus, run=run)
    assert (ran, events, run.state) == ([], [], "waiting")


async def test_plain_functions_leave_the_loop_free_unless_they_say_otherwise() -> None:
    flow = Workflow("w")
    flow.add("far", lambda: threading.get_ident())
    flow.add("near", lambda: threading.get_ident(), thread=False)

    @flow.task(name="also_near", thread=False, after="near")
    def other() -> int:
        return threading.get_ident()

    run = await execute(flow, ask=never)
    assert run.results["far"] != threading.get_ident()
    assert run.results["near"] == run.results["also_near"] == threading.get_ident()


async def test_a_plain_function_may_give_a_coroutine() -> None:
    async def later(x: int) -> int:
        return x + 1

    flow = Workflow("w")
    flow.add("a", lambda x: later(x), thread=False)
    flow.add("b", functools.partial(later, 5))
    run = await execute(flow, {"x": 1}, ask=never)
    assert run.results == {"a": 2, "b": 6}


async def test_parameters_by_position_only_and_joined_lists() -> None:
    def both(first: int, /, many: list[int], *, last: int = 3) -> list[int]:
        return [first, *many, last]

    flow = Workflow("w")
    flow.add("one", lambda: 1)
    flow.add("two", lambda: 2)
    step = flow.add("all", both, uses={"first": "one", "many": ["two", "x", "one"]})
    assert step.name == "all"
    assert "all" in repr(step)
    assert "3 tasks" in repr(flow)
    run = await execute(flow, {"x": 9}, ask=never)
    assert run.results["all"] == [1, 2, 9, 1, 3]


async def test_steps_can_be_named_by_what_adding_them_returned() -> None:
    flow = Workflow("w")
    one = flow.add("one", lambda: [1, 2])
    two = flow.add("two", lambda n: n, after=[one]).map(n=one)
    flow.add("three", lambda ns: ns, uses={"ns": two})
    assert (await execute(flow, ask=never)).results["three"] == [1, 2]


class Helper: ...


async def test_functions_receive_what_the_caller_provides_and_the_run_itself() -> None:
    helper, named = Helper(), object()
    flow = Workflow("w")
    flow.ask("said", "{x}")

    @flow.task
    def look(helper: Helper, run: Run, said: str, special: Any) -> tuple[object, Any, Any]:
        return helper, run.outcomes["said"].model, special  # type: ignore[union-attr]

    run = await execute(flow, {"x": "y"}, ask=Script(), provide={Helper: helper, "special": named})
    assert run.results["look"] == (helper, "script/1", named)


async def test_an_orchestrator_that_nobody_provides_is_told_before_the_run() -> None:
    flow = Workflow("w")

    @flow.task
    def look(ai: aiorch.Orchestrator) -> None: ...  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(
        InvalidWorkflow, match=r"\[not-provided\] task 'look' asks for ai: aiorch.Orchestrator"
    ):
        await execute(flow, ask=never)


async def test_each_ai_task_goes_through_the_journal_once_under_its_own_key() -> None:
    flow = Workflow("w")
    flow.ask("plan", "{x}", output=int)
    flow.ask("each", "{n}").map(n="ns")
    crash = flow.add("crash", lambda plan, each: crashing.pop())
    crashing: list[int] = []
    engine, script = Durable(), Script(str)
    for _ in range(2):
        with pytest.raises(TaskFailed):
            await execute(flow, {"x": "p", "ns": ["a", "b"]}, ask=script, engine=engine, run=Run("w", "id1"))
    assert [t.text for t, _, _ in script.asked] == ["p", "a", "b"]
    assert {key for key in engine.ledger.kept if ":" not in key} == {"!inputs", "plan", "each[0]", "each[1]"}
    inside = {key.partition(":")[0] for key in engine.ledger.kept if ":" in key}
    assert inside == {"plan", "each[0]", "each[1]"}
    assert engine.ledger.types["plan"] == Outcome[int]
    assert set(engine.versions) == {flow.graph().version}
    assert crash.name == "crash"


async def test_a_run_that_the_engine_has_finished_is_not_carried_out_again() -> None:
    flow = Workflow("w")
    flow.ask("a", "{x}")
    engine, script = Durable(), Script()
    first = await execute(flow, {"x": "p"}, ask=script, engine=engine, run=Run("w", "id1"))
    again = await execute(flow, {"x": "p"}, ask=script, engine=engine, run=Run("w", "id1"))
    assert again.results == first.results == {"a": "P"}
    assert again.state == "done"
    assert len(script.asked) == 1


async def test_the_engine_in_memory_is_an_engine() -> None:
    assert isinstance(Memory(), Engine)
    assert isinstance(NullJournal(), Journal)
    assert Memory().name == "memory"


async def test_events_tell_the_run_and_carry_nobodys_words() -> None:
    secret = "what the user wrote"
    flow = Workflow("w")
    flow.ask("each", "{x}").map(x="xs", label="{x}")
    flow.add("end", lambda each: each)

    async def ask(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        verdict = Verdict("output", "redact", replacement=(Message.user(secret),))
        return Outcome(secret, secret, task.id, model="m", verdicts=(verdict,), messages=task.messages)

    bus, events = listening()
    run = await execute(flow, {"xs": ["first", "second " * 20]}, ask=ask, bus=bus, clock=FakeClock())
    kinds = [type(e) for e in events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    assert kinds.count(NodeStarted) == kinds.count(NodeFinished) == 3
    assert {e.run_id for e in events} == {run.id}
    assert {e.at for e in events} == {1_800_000_000.0}
    started = next(e for e in events if isinstance(e, NodeStarted))
    finished = next(e for e in events if isinstance(e, NodeFinished))
    assert started.task_id == finished.task_id is not None
    assert {e.item for e in events if isinstance(e, NodeStarted)} == {
        "0 first",
        "1 second second second second second seco…",
        None,
    }
    assert finished.outcome is not None
    assert finished.outcome.model == "m"
    assert all(secret not in to_json(e) for e in events)


async def test_a_label_that_cannot_be_written_does_no_harm() -> None:
    flow = Workflow("w")
    flow.add("each", lambda x: x).map(x="xs", label="{x.name}")
    run = await execute(flow, {"xs": [1]}, ask=never)
    assert run.timeline[0].label is None


async def test_records_hold_measures_only() -> None:
    flow = Workflow("w")
    flow.ask("a", "the prompt {x}")
    run = await execute(flow, {"x": "y"}, ask=Script())
    [record] = run.to_records()
    assert record["model"] == "script/1"
    assert record["cost"] == "0"
    assert "PROMPT" not in str(record)


async def test_ten_thousand_tasks_run_under_a_listener() -> None:
    flow = Workflow("w")
    for i in range(10_000):
        flow.add(
            f"n{i}",
            lambda ins: 1 + max(ins, default=0),
            uses={"ins": [f"n{i - 1}"] if i % 100 else []},
            thread=False,
        )
    bus, events = listening()
    run = await execute(flow, ask=never, bus=bus)
    assert run.results["n9999"] == 100
    assert len(events) == 20_002


async def test_a_failing_task_in_an_engine_of_its_own_raises_the_same() -> None:
    flow = Workflow("w")
    flow.ask("a", "{x}").map(x="xs", on_error="fail")

    def answer(text: str) -> str:
        raise ExecutionError("down")

    with pytest.raises(TaskFailed, match=r"task 'a\[0\]' failed: down"):
        await execute(flow, {"xs": ["p"]}, ask=Script(answer), engine=Durable())


async def test_the_timeline_of_a_run_shows_no_secret_of_a_failed_task() -> None:
    flow = Workflow("w")

    @flow.task
    async def leak() -> None:
        raise RuntimeError("the key is s3cr3t")

    run = Run("w")
    with pytest.raises(TaskFailed):
        await execute(flow, ask=never, run=run, redact=lambda text: text.replace("s3cr3t", "[redacted]"))
    assert [row.error for row in run.timeline] == ["RuntimeError: the key is [redacted]"]
