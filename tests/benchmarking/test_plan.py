"""What is asked next: fair, within the means, and nothing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benchmarking.conftest import MINI, NOW, candidate, item, record

from aiorch.benchmarking.plan import NO_SANDBOX, THINKING, Means, Moment, Plan, plan
from aiorch.benchmarking.records import Record
from aiorch.benchmarking.scores import FEWEST
from aiorch.benchmarking.suite import Suite
from aiorch.routing import Rules
from aiorch.types import Candidate, Capabilities, FreeTerms, Limit, Price

MOMENT = Moment(NOW, NOW - 30 * 86_400)
TEN = Suite("mini", tuple(item(f"q{n}") for n in range(10)))
PAID = {"free": "none", "price": Price(Decimal(10), Decimal(10))}


def planned(found: Plan) -> list[tuple[str, str]]:
    return [(call.card.model, call.item.id) for call in found.calls]


def many(count: int) -> list[Candidate]:
    return [candidate("acme", f"m{n}") for n in range(count)]


def test_everything_is_asked_once_in_the_suites_order():
    found = plan([candidate()], MINI, [], Means(100, runs_code=True), MOMENT)
    assert [i for _, i in planned(found)] == ["one", "two", "three", "code", "long"]
    assert (found.skipped, found.waiting) == ((), 0)


def test_code_is_left_out_without_a_sandbox_and_said_so():
    found = plan([candidate()], MINI, [], Means(100), MOMENT)
    assert "code" not in [i for _, i in planned(found)]
    (skipped,) = found.skipped
    assert (skipped.model, skipped.items, skipped.reason) == ("acme/small", ("code",), NO_SANDBOX)


def test_what_does_not_fit_a_context_is_left_out_and_said_so():
    found = plan([candidate(context=8_192)], MINI, [], Means(100, runs_code=True), MOMENT)
    (skipped,) = found.skipped
    assert skipped.items == ("long",)
    assert "9,011 tokens do not fit its context of 8,192" in skipped.reason


def test_nobody_is_asked_a_second_question_before_all_had_the_first():
    found = plan(many(3), TEN, [], Means(17), MOMENT)
    assert planned(found)[:6] == [
        ("m0", "q0"),
        ("m1", "q0"),
        ("m2", "q0"),
        ("m0", "q1"),
        ("m1", "q1"),
        ("m2", "q1"),
    ]
    assert len(found.calls) == 17
    assert found.waiting == 13


def test_a_budget_too_small_for_all_scores_fewer_models_instead_of_none():
    found = plan(many(10), TEN, [], Means(3 * FEWEST + 2), MOMENT)
    counts = Counter(model for model, _ in planned(found))
    assert counts == {"m0": FEWEST + 1, "m1": FEWEST + 1, "m2": FEWEST}


def test_even_the_smallest_budget_is_used():
    assert planned(plan(many(3), TEN, [], Means(1), MOMENT)) == [("m0", "q0")]
    assert planned(plan(many(3), TEN, [], Means(0), MOMENT)) == []


def test_those_that_have_no_score_yet_catch_up_first():
    stored = [record(f"q{n}", model="m0") for n in range(FEWEST)]
    found = plan(many(2), TEN, stored, Means(FEWEST + 1), MOMENT)
    assert planned(found) == [*(("m1", f"q{n}") for n in range(FEWEST)), ("m0", f"q{FEWEST}")]


@given(
    st.integers(1, 6),
    st.integers(0, 70),
    st.sets(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=60),
)
def test_no_plan_asks_twice_or_too_much(models: int, calls: int, stored: set[tuple[int, int]]):
    kept = [record(f"q{q}", model=f"m{m}") for m, q in stored if m < models]
    found = plan(many(models), TEN, kept, Means(calls), MOMENT)
    asked = planned(found)
    assert len(asked) == len(set(asked)) == min(calls, models * 10 - len(kept))
    assert not set(asked) & {(r.model, r.item) for r in kept}
    assert len(asked) + found.waiting + len(kept) == models * 10


# --- what is stored


def test_a_fresh_answer_is_not_asked_again():
    stored = [record("q0"), record("q1", False), record("q2", at=NOW - 31 * 86_400)]
    found = plan([candidate()], TEN, stored, Means(100), MOMENT)
    assert [i for _, i in planned(found)] == [f"q{n}" for n in range(2, 10)]


def test_again_asks_everything_that_is_older_than_now():
    stored = [record(f"q{n}", at=NOW - 1) for n in range(10)]
    assert plan([candidate()], TEN, stored, Means(100), MOMENT).calls == ()
    assert len(plan([candidate()], TEN, stored, Means(100), replace(MOMENT, kept_since=NOW)).calls) == 10


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("rate_day", True), ("overloaded", True), ("timeout", True), ("auth", True), ("truncated", True), ("empty", True),
     ("context", False), ("bad_request", False), ("policy", False)],
)  # fmt: skip
def test_a_failure_that_may_pass_is_tried_in_a_later_run(kind: str, asked: bool):
    found = plan([candidate()], TEN, [record("q0", None, failure=kind)], Means(100), MOMENT)
    assert (("small", "q0") in planned(found)) is asked


def test_a_failure_of_this_run_is_not_tried_again_in_it():
    moment = replace(MOMENT, tried=frozenset({("acme/small", "q0", 50)}))
    found = plan([candidate()], TEN, [record("q0", None)], Means(100), moment)
    assert ("small", "q0") not in planned(found)


# --- room for thinking


def allowances(found: Plan) -> set[int]:
    return {call.allowed for call in found.calls}


def test_a_model_that_thinks_gets_room_for_it():
    thinker = candidate(capabilities=Capabilities(reasoning=True))
    assert allowances(plan([thinker], TEN, [], Means(100), MOMENT)) == {50 + THINKING}
    assert allowances(plan([candidate()], TEN, [], Means(100), MOMENT)) == {50}
    seen = [record("q0", thought=True)]
    assert allowances(plan([candidate()], TEN, seen, Means(100), MOMENT)) == {50 + THINKING}


def test_a_model_seen_to_think_may_try_again_what_it_thought_away():
    moment = replace(MOMENT, tried=frozenset({("acme/small", "q0", 50)}))
    ran_out = record("q0", None, failure="truncated", thought=True, allowed=50)
    assert ("small", "q0") in planned(plan([candidate()], TEN, [ran_out], Means(100), moment))
    moment = replace(moment, tried=moment.tried | {("acme/small", "q0", 50 + THINKING)})
    assert ("small", "q0") not in planned(plan([candidate()], TEN, [ran_out], Means(100), moment))


def test_no_answer_is_allowed_to_be_longer_than_the_model_can():
    thinker = Capabilities(reasoning=True)
    short = candidate(capabilities=thinker, max_output=300)
    assert allowances(plan([short], TEN, [], Means(100), MOMENT)) == {300}
    narrow = candidate(capabilities=thinker, context=1_000)
    assert allowances(plan([narrow], TEN, [], Means(100), MOMENT)) == {1_000 - TEN.items[0].size}


# --- what may be spent


def test_paid_calls_stay_within_the_money_at_their_dearest():
    paid = candidate(**PAID)
    dearest = plan([paid], TEN, [], Means(100, Decimal(9)), MOMENT).calls[0].dearest
    assert dearest == Decimal(10) * (TEN.items[0].size + 50) / 1_000_000
    found = plan([paid], TEN, [], Means(100, dearest * 3 + dearest / 2), MOMENT)
    assert len(found.calls) == 3
    (skipped,) = found.skipped
    assert (len(skipped.items), skipped.reason) == (7, "it could cost more than is left of the budget")
    assert plan([paid], TEN, [], Means(100), MOMENT).calls == ()


def test_free_calls_cost_nothing_whatever_a_list_price_says():
    quota = candidate(**{**PAID, "free": "free_quota"})
    assert len(plan([quota], TEN, [], Means(100), MOMENT).calls) == 10
    billed = Rules(billed=frozenset({"acme"}))
    assert plan([quota], TEN, [], Means(100, rules=billed), MOMENT).calls == ()


def daily(amount: int, scope: str = "account", model: str = "small") -> Candidate:
    limit = Limit(amount, "requests", "day", scope)  # type: ignore[arg-type]
    return candidate(model=model, terms=FreeTerms("", (limit,)))


def test_half_of_a_days_allowance_is_left_alone():
    found = plan([daily(8, model="a"), daily(8, model="b")], TEN, [], Means(100), MOMENT)
    assert len(found.calls) == 4
    assert all("at most half of what acme allows, 4 calls in 24 hours" in one.reason for one in found.skipped)
    assert found.waiting == 16


def test_an_allowance_of_each_model_is_its_own():
    found = plan([daily(8, "key_model", "a"), daily(8, "key_model", "b")], TEN, [], Means(100), MOMENT)
    assert Counter(m for m, _ in planned(found)) == {"a": 4, "b": 4}


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        ([record("q0", at=NOW - 5)], 3),
        ([record("q0", model="other", at=NOW - 5)], 3),
        ([record("q0", provider="else", at=NOW - 5)], 4),
        ([record("q0", at=NOW - 90_000)], 4),
        ([record(f"q{n}", None, at=NOW - 5) for n in range(4)], 0),
    ],
)
def test_what_was_asked_today_counts(stored: list[Record], left: int):
    found = plan([daily(8)], TEN, stored, Means(100), MOMENT)
    assert len(found.calls) == left


@pytest.mark.parametrize("who", ["acme", "acme/small"])
def test_who_is_set_aside_is_not_asked_and_comes_back(who: str):
    there = [candidate(), candidate("else", "x")]
    moment = replace(MOMENT, aside={who: (NOW + 60, "rate_minute: slow down")})
    found = plan(there, TEN, [], Means(100), moment)
    assert {m for m, _ in planned(found)} == {"x"}
    assert found.skipped[0].reason == "rate_minute: slow down"
    assert found.waiting == 10
    assert len(plan(there, TEN, [], Means(100), replace(moment, now=NOW + 61)).calls) == 20
