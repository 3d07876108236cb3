"""What aiorch promises of each kind of plugin, and what these five do beside that."""

import aiorch_parrot
import pytest

import aiorch
from aiorch.errors import AttemptFailed
from aiorch.testing import (
    CheckConformance,
    Example,
    MatcherConformance,
    ProviderConformance,
    ToolConformance,
    ValidatorConformance,
)
from aiorch.types import Deployment, FailureKind, Task


class TestParrot(ProviderConformance):
    @pytest.fixture
    def provider(self):
        return aiorch_parrot.Parrot()

    @pytest.mark.anyio
    async def test_a_model_that_it_does_not_have_is_gone(self, provider, question):
        with pytest.raises(AttemptFailed) as failed:
            await provider.complete(Deployment("parrot", "huge"), question)
        assert failed.value.failure.kind is FailureKind.MODEL_GONE


class TestRoomiest(MatcherConformance):
    @pytest.fixture
    def matcher(self):
        return aiorch_parrot.Roomiest()


class TestNoShouting(ValidatorConformance):
    @pytest.fixture
    def validator(self):
        return aiorch_parrot.NoShouting()

    @pytest.fixture
    def examples(self):
        return [Example("GIVE ME AN ANSWER", "redact"), Example("Give me an answer", "allow")]


class TestEndsWell(CheckConformance):
    @pytest.fixture
    def check(self):
        return aiorch_parrot.EndsWell()

    @pytest.fixture
    def answers(self):
        ask = Task.of("Say something")
        return [(ask, "Here it is.", True), (ask, "Here it", False), (ask, "", None)]


class TestCountWords(ToolConformance):
    @pytest.fixture
    def tool(self):
        return aiorch_parrot.count_words

    @pytest.fixture
    def arguments(self):
        return {"text": "one two three"}


@pytest.mark.anyio
async def test_together_in_a_real_run(tmp_path):
    profiles = {"counting_agent": {"tools": ["count_words"]}}
    async with aiorch.Orchestrator(
        providers=["parrot"], profiles=profiles, data_dir=tmp_path, cache="off"
    ) as ai:
        outcome = await ai.run("HOW MANY ARE THESE?", agent="counting_agent")
    assert outcome.value == "There are 4 words."
    assert outcome.model == "parrot/grand"
    assert "ends_well" in {check.name for check in outcome.assessment.passed}
