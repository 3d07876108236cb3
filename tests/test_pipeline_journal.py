"""What a durable run promises of one AI task: nothing that was committed happens twice, whatever else has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import anyio
import pytest
from pydantic import BaseModel

import aiorch
from aiorch.committing import decision_key
from aiorch.errors import AllAttemptsFailed, DeadlineExceeded, NoModelAvailable, SecurityException, ToolError
from aiorch.events import AttemptStarted, CacheHit, Event, TaskFinished, TaskStarted, ToolCalled
from aiorch.journal import NullJournal, committed, keeps
from aiorch.pipeline import run, stream, use
from aiorch.protocols import ApprovalRequest, Tool
from aiorch.quality import shape_of
from aiorch.testing import Says, ScriptedProvider
from aiorch.tools import tool
from aiorch.types import (
    Capabilities,
    Failure,
    FailureKind,
    Issue,
    Message,
    ModelCard,
    Outcome,
    Parameters,
    Request,
    Task,
    TextDelta,
    ToolCall,
    Usage,
    Verdict,
    from_json,
    to_json,
)

pytestmark = pytest.mark.anyio

T = TypeVar("T")
CHAT = Capabilities(chat=True, tools=True, json_schema=True)


class Person(BaseModel):
    name: str
    age: int


# --- a journal that can be stopped at any moment, and what it is used on -----------------------------------------


class Crash(BaseException):
    """The process dies."""


class Unknown(Exception):
    """A person has to look: this began, must not happen twice, and was not committed."""


@dataclass
class Kept:
    """What survives a process, and when the process dies: at the ``at``-th of the moments around effects."""

    committed: dict[str, str] = field(default_factory=dict[str, str])
    begun: set[str] = field(default_factory=set[str])
    ledger: list[str] = field(default_factory=list[str])
    """What began and costs money or changes something."""
    at: int | None = None
    scope: anyio.CancelScope | None = None
    """What is cancelled in place of a crash."""
    moments: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What came by, in order: key and ``before``, ``between`` effect and commit, or ``after``."""

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        if key not in self.committed:
            await self.comes_by(key, "before")
            if not idempotent:
                if key in self.begun:
                    raise Unknown(key)
                self.begun.add(key)
            if ledger:
                self.ledger.append(key)
            value = await effect()
            await self.comes_by(key, "between")
            self.committed[key] = to_json(value, returns)
            self.begun.discard(key)
            await self.comes_by(key, "after")
        return from_json(returns, self.committed[key])

    async def comes_by(self, key: str, moment: str) -> None:
        number = len(self.moments)
        self.moments.append((key, moment))
        if number == self.at:
            if self.scope is None:
                raise Crash
            self.scope.cancel()
            await anyio.sleep_forever()


