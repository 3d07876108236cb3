"""The rows say what they mean and nothing impossible."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from aiorch.providers import RETIRED, SPECS, FreePolicy, ProviderSpec

KNOWN = """
    openrouter nova groq gemini mistral codestral nvidia zai zhipuai modelscope kilo opencode-zen ollama-cloud llm7
    cerebras cohere huggingface vercel fireworks novita nebius scaleway dashscope hyperbolic pollinations ai21
    together deepseek openai xai moonshot deepinfra chutes sambanova siliconflow ovhcloud venice perplexity
    ollama lmstudio llamacpp vllm sglang localai docker-model-runner jan
"""
ROWS = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def test_the_providers_that_are_known() -> None:
    assert " ".join(SPECS).split() == KNOWN.split()


@ROWS
def test_a_row_is_complete(spec: ProviderSpec) -> None:
    assert SPECS[spec.id] is spec
    assert spec.id == spec.id.lower()
    assert spec.name
    assert spec.env or (spec.url_env and not spec.needs_key)
    assert not spec.base_url.endswith("/")
    assert spec.base_url.startswith("http://" if spec.local else "https://")
    assert spec.chat_path.startswith("/")
    assert spec.as_of
    if not spec.local:
        assert spec.needs_key
    if spec.free.kind not in ("none", "local"):
        assert spec.free.basis
        assert spec.free.as_of


@ROWS
def test_no_key_is_named_for_two_providers(spec: ProviderSpec) -> None:
    others = {name for other in SPECS.values() if other is not spec for name in (*other.env, *other.url_env)}
    assert not others & {*spec.env, *spec.url_env}


@ROWS
def test_headers_are_asked_for_in_lower_case(spec: ProviderSpec) -> None:
    assert all(w.remaining == w.remaining.lower() and w.reset == w.reset.lower() for w in spec.windows)


def test_no_row_is_for_a_provider_that_no_longer_serves() -> None:
    assert not set(RETIRED) & set(SPECS)
    assert all(re.search(r"\d{4}-\d\d-\d\d", fate) for fate in RETIRED.values())


def test_what_only_a_trial_or_money_pays_for_comes_after_what_is_free() -> None:
    kinds = [spec.free.kind for spec in SPECS.values()]
    groups = ("zero_price free_quota", "trial", "none", "local")
    places = [next(i for i, group in enumerate(groups) if kind in group) for kind in kinds]
    assert places == sorted(places)


@ROWS
def test_models_that_the_list_leaves_out_are_there_for_a_reason(spec: ProviderSpec) -> None:
    if spec.list_path is None:
        assert spec.unlisted
    else:
        assert all(spec.free.kind == "zero_price" and spec.free.covers(model) for model in spec.unlisted)


def test_openrouter_is_told_who_calls_and_nothing_else() -> None:
    assert dict(SPECS["openrouter"].headers) == {"X-OpenRouter-Title": "aiorch"}


def test_a_policy_covers_what_its_patterns_match() -> None:
    policy = FreePolicy("zero_price", models=("*:free", "openrouter/free"))
    assert policy.covers("acme/small:free")
    assert policy.covers("openrouter/free")
    assert not policy.covers("acme/small")


def test_the_rows_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        SPECS["groq"] = SPECS["openai"]  # type: ignore[index]


def test_providers_import_no_http_client_and_no_validator() -> None:
    code = (
        "import sys, aiorch.providers;"
        "print([m for m in ('httpx', 'aiohttp', 'anyio', 'pydantic', 'jsonschema', 'ssl') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
