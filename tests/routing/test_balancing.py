from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.routing.balancing import FEW, Balance, Strategy, order
from aiorch.routing.loads import Loads
from aiorch.types import Candidate, Deployment, FreeKind, ModelCard, Price

NOW = 1_800_000_000.0
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def at(
    provider: str,
    model: str = "m",
    key: str | None = None,
    *,
    free: FreeKind = "zero_price",
    price: Price | None = None,
) -> Candidate:
    return Candidate(Deployment(provider, model, key), ModelCard(provider, model, free=free, price=price))


def many(count: int) -> list[Candidate]:
    return [at(f"p{i % 5}", f"m{i}", f"K{i % 2}") for i in range(count)]


def ids(candidates: Sequence[Candidate]) -> list[str]:
    return [c.deployment.id for c in candidates]


def firsts(candidates: Sequence[Candidate], strategy: Strategy, times: int, **told: Any) -> Counter[str]:
    """Who comes first how often, when nobody is ever asked."""
    rng, loads = Random(5), told.pop("loads", Loads())
    return Counter(
        order(candidates, strategy, loads, NOW, rng, **told)[0].deployment.id for _ in range(times)
    )


def test_preference_is_the_order_as_it_is() -> None:
    them = many(10)
    assert order(them, "preference", Loads(), NOW, Random(1), tiers=[0] * 10) == tuple(them)


def test_nobody_is_anybodys_equal_where_no_tiers_are_told() -> None:
    them = many(10)
    for strategy in STRATEGIES:
        assert order(them, strategy, Loads(), NOW, Random(1), tiers=()) == tuple(them)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_or_nobody_needs_no_choice(strategy: Strategy) -> None:
    assert order([], strategy, Loads(), NOW, Random(1)) == ()
    assert order([], strategy, Loads(), NOW, Random(1), tiers=[], shares={"a/b": 0.5}) == ()
    one = at("groq")
    assert order([one], strategy, Loads(), NOW, Random(1)) == (one,)


# --- round robin -------------------------------------------------------------------------------------------------


def run_round(
    candidates: Sequence[Candidate], times: int, loads: Loads, balance: Balance | None = None
) -> list[str]:
    asked: list[str] = []
    for _ in range(times):
        first = order(candidates, "round_robin", loads, NOW, Random(1), balance=balance or Balance())[
            0
        ].deployment
        loads.began(first.id)
        asked.append(first.id)
    return asked


def test_round_robin_goes_across_providers_and_within_them() -> None:
    them = [at("a", "1"), at("a", "2"), at("a", "3"), at("b", "1"), at("c", "1"), at("c", "2")]
    asked = run_round(them, 7, Loads())
    assert asked == ["a/1", "b/1", "c/1", "a/2", "b/1", "c/2", "a/3"]


def test_the_rotation_that_is_told_is_honoured_and_others_follow() -> None:
    them = [at("nova"), at("openrouter"), at("gemini"), at("cerebras"), at("groq")]
    balance = Balance(rotation=("gemini", "groq", "openrouter", "absent"))
    loads = Loads()
    assert run_round(them, 6, loads, balance) == ["gemini/m", "groq/m", "openrouter/m"] * 2
    whole = order(them, "round_robin", loads, NOW, Random(1), balance=balance)
    assert ids(whole) == ["gemini/m", "groq/m", "openrouter/m", "nova/m", "cerebras/m"]


def test_who_was_left_out_is_next_when_it_is_back() -> None:
    a, b, c = at("a"), at("b"), at("c")
    loads = Loads()
    assert run_round([a, b, c], 3, loads) == ["a/m", "b/m", "c/m"]
    assert run_round([a, c], 4, loads) == ["a/m", "c/m", "a/m", "c/m"]
    assert run_round([a, b, c], 1, loads) == ["b/m"]


def test_the_second_choice_of_a_round_is_another_provider() -> None:
    them = [at("a", "1"), at("a", "2"), at("b", "1"), at("b", "2")]
    assert ids(order(them, "round_robin", Loads(), NOW, Random(1))) == ["a/1", "b/1", "a/2", "b/2"]


# --- weighted ----------------------------------------------------------------------------------------------------


def test_weights_say_how_often_each_comes_first() -> None:
    them = [at("a", "1", "K"), at("a", "2", "K"), at("b", "1", "K"), at("c", "1", "K")]
    balance = Balance(weights={"a": 4.0, "a/2": 2.0, "b/1#K": 3.0})
    counted = firsts(them, "weighted", 10_000, balance=balance)
    expected = {"a/1#K": 0.4, "a/2#K": 0.2, "b/1#K": 0.3, "c/1#K": 0.1}
    assert {id: counted[id] / 10_000 for id in counted} == pytest.approx(expected, abs=0.02)


def test_weights_say_how_often_each_comes_second_too() -> None:
    them = [at("a"), at("b"), at("c")]
    rng, seconds = Random(5), Counter[str]()
    for _ in range(10_000):
        first, second, _ = order(
            them, "weighted", Loads(), NOW, rng, balance=Balance(weights={"a": 2.0, "b": 1.0, "c": 1.0})
        )
        if first.deployment.provider == "b":
            seconds[second.deployment.provider] += 1
    assert seconds["a"] / seconds.total() == pytest.approx(2 / 3, abs=0.03)
    assert seconds["b"] == 0


