"""What tasks of each kind do: tools, workflows inside, loops, people, events, the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from tests.workflow.running import Durable, Ledger, Script, carry_out, listening

from aiorch.errors import TaskFailed, ToolError
from aiorch.events import NodeFinished, NodeStarted, NodeWaiting
from aiorch.journal import NullJournal
from aiorch.protocols import ApprovalRequest
from aiorch.testing import FakeClock
from aiorch.types import ToolSpec
from aiorch.workflow import Run, Waiting, Workflow

pytestmark = pytest.mark.anyio


class Weather:
    spec = ToolSpec(
        "weather",
        "The weather.",
        {"type": "object", "properties": {"city": {}, "unit": {}, "day": {}}, "required": ["city", "unit"]},
    )
    idempotent = False

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def call(self, arguments: Any) -> str:
        self.calls.append(arguments)
        if arguments["city"] == "Atlantis":
            raise ToolError("no such city")
        return f"{arguments['city']} is warm"


async def test_a_tool_is_called_with_values_and_constants() -> None:
    flow, tool = Workflow("w"), Weather()
    flow.add("city", lambda: "Oslo")
    flow.use("now", tool, arguments={"unit": "C"})
    run = await carry_out(flow)
    assert run.results["now"] == "Oslo is warm"
    assert tool.calls == [{"unit": "C", "city": "Oslo"}]


async def test_a_tool_passes_the_checks_that_are_handed_in_and_its_effects_belong_to_its_task() -> None:
    async def use(tool: Any, arguments: Any, task: Any, journal: Any) -> str:
        async def effect() -> str:
            return await tool.call(arguments)

        return "checked: " + await journal.once("call", effect, returns=str, idempotent=tool.idempotent)

    flow = Workflow("w")
    flow.use("now", Weather(), arguments={"unit": "C"}).map(city="cities")
    engine = Durable()
    run = await carry_out(flow, {"cities": ["Oslo", "Rome"]}, use=use, engine=engine)
    assert run.results["now"] == ["checked: Oslo is warm", "checked: Rome is warm"]
    assert set(engine.ledger.kept) - {"!inputs"} == {"now[0]", "now[0]:call", "now[1]", "now[1]:call"}
    assert engine.ledger.idempotent["now[0]:call"] is False
    assert engine.ledger.idempotent["now[0]"] is True


async def test_a_tool_that_must_not_be_repeated_says_so_to_the_journal() -> None:
    flow, engine = Workflow("w"), Durable()
    flow.use("now", Weather(), arguments={"unit": "C", "city": "Oslo"})
    await carry_out(flow, engine=engine)
    assert engine.ledger.idempotent == {"now": False}


# --- workflows inside ----------------------------------------------------------------------------------------------


def inner() -> Workflow:
    flow = Workflow("inner")
    flow.ask("facts", "facts of {text}")
    flow.add("short", lambda facts: facts[:8])
    return flow


async def test_a_workflow_inside_gives_its_value_and_shows_its_tasks_by_path() -> None:
    flow = Workflow("w")
    flow.add("raw", lambda: "abc")
    flow.sub("sub", inner(), uses={"text": "raw"})
    flow.add("end", lambda sub: sub + "!")
    bus, events = listening()
    run = await carry_out(flow, ask=Script(), bus=bus)
    assert run.results == {"raw": "abc", "sub": "FACTS OF", "end": "FACTS OF!"}
    assert run.value == "FACTS OF!"
    assert [row.key for row in run.timeline] == ["raw", "sub", "sub/facts", "sub/short", "end"]
    assert run.outcomes["sub/facts"].value == "FACTS OF ABC"  # type: ignore[union-attr]
    assert [e.node for e in events if isinstance(e, NodeFinished)] == [
        "raw",
        "sub/facts",
        "sub/short",
        "sub",
        "end",
    ]


async def test_workflows_inside_of_a_mapped_task_need_no_more_than_one_place() -> None:
    busy = most = 0

    async def work(item: str) -> str:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await anyio.sleep(0)
        busy -= 1
        return item * 2

    deepest = Workflow("deepest")
    deepest.add("work", work)
    middle = Workflow("middle")
    middle.add("one", work)
    middle.sub("two", deepest, uses={"item": "one"})
    flow = Workflow("w")
    flow.sub("each", middle).map(item="items")
    with anyio.fail_after(10):
        run = await carry_out(flow, {"items": list("abcde")}, limit=1)
    assert run.results["each"] == [c * 4 for c in "abcde"]
    assert most == 1
    assert "each[3]/two/work" in run.finished


async def test_what_was_begun_is_finished_before_more_is_opened() -> None:
    middle = Workflow("middle")
    middle.add("one", lambda item: item, thread=False)
    middle.add("two", lambda one: one, thread=False)
    flow = Workflow("w")
    flow.sub("each", middle).map(item="items")
    run = await carry_out(flow, {"items": [1, 2, 3]}, limit=1)
    assert [row.key for row in run.timeline] == [
        f"each[{i}]{inside}" for i in range(3) for inside in ("", "/one", "/two")
    ]


async def test_words_that_come_from_a_model_outside_are_not_trusted_inside() -> None:
    flow = Workflow("w")
    flow.ask("raw", "{x}")
    flow.sub("sub", inner(), uses={"text": "raw"})
    flow.sub("given", inner(), uses={"text": "x"})
    script = Script()
    await carry_out(flow, {"x": "words"}, ask=script)
    found = {t.tags["task"]: t.messages[-1].parts[0].provenance for t, _, _ in script.asked}
    assert {path: one.trusted for path, one in found.items()} == {
        "raw": True,
        "sub/facts": False,
        "given/facts": True,
    }


async def test_a_failure_inside_is_told_by_its_path_and_leaves_the_rest_unreached() -> None:
    bad = Workflow("bad")
    bad.add("broken", lambda: 1 / 0)
    bad.add("never", lambda broken: 1)
    flow = Workflow("w")
    flow.sub("sub", bad)
    flow.add("end", lambda sub: 1)
    with pytest.raises(
        TaskFailed, match=r"task 'sub/broken' failed: division by zero \(skipped: end\)"
    ) as caught:
        await carry_out(flow)
    run = caught.value.run
    assert list(run.errors) == ["sub/broken", "sub"]
    assert run.skipped == {"sub/never": "'sub/broken' failed", "end": "'sub/broken' failed"}


# --- loops ---------------------------------------------------------------------------------------------------------


def polish() -> Workflow:
    flow = Workflow("polish")
    flow.add("better", lambda draft: draft + "+")
    flow.add("good", lambda better, wanted=3: better.count("+") >= wanted)
    return flow.gives("better")


async def test_a_loop_goes_on_until_it_is_good() -> None:
    flow = Workflow("w")
    flow.add("first", lambda: "text")
    flow.loop("final", polish(), most=5, until="good", carry={"draft": "better"}, uses={"draft": "first"})
    run = await carry_out(flow)
    assert run.results["final"] == "text+++"
    assert [r.key for r in run.timeline if r.task.endswith("better")] == [
        f"final#{n}/better" for n in (1, 2, 3)
    ]


async def test_a_loop_ends_after_its_last_round_at_the_latest() -> None:
    flow = Workflow("w")
    flow.loop("final", polish(), most=2, until="good", carry={"draft": "better"})
    run = await carry_out(flow, {"draft": "text"})
    assert run.value == "text++"


# --- people --------------------------------------------------------------------------------------------------------


def asking(**more: Any) -> Workflow:
    flow = Workflow("w")
    flow.add("draft", lambda: "a text")
    flow.approve("ok", "Send {draft}?", **more)
    flow.add("sent", lambda draft: f"sent {draft}", after=["ok"])
    return flow


class Person:
    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.requests: list[ApprovalRequest] = []

    async def approve(self, request: ApprovalRequest) -> bool:
        self.requests.append(request)
        return self.answer


async def test_a_person_who_is_there_is_asked_at_once() -> None:
    person = Person(True)
    run = await carry_out(asking(), approver=person)
    assert run.results == {"draft": "a text", "ok": True, "sent": "sent a text"}
    [request] = person.requests
    assert (request.action, request.summary) == ("ok", "Send a text?")


async def test_who_waits_for_what_was_refused_is_skipped() -> None:
    run = await carry_out(asking(), approver=Person(False))
    assert run.results == {"draft": "a text"}
    assert run.skipped == {"sent": "'ok' was refused"}
    assert (run.state, run.value) == ("done", None)


async def test_a_refusal_may_be_a_value() -> None:
    run = await carry_out(asking(refused="continue"), approver=Person(False))
    assert run.results == {"draft": "a text", "ok": False, "sent": "sent a text"}


async def until(found: Callable[[], Any]) -> None:
    with anyio.fail_after(10):
        while not found():
            await anyio.sleep(0.001)


async def test_without_anybody_there_it_waits_until_a_decision_is_sent() -> None:
    run = Run("w")
    bus, events = listening()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: carry_out(asking(), run=run, bus=bus))
        await until(lambda: run.waiting)
        assert run.waiting == (Waiting("ok", "approval", "ok", "Send a text?"),)
        await run.approve("ok", by="ann")
    assert run.results["sent"] == "sent a text"
    assert run.waiting == ()
    [waiting] = [e for e in events if isinstance(e, NodeWaiting)]
    assert (waiting.node, waiting.kind, waiting.name) == ("ok", "approval", "ok")


async def test_silence_is_a_refusal_when_the_time_is_over() -> None:
    run = await carry_out(asking(timeout=60), clock=FakeClock())
    assert run.skipped == {"sent": "'ok' was refused"}
    assert "sent" not in run.results


async def test_what_is_no_decision_fails_the_task() -> None:
    with pytest.raises(TaskFailed, match="what was sent to 'ok' is no decision"):
        await carry_out(asking(), engine=Durable(Ledger(ok="yes please")))


async def test_a_journal_without_a_mailbox_cannot_wait() -> None:
    class Deaf(Durable):
        durable = False

    with pytest.raises(TaskFailed, match="'ok'.*this engine's journal has no mailbox"):
        await carry_out(asking(), engine=Deaf(NullJournal()))


# --- events and time -----------------------------------------------------------------------------------------------


async def test_an_event_brings_its_value() -> None:
    flow = Workflow("w")
    flow.wait_for("paid", output=int)
    flow.add("end", lambda paid: paid + 1)
    run = Run("w")
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: carry_out(flow, run=run))
        await until(lambda: run.waiting)
        await run.send("paid", 41)
        await run.send("paid", 7)
    assert run.results == {"paid": 41, "end": 42}


async def test_an_event_of_another_type_fails_the_task() -> None:
    flow = Workflow("w")
    flow.wait_for("paid", "payment", output=int)
    with pytest.raises(TaskFailed, match="task 'paid' should give an int"):
        await carry_out(flow, engine=Durable(Ledger(payment="a lot")))


async def test_an_event_that_does_not_come_in_time_fails_the_task() -> None:
    flow = Workflow("w")
    flow.wait_for("paid", timeout=60)
    with pytest.raises(TaskFailed, match="nobody sent 'paid' within 60 s"):
        await carry_out(flow, clock=FakeClock())


async def test_sleep_is_counted_from_its_first_start() -> None:
    flow, clock = Workflow("w"), FakeClock()
    flow.sleep("pause", 60)
    flow.add("end", lambda: 1, after=["pause"])
    engine = Durable(Ledger())
    engine.ledger.kept["pause!until"] = clock.now() + 20  # what a run of 40 s ago committed
    run = await carry_out(flow, clock=clock, engine=engine)
    assert clock.slept == [20]
    assert run.results == {"pause": None, "end": 1}


async def test_who_waits_takes_no_place_under_the_limit() -> None:
    flow = Workflow("w")
    for name in "abc":
        flow.wait_for(name)
    flow.add("end", lambda: 1)
    run = Run("w")
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: carry_out(flow, run=run, limit=1))
            await until(lambda: len(run.waiting) == 3 and "end" in run.results)
            for name in "abc":
                await run.send(name)
    assert run.state == "done"


async def test_an_ai_task_that_is_a_task_of_a_run_tells_which() -> None:
    flow = Workflow("w")
    flow.sub("sub", inner())
    bus, events = listening()
    script = Script()
    await carry_out(flow, {"text": "x"}, ask=script, bus=bus)
    [started] = [e for e in events if isinstance(e, NodeStarted) and e.task_id]
    assert started.task_id == script.asked[0][0].id
