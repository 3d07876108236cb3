"""What others recorded or wrote down of many providers, where it lies beside this repository: all of it is read, with
the right units and the right scope. It is not ours to keep here; the fixtures of the other tests are.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aiorch.catalog.modelsdev import read_api
from aiorch.errors import AttemptFailed
from aiorch.net import SSEParser
from aiorch.providers import SPECS, ProviderSpec, classify
from aiorch.providers.decode import parse_json
from aiorch.providers.dialect import dialect_named
from aiorch.providers.openrouter.account import read_key
from aiorch.providers.openrouter.hosts import read_hosts
from aiorch.types import FailureKind, ModelCard, Request

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "discovery" / "samples"
NOW = 1_795_348_800.0
"""2026-11-22 12:00:00 UTC, when they were collected."""
ELSEWHERE = ProviderSpec(id="elsewhere", name="Elsewhere", base_url="https://api.example.com/v1")
"""For providers that have no row: they no longer serve, or were only looked at."""

MODELS = """
    anthropic      claude-sonnet-5                   1000000 128000  -      -      tools      active
    anthropic      claude-3-5-haiku-20241022         200000  8192    -      -      tools      retired
    bedrock        amazon.nova-micro-v1:0            -       -       -      -      -          active
    cerebras       gpt-oss-120b                      -       -       -      -      -          unknown
    chutes         deepseek-ai/DeepSeek-V3.2         163840  65536   0.28   0.42   tools      unknown
    cloudflare     @cf/openai/gpt-oss-120b           128000  -       0.35   0.75   tools      unknown
    cohere         command-a-plus-05-2026            128000  -       -      -      tools      active
    cohere         embed-v4.0                        128000  -       -      -      -          active
    deepseek       deepseek-chat                     -       -       -      -      -          unknown
    fireworks      accounts/fireworks/models/kimi-k2p6 262144 -      -      -      tools      unknown
    gemini         gemini-3.5-flash-lite             1048576 65536   -      -      -          unknown
    github         openai/gpt-4.1                    -       -       -      -      -          unknown
    groq           openai/gpt-oss-120b               131072  65536   -      -      -          active
    groq           whisper-large-v3                  448     448     -      -      -          active
    heroku         amazon-rerank-1-0                 -       -       -      -      -          active
    heroku         claude-3-5-haiku                  -       -       -      -      -          retired
    huggingface    openai/gpt-oss-120b               131072  -       0.25   0.69   tools      unknown
    kilo           poolside/laguna-s-2.1:free        262144  -       0      0      tools      unknown
    llamacpp       ../models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf 131072 - 0 0   -          unknown
    llm7           gpt-oss-20b                       -       -       -      -      -          unknown
    lmstudio       google/gemma-4-26b-a4b            262144  -       0      0      tools      unknown
    lmstudio       text-embedding-nomic-embed-text-v1.5-embedding 2048 - 0  0      -          unknown
    mistral        mistral-small-latest              131072  -       -      -      tools      unknown
    mistral        open-mistral-nemo                 131072  -       -      -      tools      retired
    moonshot       kimi-k2.5                         262144  -       -      -      -          unknown
    novita         meta-llama/llama-3.3-70b-instruct 131072  -       0.39   0.39   -          unknown
    nvidia         nvidia/nemotron-3-super-120b-a12b -       -       0      0      -          unknown
    ollama_ps      gemma4                            -       -       0      0      -          unknown
    ollama_tags    gemma4                            -       -       0      0      -          unknown
    openai         model-id-0                        -       -       -      -      -          unknown
    openrouter     anthropic/claude-opus-4.7-fast    1000000 128000  30     150    tools      unknown
    openrouter     inclusionai/ring-2.6-1t:free      262144  65536   0      0      tools      unknown
    openrouter_models_2026-08 anthropic/claude-sonnet-4 1000000 64000 3     15     tools      unknown
    openrouter_models_2026-08 openai/gpt-4o          128000  16384   2.5    10     tools      unknown
    ovhcloud       gpt-oss-120b                      131072  131072  0.09   0.47   tools      unknown
    sambanova      Meta-Llama-3.3-70B-Instruct       131072  3072    0.6    1.2    -          unknown
    together       Austism/chronos-hermes-13b        2048    -       0.3    0.3    -          unknown
    vercel         amazon/nova-lite                  300000  8192    0.06   0.24   -          unknown
    vllm           Qwen/Qwen3-8B                     40960   -       0      0      -          unknown
    watsonx        ibm/granite-4-h-small             131072  16384   -      -      tools      active
    xai            grok-4.5                          1000000 -       2      6      -          unknown
"""
"""Whose list (or which file), which model: context, longest answer, USD per million tokens in and out, tools, state."""

OTHERS = {
    *("deepseek_balance", "ollama_show", "openrouter_endpoints", "openrouter_endpoints_2026_shape"),
    *("openrouter_key", "modelsdev_api"),
}
"""Samples that are no lists of models."""

ERRORS = """
    rate_minute account, rate_minute upstream, overloaded model, model_gone model, model_gone model, policy request,
    billing account, rate_minute upstream, rate_minute key_model, model_gone key_model, rate_minute account,
    rate_day key_model, model_gone model, model_gone key_model, -, rate_minute key_model, model_gone model,
    rate_minute key_model, overloaded upstream, rate_minute account, model_gone model, model_gone model,
    model_gone model, overloaded model, overloaded model, auth account, billing account, rate_minute account,
    billing account, billing account, overloaded model