class World:
    """Models, tools and a person, and what they were asked, over all processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: Counter[str] = Counter()

        @tool(idempotent=True)
        def look(name: str) -> str:
            """Look somebody up."""
            self.made[f"look {name}"] += 1
            return f"{name} lives here"

        @tool
        def send(to: str) -> str:
            """Send a letter."""
            self.made[f"send {to}"] += 1
            return f"sent to {to}"

        self.tools: Mapping[str, Tool] = {"look": look, "send": send}

    async def approve(self, request: ApprovalRequest) -> bool:
        shown = request.details.get("arguments") or request.details["texts"]
        self.made[f"approve {request.action} {shown}"] += 1
        return True

    def providers(self, *, without: str = "") -> list[ScriptedProvider]:
        big = ModelCard("one", "big-70b", free="zero_price", capabilities=CHAT, parameters=70_000_000_000)
        small = ModelCard("two", "small-8b", free="zero_price", capabilities=CHAT, parameters=8_000_000_000)
        them = [
            ScriptedProvider([self.first], "one", [big]),
            ScriptedProvider([self.second], "two", [small]),
        ]
        return [p for p in them if p.name != without]

    def first(self, request: Request) -> Says | str:
        """Two rounds of tools, an answer of the wrong shape, and again one after it was told."""
        results = sum(1 for m in request.messages if m.role == "tool")
        self.made[f"one after {results} results, {len(request.messages)} messages"] += 1
        if results == 0:  # two calls of one id: not every provider gives each an id of its own
            calls = ToolCall("call_1", "look", {"name": "Ann"}), ToolCall("call_1", "send", {"to": "Ann"})
            return Says(tool_calls=calls)
        if results == 2:
            return Says(tool_calls=(ToolCall("call_1", "send", {"to": "Bob"}),))
        return "It is Ann."

    def second(self, request: Request) -> str:
        self.made[f"two, {len(request.messages)} messages"] += 1
        return '{"name": "Ann", "age": 7}'

    def process(self, **more: Any) -> aiorch.Orchestrator:
        """An orchestrator of a new process."""
        settings: dict[str, Any] = {
            "providers": self.providers(),
            "approver": self,
            "validators": [Asks()],
            "data_dir": self.folder,
            "cache": "off",
            "audit": "off",
            "guard": "off",
        }
        return aiorch.Orchestrator(**{**settings, **more})

    async def carry_out(
        self, kept: Kept, *, listen: Callable[[Any], None] | None = None, **more: Any
    ) -> Outcome[Person]:
        async with self.process(**more) as ai:
            if listen is not None:
                ai.on(listen)
            return await self.ask(ai, kept)

    async def ask(self, ai: aiorch.Orchestrator, kept: Any) -> Outcome[Person]:
        shape = shape_of(Person)
        task = Task(
            (Message.user("Who is it?"),),
            schema=shape.schema,
            tools=tuple(t.spec for t in self.tools.values()),
            id="t" * 32,
        )
        return await run(ai._line, task, shape, self.tools, kept)


class Asks:
    """Wants a person asked about what is sent, what comes in, what tools give and what goes out."""

    name = "asks"
    stages = frozenset({"input", "arguments", "tool_result", "output"})

    async def validate(self, stage: Any, content: Any, task: Task) -> Verdict:
        calls = [call.name for message in content for call in message.tool_calls]
        if stage == "output" and (calls or "{" not in content[0].text):
            return Verdict(stage, "allow")
        if stage == "arguments" and calls == ["look"]:
            return Verdict(stage, "allow")
        return Verdict(stage, "ask", (Issue("look", "somebody should look"),))


def same(outcome: Outcome[Any]) -> Outcome[Any]:
    """An outcome without times, which differ between any two runs."""
    attempts = tuple(replace(a, started_at=0, seconds=0, waited=0) for a in outcome.attempts)
    return replace(outcome, seconds=0, attempts=attempts)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# --- crashes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["raises", "is cancelled"])
async def test_a_process_that_dies_at_any_moment_repeats_nothing_that_was_committed(
    tmp_path: Path, how: str
) -> None:
    calm, whole = World(tmp_path), Kept()
    wanted = await calm.carry_out(whole)
    assert (wanted.value, wanted.rounds, wanted.model) == (Person(name="Ann", age=7), 5, "two/small-8b")
    assert max(calm.made.values()) == 1
    assert len(calm.made) == 5 + 3 + 7  # rounds, calls, and questions to the person
    for at, (key, moment) in list(enumerate(whole.moments))[:: 1 if how == "raises" else 3]:
        where = f"{how} {moment} {key}"
        world, kept = World(tmp_path), Kept(at=at)
        with anyio.CancelScope() as scope:
            kept.scope = scope if how == "is cancelled" else None
            try:
                await world.carry_out(kept)
            except Crash:
                assert how == "raises"
            else:
                assert how == "is cancelled", where
        died_in = Counter(world.made)
        kept.at = None
        if moment == "between" and "/tool/" in key and key in kept.begun:
            with pytest.raises(Unknown):
                await world.carry_out(kept)
            assert world.made == died_in, where
            continue
        outcome = await world.carry_out(kept)
        assert same(outcome) == same(wanted), where
        repeated = {what for what, times in world.made.items() if times != 1}
        assert set(world.made) == set(calm.made), where
        assert len(repeated) == (moment == "between"), f"{where}: {repeated}"  # that one was not committed


async def test_what_costs_money_or_changes_something_is_in_the_ledger(world: World) -> None:
    kept = Kept()
    await world.carry_out(kept)
    rounds = [f"{'t' * 32}/round/{n}" for n in range(1, 6)]
    sent = [f"{rounds[0]}/tool/1", f"{rounds[1]}/tool/0"]
    assert sorted(kept.ledger) == sorted([*rounds, *sent])


# --- a resumed task, in a world that has changed -----------------------------------------------------------------


async def stopped(world: World, key: str, **more: Any) -> Kept:
    """What is left of a process that died right after it committed ``key``."""
    whole = Kept()
    await World(world.folder / "elsewhere").carry_out(whole, **more)
    kept = Kept(at=whole.moments.index((key, "after")))
    with pytest.raises(Crash):
        await world.carry_out(kept, **more)
    kept.at = None
    return kept


@pytest.mark.parametrize("number", range(1, 6))
async def test_an_answer_of_a_model_that_is_gone_still_counts(world: World, number: int) -> None:
    kept = await stopped(world, f"{'t' * 32}/round/{number}")
    outcome = await world.carry_out(kept, providers=world.providers(without="one" if number < 5 else "two"))
    assert max(world.made.values()) == 1
    if number in (1, 2, 3):  # from here on the other one has to do it, and does it well
        assert (outcome.value, outcome.rounds) == (Person(name="Ann", age=7), number + 1)
    else:
        assert (outcome.value, outcome.rounds) == (Person(name="Ann", age=7), 5)
    assert outcome.attempts[0].deployment.provider == "one"


async def test_a_task_whose_answers_are_all_there_needs_nobody(world: World) -> None:
    kept = await stopped(world, f"{'t' * 32}/round/5")
    seen: list[Event] = []
    outcome = await world.carry_out(kept, providers=[], listen=seen.append)
    assert outcome.value == Person(name="Ann", age=7)
    kinds = [type(event) for event in seen]
    assert kinds.count(TaskStarted) == kinds.count(TaskFinished) == 1
    assert AttemptStarted not in kinds
    assert ToolCalled not in kinds  # it was called by the process before


async def test_a_task_started_anew_elsewhere_is_told_once(world: World) -> None:
    kept = await stopped(world, f"{'t' * 32}/round/2")
    seen: list[Event] = []
    await world.carry_out(kept, listen=seen.append)
    assert [type(event) for event in seen].count(TaskStarted) == 1


async def test_a_model_whose_answer_was_not_good_enough_is_not_asked_after_a_restart(world: World) -> None:
    kept = await stopped(world, f"{'t' * 32}/round/4")
    before = Counter(world.made)
    with pytest.raises(NoModelAvailable, match="its answer was not good enough"):
        await world.carry_out(kept, providers=world.providers(without="two"))
    assert world.made == before


async def test_a_committed_answer_comes_before_whatever_a_cache_has_by_now(tmp_path: Path) -> None:
    said = iter(["first", "second"])
    provider = ScriptedProvider([lambda _: next(said)])
    task = Task((Message.user("A word?"),), parameters=Parameters(temperature=0), id="c" * 32)
    kept = Kept()

    async def ask(journal: Any, **more: Any) -> Outcome[str]:
        async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, **more) as ai:
            return await run(ai._line, task, shape_of(str), {}, journal)

    assert (await ask(kept, cache="off")).text == "first"
    assert (await ask(NullJournal(), cache="disk")).text == "second"  # so that is what the cache knows
    assert (await ask(kept, cache="disk")).text == "first"


async def test_a_remembered_answer_stays_the_answer_when_the_cache_is_gone(tmp_path: Path) -> None:
    provider = ScriptedProvider(["first", "second"])
    task = Task((Message.user("A word?"),), parameters=Parameters(temperature=0), id="c" * 32)
    kept, seen = Kept(), list[CacheHit]()

    async def ask(journal: Any, **more: Any) -> Outcome[str]:
        async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, **more) as ai:
            ai.on(seen.append, CacheHit)
            return await run(ai._line, task, shape_of(str), {}, journal)

    await ask(NullJournal(), cache="disk")
    for more in ({"cache": "disk"}, {"cache": "off"}):
        outcome = await ask(kept, **more)
        assert (outcome.text, outcome.cached, outcome.usage) == ("first", True, Usage())
    assert kept.ledger == []  # nobody was asked, so nothing was paid
    assert len(seen) == 1


async def test_a_stand_in_is_still_called_one_when_the_better_model_is_gone(tmp_path: Path) -> None:
    away = ModelCard("one", "big-70b", free="zero_price", capabilities=CHAT, parameters=70_000_000_000)
    here = ModelCard("two", "small-8b", free="local", capabilities=CHAT)
    busy = Failure(FailureKind.OVERLOADED, "model", "busy")
    kept = Kept()
    task = Task((Message.user("hi"),), id="d" * 32)

    async def ask(*providers: ScriptedProvider) -> Outcome[str]:
        async with aiorch.Orchestrator(providers=providers, data_dir=tmp_path, cache="off") as ai:
            return await run(ai._line, task, shape_of(str), {}, kept)

    first = await ask(ScriptedProvider([busy], "one", [away]), ScriptedProvider(["ok"], "two", [here]))
    again = await ask()
    assert first.degraded
    assert same(again) == same(first)


async def test_what_failed_is_not_committed_and_asked_again(tmp_path: Path) -> None:
    provider = ScriptedProvider([Failure(FailureKind.BAD_REQUEST, "request", "no"), "yes"])
    kept = Kept()
    task = Task((Message.user("hi"),), id="e" * 32)
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
        with pytest.raises(AllAttemptsFailed):
            await run(ai._line, task, shape_of(str), {}, kept)
        assert (await run(ai._line, task, shape_of(str), {}, kept)).text == "yes"


# --- what a person said ------------------------------------------------------------------------------------------


async def test_a_refusal_is_remembered_too(tmp_path: Path) -> None:
    asked: list[ApprovalRequest] = []

    class Refuses:
        async def approve(self, request: ApprovalRequest) -> bool:
            asked.append(request)
            return False

    world, kept = World(tmp_path), Kept()
    for _ in range(2):
        with pytest.raises(SecurityException):
            await world.carry_out(kept, approver=Refuses())
    assert len(asked) == 1


def test_a_decision_counts_for_just_what_was_shown() -> None:
    keys = {
        decision_key("t/round/1/tool/0", "pay", {"arguments": {"amount": 5}}),
        decision_key("t/round/1/tool/0", "pay", {"arguments": {"amount": 500}}),
        decision_key("t/round/2/tool/0", "pay", {"arguments": {"amount": 5}}),
        decision_key("t/round/1/tool/0", "send", {"arguments": {"amount": 5}}),
    }
    assert len(keys) == 4


async def test_pseudonyms_mean_the_same_after_a_restart(tmp_path: Path) -> None:
    mail = "ann.larsen@fjordmail.no"
    policy = tmp_path / "own.toml"
    policy.write_text(
        'base = "strict"\n[input]\n"pii.email" = "redact"\n[style]\n"pii.email" = "pseudonym"\n'
    )

    def writes(request: Request) -> str:
        return f"Dear {request.messages[-1].text.split()[-1]}"

    provider, kept = ScriptedProvider([writes]), Kept()
    task = Task((Message.user(f"Write to {mail}"),), id="f" * 32)

    async def ask() -> str:
        settings: dict[str, Any] = {"providers": [provider], "data_dir": tmp_path, "guard": str(policy)}
        async with aiorch.Orchestrator(**settings) as ai:
            return (await run(ai._line, task, shape_of(str), {}, kept)).text

    assert [await ask(), await ask()] == [f"Dear {mail}"] * 2
    assert len(provider.asked) == 1
    assert mail not in repr(provider.asked) + repr(kept.committed)


# --- streams -----------------------------------------------------------------------------------------------------


async def streamed(ai: aiorch.Orchestrator, kept: Any) -> tuple[list[str], Outcome[str]]:
    pieces: list[str] = []
    task = Task((Message.user("A story?"),), id="s" * 32)
    async for piece in stream(ai._line, task, {}, kept):
        if isinstance(piece, TextDelta):
            pieces.append(piece.text)
        elif isinstance(piece, Outcome):
            return pieces, piece
    raise AssertionError("no outcome")


async def test_a_streamed_answer_is_committed_whole_and_comes_again_without_being_asked_for(
    tmp_path: Path,
) -> None:
    provider, kept = ScriptedProvider([Says(pieces=["Once ", "upon ", "a time."])]), Kept()
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
        pieces, first = await streamed(ai, kept)
        again, second = await streamed(ai, kept)
    assert "".join(pieces) == "".join(again) == "Once upon a time."
    assert len(pieces) > 2
    assert same(second) == same(first)
    assert len(provider.asked) == 1
    assert kept.ledger == [f"{'s' * 32}/round/1"]


async def test_a_stream_that_nobody_listens_to_any_more_is_not_committed(tmp_path: Path) -> None:
    provider, kept = ScriptedProvider([Says(pieces=["Once ", "upon"], then="hang"), "The end."]), Kept()
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
        pieces = stream(ai._line, Task((Message.user("A story?"),), id="s" * 32), {}, kept)
        assert isinstance(await anext(pieces), TextDelta)
        await pieces.aclose()
        assert kept.committed == {}
        for _ in range(100):
            if not provider.running:
                break
            await anyio.sleep(0.01)
        assert provider.running == 0
        assert (await streamed(ai, kept))[1].text == "The end."


async def test_a_stream_that_fails_says_so_as_it_does_without_a_journal(tmp_path: Path) -> None:
    provider, kept = ScriptedProvider([Failure(FailureKind.AUTH, "account", "no such key")]), Kept()
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
        with pytest.raises(AllAttemptsFailed, match="no such key"):
            await streamed(ai, kept)


async def test_a_remembered_answer_is_committed_when_it_is_streamed(tmp_path: Path) -> None:
    provider, kept = ScriptedProvider(["first", "second"]), Kept()
    task = Task((Message.user("A word?"),), parameters=Parameters(temperature=0), id="c" * 32)

    async def told(**more: Any) -> list[Any]:
        async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, **more) as ai:
            return [piece async for piece in stream(ai._line, task, {}, kept)]

    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, cache="disk") as ai:
        await run(ai._line, task, shape_of(str), {}, NullJournal())
    for more in ({"cache": "disk"}, {"cache": "off"}):
        said, outcome = await told(**more)
        assert (said.text, outcome.text, outcome.cached) == ("first", "first", True)


# --- a tool without a model --------------------------------------------------------------------------------------


async def test_a_tool_is_used_under_the_guard_and_once(world: World) -> None:
    kept = Kept()
    send = world.tools["send"]
    task = Task((), id="u" * 32)
    async with world.process() as ai:
        said = [await use(ai._line, task, send, {"to": "Ann"}, kept) for _ in range(2)]
    assert said == ["sent to Ann"] * 2
    assert world.made["send Ann"] == 1
    assert world.made["approve send {'to': 'Ann'}"] == 1
    assert kept.ledger == [f"{'u' * 32}/round/1/tool/0"]


async def test_a_tool_that_nobody_allows_is_not_used(world: World) -> None:
    async with world.process(approver=None) as ai:
        with pytest.raises(ToolError, match="nobody can be asked"):
            await use(ai._line, Task((), id="u" * 32), world.tools["send"], {"to": "Ann"}, Kept())
    assert world.made == Counter()


async def test_a_tool_that_fails_says_why(world: World) -> None:
    async with world.process(validators=[]) as ai:
        with pytest.raises(ToolError, match="name"):
            await use(ai._line, Task((), id="u" * 32), world.tools["look"], {}, Kept())


# --- what is sent to providers -----------------------------------------------------------------------------------


async def test_a_durable_run_asks_every_time_under_the_same_key(tmp_path: Path) -> None:
    busy = Failure(FailureKind.OVERLOADED, "model", "busy")
    keys: list[list[str | None]] = []
    for _ in range(2):
        provider = ScriptedProvider([busy, "ok"])
        async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
            await run(ai._line, Task((Message.user("hi"),), id="k" * 32), shape_of(str), {}, Kept())
        keys.append([request.idempotency_key for _, request in provider.asked])
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2  # an attempt's stored failure is no answer for the next one
    provider = ScriptedProvider(["ok"])
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
        await ai.run("hi")
    assert provider.asked[0][1].idempotency_key is None


# --- the journal's side ------------------------------------------------------------------------------------------


async def test_looking_makes_nothing_happen() -> None:
    kept = Kept(committed={"there": "7"})
    assert await committed(kept, "there", int) == 7
    assert await committed(kept, "not there", int) is None
    assert await committed(NullJournal(), "there", int) is None
    assert (keeps(kept), keeps(NullJournal())) == (True, False)
    assert kept.committed == {"there": "7"}


async def test_a_tool_that_was_cut_off_by_the_deadline_has_not_failed_for_the_journal(world: World) -> None:
    """Nobody knows how far it came, so a run that is carried on asks a person, and does not send again."""

    @tool
    async def send(to: str) -> str:
        """Send a letter."""
        world.made["send"] += 1
        await anyio.sleep_forever()
        return "sent"

    class Seen(Kept):
        ends: ClassVar[list[bool]] = []

        async def once(self, key: str, effect: Any, **more: Any) -> Any:
            async def watched() -> Any:
                try:
                    return await effect()
                except BaseException as end:
                    self.ends.append(isinstance(end, Exception))
                    raise

            return await super().once(key, watched, **more)

    async with world.process(validators=[]) as ai:
        task = Task((), id="t" * 32, timeout=0.2)
        with pytest.raises(DeadlineExceeded):
            await use(ai._line, task, send, {"to": "Ann"}, Seen())
    assert Seen.ends == [False]
    assert world.made["send"] == 1
