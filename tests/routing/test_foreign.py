"""Matchers of others: what they may not do, and what happens when they fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aiorch import Orchestrator
from aiorch.errors import AiorchError, UnknownModel
from aiorch.routing.foreign import ranking_by
from aiorch.testing import ScriptedProvider
from aiorch.types import Candidate, Deployment, ModelCard, Profile, Ranking, Task

FREE, PAID = (
    Candidate(Deployment("p", card.model), card)
    for card in (ModelCard("p", "free", free="local"), ModelCard("p", "paid", free="none"))
)
TASK, PROFILE = Task.of("hi"), Profile("general")


class Says:
    name = "mine"

    def __init__(self, said: Any) -> None:
        self.said = said

    async def match(self, task: Any, profile: Any, candidates: Any) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


@pytest.mark.anyio
async def test_whom_it_was_not_given_it_cannot_send_work_to() -> None:
    forged = replace(PAID, card=replace(PAID.card, free="local"))
    ranking = Ranking((PAID, FREE, FREE), reason="mine", tiers=(0, 1, 1))
    kept = await ranking_by(Says(ranking), TASK, PROFILE, [FREE])
    assert (kept.candidates, kept.tiers, kept.reason) == ((FREE,), (1,), "mine")
    assert [p.id for p in kept.passed_over] == ["p/paid", "p/free"]
    (still,) = (await ranking_by(Says(Ranking((forged,))), TASK, PROFILE, [PAID])).candidates
    assert still is PAID


@pytest.mark.anyio
async def test_a_whole_ranking_is_taken_as_it_is() -> None:
    ranking = Ranking((PAID, FREE))
    assert await ranking_by(Says(ranking), TASK, PROFILE, [FREE, PAID]) is ranking


@pytest.mark.anyio
@pytest.mark.parametrize("said", [None, (FREE,), KeyError("x")], ids=repr)
async def test_one_that_fails_is_told_and_the_usual_one_ranks(
    said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with Orchestrator(providers=[ScriptedProvider(["Hello."])], matcher=Says(said)) as ai:
        assert (await ai.run("hi")).value == "Hello."
        assert "the matcher 'mine' failed" in (await ai.route("hi")).reason
    assert "the matcher 'mine' failed, and the usual one ranks in its place" in caplog.text


@pytest.mark.anyio
async def test_what_it_refuses_on_purpose_is_refused() -> None:
    with pytest.raises(AiorchError, match="nobody"):
        await ranking_by(Says(UnknownModel("nobody")), TASK, PROFILE, [FREE])