"""
"""Kind and scope of each error, in their order; ``-`` is a good answer whose headers were worth keeping."""
WAITS = {2: 40.0, 8: 6.0, 10: 11.382867, 11: 72_000.0, 15: 20.0, 17: 17.0}
"""By number: for how many seconds, where an error tells. The twelfth is of a day, which ends in California at eight."""

if SAMPLES.exists():
    ROWS = [line.split() for line in MODELS.split("\n") if line.strip()]

    def body(name: str) -> Any:
        return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))["body"]

    def file_of(whose: str) -> str:
        return whose if "_" in whose else f"{whose}_models"

    def read(name: str) -> dict[str, ModelCard]:
        spec = SPECS.get(name.partition("_")[0], ELSEWHERE)
        listed = dialect_named(spec.dialect).models(json.dumps(body(name)).encode(), spec, NOW)
        return {card.model: card for card in listed}

    def test_every_sample_is_read_by_some_test() -> None:
        there = {path.stem for path in SAMPLES.glob("*.json")} - {"errors"}
        assert there == {*(file_of(whose) for whose, *_ in ROWS), *OTHERS}
        assert len(there) == 39

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1]}")
    def test_a_listed_model(row: list[str]) -> None:
        whose, model, context, longest, sent, made, tools, state = row
        card = read(file_of(whose))[model]
        assert (card.context, card.max_output) == tuple(
            None if n == "-" else int(n) for n in (context, longest)
        )
        assert (card.price and card.price.input) == (None if sent == "-" else Decimal(sent))
        assert (card.price and card.price.output) == (None if made == "-" else Decimal(made))
        assert (card.capabilities.tools is True) is (tools == "tools")
        assert card.lifecycle.state == state

    def test_the_longest_list_is_read_whole() -> None:
        found, listed = read("openrouter_models"), body("openrouter_models")["data"]
        assert len(found) == len(listed) == 364
        for item in listed:
            card = found[item["id"]]
            assert card.context == item["context_length"] or not item["context_length"]
            prompt = Decimal(item["pricing"]["prompt"])
            assert (card.price is None) is (prompt < 0)
            assert card.price is None or card.price.input == prompt * 1_000_000
            assert (card.free == "zero_price") is (
                item["id"].endswith(":free") or item["id"] == "openrouter/free"
            )

    def test_what_ollama_shows() -> None:
        dialect = dialect_named("ollama")
        card = dialect.enriched(ModelCard("ollama", "qwen3"), body("ollama_show"))
        assert (card.context, card.parameters) == (40960, 32_762_123_264)
        assert (card.capabilities.chat, card.capabilities.tools) == (True, True)
        assert card.capabilities.reasoning is False

    def test_what_openrouter_tells_of_a_key() -> None:
        key = read_key(body("openrouter_key"))
        assert (key.limit, key.remaining, key.usage, key.reset) == (
            100,
            Decimal("74.5"),
            Decimal("25.5"),
            "monthly",
        )
        assert key.free_tier is False

    @pytest.mark.parametrize(
        ("name", "context", "sent", "made"),
        [
            ("openrouter_endpoints", 1048576, "1.25", "10"),
            ("openrouter_endpoints_2026_shape", 8192, "30", "60"),
        ],
    )
    def test_what_openrouter_tells_of_hosts(name: str, context: int, sent: str, made: str) -> None:
        host, *_ = read_hosts(body(name))
        assert host.price is not None
        assert (host.context, host.price.input, host.price.output) == (context, Decimal(sent), Decimal(made))
        assert host.status == 0

    def test_a_public_catalogue() -> None:
        told = read_api(json.dumps(body("modelsdev_api")).encode(), NOW)
        assert {provider: len(told[provider]) for provider in ("nova", "cerebras")} == {
            "nova": 2,
            "cerebras": 4,
        }
        card = {card.model: card for card in told["groq"]}["allam-2-7b"]
        assert (card.context, card.max_output, card.capabilities.tools) == (4096, 4096, False)

    def test_a_balance_is_an_answer_and_no_list() -> None:
        told = parse_json(json.dumps(body("deepseek_balance")).encode())
        assert told["balance_infos"][0]["total_balance"] == "110.00"

    def test_each_error_has_its_kind_and_scope_and_wait() -> None:
        samples = json.loads((SAMPLES / "errors.json").read_text("utf-8"))
        assert len(samples) == 31
        wrong: list[str] = []
        for number, (sample, told) in enumerate(zip(samples, ERRORS.split(","), strict=True)):
            if told.strip() == "-":
                continue
            failure = failure_of(sample)
            wait = None if failure.retry_at is None else failure.retry_at - NOW
            right = f"{failure.kind} {failure.scope}" == told.strip()
            if number in WAITS:
                right = right and wait == pytest.approx(WAITS[number], abs=0.001)
            if not right:
                wrong.append(f"{number} {sample['provider']}: {wait} {failure}")
        assert wrong == []

    def failure_of(sample: dict[str, Any]) -> Any:
        spec = SPECS.get(sample["provider"], ELSEWHERE)
        if sample["status"] == 200:
            return failure_in_stream(sample["body"], spec)
        written = sample["body"] if isinstance(sample["body"], str) else json.dumps(sample["body"])
        return classify(sample["status"], sample["headers"], written.encode(), provider=spec, now=NOW)

    def failure_in_stream(written: str, spec: ProviderSpec) -> Any:
        def read_error(error: object) -> Any:
            return classify(200, {}, error, provider=spec, now=NOW, in_stream=True)

        reader = dialect_named(spec.dialect).reader(Request(()), "m", read_error)
        with pytest.raises(AttemptFailed) as caught:
            for event in SSEParser().feed(written.encode()):
                reader.feed(event)
        assert caught.value.failure.kind is FailureKind.RATE_MINUTE
        return caught.value.failure
