"""Lists of models in the shapes of the providers that aiorch knows."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import AttemptFailed
from aiorch.providers import SPECS
from aiorch.providers.listing import parameters_of, read_models
from aiorch.types import ZERO_PRICE, FailureKind, ModelCard, Price

NOW = 1_800_000_000.0  # 2027-01-15


def cards(provider: str, listed: Any) -> list[ModelCard]:
    return list(read_models(json.dumps(listed).encode(), SPECS[provider], NOW))


def card(provider: str, item: dict[str, Any]) -> ModelCard:
    (one,) = cards(provider, {"data": [item]})
    return one


def openrouter(model: str, prompt: str, completion: str, **more: Any) -> dict[str, Any]:
    return {"id": model, "pricing": {"prompt": prompt, "completion": completion}, **more}


# --- shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed", [{"object": "list", "data": [{"id": "a"}]}, [{"id": "a"}], {"models": [{"name": "a"}]}]
)
def test_the_three_shapes_of_a_list(listed: Any) -> None:
    assert [c.model for c in cards("openai", listed)] == ["a"]


def test_what_is_no_model_is_left_out() -> None:
    listed = [None, 7, "x", {}, {"id": ""}, {"id": 3}, {"id": "a"}, {"id": "a"}, {"id": "b:batch"}]
    assert [c.model for c in cards("openrouter", listed)] == ["a"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"7", b'{"data": {}}', b"[" * 100_000])
def test_what_is_no_list_is_a_failure(body: bytes) -> None:
    with pytest.raises(AttemptFailed, match="list") as caught:
        read_models(body, SPECS["openai"], NOW)
    assert caught.value.failure.kind is FailureKind.MALFORMED


def test_a_full_card() -> None:
    made = card(
        "openrouter",
        {
            "id": "acme/big-70b",
            "name": "Acme: Big",
            "created": 1747930371,
            "context_length": 200000,
            "architecture": {"input_modalities": ["image", "text"], "output_modalities": ["text"]},
            "pricing": {
                "prompt": "0.000003",
                "completion": "0.000015",
                "input_cache_read": "0.0000003",
                "request": "0.01",
            },
            "top_provider": {"max_completion_tokens": 64000},
            "supported_parameters": ["tools", "structured_outputs", "response_format", "reasoning"],
            "expiration_date": None,
        },
    )
    assert made == ModelCard(
        "openrouter",
        "acme/big-70b",
        name="Acme: Big",
        context=200000,
        max_output=64000,
        price=Price(Decimal(3), Decimal(15), Decimal("0.3"), Decimal("0.01")),
        free="none",
        capabilities=replace(
            made.capabilities, tools=True, json_schema=True, vision=True, reasoning=True, chat=True
        ),
        parameters=70 * 10**9,
        created=1747930371.0,
        source="live",
        as_of=NOW,
    )
    assert (made.capabilities.streaming, made.capabilities.embeddings) == (True, False)


@pytest.mark.parametrize(
    ("provider", "item", "context"),
    [
        ("openrouter", {"context_length": 8}, 8),
        ("groq", {"context_window": 8, "max_completion_tokens": 4}, 8),
        ("mistral", {"max_context_length": 8}, 8),
        ("vllm", {"max_model_len": 8}, 8),
        ("llamacpp", {"meta": {"n_ctx_train": 8}}, 8),
        ("llamacpp", {"meta": {"n_ctx_train": 8, "n_ctx": 4}}, 4),
        ("huggingface", {"providers": [{"context_length": 9}, {"context_length": 8}]}, 8),
        ("openai", {"context_length": 0, "context_window": "x"}, None),
        ("openai", {"context_length": True}, None),
        ("openai", {}, None),
    ],
)
def test_the_names_of_the_context(provider: str, item: dict[str, Any], context: int | None) -> None:
    assert card(provider, {"id": "a", **item}).context == context


def test_gemini_lists_ids_that_its_chat_does_not_take() -> None:
    made = card("gemini", {"id": "models/gemini-3.5-flash", "display_name": "Gemini 3.5 Flash"})
    assert (made.model, made.name) == ("gemini-3.5-flash", "Gemini 3.5 Flash")


# --- prices ------------------------------------------------------------------------------------------------------


@given(st.decimals(0, 1, places=12))
def test_a_price_a_token_is_a_million_times_less_than_a_price_a_million(per_token: Decimal) -> None:
    a_token = card("openrouter", openrouter("a", format(per_token, "f"), "0")).price
    a_million = card(
        "together", {"id": "a", "pricing": {"input": str(per_token * 1_000_000), "output": 0}}
    ).price
    assert a_token is not None
    assert a_token == a_million
    assert a_token.input == per_token * 1_000_000


@pytest.mark.parametrize("amount", ["-1", "", "free", None, True, "NaN", "Infinity", [], "-0.5"])
def test_a_price_that_varies_or_cannot_be_read_is_unknown_and_not_free(amount: Any) -> None:
    made = card("openrouter", openrouter("openrouter/auto:free", amount, "0"))
    assert (made.price, made.free) == (None, "unknown")


def test_of_several_hosts_the_dearest_price_counts() -> None:
    hosts = [
        {
            "provider": "a",
            "status": "live",
            "pricing": {"input": 0.25, "output": 0.4},
            "supports_tools": False,
        },
        {
            "provider": "b",
            "status": "live",
            "pricing": {"input": 0.08, "output": 0.69},
            "supports_tools": True,
        },
        {"provider": "c", "status": "error", "pricing": {"input": 9, "output": 9}},
        {"provider": "d", "status": "live"},
    ]
    made = card("huggingface", {"id": "a", "providers": hosts})
    assert made.price == Price(Decimal("0.25"), Decimal("0.69"))
    assert made.capabilities.tools is True


def test_where_no_prices_are_listed_none_is_made_up() -> None:
    assert card("openai", {"id": "a", "pricing": {"input": 0, "output": 0}}).price is None


# --- free --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "item", "free", "price"),
    [
        ("openrouter", openrouter("acme/a:free", "0", "0"), "zero_price", ZERO_PRICE),
        ("openrouter", openrouter("openrouter/free", "0", "0"), "zero_price", ZERO_PRICE),
        ("openrouter", openrouter("acme/a:free", "0.000001", "0"), "none", Price(Decimal(1), Decimal(0))),
        ("openrouter", openrouter("acme/preview", "0", "0"), "unknown", Price(Decimal(0), Decimal(0))),
        ("openrouter", openrouter("acme/a", "0.000001", "0"), "none", Price(Decimal(1), Decimal(0))),
        ("openrouter", {"id": "acme/a:free"}, "unknown", None),
        (
            "openrouter",
            {"id": "acme/a:free", "pricing": {"prompt": "0", "completion": "0", "request": "0.01"}},
            "none",
            ...,
        ),
        ("nova", {"id": "nova-2-lite-v1"}, "zero_price", ZERO_PRICE),
        ("nova", {"id": "nova-9-premier"}, "none", None),
        ("nvidia", {"id": "acme/anything"}, "zero_price", ZERO_PRICE),
        ("groq", {"id": "acme/anything"}, "free_quota", None),
        ("gemini", {"id": "models/gemini-3.5-flash-lite"}, "free_quota", None),
        ("gemini", {"id": "models/gemini-3-pro"}, "none", None),
        ("mistral", {"id": "mistral-small-latest"}, "free_quota", None),
        ("cerebras", {"id": "gpt-oss-120b"}, "trial", None),
        ("huggingface", {"id": "acme/anything"}, "trial", None),
        ("openai", {"id": "gpt-4o"}, "none", None),
        ("deepseek", {"id": "deepseek-chat"}, "none", None),
        (
            "together",
            {"id": "a", "pricing": {"input": 0, "output": 0}},
            "none",
            Price(Decimal(0), Decimal(0)),
        ),
        ("ollama", {"id": "qwen3:8b"}, "local", ZERO_PRICE),
        ("vllm", {"id": "Qwen/Qwen3-8B"}, "local", ZERO_PRICE),
    ],
)
def test_what_is_free_and_why(provider: str, item: dict[str, Any], free: str, price: Any) -> None:
    made = card(provider, item)
    assert made.free == free
    if price is not ...:
        assert made.price == price
    assert made.costs_nothing is (free in ("local", "zero_price", "free_quota"))


# --- capabilities ------------------------------------------------------------------------------------------------


def test_what_nobody_says_is_unknown() -> None:
    made = card("groq", {"id": "acme/anything"}).capabilities
    assert {getattr(made, name) for name in made.__slots__} == {None}


def test_a_json_mode_alone_promises_no_schema() -> None:
    def schema(*parameters: str) -> bool | None:
        return card(
            "openrouter", {"id": "a", "supported_parameters": list(parameters)}
        ).capabilities.json_schema

    assert (schema("structured_outputs"), schema("response_format"), schema("tools")) == (True, None, False)


def test_mistral_says_what_a_model_can_do() -> None:
    can = {"completion_chat": True, "function_calling": True, "vision": False, "reasoning": True}
    made = card("mistral", {"id": "a", "capabilities": can}).capabilities
    assert (made.chat, made.tools, made.vision, made.reasoning) == (True, True, False, True)


@pytest.mark.parametrize(
    "model",
    [
        "whisper-large-v3",
        "canopylabs/orpheus-v1-english",
        "meta-llama/llama-guard-4-12b",
        "nvidia/nemotron-3.5-content-safety",
        "openai/gpt-oss-safeguard-20b",
        "text-embedding-3-small",
        "nvidia/nv-embedqa-e5-v5",
        "BAAI/bge-m3",
        "gpt-4o-mini-tts",
        "tts-1-hd",
        "gpt-image-1",
        "dall-e-3",
        "omni-moderation-latest",
        "gpt-realtime",
        "gpt-4o-transcribe",
        "gpt-4o-audio-preview",
        "models/veo-3.0",
        "imagen-4.0-generate",
        "sora-2",
        "black-forest-labs/flux-1",
        "mistral-ocr-latest",
        "google/lyria-3-clip-preview",
        "gemini-2.5-flash-image",
        "llama-3.1-nemotron-70b-reward",
        "nvidia/nemoretriever-parse",
        "davinci-002",
    ],
)
def test_ids_that_do_not_chat(model: str) -> None:
    assert card("openai", {"id": model}).capabilities.chat is False


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o",
        "openai/gpt-oss-120b",
        "meta-llama/llama-4-maverick",
        "google/gemma-4-26b-a4b-it",
        "poolside/laguna-xs.2",
        "qwen/qwen3-vl-8b",
        "nvidia/nemotron-nano-12b-v2-vl",
        "z-ai/glm-5.2",
        "mistral-small-latest",
        "tencent/hunyuan",
    ],
)
def test_ids_that_may_chat(model: str) -> None:
    assert card("openai", {"id": model}).capabilities.chat is None


@pytest.mark.parametrize(
    ("kind", "chat", "embeddings"),
    [
        ("chat", True, False),
        ("embedding", False, True),
        ("image", False, None),
        ("language", False, None),
        ("odd", None, None),
    ],
)
def test_together_says_what_kind_a_model_is(kind: str, chat: bool | None, embeddings: bool | None) -> None:
    made = card("together", {"id": "acme/a", "type": kind}).capabilities
    assert (made.chat, made.embeddings) == (chat, embeddings)


@pytest.mark.parametrize(
    ("outputs", "chat"), [(["text"], True), (["image", "text"], True), (["audio"], False)]
)
def test_a_model_that_writes_no_text_does_not_chat(outputs: list[str], chat: bool) -> None:
    assert (
        card("openrouter", {"id": "a", "architecture": {"output_modalities": outputs}}).capabilities.chat
        is chat
    )


# --- life --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "retired"),
    [
        ({"active": False}, True),
        ({"active": True}, False),
        ({"expiration_date": "2027-01-14"}, True),
        ({"expiration_date": "2027-02-01"}, False),
        ({"deprecation": "2026-09-30T12:00:00Z"}, True),
        ({"shutdown_date": "2026-10-23"}, True),
        ({"shutdown_date": "2028-10-23"}, False),
        ({"shutdown_date": "soon"}, False),
        ({"deprecation": None, "expiration_date": 7}, False),
        ({}, False),
    ],
)
def test_what_has_been_retired(item: dict[str, Any], retired: bool) -> None:
    assert card("openai", {"id": "a", **item}).retired is retired


@pytest.mark.parametrize(
    ("created", "known"),
    [(1747930371, 1747930371.0), (0, None), (735790403, None), (None, None), (True, None)],
)
def test_placeholders_are_no_dates(created: Any, known: float | None) -> None:
    assert card("openai", {"id": "a", "created": created}).created == known


@pytest.mark.parametrize(
    ("model", "number"),
    [
        ("llama-3.1-8b-instruct", 8e9),
        ("google/gemma-4-26b-a4b-it", 26e9),
        ("SmolLM2-135M", 135e6),
        ("qwen2.5-coder-0.5b", 0.5e9),
        ("mixtral-8x7b", 56e9),
        ("qwen3:8b", 8e9),
        ("phi-3-mini-128k", None),
        ("gpt-4o", None),
        ("model-3bit", None),
    ],
)
def test_the_size_that_an_id_tells(model: str, number: float | None) -> None:
    assert parameters_of(model) == number


def test_a_size_that_is_told_counts_before_one_that_is_read() -> None:
    assert (
        card("llamacpp", {"id": "llama-8b", "meta": {"n_params": 8_030_261_312}}).parameters == 8_030_261_312
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ITEMS = st.dictionaries(
    st.sampled_from(
        [
            "id",
            "name",
            "pricing",
            "context_length",
            "architecture",
            "providers",
            "capabilities",
            "supported_parameters",
            "meta",
            "created",
            "type",
            "active",
            "deprecation",
            "top_provider",
            "expiration_date",
        ]
    ),
    ANYTHING
    | st.dictionaries(
        st.sampled_from(["prompt", "completion", "input", "output", "n_params", "output_modalities"]),
        ANYTHING,
    ),
)


@given(st.lists(ITEMS | ANYTHING, max_size=4), st.sampled_from(sorted(SPECS)))
def test_any_list_gives_cards_and_never_an_exception(listed: list[Any], provider: str) -> None:
    for made in cards(provider, listed):
        assert made.model
        assert made.context is None or made.context > 0
        assert made.price is None or (made.price.input >= 0 and made.price.output >= 0)
