"""What the other shared words can do by themselves."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.types import (
    ZERO_PRICE,
    Assessment,
    Budget,
    CheckResult,
    Deployment,
    Message,
    ModelCard,
    Parameters,
    Price,
    Profile,
    Task,
    Usage,
    Verdict,
    new_id,
)

# --- prices ------------------------------------------------------------------------------------------------------

PRICE = Price(Decimal("0.5"), Decimal("2"), cached_input=Decimal("0.1"), request=Decimal("0.001"))


def test_a_price_counts_input_output_cached_input_and_the_call() -> None:
    cost = PRICE.cost(Usage(input_tokens=1_000_000, output_tokens=500_000, cached_tokens=400_000))
    assert cost == Decimal("0.001") + Decimal("0.3") + Decimal("0.04") + Decimal("1")


def test_cached_input_costs_as_much_as_other_input_unless_it_is_priced() -> None:
    price = dataclasses.replace(PRICE, cached_input=None, request=Decimal(0))
    assert price.cost(Usage(1_000_000, 0, cached_tokens=900_000)) == Decimal("0.5")


def test_a_price_of_nothing_costs_exactly_nothing() -> None:
    assert ZERO_PRICE.zero
    assert ZERO_PRICE.cost(Usage(10**9, 10**9)) == 0
    for part in ("input", "output", "request"):
        assert not dataclasses.replace(ZERO_PRICE, **{part: Decimal("0.000001")}).zero


@given(st.builds(Usage, *[st.integers(0, 10**7)] * 4))
def test_no_usage_whatever_a_provider_reports_costs_less_than_nothing(usage: Usage) -> None:
    assert PRICE.cost(usage) >= PRICE.request


# --- models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "costs_nothing"),
    [
        ("local", True),
        ("zero_price", True),
        ("free_quota", True),
        ("anonymous", True),
        ("trial", False),
        ("none", False),
        ("unknown", False),
    ],
)
def test_what_is_not_known_to_be_free_counts_as_paid(free: str, costs_nothing: bool) -> None:
    assert ModelCard("p", "m", free=free).costs_nothing is costs_nothing  # type: ignore[arg-type]
    assert not ModelCard("p", "m").costs_nothing


def test_ids_name_the_key_and_never_need_one() -> None:
    assert Deployment("groq", "qwen/qwen3", "GROQ_API_KEY").id == "groq/qwen/qwen3#GROQ_API_KEY"
    assert Deployment("local", "smollm2").id == "local/smollm2"
    assert ModelCard("groq", "qwen/qwen3").id == "groq/qwen/qwen3"


# --- usage and parameters ----------------------------------------------------------------------------------------


def test_usage_adds_up_and_stays_estimated_once_a_part_is() -> None:
    total = Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40, estimated=True)
    assert total == Usage(11, 22, 33, 44, estimated=True)
    assert total.total == 33
    assert not (Usage(1, 2) + Usage(1, 2)).estimated


def test_what_a_task_sets_goes_before_what_its_profile_sets_also_where_it_is_zero() -> None:
    of_profile = Parameters(0.7, 100, ("END",), 1, 0.9, {"top_k": 5, "min_p": 0.1})
    assert of_profile.merged(Parameters()) == of_profile
    merged = of_profile.merged(Parameters(0.0, 50, ("STOP",), 0, 0.0, {"top_k": 0}))
    assert merged == Parameters(0.0, 50, ("STOP",), 0, 0.0, {"top_k": 0, "min_p": 0.1})


# --- budgets and tasks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usd", [0, 0.1, Decimal("0.1"), None])
def test_a_budget_keeps_money_as_a_decimal(usd: object) -> None:
    kept = Budget(usd=usd).usd  # type: ignore[arg-type]
    assert kept == (None if usd is None else Decimal(str(usd)))
    assert usd is None or isinstance(kept, Decimal)


@pytest.mark.parametrize(
    "wrong",
    [{"usd": -1}, {"usd": float("nan")}, {"usd": Decimal("NaN")}, {"tokens": -1}, {"attempts": -1}],
    ids=str,
)
def test_a_budget_that_limits_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"Budget.{next(iter(wrong))}="):
        Budget(**wrong)  # type: ignore[arg-type]


def test_a_budget_of_nothing_is_one() -> None:
    assert Budget(usd=0, tokens=0, attempts=0) == Budget(Decimal(0), 0, 0)


def test_a_task_from_a_prompt_has_the_system_prompt_first() -> None:
    task = Task.of("Hi", agent="coding_agent", system="Be brief.")
    assert [m.role for m in task.messages] == ["system", "user"]
    assert task.agent == "coding_agent"
    assert [m.role for m in Task.of("Hi").messages] == ["user"]


def test_the_text_of_a_task_is_what_the_user_says() -> None:
    turns = (Message.system("s"), Message.user("one"), Message.assistant("two"), Message.user("three"))
    assert Task(turns).text == "one\nthree"


def test_every_task_has_an_id_of_its_own() -> None:
    assert Task.of("a").id != Task.of("a").id
    assert re.fullmatch(r"[0-9a-f]{32}", new_id())


# --- profiles ----------------------------------------------------------------------------------------------------


def test_a_profiles_models_come_in_order_and_each_once() -> None:
    profile = Profile("p", primary="a", fallbacks=("b", "a", "c"), complexity_overrides={"complex": "c"})
    assert profile.models("simple") == ("a", "b", "c")
    assert profile.models("complex") == ("c", "a", "b")
    assert Profile("general").models("complex") == ()


# --- findings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("allow", True), ("flag", True), ("redact", True), ("ask", False), ("block", False)],
)
def test_a_verdict_that_waits_for_a_person_does_not_let_pass(action: str, allowed: bool) -> None:
    assert Verdict("input", action).allowed is allowed  # type: ignore[arg-type]


def test_what_nobody_looked_at_is_neither_passed_nor_failed() -> None:
    good, bad, unknown = CheckResult("a", True), CheckResult("b", False), CheckResult("c", None)
    seen = Assessment((good, bad, unknown, good))
    assert (seen.passed, seen.failed, seen.not_assessed) == ((good, good), (bad,), (unknown,))
    assert seen.score == pytest.approx(2 / 3)
    assert Assessment((unknown,)).score is None
