"""Providers with models that cost nothing: priced at zero, or within an allowance that comes back."""

from __future__ import annotations

from aiorch.providers.spec import FreePolicy, ProviderSpec, Quirks, Variable, Window
from aiorch.types import Limit


def _gemini_limits(minute: int, day: int, tokens: int) -> tuple[Limit, ...]:
    """Requests a minute, requests a day and tokens a minute, each for a project and a model."""
    return (
        Limit(minute, "requests", "minute", "key_model"),
        Limit(day, "requests", "day", "key_model"),
        Limit(tokens, "tokens", "minute", "key_model"),
    )


FREE: tuple[ProviderSpec, ...] = (
    ProviderSpec(
        id="openrouter",
        name="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        env=("OPENROUTER_API_KEY",),
        dialect="openrouter",
        list_is_public=True,
        embeddings_path="/embeddings",
        # Without an address beside it this ranks nobody; who wants that says so in OpenRouterOptions.
        headers={"X-OpenRouter-Title": "aiorch"},
        price_unit="usd_per_token",
        free=FreePolicy(
            "zero_price",
            models=("*:free", "openrouter/free"),
            zero_price=True,
            basis="ids ending in :free, listed at price 0; 50 or 1,000 requests a day over all of them",
            as_of="2026-08-22",
            # Of an account that has never bought 10 USD of credit; the others' day has 1,000 (free_limits() tells).
            limits=(Limit(20, "requests", "minute"), Limit(50, "requests", "day")),
        ),
        key_check="/key",
        limit_scope="account",
        told_headers={
            "x-generation-id": "generation",
            "x-provider-name": "upstream",
            "x-openrouter-cache-status": "cache",
            "x-openrouter-cache-age": "cache_age",
            "x-openrouter-cache-ttl": "cache_ttl",
            "x-openrouter-cache-source-id": "cached_generation",
        },
        day_reset="UTC",
        trains_on_free=True,
        as_of="2026-08-22",
    ),
    ProviderSpec(
        id="nova",
        name="Amazon Nova",
        base_url="https://api.nova.amazon.com/v1",
        env=("NOVA_API_KEY", "AMAZON_NOVA_API_KEY"),
        free=FreePolicy(
            "zero_price",
            models=("nova-2-lite-v1", "nova-2-pro-v1"),
            basis="priced at 0 in public catalogues; free with rate limits by its integration guide",
            as_of="2026-10",
            # By notes of its users, for the models of that line: Amazon's own pages were not to be had.
            model_limits={
                "nova-2-lite-*": (
                    Limit(20, "requests", "minute", "key_model"),
                    Limit(500, "requests", "day", "key_model"),
                )
            },
        ),
        limit_scope="key_model",
        quirks=Quirks(seed=None, schema="prompt"),
        verified=False,  # its limits, and that other models of its list cost nothing
        as_of="2026-10",
    ),
    ProviderSpec(
        id="groq",
        name="Groq",
        base_url="https://api.groq.com/openai/v1",
        env=("GROQ_API_KEY",),
        free=FreePolicy(
            "free_quota",
            basis="30 requests a minute, 1,000 a day, per model",
            as_of="2026-10",
            limits=(
                Limit(30, "requests", "minute", "key_model"),
                Limit(1000, "requests", "day", "key_model"),
                Limit(8000, "tokens", "minute", "key_model"),
                Limit(200_000, "tokens", "day", "key_model"),
            ),
        ),
        windows=(
            Window("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "day"),
            Window("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "minute"),
        ),
        quirks=Quirks(max_tokens="max_completion_tokens"),
        verified=False,  # two fields of its list: the longest answer, and whether a model is active
        as_of="2026-10",
    ),
    ProviderSpec(
        id="gemini",
        name="Google Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        env=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"),
        auth="x-goog-api-key: {key}",
        dialect="gemini",
        chat_path="/models/{model}",
        list_path="/models?pageSize=1000",
        embeddings_path="/models/{model}",
        free=FreePolicy(
            "free_quota",
            models=("gemini-*flash*", "gemma-*"),
            basis="a daily allowance per project and model; Pro has none; not offered in the EEA, the United Kingdom "
            "and Switzerland (2026-10)",
            as_of="2026-07-18",
            model_limits={
                "gemini-3.1-flash-lite*": _gemini_limits(15, 500, 250_000),
                "gemini-3.5-flash": _gemini_limits(5, 20, 250_000),
                "gemini-3-flash*": _gemini_limits(5, 20, 250_000),
                "gemma-3-*": _gemini_limits(30, 14_400, 15_000),
            },
        ),
        day_reset="America/Los_Angeles",
        quirks=Quirks(strip_id="models/"),
        trains_on_free=True,
        as_of="2026-11",
    ),
    ProviderSpec(
        id="mistral",
        name="Mistral",
        base_url="https://api.mistral.ai/v1",
        env=("MISTRAL_API_KEY",),
        embeddings_path="/embeddings",
        free=FreePolicy(
            "free_quota",
            basis="the Experiment plan: 1,000 million tokens a month; not every account has it",
            as_of="2026-07",
            limits=(
                Limit(1, "requests", "second", "account"),
                Limit(500_000, "tokens", "minute", "account"),
                Limit(1_000_000_000, "tokens", "month", "account"),
            ),
        ),
        limit_scope="account",
        quirks=Quirks(seed="random_seed", required_tool="any", stream_usage=False, greedy_top_p=False),
        trains_on_free=True,
        as_of="2026-10",
    ),
    ProviderSpec(
        id="codestral",
        name="Mistral Codestral",
        base_url="https://codestral.mistral.ai/v1",
        env=("CODESTRAL_API_KEY",),
        list_path=None,
        unlisted=("codestral-latest",),
        free=FreePolicy(
            "free_quota",
            basis="30 requests a minute, 2,000 a day",
            as_of="2026-07-18",
            limits=(Limit(30, "requests", "minute"), Limit(2000, "requests", "day")),
        ),
        limit_scope="account",
        quirks=Quirks(seed="random_seed", required_tool="any", stream_usage=False, greedy_top_p=False),
        verified=False,  # that its dialect differs where Mistral's does, and the id of its model
        as_of="2026-07",
    ),
    ProviderSpec(
        id="cloudflare",
        name="Cloudflare Workers AI",
        # Its list is not part of what is compatible with OpenAI, so the paths lead there from where both begin.
        base_url="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai",
        variables=(Variable("account_id", ("CLOUDFLARE_ACCOUNT_ID",)),),
        env=("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
        chat_path="/v1/chat/completions",
        list_path="/models/search?format=openrouter&per_page=100",
        embeddings_path="/v1/embeddings",
        body={"max_tokens": 2048},  # where nobody says how long an answer may be; its own choice is 256
        price_unit="usd_per_token",
        free=FreePolicy(
            "free_quota",
            basis="10,000 neurons a day, for models that its free plan has; what a neuron is depends on the model",
            as_of="2026-10",
            limits=(
                Limit(10_000, "neurons", "day", "account"),
                Limit(300, "requests", "minute", "key_model"),
            ),
        ),
        limit_scope="account",
        as_of="2026-10",
    ),
    ProviderSpec(
        id="nvidia",
        name="NVIDIA",
        base_url="https://integrate.api.nvidia.com/v1",
        env=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
        list_is_public=True,
        embeddings_path="/embeddings",
        free=FreePolicy(
            "zero_price",
            basis="evaluation terms, 40 requests a minute",
            as_of="2026-10",
            limits=(Limit(40, "requests", "minute", "account"),),
        ),
        limit_scope="account",
        quirks=Quirks(parallel_tools=False),
        verified=False,  # that the list is public
        as_of="2026-10",
    ),
    ProviderSpec(
        id="zai",
        name="Z.ai",
        base_url="https://api.z.ai/api/paas/v4",
        env=("ZAI_API_KEY",),
        unlisted=("glm-4.7-flash", "glm-4.5-flash", "glm-4.6v-flash"),
        free=FreePolicy(
            "zero_price",
            models=("glm-4.7-flash", "glm-4.5-flash", "glm-4.6v-flash"),
            basis="the Flash models, one request at a time",
            as_of="2026-10",
            limits=(Limit(1, "requests", "at once", "account"),),
        ),
        verified=False,  # embeddings, so it has none here; that code 1113 means no balance
        as_of="2026-10",
    ),
    ProviderSpec(
        id="zhipuai",
        name="Zhipu BigModel",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        env=("ZHIPU_API_KEY", "ZHIPUAI_API_KEY"),
        embeddings_path="/embeddings",
        free=FreePolicy(
            "zero_price",
            models=("glm-4.7-flash", "glm-4.5-flash"),
            basis="the Flash models; keys of Z.ai are not taken",
            as_of="2026-10",
        ),
        as_of="2026-10",
    ),
    ProviderSpec(
        id="modelscope",
        name="ModelScope",
        base_url="https://api-inference.modelscope.cn/v1",
        env=("MODELSCOPE_API_KEY", "MODELSCOPE_SDK_TOKEN"),
        list_is_public=True,  # answers 200 to any key
        free=FreePolicy(
            "zero_price",
            basis="2,000 calls a day, for keys bound to an Alibaba Cloud account in China",
            as_of="2026-10",
            limits=(Limit(2000, "requests", "day", "account"),),
        ),
        limit_scope="account",
        verified=False,  # today's size of the allowance, and its headers, which are not read
        as_of="2026-10",
    ),
    ProviderSpec(
        id="kilo",
        name="Kilo Gateway",
        base_url="https://api.kilo.ai/api/gateway",
        env=("KILO_API_KEY",),
        list_is_public=True,
        price_unit="usd_per_token",
        free=FreePolicy(
            "zero_price",
            zero_price=True,
            listed=("isFree", True),
            basis="ids listed as free and at price 0",
            as_of="2026-10",
        ),
        anonymous=FreePolicy(
            "anonymous",
            zero_price=True,
            listed=("isFree", True),
            basis="ids listed as free and at price 0, about 200 requests an hour from one address",
            as_of="2026-10",
            limits=(Limit(200, "requests", "hour", "account"),),
        ),
        limit_scope="account",
        trains_on_free=True,
        as_of="2026-10",
    ),
    ProviderSpec(
        id="opencode-zen",
        name="OpenCode Zen",
        base_url="https://opencode.ai/zen/v1",
        env=("OPENCODE_API_KEY",),
        free=FreePolicy(
            "zero_price",
            models=("*-free", "big-pickle"),
            basis="promotional models, priced at 0 in public catalogues",
            as_of="2026-08-18",
        ),
        trains_on_free=True,
        as_of="2026-10",
    ),
    ProviderSpec(
        id="ollama-cloud",
        name="Ollama Cloud",
        base_url="https://ollama.com",
        env=("OLLAMA_CLOUD_API_KEY",),  # OLLAMA_API_KEY is the key of one's own server here
        dialect="ollama",
        chat_path="/api/chat",
        list_path="/api/tags",
        list_is_public=True,
        free=FreePolicy(
            "free_quota",
            models=(
                "gpt-oss:20b",
                "gpt-oss:120b",
                "nemotron-3-nano:30b",
                "nemotron-3-super",
                "nemotron-3-ultra",
                "beam",
                "gemma4:31b",
            ),
            basis="the free plan's models, one request at a time",
            as_of="2026-10-16",
            limits=(Limit(1, "requests", "at once", "account"),),
        ),
        limit_scope="account",
        quirks=Quirks(schema="prompt"),  # its own servers take a schema, its cloud does not
        as_of="2026-10",
    ),
    ProviderSpec(
        id="llm7",
        name="LLM7",
        base_url="https://api.llm7.io/v1",
        env=("LLM7_API_KEY",),
        list_is_public=True,
        free=FreePolicy(
            "free_quota",
            listed=("tier", "turbo"),
            basis="the turbo tier: 60 requests a minute, 250 an hour, 100,000 tokens a day",
            as_of="2026-10-23",
            limits=(
                Limit(60, "requests", "minute"),
                Limit(250, "requests", "hour"),
                Limit(100_000, "tokens", "day"),
            ),
        ),
        limit_scope="account",
        verified=False,  # that the list is public
        as_of="2026-10",
    ),
)
"""In the order in which they are preferred."""
