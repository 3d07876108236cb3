"""Streams through the public face: what happens to one that breaks, and what its validators see."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

import aiorch
from aiorch.testing import ScriptedProvider
from aiorch.types import Deployment, ModelCard, Request, StreamPart, StreamVerdict, Timeouts

pytestmark = pytest.mark.anyio


class Cut(ScriptedProvider):
    """Breaks in the middle of each stream."""

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        self.asked.append((deployment, request))
        yield aiorch.TextDelta("Half ")
        raise ConnectionResetError("reset")


def orchestrator(tmp_path: Path, **more: Any) -> aiorch.Orchestrator:
    providers = [Cut(name="a"), ScriptedProvider(["Half an answer."], name="b")]
    for provider in providers:
        provider.cards = (ModelCard(provider.name, "m", free="local"),)
    return aiorch.Orchestrator(
        providers=providers,
        profiles={"general": {"primary": "a/m", "fallbacks": ["b/m"]}},
        data_dir=tmp_path,
        cache="off",
        **more,
    )


async def shown(stream: aiorch.Stream) -> str:
    text = ""
    async for event in stream:
        text += event.text if isinstance(event, aiorch.TextDelta) else "|"
    return text


@pytest.mark.parametrize(
    ("setting", "argument", "text"),
    [
        ("interrupt", "continue", "Half an answer."),
        ("continue", None, "Half an answer."),
        ("restart", None, "Half |Half an answer."),
        ("continue", "restart", "Half |Half an answer."),
    ],
)
async def test_a_broken_stream_goes_on_as_its_caller_or_the_setting_says(
    tmp_path: Path, setting: str, argument: Any, text: str
) -> None:
    async with orchestrator(tmp_path, resume=setting) as ai:
        stream = ai.stream("hi", resume=argument)
        assert await shown(stream) == text
        outcome = await stream.outcome()
    assert outcome.text == "Half an answer."
    assert outcome.model == "b/m"
    assert [a.decision for a in outcome.attempts] == ["next_deployment", "accept"]


@pytest.mark.parametrize(("setting", "argument"), [("interrupt", None), ("continue", "interrupt")])
async def test_otherwise_it_ends_with_an_error_that_carries_what_came(
    tmp_path: Path, setting: str, argument: Any
) -> None:
    async with orchestrator(tmp_path, resume=setting) as ai:
        with pytest.raises(aiorch.StreamInterrupted) as broken:
            await shown(ai.stream("hi", resume=argument))
    assert broken.value.partial == "Half "
    assert [a.deployment.id for a in broken.value.attempts] == ["a/m"]


async def test_validators_begin_again_with_the_answer(tmp_path: Path) -> None:
    seen: list[str] = []

    class Remembers:
        name = "remembers"

        def __init__(self) -> None:
            seen.append("")

        def feed(self, text: str) -> StreamVerdict:
            seen[-1] += text
            return StreamVerdict(release=text)

        def close(self) -> StreamVerdict:
            return StreamVerdict("")

    async with orchestrator(tmp_path, stream_validators=[Remembers]) as ai:
        await shown(ai.stream("hi", resume="restart"))
    assert seen == ["Half ", "Half an answer."]


async def test_what_is_learnt_outlives_the_process(tmp_path: Path) -> None:
    for _ in range(3):
        async with orchestrator(tmp_path) as ai:
            with pytest.raises(aiorch.StreamInterrupted):
                await shown(ai.stream("hi"))
    async with orchestrator(tmp_path) as ai:
        assert await shown(ai.stream("hi")) == "Half an answer."
