"""Budgets of scopes, days, tenants and users, over a whole orchestrator."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiorch
from aiorch import Budget, BudgetExceeded, LimitReached, Message, ModelCard, Outcome
from aiorch.events import TaskErred
from aiorch.safety import Asked, audit_records
from aiorch.scopes import Scope
from aiorch.testing import ScriptedProvider
from aiorch.types import Capabilities, Limit, Price, Response, Task, Usage

CAN = Capabilities(chat=True)
DEAR = ModelCard(
    "p", "m", free="none", capabilities=CAN, price=Price(Decimal(0), Decimal(1)), max_output=10_000
)
FREE = ModelCard("p", "m", free="zero_price", capabilities=CAN, max_output=1_000)


def orchestrator(tmp_path: Path, card: ModelCard, tokens: int, **more: Any) -> aiorch.Orchestrator:
    answer = Response(Message.assistant("Yes."), "stop", Usage(10, tokens))
    provider = ScriptedProvider([answer], "p", [card], delay=0.01)
    return aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, cache="off", audit="off", **more)


async def all_at_once(ai: aiorch.Orchestrator, times: int) -> tuple[list[Outcome[str]], list[BudgetExceeded]]:
    done: list[Outcome[str]] = []
    refused: list[BudgetExceeded] = []

    async def one(number: int) -> None:
        try:
            done.append(await ai.run(f"question {number}"))
        except BudgetExceeded as broke:
            refused.append(broke)

    async with anyio.create_task_group() as tasks:
        for number in range(times):
            tasks.start_soon(one, number)
    return done, refused


@pytest.mark.anyio
async def test_tasks_that_run_at_the_same_time_cannot_overshoot_a_scopes_money_together(
    tmp_path: Path,
) -> None:
    async with orchestrator(tmp_path, DEAR, 10_000, allow_paid=True) as ai:
        done, refused = await all_at_once(ai.scoped(budget=Budget(usd=Decimal("0.03"))), 8)
    assert (len(done), len(refused)) == (3, 5)  # each takes its whole worst case of 0.01
    assert sum(o.cost for o in done) == Decimal("0.03")


@pytest.mark.anyio
async def test_who_finds_no_room_in_a_scope_waits_and_is_answered_when_the_others_took_little(
    tmp_path: Path,
) -> None:
    async with orchestrator(tmp_path, FREE, 20) as ai:
        mine = ai.scoped(budget=Budget(tokens=1_500))
        done, refused = await all_at_once(mine, 8)
    assert (len(done), refused) == (8, [])


@pytest.mark.anyio
async def test_a_days_budget_holds_for_all_tasks_and_outlives_the_process(tmp_path: Path) -> None:
    limits: Mapping[str, Any] = {"budget_day_tokens": 2_500}
    async with orchestrator(tmp_path, FREE, 1_000, **limits) as ai:
        done, refused = await all_at_once(ai, 4)
    assert sum(o.usage.total for o in done) <= 2_500
    assert (len(done), len(refused)) == (2, 2)
    async with orchestrator(tmp_path, FREE, 1_000, **{**limits, "budget_day_tokens": 2_020}) as ai:
        with pytest.raises(BudgetExceeded):
            await ai.run("again")


@pytest.mark.anyio
async def test_a_tenants_day_is_its_own(tmp_path: Path) -> None:
    tenants = {"acme": {"usd_day": "0.01"}, "*": {"usd_day": "0.02"}}
    async with orchestrator(tmp_path, DEAR, 10_000, allow_paid=True, budget_usd=1, tenants=tenants) as ai:
        acme, other = ai.scoped(tenant="acme"), ai.scoped(tenant="other")
        assert (await acme.run("one")).cost == Decimal("0.01")
        with pytest.raises(BudgetExceeded, match="the day's budget of tenant:acme"):
            await acme.run("two")
        await other.run("one")
        await other.run("two")
        with pytest.raises(BudgetExceeded, match="tenant:other"):
            await other.run("three")
        await ai.run("nobody's")


@pytest.mark.anyio
async def test_a_users_requests_a_minute_are_limited(tmp_path: Path) -> None:
    async with orchestrator(tmp_path, FREE, 5, users={"*": {"requests_minute": 2}}, timeout=5) as ai:
        mine = ai.scoped(user="u1")
        await mine.run("one")
        await mine.run("two")
        with pytest.raises(LimitReached, match="user:u1 has used up its 2 requests a minute: ask") as refused:
            await mine.run("three")
        assert refused.value.name == "user:u1"
        assert 0 < (refused.value.retry_after or 0) <= 60
        await ai.scoped(user="u2").run("one")


@pytest.mark.anyio
async def test_a_limit_that_is_used_up_is_recorded_with_whose_it_is_and_told(tmp_path: Path) -> None:
    provider = ScriptedProvider(["Yes."], "p", [FREE])
    told: list[TaskErred] = []
    async with aiorch.Orchestrator(
        providers=[provider],
        data_dir=tmp_path,
        cache="off",
        tenants={"acme": {"requests_hour": 1}},
        timeout=5,
    ) as ai:
        ai.on(told.append, TaskErred)
        await ai.scoped(tenant="acme").run("one")
        with pytest.raises(LimitReached):
            await ai.scoped(tenant="acme").run("two")
    (erred,) = [r for r in audit_records(tmp_path / "audit", Asked()) if r["event"] == "task.erred"]
    assert (erred["error"], erred["limited"], erred["limit"]) == (
        "LimitReached",
        "tenant:acme",
        str(Limit(1, "requests", "hour")),
    )
    assert [event.error for event in told] == ["LimitReached"]
    assert len(provider.asked) == 1


# --- the scope itself --------------------------------------------------------------------------------------------


def test_a_scope_says_whose_work_it_is_and_the_task_itself_comes_first() -> None:
    scope = Scope().narrowed(user="u1", tenant="acme", budget=None, tags={"a": "1", "b": "1"})
    inner = scope.narrowed(user="u2", tenant=None, budget=None, tags={"b": "2"})
    task = inner.applied(Task((Message.user("hi"),), tags={"a": "0"}))
    assert (task.user, task.tenant, task.tags) == ("u2", "acme", {"a": "0", "b": "2"})
    assert (inner.purse, task.budget) == (None, None)
    assert Scope().applied(task) is task


def test_a_task_may_spend_the_least_of_all_scopes_and_what_it_asks_for() -> None:
    scope = Scope().narrowed(user=None, tenant=None, budget=Budget(tokens=100, attempts=9), tags={})
    inner = scope.narrowed(user=None, tenant=None, budget=Budget(usd=1, tokens=500), tags={})
    task = inner.applied(Task((Message.user("hi"),), budget=Budget(usd=2, attempts=3)))
    assert task.budget == Budget(usd=1, tokens=100, attempts=3)
