from __future__ import annotations

from typing import Any

import pytest

from aiorch.routing import Rules, eligible
from aiorch.routing.policy import placed, stays_here, strictest
from aiorch.types import Candidate, Deployment, ModelCard, Profile, Ranking, Task
from aiorch.types.profiles import RoutePolicy


def at(name: str, free: Any = "zero_price", **card: Any) -> Candidate:
    provider, _, model = name.partition("/")
    return Candidate(Deployment(provider, model), ModelCard(provider, model, free=free, **card))


CLOUD, OLLAMA, DEMO, PAID = (
    at("groq/a"),
    at("ollama/b", "local"),
    at("local/d", "local", demo=True),
    at("x/p", "none"),
)


def ids(ranking: Ranking) -> list[str]:
    return [c.card.id for c in ranking.candidates]


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("free", ["groq/a", "ollama/b", "x/p", "local/d"]),
        ("private", ["groq/a", "ollama/b", "x/p", "local/d"]),
        ("local-first", ["ollama/b", "groq/a", "x/p", "local/d"]),
        ("cloud-first", ["groq/a", "x/p", "ollama/b", "local/d"]),
    ],
)
def test_a_policy_moves_this_machine_to_the_front_or_the_end_and_a_demo_never_to_the_front(
    policy: RoutePolicy, order: list[str]
) -> None:
    assert ids(placed(Ranking((CLOUD, OLLAMA, PAID, DEMO)), policy)) == order


def test_equals_on_two_sides_of_a_policy_are_equals_no_more() -> None:
    ranking = placed(Ranking((CLOUD, OLLAMA, PAID), tiers=(0, 0, 1)), "local-first")
    assert (ids(ranking), ranking.tiers) == (["ollama/b", "groq/a", "x/p"], (0, 2, 3))


@pytest.mark.parametrize("setting", ["free", "local-first", "cloud-first", "private"])
def test_private_holds_where_either_says_so(setting: RoutePolicy) -> None:
    assert strictest(setting, "private") == "private"
    assert strictest("private", setting) == "private"
    assert strictest(setting, None) == setting


def test_private_leaves_only_what_runs_on_this_machine_and_says_so() -> None:
    away = at("ollama/gpt-oss:120b-cloud", "local")
    elsewhere = at("vllm/m", "local")  # a server on another machine
    listed = at("ollama/away", "unknown")  # its own list says that it runs elsewhere
    rules = Rules(allow_paid=True, policy="private", here=frozenset({"ollama", "local"}))
    everybody = (CLOUD, OLLAMA, DEMO, away, elsewhere, listed)
    fit, passed = eligible(Task.of("hi"), everybody, rules)
    assert fit == (OLLAMA, DEMO)
    assert {p.reason for p in passed} == {"policy private: it does not run on this machine"}
    assert [stays_here(c.card, rules.here) for c in everybody] == [False, True, True, False, False, False]


def test_a_profile_may_be_stricter_than_the_settings_and_never_looser() -> None:
    rules = Rules(policy="local-first")
    assert rules.under(Profile("p")) is rules
    assert rules.under(Profile("p", route_policy="private")).policy == "private"
    assert Rules(policy="private").under(Profile("p", route_policy="free")).policy == "private"
