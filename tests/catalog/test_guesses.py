from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.guesses import guess
from aiorch.types import Capabilities, ModelCard


def told(model: str) -> Capabilities:
    return guess(ModelCard("acme", model)).capabilities


@pytest.mark.parametrize("model", ["gpt-4o", "llama-3.1-8b-instruct", "some-new-thing", "o3"])
def test_an_id_that_says_nothing_else_is_a_chat_models(model: str) -> None:
    assert told(model).chat is True


@pytest.mark.parametrize("model", ["text-embedding-3-small", "BAAI/bge-m3", "mistral-embed"])
def test_what_embeds_does_not_chat(model: str) -> None:
    assert (told(model).chat, told(model).embeddings) == (False, True)


@pytest.mark.parametrize("model", ["whisper-large-v3", "llama-guard-4-12b", "flux-1-dev", "gpt-4o-mini-tts"])
def test_what_is_made_for_something_else_does_not_chat(model: str) -> None:
    assert told(model).chat is False
    assert told(model).embeddings is None
    assert told(model).vision is None


@pytest.mark.parametrize(
    "model", ["qwen3-vl-8b", "llama-3.2-11b-vision-instruct", "gemini-3-flash", "glm-4.5v", "claude-3-opus"]
)
def test_a_word_for_pictures_shows_that_a_model_sees(model: str) -> None:
    assert told(model).vision is True


@pytest.mark.parametrize("model", ["llama-3.1-8b", "gpt-3.5-turbo", "claude-2.1", "evolve-1"])
def test_no_word_for_pictures_shows_nothing(model: str) -> None:
    assert told(model).vision is None


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("qwen3-235b-a22b-thinking-2507", True),
        ("deepseek-r1", True),
        ("o3-mini", True),
        ("qwq-32b", True),
        ("grok-4-1-fast-non-reasoning", False),
        ("llama-3.1-8b", None),
        ("gpt-4o", None),
    ],
)
def test_a_word_for_reasoning_shows_it_and_a_denial_too(model: str, reasons: bool | None) -> None:
    assert told(model).reasoning is reasons


def test_size_family_and_variant_are_read_and_it_says_that_the_name_told() -> None:
    card = guess(ModelCard("acme", "Qwen/Qwen3-8B-FP8", context=1, source="live", as_of=3.0))
    assert (card.parameters, card.family, card.variant) == (8_000_000_000, "qwen-3-8b", "fp8")
    assert (card.source, card.as_of, card.context) == ("name", 3.0, None)


@given(st.text(min_size=1))
def test_nothing_is_guessed_about_price_tools_or_freedom(model: str) -> None:
    card = guess(ModelCard("acme", model))
    assert (card.price, card.free, card.capabilities.tools) == (None, "unknown", None)
    assert card.id == f"acme/{model}"
