"""What a task that ends without a value does to those behind it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.workflow.running import Script, carry_out, listening

from aiorch.errors import TaskFailed
from aiorch.events import NodeSkipped
from aiorch.workflow import Workflow

pytestmark = pytest.mark.anyio


def fail(text: str = "no good") -> Any:
    raise ValueError(text)


async def test_a_task_is_carried_out_only_when_its_condition_holds() -> None:
    flow = Workflow("w")
    flow.add("kind", lambda: "question")
    flow.ask("reply", "{x}").when("kind", "question")
    flow.ask("thanks", "{x}").when("kind", "praise")
    flow.add("long", lambda: 1).when("x", lambda x: len(x) > 3).when("kind")
    flow.add("no", lambda: 1).when("flag", False)
    bus, events = listening()
    run = await carry_out(flow, {"x": "text", "flag": True}, ask=Script(), bus=bus)
    assert run.results == {"kind": "question", "reply": "TEXT", "long": 1}
    assert run.skipped == {
        "thanks": "the value of 'kind' did not pass",
        "no": "the value of 'flag' did not pass",
    }
    assert {(e.node, e.because) for e in events if isinstance(e, NodeSkipped)} == {
        ("thanks", "kind"),
        ("no", "flag"),
    }


async def test_what_an_omitted_task_does_to_others() -> None:
    flow = Workflow("w")
    flow.add("out", lambda: 1).when("flag")
    flow.add("takes", lambda out: 1)
    flow.add("takes_that", lambda takes: 1)
    flow.add("stands_in", lambda out=7: out)
    flow.add("joins", lambda many: many, uses={"many": ["out", "stands_in", "x"]})
    flow.add("after", lambda: 1, after=["out", "takes"])
    flow.add("each", lambda n: n).map(n="out")
    flow.add("if_takes", lambda: 1).when("takes")
    run = await carry_out(flow, {"flag": False, "x": 3})
    assert run.results == {"stands_in": 7, "joins": [7, 3], "after": 1}
    assert run.skipped == {
        "out": "the value of 'flag' did not pass",
        "takes": "'out' was left out",
        "takes_that": "'out' was left out",
        "each": "'out' was left out",
        "if_takes": "'out' was left out",
    }
    assert run.state == "done"


async def test_a_failure_that_skips_takes_its_dependants_along() -> None:
    flow = Workflow("w")
    flow.add("bad", fail, on_error="skip")
    flow.add("takes", lambda bad: 1)
    flow.add("after", lambda: 1, after=["bad"])
    flow.add("stands_in", lambda bad=7: bad)
    flow.add("joins", lambda many: many, uses={"many": ["bad", "beside"]})
    flow.add("beside", lambda: 2)
    flow.add("after_skipped", lambda: 1, after=["takes"])
    run = await carry_out(flow)
    assert run.results == {"stands_in": 7, "joins": [2], "beside": 2}
    assert run.skipped == {
        "takes": "'bad' failed",
        "after": "'bad' failed",
        "after_skipped": "'bad' failed",
    }
    assert str(run.errors["bad"]) == "no good"
    assert run.state == "done"


async def test_dependants_may_go_on_with_a_fallback() -> None:
    flow = Workflow("w")
    flow.add("none", fail, on_error="continue")
    flow.add("some", fail, fallback=[1])
    flow.add("end", lambda none, some: (none, some))
    run = await carry_out(flow)
    assert run.value == (None, [1])
    assert set(run.errors) == {"none", "some"}


async def test_items_that_fail_may_have_a_fallback() -> None:
    flow = Workflow("w")
    flow.add("half", lambda n: n // 2 if n % 2 == 0 else fail(), fallback=-1).map(n="ns")
    run = await carry_out(flow, {"ns": [2, 3, 4]})
    assert run.value == [1, -1, 2]


async def test_an_item_that_fails_may_end_its_task_alone() -> None:
    flow = Workflow("w")
    ended: list[str] = []

    async def work(n: int) -> int:
        if n == 2:
            await anyio.sleep(0.01)
            raise ValueError("two")
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(f"item {n}")
        return n

    flow.add("each", work, on_error="skip").map(n="ns")
    flow.add("takes", lambda each: 1)
    flow.add("beside", lambda: "there")
    with anyio.fail_after(10):
        run = await carry_out(flow, {"ns": [1, 2, 3, 4, 5]}, limit=3)
    assert run.results == {"beside": "there"}
    assert run.skipped == {"takes": "'each' failed"}
    assert set(ended) == {"item 1", "item 3"}
    assert {row.item: row.state for row in run.timeline if row.task == "each"} == {
        0: "cancelled",
        1: "failed",
        2: "cancelled",
    }


async def test_a_condition_that_cannot_be_asked_fails_its_task() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1).when("x", lambda x: x["no"])
    with pytest.raises(TaskFailed, match="task 'a' failed"):
        await carry_out(flow, {"x": 3})
    flow.add("b", lambda: 1, fallback=5).when("x", lambda x: x["no"])
    tolerant = Workflow("w")
    tolerant.add("b", lambda: 1, fallback=5).when("x", lambda x: x["no"])
    assert (await carry_out(tolerant, {"x": 3})).results == {"b": 5}


async def test_what_is_no_list_may_be_tolerated_as_a_whole() -> None:
    flow = Workflow("w")
    flow.add("each", lambda n: n, fallback=[]).map(n="ns")
    assert (await carry_out(flow, {"ns": 3})).value == []


async def test_a_list_that_is_too_long_fails_before_any_item_begins() -> None:
    flow = Workflow("w")
    flow.add("each", lambda n: n).map(n="ns", most=3)
    with pytest.raises(TaskFailed, match=r"at most 3 times, and there are 4: say map\(most=...\)"):
        await carry_out(flow, {"ns": [1, 2, 3, 4]})
    with pytest.raises(TaskFailed, match="there are more than 3"):
        await carry_out(flow, {"ns": iter(range(10**9))})


async def test_a_workflow_inside_without_a_value_is_left_out_too() -> None:
    inner = Workflow("inner")
    inner.add("only", lambda x: x).when("x", lambda x: x > 1)
    flow = Workflow("w")
    flow.sub("sub", inner, uses={"x": "one"})
    flow.add("takes", lambda sub: 1)
    flow.add("after", lambda: 1, after=["sub"])
    flow.sub("each", inner).map(x="xs")
    run = await carry_out(flow, {"one": 1, "xs": [1, 2, 3]})
    assert run.results == {"after": 1, "each": [None, 2, 3]}
    assert run.skipped["takes"] == "'sub/only' was left out"


async def test_a_failure_inside_may_be_tolerated_outside() -> None:
    inner = Workflow("inner")
    inner.add("bad", fail)
    inner.add("end", lambda bad: 1)
    flow = Workflow("w")
    flow.sub("sub", inner, fallback="none")
    run = await carry_out(flow)
    assert run.results == {"sub": "none"}
    assert set(run.errors) == {"sub/bad", "sub"}
    assert run.skipped == {"sub/end": "'sub/bad' failed"}


async def test_a_loop_keeps_what_it_had_where_a_round_leaves_a_task_out() -> None:
    rounds = Workflow("rounds")
    rounds.add("more", lambda n: n + 1).when("n", lambda n: n < 2)
    rounds.add("seen", lambda n: n)
    rounds.add("enough", lambda n: True).when("n", lambda n: n > 5)
    flow = Workflow("w")
    flow.loop("final", rounds.gives("seen"), most=5, until="enough", carry={"n": "more"})
    run = await carry_out(flow, {"n": 0})
    assert run.value == 2
    assert [r.key for r in run.timeline if r.task.endswith("/more")] == ["final#1/more", "final#2/more"]
