"""Lists of models in the shapes of the providers that aiorch knows."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import AttemptFailed
from aiorch.providers import SPECS
from aiorch.providers.listing import parameters_of, read_models
from aiorch.providers.spec import PriceUnit
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
        inputs=("image", "text"),
        outputs=("text",),
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
        ("novita", {"context_size": 8}, 8),
        ("xai", {"max_prompt_length": 8}, 8),
        ("cohere", {"context_length": 8.0}, 8),
        ("fireworks", {"contextLength": 8}, 8),
        ("venice", {"model_spec": {"availableContextTokens": 8}}, 8),
        ("deepinfra", {"metadata": {"context_length": 8, "max_tokens": 4}}, 8),
        ("chutes", {"context_length": 8, "max_model_len": 9, "max_output_length": 4}, 8),
        ("venice", {"model_spec": None}, None),
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


@given(st.decimals(0, 10_000, places=8))
def test_whatever_the_unit_a_price_is_the_same(a_million: Decimal) -> None:
    """One price, written as each provider writes it, is read as one price: no unit is off by any power of ten."""
    a_token = format(a_million / 1_000_000, "f")
    read = {
        provider: card(provider, {"id": "a", **item}).price
        for provider, item in {
            "openrouter": {"pricing": {"prompt": a_token, "completion": a_token}},
            "kilo": {"pricing": {"prompt": a_token, "completion": a_token}},
            "sambanova": {"pricing": {"prompt": a_token, "completion": a_token, "duration_per_hour": 0}},
            "nebius": {"pricing": {"prompt": a_token, "completion": a_token}},
            "vercel": {"pricing": {"input": a_token, "output": a_token}},
            "together": {"pricing": {"input": str(a_million), "output": str(a_million)}},
            "chutes": {"pricing": {"prompt": str(a_million), "completion": str(a_million)}},
            "huggingface": {"providers": [{"pricing": {"input": str(a_million), "output": str(a_million)}}]},
            "deepinfra": {
                "metadata": {"pricing": {"input_tokens": str(a_million), "output_tokens": str(a_million)}}
            },
            "venice": {
                "model_spec": {
                    "pricing": {"input": {"usd": str(a_million)}, "output": {"usd": str(a_million)}}
                }
            },
        }.items()
    }
    assert {provider for provider, price in read.items() if price != Price(a_million, a_million)} == set()


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_whole_numbers_are_ten_thousandths_of_a_dollar_a_million(sent: int, made: int, cached: int) -> None:
    expected = Price(Decimal(sent) / 10_000, Decimal(made) / 10_000)
    assert (
        card("novita", {"id": "a", "input_token_price_per_m": sent, "output_token_price_per_m": made}).price
        == expected
    )
    own = {
        "prompt_text_token_price": sent,
        "completion_text_token_price": made,
        "cached_prompt_text_token_price": cached,
    }
    assert card("xai", {"id": "a", **own}).price == replace(expected, cached_input=Decimal(cached) / 10_000)


@given(st.floats(1e-9, 1e-3))
def test_a_number_a_token_loses_no_digit(per_token: float) -> None:
    price = card("sambanova", {"id": "a", "pricing": {"prompt": per_token, "completion": per_token}}).price
    assert price is not None
    assert price.input == price.output == Decimal(str(per_token)) * 1_000_000


@pytest.mark.parametrize("varies", [-1, "-1", -0.5, None, "", "free", True, {"usd": -1}, {"eur": 1}, [1]])
@pytest.mark.parametrize("provider", sorted(name for name, spec in SPECS.items() if spec.price_unit))
def test_a_price_that_varies_or_says_nothing_is_unknown_in_every_unit(provider: str, varies: Any) -> None:
    for sent, made in ((varies, 1), (1, varies)):
        pair = {"prompt": sent, "completion": made}
        own = {"prompt_text_token_price": sent, "completion_text_token_price": made}
        nested = {"pricing": pair, "metadata": {"pricing": {"input_tokens": sent, "output_tokens": made}}}
        made_of_it = card(provider, {"id": "a", **own, **nested, "model_spec": {"pricing": pair}})
        assert made_of_it.price is None
        # A daily allowance is free whatever its list says.
        assert made_of_it.costs_nothing is (SPECS[provider].free.kind == "free_quota")


def test_every_unit_is_used_by_some_row() -> None:
    assert {spec.price_unit for spec in SPECS.values()} == {None, *get_args(PriceUnit)}


# --- the lists of one provider each, as they document them -------------------------------------------------------

EXPECTED = {
    ("chutes", "acme/reasoner"): {
        "context": 163840,
        "max_output": 65536,
        "price": Price(Decimal("0.25"), Decimal("0.5"), Decimal("0.125")),
        "free": "none",
        "can": "tools json_schema reasoning streaming chat",
    },
    ("cohere", "chatter"): {
        "context": 128000,
        "free": "trial",
        "can": "tools json_schema vision streaming chat",
    },
    ("cohere", "chatter-old"): {"retired": True, "can": "streaming chat"},
    ("cohere", "finder"): {"can": "embeddings"},
    ("deepinfra", "acme/small-8b"): {
        "context": 32768,
        "max_output": 8192,
        "price": Price(Decimal("0.03"), Decimal("0.05"), Decimal("0.01")),
        "can": "",
    },
    ("fireworks", "accounts/fireworks/models/big"): {
        "name": "Big",
        "context": 262144,
        "retired": False,
        "can": "tools vision",
    },
    ("fireworks", "accounts/fireworks/models/old"): {"retired": True, "can": ""},
    ("kilo", "acme/gift:free"): {"free": "zero_price", "price": ZERO_PRICE, "can": "tools streaming chat"},
    ("kilo", "acme/paid"): {"free": "none", "price": Price(Decimal(1), Decimal(2))},
    ("kilo", "acme/odd"): {"free": "unknown", "price": Price(Decimal(0), Decimal(0))},
    ("kilo", "acme/router"): {"free": "unknown", "price": None},
    ("llm7", "small"): {"free": "free_quota", "can": "streaming chat"},
    ("llm7", "large"): {"free": "none", "can": "streaming chat"},
    ("moonshot", "thinker"): {"context": 262144, "can": "vision reasoning"},
    ("nebius", "acme/fast"): {"context": 65536, "price": Price(Decimal("0.2"), Decimal("0.6"))},
    ("novita", "acme/medium"): {
        "name": "Medium",
        "context": 131072,
        "price": Price(Decimal("0.39"), Decimal("0.41")),
        "free": "trial",
    },
    ("ollama-cloud", "gpt-oss:20b"): {"free": "free_quota", "price": None},
    ("ollama-cloud", "paid:1t"): {"free": "none"},
    ("opencode-zen", "acme-free"): {"free": "zero_price", "price": ZERO_PRICE},
    ("opencode-zen", "acme"): {"free": "none", "price": None},
    ("sambanova", "Acme-70B"): {
        "max_output": 3072,
        "price": Price(Decimal("0.6"), Decimal("1.2")),
        "free": "none",
    },
    ("venice", "acme-uncensored"): {
        "context": 32768,
        "max_output": 4096,
        "price": Price(Decimal("0.2"), Decimal("0.9")),
        "can": "tools vision streaming chat",
    },
    ("vercel", "acme/lite"): {
        "name": "Lite",
        "context": 300000,
        "max_output": 8192,
        "price": Price(Decimal("0.06"), Decimal("0.24"), Decimal("0.015")),
        "free": "trial",
        "can": "tools vision streaming chat",
    },
    ("vercel", "acme/vectors"): {"can": "embeddings"},
    ("xai", "acme-4"): {
        "context": 1000000,
        "price": Price(Decimal(2), Decimal(6), Decimal("0.5")),
        "can": "vision streaming chat",
    },
    ("zai", "glm-5"): {"free": "none", "price": None},
    ("zai", "glm-4.7-flash"): {"free": "zero_price", "price": ZERO_PRICE},
}
LISTS: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures" / "lists.json").read_text("utf-8"))


def told(made: ModelCard, name: str) -> Any:
    can = made.capabilities
    return " ".join(n for n in can.__slots__ if getattr(can, n)) if name == "can" else getattr(made, name)


@pytest.mark.parametrize(("provider", "model"), EXPECTED, ids="/".join)
def test_what_each_list_tells(provider: str, model: str) -> None:
    (made,) = [c for c in cards(provider, LISTS[provider]) if c.model == model]
    expected = EXPECTED[provider, model]
    assert {name: told(made, name) for name in expected} == expected


def test_free_models_that_a_list_leaves_out_are_there_once() -> None:
    assert [c.model for c in cards("zai", [{"id": "glm-4.7-flash"}, {"id": "glm-5"}])] == [
        "glm-4.7-flash",
        "glm-5",
        "glm-4.5-flash",
        "glm-4.6v-flash",
    ]


def test_a_feature_that_is_not_named_is_missing_and_a_tag_that_is_not_is_unknown() -> None:
    named = card("chutes", {"id": "a", "supported_features": ["json_mode"]}).capabilities
    assert (named.tools, named.json_schema, named.reasoning) == (False, None, False)
    tagged = card("vercel", {"id": "a", "type": "language", "tags": []}).capabilities
    assert (tagged.tools, tagged.vision, tagged.reasoning) == (None, None, None)


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
        ({"is_deprecated": True}, True),
        ({"is_deprecated": False}, False),
        ({"deprecationDate": {"year": 2027, "month": 1, "day": 14}}, True),
        ({"deprecationDate": {"year": 2027, "month": 2, "day": 1}}, False),
        ({"deprecationDate": {"year": 2027}}, False),
        ({"deprecation": {"inference": 1}}, False),
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
            "deprecationDate",
            "model_spec",
            "metadata",
            "tags",
            "endpoints",
            "supported_features",
            "model_type",
            "prompt_text_token_price",
            "completion_text_token_price",
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


# --- Cloudflare's two ways ---------------------------------------------------------------------------------------

OWN = {
    "id": "d9b7a55c-0000-0000-0000-000000000000",
    "name": "@cf/acme/small-8b-instruct",
    "task": {"id": "c329a1f9", "name": "Text Generation"},
    "properties": [
        {"property_id": "context_window", "value": "24000"},
        {"property_id": "function_calling", "value": "true"},
        {"property_id": "planned_deprecation_date", "value": "2026-05-30"},
        {
            "property_id": "price",
            "value": [
                {"unit": "per M input tokens", "price": 0.293, "currency": "USD"},
                {"unit": "per M output tokens", "price": 2.253, "currency": "USD"},
                {"unit": "per M input tokens", "price": 9, "currency": "EUR"},
                {"unit": "per step", "price": 1, "currency": "USD"},
            ],
        },
        {"property_id": "terms", "value": "https://example.com"},
    ],
}


def test_a_list_in_cloudflares_envelope() -> None:
    plain = {
        "id": "@cf/acme/small",
        "context_length": 8192,
        "pricing": {"prompt": "0.00000035", "completion": "0.00000075"},
    }
    for result in ([plain], {"data": [plain]}):
        (made,) = cards("cloudflare", {"success": True, "result": result, "result_info": {"page": 1}})
        assert (made.model, made.context, made.free) == ("@cf/acme/small", 8192, "free_quota")
        assert made.price == Price(Decimal("0.35"), Decimal("0.75"))


def test_a_list_in_cloudflares_own_words() -> None:
    (made,) = cards("cloudflare", {"result": [OWN]})
    assert (made.model, made.context) == ("@cf/acme/small-8b-instruct", 24000)
    assert made.price == Price(Decimal("0.293"), Decimal("2.253"))
    assert (made.capabilities.chat, made.capabilities.tools) == (True, True)
    assert made.retired


@pytest.mark.parametrize(
    ("task", "chat", "embeddings"),
    [("Text Generation", True, False), ("Text Embeddings", False, True), ("Text-to-Image", False, None)],
)
def test_what_its_tasks_are(task: str, chat: bool, embeddings: bool | None) -> None:
    (made,) = cards("cloudflare", {"result": [{**OWN, "task": {"name": task}}]})
    assert (made.capabilities.chat, made.capabilities.embeddings) == (chat, embeddings)


@given(
    st.lists(
        ANYTHING
        | st.fixed_dictionaries(
            {
                "property_id": st.sampled_from(["price", "context_window", "vision"]),
                "value": ANYTHING
                | st.lists(
                    st.dictionaries(
                        st.sampled_from(["unit", "price", "currency"]),
                        ANYTHING | st.sampled_from(["USD", "per M input tokens"]),
                    )
                ),
            }
        )
    )
)
def test_any_properties_give_a_card(properties: list[Any]) -> None:
    (made,) = cards("cloudflare", {"result": [{**OWN, "properties": properties}]})
    assert made.price is None or made.price.input >= 0


# --- names and fields that only one has --------------------------------------------------------------------------


def test_ids_by_other_names() -> None:
    listed = [{"key": "acme/a"}, {"model_id": "b"}, {"name": "c"}, {"id": "d", "name": "D"}, {"id": 7}]
    assert [made.model for made in cards("vllm", listed)] == ["acme/a", "b", "c", "d"]


def test_azure_says_what_a_model_can_do_and_until_when() -> None:
    item = {
        "id": "gpt-4.1-2025-04-14",
        "capabilities": {"chat_completion": True, "embeddings": False, "inference": True},
        "lifecycle_status": "generally-available",
        "deprecation": {"fine_tune": 1_799_000_000, "inference": 1_900_000_000},
    }
    made = card("azure", item)
    assert made.capabilities.chat is True
    assert (made.lifecycle.state, made.lifecycle.retires_at) == ("active", 1_900_000_000)
    leaving = card("azure", {**item, "lifecycle_status": "preview"})
    assert (leaving.lifecycle.state, leaving.lifecycle.retires_at) == ("deprecated", 1_900_000_000)
    assert card("azure", {**item, "deprecation": {"inference": 1_700_000_000}}).retired
    assert card("azure", {**item, "deprecation": None}).lifecycle.state == "active"
