"""The public face: many prompts, conversations, scopes, workflows, coming and going."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiorch
from aiorch.errors import (
    AllAttemptsFailed,
    BudgetExceeded,
    ConfigurationError,
    InputError,
    InvalidWorkflow,
    SettingsError,
    TaskFailed,
    UnknownProvider,
)
from aiorch.testing import ScriptedProvider
from aiorch.types import (
    Budget,
    Capabilities,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Price,
    Request,
    Response,
    Task,
    TextDelta,
    Usage,
)

Make = Callable[..., aiorch.Orchestrator]
WRONG = Failure(FailureKind.BAD_REQUEST, "request", "nonsense")


def echo(request: Request) -> str:
    return request.messages[-1].text.upper()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*providers: ScriptedProvider, **more: Any) -> aiorch.Orchestrator:
        return aiorch.Orchestrator(providers=providers, **{"data_dir": tmp_path, **more})

    return made


# --- what can be asked -------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("prompt", [None, 7, b"bytes", [], (), ["text"], {"role": "user"}])
async def test_what_is_no_prompt_is_refused_with_what_would_be_one(make: Make, prompt: Any) -> None:
    async with make(ScriptedProvider()) as ai:
        with pytest.raises(
            InputError, match=r"a prompt is a string, a sequence of aiorch\.Message or an aiorch\.Task"
        ):
            await ai.run(prompt)


@pytest.mark.anyio
async def test_a_system_text_goes_in_front(make: Make) -> None:
    provider = ScriptedProvider()
    async with make(provider) as ai:
        await ai.run("hi", system="Be brief.")
    assert [(m.role, m.text) for m in provider.asked[0][1].messages] == [
        ("system", "Be brief."),
        ("user", "hi"),
    ]


# --- map ---------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_map_keeps_the_order_and_the_limit(make: Make) -> None:
    at_once = most = 0

    class Counting(ScriptedProvider):
        async def complete(self, *args: Any, **more: Any) -> Response:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await anyio.sleep(0.01 if len(self.asked) % 2 else 0.001)
            at_once -= 1
            return await super().complete(*args, **more)

    async with make(Counting([echo])) as ai:
        got = [o.text async for o in ai.map([f"p{i}" for i in range(12)], limit=3)]
    assert got == [f"P{i}" for i in range(12)]
    assert most == 3


@pytest.mark.anyio
async def test_map_takes_prompts_only_as_it_needs_them(make: Make) -> None:
    taken: list[int] = []

    async def endless() -> AsyncIterator[str]:
        n = 0
        while True:
            taken.append(n)
            yield f"p{n}"
            n += 1

    async with make(ScriptedProvider([echo])) as ai:
        outcomes = ai.map(endless(), limit=2)
        assert [(await anext(outcomes)).text for _ in range(3)] == ["P0", "P1", "P2"]
        await outcomes.aclose()
    assert len(taken) <= 5


@pytest.mark.anyio
async def test_a_failing_prompt_raises_at_its_place_and_cancels_the_others(make: Make) -> None:
    started: list[str] = []
    ended: list[str] = []

    class Slow(ScriptedProvider):
        async def complete(self, deployment: Any, request: Request, *more: Any, **named: Any) -> Response:
            text = request.messages[-1].text
            started.append(text)
            if text == "slow":
                await anyio.sleep(30)
            ended.append(text)
            return await super().complete(deployment, request, *more, **named)

    def script(request: Request) -> str | Failure:
        return WRONG if request.messages[-1].text == "bad" else "fine"

    got: list[str] = []
    async with make(Slow([script])) as ai:
        with pytest.raises(AllAttemptsFailed):
            async for outcome in ai.map(["good", "bad", "slow"], limit=3):
                got.append(outcome.text)
        await anyio.sleep(0.01)
    assert got == ["fine"]
    assert "slow" in started
    assert "slow" not in ended


@pytest.mark.asyncio
async def test_leaving_a_map_early_leaves_nothing_running(make: Make) -> None:
    async with make(ScriptedProvider([echo], delay=0.01)) as ai:
        async for _ in ai.map([str(i) for i in range(50)], limit=5):
            break
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0.005)
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.anyio
async def test_map_needs_a_limit_of_at_least_one(make: Make) -> None:
    async with make(ScriptedProvider()) as ai:
        with pytest.raises(InputError, match="limit=0"):
            await anext(ai.map(["x"], limit=0))


# --- chat --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_chat_remembers_what_was_said(make: Make) -> None:
    provider = ScriptedProvider(["Hello Ada.", "Ada."])
    async with make(provider) as ai:
        chat = ai.chat(system="Be brief.")
        await chat.send("I am Ada.")
        await chat.send("Who am I?")
    assert [m.text for m in chat.messages] == ["Be brief.", "I am Ada.", "Hello Ada.", "Who am I?", "Ada."]
    assert [m.role for m in provider.asked[1][1].messages] == ["system", "user", "assistant", "user"]


@pytest.mark.anyio
async def test_a_turn_that_fails_leaves_the_conversation_as_it_was(make: Make) -> None:
    async with make(ScriptedProvider([WRONG])) as ai:
        chat = ai.chat()
        with pytest.raises(AllAttemptsFailed):
            await chat.send("hello")
    assert chat.messages == []


@pytest.mark.anyio
async def test_a_streamed_turn_is_remembered_when_it_is_complete(make: Make) -> None:
    async with make(ScriptedProvider(["Hello Ada."])) as ai:
        chat = ai.chat()
        async with chat.stream("I am Ada.") as stream:
            async for event in stream:
                assert isinstance(event, TextDelta)
                assert chat.messages == []
        assert [m.text for m in chat.messages] == ["I am Ada.", "Hello Ada."]


# --- scopes ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_scopes_budget_is_for_everything_asked_through_it(make: Make) -> None:
    dear = ModelCard(
        "dear", "gold", free="none", capabilities=Capabilities(chat=True), price=Price(Decimal(1), Decimal(1))
    )
    answer = Response(Message.assistant("Yes."), "stop", Usage(10, 40))
    async with make(ScriptedProvider([answer], "dear", [dear]), allow_paid=True, cache="off") as ai:
        mine = ai.scoped(user="u1", budget=Budget(usd="0.01", tokens=120))  # type: ignore[arg-type]
        await mine.run("one")
        await mine.run("two")
        with pytest.raises(BudgetExceeded, match="20 of the budget"):
            await mine.run("x" * 100)


@pytest.mark.anyio
async def test_a_scope_within_a_scope_spends_from_both(make: Make) -> None:
    provider = ScriptedProvider([Response(Message.assistant("Yes."), "stop", Usage(10, 40))])
    async with make(provider, cache="off") as ai:
        team = ai.scoped(tenant="acme", tags={"app": "x"}, budget=Budget(tokens=100))
        person = team.scoped(user="u1", tags={"page": "y"}, budget=Budget(attempts=9))
        await person.run("one")
        await person.run("two")
        with pytest.raises(BudgetExceeded):
            await team.run("three")
    assert provider.asked[0][1].metadata == {"app": "x", "page": "y"}


@pytest.mark.anyio
async def test_failed_attempts_count_against_a_scope(make: Make) -> None:
    async with make(ScriptedProvider([WRONG])) as ai:
        mine = ai.scoped(budget=Budget(attempts=1))
        with pytest.raises(AllAttemptsFailed):
            await mine.run("one")
        with pytest.raises(BudgetExceeded, match="0 attempt"):
            await mine.run("two")


@pytest.mark.anyio
async def test_a_scope_leaves_the_orchestrator_itself_as_it_was(make: Make, tmp_path: Path) -> None:
    async with make(ScriptedProvider()) as ai:
        ai.scoped(user="u1", budget=Budget(tokens=0))
        outcome = await ai.run("still free")
    assert outcome.accepted


# --- looking -----------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_route_tells_whom_it_would_ask_and_asks_nobody(make: Make) -> None:
    provider = ScriptedProvider()
    async with make(provider) as ai:
        ranking = await ai.route("hi", agent="coding_agent")
        assert await ai.context_window() == 32_768
    assert [c.card.id for c in ranking.candidates] == ["scripted/model"]
    assert any("nova-2-lite-v1:free" in p.id for p in ranking.passed_over)
    assert provider.asked == []


@pytest.mark.anyio
async def test_with_nobody_to_ask_the_context_is_an_assumed_one(make: Make) -> None:
    async with make() as ai:
        assert await ai.context_window() == 4_096


# --- workflows ---------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_workflow_runs_on_the_orchestrator(make: Make) -> None:
    flow = aiorch.Workflow("notes")
    flow.ask("facts", "List: {log}")
    flow.ask("draft", "Write from: {facts}")

    @flow.task
    async def save(draft: str, ai: aiorch.Orchestrator) -> int:
        return len(draft) + await ai.context_window()

    async with make(ScriptedProvider([echo])) as ai:
        run = await ai.execute(flow, log="fixed a bug")
    assert run.results["draft"] == "WRITE FROM: LIST: FIXED A BUG"
    assert run.results["save"] == len(run.results["draft"]) + 32_768
    outcome = run.outcomes["draft"]
    assert isinstance(outcome, aiorch.Outcome)
    assert outcome.model == "scripted/model"


@pytest.mark.anyio
async def test_an_input_may_be_called_as_an_argument_of_execute(make: Make) -> None:
    flow = aiorch.Workflow("notes")
    flow.ask("facts", "{limit} facts about {run}")
    async with make(ScriptedProvider([echo])) as ai:
        run = await ai.execute(flow, {"limit": 3, "run": "rivers"}, limit=1)
    assert run.results["facts"] == "3 FACTS ABOUT RIVERS"


@pytest.mark.anyio
async def test_a_workflow_that_cannot_run_asks_nobody(make: Make) -> None:
    flow = aiorch.Workflow("notes")
    flow.ask("a", "{b}")
    flow.ask("b", "{a}")
    provider = ScriptedProvider()
    async with make(provider) as ai:
        with pytest.raises(InvalidWorkflow, match="a"):
            await ai.execute(flow)
    assert provider.asked == []


@pytest.mark.anyio
async def test_a_failing_task_ends_the_run_with_its_cause(make: Make) -> None:
    flow = aiorch.Workflow("notes")
    flow.ask("a", "hello")
    async with make(ScriptedProvider([WRONG])) as ai:
        with pytest.raises(TaskFailed, match="nonsense"):
            await ai.execute(flow)


# --- coming and going --------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_it_can_be_closed_twice_and_used_again(make: Make) -> None:
    provider = ScriptedProvider()
    ai = make(provider, cache="disk")
    await ai.run("one")
    await ai.aclose()
    await ai.aclose()
    assert provider.closed
    assert (await ai.run("one")).cached
    await ai.aclose()


@pytest.mark.anyio
async def test_a_provider_that_cannot_be_closed_does_not_keep_others_open(make: Make) -> None:
    class Stuck(ScriptedProvider):
        async def aclose(self) -> None:
            raise RuntimeError("stuck")

    other = ScriptedProvider(name="other")
    await make(Stuck(), other).aclose()
    assert other.closed


def test_run_sync_needs_no_event_loop(tmp_path: Path) -> None:
    outcome = aiorch.run_sync("hi", providers=[ScriptedProvider(["Hello."])], data_dir=tmp_path)
    assert outcome.value == "Hello."
    assert (
        aiorch.run_sync("7?", output=int, providers=[ScriptedProvider(["7"])], data_dir=tmp_path).value == 7
    )


@pytest.mark.anyio
async def test_run_sync_inside_a_loop_says_to_await() -> None:
    with pytest.raises(ConfigurationError, match="await aiorch"):
        aiorch.run_sync("hi")


def test_one_orchestrator_serves_one_event_loop_after_another(make: Make) -> None:
    ai = make(ScriptedProvider([echo]), cache="disk")

    async def ask(text: str) -> str:
        return (await ai.run(text)).text

    assert [asyncio.run(ask(t)) for t in ("a", "b", "a")] == ["A", "B", "A"]
    anyio.run(ai.aclose, backend="trio")


def test_a_mistyped_setting_is_refused_with_the_nearest(make: Make) -> None:
    with pytest.raises(SettingsError, match="allow_payed.*allow_paid"):
        make(allow_payed=True)


def test_ready_made_settings_and_single_ones_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        aiorch.Orchestrator(aiorch.Settings(data_dir=tmp_path), timeout=3)


def test_a_mistyped_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownProvider, match="gorq.*groq"):
        aiorch.Orchestrator(providers=None, keys={"gorq": "x"})


def test_its_repr_names_providers_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_" + "x1" * 20)
    ai = aiorch.Orchestrator()
    assert "groq" in repr(ai)
    assert "gsk_" not in repr(ai) + repr(ai.settings) + repr(vars(ai))


@pytest.mark.anyio
async def test_two_tools_of_one_name_are_refused(make: Make) -> None:
    @aiorch.tool
    def now() -> str:
        """The time."""
        return "noon"

    def again() -> str:
        """The time, too."""
        return "midnight"

    again.__name__ = "now"
    async with make(ScriptedProvider()) as ai:
        with pytest.raises(ConfigurationError, match="two tools are called 'now'"):
            await ai.run("time?", tools=[now, aiorch.tool(again)])


@pytest.mark.anyio
async def test_a_profiles_tools_are_found_by_name_or_missed_clearly(make: Make) -> None:
    @aiorch.tool
    def now() -> str:
        """The time."""
        return "noon"

    provider = ScriptedProvider()
    profiles = {"clerk": {"tools": ["now"]}}
    async with make(provider, profiles=profiles, tools=[now]) as ai:
        await ai.run("time?", agent="clerk")
        assert [t.name for t in provider.asked[0][1].tools] == ["now"]
    async with make(ScriptedProvider(), profiles=profiles) as ai:
        with pytest.raises(ConfigurationError, match="names the tool 'now'"):
            await ai.run(Task((Message.user("time?"),), agent="clerk"))


@pytest.mark.anyio
async def test_cancelling_a_run_stops_it_at_once_and_is_recorded(make: Make, tmp_path: Path) -> None:
    async with make(ScriptedProvider(delay=60)) as ai:
        with anyio.move_on_after(0.02) as scope:
            await ai.run("slow")
        assert scope.cancelled_caught
    assert '"error":"Cancelled"' in "".join(f.read_text() for f in (tmp_path / "audit").iterdir())


@pytest.mark.parametrize("approver", [lambda request: True, type("Desk", (), {"approve": None})])
def test_an_approver_that_cannot_be_asked_is_refused_at_once(make: Make, approver: Any) -> None:
    with pytest.raises(ConfigurationError, match="approver= takes an object with a method approve"):
        make(ScriptedProvider(), approver=approver)
