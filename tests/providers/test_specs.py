"""The rows say what they mean and nothing impossible."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from aiorch.errors import ConfigurationError
from aiorch.providers import RETIRED, SPECS, FreePolicy, ProviderSpec
from aiorch.providers.spec import Variable, resolved

CLOUDS = """
    openrouter nova groq gemini mistral codestral cloudflare nvidia zai zhipuai modelscope kilo opencode-zen
    ollama-cloud llm7 cerebras cohere huggingface vercel fireworks novita nebius scaleway dashscope hyperbolic
    pollinations ai21 anthropic together deepseek openai azure bedrock vertex watsonx xai moonshot minimax deepinfra
    chutes sambanova siliconflow ovhcloud venice perplexity
"""
LOCAL = "ollama lmstudio llamacpp vllm sglang localai docker-model-runner jan"
ROWS = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def paths(spec: ProviderSpec) -> list[str]:
    """All its addresses."""
    named = (spec.list_path, *spec.more_lists, spec.chat_path, spec.embeddings_path, spec.key_check)
    return [path for path in named if path is not None]


def test_the_providers_that_are_known() -> None:
    assert sorted(SPECS) == sorted([*CLOUDS.split(), *LOCAL.split()])
    assert len(CLOUDS.split()) == 45
    assert {spec.id for spec in SPECS.values() if spec.local} == set(LOCAL.split())


@ROWS
def test_a_row_is_complete(spec: ProviderSpec) -> None:
    assert SPECS[spec.id] is spec
    assert spec.id == spec.id.lower()
    assert spec.name
    assert spec.env or (spec.url_env and not spec.needs_key)
    assert not spec.base_url.endswith("/")
    assert spec.base_url.startswith("http://" if spec.local else "https://")
    assert all(path.startswith(("/", "https://")) for path in paths(spec))
    assert spec.chat_path.startswith("/")
    assert find_spec(f"aiorch.providers.dialects.{spec.dialect}")
    assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", spec.as_of)
    if not spec.local:
        assert spec.needs_key


@ROWS
def test_what_is_free_says_why_and_since_when_that_is_known(spec: ProviderSpec) -> None:
    for policy in (spec.free, *([spec.anonymous] if spec.anonymous else [])):
        if policy.kind not in ("none", "local"):
            assert policy.basis
            assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", policy.as_of)
        else:
            assert not policy.limits
        for limits in (policy.limits, *policy.model_limits.values()):
            assert all(limit.amount > 0 and limit.scope in ("account", "key_model") for limit in limits)
            assert len({(limit.unit, limit.per, limit.scope) for limit in limits}) == len(limits)
    assert spec.anonymous is None or spec.anonymous.kind == "anonymous"


@ROWS
def test_no_key_is_named_for_two_providers(spec: ProviderSpec) -> None:
    def named(row: ProviderSpec) -> set[str]:
        return {*row.env, *row.url_env}

    others = {name for other in SPECS.values() if other is not spec for name in named(other)}
    assert not others & named(spec)
    variables = [name for variable in spec.variables for name in variable.env]
    assert len(variables) == len(set(variables))
    assert not set(variables) & {*named(spec), *spec.signer_env}


@ROWS
def test_headers_are_asked_for_in_lower_case(spec: ProviderSpec) -> None:
    assert all(w.remaining == w.remaining.lower() and w.reset == w.reset.lower() for w in spec.windows)
    assert all(name == name.lower() for name in spec.told_headers)


@ROWS
def test_whatever_stands_in_braces_is_a_variable_or_the_model(spec: ProviderSpec) -> None:
    texts = [spec.base_url, *paths(spec), *(v for v in spec.body.values() if isinstance(v, str))]
    braced = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    known = {variable.name for variable in spec.variables}
    assert braced <= {*known, "model"}
    whole = resolved(spec, {name: f"my-{name}" for name in known})
    assert not whole.variables
    assert "{" not in whole.base_url


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


@ROWS
def test_a_key_is_checked_elsewhere_only_where_the_list_is_public(spec: ProviderSpec) -> None:
    assert spec.key_check is None or (spec.list_is_public and spec.needs_key)


def test_openrouter_is_told_who_calls_and_nothing_else() -> None:
    assert dict(SPECS["openrouter"].headers) == {"X-OpenRouter-Title": "aiorch"}


def test_a_policy_covers_what_its_patterns_match() -> None:
    policy = FreePolicy("zero_price", models=("*:free", "openrouter/free"))
    assert policy.covers("acme/small:free")
    assert policy.covers("openrouter/free")
    assert not policy.covers("acme/small")


def test_an_answer_of_cloudflare_is_not_cut_at_its_256_tokens() -> None:
    from aiorch.providers.encode import chat_body
    from aiorch.types import Message, Parameters, Request

    def longest(parameters: Parameters) -> int:
        request = Request((Message.user("hi"),), parameters)
        return chat_body("m", request, SPECS["cloudflare"])["max_tokens"]

    assert longest(Parameters()) == 2048
    assert longest(Parameters(max_tokens=7)) == 7
    assert longest(Parameters(extra={"max_tokens": 9})) == 9


# --- variables ---------------------------------------------------------------------------------------------------


def test_an_account_is_part_of_the_address() -> None:
    spec = SPECS["cloudflare"]
    assert resolved(spec, {"account_id": "abc"}).base_url.endswith("/accounts/abc/ai")
    with pytest.raises(ConfigurationError, match="'cloudflare' needs CLOUDFLARE_ACCOUNT_ID"):
        resolved(spec, {})


def test_an_address_of_ones_own_needs_no_parts() -> None:
    spec = SPECS["azure"]
    assert resolved(spec, {"resource": "acme"}).base_url == "https://acme.openai.azure.com/openai/v1"
    own = "https://acme.cognitiveservices.azure.com/openai/v1"
    assert resolved(spec, {}, own + "/").base_url == own
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_RESOURCE or AZURE_RESOURCE_NAME"):
        resolved(spec, {})


def test_what_only_a_request_needs_is_needed_whatever_the_address() -> None:
    spec = ProviderSpec(
        id="acme",
        name="Acme",
        base_url="https://{region}.acme.example",
        variables=(Variable("region", ("ACME_REGION",)), Variable("project", ("ACME_PROJECT",))),
        body={"project": "{project}", "n": 1},
    )
    with pytest.raises(ConfigurationError, match="needs ACME_PROJECT: set"):
        resolved(spec, {}, "https://proxy.example")
    assert resolved(spec, {"project": "p"}, "https://proxy.example").body == {"project": "p", "n": 1}


# --- of the package ----------------------------------------------------------------------------------------------


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


# --- facts of many providers, where somebody has them ------------------------------------------------------------

FACTS = Path(__file__).parents[3] / "shared" / "data" / "discovery" / "providers.json"

if FACTS.exists():  # collected by others, so not ours to keep here
    COLLECTED: list[dict[str, Any]] = json.loads(FACTS.read_text())["providers"]

    def test_every_provider_of_a_collection_has_a_row_or_no_longer_serves() -> None:
        assert {row["id"] for row in COLLECTED} == {*SPECS, *RETIRED}

    @pytest.mark.parametrize("row", [r for r in COLLECTED if r["id"] in SPECS], ids=lambda row: row["id"])
    def test_a_row_agrees_with_what_others_read(row: dict[str, Any]) -> None:
        spec = SPECS[row["id"]]
        assert spec.local is (row["kind"] == "local")
        # Ollama's key is its user's own server's here, and Z.ai does not take Zhipu's.
        told = {*spec.env, *spec.url_env, *(name for v in spec.variables for name in v.env), *spec.signer_env}
        if spec.id not in ("ollama-cloud", "zai"):
            assert told & set(row["env"]) or not row["env"]
        kind = row["free_tier"]["kind"]
        ours = {"credit": "trial", "trial_quota": "trial", "anonymous_quota": "none"}.get(kind, kind)
        assert spec.free.kind == ours or spec.id in ("siliconflow", "bedrock", "azure", "vertex", "watsonx")
        if row["unverified"]:
            # Read again since, or (Ollama) in its source.
            assert not spec.verified or spec.as_of > row["as_of"] or spec.id == "ollama"
