from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.aliases import ALIASES
from aiorch.catalog.families import Family, family_of

SAME = {
    "llama-3.1-8b": (
        "meta-llama/Llama-3.1-8B-Instruct",
        "Meta-Llama-3.1-8B-Instruct",
        "llama3.1-8b",
        "llama-3.1-8b-instant",
        "us.meta.llama3-1-8b-instruct-v1:0",
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "@cf/meta/llama-3.1-8b-instruct-fp8",
        "meta/llama-3.1-8b-instruct",
        "meta-llama/llama-3.1-8b-instruct:free",
        "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo",
        "llama3.1:8b-instruct-q4_K_M",
    ),
    "claude-sonnet-3.5": (
        "anthropic/claude-3.5-sonnet",
        "claude-3-5-sonnet-20241022",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
    ),
    "claude-sonnet-4": (
        "claude-sonnet-4@20250514",
        "anthropic/claude-4-sonnet-20250522",
        "claude-sonnet-4-0"[:-2],
    ),
    "claude-opus-4.5": ("claude-opus-4-5-20251101", "claude-opus-45", "anthropic/claude-4.5-opus"),
    "claude-opus-4.8": ("anthropic/claude-opus-4.8-fast", "claude-opus-4-8@default"),
    "qwen-3-235b-a22b": (
        "Qwen/Qwen3-235B-A22B-Instruct-2507",
        "qwen/qwen3-235b-a22b-thinking-2507",
        "qwen3-235b",
    ),
    "qwen-2.5-72b": ("qwen2.5-72b-instruct", "qwen2-5-72b-instruct", "Qwen/Qwen2.5-72B-Instruct-Turbo"),
    "qwen-3-coder-480b-a35b": ("qwen/qwen3-coder", "qwen3-coder:480b", "Qwen/Qwen3-Coder-480B-A35B-Instruct"),
    "gpt-oss-20b": ("gpt-oss:20b", "openai/gpt-oss-20b", "openai.gpt-oss-20b-1:0", "@cf/openai/gpt-oss-20b"),
    "gpt-5.6-terra": ("openai-gpt-56-terra", "openai/gpt-5.6-terra", "gpt-5-6-terra"),
    "gpt-3.5-turbo": ("gpt-35-turbo", "openai/gpt-3.5-turbo-0613"),
    "gpt-4o": ("gpt-4o-2024-08-06", "openai/gpt-4o", "chatgpt-4o-latest"),
    "gemma-4-31b": (
        "gemma4:31b",
        "google/gemma-4-31b-it:free",
        "google-gemma-4-31b-it",
        "gemma-4-31B-turbo-TEE",
    ),
    "gemini-2.5-flash": ("models/gemini-2.5-flash", "google/gemini-2.5-flash-preview-05-20"),
    "gemini-3-pro": ("google/gemini-3-pro-preview", "gemini-3-pro"),
    "mistral-small-3.2-24b": ("mistral-small-2506", "mistralai/mistral-small-3.2-24b-instruct-2506"),
    "mistral-medium-3.1": ("mistral-medium-2508", "mistralai/mistral-medium-3.1"),
    "mistral-7b": (
        "mistral.mistral-7b-instruct-v0:2",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "open-mistral-7b",
    ),
    "mixtral-8x7b": ("mistralai/mixtral-8x7b-instruct", "Mixtral-8x7B-Instruct-v0.1"),
    "nova-2-lite": ("nova-2-lite-v1", "us.amazon.nova-2-lite-v1:0", "amazon/nova-2-lite-v1:free"),
    "nova-pro": ("amazon.nova-pro-v1:0", "amazon/nova-pro-v1"),
    "deepseek-r1": ("deepseek.r1-v1:0", "deepseek/deepseek-r1-0528:free", "deepseek-ai/DeepSeek-R1"),
    "deepseek-v3": ("deepseek.v3-v1:0", "deepseek/deepseek-chat-v3-0324", "deepseek-ai/DeepSeek-V3-0324"),
    "deepseek-v3.2": (
        "deepseek.v3.2",
        "deepseek-ai/DeepSeek-V3.2-Exp",
        "accounts/fireworks/models/deepseek-v3p2",
    ),
    "kimi-k2": ("moonshotai/Kimi-K2-Instruct-0905", "moonshot.kimi-k2-thinking"),
    "kimi-k2.6": ("kimi-k2-6", "accounts/fireworks/models/kimi-k2p6", "moonshotai/Kimi-K2.6-TEE"),
    "minimax-m2.5": ("minimax-m25", "MiniMaxAI/MiniMax-M2.5", "MiniMax-M2.5-highspeed"),
    "glm-4.5-air": ("zai-org/GLM-4.5-Air-FP8", "glm-4-5-air", "z-ai-glm-4-5-air"),
    "glm-4.5v": ("z-ai/glm-4.5v", "glm-4-5v"),
    "grok-4": ("x-ai/grok-4-0709", "grok-4-latest"),
    "grok-4.1-fast": ("grok-41-fast", "grok-4-1-fast-non-reasoning", "x-ai/grok-4.1-fast"),
    "command-r-plus": ("command-r-plus-08-2024", "cohere.command-r-plus-v1:0"),
    "llama-4-maverick": (
        "meta-llama/llama-4-maverick-17b-128e-instruct",
        "meta.llama4-maverick-17b-instruct-v1:0",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
    ),
    "openrouter-free": ("openrouter/free",),
    "openrouter-auto": ("openrouter/auto",),
}


