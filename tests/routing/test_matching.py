from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog import Successor
from aiorch.protocols import Matcher
from aiorch.routing import AGENT_PROFILES, ProfileMatcher, Profiles
from aiorch.routing.matching import rank
from aiorch.types import ZERO_PRICE, Candidate, Deployment, FreeKind, ModelCard, Profile, Ranking, Task

HI = Task.of("Hi")
GENERAL = Profile("general")


def at(name: str, key: str | None = None, **card: Any) -> Candidate:
    provider, _, model = name.partition("/")
    usual = {"price": ZERO_PRICE, "free": "zero_price"}
    return Candidate(Deployment(provider, model, key), ModelCard(provider, model, **{**usual, **card}))


def order(*them: Candidate, task: Task = HI, profile: Profile = GENERAL) -> list[str]:
    return [c.deployment.id for c in rank(task, profile, them).candidates]


NOVA = at("nova/nova-2-lite-v1")
GEMMA = at("openrouter/google/gemma-4-26b-a4b-it:free")
LAGUNA = at("openrouter/poolside/laguna-s-2.1:free")
NEMOTRON = at("openrouter/nvidia/nemotron-3-ultra-550b-a55b:free")
QWEN = at("openrouter/qwen/qwen3.8-27b:free")
SERVED = (QWEN, NEMOTRON, LAGUNA, GEMMA, NOVA)


# --- profiles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "complexity", "first"),
    [
        ("coding_agent", "simple", [NOVA, LAGUNA, GEMMA]),
        ("coding_agent", "complex", [NEMOTRON, NOVA, LAGUNA, GEMMA]),
        ("database_agent", "simple", [GEMMA, NOVA, QWEN]),
        ("analysis_agent", "moderate", [NEMOTRON, GEMMA]),
    ],
)
def test_the_agents_that_people_know_are_served_by_free_models_of_today(
    agent: str, complexity: Any, first: list[Candidate]
) -> None:
    ranking = rank(replace(HI, complexity=complexity), Profiles()[agent], SERVED)
    assert list(ranking.candidates[: len(first)]) == first
    assert set(ranking.candidates) == set(SERVED)
    assert ranking.complexity == complexity


def test_each_dead_name_is_told_with_what_is_used_instead() -> None:
    ranking = rank(HI, Profiles()["coding_agent"], SERVED)
    told = {p.id: p.reason for p in ranking.passed_over}
    assert set(told) == {
        AGENT_PROFILES["coding_agent"]["primary"],
        *AGENT_PROFILES["coding_agent"]["fallbacks"],
    }
    assert "nova/nova-2-lite-v1 is used instead" in told["amazon/nova-2-lite-v1:free"]


def test_named_models_come_first_on_every_key_and_each_once() -> None:
    named = Profile("p", primary="groq/x", fallbacks=("x", "groq/y"))
    them = at("nova/z"), at("groq/y"), at("groq/x", "K1"), at("together/x"), at("groq/x", "K2")
    assert order(*them, profile=named) == ["groq/x#K1", "groq/x#K2", "together/x", "groq/y", "nova/z"]


def test_a_profile_may_keep_to_its_own_models() -> None:
    strict = Profile("p", primary="groq/x", any_free=False)
    assert order(at("nova/z"), at("groq/x"), profile=strict) == ["groq/x"]
    assert order(at("nova/z"), profile=strict) == []


def test_the_ranking_says_which_rule_it_went_by() -> None:
    assert rank(HI, GENERAL, SERVED).reason == (
        "profile general, simple (short, and nothing demanding in it)"
    )
    lost = rank(HI, Profile("p", primary="groq/gone"), SERVED)
    assert lost.reason.endswith("; none of its own models can be used here, so the best of the others")
    assert [p.id for p in lost.passed_over] == ["groq/gone"]


def test_what_was_learnt_at_run_time_leads_to_the_successor() -> None:
    learnt = {"groq/gone": Successor("gone", "", ("groq/x",))}
    named = Profile("p", primary="groq/gone", any_free=False)
    assert rank(HI, named, [at("groq/x")]).candidates == ()
    assert rank(HI, named, [at("groq/x")], learnt).candidates == (at("groq/x"),)
    assert rank(replace(HI, model="groq/gone"), GENERAL, [at("groq/x")], learnt).candidates == (at("groq/x"),)


# --- a task that names its model ---------------------------------------------------------------------------------


def test_a_task_that_names_a_model_gets_that_and_no_other() -> None:
    ranking = rank(replace(HI, model="groq/x"), Profile("p", primary="nova/z"), [at("nova/z"), at("groq/x")])
    assert [c.card.id for c in ranking.candidates] == ["groq/x"]
    assert ranking.reason == "the task asks for groq/x"


