from __future__ import annotations

import dataclasses
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog import NOBODY, SUCCESSORS, Successor, index, require, resolve, successor_of
from aiorch.errors import UnknownModel
from aiorch.types import ZERO_PRICE, Candidate, Deployment, Lifecycle, ModelCard, PassedOver, Price

GEMMA = "openrouter/google/gemma-4-26b-a4b-it:free"
LFM = "openrouter/liquid/lfm-2.5-2.6b:free"
QWEN = "openrouter/qwen/qwen3.8-27b:free"
NOVA = "nova/nova-2-lite-v1"
MINISTRAL = "mistral/ministral-8b-latest"
LAGUNA = "openrouter/poolside/laguna-s-2.1:free"
NEMOTRON = "openrouter/nvidia/nemotron-3-ultra-550b-a55b:free"
GLM = "openrouter/z-ai/glm-5.2:free"

WRITTEN_DOWN = {
    "amazon/nova-2-lite-v1:free": NOVA,
    "amazon/nova-micro-v1:free": NOVA,
    "meta-llama/llama-3.2-1b-instruct:free": LFM,
    "meta-llama/llama-3.2-3b-instruct:free": LFM,
    "meta-llama/llama-3.1-8b-instruct:free": GEMMA,
    "meta-llama/llama-3-8b-instruct:free": GEMMA,
    "mistralai/mistral-7b-instruct:free": MINISTRAL,
    "mistralai/mistral-7b-instruct-v0.3:free": MINISTRAL,
    "mistralai/mixtral-8x7b-instruct:free": GEMMA,
    "google/gemma-2-9b-it:free": GEMMA,
    "google/gemma-7b-it:free": GEMMA,
    "microsoft/phi-3-mini-128k-instruct:free": LFM,
    "microsoft/phi-3-medium-128k-instruct:free": GEMMA,
    "qwen/qwen-2-7b-instruct:free": QWEN,
    "qwen/qwen-2.5-7b-instruct:free": QWEN,
    "deepseek/deepseek-coder-6.7b-instruct:free": LAGUNA,
    "nousresearch/hermes-3-llama-3.1-405b:free": NEMOTRON,
    "liquid/lfm-40b:free": LFM,
}
"""The 18 ids of 2024 and 2025 that people still write down, and who does their work now."""


def life(retired: bool) -> Lifecycle:
    return Lifecycle("retired" if retired else "unknown")


def card(name: str, *, free: bool = True, retired: bool = False) -> ModelCard:
    provider, _, model = name.partition("/")
    price = ZERO_PRICE if free else Price(Decimal("0.3"), Decimal("2.5"))
    return ModelCard(
        provider,
        model,
        price=price,
        free="zero_price" if free else "none",
        lifecycle=life(retired),
    )


def candidate(name: str, key: str | None = None, *, free: bool = True, retired: bool = False) -> Candidate:
    known = card(name, free=free, retired=retired)
    return Candidate(Deployment(known.provider, known.model, key), known)


def served(*names: str) -> list[Candidate]:
    return [candidate(name) for name in names]


EVERYBODY = served(NOVA, MINISTRAL, GEMMA, LFM, QWEN, LAGUNA, NEMOTRON, GLM)


# --- ids that died -----------------------------------------------------------------------------------------------


def test_all_eighteen_are_known() -> None:
    assert set(WRITTEN_DOWN) <= set(SUCCESSORS)
    assert len(WRITTEN_DOWN) == 18


@pytest.mark.parametrize("prefix", ["", "openrouter/"])
@pytest.mark.parametrize(("dead", "successor"), WRITTEN_DOWN.items())
def test_a_dead_id_gives_its_free_successor_and_says_so(prefix: str, dead: str, successor: str) -> None:
    resolved = resolve(prefix + dead, index(EVERYBODY))
    assert [c.card.id for c in resolved.candidates] == [successor]
    assert successor in resolved.note
    assert resolved.passed_over == (PassedOver(prefix + dead, resolved.note),)


@pytest.mark.parametrize("dead", WRITTEN_DOWN)
def test_a_dead_id_whose_successors_nobody_serves_gives_nobody_and_the_reason(dead: str) -> None:
    resolved = resolve(dead, index(served("groq/some-other-model")))
    assert resolved.candidates == ()
    assert "is not served by a provider that can be used here" in resolved.note
    assert all(name in resolved.note for name in SUCCESSORS[dead].free)


@pytest.mark.parametrize("dead", WRITTEN_DOWN)
def test_a_dead_id_never_becomes_its_paid_twin(dead: str) -> None:
    paid = SUCCESSORS[dead].paid or "x/y"
    twins = [candidate(f"openrouter/{name}", free=False) for name in (paid, dead, dead.removesuffix(":free"))]
    assert resolve(dead, index(twins)).candidates == ()


