"""Workflows in tests: fakes stand in, time is virtual, and a crash can be put anywhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import current_thread
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

import aiorch
from aiorch.errors import InputError, TaskFailed, VersionChanged, WorkflowError
from aiorch.testing import Crash, InTurn, KeptRuns, Takes, VirtualClock, carry_out, crash_everywhere
from aiorch.workflow import Workflow
from aiorch.workflow.nodes import Retry

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    name: str
    age: int


def notes() -> Workflow:
    """Facts from a log, a draft from them, and somewhere to put it."""
    flow = Workflow("notes")
    flow.ask("facts", "List the changes in:\n{log}")
    flow.ask("draft", "Write notes from:\n{facts}")

    @flow.task
    def save(draft: str) -> Any:
        raise AssertionError("this would write a file")

    return flow


# --- fakes -----------------------------------------------------------------------------------------------------------


async def test_fakes_stand_in_for_questions_and_functions() -> None:
    run = await carry_out(
        notes(), {"log": "x"}, fakes={"facts": "three", "draft": str.upper, "save": lambda draft: len(draft)}
    )
    assert run.results["facts"] == "three"
    assert run.results["draft"] == "WRITE NOTES FROM:\nTHREE"
    assert run.value == len("WRITE NOTES FROM:\nTHREE")


async def test_a_faked_question_has_an_outcome_with_what_was_asked() -> None:
    run = await carry_out(notes(), {"log": "x"}, fakes={"*": "said", "save": None})
    outcome = run.outcomes["facts"]
    assert not isinstance(outcome, list)
    assert [message.text for message in outcome.messages] == ["List the changes in:\nx", "said"]
    assert run.results["save"] is None


async def test_functions_without_a_fake_are_carried_out() -> None:
    flow = Workflow("f")
    flow.add("threaded", lambda: current_thread().name)
    flow.add("here", lambda: current_thread().name, thread=False)

    @flow.task
    async def later(threaded: str, here: str, times: int = 2) -> str:
        await anyio.sleep(0.01)
        return f"{threaded != here} {times}"

    assert (await carry_out(flow)).value == "True 2"
    assert (await carry_out(flow, {"times": 3})).value == "True 3"


async def test_an_answer_fits_the_type_that_was_asked_for() -> None:
    flow = Workflow("f")
    flow.ask("who", "Who?", output=Person)
    for said in ({"name": "Ann", "age": 3}, '{"name": "Ann", "age": 3}', Person(name="Ann", age=3)):
        assert (await carry_out(flow, fakes={"who": said})).value == Person(name="Ann", age=3)
    with pytest.raises(TaskFailed, match="the fake of 'who' gives 'Ann', which does not fit"):
        await carry_out(flow, fakes={"who": "Ann"})
    with pytest.raises(TaskFailed, match="the fake of 'facts' gives 3, and a text was asked for"):
        await carry_out(notes(), {"log": "x"}, fakes={"*": 3})


async def test_what_does_not_fit_the_workflow_is_told_at_once() -> None:
    flow = notes()
    flow.approve("ok", "Well?")
    flow.wait_for("paid")
    flow.sleep("night", 3600)
    with pytest.raises(InputError) as told:
        await carry_out(flow, fakes={"fact": 1, "ok": True, "paid": {}, "night": 1, "save": 1, "qqqq": 2})
    for said in (
        "there is no task 'fact'; is it 'facts'?",
        "there is no task 'qqqq'; there are: facts, draft",
        "'ok' is waited for, not carried out: say what comes with decisions={name: True}",
        "say what comes with events={event: ...}",
        "'night' is waited for",
        "'facts' asks a model, and nothing answers: fakes={'facts': ...}, or {'*': ...} for all of them",
    ):
        assert said in str(told.value)


async def test_a_task_that_fails_at_first_is_tried_again_and_no_time_passes() -> None:
    flow = Workflow("f")
    flow.ask("facts", "?", retry=Retry(attempts=3, delay=3600, longest=1e5, jitter=False))
    clock, began = VirtualClock(), time.monotonic()
    run = await carry_out(flow, fakes={"facts": InTurn(OSError("reset"), OSError, "well")}, clock=clock)
    assert run.value == "well"
    assert clock.passed == 3600 + 7200
    assert time.monotonic() - began < 60


async def test_a_task_that_takes_too_long_is_stopped_in_virtual_time() -> None:
    flow = Workflow("f")
    flow.add("slow", print, uses={}, timeout=30, on_error="skip")
    flow.add("quick", lambda: "done", timeout=30)
    run = await carry_out(flow, fakes={"slow": Takes(3600, "never")})
    assert run.results == {"quick": "done"}
    assert "slow" in run.errors
    run = await carry_out(flow, fakes={"slow": Takes(29, InTurn("at last"))})
    assert run.results["slow"] == "at last"


async def test_a_real_function_is_not_struck_by_virtual_time() -> None:
    flow = Workflow("f")
    flow.sleep("year", 3e7)
    flow.add("real", lambda: time.sleep(0.05) or "done", timeout=30)
    run = await carry_out(flow)
    assert run.results["real"] == "done"


async def test_fakes_reach_into_workflows_inside() -> None:
    inner = Workflow("polish")
    inner.ask("better", "Improve {draft}")

    @inner.task
    def good(better: str) -> bool:
        return len(better) > 2

    inner.gives("better")
    flow = Workflow("f")
    flow.loop("final", inner, most=3, until="good", carry={"draft": "better"}, uses={"draft": "text"})
    flow.sub("other", inner, uses={"draft": "text"})
    fakes = {"final/better": InTurn("a", "bb", "ccc"), "other/better": "d"}
    run = await carry_out(flow, {"text": "x"}, fakes=fakes)
    assert run.results["final"] == "ccc"
    assert run.results["other"] == "d"
    run = await carry_out(flow, {"text": "x"}, fakes={"final": "whole", "other": "too"})
    assert run.results == {"final": "whole", "other": "too"}


async def test_a_fake_of_a_mapped_task_does_each_item() -> None:
    flow = Workflow("f")
    flow.add("twice", lambda n: n * 2).map(n="numbers", on_error="collect")
    run = await carry_out(flow, {"numbers": [1, 2]}, fakes={"twice": lambda n: n * 10})
    assert run.value == [10, 20]
    run = await carry_out(flow, {"numbers": [1, 2]}, fakes={"twice": ValueError("no")})
    assert [str(one) for one in run.value] == ["no", "no"]


async def test_tools_can_be_faked_and_are_called_otherwise() -> None:
    @aiorch.tool(idempotent=True)
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"rain in {city}"

    flow = Workflow("f")
    flow.use("sky", weather)
    assert (await carry_out(flow, {"city": "Oslo"})).value == "rain in Oslo"
    assert (await carry_out(flow, {"city": "Oslo"}, fakes={"sky": "sun"})).value == "sun"


def test_in_turn_needs_something_to_do() -> None:
    with pytest.raises(ValueError, match="does nothing"):
        InTurn()


# --- waiting ---------------------------------------------------------------------------------------------------------


def asks() -> Workflow:
    flow = Workflow("asks")
    flow.approve("ok", "Send it?")
    flow.wait_for("paid", "payment", after=["ok"])
    flow.add("send", lambda paid: f"sent for {paid['amount']}")
    return flow


async def test_decisions_and_events_are_there_when_they_are_waited_for() -> None:
    run = await carry_out(asks(), decisions={"ok": True}, events={"payment": {"amount": 3}})
    assert run.results["ok"] is True
    assert run.value == "sent for 3"


async def test_a_refusal_skips_what_needs_it() -> None:
    run = await carry_out(asks(), decisions={"ok": False})
    assert run.state == "done"
    assert {"paid", "send"} <= {*run.skipped}


async def test_waiting_for_what_nobody_sends_is_an_error_and_not_for_ever() -> None:
    with pytest.raises(WorkflowError, match="waits for 'ok', and nobody sends it: say decisions="):
        await carry_out(asks())


async def test_silence_is_a_refusal_when_its_time_is_up() -> None:
    flow = Workflow("f")
    flow.approve("ok", "Send it?", timeout=86_400)
    flow.add("send", lambda: "sent", after=["ok"])
    clock = VirtualClock()
    run = await carry_out(flow, clock=clock)
    assert "send" in run.skipped
    assert clock.passed == 86_400


# --- crashes ---------------------------------------------------------------------------------------------------------

FAKES: dict[str, Any] = {"facts": "three", "draft": "Notes.", "save": "notes.md"}


async def test_after_a_crash_what_was_committed_is_not_done_again() -> None:
    kept = KeptRuns()
    run = await carry_out(notes(), {"log": "x"}, fakes=FAKES, engine=kept, kill_after="facts")
    assert run.state == "cancelled"
    assert run.finished == () or "draft" not in run.finished
    again = await carry_out(
        notes(), {"log": "x"}, fakes={**FAKES, "facts": AssertionError}, engine=kept, run_id=run.id
    )
    assert again.results == FAKES
    made = [key for key in kept[run.id].made if ":" not in key]
    assert made == ["facts", "draft", "save"]


async def test_what_was_done_and_not_committed_is_done_again() -> None:
    kept = KeptRuns()
    run = await carry_out(notes(), {"log": "x"}, fakes=FAKES, engine=kept, kill_during="draft")
    assert "draft" not in kept[run.id].committed
    await carry_out(notes(), {"log": "x"}, fakes=FAKES, engine=kept, run_id=run.id)
    assert kept[run.id].made.count("draft") == 2
    assert kept[run.id].made.count("facts") == 1


async def test_a_finished_run_gives_its_results_again() -> None:
    kept = KeptRuns()
    await carry_out(notes(), {"log": "x"}, fakes=FAKES, engine=kept, run_id="one")
    run = await carry_out(notes(), {"log": "x"}, fakes=FAKES, engine=kept, run_id="one")
    assert run.state == "done"
    assert run.results == FAKES
    assert kept["one"].made.count("save") == 1
    assert list(kept.runs) == ["one"]


async def test_another_workflow_does_not_carry_a_run_on() -> None:
    kept = KeptRuns()
    await carry_out(notes(), {"log": "x"}, fakes=FAKES, engine=kept, run_id="one", kill_after="facts")
    other = notes()
    other.ask("more", "More?")
    with pytest.raises(VersionChanged):
        await carry_out(other, {"log": "x"}, fakes={**FAKES, "more": "x"}, engine=kept, run_id="one")


async def test_what_json_cannot_hold_is_found_without_a_database() -> None:
    flow = Workflow("f")
    flow.add("made", lambda: object())
    flow.add("used", lambda made: "x")
    assert (await carry_out(flow)).value == "x"
    with pytest.raises(TaskFailed, match="'made' gave a value of type object, which cannot be kept as JSON"):
        await carry_out(flow, engine=KeptRuns())


async def test_a_death_that_cannot_be_or_never_comes_is_told() -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"kill_after": "facts"}, "say engine=KeptRuns"),
        ({"kill_after": "a", "kill_during": "b", "engine": KeptRuns()}, "dies once"),
        ({"kill_after": "fact", "engine": KeptRuns()}, "'fact' was never reached; there were facts"),
    ]
    for wrong, said in wrongs:
        with pytest.raises(InputError, match=said):
            await carry_out(notes(), {"log": "x"}, fakes=FAKES, **wrong)


async def test_a_workflow_that_is_sound_gets_over_every_crash() -> None:
    crashes = await crash_everywhere(notes(), {"log": "x"}, fakes=FAKES)
    assert {crash.key for crash in crashes} >= {"facts", "draft", "save"}
    assert Crash("facts", "after", "went on") in crashes
    assert Crash("save", "during", "went on", ("save",)) in crashes
    assert {crash.then for crash in crashes} == {"went on"}


async def test_every_item_of_a_list_is_killed_and_carried_on() -> None:
    flow = Workflow("f")
    flow.add("twice", lambda n: n * 2).map(n="numbers")
    crashes = await crash_everywhere(flow, {"numbers": [1, 2, 3]})
    assert {"twice[0]", "twice[1]", "twice[2]"} <= {crash.key for crash in crashes}


async def test_what_must_not_happen_twice_asks_a_person() -> None:
    sent: list[str] = []
    flow = Workflow("f")
    flow.add("send", lambda: sent.append("mail"), idempotent=False)
    crashes = await crash_everywhere(flow)
    assert Crash("send", "during", "asks") in crashes
    assert Crash("send", "after", "went on") in crashes
    assert len(sent) == 3  # once for each run: undisturbed, killed after it, killed during it


@pytest.mark.parametrize(("said", "sends"), [({"repeat": True}, 2), ({"result": "it was sent before"}, 1)])
async def test_a_person_says_what_came_of_it(said: Any, sends: int) -> None:
    sent: list[str] = []
    flow = Workflow("f")
    flow.add("send", lambda: sent.append("mail") or "sent", idempotent=False)
    kept = KeptRuns()
    run = await carry_out(flow, engine=kept, kill_during="send")
    with pytest.raises(TaskFailed, match='send the run {"repeat": true}'):
        await carry_out(flow, engine=kept, run_id=run.id)
    again = await carry_out(flow, engine=kept, run_id=run.id, events={"send!again": said})
    assert again.value == said.get("result", "sent")
    assert len(sent) == sends


async def test_a_result_that_a_crash_changes_is_named() -> None:
    counter = iter(range(100))
    flow = Workflow("f")
    flow.add("number", lambda: next(counter))
    with pytest.raises(AssertionError, match="another result of 'number'"):
        await crash_everywhere(flow)


async def test_a_crash_that_it_does_not_get_over_is_named() -> None:
    made: list[str] = []

    def file() -> str:
        if made:
            raise FileExistsError("notes.md is there already")
        made.append("notes.md")
        return "notes.md"

    flow = Workflow("f")
    flow.add("file", file)
    with pytest.raises(TaskFailed, match="is there already"):
        await crash_everywhere(flow)  # the second run, from the beginning, finds it there
    made.clear()
    flow = Workflow("f")
    flow.add("folder", made.clear, on_error="skip")
    flow.add("file", file, after=["folder"])
    with pytest.raises(AssertionError, match="during 'file': task 'file' failed: .*is there already"):
        await crash_everywhere(flow)


@dataclass(frozen=True)
class Change:
    path: str
    lines: list[int]


async def test_results_come_back_from_what_is_kept_in_their_types() -> None:
    flow = Workflow("f")

    @flow.task
    def changes() -> list[Change]:
        return [Change("a", [1, 2])]

    @flow.task
    def paths(changes: list[Change]) -> list[str]:
        return [one.path for one in changes]

    crashes = await crash_everywhere(flow)
    assert {crash.key for crash in crashes} >= {"changes", "paths"}


async def test_time_that_is_slept_away_is_not_slept_again_after_a_crash() -> None:
    flow = Workflow("f")
    flow.sleep("night", 3600)
    flow.add("first", lambda: 1, after=["night"])
    flow.sleep("day", 7200, after=["first"])
    kept, clock = KeptRuns(), VirtualClock()
    run = await carry_out(flow, engine=kept, clock=clock, kill_after="first")
    assert clock.passed == 3600
    await carry_out(flow, engine=kept, clock=clock, run_id=run.id)
    assert clock.passed == 3600 + 7200
