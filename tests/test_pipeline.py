"""What the line promises of every task, through the public face."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

import aiorch
import aiorch.events
from aiorch.errors import (
    AllAttemptsFailed,
    AuditError,
    DeadlineExceeded,
    NoModelAvailable,
    OutputInvalid,
    QualityError,
    SecurityException,
    UnknownAgent,
    UnknownModel,
)
from aiorch.events import (
    CacheHit,
    Event,
    GuardFound,
    RoundAssessed,
    TaskErred,
    TaskFinished,
    TaskStarted,
    ToolCalled,
)
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Budget,
    Capabilities,
    Failure,
    FailureKind,
    Issue,
    Message,
    ModelCard,
    Parameters,
    Price,
    Response,
    Stage,
    StreamVerdict,
    Task,
    TextDelta,
    ToolCall,
    ToolChoice,
    Usage,
    Verdict,
)

pytestmark = pytest.mark.anyio

BUSY = Failure(FailureKind.OVERLOADED, "model", "busy")
CHAT = Capabilities(chat=True, tools=True, json_schema=True)
Make = Callable[..., aiorch.Orchestrator]


class Person(BaseModel):
    name: str
    age: int


def two(first: Sequence[Any], second: Sequence[Any]) -> list[ScriptedProvider]:
    """Two providers of one free model each, the first preferred."""
    big = ModelCard("one", "big-70b", free="zero_price", capabilities=CHAT, parameters=70_000_000_000)
    small = ModelCard("two", "small-8b", free="zero_price", capabilities=CHAT, parameters=8_000_000_000)
    return [ScriptedProvider(first, "one", [big]), ScriptedProvider(second, "two", [small])]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*providers: ScriptedProvider, **more: Any) -> aiorch.Orchestrator:
        return aiorch.Orchestrator(providers=providers, **{"data_dir": tmp_path, **more})

    return made


def audited(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted((folder / "audit").glob("audit-*.jsonl"))
        for line in file.read_text().splitlines()
    ]


# --- the plain way -----------------------------------------------------------------------------------------------


async def test_an_answer_says_who_gave_it_what_it_cost_and_what_was_checked(make: Make) -> None:
    async with make(ScriptedProvider(["Rome."])) as ai:
        outcome = await ai.run("Which city is the capital of Italy?")
    assert outcome.value == outcome.text == "Rome."
    assert outcome.model == "scripted/model"
    assert outcome.cost == 0
    assert [a.decision for a in outcome.attempts] == ["accept"]
    assert outcome.usage.total > 0
    assert outcome.accepted
    assert outcome.assessment.passed
    assert [c.name for c in outcome.assessment.not_assessed] == ["schema"]
    assert outcome.messages[-1].text == "Rome."


async def test_events_tell_the_story_in_order(make: Make) -> None:
    seen: list[Event] = []
    async with make(*two([BUSY], ["Yes."])) as ai:
        stop = ai.on(seen.append)
        outcome = await ai.run("Is water wet?")
        stop()
        await ai.run("Is fire hot?")
    names = [type(e).__name__ for e in seen]
    assert names == [
        "TaskStarted",
        "AttemptStarted",
        "AttemptFinished",
        "AttemptStarted",
        "AttemptFinished",
        "RoundAssessed",
        "TaskFinished",
    ]
    assert {e.task_id for e in seen} == {outcome.task_id}


async def test_a_profile_gives_system_prompt_parameters_and_kind_of_work(make: Make) -> None:
    provider = ScriptedProvider(["ok"])
    profiles = {"poet": {"system": "Rhyme.", "parameters": {"temperature": 0.9}, "task_type": "poetry"}}
    async with make(provider, profiles=profiles) as ai:
        await ai.run("A poem, please", agent="poet")
        await ai.run([Message.system("Do not rhyme."), Message.user("A poem")], agent="poet")
    (_, first), (_, second) = provider.asked
    assert first.messages[0].text == "Rhyme."
    assert first.parameters.temperature == 0.9
    assert [m.text for m in second.messages if m.role == "system"] == ["Do not rhyme."]


async def test_the_tasks_own_parameters_take_precedence_over_the_profiles(make: Make) -> None:
    provider = ScriptedProvider(["ok"])
    async with make(provider) as ai:
        await ai.run(Task((Message.user("hi"),), parameters=Parameters(temperature=0.5, max_tokens=7)))
    parameters = provider.asked[0][1].parameters
    assert (parameters.temperature, parameters.max_tokens) == (0.5, 7)


# --- failing over ------------------------------------------------------------------------------------------------


async def test_a_sick_deployment_is_replaced_and_the_trail_says_so(make: Make) -> None:
    async with make(*two([BUSY], ["Fine."])) as ai:
        outcome = await ai.run("How are you?")
    assert outcome.text == "Fine."
    assert [(a.deployment.provider, a.decision) for a in outcome.attempts] == [
        ("one", "next_deployment"),
        ("two", "accept"),
    ]
    assert outcome.attempts[0].failure == BUSY


async def test_when_everybody_fails_each_attempt_and_its_reason_is_named(make: Make) -> None:
    refused = Failure(FailureKind.AUTH, "account", "wrong key", status=401)
    async with make(*two([refused], [refused])) as ai:
        with pytest.raises(
            AllAttemptsFailed, match=r"one/big-70b: auth: wrong key\n.*two/small-8b: auth: wrong key"
        ) as failed:
            await ai.run("hello")
    assert len(failed.value.attempts) == 2


async def test_a_model_that_is_gone_is_not_asked_again_and_its_successor_is_learnt(make: Make) -> None:
    gone = Failure(FailureKind.MODEL_GONE, "model", "ended", status=404, successors=("bigger-80b",))
    one, other = two([gone, "never"], ["Here."])
    async with make(one, other) as ai:
        await ai.run("first")
        await ai.run("second")
        assert len(one.asked) == 1
        retired = [m for m in await ai.models() if m.retired]
    assert [m.id for m in retired] == ["one/big-70b"]


async def test_the_time_of_a_task_is_kept_over_all_attempts(make: Make) -> None:
    slow = ScriptedProvider(["late"], delay=5.0)
    async with make(slow) as ai:
        with pytest.raises(DeadlineExceeded, match="within 0.05 s"):
            await ai.run("hurry", timeout=0.05)


async def test_with_no_provider_at_all_the_error_says_what_to_do(make: Make) -> None:
    async with make() as ai:
        with pytest.raises(NoModelAvailable, match="OPENROUTER_API_KEY.*aiorch local install"):
            await ai.run("anybody?")


async def test_paid_models_need_permission_and_a_budget(make: Make) -> None:
    dear = ModelCard("dear", "gold", free="none", capabilities=CHAT, price=Price(Decimal(1), Decimal(2)))
    provider = ScriptedProvider(
        [Response(Message.assistant("Yes."), "stop", Usage(1000, 500))], "dear", [dear]
    )
    async with make(provider) as ai:
        with pytest.raises(NoModelAvailable, match="allow_paid is off"):
            await ai.run("May I?")
    async with make(provider, allow_paid=True) as ai:
        with pytest.raises(NoModelAvailable, match="no budget in USD is set"):
            await ai.run("May I?")
        outcome = await ai.run("May I?", budget=Budget(usd=1))
    assert outcome.cost == Decimal("0.002")


async def test_an_unknown_model_or_agent_is_named_with_the_nearest(make: Make) -> None:
    async with make(ScriptedProvider()) as ai:
        with pytest.raises(UnknownModel, match="scripted/modle.*scripted/model"):
            await ai.run(Task((Message.user("hi"),), model="scripted/modle"))
        with pytest.raises(UnknownAgent, match="coding_agnt.*coding_agent"):
            await ai.run("hi", agent="coding_agnt")


async def test_a_task_that_names_a_model_is_answered_by_it_or_not_at_all(make: Make) -> None:
    one, other = two(["one"], ["two"])
    async with make(one, other) as ai:
        assert (await ai.run(Task((Message.user("hi"),), model="small-8b"))).text == "two"
    assert one.asked == []


LOCAL = ModelCard("here", "tiny", free="local", capabilities=CHAT, demo=True)


async def test_a_local_stand_in_is_marked_when_the_cloud_failed_or_was_silent(make: Make) -> None:
    class Silent(ScriptedProvider):
        async def models(self) -> Sequence[ModelCard]:
            raise OSError("no network")

    cloud, _ = two([BUSY], [])
    for elsewhere in (cloud, Silent(name="silent")):
        async with make(elsewhere, ScriptedProvider(["Hi."], "here", [LOCAL])) as ai:
            outcome = await ai.run("hello")
        assert outcome.model == "here/tiny"
        assert outcome.demo
        assert outcome.degraded


async def test_a_local_model_that_was_wanted_is_no_stand_in(make: Make) -> None:
    cloud, _ = two(["cloud"], [])
    here = ScriptedProvider(["Hi."], "here", [LOCAL])
    async with make(cloud, here, profiles={"private": {"primary": "here/tiny"}}) as ai:
        assert not (await ai.run("hello", agent="private")).degraded
        assert not (await ai.run("hello")).degraded
    async with make(here) as ai:
        assert not (await ai.run("hello")).degraded


# --- shapes ------------------------------------------------------------------------------------------------------


async def test_a_typed_answer_comes_back_as_that_type(make: Make) -> None:
    provider = ScriptedProvider(['```json\n{"name": "Ada", "age": 36}\n```'])
    async with make(provider) as ai:
        outcome = await ai.run("Who?", output=Person)
    assert outcome.value == Person(name="Ada", age=36)
    schema = provider.asked[0][1].schema
    assert schema is not None
    assert set(schema.schema["properties"]) == {"name", "age"}


async def test_an_answer_that_does_not_fit_is_sent_back_once_with_the_reason(make: Make) -> None:
    provider = ScriptedProvider(['{"name": "Ada"}', '{"name": "Ada", "age": 36}'])
    async with make(provider) as ai:
        outcome = await ai.run("Who?", output=Person)
    assert outcome.value.age == 36
    assert outcome.rounds == 2
    told = provider.asked[1][1].messages[-1].text
    assert "age" in told


async def test_after_a_useless_revision_another_model_is_asked_afresh(make: Make) -> None:
    one, other = two(["no", "still no"], ['{"name": "Ada", "age": 36}'])
    async with make(one, other) as ai:
        outcome = await ai.run("Who?", output=Person)
    assert outcome.model == "two/small-8b"
    assert len(one.asked) == 2
    assert [m.role for m in other.asked[0][1].messages] == ["user"]


async def test_when_no_answer_fits_the_error_keeps_the_last_one(make: Make) -> None:
    async with make(ScriptedProvider(["no"])) as ai:
        with pytest.raises(OutputInvalid) as wrong:
            await ai.run("Who?", output=Person)
    assert wrong.value.outcome is not None
    assert wrong.value.outcome.text == "no"
    assert not wrong.value.outcome.accepted


# --- quality -----------------------------------------------------------------------------------------------------


LOOP = "the same words again " * 60


async def test_a_degenerate_answer_goes_to_another_model(make: Make) -> None:
    async with make(*two([LOOP], ["A real answer."])) as ai:
        outcome = await ai.run("Tell me something")
    assert outcome.text == "A real answer."
    assert outcome.accepted


async def test_a_poor_answer_is_returned_and_marked_when_nobody_does_better(make: Make) -> None:
    async with make(ScriptedProvider([LOOP])) as ai:
        outcome = await ai.run("Tell me something")
    assert not outcome.accepted
    assert [c.name for c in outcome.assessment.failed] == ["no_repetition"]


async def test_require_quality_raises_instead(make: Make) -> None:
    async with make(ScriptedProvider([LOOP]), require_quality=True) as ai:
        with pytest.raises(QualityError, match="no_repetition") as poor:
            await ai.run("Tell me something")
    assert poor.value.outcome is not None


async def test_an_answer_cut_by_the_tasks_own_limit_is_not_asked_for_again(make: Make) -> None:
    cut = Response(Message.assistant("This is"), "length", Usage(3, 2))
    one, other = two([cut], ["never"])
    async with make(one, other) as ai:
        outcome = await ai.run(Task((Message.user("Talk"),), parameters=Parameters(max_tokens=2)))
    assert outcome.finish == "length"
    assert not outcome.accepted
    assert other.asked == []


# --- the cache ---------------------------------------------------------------------------------------------------


async def test_the_same_question_is_answered_from_the_cache_and_says_so(make: Make) -> None:
    provider = ScriptedProvider(["Rome."])
    hits: list[CacheHit] = []
    async with make(provider) as ai:
        ai.on(hits.append, CacheHit)
        first, second = await ai.run("Capital of Italy?"), await ai.run("Capital of Italy?")
    assert not first.cached
    assert second.cached
    assert second.text == "Rome."
    assert second.attempts == ()
    assert second.usage.total == 0
    assert len(provider.asked) == len(hits) == 1


async def test_a_question_that_wants_variety_is_never_cached(make: Make) -> None:
    provider = ScriptedProvider(["a", "b"])
    task = Task((Message.user("A number?"),), parameters=Parameters(temperature=0.8))
    async with make(provider) as ai:
        assert [(await ai.run(task)).text for _ in range(2)] == ["a", "b"]


async def test_tenants_never_see_each_others_answers(make: Make) -> None:
    provider = ScriptedProvider(["for acme", "for umbrella"])
    async with make(provider) as ai:
        acme = await ai.scoped(tenant="acme").run("The secret?")
        umbrella = await ai.scoped(tenant="umbrella").run("The secret?")
    assert (acme.text, umbrella.text) == ("for acme", "for umbrella")


async def test_a_poor_answer_is_not_kept(make: Make) -> None:
    provider = ScriptedProvider([LOOP, "Better."])
    async with make(provider) as ai:
        await ai.run("Tell me something")
        assert (await ai.run("Tell me something")).text == "Better."


async def test_the_disk_cache_answers_in_the_next_process(make: Make) -> None:
    async with make(ScriptedProvider(["Rome."]), cache="disk") as ai:
        await ai.run("Capital of Italy?")
    async with make(ScriptedProvider([BUSY]), cache="disk") as ai:
        outcome = await ai.run("Capital of Italy?")
    assert outcome.cached
    assert outcome.text == "Rome."


async def test_the_cache_can_be_switched_off(make: Make) -> None:
    provider = ScriptedProvider(["a", "b"])
    async with make(provider, cache="off") as ai:
        assert [(await ai.run("?")).text for _ in range(2)] == ["a", "b"]


# --- the guard ---------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """A validator that does what it is told."""

    stage: Stage
    verdict: Verdict
    name: str = "watch"

    @property
    def stages(self) -> frozenset[Stage]:
        return frozenset({self.stage})

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        return self.verdict


async def test_too_much_text_is_refused_before_anybody_is_asked(make: Make, tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with make(provider) as ai:
        with pytest.raises(SecurityException) as refused:
            await ai.run("x" * 200_000)
    assert refused.value.blocked == "input"
    assert [i.code for i in refused.value.issues] == ["too_long"]
    assert provider.asked == []
    assert [r["event"] for r in audited(tmp_path)] == ["task.refused"]


async def test_an_input_can_be_replaced_and_the_outcome_tells(make: Make) -> None:
    masked = Verdict("input", "redact", (Issue("pii", "an address"),), (Message.user("[address] please"),))
    provider = ScriptedProvider(["ok"])
    found: list[GuardFound] = []
    async with make(provider, validators=[Watch("input", masked)]) as ai:
        ai.on(found.append, GuardFound)
        outcome = await ai.run("12 Main Street please")
    assert provider.asked[0][1].messages[0].text == "[address] please"
    assert [i.code for v in outcome.verdicts for i in v.issues] == ["pii"]
    assert found[0].codes == ("pii",)


async def test_an_output_can_be_blocked(make: Make) -> None:
    leak = Verdict("output", "block", (Issue("secret", "a key"),))
    async with make(ScriptedProvider(["my key"]), validators=[Watch("output", leak)]) as ai:
        with pytest.raises(SecurityException, match="output was refused"):
            await ai.run("tell me")


async def test_an_output_can_be_replaced(make: Make) -> None:
    masked = Verdict("output", "redact", (Issue("secret", "a key"),), (Message.assistant("[key]"),))
    async with make(ScriptedProvider(["my key"]), validators=[Watch("output", masked)]) as ai:
        assert (await ai.run("tell me")).text == "[key]"


# --- tools -------------------------------------------------------------------------------------------------------


@aiorch.tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def wants(city: object, name: str = "weather") -> Response:
    return Response(Message.assistant(ToolCall("c1", name, {"city": city})), "tool_calls", Usage(5, 5))


async def test_a_tool_call_is_carried_out_and_its_result_goes_back(make: Make, tmp_path: Path) -> None:
    provider = ScriptedProvider([wants("Oslo"), "It is sunny in Oslo."])
    called: list[ToolCalled] = []
    async with make(provider) as ai:
        ai.on(called.append, ToolCalled)
        outcome = await ai.run("Weather in Oslo?", tools=[weather])
    assert outcome.text == "It is sunny in Oslo."
    assert outcome.rounds == 2
    result = provider.asked[1][1].messages[-1].tool_results[0]
    assert result.content == "sunny in Oslo"
    assert result.provenance.source == "tool"
    assert [(c.tool, c.ok) for c in called] == [("weather", True)]
    assert [r["event"] for r in audited(tmp_path)] == ["task.admitted", "tool.called", "task.finished"]


async def test_a_wrong_tool_call_is_told_to_the_model(make: Make) -> None:
    provider = ScriptedProvider([wants(3), wants("Oslo", "wether"), "Sorry."])
    async with make(provider) as ai:
        await ai.run("Weather?", tools=[weather])
    results = [m.tool_results[0] for _, r in provider.asked[1:] for m in r.messages[-1:]]
    assert all(r.is_error for r in results)
    assert "weather" in results[1].content


async def test_a_model_that_never_stops_calling_tools_is_stopped(make: Make) -> None:
    provider = ScriptedProvider([wants("Oslo")])
    async with make(provider, profiles={"general": {"max_rounds": 3}}, max_attempts=50) as ai:
        outcome = await ai.run("Weather?", tools=[weather])
    assert len(provider.asked) == 3
    assert not outcome.accepted


async def test_a_tool_that_must_be_called_is_insisted_on_once(make: Make) -> None:
    provider = ScriptedProvider([wants("Oslo"), "Sunny."])
    task = Task((Message.user("Weather?"),), tool_choice=ToolChoice("required"))
    async with make(provider) as ai:
        await ai.run(task, tools=[weather])
    assert [r.tool_choice.mode for _, r in provider.asked] == ["required", "auto"]


# --- the record --------------------------------------------------------------------------------------------------


async def test_the_audit_log_holds_hashes_and_measures_and_no_text(make: Make, tmp_path: Path) -> None:
    async with make(ScriptedProvider(["the answer is private"])) as ai:
        await ai.scoped(user="u1", tenant="acme").run("a private question")
    admitted, finished = audited(tmp_path)
    assert (admitted["event"], finished["event"]) == ("task.admitted", "task.finished")
    assert admitted["user"] == "u1"
    assert admitted["tenant"] == "acme"
    assert len(admitted["prompt_sha256"]) == 64
    assert finished["model"] == "scripted/model"
    assert "private" not in "".join(f.read_text() for f in (tmp_path / "audit").iterdir())


async def test_what_cannot_be_recorded_is_not_done(make: Make, tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where a folder should be")
    provider = ScriptedProvider()
    async with make(provider) as ai:
        with pytest.raises(AuditError, match="audit"):
            await ai.run("hello")
    assert provider.asked == []


async def test_a_failed_task_is_recorded_and_told(make: Make, tmp_path: Path) -> None:
    told: list[TaskErred] = []
    fault = Failure(FailureKind.BAD_REQUEST, "request", "no such field")
    async with make(ScriptedProvider([fault])) as ai:
        ai.on(told.append, TaskErred)
        with pytest.raises(AllAttemptsFailed):
            await ai.run("hello")
    assert told[0].error == "AllAttemptsFailed"
    assert audited(tmp_path)[-1]["error"] == "AllAttemptsFailed"


async def test_a_disk_that_fills_up_after_the_answer_does_not_lose_it(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[Event] = []

    async with make(ScriptedProvider(["Kept."])) as ai:
        line = ai._house.line
        record = line.report.record

        def full(task: Task, event: str, **more: Any) -> None:
            if event == "task.finished":
                raise AuditError("no space left")
            record(task, event, **more)

        monkeypatch.setattr(
            type(line.report), "record", lambda self, task, event, **more: full(task, event, **more)
        )
        ai.on(warned.append, aiorch.events.Warned)
        outcome = await ai.run("hello")
    assert outcome.text == "Kept."
    assert len(warned) == 1


# --- streams -----------------------------------------------------------------------------------------------------


async def test_a_stream_shows_pieces_and_then_the_outcome(make: Make) -> None:
    started: list[Event] = []
    async with make(ScriptedProvider(["one two three four"])) as ai:
        ai.on(started.append, TaskStarted, TaskFinished, RoundAssessed)
        async with ai.stream("Count") as stream:
            pieces = [e.text async for e in stream if isinstance(e, TextDelta)]
            outcome = await stream.outcome()
    assert len(pieces) == 4
    assert "".join(pieces) == outcome.text
    assert outcome.attempts[0].first_token is not None
    assert {type(e) for e in started} == {TaskStarted, TaskFinished}


async def test_a_stream_can_be_answered_from_the_cache(make: Make) -> None:
    provider = ScriptedProvider(["Rome."])
    async with make(provider) as ai:
        await ai.run("Capital of Italy?")
        async with ai.stream("Capital of Italy?") as stream:
            assert [e async for e in stream] == [TextDelta("Rome.")]
            assert (await stream.outcome()).cached
    assert len(provider.asked) == 1


async def test_a_deployment_that_fails_before_its_first_piece_is_replaced_unseen(make: Make) -> None:
    async with make(*two([BUSY], ["Fine."])) as ai, ai.stream("How are you?") as stream:
        assert "".join([e.text async for e in stream if isinstance(e, TextDelta)]) == "Fine."
        assert len((await stream.outcome()).attempts) == 2


async def test_a_stream_that_breaks_off_says_so_with_the_text_so_far(make: Make) -> None:
    one, other = two([BUSY], ["never"])
    one.break_after = 2
    async with make(one, other) as ai, ai.stream("Go on") as stream:
        seen: list[str] = []
        with pytest.raises(aiorch.StreamInterrupted) as broken:
            async for event in stream:
                assert isinstance(event, TextDelta)
                seen.append(event.text)
        assert broken.value.partial == "".join(seen) == "partial partial "
        with pytest.raises(aiorch.StreamInterrupted):
            await stream.outcome()
    assert other.asked == []


class HoldsBack:
    """Releases a piece only when the next one came; blocks at a word."""

    def __init__(self, forbidden: str = "") -> None:
        self.held = ""
        self.forbidden = forbidden

    def feed(self, piece: str) -> StreamVerdict:
        release, self.held = self.held, piece
        if self.forbidden and self.forbidden in release + self.held:
            return StreamVerdict("", (Issue("word", "a forbidden word"),), blocked=True)
        return StreamVerdict(release)

    def close(self) -> StreamVerdict:
        return StreamVerdict(self.held)


async def test_a_stream_validator_holds_back_and_releases_at_the_end(make: Make) -> None:
    async with (
        make(ScriptedProvider(["abcd"]), stream_validators=[HoldsBack]) as ai,
        ai.stream("?") as stream,
    ):
        assert "".join([e.text async for e in stream if isinstance(e, TextDelta)]) == "abcd"


async def test_a_blocked_stream_ends_with_a_typed_event_and_its_outcome_raises(make: Make) -> None:
    provider = ScriptedProvider(["aa bb cc dd"])
    async with (
        make(provider, stream_validators=[lambda: HoldsBack("cc")]) as ai,
        ai.stream("?") as stream,
    ):
        events = [e async for e in stream]
        assert isinstance(events[-1], aiorch.Blocked)
        assert "cc" not in "".join(e.text for e in events if isinstance(e, TextDelta))
        with pytest.raises(SecurityException):
            await stream.outcome()


async def test_tools_work_inside_a_stream(make: Make) -> None:
    provider = ScriptedProvider([wants("Oslo"), "It is sunny."])
    async with make(provider) as ai, ai.stream("Weather?", tools=[weather]) as stream:
        text = "".join([e.text async for e in stream if isinstance(e, TextDelta)])
        outcome = await stream.outcome()
    assert text == "It is sunny."
    assert outcome.rounds == 2


async def test_time_passes_by_the_clock_that_was_handed_in(make: Make) -> None:
    clock = FakeClock()
    limited = Failure(FailureKind.RATE_MINUTE, "account", "slow down", retry_at=clock.now() + 20)
    async with make(ScriptedProvider([limited, "Now."]), clock=clock) as ai:
        outcome = await ai.run("hello")
    assert outcome.text == "Now."
    assert clock.slept == [20.0]
    assert outcome.attempts[1].waited == 20.0


async def test_a_stream_that_was_heard_to_its_end_is_recorded_as_finished_and_nothing_else(
    make: Make, tmp_path: Path
) -> None:
    async with make(ScriptedProvider(["one two"])) as ai, ai.stream("Count") as stream:
        await stream.outcome()
    assert [r["event"] for r in audited(tmp_path)] == ["task.admitted", "task.finished"]


async def test_a_stream_that_is_left_early_is_recorded_as_cancelled(make: Make, tmp_path: Path) -> None:
    async with make(ScriptedProvider(["one two three four"])) as ai, ai.stream("Count") as stream:
        await anext(stream)
    assert [r["event"] for r in audited(tmp_path)] == ["task.admitted", "task.erred"]


async def test_a_slow_list_of_models_does_not_outlast_the_tasks_time(make: Make) -> None:
    class Slow(ScriptedProvider):
        async def models(self) -> Sequence[ModelCard]:
            await anyio.sleep(30)
            return ()

    async with make(Slow()) as ai:
        with pytest.raises(DeadlineExceeded, match="within 0.05 s"):
            await ai.run("hurry", timeout=0.05)


async def test_a_slow_tool_does_not_outlast_the_tasks_time(make: Make) -> None:
    @aiorch.tool
    async def weather(city: str) -> str:
        """The weather of a city."""
        await anyio.sleep(30)
        return city

    async with make(ScriptedProvider([wants("Oslo")])) as ai:
        with pytest.raises(DeadlineExceeded) as late:
            await ai.run("Weather?", tools=[weather], timeout=0.2)
    assert len(late.value.attempts) == 1


async def test_a_model_that_turns_out_to_be_gone_in_a_stream_is_not_asked_again(make: Make) -> None:
    gone = Failure(FailureKind.MODEL_GONE, "model", "ended", status=404)
    one, other = two([gone, "never"], ["Here."])
    async with make(one, other) as ai:
        for prompt in ("first", "second"):
            async with ai.stream(prompt) as stream:
                await stream.outcome()
    assert len(one.asked) == 1


async def test_an_answer_of_the_wrong_format_is_sent_back_once_with_what_is_wrong(tmp_path: Path) -> None:
    from aiorch.safety.formats import Format

    provider = ScriptedProvider(
        ["far too many words for this", "short", "far too many words", "and again too many"]
    )
    short = {"poet": {"format": Format(longest=10)}}
    async with aiorch.Orchestrator(providers=[provider], profiles=short, data_dir=tmp_path) as ai:
        outcome = await ai.run("Write", agent="poet")
        assert (outcome.text, outcome.rounds) == ("short", 2)
        assert "27 characters, more than 10" in provider.asked[1][1].messages[-1].text
        with pytest.raises(OutputInvalid, match="more than 10"):
            await ai.run("Write more", agent="poet")


async def test_what_the_guard_found_is_in_the_record_of_the_tasks_end(tmp_path: Path) -> None:
    async with aiorch.Orchestrator(providers=[ScriptedProvider(["ann@mail.net"])], data_dir=tmp_path) as ai:
        await ai.run("Who?")
    records = [
        json.loads(line) for f in tmp_path.rglob("audit-2*.jsonl") for line in f.read_text().splitlines()
    ]
    (finished,) = [r for r in records if r["event"] == "task.finished"]
    assert finished["issues"] == ["pii.email"]