def test_later_successors_stand_in_when_the_first_is_gone() -> None:
    hermes = "nousresearch/hermes-3-llama-3.1-405b:free"
    gone = candidate(NEMOTRON, retired=True)
    assert [c.card.id for c in resolve(hermes, index([gone, *served(GLM)])).candidates] == [GLM]


@pytest.mark.parametrize(
    ("dead", "says"),
    [
        (
            "google/gemma-7b-it:free",
            "no longer free (it was at OpenRouter, 2024-03 to 2024-06); its successor",
        ),
        ("amazon/nova-micro-v1:free", "never listed as free at OpenRouter; its successor"),
    ],
)
def test_the_note_says_what_became_of_it(dead: str, says: str) -> None:
    assert resolve(dead, index(EVERYBODY)).note.startswith(says)


# --- names that live ---------------------------------------------------------------------------------------------


def test_a_model_is_found_with_and_without_its_provider_on_every_key() -> None:
    both = [candidate("groq/qwen/q3", "K1"), candidate("groq/qwen/q3", "K2")]
    elsewhere = candidate("together/qwen/q3")
    known = index([*both, elsewhere])
    assert resolve("groq/qwen/q3", known).candidates == tuple(both)
    assert resolve("qwen/q3", known).candidates == (*both, elsewhere)
    assert resolve("qwen/q3", known).note == ""
    assert resolve("qwen/q3", known).passed_over == ()


def test_a_free_id_that_lives_again_is_itself() -> None:
    alive = served("openrouter/google/gemma-7b-it:free")
    assert resolve("google/gemma-7b-it:free", index(alive)).candidates == tuple(alive)


def test_a_retired_model_gives_nobody_unless_its_provider_named_a_successor() -> None:
    old, new = candidate("groq/old", retired=True), candidate("groq/new")
    known = index([old, new])
    assert resolve("groq/old", known).note == "retired by its provider, and no successor is known"
    learnt = {"groq/old": Successor("old", "", ("groq/new",))}
    assert resolve("groq/old", known, learnt).candidates == (new,)
    assert resolve("groq/old", known, learnt).note == (
        "ended, says its provider; its successor groq/new is used instead"
    )


def test_what_was_learnt_goes_before_what_was_written() -> None:
    learnt = {"google/gemma-7b-it:free": Successor("google/gemma-7b-it:free", "", (QWEN,))}
    assert resolve("google/gemma-7b-it:free", index(EVERYBODY), learnt).candidates[0].card.id == QWEN


def test_a_successor_that_costs_is_no_successor() -> None:
    learnt = {"groq/old": Successor("old", "", ("groq/new",))}
    known = index([candidate("groq/old", retired=True), candidate("groq/new", free=False)])
    assert resolve("groq/old", known, learnt).candidates == ()


NAMES = st.sampled_from(
    [
        *WRITTEN_DOWN,
        *(f"openrouter/{n}" for n in WRITTEN_DOWN),
        GEMMA,
        LFM,
        QWEN,
        NOVA,
        "x/y:free",
        "openrouter/x/y:free",
    ]
)


@given(NAMES, st.integers(0, 2**32), st.booleans())
def test_no_free_name_ever_gives_something_that_costs(name: str, seed: int, with_learnt: bool) -> None:
    rng = random.Random(seed)
    everything = [*WRITTEN_DOWN, *(c.card.id for c in EVERYBODY), "openrouter/x/y:free", "openrouter/x/y"]
    kinds = ["local", "zero_price", "free_quota", "anonymous", "trial", "none", "unknown"]
    known = [
        dataclasses.replace(
            c,
            card=dataclasses.replace(
                c.card,
                free=rng.choice(kinds),
                lifecycle=life(rng.random() < 0.3),
            ),
        )
        for n in rng.sample(everything, rng.randint(0, len(everything)))
        for c in [
            candidate(n if n.count("/") > 1 or n.startswith(("nova", "mistral/")) else f"openrouter/{n}")
        ]
    ]
    learnt = {name: Successor(name, "", tuple(rng.sample(everything, 3)))} if with_learnt else None
    resolved = resolve(name, index(known), learnt)
    if name.endswith(":free"):
        assert all(c.card.costs_nothing for c in resolved.candidates)
    assert not any(c.card.retired for c in resolved.candidates)
    assert resolved.candidates or resolved.note


# --- names that somebody insists on ------------------------------------------------------------------------------


