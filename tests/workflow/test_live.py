"""The guide's resource and feasibility checks, over facts."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.types import Budget, PassedOver, Price
from aiorch.workflow import Workflow
from aiorch.workflow.codes import CODES, WORKFLOW_VALIDATION_RULES
from aiorch.workflow.estimating import estimate
from aiorch.workflow.facts import AgentFacts, Allowance, Facts, Thresholds
from aiorch.workflow.live import agents_of, capacity, live_problems
from aiorch.workflow.report import Problem


def flow_of(*agents: str) -> Workflow:
    """A workflow that asks each agent once for every item of a list."""
    flow = Workflow("x")
    for agent in agents:
        flow.ask(f"by_{agent}", "On {x}", agent=agent).map(x=f"list_{agent}")
    return flow


def looked_at(
    facts: Facts, thresholds: Thresholds | None = None, prices: Any = None, **agents: int
) -> tuple[Problem, ...]:
    flow = flow_of(*agents)
    inputs = {f"list_{agent}": ["word"] * count for agent, count in agents.items()}
    expected = estimate(flow.graph(), inputs=inputs, limit=10, prices=prices)
    return live_problems(flow.graph(), expected, facts, *([thresholds] if thresholds else []))


def asked_by(**candidates: str) -> dict[str, AgentFacts]:
    return {agent: AgentFacts(tuple(models.split())) for agent, models in candidates.items()}


def found(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(p.code, p.severity) for p in problems]


# --- who can be asked --------------------------------------------------------------------------------------------


def test_nothing_is_wrong_where_everybody_can_be_asked() -> None:
    assert looked_at(Facts(asked_by(a="m", b="m n")), a=3, b=4) == ()
    assert looked_at(Facts(), a=3) == ()  # not looked at, so not judged


def test_a_missing_key_is_told_with_its_name() -> None:
    passed = tuple(PassedOver(f"p/{i}", "no key") for i in range(7))
    facts = Facts({"a": AgentFacts((), passed, ("GROQ_API_KEY", "CEREBRAS_API_KEY"))})
    (problem,) = looked_at(facts, a=1)
    assert (problem.code, problem.task, problem.rule) == ("no-key", "by_a", "api_keys_available")
    assert "GROQ_API_KEY, CEREBRAS_API_KEY" in problem.cure
    assert "p/0: no key" in problem.message
    assert "and 2 more" in problem.message


def test_without_a_model_the_reasons_are_told() -> None:
    facts = Facts({"a": AgentFacts((), (PassedOver("p/m", "retired"),)), "b": AgentFacts(known=False)})
    nobody, unknown = looked_at(facts, a=1, b=1)
    assert (nobody.code, unknown.code) == ("no-model", "no-model")
    assert nobody.message.endswith("(p/m: retired)")
    assert "'b', which there is none of" in unknown.message


def test_agents_of_workflows_inside_are_looked_at() -> None:
    outer = Workflow("outer")
    outer.sub("down", flow_of("a", "b"))
    outer.ask("own", "x", agent="b")
    assert agents_of(outer.graph()) == {"a": "down/by_a", "b": "down/by_b"}
    facts = Facts({"a": AgentFacts(known=False)})
    (problem,) = live_problems(outer.graph(), estimate(outer.graph()), facts)
    assert problem.task == "down/by_a"


# --- quotas ------------------------------------------------------------------------------------------------------


def daily(name: str, left: int, models: str | None, unit: str = "requests") -> Allowance:
    return Allowance(name, unit, left, None if models is None else tuple(models.split()), left, 86_400.0)


def test_a_quota_that_is_too_small_refuses_and_one_that_may_be_warns() -> None:
    facts = Facts(asked_by(a="m"), (daily("key", 9, "m"),))
    (problem,) = looked_at(facts, a=10)
    assert found((problem,)) == [("quota", "error")]
    assert (
        problem.message
        == "'a' needs about 10 calls, and the allowances of its models have 9 within 8 h 0 min"
    )
    assert looked_at(facts, a=9) == ()
    few = Facts(asked_by(a="m"), (daily("key", 30_000, "m", "tokens"),))
    assert found(looked_at(few, a=50)) == [("quota", "warning")]
    assert found(looked_at(Facts(asked_by(a="m"), (daily("key", 100, "m", "neurons"),)), a=50)) == []


def test_models_that_share_an_account_share_its_allowance() -> None:
    account = daily("key", 10, "m n")
    each = (daily("m", 8, "m"), daily("n", 8, "n"))
    assert found(looked_at(Facts(asked_by(a="m n"), (*each, account)), a=11)) == [("quota", "error")]
    assert looked_at(Facts(asked_by(a="m n"), (*each, account)), a=10) == ()
    assert looked_at(Facts(asked_by(a="m n o"), (*each, account)), a=999) == ()  # nothing bounds o


def test_agents_that_share_models_are_short_together() -> None:
    facts = Facts(asked_by(a="m", b="m n", c="o"), (daily("m", 10, "m"), daily("n", 5, "n")))
    assert looked_at(facts, a=7, b=8, c=99) == ()
    (problem,) = looked_at(facts, a=8, b=8, c=99)
    assert problem.message.startswith("'a', 'b' need about 16 calls")
    (alone,) = looked_at(facts, a=11, b=8)  # whoever is short alone is not told again in company
    assert alone.message.startswith("'a' needs")
    user = Facts(asked_by(a="m", b="n"), (daily("user:u1", 5, None),))
    (problem,) = looked_at(user, a=3, b=3)
    assert problem.message.startswith("'a', 'b' need about 6 calls")


def test_many_agents_are_looked_at_alone_and_all_together() -> None:
    names = [f"a{i}" for i in range(12)]
    facts = Facts({n: AgentFacts(("m",)) for n in names}, (daily("m", 11, "m"),))
    (problem,) = looked_at(facts, None, **dict.fromkeys(names, 1))
    assert "need about 12 calls" in problem.message


def test_a_limit_by_the_minute_is_only_a_matter_of_time() -> None:
    slow = Allowance("key", "requests", 20, ("m",), amount=20, seconds=60.0)
    assert looked_at(Facts(asked_by(a="m"), (slow,)), a=500) == ()
    hurried = looked_at(Facts(asked_by(a="m"), (slow,), deadline=600.0), a=500)
    assert ("quota", "error") in found(hurried)


@pytest.mark.parametrize(
    ("allowance", "horizon", "there"),
    [
        (Allowance("k", "requests", 5), 1e9, 5),
        (Allowance("k", "requests", 5, amount=20, seconds=60), 59, 5),
        (Allowance("k", "requests", 5, amount=20, seconds=60), 60, 25),
        (Allowance("k", "requests", 5, amount=20, seconds=60, begins=10), 10, 25),
        (Allowance("k", "requests", 5, amount=20, seconds=60, begins=10), 70, 45),
        (Allowance("k", "requests", 5, amount=0, seconds=60), 600, 5),
    ],
)
def test_new_periods_bring_new_allowances(allowance: Allowance, horizon: float, there: float) -> None:
    assert allowance.within(horizon) == there


@given(st.lists(st.integers(0, 20), min_size=4, max_size=4), st.integers(0, 40), st.integers(0, 60))
def test_capacity_is_what_can_be_shared_out(own: list[int], account: int, everybody: int) -> None:
    """Two models of one account, two of none, all of one user: what nested bounds let through."""
    models = ["a", "b", "c", "d"]
    allowances = [
        Allowance("all", "requests", everybody),
        Allowance("account", "requests", account, ("a", "b")),
        *(Allowance(m, "requests", left, (m,)) for m, left in zip(models, own, strict=True)),
    ]
    assert capacity(models, allowances, 0) == min(everybody, min(account, own[0] + own[1]) + own[2] + own[3])
    assert capacity(["e"], allowances[1:], 0) == math.inf
    grown = [capacity(models[:n], allowances, 0) for n in range(1, 5)]
    assert all(a <= b for a, b in pairwise(grown))


# --- time and money ----------------------------------------------------------------------------------------------


def test_a_deadline_that_half_of_all_runs_miss_refuses() -> None:
    assert found(looked_at(Facts(deadline=10.0), a=50)) == [("too-slow", "error")]
    flow = flow_of("a")
    expected = estimate(flow.graph(), inputs={"list_a": ["word"] * 50}, limit=10)
    between = (expected.seconds_p50 + expected.seconds_p90) / 2
    assert found(live_problems(flow.graph(), expected, Facts(deadline=between))) == [("too-slow", "warning")]
    assert looked_at(Facts(deadline=4_000.0), a=50) == ()


def test_beyond_what_is_reasonable_time_is_a_doubt() -> None:
    assert found(looked_at(Facts(), Thresholds(seconds=10), a=50)) == [("too-slow", "warning")]
    assert (
        looked_at(Facts(deadline=4_000.0), Thresholds(seconds=10), a=50) == ()
    )  # somebody said how long it may take


def test_a_budget_refuses_what_surely_costs_more_and_warns_of_what_may() -> None:
    price = {"a": Price(Decimal(1), Decimal(10))}
    assert found(looked_at(Facts(budget=Budget(usd=0)), prices=price, a=10)) == [("too-expensive", "error")]
    assert found(looked_at(Facts(budget=Budget(usd=Decimal("0.1"))), prices=price, a=10)) == [
        ("too-expensive", "warning")
    ]
    assert looked_at(Facts(budget=Budget(usd=1)), prices=price, a=10) == ()
    assert looked_at(Facts(budget=Budget(usd=0)), a=10) == ()  # free models


def test_a_budget_of_tokens_and_calls_counts_too() -> None:
    assert found(looked_at(Facts(budget=Budget(tokens=100)), a=10)) == [("too-expensive", "error")]
    assert found(looked_at(Facts(budget=Budget(tokens=10_000)), a=10)) == [("too-expensive", "warning")]
    assert found(looked_at(Facts(budget=Budget(attempts=9)), a=10)) == [("too-expensive", "error")]
    assert looked_at(Facts(budget=Budget(attempts=10)), a=10) == ()


# --- the guide's rules -------------------------------------------------------------------------------------------


def test_each_of_the_guides_rules_has_a_code() -> None:
    rules = {rule for group in WORKFLOW_VALIDATION_RULES.values() for rule in group}
    assert {code.rule for code in CODES.values() if code.rule} == rules
