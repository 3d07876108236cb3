from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.preference import by_worth, shared_out
from aiorch.types import Candidate, Deployment, ModelCard


def at(name: str, key: str | None = None, **card: Any) -> Candidate:
    provider, _, model = name.partition("/")
    return Candidate(
        Deployment(provider, model, key), ModelCard(provider, model, **{"free": "free_quota", **card})
    )


def tiers(found: tuple[list[Candidate], list[int]]) -> list[list[str]]:
    grouped: dict[int, list[str]] = {}
    for candidate, tier in zip(*found, strict=True):
        grouped.setdefault(tier, []).append(candidate.deployment.id)
    return list(grouped.values())


BIG: dict[str, Any] = {"parameters": 120 * 10**9}
SMALL: dict[str, Any] = {"parameters": 8 * 10**9}


def test_the_best_of_each_provider_are_equals_with_every_key() -> None:
    them = [
        at("groq/big", "K1", **BIG),
        at("groq/big", "K2", **BIG),
        at("groq/small", "K1", **SMALL),
        at("gemini/flash", "G"),
        at("openrouter/big:free", "O", free="zero_price", **BIG),
        at("openrouter/small:free", "O", free="zero_price", **SMALL),
    ]
    first, second = tiers(shared_out(them))
    assert first == ["openrouter/big:free#O", "groq/big#K1", "groq/big#K2", "gemini/flash#G"]
    assert second == ["openrouter/small:free#O", "groq/small#K1"]


def test_one_family_over_several_providers_is_one_tier() -> None:
    them = [
        at("groq/oss", family="gpt-oss", **SMALL),
        at("openrouter/huge:free", free="zero_price", **BIG),
        at("openrouter/oss:free", free="zero_price", family="gpt-oss", **SMALL),
    ]
    assert tiers(shared_out(them)) == [["openrouter/huge:free", "openrouter/oss:free", "groq/oss"]]


def test_this_machine_strangers_shares_and_demos_are_nobodys_equals_in_the_cloud() -> None:
    them = [
        at("local/demo", free="local", demo=True),
        at("kilo/b", free="anonymous"),
        at("ollama/c", free="local"),
        at("groq/d"),
    ]
    assert tiers(shared_out(them)) == [["groq/d"], ["ollama/c"], ["kilo/b"], ["local/demo"]]


cards = st.builds(
    at,
    st.builds("{}/{}".format, st.sampled_from(["nova", "groq", "local"]), st.sampled_from("abc")),
    st.sampled_from([None, "K1"]),
    demo=st.booleans(),
    free=st.sampled_from(["zero_price", "free_quota", "local", "none"]),
    parameters=st.none() | st.integers(0, 10**12),
    family=st.sampled_from([None, "x", "y"]),
)


@given(
    st.lists(cards, max_size=10, unique_by=lambda c: c.deployment), st.sampled_from([by_worth, shared_out])
)
def test_everybody_is_ranked_once_and_tiers_begin_at_0_and_never_fall_or_jump(
    them: list[Candidate], ranked: Any
) -> None:
    found, numbers = ranked(them)
    assert sorted(c.deployment.id for c in found) == sorted(c.deployment.id for c in them)
    assert len(numbers) == len(found)
    assert numbers[:1] in ([], [0])
    assert all(after - before in (0, 1) for before, after in pairwise(numbers))
