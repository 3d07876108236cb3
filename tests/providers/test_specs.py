"""The rows say what they mean and nothing impossible."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aiorch.providers import SPECS, FreePolicy, ProviderSpec

ROWS = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def test_the_providers_that_are_known() -> None:
    assert list(SPECS) == (
        [
            "openrouter",
            "nova",
            "groq",
            "gemini",
            "mistral",
            "cerebras",
            "nvidia",
            "together",
            "deepseek",
            "openai",
            "huggingface",
            "ollama",
            "lmstudio",
            "llamacpp",
            "vllm",
        ]
    )


@ROWS
def test_a_row_is_complete(spec: ProviderSpec) -> None:
    assert SPECS[spec.id] is spec
    assert spec.id == spec.id.lower()
    assert spec.name
    assert spec.env
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