def test_a_task_that_names_a_model_that_is_not_there_gets_nobody_and_the_reason() -> None:
    ranking = rank(replace(HI, model="groq/x"), GENERAL, [at("nova/z")])
    assert ranking.candidates == ()
    assert [(p.id, p.reason) for p in ranking.passed_over] == [
        ("groq/x", "not served by any provider that can be used here")
    ]


# --- the order of the others -------------------------------------------------------------------------------------

BETTER_FIRST = [
    (at("nova/z", free="zero_price"), at("groq/z", parameters=10**12)),
    (at("groq/z", free="unknown"), at("local/demo", demo=True, parameters=10**12)),
    (at("groq/z"), at("groq/y", free="free_quota")),
    (at("groq/z", free="free_quota"), at("groq/y", free="anonymous")),
    (at("ollama/z", free="local"), at("kilo/y", free="anonymous")),
    (at("openrouter/z", free="zero_price"), at("nvidia/y", free="zero_price")),
    (at("nova/z", free="zero_price"), at("openrouter/y", free="zero_price")),
    (at("nvidia/z", free="zero_price"), at("groq/y", free="free_quota")),
    (at("groq/z", free="zero_price"), at("nova/y", free="none")),
    (at("groq/z", free="anonymous"), at("groq/y", free="none")),
    (at("groq/z", parameters=70 * 10**9), at("groq/y", parameters=8 * 10**9)),
    (at("groq/z", parameters=10**9), at("groq/y")),
    (at("groq/z", parameters=27 * 10**9, created=2.0), at("groq/y", parameters=32 * 10**9, created=1.0)),
    (at("groq/z", created=2.0), at("groq/y")),
]


@pytest.mark.parametrize(("better", "worse"), BETTER_FIRST, ids=lambda c: c.deployment.id)
def test_the_better_is_asked_first_whoever_is_listed_first(better: Candidate, worse: Candidate) -> None:
    for them in itertools.permutations([better, worse]):
        assert order(*them) == [better.deployment.id, worse.deployment.id]


def test_equals_keep_their_order() -> None:
    assert order(at("groq/b"), at("groq/a")) == ["groq/b", "groq/a"]


@pytest.mark.parametrize("free", get_args(FreeKind))
def test_every_kind_of_route_has_its_place(free: FreeKind) -> None:
    assert order(at("groq/a", free=free)) == ["groq/a"]


cards = st.builds(
    at,
    st.builds("{}/{}".format, st.sampled_from(["nova", "groq", "local"]), st.sampled_from("abc")),
    st.sampled_from([None, "K1"]),
    demo=st.booleans(),
    free=st.sampled_from(get_args(FreeKind)),
    parameters=st.none() | st.integers(0, 10**12),
    created=st.none() | st.floats(0, 2e9),
)


@given(
    st.lists(cards, max_size=8, unique_by=lambda c: c.deployment), st.sampled_from(["groq/a", "nova/b", None])
)
def test_everybody_is_ranked_once_named_first_then_nova_and_demo_last(
    them: list[Candidate], primary: str | None
) -> None:
    ranked = rank(HI, Profile("p", primary=primary), them).candidates
    assert sorted(c.deployment.id for c in ranked) == sorted(c.deployment.id for c in them)
    named = [c.card.id == primary for c in ranked]
    assert named == sorted(named, reverse=True)
    rest = [c.card for c in ranked if c.card.id != primary]
    nova = [card.provider == "nova" and card.costs_nothing for card in rest]
    assert nova == sorted(nova, reverse=True)
    demo = [card.demo for card, first in zip(rest, nova, strict=True) if not first]
    assert demo == sorted(demo)


def test_what_was_measured_here_counts_before_size_and_differences_of_little_weight_do_not() -> None:
    small, large = at("groq/small", parameters=8 * 10**9), at("groq/large", parameters=70 * 10**9)
    assert rank(HI, GENERAL, [small, large]).candidates == (large, small)
    assert rank(HI, GENERAL, [small, large], priors={"groq/small": 0.9}).candidates == (small, large)
    assert rank(HI, GENERAL, [small, large], priors={"groq/large": 0.2}).candidates == (small, large)
    assert rank(HI, GENERAL, [small, large], priors={"groq/small": 0.52}).candidates == (large, small)


@pytest.mark.anyio
async def test_what_was_measured_is_asked_for_once() -> None:
    asked: list[str] = []

    async def priors() -> dict[str, float]:
        asked.append("asked")
        return {"groq/small": 0.9}

    matcher = ProfileMatcher(None, priors)
    small, large = at("groq/small", parameters=8 * 10**9), at("groq/large", parameters=70 * 10**9)
    for _ in range(2):
        assert (await matcher.match(HI, GENERAL, [large, small])).candidates == (small, large)
    assert asked == ["asked"]


