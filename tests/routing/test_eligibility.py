from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.eligibility import Rules, eligible, estimate_tokens, is_free, part_length
from aiorch.types import (
    ZERO_PRICE,
    Budget,
    Candidate,
    Capabilities,
    Deployment,
    FreeKind,
    Image,
    JsonSchema,
    Lifecycle,
    Message,
    ModelCard,
    Price,
    Reasoning,
    Task,
    ToolCall,
    ToolResult,
    ToolSpec,
)

FREE = ModelCard("groq", "m", free="zero_price", price=ZERO_PRICE)
PAID = ModelCard("openai", "m", free="none", price=Price(Decimal(1), Decimal(1)))
HI = Task.of("Hi")
USUAL = Rules()
NOW = ToolSpec("now", "The time.", {"type": "object"})
PICTURE = Task((Message.user("What is it?", Image(url="https://a.example/b.png")),))


def able(**can: bool | None) -> ModelCard:
    return replace(FREE, capabilities=Capabilities(**can))


def why_not(card: ModelCard, task: Task = HI, rules: Rules = USUAL) -> str | None:
    kept, passed = eligible(task, [Candidate(Deployment(card.provider, card.model, "K"), card)], rules)
    assert len(kept) + len(passed) == 1
    if kept:
        return None
    assert passed[0].id == f"{card.provider}/{card.model}#K"
    return passed[0].reason


@pytest.mark.parametrize(
    ("card", "task", "rules", "reason"),
    [
        (FREE, HI, Rules(excluded=frozenset({"groq"})), "its provider is excluded by the settings"),
        (replace(FREE, lifecycle=Lifecycle("retired")), HI, Rules(), "retired by its provider"),
        (able(chat=False), HI, Rules(), "not a chat model"),
        (PAID, HI, Rules(), "not known to be free, and allow_paid is off"),
        (PAID, HI, Rules(allow_paid=True), "it costs money, and no budget in USD is set"),
        (able(tools=False), replace(HI, tools=(NOW,)), Rules(), "cannot call tools"),
        (
            able(json_schema=False),
            replace(HI, schema=JsonSchema({})),
            Rules(),
            "cannot answer by a JSON schema",
        ),
        (able(vision=False), PICTURE, Rules(), "cannot see pictures"),
        (
            replace(FREE, context=1_000),
            Task.of("x" * 8_000),
            Rules(),
            "its context of 1,000 tokens is smaller than the prompt (about 2,004)",
        ),
    ],
)
def test_who_is_not_fit_is_passed_over_with_the_reason(
    card: ModelCard, task: Task, rules: Rules, reason: str
) -> None:
    assert why_not(card, task, rules) == reason


@pytest.mark.parametrize(
    ("card", "task"),
    [
        (FREE, HI),
        (able(chat=True, tools=True, json_schema=True, vision=True), PICTURE),
        (able(tools=False, json_schema=False, vision=False), HI),
        (replace(FREE, capabilities=Capabilities()), replace(PICTURE, tools=(NOW,), schema=JsonSchema({}))),
        (replace(FREE, context=2_004), Task.of("x" * 8_000)),
    ],
)
def test_who_is_fit_or_may_be_is_kept(card: ModelCard, task: Task) -> None:
    assert why_not(card, task) is None


@given(
    st.sampled_from(get_args(FreeKind)),
    st.booleans(),
    st.sampled_from([None, Budget(), Budget(tokens=5), Budget(usd=0), Budget(usd=1)]),
)
def test_nothing_that_costs_is_asked_without_permission_and_a_budget_in_usd(
    free: FreeKind, allow_paid: bool, budget: Budget | None
) -> None:
    card = replace(PAID, free=free)
    kept = why_not(card, replace(HI, budget=budget), Rules(allow_paid=allow_paid)) is None
    in_usd = budget is not None and budget.usd is not None
    assert kept is (card.costs_nothing or (allow_paid and in_usd))


def test_order_is_kept_and_each_is_told() -> None:
    them = [Candidate(Deployment(c.provider, c.model), c) for c in (FREE, PAID, able(chat=False))]
    kept, passed = eligible(HI, [*them, them[0]])
    assert kept == (them[0], them[0])
    assert [p.reason for p in passed] == ["not known to be free, and allow_paid is off", "not a chat model"]


# --- what is free ------------------------------------------------------------------------------------------------


def test_the_allowance_of_a_billed_key_is_none() -> None:
    quota = replace(FREE, free="free_quota", price=Price(Decimal(1), Decimal(1)))
    billed = Rules(billed=frozenset({"groq"}))
    assert is_free(quota, Rules())
    assert not is_free(quota, billed)
    assert not is_free(replace(quota, price=None), billed)
    assert is_free(FREE, billed)
    assert is_free(replace(quota, provider="mistral"), billed)


# --- how large is it? --------------------------------------------------------------------------------------------


def test_every_part_of_a_task_counts() -> None:
    def more(**given: object) -> int:
        return estimate_tokens(replace(HI, **given)) - estimate_tokens(HI)  # type: ignore[arg-type]

    text = "x" * 400
    said = HI.messages
    assert estimate_tokens(Task.of(text)) == 104
    assert more(messages=(*said, Message.system(text))) == 104
    assert more(messages=(*said, Message.assistant(Reasoning(text)))) == 104
    assert more(messages=(*said, Message.tool(ToolResult("1", text)))) == 104
    assert more(messages=(*said, Message.assistant(ToolCall("1", "f", {"a": text})))) >= 104
    assert more(messages=(*said, Message.user(Image(url="https://a.example/b.png")))) == 1_004
    assert more(tools=(ToolSpec("f", text, {}),)) >= 100
    assert more(tools=(ToolSpec("f", "", {"a": text}),)) >= 100
    assert more(schema=JsonSchema({"a": text})) >= 100


def test_a_part_of_another_kind_has_no_length() -> None:
    assert part_length(object()) == 0
