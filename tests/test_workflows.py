"""Workflows through the public face: what a run is handed in, how it is begun, looked at, carried on and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

import aiorch
from aiorch.errors import (
    BudgetExceeded,
    ConfigurationError,
    InputError,
    InvalidWorkflow,
    NeedsPermission,
    TaskFailed,
    ToolError,
)
from aiorch.events import NodeFinished, RunFinished, ToolCalled
from aiorch.protocols import ApprovalRequest
from aiorch.testing import Says, ScriptedProvider
from aiorch.tools import tool
from aiorch.types import (
    Budget,
    Capabilities,
    Failure,
    FailureKind,
    FreeTerms,
    Issue,
    Limit,
    ModelCard,
    Price,
    Task,
    ToolCall,
    Verdict,
)
from aiorch.workflow import Run

pytestmark = pytest.mark.anyio

CHAT = Capabilities(chat=True, tools=True, json_schema=True)
Make = Callable[..., aiorch.Orchestrator]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*providers: ScriptedProvider, **more: Any) -> aiorch.Orchestrator:
        return aiorch.Orchestrator(
            providers=providers or [ScriptedProvider()], **{"data_dir": tmp_path, **more}
        )

    return made


@pytest.fixture
def runs_db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


def questions(*prompts: str) -> aiorch.Workflow:
    flow = aiorch.Workflow("questions")
    for number, prompt in enumerate(prompts):
        flow.ask(f"q{number}", prompt)
    return flow


# --- durable runs ------------------------------------------------------------------------------------------------


async def test_a_finished_run_is_not_carried_out_again(make: Make, runs_db: str) -> None:
    provider = ScriptedProvider(["Rome."])
    flow = questions("The capital of {land}?")
    for _ in range(2):  # two processes, as far as the database is concerned
        async with make(provider) as ai:
            run = await ai.execute(flow, land="Italy", engine=runs_db, run_id="one")
        assert (run.id, run.state, run.results) == ("one", "done", {"q0": "Rome."})
    assert len(provider.asked) == 1


async def test_a_tool_loop_that_was_interrupted_goes_on_where_it_was(make: Make, runs_db: str) -> None:
    sent: list[str] = []

    @tool
    def send(to: str) -> str:
        """Send a letter."""
        sent.append(to)
        return f"sent to {to}"

    call = Says(tool_calls=(ToolCall("1", "send", {"to": "Ann"}),))
    gone = Failure(FailureKind.BAD_REQUEST, "request", "the network is down")
    provider = ScriptedProvider([call, gone, "It is done."])
    flow = aiorch.Workflow("letters")
    flow.ask("write", "Write to Ann.", tools=[send])
    async with make(provider) as ai:
        with pytest.raises(TaskFailed):
            await ai.execute(flow, engine=runs_db, run_id="letters-1")
    async with make(provider) as ai:
        run = await ai.execute(flow, engine=runs_db, run_id="letters-1")
    assert run.results == {"write": "It is done."}
    assert sent == ["Ann"]
    assert len(provider.asked) == 3  # the first answer was not asked for again
    states = [(c.task, c.state) for c in run.calls]
    assert states == [("write", s) for s in ("committed", "committed", "failed", "committed")]


@pytest.mark.parametrize("options", [{"retry": aiorch.Retry(3, delay=0.0)}, {"on_error": "skip"}])
async def test_a_tool_that_may_have_been_called_is_not_called_again_unasked(
    make: Make, runs_db: str, options: dict[str, Any]
) -> None:
    sent: list[str] = []
    begun = anyio.Event()

    @tool
    async def send(to: str) -> str:
        """Send a letter."""
        sent.append(to)
        begun.set()
        if len(sent) == 1:
            await anyio.sleep_forever()
        return f"sent to {to}"

    provider = ScriptedProvider([Says(tool_calls=(ToolCall("1", "send", {"to": "Ann"}),)), "It is done."])
    flow = aiorch.Workflow("letters")
    flow.ask("write", "Write to Ann.", tools=[send], **options)
    async with make(provider) as ai:
        first = await ai.start(flow, engine=runs_db, run_id="letters-1")
        await begun.wait()
        first.cancel()
    async with make(provider) as ai:
        with pytest.raises(TaskFailed) as failed:
            await ai.execute(flow, engine=runs_db, run_id="letters-1")
        waits = failed.value.__cause__
        assert isinstance(waits, NeedsPermission)
        assert sent == ["Ann"]
        done = {"result": {"content": "sent, the post office says"}}
        await ai.runs(runs_db).send("letters-1", waits.name, done)
        run = await ai.execute(flow, engine=runs_db, run_id="letters-1")
    assert run.results == {"write": "It is done."}
    assert sent == ["Ann"]
    assert "the post office" in str(provider.asked[-1][1].messages[-1])


async def test_the_setting_says_where_runs_live(make: Make, runs_db: str) -> None:
    provider = ScriptedProvider(["Rome."])
    for _ in range(2):
        async with make(provider, engine=SecretStr(runs_db)) as ai:
            await ai.execute(questions("The capital?"), run_id="one")
    assert len(provider.asked) == 1
    async with make(provider, engine=SecretStr(runs_db)) as ai:
        await ai.execute(questions("The capital?"), run_id="one", engine="memory")
    assert len(provider.asked) == 2


async def test_runs_are_submitted_and_looked_after(make: Make, runs_db: str) -> None:
    async with make() as ai:
        run_id = await ai.submit(
            questions("The capital of {land}?"), land="Italy", engine=runs_db, run_id="one"
        )
        assert run_id == "one"
        assert [run.id for run in await ai.runs(runs_db).list()] == ["one"]
        assert ai.runs(runs_db) is ai.runs(runs_db)
        with pytest.raises(ConfigurationError, match="memory"):
            ai.runs()


def test_an_id_is_said_once(make: Make) -> None:
    from aiorch.workflows import named

    graph = questions("?").graph()
    mine = Run("questions", "mine")
    assert named(graph, mine, None) is named(graph, mine, "mine") is mine
    assert named(graph, None, "theirs").id == "theirs"
    with pytest.raises(InputError, match="give one of them"):
        named(graph, mine, "theirs")


# --- in the background -------------------------------------------------------------------------------------------


async def test_a_run_that_was_started_is_watched_and_waited_for(make: Make) -> None:
    async with make(ScriptedProvider([Says("Rome.", delay=0.05)])) as ai:
        run = await ai.start(questions("The capital?"), run_id="watched")
        assert (run.id, run.state) == ("watched", "running")
        seen = [type(event) async for event in run]
        assert seen.count(NodeFinished) == seen.count(RunFinished) == 1
        assert (await run.result()).results == {"q0": "Rome."}


async def test_what_keeps_a_run_from_beginning_is_raised_where_it_is_started(make: Make) -> None:
    async with make() as ai:
        with pytest.raises(InvalidWorkflow, match="land"):
            await ai.start(questions("The capital of {land}?"))


async def test_what_goes_wrong_later_is_raised_by_the_result(make: Make) -> None:
    no = Failure(FailureKind.BAD_REQUEST, "request", "no")
    async with make(ScriptedProvider([no])) as ai:
        run = await ai.start(questions("The capital?"))
        with pytest.raises(TaskFailed):
            await run.result()
    assert run.state == "failed"


async def test_a_run_in_the_background_ends_with_its_orchestrator(make: Make, runs_db: str) -> None:
    provider = ScriptedProvider([Says(then="hang")])
    async with make(provider) as ai:
        run = await ai.start(questions("The capital?"), engine=runs_db)
        done = await ai.start(questions("The capital?"), run=Run("other"))
        done.cancel()
        while not provider.running:
            await anyio.sleep(0.01)
    assert (run.state, done.state) == ("cancelled", "cancelled")
    assert provider.running == 0


async def test_whoever_gives_up_starting_leaves_nothing_behind(make: Make) -> None:
    class Slow:
        name, durable = "slow", False

        async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
            await anyio.sleep_forever()

    async with make() as ai:
        with anyio.move_on_after(0.05):
            await ai.start(questions("The capital?"), engine=Slow())
        begun = ai._house._beside
        await ai.aclose()
        assert [work.done for work in begun] == [True]


# --- before anything runs ----------------------------------------------------------------------------------------


async def test_a_workflow_is_looked_at_without_asking_anybody(make: Make) -> None:
    provider = ScriptedProvider()
    async with make(provider) as ai:
        assert (await ai.validate(questions("The capital of {land}?"), land="Italy")).ok
        missing = await ai.validate(questions("The capital of {land}?"), {})
        assert not missing.ok
        assert (await ai.validate(questions("The capital of {land}?"))).ok  # nothing was said of inputs
    assert provider.asked == []


async def test_a_durable_engine_wants_results_that_can_be_stored(make: Make, runs_db: str) -> None:
    flow = aiorch.Workflow("objects")

    @flow.task
    def strange() -> Callable[[], int]:
        return lambda: 1

    async with make() as ai:
        assert (await ai.validate(flow)).ok
        assert not (await ai.validate(flow, engine=runs_db)).ok


async def test_an_agent_that_nobody_described_is_told_before_anything_runs(make: Make) -> None:
    done: list[int] = []
    flow = aiorch.Workflow("agents")
    flow.add("first", lambda: done.append(1))
    flow.ask("b", "hi", agent="genral", after=["first"])
    provider = ScriptedProvider(name="p")
    async with make(provider) as ai:
        assert "Did you mean 'general'?" in (await ai.validate(flow)).errors[0].message
        with pytest.raises(InvalidWorkflow, match=r"\[no-model\] .*'genral'") as refused:
            await ai.execute(flow, surplus=1)
    assert len(refused.value.problems) == 2
    assert (done, provider.asked) == ([], [])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda ai, flow: ai.execute("release.yaml"), "Workflow.from_file"),
        (lambda ai, flow: ai.execute(flow, engine=5), "not 5"),
        (lambda ai, flow: ai.execute(flow, engine="runs.db"), "sqlite:///runs.db"),
        (lambda ai, flow: ai.execute(flow, engine="sqlite:///r.db", run_id=""), "run id '' cannot be used"),
        (lambda ai, flow: ai.execute(flow, engine="sqlite:///r.db", run_id=7), "it is a text"),
    ],
)
async def test_what_cannot_be_carried_out_is_a_typed_error(
    call: Callable[..., Any], says: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with make() as ai:
        with pytest.raises((InputError, ConfigurationError)) as refused:
            await call(ai, questions("hi"))
    assert says in str(refused.value)


async def test_a_live_look_says_who_cannot_be_asked(make: Make) -> None:
    flow = aiorch.Workflow("agents")
    flow.ask("a", "hi", agent="nobody")
    flow.ask("b", "hi", agent="paid_one")
    dear = ModelCard("p", "dear", price=Price(Decimal(1), Decimal(1)), free="none", capabilities=CHAT)
    provider = ScriptedProvider(name="p", cards=[dear])
    async with make(provider, profiles={"paid_one": {"primary": "groq/some-model", "any_free": False}}) as ai:
        report = await ai.validate(flow, live=True)
        facts = await ai._workshop().facts(flow.graph())
    assert not report.ok
    assert {problem.task for problem in report.errors} == {"a", "b"}
    assert not facts.agents["nobody"].known
    assert any("allow_paid is off" in passed.reason for passed in facts.agents["paid_one"].passed_over)
    assert facts.agents["paid_one"].missing_keys == ("GROQ_API_KEY",)
    assert provider.asked == []


async def test_a_live_look_knows_what_limits_and_budgets_have_left(make: Make) -> None:
    terms = FreeTerms("free", (Limit(5, "requests", "day"), Limit(1, "requests", "at once")))
    card = ModelCard("p", "m", free="free_quota", terms=terms, capabilities=CHAT)
    provider = ScriptedProvider(name="p", cards=[card])
    flow = questions(*["The capital?"] * 9)
    settings = {"users": {"u1": {"requests_minute": 3}}, "budget_day_tokens": 1000, "cache": "off"}
    async with make(provider, **settings) as ai:
        mine = ai.scoped(user="u1", budget=Budget(tokens=700))
        await mine.run("hi")
        facts = await mine._workshop().facts(flow.graph())
        report = await mine.validate(flow, live=True)
        others = await ai._workshop().facts(flow.graph())
    left = {(a.name, a.unit): (a.left, a.amount, a.models) for a in facts.allowances}
    assert left == {("p", "requests"): (4, 5, ("p/m",)), ("user:u1", "requests"): (2, 3, None)}
    assert [a.name for a in others.allowances] == ["p"]
    assert facts.budget is not None
    assert others.budget is not None
    assert 0 < (facts.budget.tokens or 0) < 700 < (others.budget.tokens or 0) < 1000
    assert [p.code for p in report.problems if "quota" in p.code]


async def test_an_estimate_knows_what_whoever_is_asked_first_costs(make: Make) -> None:
    dear = ModelCard("p", "dear", price=Price(Decimal(1), Decimal(1)), free="none", capabilities=CHAT)
    flow = questions("The capital?")
    async with make(ScriptedProvider(name="p", cards=[dear]), allow_paid=True, budget_usd=5) as ai:
        assert (await ai.estimate(flow)).demand.usd.likely > 0
    async with make(ScriptedProvider(name="p")) as ai:
        assert (await ai.estimate(flow)).demand.usd.likely == 0
        with pytest.raises(InvalidWorkflow):
            broken = aiorch.Workflow("broken")
            broken.ask("a", "{b}")
            broken.ask("b", "{a}")
            await ai.estimate(broken)


# --- what a run is handed in -------------------------------------------------------------------------------------


class Waits(ScriptedProvider):
    """Like the embedded model: so many at a time."""

    at_once = 1
    most = 0

    async def complete(self, *args: Any, **kwargs: Any) -> Any:
        self.most = max(self.most, self.running + 1)
        return await super().complete(*args, **kwargs)


def many(count: int) -> tuple[aiorch.Workflow, list[str]]:
    flow = aiorch.Workflow("many")
    flow.ask("each", "Say {item}", timeout=5).map(item="items")
    return flow, [f"number {n}" for n in range(count)]


async def test_questions_wait_where_they_cost_no_time(make: Make) -> None:
    provider = Waits([Says("ok", delay=0.02)])
    flow, items = many(12)
    async with make(provider, cache="off") as ai:
        run = await ai.execute(flow, items=items)
    assert run.results == {"each": ["ok"] * 12}
    assert provider.most == 1


async def test_with_others_that_can_be_asked_nobody_waits(make: Make) -> None:
    here, there = (
        Waits([Says("ok", delay=0.02)], name="here"),
        ScriptedProvider([Says("ok", delay=0.2)], "there"),
    )
    flow, _ = many(4)
    async with make(here, there, cache="off") as ai:
        services = await ai.services(flow)
        assert services.capacity is not None
        assert services.capacity.room("general") is None
        ai._house.line.executor.experience.bench.remember(
            (await ai.route("hi")).candidates[1],
            Failure(FailureKind.AUTH, "account", "no such key"),
            ai._house.line.clock.now(),
        )
        assert services.capacity.room("general") == 1
        assert services.capacity.room("somebody else") is None


async def test_what_a_free_route_allows_at_once_counts_too(make: Make) -> None:
    terms = FreeTerms("free", (Limit(2, "requests", "at once"),))
    card = ModelCard("p", "m", free="free_quota", terms=terms, capabilities=CHAT)
    flow, _ = many(1)
    provider = Waits([Says("ok")], "p", [card])
    provider.at_once = None  # type: ignore[assignment]
    from aiorch.providers.spec import FreePolicy, ProviderSpec

    free = FreePolicy("free_quota", limits=terms.limits)
    provider.spec = ProviderSpec(id="p", name="P", base_url="http://127.0.0.1:9", free=free)  # type: ignore[attr-defined]
    async with make(provider) as ai:
        capacity = (await ai.services(flow)).capacity
        assert capacity is not None
        assert capacity.room("general") == 2


async def test_an_agent_that_cannot_be_ranked_keeps_nobody_from_beginning(make: Make) -> None:
    class Broken:
        name = "broken"

        async def match(self, task: Task, profile: Any, candidates: Any) -> Any:
            raise ConfigurationError("no idea")

    flow = aiorch.Workflow("agents")
    flow.ask("a", "hi", agent="nobody")
    async with make(Waits()) as ai:
        assert (await ai.services(flow)).capacity is None
    async with make(Waits(), matcher=Broken()) as ai:
        assert (await ai.services(questions("hi"))).capacity is None
        facts = await ai._workshop().facts(questions("hi").graph())
    assert "no idea" in facts.agents["general"].passed_over[0].reason


async def test_where_nobody_has_a_limit_nobody_is_looked_at(make: Make) -> None:
    provider = ScriptedProvider()
    flow, _ = many(1)
    async with make(provider) as ai:
        assert (await ai.services(flow)).capacity is None
        assert (await ai.services()).capacity is None


@pytest.mark.parametrize(("cache", "times"), [("off", 3), ("memory", 2), ("disk", 1)])
async def test_results_are_cached_as_answers_are(make: Make, cache: str, times: int) -> None:
    made: list[str] = []
    flow = aiorch.Workflow("dear")

    @flow.task(cache=3600)
    def dear(word: str) -> str:
        made.append(word)
        return word.upper()

    for runs in (2, 1):  # in two processes
        async with make(cache=cache) as ai:
            for _ in range(runs):
                assert (await ai.execute(flow, word="yes")).results == {"dear": "YES"}
    assert len(made) == times


async def test_a_tool_of_a_workflow_is_under_the_guard(make: Make) -> None:
    asked: list[ApprovalRequest] = []
    seen: list[ToolCalled] = []

    class Asks:
        name = "asks"
        stages = frozenset({"arguments"})

        async def validate(self, stage: Any, content: Any, task: Task) -> Verdict:
            return Verdict(stage, "ask", (Issue("look", "somebody should look"),))

    class Person:
        def __init__(self, answer: bool) -> None:
            self.answer = answer

        async def approve(self, request: ApprovalRequest) -> bool:
            asked.append(request)
            return self.answer

    @tool
    def shout(word: str) -> str:
        """Say it loudly."""
        return word.upper()

    flow = aiorch.Workflow("loud")
    flow.use("loud", shout, arguments={"word": "hey"})
    async with make(validators=[Asks()], approver=Person(True)) as ai:
        ai.on(seen.append, ToolCalled)
        assert (await ai.execute(flow)).results == {"loud": "HEY"}
    assert asked[0].details == {"arguments": {"word": "hey"}}
    assert [event.tool for event in seen] == ["shout"]
    async with make(validators=[Asks()], approver=Person(False)) as ai:
        with pytest.raises(TaskFailed) as failed:
            await ai.execute(flow)
    assert isinstance(failed.value.__cause__, ToolError)


async def test_a_scopes_budget_holds_for_its_workflows(make: Make) -> None:
    provider = ScriptedProvider(["word " * 50])
    async with make(provider, cache="off") as ai:
        poor = ai.scoped(budget=Budget(attempts=2))
        flow, items = many(3)
        with pytest.raises(TaskFailed) as failed:
            await poor.execute(flow, items=items, limit=1)
        assert isinstance(failed.value.__cause__, BudgetExceeded)
        assert len(provider.asked) == 2
        assert len((await ai.execute(flow, items=items)).results["each"]) == 3


async def test_a_task_function_may_ask_for_the_orchestrator(make: Make) -> None:
    flow = aiorch.Workflow("own")

    @flow.task
    async def answer(ai: aiorch.Orchestrator) -> str:
        return (await ai.run("hi")).text

    async with make() as ai:
        assert (await ai.execute(flow)).results == {"answer": "Hello."}


# --- the start ---------------------------------------------------------------------------------------------------


def test_an_orchestrator_loads_nothing_of_workflows(tmp_path: Path) -> None:
    code = (
        "import sys, aiorch\n"
        f"aiorch.Orchestrator(data_dir={str(tmp_path)!r})\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('dbos', 'sqlalchemy', 'psycopg') "
        "or m.startswith(('aiorch.workflow', 'aiorch.capacities', 'aiorch.surveying'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
