"""Who is nearest to a model that is not there: by line, maker, purpose and size, and nobody by default."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.kinship import kin_of, nearest_free
from aiorch.types import ZERO_PRICE, Candidate, Capabilities, Deployment, ModelCard, Price


def free(name: str, key: str | None = None, /, **more: object) -> Candidate:
    provider, _, model = name.partition("/")
    card = ModelCard(provider, model, price=ZERO_PRICE, free="zero_price")
    return Candidate(Deployment(provider, model, key), replace(card, **more))  # type: ignore[arg-type]


SEES = Capabilities(vision=True)
THINKS = Capabilities(reasoning=True)
GEMMA = free("openrouter/google/gemma-4-26b-a4b-it:free", capabilities=SEES)
LFM = free("openrouter/liquid/lfm-2.5-2.6b:free")
QWEN = free("openrouter/qwen/qwen3.8-27b:free", capabilities=SEES)
LAGUNA = free("openrouter/poolside/laguna-s-2.1:free")
ULTRA = free("openrouter/nvidia/nemotron-3-ultra-550b-a55b:free", capabilities=THINKS)
OMNI = free(
    "openrouter/nvidia/nemotron-3-nano-omni-30b-a3b-reasoning:free",
    capabilities=Capabilities(vision=True, reasoning=True),
)
GROQ = free("groq/llama-3.3-70b-versatile")
EVERYBODY = [GEMMA, LFM, QWEN, LAGUNA, ULTRA, OMNI, GROQ]


@pytest.mark.parametrize(
    ("name", "nearest", "why"),
    [
        ("meta-llama/llama-3.3-70b-instruct:free", GROQ, "the same model"),
        ("openrouter/google/gemma-5-12b-it:free", GEMMA, "the same line (gemma)"),
        ("qwen/qwen4-32b:free", QWEN, "the same line (qwen), 27B weights for 32B"),
        ("acme/brave-coder-30b:free", LAGUNA, "made for code"),
        ("poolside/laguna-xl-3:free", LAGUNA, "the same line (laguna), made for code"),
        ("acme/tiny-2b:free", LFM, "2.6B weights for 2B"),
        ("acme/giant-400b:free", ULTRA, "550B weights for 400B"),
        ("acme/seer-28b-vl:free", QWEN, "made for vision, 27B weights for 28B"),
        ("acme/thinker-vision:free", OMNI, "made for reasoning and vision"),
        ("nvidia/parakeet-chat:free", OMNI, "the same maker (nvidia)"),
    ],
)
def test_the_nearest_is_told_with_what_speaks_for_it(name: str, nearest: Candidate, why: str) -> None:
    found = nearest_free(name, EVERYBODY)
    assert found is not None
    assert found.candidates == (nearest,)
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    "name",
    [
        "x/y:free",
        "acme/brave:free",  # nothing tells its size or purpose
        "acme/shield-guard-4b:free",
        "acme/embed-2b:free",
        "acme/image-30b:free",
        "acme/words-0.1b:free",  # nobody is as small
    ],
)
def test_where_nothing_speaks_for_anybody_nobody_is_chosen(name: str) -> None:
    assert nearest_free(name, EVERYBODY) is None


def test_who_was_asked_for_sight_is_not_given_the_blind() -> None:
    assert nearest_free("qwen/qwen4-vl-32b:free", [LFM, LAGUNA, GROQ, ULTRA]) is None


def test_a_model_for_code_is_no_general_one() -> None:
    coder = free("openrouter/qwen/qwen4-coder-30b:free")
    found = nearest_free("qwen/qwen4-30b:free", [coder, QWEN])
    assert found is not None
    assert found.candidates == (QWEN,)


def test_a_classifier_and_a_router_succeed_nobody() -> None:
    safety = free("openrouter/nvidia/nemotron-3.5-content-safety:free")
    router = free("openrouter/openrouter/free")
    assert nearest_free("nvidia/nemotron-4-30b:free", [safety, router]) is None
    assert nearest_free("openrouter/openrouter/nova-alpha:free", [router]) is None


def test_every_key_of_the_nearest_is_given() -> None:
    keys = [free("openrouter/qwen/qwen3.8-27b:free", key) for key in ("K1", "K2")]
    found = nearest_free("qwen/qwen4-32b:free", [LFM, *keys])
    assert found is not None
    assert found.candidates == tuple(keys)


def test_of_equals_the_one_at_the_same_provider_is_taken() -> None:
    elsewhere = free("kilo/qwen/qwen3.8-27b:free", capabilities=SEES)
    found = nearest_free("qwen/qwen4-32b:free", [elsewhere, QWEN])
    assert found is not None
    assert found.candidates == (QWEN,)
    at_home = nearest_free("kilo/qwen/qwen4-32b:free", [QWEN, elsewhere])
    assert at_home is not None
    assert at_home.candidates == (elsewhere,)


@pytest.mark.parametrize(
    "unfit",
    [
        {"free": "none", "price": Price(Decimal(1), Decimal(1))},
        {"free": "trial"},
        {"free": "unknown"},
        {"demo": True},
        {"capabilities": Capabilities(chat=False)},
    ],
)
def test_nobody_who_costs_or_does_not_chat_is_chosen(unfit: dict[str, object]) -> None:
    assert nearest_free("qwen/qwen4-32b:free", [free("openrouter/qwen/qwen3.8-27b:free", **unfit)]) is None


def test_a_family_that_the_card_tells_counts() -> None:
    hidden = free("groq/fast-one", family="qwen-4-32b")
    found = nearest_free("qwen/qwen-4-32b:free", [GROQ, hidden])
    assert found is not None
    assert found.candidates == (hidden,)


@given(st.text("qwen3.8-27b:free/vlcoder", max_size=30))
def test_any_name_tells_something_and_breaks_nothing(name: str) -> None:
    kin = kin_of(name)
    assert kin.family
    found = nearest_free(name, EVERYBODY)
    assert found is None or all(c.card.costs_nothing for c in found.candidates)