def test_without_weight_one_is_asked_after_all_others() -> None:
    them = [at("none"), *(at(f"p{i}") for i in range(FEW + 3)), at("zero")]
    balance = Balance(weights={"none": 0.0, "zero": 0.0})
    for seed in range(20):
        whole = ids(order(them, "weighted", Loads(), NOW, Random(seed), balance=balance))
        assert whole[-2:] == ["none/m", "zero/m"]
        assert len(set(whole)) == len(them)
    nobody = Balance(weights={c.deployment.provider: 0.0 for c in them})
    assert order(them, "weighted", Loads(), NOW, Random(1), balance=nobody) == tuple(them)


class Highest(Random):
    def random(self) -> float:
        return 1.0 - 2.0**-53


def test_the_end_of_the_range_belongs_to_the_last_with_weight() -> None:
    them = [at("a"), at("b"), at("zero")]
    balance = Balance(weights={"zero": 0.0, "a": 0.1, "b": 0.2})
    whole = order(them, "weighted", Loads(), NOW, Highest(), balance=balance)
    assert sorted(ids(whole)[:2]) == ["a/m", "b/m"]
    assert ids(whole)[2] == "zero/m"


# --- least busy --------------------------------------------------------------------------------------------------


def test_the_least_busy_comes_first_and_the_idle_take_turns_by_chance() -> None:
    them = [at(p) for p in "abcde"]
    assert all(n > 100 for n in firsts(them, "least_busy", 1_000).values())
    loads = Loads()
    for provider, calls in (("a", 3), ("b", 1), ("c", 2), ("d", 4), ("e", 5)):
        for _ in range(calls):
            loads.began(f"{provider}/m")
    for seed in range(10):
        whole = order(them, "least_busy", loads, NOW, Random(seed))
        assert ids(whole)[:4] == ["b/m", "c/m", "a/m", "d/m"]
    loads.cancelled("b/m", NOW)
    assert set(firsts(them, "least_busy", 100, loads=loads)) == {"b/m"}


def test_with_enough_idle_ones_only_these_come_first() -> None:
    them = many(20)
    loads = Loads()
    for id in ids(them)[:10]:
        loads.began(id)
    assert set(firsts(them, "least_busy", 300, loads=loads)) == set(ids(them)[10:])


# --- lowest cost -------------------------------------------------------------------------------------------------


def usd(input: str, output: str, request: str = "0") -> Price:
    return Price(Decimal(input), Decimal(output), request=Decimal(request))


def test_the_cheapest_for_a_question_of_this_size_comes_first() -> None:
    reading = at("reading", free="none", price=usd("1", "0.1"))
    writing = at("writing", free="none", price=usd("0.1", "1"))
    flat = at("flat", free="none", price=usd("0", "0", "0.0004"))
    free = at("free", free="free_quota", price=usd("9", "9"))
    unknown = at("unknown", free="unknown")
    them = [unknown, reading, writing, flat, free]

    def sorted_for(prompt: int, tokens: int) -> list[str]:
        whole = order(them, "lowest_cost", Loads(), NOW, Random(1), prompt=prompt, tokens=tokens)
        return [c.deployment.provider for c in whole]

    assert sorted_for(1_000, 100) == ["free", "writing", "flat", "reading", "unknown"]
    assert sorted_for(100, 1_000) == ["free", "reading", "flat", "writing", "unknown"]
    assert sorted_for(100, 0)[0] == "free"


def test_what_costs_the_same_keeps_its_order() -> None:
    them = many(10)
    assert order(them, "lowest_cost", Loads(), NOW, Random(1)) == tuple(them)


# --- fastest -----------------------------------------------------------------------------------------------------


def test_of_two_the_faster_always_comes_first() -> None:
    loads = Loads()
    loads.answered("a/m", NOW, first=2.0, seconds=8.0, tokens=300)
    loads.answered("b/m", NOW, first=0.5, seconds=2.0, tokens=300)
    assert set(firsts([at("a"), at("b")], "fastest", 50, loads=loads)) == {"b/m"}
    for _ in range(4):
        loads.began("b/m")
    assert set(firsts([at("a"), at("b")], "fastest", 50, loads=loads)) == {"a/m"}


def test_the_slowest_of_all_never_comes_first_and_unknown_ones_are_tried() -> None:
    loads = Loads()
    for i, id in enumerate(("a/m", "b/m", "c/m")):
        loads.answered(id, NOW, first=1.0 + i, seconds=2.0 + i, tokens=1)
    counted = firsts([at("a"), at("b"), at("c"), at("new")], "fastest", 2_000, loads=loads)
    assert counted["c/m"] == 0
    assert counted["new/m"] > 200


