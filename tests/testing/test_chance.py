from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

import aiorch
import aiorch.testing
from aiorch.testing import FakeRandom, ScriptedProvider


def test_told_draws_come_first_and_everything_is_made_of_them() -> None:
    chance: Random = FakeRandom(0.75, 0.0, 0.5)
    assert chance.random() == 0.75
    assert chance.choice("abc") == "a"
    assert chance.uniform(0, 10) == 5.0


def test_the_rest_is_the_same_in_every_run_and_another_with_another_seed() -> None:
    def drawn(seed: int) -> list[float]:
        chance = FakeRandom(0.5, seed=seed)
        return [chance.random() for _ in range(4)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_what_is_no_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 up to and without 1"):
        FakeRandom(1.0)


@pytest.mark.anyio
async def test_an_orchestrator_draws_from_it() -> None:
    chance = FakeRandom()
    async with aiorch.Orchestrator(providers=[ScriptedProvider()], rng=chance) as ai:
        await ai.run("Hi")
        assert ai._house.line.executor.experience.rng is chance


def test_suites_are_named_lightly_and_need_pytest_only_when_used() -> None:
    asked = "import sys, aiorch.testing as t; print('pytest' in sys.modules, t.Example('a', 'allow').stage)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "input"]
    assert set(dir(aiorch.testing)) == set(aiorch.testing.__all__)
    assert all(hasattr(aiorch.testing, name) for name in aiorch.testing.__all__)
    assert not hasattr(aiorch.testing, "NoSuchSuite")
