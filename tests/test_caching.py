"""What the line promises of answers that are there already, through the public face."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

import aiorch
from aiorch.answering import ask_once
from aiorch.clock import SystemClock
from aiorch.errors import AllAttemptsFailed, ConfigurationError, DeadlineExceeded, MissingExtra
from aiorch.events import CacheHit, Event
from aiorch.routing import Answer, profile
from aiorch.routing.semantic_cache import SemanticCache
from aiorch.routing.single_flight import SingleFlight
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Budget,
    Candidate,
    Deployment,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Parameters,
    Request,
    Response,
    Task,
    TextDelta,
    Usage,
)
from aiorch.work import Work

pytestmark = pytest.mark.anyio

Make = Callable[..., aiorch.Orchestrator]
BUSY = Failure(FailureKind.OVERLOADED, "model", "busy")
SAME = Parameters(temperature=0)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*providers: ScriptedProvider, **more: Any) -> aiorch.Orchestrator:
        return aiorch.Orchestrator(providers=providers, **{"data_dir": tmp_path, **more})

    return made


def ask(prompt: str = "Why?", **more: Any) -> Task:
    return Task((Message.user(prompt),), **{"parameters": SAME, **more})


async def asked(provider: ScriptedProvider) -> None:
    while not provider.asked:
        await anyio.sleep(0.001)


# --- equal questions at the same time ----------------------------------------------------------------------------


async def test_equal_questions_at_the_same_time_are_asked_once_and_paid_once(make: Make) -> None:
    provider = ScriptedProvider(["Because."], delay=0.05)
    outcomes: list[aiorch.Outcome[str]] = []
    async with make(provider) as ai:

        async def one() -> None:
            outcomes.append(await ai.run(ask()))

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(one)
    assert len(provider.asked) == 1
    assert {o.text for o in outcomes} == {"Because."}
    paid = [o for o in outcomes if o.usage.total]
    assert len(paid) == 1
    assert not paid[0].cached
    assert len(paid[0].attempts) == 1
    assert all(o.cached and not o.attempts and o.cost == 0 for o in outcomes if o is not paid[0])


@pytest.mark.parametrize(
    "other",
    [
        ask("Why not?"),
        ask(tenant="acme"),
        ask(parameters=Parameters(temperature=0, max_tokens=50)),
    ],
)
async def test_questions_that_are_not_equal_are_asked_each(make: Make, other: Task) -> None:
    provider = ScriptedProvider(["Because."], delay=0.05)
    async with make(provider) as ai, anyio.create_task_group() as group:
        group.start_soon(ai.run, ask())
        group.start_soon(ai.run, other)
    assert len(provider.asked) == 2


async def test_questions_that_want_variety_are_asked_each(make: Make) -> None:
    provider = ScriptedProvider(["Because."], delay=0.05)
    async with make(provider) as ai, anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ai.run, ask(parameters=Parameters(temperature=1.0)))
    assert len(provider.asked) == 3


async def test_who_gives_up_takes_nobody_along(make: Make) -> None:
    provider = ScriptedProvider(["Because."], delay=0.1)
    outcomes: list[aiorch.Outcome[str]] = []
    async with make(provider) as ai:

        async def one() -> None:
            outcomes.append(await ai.run(ask()))

        async with anyio.create_task_group() as group:
            impatient = anyio.CancelScope()

            async def leaver() -> None:
                with impatient:
                    await ai.run(ask())

            group.start_soon(leaver)
            await asked(provider)
            for _ in range(3):
                group.start_soon(one)
            await anyio.sleep(0.02)
            impatient.cancel()
    assert [o.text for o in outcomes] == ["Because."] * 3
    assert len(provider.asked) == 2


async def test_a_follower_is_held_to_its_own_deadline(make: Make) -> None:
    provider = ScriptedProvider(["Because."], delay=0.3)
    async with make(provider) as ai, anyio.create_task_group() as group:
        group.start_soon(ai.run, ask())
        await asked(provider)
        with pytest.raises(DeadlineExceeded, match=r"within 0\.05 s"):
            await ai.run(ask(), timeout=0.05)
    assert len(provider.asked) == 1


async def test_one_that_failed_is_asked_again_for_the_others(make: Make) -> None:
    refused = Failure(FailureKind.POLICY, "request", "no")
    provider = ScriptedProvider([refused, refused, "Because."], delay=0.02)
    results: list[str] = []
    async with make(provider) as ai:

        async def one() -> None:
            try:
                results.append((await ai.run(ask(), budget=Budget(attempts=1))).text)
            except AllAttemptsFailed:
                results.append("failed")

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(one)
    assert sorted(results) == ["Because.", "Because.", "failed", "failed"]


# --- similar prompts ---------------------------------------------------------------------------------------------

similar = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("tokenizers") is None,
    reason="the embedding model is not installed: pip install '.[embeddings]'",
)


@similar
@pytest.mark.parametrize("cache", ["memory", "disk"])
async def test_a_prompt_that_asks_the_same_gets_the_same_answer_and_says_so(make: Make, cache: str) -> None:
    provider = ScriptedProvider(["Paris.", "Rome."])
    seen: list[Event] = []
    async with make(provider, cache=cache, cache_semantic=True) as ai:
        ai.on(seen.append, CacheHit)
        first = await ai.run(ask("What is the capital of France?"))
        like = await ai.run(ask("what's the capital of france"))
        same = await ai.run(ask("What is the capital of France?"))
        other = await ai.run(ask("What is the capital of Italy?"))
    assert (first.cached, first.similarity) == (False, None)
    assert (like.text, like.cached, like.cost) == ("Paris.", True, 0)
    assert like.similarity is not None
    assert 0.9 <= like.similarity < 1
    assert (same.cached, same.similarity) == (True, None)
    assert (other.text, other.cached) == ("Rome.", False)
    assert [hit.similarity for hit in seen if isinstance(hit, CacheHit)] == [like.similarity, None]


@similar
async def test_a_stream_finds_it_too_and_the_next_process_as_well(make: Make) -> None:
    more = {"cache": "disk", "cache_semantic": True}
    async with (
        make(ScriptedProvider(["Paris."]), **more) as ai,
        ai.stream(ask("What is the capital of France?")) as first,
    ):
        assert (await first.outcome()).text == "Paris."
    again = ask("Tell me what the capital of France is.")
    async with make(ScriptedProvider([BUSY]), **more) as ai, ai.stream(again) as stream:
        shown = [event async for event in stream]
        outcome = await stream.outcome()
    assert shown == [TextDelta("Paris.")]
    assert outcome.cached
    assert outcome.similarity is not None


class AllAlike:
    """An embedder to which every text is the same."""

    dimensions = 2

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [(1.0, 0.0) for _ in texts]


@similar
@pytest.mark.parametrize(
    "other",
    [
        ask("What is the capital of Germany?"),
        ask("what's the capital of france", tenant="acme"),
        ask("what's the capital of france", agent="coding_agent"),
        ask("what's the capital of france", parameters=Parameters(temperature=0, max_tokens=9)),
        ask("what's the capital of france", parameters=Parameters(temperature=1.0)),
        Task((Message.system("Be brief."), Message.user("what's the capital of france")), parameters=SAME),
    ],
)
async def test_what_differs_in_anything_that_matters_is_asked(
    make: Make, other: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiorch.providers.local.embedder.LocalEmbedder", AllAlike)
    provider = ScriptedProvider(["Paris."])
    async with make(provider, cache_semantic=True) as ai:
        await ai.run(ask("What is the capital of France?"))
        assert (await ai.run(ask("capital of france"))).similarity == 1
        assert not (await ai.run(other)).cached
    assert len(provider.asked) == 2


@similar
async def test_nothing_similar_is_used_unless_it_is_wanted(make: Make) -> None:
    provider = ScriptedProvider(["Paris."])
    async with make(provider) as ai:
        await ai.run(ask("What is the capital of France?"))
        assert not (await ai.run(ask("what's the capital of france"))).cached


@similar
async def test_an_answer_that_is_gone_is_not_found_by_its_likeness(make: Make) -> None:
    provider, clock = ScriptedProvider(["Paris.", "Again."]), FakeClock()
    async with make(provider, cache_semantic=True, cache_entries=1, clock=clock) as ai:
        await ai.run(ask("What is the capital of France?"))
        await ai.run(ask("Why?"))
        assert not (await ai.run(ask("what's the capital of france"))).cached


async def test_without_a_cache_or_the_extra_it_says_what_is_missing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="set cache to memory or disk"):
        make(ScriptedProvider(), cache="off", cache_semantic=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"aiorch-sdk\[embeddings\]"):
        make(ScriptedProvider(), cache_semantic=True)


def test_the_semantic_cache_is_not_loaded_by_who_does_not_want_it(make: Make) -> None:
    assert make(ScriptedProvider())._house.line.similar is None
    if importlib.util.find_spec("onnxruntime"):
        assert isinstance(make(ScriptedProvider(), cache_semantic=True)._house.line.similar, SemanticCache)


async def test_an_answer_of_somebody_who_may_not_be_asked_here_is_not_taken_over() -> None:
    """Two tasks with one first choice may differ in who else may be asked."""
    mine, theirs = (Candidate(Deployment(p, "m"), ModelCard(p, "m")) for p in ("mine", "theirs"))
    asked = 0

    class Fails:
        async def complete(self, request: Request, candidates: Sequence[Candidate], terms: object) -> Answer:
            nonlocal asked
            asked += 1
            await anyio.sleep(0.02)
            answer = Response(Message.assistant(candidates[-1].card.id), "stop")
            return Answer(answer, candidates[-1], (), Usage(), Decimal(0))

    clock = SystemClock()
    line: Any = SimpleNamespace(
        flights=SingleFlight[Answer](),
        executor=Fails(),
        clock=clock,
        days=None,
        purse=None,
        timeout=9.0,
        attempts=8,
    )
    got: list[str] = []

    async def one(*candidates: Candidate) -> None:
        now, task = clock.monotonic(), ask()
        work = Work(task, task, profile("p", {}), now, now + 9.0, candidates, conversation=task.messages)
        answer = await ask_once(line, work, Request(task.messages, task.parameters), "key")
        got.append(answer.response.message.text)

    async with anyio.create_task_group() as group:
        group.start_soon(one, mine, theirs)
        group.start_soon(one, mine, theirs)
        group.start_soon(one, mine)
    assert sorted(got) == ["mine/m", "theirs/m", "theirs/m"] or sorted(got) == ["mine/m", "mine/m", "mine/m"]
    assert asked == (2 if "theirs/m" in got else 1)