@pytest.mark.parametrize("seed", range(5))
def test_traffic_moves_away_from_a_slow_host_and_comes_back(seed: int) -> None:
    """Ten calls a second over four hosts; one is slow from the second minute to the third."""
    rng, loads, now = Random(seed), Loads(), NOW
    them = [at(p) for p in "abcd"]
    under_way: list[tuple[float, str, float]] = []
    asked: dict[int, Counter[str]] = {}
    for i in range(4 * 600):
        now = NOW + i / 10
        for ends, id, seconds in sorted(under_way):
            if ends <= now:
                loads.answered(id, ends, first=seconds / 2, seconds=seconds, tokens=100)
        under_way = [u for u in under_way if u[0] > now]
        id = order(them, "fastest", loads, now, rng, tokens=100)[0].deployment.id
        slow = id == "a/m" and 60 <= i / 10 < 120
        seconds = rng.uniform(0.8, 1.2) * (8.0 if slow else 1.0)
        loads.began(id)
        under_way.append((now + seconds, id, seconds))
        asked.setdefault(i // 600, Counter())[id] += 1
    before, during, after, later = (asked[m]["a/m"] / 600 for m in range(4))
    assert 0.15 < before < 0.35
    assert during < before / 3
    assert after > during
    assert 0.1 < later < 0.35


def test_a_host_that_fails_at_once_gets_next_to_nothing() -> None:
    rng, loads = Random(1), Loads()
    them = [at("good"), at("bad")]
    asked = Counter[str]()
    for i in range(1_000):
        now = NOW + i * 0.5
        id = order(them, "fastest", loads, now, rng)[0].deployment.id
        asked[id] += 1
        loads.began(id)
        if id == "bad/m":
            loads.failed(id, now)
        else:
            loads.answered(id, now, first=1.0, seconds=5.0, tokens=300)
    assert asked["bad/m"] < 30


# --- tiers and shares --------------------------------------------------------------------------------------------


def test_tiers_that_are_told_out_of_order_are_put_in_order() -> None:
    a, b, c, d = at("a"), at("b"), at("c"), at("d")
    whole = order([a, b, c, d], "lowest_cost", Loads(), NOW, Random(1), tiers=[2, 0, 1, 0])
    assert whole == (b, d, c, a)


def test_later_tiers_are_balanced_too_while_few_are_chosen() -> None:
    them = [at("only"), *(at(f"p{i}") for i in range(6))]
    seen = {
        ids(order(them, "fastest", Loads(), NOW, Random(seed), tiers=[0] + [1] * 6))[1] for seed in range(99)
    }
    assert len(seen) > 3


def test_who_recovers_gets_its_share_and_no_more() -> None:
    a, b, c = at("a"), at("b"), at("c")
    for strategy in STRATEGIES:
        counted = firsts([a, b, c], strategy, 3_000, tiers=[0, 0, 1], shares={"a/m": 0.1})
        usual = firsts([a, b, c], strategy, 3_000, tiers=[0, 0, 1])
        assert counted["a/m"] == pytest.approx(usual["a/m"] * 0.1, abs=100), strategy
        assert counted["c/m"] == 0, "a worse tier is no way out"
    rng = Random(1)
    tail = {ids(order([a, b, c], "preference", Loads(), NOW, rng, shares={"a/m": 0.0}))[2] for _ in range(9)}
    assert tail == {"a/m"}


def test_where_all_recover_one_is_still_asked() -> None:
    a, b = at("a"), at("b")
    shares = {"a/m": 0.0, "b/m": 0.0}
    assert order([a, b], "fastest", Loads(), NOW, Random(1), shares=shares) == (a, b)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 30),
    st.sampled_from(STRATEGIES),
    st.integers(0, 2**32),
    st.booleans(),
    st.data(),
)
def test_an_order_is_a_permutation_that_never_mixes_tiers(
    count: int, strategy: Strategy, seed: int, told: bool, data: st.DataObject
) -> None:
    rng = Random(seed)
    them = [
        at(
            f"p{rng.randrange(4)}",
            f"m{i}",
            free=rng.choice(["none", "zero_price"]),
            price=usd("1", str(i % 3)),
        )
        for i in range(count)
    ]
    loads = Loads()
    for candidate in them:
        for _ in range(rng.randrange(3)):
            loads.began(candidate.deployment.id)
        if rng.random() < 0.5:
            loads.failed(candidate.deployment.id, NOW)
    tiers = data.draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)) if told else None
    balance = Balance(
        ("p3", "p1"),
        {"p1": data.draw(st.sampled_from([0.0, 1e-12, 1.0, 1e12])), "p2/m2": 3.0, "p2": 0.0},
    )
    shares = {id: rng.random() for id in ids(them) if rng.random() < 0.3}
    whole = order(
        them,
        strategy,
        loads,
        NOW,
        rng,
        tiers=tiers,
        balance=balance,
        shares=shares,
        ids=ids(them) if seed % 2 else None,
    )
    assert sorted(map(id, whole)) == sorted(map(id, them))
    if tiers:
        tier_of = dict(zip(ids(them), tiers, strict=True))
        seen = [tier_of[id] for id in ids(whole)]
        assert seen == sorted(seen)
