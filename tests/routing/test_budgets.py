from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.budgets import ASSUMED_ANSWER, Spent, answer_limit, cost_of, unaffordable
from aiorch.types import Budget, ModelCard, Price, Usage

DEAR = ModelCard("p", "m", price=Price(Decimal(1), Decimal(10)), max_output=1_000)  # USD per million tokens
NOTHING_SPENT = Spent()


def why(
    budget: Budget | None, card: ModelCard = DEAR, spent: Spent = NOTHING_SPENT, **given: object
) -> str | None:
    call = {"prompt": 1_000, "answer": None, "free": False, **given}
    return unaffordable(budget, spent, card, **call)  # type: ignore[arg-type]


def limit(
    budget: Budget | None, card: ModelCard, spent: Spent = NOTHING_SPENT, **given: object
) -> int | None:
    call = {"prompt": 300, "answer": None, "free": True, **given}
    return answer_limit(budget, spent, card, **call)  # type: ignore[arg-type]


# --- what is spent -----------------------------------------------------------------------------------------------


def test_what_is_spent_adds_up() -> None:
    spent = Spent().plus(Usage(1, 2), Decimal("0.1")).plus(Usage(10, 20), Decimal("0.2"), attempts=3)
    assert spent == Spent(Usage(11, 22), Decimal("0.3"), 4)


def test_a_call_costs_what_its_price_says_unless_it_is_free() -> None:
    usage = Usage(1_000_000, 100_000)
    assert cost_of(DEAR, usage, free=False) == 2
    assert cost_of(DEAR, usage, free=True) == 0
    assert cost_of(ModelCard("p", "m"), usage, free=False) == 0


# --- may it be made? ---------------------------------------------------------------------------------------------


def test_without_a_budget_everything_can_be_afforded() -> None:
    assert why(None) is None
    assert why(Budget()) is None


def test_the_worst_case_is_reckoned_with() -> None:
    worst = Decimal("0.011")  # 1,000 tokens of prompt and the model's 1,000 of answer
    assert why(Budget(usd=worst)) is None
    assert why(Budget(usd=worst - Decimal("0.000001"))) == (
        "it could cost 0.011 USD in all, above the budget of 0.010999 USD"
    )


def test_what_was_spent_before_counts() -> None:
    spent = Spent(usd=Decimal("0.001"))
    assert why(Budget(usd=Decimal("0.012")), spent=spent) is None
    assert "0.012 USD in all" in str(why(Budget(usd=Decimal("0.0119")), spent=spent))


@pytest.mark.parametrize(
    ("answer", "max_output", "tokens"), [(50, 1_000, 50), (None, 1_000, 1_000), (None, None, ASSUMED_ANSWER)]
)
def test_an_answer_is_taken_to_be_as_long_as_it_may_be(
    answer: int | None, max_output: int | None, tokens: int
) -> None:
    card = ModelCard("p", "m", price=Price(Decimal(0), Decimal(1_000_000)), max_output=max_output)
    assert why(Budget(usd=tokens), card, answer=answer) is None
    assert why(Budget(usd=tokens - 1), card, answer=answer) is not None


def test_an_unknown_price_cannot_be_kept_within_a_budget() -> None:
    assert (
        why(Budget(usd=100), ModelCard("p", "m"))
        == "its price is unknown, so a budget of 100 USD cannot be kept"
    )
    assert why(Budget(tokens=10_000), ModelCard("p", "m")) is None


def test_a_free_route_needs_no_money() -> None:
    assert why(Budget(usd=0), free=True) is None
    assert why(Budget(usd=0), ModelCard("p", "m"), free=True) is None


def test_tokens_are_left_for_the_prompt_and_at_least_one_of_the_answer() -> None:
    assert why(Budget(tokens=1_001)) is None
    assert (
        why(Budget(tokens=1_000))
        == "the prompt takes about 1,000 tokens, and 1,000 of the budget's 1,000 are left"
    )
    overdrawn = Spent(Usage(3_000, 0))
    assert "and 0 of the budget's 2,000 are left" in str(why(Budget(tokens=2_000), spent=overdrawn))


def test_attempts_are_counted() -> None:
    assert why(Budget(attempts=2), spent=Spent(attempts=1)) is None
    assert why(Budget(attempts=2), spent=Spent(attempts=2)) == "the budget of 2 attempt(s) is used up"


# --- how long may the answer be? ---------------------------------------------------------------------------------

SMALL = ModelCard("p", "m", max_output=500)
UNKNOWN = ModelCard("p", "m")


def test_without_a_budget_of_tokens_the_task_decides() -> None:
    assert limit(None, SMALL, answer=70) == 70
    assert limit(None, SMALL) is None
    assert limit(Budget(usd=0), UNKNOWN) is None
    assert limit(Budget(attempts=1), UNKNOWN, free=False) is None


def test_prompt_and_answer_stay_within_the_tokens_that_are_left() -> None:
    budget, spent = Budget(tokens=1_000), Spent(Usage(150, 50))
    assert limit(budget, UNKNOWN, spent) == 500
    assert limit(budget, UNKNOWN, spent, answer=900) == 500
    assert limit(budget, UNKNOWN, spent, answer=100) == 100
    assert limit(budget, UNKNOWN, spent, prompt=5_000) == 1


def test_no_limit_is_named_that_the_model_has_anyway() -> None:
    budget = Budget(tokens=50_000)
    assert limit(budget, SMALL) is None
    assert limit(budget, ModelCard("p", "m", context=8_000)) is None
    assert limit(budget, UNKNOWN) == 49_700
    assert limit(Budget(tokens=700), SMALL) == 400


def test_a_paid_answer_of_unknown_length_is_held_to_what_was_reckoned_with() -> None:
    assert limit(Budget(usd=1), UNKNOWN, free=False) == ASSUMED_ANSWER
    assert limit(Budget(usd=1), UNKNOWN, free=False, answer=9_000) == 9_000
    assert limit(Budget(usd=1), SMALL, free=False) is None
    assert limit(Budget(usd=1), UNKNOWN, free=True) is None


@given(
    st.builds(
        Budget,
        usd=st.none() | st.decimals(0, 10, places=4),
        tokens=st.none() | st.integers(0, 100_000),
        attempts=st.none() | st.integers(0, 5),
    ),
    st.builds(
        Spent,
        st.builds(Usage, st.integers(0, 50_000), st.integers(0, 50_000)),
        st.decimals(0, 5, places=4),
        st.integers(0, 5),
    ),
    st.none() | st.integers(1, 20_000),
    st.none() | st.integers(1, 20_000),
    st.integers(1, 50_000),
    st.integers(0, 100_000),
)
def test_a_call_that_may_be_made_cannot_break_its_budget(
    budget: Budget, spent: Spent, max_output: int | None, wanted: int | None, prompt: int, longest: int
) -> None:
    """Whatever the model does within the limit that it is told, and its own."""
    card = ModelCard("p", "m", price=Price(Decimal(100), Decimal(300)), max_output=max_output)
    told = answer_limit(budget, spent, card, prompt=prompt, answer=wanted, free=False)
    if unaffordable(budget, spent, card, prompt=prompt, answer=told, free=False) is not None:
        return
    answer = min(n for n in (longest, told, max_output) if n is not None)
    usage = Usage(prompt, answer)
    after = spent.plus(usage, cost_of(card, usage, free=False))
    assert budget.usd is None or after.usd <= budget.usd
    assert budget.tokens is None or after.usage.total <= budget.tokens
    assert budget.attempts is None or after.attempts <= budget.attempts
