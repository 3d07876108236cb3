"""``aiorch health``."""

from __future__ import annotations

import json
import re
from typing import Any

import anyio
import pytest

from aiorch import Orchestrator, Settings
from aiorch.cli.health import _when
from aiorch.types import Failure, FailureKind

ADDRESS = "AIORCH_BASE_URLS"


@pytest.fixture
def groq(server, monkeypatch: pytest.MonkeyPatch):
    """A provider on this machine with a key."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk_" + "a1b2c3d4" * 6)
    monkeypatch.setenv(ADDRESS, f"groq={server.url}")
    return server


def test_without_a_provider_it_says_what_to_do(aiorch):
    done = aiorch("health")
    assert done.exit_code == 0
    assert "no provider is configured" in done.stderr


def test_nobody_is_asked_unless_it_is_told_to(aiorch, groq):
    done = aiorch("health")
    assert done.exit_code == 0
    assert re.search(r"^groq +healthy", done.stdout, re.MULTILINE)
    assert "--check" in done.stderr
    assert groq.seen == []


def test_a_check_says_how_long_the_answer_took(aiorch, groq):
    done = aiorch("health", "--check")
    assert done.exit_code == 0
    assert re.search(r"^groq +healthy +\d+\.\d\d s", done.stdout, re.MULTILINE), done.stdout
    assert groq.seen
    assert {line.split(" ")[0] for line in groq.seen} == {"GET"}


def test_when_nobody_answers_a_check_that_is_a_failure(aiorch, groq):
    groq.status, groq.echo_key = 401, True
    done = aiorch("health", "--check")
    assert done.exit_code == 1
    assert "auth" in done.stdout
    assert "a1b2c3d4" not in done.output


def test_what_an_earlier_program_learnt_is_shown(aiorch, groq, monkeypatch: pytest.MonkeyPatch):
    async def earlier() -> None:
        async with Orchestrator(Settings()) as ai:
            experience = ai._house.line.executor.experience
            await experience.ready()
            now = ai._house.line.clock.now()
            for _ in range(3):
                experience.health.failed(
                    "groq/openai/gpt-oss-20b#GROQ_API_KEY",
                    Failure(FailureKind.OVERLOADED, "model", "busy", status=503),
                    now,
                )

    anyio.run(earlier)
    done = aiorch("health")
    row = next(line for line in done.stdout.splitlines() if line.startswith("groq/openai/gpt-oss-20b"))
    assert re.search(r"ejected for \d+ s", row)
    assert "3 failures in a row, the last: overloaded 503" in row
    told = json.loads(aiorch("health", "--json").stdout)
    (sick,) = [d for d in told["deployments"] if d["state"] == "ejected"]
    assert sick["id"] == "groq/openai/gpt-oss-20b#GROQ_API_KEY"
    assert sick["until"] > told["at"]
    assert sick["first_token_p95"] is None


def test_json_has_limits_and_checks(aiorch, groq):
    async def earlier() -> None:
        from aiorch.quotas import Demand, Lease, account_name
        from aiorch.types import Limit

        async with Orchestrator(Settings()) as ai:
            quotas = ai._house.line.executor.experience.quotas
            name = account_name("groq", "GROQ_API_KEY")
            quotas.define(name, (Limit(30, "requests", "day"),))
            lease = await quotas.lease(Demand((name,)))
            assert isinstance(lease, Lease)
            quotas.settle(lease, tokens=5)

    anyio.run(earlier)
    told: dict[str, Any] = json.loads(aiorch("health", "--check", "--json").stdout)
    assert [(c["provider"], c["answered"]) for c in told["checks"]] == [("groq", True)]
    day = [q for q in told["quotas"] if (q["name"], q["per"]) == ("groq#GROQ_API_KEY", "day")]
    assert [(q["limit"], q["unit"], q["used"], q["left"]) for q in day] == [(30, "requests", 1, 29)]
    shown = aiorch("health").stdout
    assert re.search(r"groq#GROQ_API_KEY +30 requests a day +1 +29", shown)


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (None, ""),
        (999.0, ""),
        (1_025.0, "for 25 s"),
        (float("inf"), "for good"),
        (10_000.0, "until 02:46 UTC"),
        (200_000.0, "until 1970-01-03 07:33 UTC"),
    ],
)
def test_moments_are_told_as_people_tell_them(moment: float | None, told: str):
    assert _when(moment, 1_000.0) == told
