"""Providers that give credit to begin with, and charge when it has gone."""

from __future__ import annotations

from aiorch.providers.spec import FreePolicy, ProviderSpec, Quirks, Window
from aiorch.types import Limit

CREDIT: tuple[ProviderSpec, ...] = (
    ProviderSpec(
        id="cerebras",
        name="Cerebras",
        base_url="https://api.cerebras.ai/v1",
        env=("CEREBRAS_API_KEY",),
        free=FreePolicy(
            "trial", basis="a trial credit for 30 days; the standing free tier has ended", as_of="2026-10"
        ),
        limit_scope="account",
        windows=(
            Window("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day", "day"),
            Window("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute", "minute"),
        ),
        quirks=Quirks(max_tokens="max_completion_tokens"),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="cohere",
        name="Cohere",
        base_url="https://api.cohere.com",
        env=("COHERE_API_KEY", "CO_API_KEY"),
        dialect="cohere",
        chat_path="/v2/chat",
        list_path="/v1/models?page_size=1000",
        embeddings_path="/v2/embed",
        free=FreePolicy(
            "trial",
            basis="trial keys: 20 requests a minute per model, 1,000 calls a month, not for commercial use",
            as_of="2026-10",
            limits=(
                Limit(20, "requests", "minute", "key_model"),
                Limit(1000, "requests", "month", "account"),
            ),
        ),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="huggingface",
        name="Hugging Face",
        base_url="https://router.huggingface.co/v1",
        env=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        list_is_public=True,
        price_unit="usd_per_million",
        free=FreePolicy("trial", basis="a monthly credit of cents, or a PRO account", as_of="2026-10"),
        key_check="https://huggingface.co/api/whoami-v2",
        limit_scope="account",
        as_of="2026-10",
    ),
    ProviderSpec(
        id="vercel",
        name="Vercel AI Gateway",
        base_url="https://ai-gateway.vercel.sh/v1",
        env=("AI_GATEWAY_API_KEY",),
        list_is_public=True,
        chat_types=("language",),
        price_unit="usd_per_token",
        free=FreePolicy("trial", basis="a monthly credit of 5 USD", as_of="2026-10"),
        key_check="/credits",
        limit_scope="account",
        as_of="2026-10",
    ),
    ProviderSpec(
        id="fireworks",
        name="Fireworks AI",
        base_url="https://api.fireworks.ai/inference/v1",
        env=("FIREWORKS_API_KEY",),
        embeddings_path="/embeddings",
        free=FreePolicy("trial", basis="a credit of 1 USD", as_of="2026-10"),
        verified=False,  # the fields of its list
        as_of="2026-10",
    ),
    ProviderSpec(
        id="novita",
        name="Novita AI",
        base_url="https://api.novita.ai/openai/v1",
        env=("NOVITA_API_KEY",),
        price_unit="hundredth_cents_per_million",
        free=FreePolicy("trial", basis="a credit of 0.50 USD for a year", as_of="2026-10"),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="nebius",
        name="Nebius Token Factory",
        base_url="https://api.tokenfactory.nebius.com/v1",
        env=("NEBIUS_API_KEY",),
        list_path="/models?verbose=true",
        embeddings_path="/embeddings",
        price_unit="usd_per_token",
        free=FreePolicy("trial", basis="a credit of 1 USD", as_of="2026-10"),
        verified=False,  # the fields of its verbose list
        as_of="2026-10",
    ),
    ProviderSpec(
        id="scaleway",
        name="Scaleway",
        base_url="https://api.scaleway.ai/v1",
        env=("SCW_SECRET_KEY", "SCALEWAY_API_KEY"),
        embeddings_path="/embeddings",
        free=FreePolicy("trial", basis="1,000,000 tokens to begin with", as_of="2026-10"),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="dashscope",
        name="Alibaba Model Studio",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        env=("DASHSCOPE_API_KEY",),
        embeddings_path="/embeddings",
        free=FreePolicy("trial", basis="1,000,000 tokens per model for new accounts", as_of="2026-10"),
        verified=False,  # that it lists its models; that some thinking models only stream
        as_of="2026-10",
    ),
    ProviderSpec(
        id="hyperbolic",
        name="Hyperbolic",
        base_url="https://api.hyperbolic.xyz/v1",
        env=("HYPERBOLIC_API_KEY",),
        free=FreePolicy("trial", basis="a credit of 1 USD", as_of="2026-10"),
        verified=False,  # the fields of its list, the unit of its prices (not read), and that it still serves
        as_of="2026-10",
    ),
    ProviderSpec(
        id="pollinations",
        name="Pollinations",
        base_url="https://gen.pollinations.ai/v1",
        env=("POLLINATIONS_API_KEY", "POLLINATIONS_TOKEN"),
        list_is_public=True,
        free=FreePolicy("trial", basis="an hourly credit for publishable keys", as_of="2026-08"),
        key_check="https://gen.pollinations.ai/account/key",
        limit_scope="account",
        as_of="2026-08",
    ),
    ProviderSpec(
        id="ai21",
        name="AI21",
        base_url="https://api.ai21.com/studio/v1",
        env=("AI21_API_KEY",),
        list_path=None,
        unlisted=("jamba-large", "jamba-mini"),
        free=FreePolicy("trial", basis="a credit of 10 USD for three months", as_of="2026-10"),
        verified=False,  # how exactly its two models are called
        as_of="2026-10",
    ),
)
"""In the order in which they are preferred."""