def test_a_mistyped_model_is_told_with_the_nearest_that_exist() -> None:
    with pytest.raises(UnknownModel, match="Did you mean") as unknown:
        require("openrouter/qwen/qwen3.8-27:free", index(EVERYBODY))
    assert QWEN in unknown.value.nearest
    assert "`aiorch models`" in str(unknown.value)


def test_without_any_provider_the_error_says_how_to_get_one() -> None:
    with pytest.raises(UnknownModel) as unknown:
        require("gemma", {})
    assert str(unknown.value).endswith(NOBODY)
    assert "OPENROUTER_API_KEY" in NOBODY
    assert "aiorch local install" in NOBODY


def test_a_model_that_somebody_has_heard_of_is_no_unknown_one() -> None:
    retired = index([candidate("groq/old", retired=True)])
    assert require("groq/old", retired).candidates == ()
    assert require("google/gemma-7b-it:free", {}).candidates == ()
    assert require("groq/older", {}, {"groq/older": Successor("older", "", ("groq/new",))}).candidates == ()
    assert require(NOVA, index(EVERYBODY)).candidates


def test_successors_are_found_with_the_routers_name_in_front_only() -> None:
    assert successor_of("openrouter/google/gemma-7b-it:free") is SUCCESSORS["google/gemma-7b-it:free"]
    assert successor_of("together/google/gemma-7b-it:free") is None
    assert successor_of("google/gemma-7b-it") is None


# --- ids that no row helps ---------------------------------------------------------------------------------------


def test_a_free_id_that_no_table_has_gives_the_nearest_free_model_and_says_so() -> None:
    resolved = require("qwen/qwen3.9-32b:free", index(EVERYBODY))
    assert [c.card.id for c in resolved.candidates] == [QWEN]
    assert resolved.note == (
        f"not served by any provider that can be used here; {QWEN}, the nearest that is free "
        "(the same line (qwen), 27B weights for 32B), is used instead"
    )


def test_a_paid_id_never_gives_another_model() -> None:
    assert resolve("qwen/qwen3.9-32b", index(EVERYBODY)).candidates == ()
    with pytest.raises(UnknownModel):
        require("qwen/qwen3.9-32b", index(EVERYBODY))


def test_a_free_id_that_is_like_nobody_is_unknown() -> None:
    assert resolve("x/y:free", index(EVERYBODY)).note == "not served by any provider that can be used here"
    with pytest.raises(UnknownModel):
        require("x/y:free", index(EVERYBODY))


@pytest.mark.parametrize("slip", ["openrouter/qwen/qwen3.8-27:free", "openrouter/qwen/qwn3.8-27b:free"])
def test_a_slip_of_the_pen_is_asked_about_and_another_version_is_not(slip: str) -> None:
    with pytest.raises(UnknownModel) as unknown:
        require(slip, index(EVERYBODY))
    assert unknown.value.nearest[0] == QWEN
    assert require("openrouter/qwen/qwen3.7-27b:free", index(EVERYBODY)).candidates


def test_a_paid_twin_that_a_provider_names_is_not_followed_and_the_table_is() -> None:
    dead = "google/gemma-7b-it:free"
    twin = candidate("openrouter/google/gemma-7b-it", free=False)
    learnt = {dead: Successor(dead, "", ("openrouter/google/gemma-7b-it",))}
    resolved = resolve(dead, index([twin, *EVERYBODY]), learnt)
    assert [c.card.id for c in resolved.candidates] == [GEMMA]


def test_where_only_the_paid_twin_is_left_the_nearest_free_one_is_used_and_both_are_told() -> None:
    dead = "qwen/qwen3.9-32b:free"
    twin = candidate("openrouter/qwen/qwen3.9-32b", free=False)
    learnt = {dead: Successor(dead, "", ("openrouter/qwen/qwen3.9-32b",))}
    resolved = resolve(dead, index([twin, *EVERYBODY]), learnt)
    assert [c.card.id for c in resolved.candidates] == [QWEN]
    assert resolved.note.startswith(
        "ended, says its provider; its successor openrouter/qwen/qwen3.9-32b costs money, and is asked only by that "
        "name; "
    )
    alone = resolve(dead, index([twin]), learnt)
    assert alone.candidates == ()
    assert alone.note.endswith("costs money, and is asked only by that name")


def test_what_the_table_calls_without_a_successor_is_given_none() -> None:
    resolved = resolve(
        "deepseek/deepseek-v3-base:free", index(served("openrouter/deepseek/deepseek-v9:free"))
    )
    assert resolved.candidates == ()
    assert "it has no free successor: a base model" in resolved.note


def test_what_has_no_reason_gets_none() -> None:
    row = Successor("old:free", "", ())
    assert (
        resolve("old:free", {}, {"old:free": row}).note
        == "ended, says its provider; it has no free successor"
    )