@pytest.mark.anyio
async def test_the_matcher_is_the_ranking() -> None:
    matcher = ProfileMatcher()
    assert isinstance(matcher, Matcher)
    assert await matcher.match(HI, GENERAL, SERVED) == rank(HI, GENERAL, SERVED)
    learnt = {"groq/gone": Successor("gone", "", ("groq/x",))}
    asks = replace(HI, model="groq/gone")
    assert (await ProfileMatcher(learnt).match(asks, GENERAL, [at("groq/x")])).candidates == (at("groq/x"),)


# --- tiers, families and patterns --------------------------------------------------------------------------------


def tiers(ranking: Ranking) -> list[tuple[int, str]]:
    return [(tier, c.deployment.id) for tier, c in zip(ranking.tiers, ranking.candidates, strict=True)]


def test_a_profile_may_name_a_family_and_a_pattern_and_whoever_serves_a_family_are_equals() -> None:
    oss = {"family": "gpt-oss-120b"}
    them = (
        at("groq/oss", "K1", free="free_quota", **oss),
        at("groq/oss", "K2", free="free_quota", **oss),
        at("openrouter/oss:free", "O", **oss),
        at("mistral/a", parameters=8 * 10**9),
        at("mistral/b", parameters=70 * 10**9),
        at("nova/z"),
    )
    ranking = rank(HI, Profile("p", primary="family:gpt-oss-120b", fallbacks=("mistral/*",)), them)
    assert tiers(ranking) == [
        (0, "openrouter/oss:free#O"),
        (0, "groq/oss#K1"),
        (0, "groq/oss#K2"),
        (1, "mistral/b"),
        (1, "mistral/a"),
        (2, "nova/z"),
    ]


def test_work_that_is_shared_out_treats_the_best_of_each_provider_alike() -> None:
    them = (
        at("groq/a", free="free_quota", parameters=70 * 10**9),
        at("groq/b", free="free_quota", parameters=8 * 10**9),
        at("gemini/c", free="free_quota"),
    )
    assert tiers(rank(HI, GENERAL, them, mixing=True)) == [(0, "groq/a"), (0, "gemini/c"), (1, "groq/b")]
    pattern = Profile("p", primary="gr*", any_free=False)
    assert tiers(rank(HI, pattern, them, mixing=True)) == [(0, "groq/a"), (1, "groq/b")]


def test_all_who_serve_the_model_that_a_task_asks_for_are_equals() -> None:
    them = at("groq/x", "K1"), at("groq/x", "K2"), at("groq/y")
    assert tiers(rank(replace(HI, model="groq/x"), GENERAL, them)) == [(0, "groq/x#K1"), (0, "groq/x#K2")]


def test_a_ranking_with_the_wrong_number_of_tiers_is_refused() -> None:
    with pytest.raises(ValueError, match="1 candidates and 2 tiers"):
        Ranking((at("groq/x"),), tiers=(0, 1))


@pytest.mark.anyio
async def test_what_was_surveyed_before_ranks_like_what_was_not() -> None:
    profiles = [GENERAL, Profile("p", primary="groq/*"), Profile("q", primary="groq/a", any_free=False)]
    for mixing in (False, True):
        matcher = ProfileMatcher(mixing=mixing)
        for them in ((at("groq/a"), at("nova/z"), at("groq/b")), (at("groq/a"), at("groq/b"))):
            for twin in (them, tuple(replace(c) for c in them)):  # equal, and not the same objects
                for profile in profiles:
                    assert await matcher.match(HI, profile, twin) == rank(HI, profile, twin, mixing=mixing)


# --- models by task type -----------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "holds"),
    [("data_analysis", True), ("analysis_agent", True), ("analysis", True), ("code_generation", False)],
)
async def test_a_model_can_be_preferred_for_a_kind_of_work(wanted: str, holds: bool) -> None:
    matcher = ProfileMatcher()
    matcher.override_model_for_task(task_type=wanted, model="groq/x")
    task = replace(HI, agent="analysis_agent", type="data_analysis")
    them = at("nova/z"), at("groq/x")
    ranking = await matcher.match(task, Profile("analysis_agent", primary="nova/z"), them)
    assert [c.card.id for c in ranking.candidates] == (
        ["groq/x", "nova/z"] if holds else ["nova/z", "groq/x"]
    )
    assert (f"work of type {wanted} goes to groq/x first" in ranking.reason) is holds
    matcher.override_model_for_task(task_type=wanted, model=None)
    assert (await matcher.match(task, GENERAL, them)).candidates[0].card.id == "nova/z"
