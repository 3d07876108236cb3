"""Providers that charge from the first token."""

from __future__ import annotations

from aiorch.providers.spec import FreePolicy, ProviderSpec, Quirks, Variable, Window
from aiorch.types import Limit

_OPENAI_WINDOWS = (
    Window("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "minute"),
    Window("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "minute"),
)

PAID: tuple[ProviderSpec, ...] = (
    ProviderSpec(
        id="anthropic",
        name="Anthropic",
        base_url="https://api.anthropic.com/v1",
        env=("ANTHROPIC_API_KEY",),
        auth="x-api-key: {key}",
        dialect="anthropic",
        chat_path="/messages",
        list_path="/models?limit=1000",
        headers={"anthropic-version": "2026-10-21"},
        windows=tuple(
            Window(f"anthropic-ratelimit-{what}-remaining", f"anthropic-ratelimit-{what}-reset", "minute")
            for what in ("requests", "tokens", "input-tokens", "output-tokens")
        ),
        told_headers={"request-id": "request_id"},
        as_of="2026-11",
    ),
    ProviderSpec(
        id="vertex",
        name="Google Vertex AI",
        # Regions have hosts of their own, which the dialect knows; this is the one without a region.
        base_url="https://aiplatform.googleapis.com/v1/projects/{project}/locations/{location}",
        variables=(
            Variable("project", ("GOOGLE_VERTEX_PROJECT", "GOOGLE_CLOUD_PROJECT")),
            Variable("location", ("GOOGLE_VERTEX_LOCATION", "GOOGLE_CLOUD_LOCATION"), default="global"),
        ),
        env=("GOOGLE_VERTEX_ACCESS_TOKEN",),
        signer="google",
        signer_env=("GOOGLE_APPLICATION_CREDENTIALS",),
        dialect="gemini",
        chat_path="/publishers/google/models/{model}",
        list_path="https://aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=200",
        quirks=Quirks(strip_id="publishers/google/models/"),
        verified=False,  # its list, which names models of all regions; embeddings, so it has none here
        as_of="2026-10",
    ),
    ProviderSpec(
        id="bedrock",
        name="Amazon Bedrock",
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        variables=(Variable("region", ("AWS_REGION", "AWS_DEFAULT_REGION"), default="us-east-1"),),
        env=("AWS_BEARER_TOKEN_BEDROCK",),
        url_env=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
        signer="aws",
        signer_env=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"),
        dialect="bedrock",
        chat_path="/model/{model}/converse",
        list_path="https://bedrock.{region}.amazonaws.com/foundation-models?byInferenceType=ON_DEMAND",
        more_lists=("https://bedrock.{region}.amazonaws.com/inference-profiles?maxResults=1000",),
        embeddings_path="/model/{model}/invoke",
        told_headers={"x-amzn-requestid": "request_id"},
        quirks=Quirks(
            no_sampling=(
                *("*.claude-opus-4-[78]*", "*.claude-opus-5*", "*.claude-sonnet-5*", "*.claude-haiku-5*"),
                *("*.claude-fable-5*", "*.claude-mythos-5*", "*openai.gpt-[5-9]*"),
            )
        ),
        as_of="2026-11",
    ),
    ProviderSpec(
        id="watsonx",
        name="IBM watsonx.ai",
        base_url="https://{region}.ml.cloud.ibm.com",
        variables=(
            Variable("region", ("WATSONX_REGION",), default="us-south"),
            Variable("project_id", ("WATSONX_PROJECT_ID",), optional=True),
            Variable("space_id", ("WATSONX_SPACE_ID", "WATSONX_DEPLOYMENT_SPACE_ID"), optional=True),
        ),
        env=("WATSONX_API_KEY", "WATSONX_APIKEY", "WATSONX_AI_APIKEY"),
        url_env=("WATSONX_URL",),
        auth=None,
        signer="ibm",
        dialect="watsonx",
        chat_path="/ml/v1/text/chat?version=2026-10-01",
        list_path="/ml/v1/foundation_model_specs?version=2026-10-01&limit=200",
        list_is_public=True,
        embeddings_path="/ml/v1/text/embeddings?version=2026-10-01",
        body={"project_id": "{project_id}", "space_id": "{space_id}"},
        key_check="/ml/v1/foundation_model_specs?version=2026-10-01&limit=1",  # the key is exchanged first
        limit_scope="account",
        quirks=Quirks(max_tokens="max_completion_tokens"),
        verified=False,  # the ids of its life's states, and that its errors inside streams are always in `errors`
        as_of="2026-11",
    ),
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
        verified=False,  # that it keeps a connection open by empty lines under load
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
        id="azure",
        name="Azure OpenAI",
        base_url="https://{resource}.openai.azure.com/openai/v1",
        variables=(Variable("resource", ("AZURE_OPENAI_RESOURCE", "AZURE_RESOURCE_NAME")),),
        env=("AZURE_OPENAI_API_KEY", "AZURE_API_KEY"),
        url_env=("AZURE_OPENAI_ENDPOINT",),
        auth="api-key: {key}",
        # What it lists are the models that could be deployed. What it takes are the names of one's own deployments,
        # which no list tells to this key: the two agree where a deployment is named after its model.
        list_path="/models",
        embeddings_path="/embeddings",
        windows=(
            Window("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "minute"),
            Window("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "minute"),
        ),
        told_headers={"x-ms-region": "region", "apim-request-id": "request_id"},
        quirks=Quirks(
            max_tokens="max_completion_tokens",
            closed_schemas=True,
            no_sampling=("o[1-9]*", "gpt-5*", "codex-*"),
        ),
        verified=False,  # capabilities and deprecation in its list; the reset of requests
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
        id="minimax",
        name="MiniMax",
        base_url="https://api.minimax.io/v1",
        env=("MINIMAX_API_KEY",),
        list_path=None,
        unlisted=(
            "MiniMax-M3",
            "MiniMax-M2.7",
            "MiniMax-M2.7-highspeed",
            "MiniMax-M2.5",
            "MiniMax-M2.5-highspeed",
            "MiniMax-M2.1",
            "MiniMax-M2",
        ),
        body={"reasoning_split": True},  # else thinking comes inside the answer, between <think> tags
        quirks=Quirks(max_tokens="max_completion_tokens", tool_choice=False, schema="prompt"),
        verified=False,  # its error numbers inside HTTP 200; whether it lists its models; that it takes no tool_choice
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
        # The list beside its chat says nothing of context and prices.
        list_path="https://catalog.endpoints.ai.ovh.net/rest/v2/openrouter",
        list_is_public=True,
        embeddings_path="/embeddings",
        price_unit="usd_per_token",
        anonymous=FreePolicy(
            "anonymous",
            basis="without a key, 2 requests a minute from one address to one model; with a key they are charged",
            as_of="2026-10",
            limits=(Limit(2, "requests", "minute", "key_model"),),
        ),
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
        key_check="/api_keys/rate_limits",
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
