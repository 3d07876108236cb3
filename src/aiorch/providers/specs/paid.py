"""Providers that charge from the first token."""

from __future__ import annotations

from aiorch.providers.spec import ProviderSpec, Quirks, Window

_OPENAI_WINDOWS = (
    Window("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "minute"),
    Window("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "minute"),
)

PAID: tuple[ProviderSpec, ...] = (
    ProviderSpec(
        id="together",
        name="Together AI",
        base_url="https://api.together.xyz/v1",
        env=("TOGETHER_API_KEY",),
        embeddings_path="/embeddings",
        price_unit="usd_per_million",
        windows=(Window("x-ratelimit-remaining", "x-ratelimit-reset", "minute"),),
        verified=False,  # the exact names of its headers
        as_of="2026-10",
    ),
    ProviderSpec(
        id="deepseek",
        name="DeepSeek",
        base_url="https://api.deepseek.com",
        env=("DEEPSEEK_API_KEY",),
        limit_scope="account",
        quirks=Quirks(seed=None, schema="json_object", reasoning_back="tool_turns"),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="openai",
        name="OpenAI",
        base_url="https://api.openai.com/v1",
        env=("OPENAI_API_KEY",),
        embeddings_path="/embeddings",
        windows=_OPENAI_WINDOWS,
        quirks=Quirks(
            max_tokens="max_completion_tokens",
            closed_schemas=True,
            no_sampling=("o[1-9]*", "gpt-5*", "codex-*"),
        ),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="xai",
        name="xAI",
        base_url="https://api.x.ai/v1",
        env=("XAI_API_KEY",),
        list_path="/language-models",
        price_unit="hundredth_cents_per_million",
        quirks=Quirks(stop=False),  # some models refuse it
        as_of="2026-10",
    ),
    ProviderSpec(
        id="moonshot",
        name="Moonshot",
        base_url="https://api.moonshot.ai/v1",
        env=("MOONSHOT_API_KEY",),
        quirks=Quirks(
            required_tool="auto",
            no_sampling=("*thinking*", "kimi-k2.[5-9]*", "kimi-k[3-9]*"),
            reasoning_back="tool_turns",
        ),
        verified=False,  # which of its models think and so refuse a temperature
        as_of="2026-10",
    ),
    ProviderSpec(
        id="deepinfra",
        name="DeepInfra",
        base_url="https://api.deepinfra.com/v1/openai",
        env=("DEEPINFRA_API_KEY", "DEEPINFRA_API_TOKEN"),
        list_is_public=True,
        embeddings_path="/embeddings",
        price_unit="usd_per_million",
        quirks=Quirks(required_tool="auto"),
        verified=False,  # the metadata in its list
        as_of="2026-10",
    ),
    ProviderSpec(
        id="chutes",
        name="Chutes",
        base_url="https://llm.chutes.ai/v1",
        env=("CHUTES_API_KEY",),
        list_is_public=True,
        price_unit="usd_per_million",
        as_of="2026-10",
    ),
    ProviderSpec(
        id="sambanova",
        name="SambaNova",
        base_url="https://api.sambanova.ai/v1",
        env=("SAMBANOVA_API_KEY",),
        list_is_public=True,
        embeddings_path="/embeddings",
        price_unit="usd_per_token",
        windows=(
            Window("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "minute"),
            Window("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day", "day"),
        ),
        verified=False,  # the names of its headers; the longest answer in its list
        as_of="2026-10",
    ),
    ProviderSpec(
        id="siliconflow",
        name="SiliconFlow",
        base_url="https://api.siliconflow.com/v1",
        env=("SILICONFLOW_API_KEY",),
        list_path="/models?type=text&sub_type=chat",
        embeddings_path="/embeddings",
        verified=False,  # the sub_type that its list is asked for; its error codes
        as_of="2026-10",
    ),
    ProviderSpec(
        id="ovhcloud",
        name="OVHcloud AI Endpoints",
        base_url="https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        env=("OVHCLOUD_API_KEY", "OVH_AI_ENDPOINTS_ACCESS_TOKEN"),
        # Calls without a key are free, 2 a minute per address; with one they are charged, and a row is for both.
        list_is_public=True,
        embeddings_path="/embeddings",
        as_of="2026-10",
    ),
    ProviderSpec(
        id="venice",
        name="Venice",
        base_url="https://api.venice.ai/api/v1",
        env=("VENICE_API_KEY",),
        list_path="/models?type=text",
        list_is_public=True,
        chat_types=("text",),
        price_unit="usd_per_million",
        as_of="2026-10",
    ),
    ProviderSpec(
        id="perplexity",
        name="Perplexity",
        base_url="https://api.perplexity.ai",
        env=("PERPLEXITY_API_KEY",),
        list_path=None,
        unlisted=("sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"),
        verified=False,  # embeddings, so it has none here
        as_of="2026-10",
    ),
)
"""In the order in which they are preferred."""