@pytest.mark.parametrize(("family", "model"), [(f, model) for f, ids in SAME.items() for model in ids])
def test_one_model_is_one_family_under_every_providers_id(family: str, model: str) -> None:
    assert family_of(model).family == family


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("openai/gpt-5-chat", "openai/gpt-5"),
        ("gpt-4-turbo", "gpt-4"),
        ("gpt-3.5-turbo-instruct", "gpt-3.5-turbo"),
        ("x-ai/grok-4-fast", "x-ai/grok-4"),
        ("qwen-turbo", "qwen-plus"),
        ("llama-3.1-8b", "llama-3.1-70b"),
        ("gemma-3-27b-it", "gemma-3-12b-it"),
        ("deepseek-v3.1", "deepseek-v3"),
        ("mistral-small-2506", "mistral-small-2503"),
        ("openrouter/auto", "openrouter/free"),
        ("phi-4-multimodal-instruct", "phi-4"),
        ("nvidia/llama-3.1-nemotron-70b-instruct", "meta/llama-3.1-70b-instruct"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek-ai/DeepSeek-R1"),
    ],
)
def test_different_models_stay_apart(one: str, other: str) -> None:
    assert family_of(one).family != family_of(other).family


@pytest.mark.parametrize(
    ("model", "variant"),
    [
        ("qwen/qwen3-235b-a22b-thinking-2507", "thinking-2507"),
        ("@cf/meta/llama-3.1-8b-instruct-fp8", "fp8"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "turbo"),
        ("claude-3-5-sonnet-20241022", "20241022"),
        ("gpt-4o-2024-08-06", "20240806"),
        ("gemini-2.5-flash-preview-05-20", "preview-0520"),
        ("gemini-2.0-flash-001", "001"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "v0.3"),
        ("grok-4-1-fast-non-reasoning", "nonreasoning"),
        ("anthropic/claude-3.7-sonnet:thinking", "thinking"),
        ("~openai/gpt-latest", "latest"),
        ("anthropic/claude-opus-4.8-fast", "fast"),
        ("meta-llama/llama-3.1-8b-instruct:free", None),
        ("google/gemma-3-27b-it", None),
        ("Qwen/Qwen3-8B:nscale", None),
    ],
)
def test_what_sets_a_kind_apart_is_its_variant(model: str, variant: str | None) -> None:
    assert family_of(model).variant == variant


@pytest.mark.parametrize("model", ["17", "#", "a"])
def test_where_an_id_says_nothing_the_name_does(model: str) -> None:
    assert family_of(model, "Llama 3.1 8B Instruct") == Family("llama-3.1-8b")


def test_a_name_does_not_overrule_an_id_that_speaks() -> None:
    assert family_of("gpt-4o", "Something else").family == "gpt-4o"


@pytest.mark.parametrize("model", ["", " ", "/", ":", "~", "...", "a/"])
def test_a_family_is_never_empty(model: str) -> None:
    assert family_of(model).family


def test_no_alias_leads_to_another_alias() -> None:
    assert [name for name, known in ALIASES.items() if known in ALIASES] == []


_PIECES = (
    "llama 3 1 3.1 8b instruct it chat qwen3 claude sonnet opus 4 5 gpt 4o 2024 08 06 0324 v1 v2 fp8 thinking free"
    " meta openai deepseek . : / @ p q4_K_M latest k2 m25 20250514 us anthropic r1 v3 non reasoning auto openrouter"
    " ~ 35 00 1"
)
PIECES = st.sampled_from(_PIECES.split(" "))
IDS = st.one_of(
    st.text(),
    st.lists(PIECES).map("-".join),
    st.lists(st.tuples(PIECES, st.sampled_from("-/:._@ ")).map("".join)).map("".join),
    st.sampled_from([model for ids in SAME.values() for model in ids]),
)


@given(IDS, st.none() | st.text())
def test_any_id_has_a_family_which_is_its_own_family(model: str, name: str | None) -> None:
    kin = family_of(model, name)
    assert kin.family
    assert family_of(kin.family) == Family(kin.family)


@pytest.mark.parametrize(
    "model", [ids[0] for ids in SAME.values() if "/" not in ids[0] and ":" not in ids[0]]
)
def test_case_and_author_do_not_matter(model: str) -> None:
    assert family_of(f"somebody/{model.upper()}") == family_of(model)
