"""examples/plugin: built into a wheel, installed with aiorch's own into an empty environment, and used there."""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path

import pytest
from tests.examples import fresh
from tests.examples.fresh import run

PLUGIN = fresh.ROOT / "examples" / "plugin"
NAMES = {
    "provider": "parrot",
    "matcher": "roomiest",
    "validator": "no_shouting",
    "check": "ends_well",
    "tool": "count_words",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plugin is installed, and a pytest to test it with."""
    return fresh.environment(tmp_path_factory.mktemp("plugin"), PLUGIN, beside=("pytest",))


def test_aiorch_plugins_lists_all_five_with_their_distribution(environment: Path) -> None:
    done = run(environment, "aiorch", "plugins", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] is True
    assert {
        p["group"].removeprefix("aiorch.").removesuffix("s"): p["gives"] for p in told["plugins"]
    } == NAMES
    assert {(p["distribution"], p["version"], p["state"]) for p in told["plugins"]} == {
        ("aiorch-parrot", "0.1.0", "used")
    }
    listed = run(environment, "aiorch", "plugins").stdout
    assert all(re.search(rf"^used +{kind} +{name} ", listed, re.M) for kind, name in NAMES.items()), listed


def test_all_five_take_part_in_a_real_run(environment: Path) -> None:
    program = textwrap.dedent(
        """
        import asyncio, json, aiorch

        async def main():
            profiles = {"counting_agent": {"tools": ["count_words"]}}
            async with aiorch.Orchestrator(profiles=profiles, cache="off") as ai:
                outcome = await ai.run("HOW MANY ARE THESE?", agent="counting_agent")
                async with ai.stream("Say this.") as stream:
                    pieces = [e.text async for e in stream if isinstance(e, aiorch.TextDelta)]
                print(json.dumps({
                    "value": outcome.value,
                    "model": outcome.model,
                    "cost": float(outcome.cost),
                    "matcher": ai.matcher.name,
                    "checks": [check.name for check in outcome.assessment.passed],
                    "issues": [issue.code for verdict in outcome.verdicts for issue in verdict.issues],
                    "pieces": pieces,
                }))

        asyncio.run(main())
        """
    )
    done = run(environment, "python", "-c", program)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "value": "There are 4 words.",
        "model": "parrot/grand",
        "cost": 0.0,
        "matcher": "roomiest",
        "checks": ["not_empty", "not_truncated", "no_repetition", "ends_well"],
        "issues": ["shouting"],
        "pieces": ["Say ", "this."],
    }


def test_it_is_switched_off_by_a_setting(environment: Path) -> None:
    done = run(environment, "aiorch", "plugins", "--json", AIORCH_DISABLED_PLUGINS="aiorch-parrot")
    assert {p["state"] for p in json.loads(done.stdout)["plugins"]} == {"idle"}
    asked = run(environment, "aiorch", "ask", "Say this.", AIORCH_DISABLED_PLUGINS="parrot")
    assert asked.returncode == 1


def test_its_own_tests_pass(environment: Path, tmp_path: Path) -> None:
    done = run(
        environment, "python", "-m", "pytest", str(PLUGIN / "tests"), "-q", "-p", "no:cacheprovider",
        "-c", os.devnull, "--rootdir", str(tmp_path), PYTHONDONTWRITEBYTECODE="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
