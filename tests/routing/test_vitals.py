"""The report of how everybody is."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiorch.clock import Clock
from aiorch.quotas import MemoryQuotas, account_name
from aiorch.routing.experience import Experience
from aiorch.routing.health import Health
from aiorch.routing.loads import Loads
from aiorch.routing.vitals import look, vitals
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import Candidate, Deployment, Failure, FailureKind, Limit, ModelCard

BUSY = Failure(FailureKind.OVERLOADED, "model", "busy", status=503)
NOW = 1_800_000_000.0


def asked(
    loads: Loads, health: Health, id: str, times: int, *, first: float = 0.4, seconds: float = 2.4
) -> None:
    for _ in range(times):
        loads.began(id)
        turn = health.begun(id, NOW)
        loads.answered(id, NOW, first=first, seconds=seconds, tokens=100)
        health.succeeded(id, NOW, seconds, turn)


def test_a_deployment_is_told_with_its_state_speed_and_failures():
    health, loads = Health(random.Random(1)), Loads()
    asked(loads, health, "a/x#K", 10)
    loads.began("a/x#K")
    for _ in range(3):
        health.failed("b/y", BUSY, NOW)
    report = vitals(["b", "a"], health, loads, {}, NOW + 1)
    well, sick = report.deployments
    assert (well.id, well.provider, well.state, well.calls, well.failures) == ("a/x#K", "a", "healthy", 10, 0)
    assert well.in_flight == 1
    assert well.first_token == pytest.approx(0.4)
    assert well.p50 == pytest.approx(0.4, rel=0.13)
    assert well.p95 == pytest.approx(0.4, rel=0.13)
    assert well.tokens_per_second == pytest.approx(50, rel=0.01)
    assert sick.state == "ejected"
    assert sick.until is not None
    assert NOW + 20 < sick.until < NOW + 40
    assert "3 failures in a row" in sick.reason
    assert (sick.first_token, sick.p50, sick.p95, sick.tokens_per_second) == (None,) * 4
    assert [p.id for p in report.providers] == ["a", "b"]
    assert report.sick == (sick,)
    assert (len(report), list(report)) == (2, [well, sick])


@pytest.mark.parametrize("name", ["a/x#K", "a/x", "a#K"])
def test_who_is_blocked_says_until_when_by_whatever_name(name: str):
    health, loads = Health(random.Random(1)), Loads()
    asked(loads, health, "a/x#K", 1)
    report = vitals(["a"], health, loads, {name: (NOW + 60, "rate_minute: slow down")}, NOW)
    vital = next(v for v in report if v.id == "a/x#K")
    assert (vital.blocked, vital.reason) == (NOW + 60, "rate_minute: slow down")


def test_records_have_the_same_plain_columns_for_everybody():
    health, loads = Health(random.Random(1)), Loads()
    asked(loads, health, "a/x", 1)
    health.failed("b/y", BUSY, NOW)
    rows = vitals(["a", "b"], health, loads, {}, NOW).to_records()
    assert [row["id"] for row in rows] == ["a/x", "b/y"]
    assert rows[0].keys() == rows[1].keys()
    assert all(isinstance(v, str | int | float | bool | None) for row in rows for v in row.values())


class Router(ScriptedProvider):
    """OpenRouter, as far as its hosts go."""

    spec = SimpleNamespace(key_check="/key", list_path="/models")

    async def get(self, path: str, key: str | None = None) -> dict[str, Any]:
        if path == "/key":
            return {}
        pace: dict[str, Any] = {"latency_last_30m": {"p50": 400}, "throughput_last_30m": {"p50": 50}}
        if "silent" in path:
            pace = {}
        host = {"provider_name": "Acme", "tag": "acme", "uptime_last_5m": 99.0, **pace}
        return {"data": {"id": "a/b", "endpoints": [host]}}


def candidate(provider: str, model: str) -> Candidate:
    return Candidate(Deployment(provider, model, "KEY"), ModelCard(provider, model))


@pytest.mark.anyio
async def test_looking_asks_nobody_and_a_check_asks_all_and_openrouter_about_its_models():
    from aiorch.routing.checks import Checks

    clock: Clock = FakeClock()
    quotas = MemoryQuotas(clock)
    quotas.define(account_name("a"), (Limit(5, "requests", "minute"),))
    experience = Experience(clock, quotas=quotas)
    router = Router(name="openrouter", key_names=("KEY",))
    providers = (router, ScriptedProvider(name="a"))
    experience.checks = Checks({p.name: p for p in providers}, experience.health, clock)

    before = await look(experience, cast("Any", providers), clock)
    assert (before.checks, before.deployments) == ({}, ())
    assert [(use.name, use.left) for use in before.quotas] == [("a", 5)]

    them = [candidate("openrouter", "a/b"), candidate("a", "model"), candidate("openrouter", "a/silent")]
    after = await look(experience, cast("Any", providers), clock, check=them)
    assert {name: c.answered for name, c in (after.checks or {}).items()} == {"openrouter": True, "a": True}
    told = {v.id: v for v in after}
    assert told["openrouter/a/b#KEY"].first_token == pytest.approx(0.4)
    assert told["openrouter/a/b#KEY"].tokens_per_second == pytest.approx(50)
    assert told["openrouter/a/silent#KEY"].first_token is None


@pytest.mark.anyio
async def test_without_openrouter_or_checks_there_is_only_what_was_learnt():
    clock: Clock = FakeClock()
    report = await look(Experience(clock), [ScriptedProvider(name="a")], clock, check=[])
    assert (report.checks, [p.id for p in report.providers]) == (None, ["a"])
