"""Who is measured: what was named, else the most promising, and never silently what costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.benchmarking.conftest import candidate

from aiorch.benchmarking.choosing import best, choose, standings
from aiorch.catalog import Successor
from aiorch.errors import UnknownModel
from aiorch.routing import Rules
from aiorch.types import Candidate, Capabilities, Lifecycle, Price, Score

PRICE = Price(Decimal(1), Decimal(2))


def ids(chosen: tuple[Candidate, ...]) -> list[str]:
    return [c.card.id for c in chosen]


def score(value: float, benchmark: str = "aider") -> tuple[Score, ...]:
    return (Score(benchmark, value),)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"free": "none", "price": PRICE}, "not known to be free"),
        ({"free": "unknown"}, "not known to be free"),
        ({"free": "trial", "price": PRICE}, "not known to be free"),
        ({"lifecycle": Lifecycle("retired")}, "retired"),
        ({"capabilities": Capabilities(chat=False)}, "not a chat model"),
        ({"capabilities": Capabilities(embeddings=True)}, "not a chat model"),
        ({"outputs": ("image", "audio")}, "answers in image and audio"),
    ],
)
def test_what_is_unfit_is_left_out_and_named_with_the_reason(known: dict[str, Any], why: str):
    there = [candidate(model="odd", **known), candidate(model="fine")]
    assert ids(choose(there)[0]) == ["acme/fine"]
    chosen, passed = choose(there, names=["acme/odd", "acme/fine"])
    assert ids(chosen) == ["acme/fine"]
    (one,) = passed
    assert one.id == "acme/odd"
    assert why in one.reason


def test_an_excluded_provider_is_not_measured():
    chosen, passed = choose([candidate()], names=["small"], rules=Rules(excluded=frozenset({"acme"})))
    assert chosen == ()
    assert "excluded" in passed[0].reason


def test_paid_models_need_permission_and_a_known_price():
    there = [candidate(model="paid", free="none", price=PRICE), candidate(model="dark", free="none")]
    assert choose(there)[0] == ()
    chosen, passed = choose(there, names=["paid", "dark"], rules=Rules(allow_paid=True))
    assert ids(chosen) == ["acme/paid"]
    assert "price is not known" in passed[0].reason


def test_a_billed_key_makes_a_free_allowance_cost():
    there = [candidate(free="free_quota", price=PRICE)]
    assert choose(there, rules=Rules(billed=frozenset({"acme"})))[0] == ()


def test_the_top_of_each_provider_in_turns():
    there = [
        candidate("a", "a1", scores=score(10)), candidate("a", "a2", scores=score(30)), candidate("a", "a3"),
        candidate("b", "b1", scores=score(20)), candidate("b", "b2", scores=score(40)), candidate("b", "b3"),
    ]  # fmt: skip
    assert ids(choose(there, top=2)[0]) == ["b/b2", "a/a2", "b/b3", "a/a3"]
    assert ids(choose(there, top=1, provider="a")[0]) == ["a/a2"]


def test_without_scores_size_then_context_decide():
    there = [
        candidate(model="a", parameters=7, context=8_000), candidate(model="b", parameters=70),
        candidate(model="c", parameters=7, context=32_000), candidate(model="d"),
    ]  # fmt: skip
    assert [c.card.model for c in best(there, 10)] == ["b", "c", "a", "d"]


def test_scores_of_different_benchmarks_are_compared_by_place():
    cards = [
        candidate(model="a", scores=(Score("elo", 1200), Score("percent", 80))).card,
        candidate(model="b", scores=(Score("elo", 1300),)).card,
        candidate(model="c", scores=(Score("percent", 20),)).card,
        candidate(model="d").card,
    ]
    found = standings(cards)
    assert found == {"acme/a": (0.25 + 0.75) / 2, "acme/b": 0.75, "acme/c": 0.25}


def test_a_router_is_no_model_unless_it_is_named():
    there = [candidate("openrouter", "openrouter/free"), candidate("openrouter", "acme/one:free")]
    assert ids(choose(there)[0]) == ["openrouter/acme/one:free"]
    assert ids(choose(there, names=["openrouter/free"])[0]) == ["openrouter/openrouter/free"]


def test_another_key_is_the_same_model():
    there = [candidate(key="KEY_1"), candidate(key="KEY_2")]
    for chosen, _ in (choose(there), choose(there, names=["acme/small", "small"])):
        assert [c.deployment.key for c in chosen] == ["KEY_1"]


def test_names_keep_their_order_and_are_resolved():
    there = [candidate("a", "x"), candidate("b", "x"), candidate("b", "y")]
    assert ids(choose(there, names=["b/y", "x"])[0]) == ["b/y", "a/x", "b/x"]
    assert ids(choose(there, names=["x"], provider="b")[0]) == ["b/x"]
    with pytest.raises(UnknownModel, match="acme"):
        choose([candidate()], names=["acne/small"])


def test_a_dead_name_measures_its_free_successor_and_says_so():
    learnt = {"old": Successor("old", "gone", ("acme/small",))}
    chosen, passed = choose([candidate()], names=["old"], learnt=learnt)
    assert ids(chosen) == ["acme/small"]
    assert "successor acme/small" in passed[0].reason
