"""Options of a request: what they send, and that nothing among them costs unless it is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from aiorch.errors import InputError
from aiorch.providers import SPECS
from aiorch.providers.openrouter import (
    MaxPrice,
    OpenRouterOptions,
    Plugin,
    ProviderPreferences,
    Reasoning,
    WebSearch,
    auto_router,
    charged,
    context_compression,
    file_parser,
    response_healing,
)
from aiorch.types import OwnFields, Parameters

FREE = "z-ai/glm-5.2:free"
BELT = {"prompt": "0", "completion": "0", "request": "0", "image": "0"}
SOME = ProviderPreferences(max_price=MaxPrice(prompt=1, completion=2))

COSTLY: dict[str, OpenRouterOptions] = {
    "the fallback model z-ai/glm-5.2 costs money": OpenRouterOptions(models=(FREE, "z-ai/glm-5.2")),
    "the fallback model openrouter/auto costs money": OpenRouterOptions(models=("openrouter/auto",)),
    "the fallback model a/b:free:online costs money": OpenRouterOptions(models=("a/b:free:online",)),
    "the tool openrouter:web_search is charged by the call": OpenRouterOptions(web_search=WebSearch()),
    "the plugin web may be charged": OpenRouterOptions(plugins=(Plugin("web"),)),
    "the plugin file-parser is charged by the page with mistral-ocr": OpenRouterOptions(
        plugins=(file_parser("mistral-ocr"),)
    ),
    "the plugin file-parser is charged by the page with the engine that it chooses": OpenRouterOptions(
        plugins=(Plugin("file-parser"),)
    ),
}


def test_everything_is_sent_by_its_documented_name() -> None:
    options = OpenRouterOptions(
        provider=ProviderPreferences(order=("a",)),
        models=("a/b", "c/d"),
        plugins=(
            context_compression(False),
            response_healing(),
            file_parser("native"),
            auto_router(allowed_models=("a/*",), cost_tier="low"),
        ),
        reasoning=Reasoning(effort="low", exclude=True),
        web_search=WebSearch(engine="exa", max_results=3, allowed_domains=("a.example",)),
        session="s-1",
        cache=600,
        refresh_cache=True,
        metadata=True,
        referer="https://app.example",
        title="My App",
        categories=("cli-agent", "general-chat"),
    )
    told = options.parameters("openai/gpt-9", allow_paid=True)
    assert dict(told.at("openrouter").extra) == {
        "provider": {"order": ["a"]},
        "models": ["a/b", "c/d"],
        "plugins": [
            {"id": "context-compression", "enabled": False},
            {"id": "response-healing"},
            {"id": "file-parser", "pdf": {"engine": "native"}},
            {"id": "auto-router", "allowed_models": ["a/*"], "cost_tier": "low"},
        ],
        "reasoning": {"effort": "low", "exclude": True},
        "tools": [
            {
                "type": "openrouter:web_search",
                "parameters": {"engine": "exa", "max_results": 3, "allowed_domains": ["a.example"]},
            }
        ],
        "session_id": "s-1",
    }
    assert dict(told.at("openrouter").headers) == {
        "X-OpenRouter-Cache": "true",
        "X-OpenRouter-Cache-TTL": "600",
        "X-OpenRouter-Cache-Clear": "true",
        "X-OpenRouter-Metadata": "enabled",
        "HTTP-Referer": "https://app.example",
        "X-OpenRouter-Title": "My App",
        "X-OpenRouter-Categories": "cli-agent,general-chat",
    }


def test_without_options_only_the_price_limit_is_sent() -> None:
    told = OpenRouterOptions().parameters()
    assert told == Parameters(by_provider={"openrouter": OwnFields({"provider": {"max_price": BELT}})})
    assert OpenRouterOptions().parameters("a/b", allow_paid=True).at("openrouter") == Parameters()


@pytest.mark.parametrize(
    ("cache", "headers"),
    [
        (None, {}),
        (True, {"X-OpenRouter-Cache": "true"}),
        (False, {"X-OpenRouter-Cache": "false"}),
        (1, {"X-OpenRouter-Cache": "true", "X-OpenRouter-Cache-TTL": "1"}),
        (86_400, {"X-OpenRouter-Cache": "true", "X-OpenRouter-Cache-TTL": "86400"}),
    ],
)
def test_the_cache_is_asked_for_by_headers(cache: Any, headers: dict[str, str]) -> None:
    assert OpenRouterOptions(cache=cache).headers() == headers


def test_a_search_without_settings_is_a_tool_without_parameters() -> None:
    assert WebSearch().body() == {"type": "openrouter:web_search"}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Reasoning(effort="low", max_tokens=5), "an effort or max_tokens, not both"),
        (lambda: Reasoning(effort="huge"), "not huge"),  # type: ignore[arg-type]
        (lambda: Reasoning(max_tokens=0), "a number of tokens above 0"),
        (lambda: WebSearch(max_results=26), "a number from 1 to 25"),
        (lambda: WebSearch(max_uses=0), "WebSearch(max_uses=0) is a number from 1"),
        (lambda: WebSearch(allowed_domains="a.example"), "takes several names"),  # type: ignore[arg-type]
        (lambda: OpenRouterOptions(models="a/b"), "takes several names"),  # type: ignore[arg-type]
        (lambda: OpenRouterOptions(models=("a/b", "a/b")), "names a model twice"),
        (lambda: OpenRouterOptions(cache=0), "a number of seconds, 1 to 86400"),
        (lambda: OpenRouterOptions(cache=86_401), "a number of seconds, 1 to 86400"),
        (lambda: OpenRouterOptions(refresh_cache=True), "needs cache=True"),
        (lambda: OpenRouterOptions(categories=("a", "b", "c")), "takes at most 2"),
        (lambda: OpenRouterOptions(categories=("CLI",)), "'CLI' is no category"),
        (lambda: OpenRouterOptions(categories=("a" * 31,)), "is no category"),
        (lambda: OpenRouterOptions(title="A", referer=""), "is no address"),
        (lambda: auto_router(allowed_models="a/*"), "takes several names"),  # type: ignore[arg-type]
    ],
)
def test_what_would_be_refused_or_dropped_is_refused_here(make: Any, says: str) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert says in str(refused.value)


# --- never silently paid -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [None, FREE, "openrouter/free"])
@pytest.mark.parametrize(("why", "options"), COSTLY.items())
def test_what_costs_is_refused_unless_it_is_allowed(
    why: str, options: OpenRouterOptions, asked: str | None
) -> None:
    with pytest.raises(InputError) as refused:
        options.parameters(asked)
    assert str(refused.value) == f"{why}, and allow_paid is off"
    with pytest.raises(InputError):
        options.applied(SPECS["openrouter"])


@pytest.mark.parametrize(("why", "options"), COSTLY.items())
def test_allowed_beside_a_free_model_it_needs_a_price_limit(why: str, options: OpenRouterOptions) -> None:
    with pytest.raises(InputError) as refused:
        options.parameters(FREE, allow_paid=True)
    assert str(refused.value).startswith(
        f"{FREE} is free and {why}: say how much may be charged with provider="
    )
    assert charged(options.parameters("z-ai/glm-5.2", allow_paid=True).at("openrouter").extra) == why


def test_with_a_price_limit_paid_fallbacks_may_follow_a_free_model() -> None:
    options = OpenRouterOptions(models=("z-ai/glm-5.2",), provider=SOME)
    told = options.parameters(FREE, allow_paid=True).at("openrouter").extra
    assert told["models"] == ["z-ai/glm-5.2"]
    assert told["provider"] == {"max_price": {"prompt": "1", "completion": "2"}}


def test_a_price_limit_alone_allows_nothing() -> None:
    options = OpenRouterOptions(models=("z-ai/glm-5.2",), provider=SOME)
    with pytest.raises(InputError, match="allow_paid is off"):
        options.parameters(FREE)
    assert OpenRouterOptions(provider=SOME).parameters(FREE).at("openrouter").extra == {
        "provider": {"max_price": BELT}
    }


def test_a_paid_model_is_no_place_for_options_that_may_not_cost() -> None:
    with pytest.raises(InputError, match="openai/gpt-9 costs money, and allow_paid is off"):
        OpenRouterOptions().parameters("openai/gpt-9")


def test_free_fallbacks_keep_their_other_preferences() -> None:
    options = OpenRouterOptions(models=("a/b:free",), provider=ProviderPreferences(data_collection="deny"))
    assert options.parameters(FREE).at("openrouter").extra == {
        "models": ["a/b:free"],
        "provider": {"data_collection": "deny", "max_price": BELT},
    }


def test_a_row_takes_them_for_every_request() -> None:
    row = OpenRouterOptions(models=("a/b:free",), metadata=True).applied(SPECS["openrouter"])
    assert row.body == {"models": ["a/b:free"], "provider": {"max_price": BELT}}
    assert row.headers == {"X-OpenRouter-Title": "aiorch", "X-OpenRouter-Metadata": "enabled"}
    assert SPECS["openrouter"].body == {}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"models": [7]}, "the fallback model 7 costs money"),
        ({"tools": [{"type": "web_search"}]}, "the tool web_search is charged by the call"),
        ({"tools": [{}]}, "the tool without a type is charged by the call"),
        ({"plugins": [{}]}, "the plugin without an id may be charged"),
        (
            {"web_search_options": {"search_context_size": "low"}},
            "web_search_options is charged by the search",
        ),
        ({"preset": "mine"}, "nobody can tell from here what the preset mine costs"),
        ({"plugins": [{"id": "web", "enabled": False}]}, None),
        ({"plugins": [{"id": "file-parser", "pdf": {"engine": "cloudflare-ai"}}]}, None),
        ({"tools": [{"type": "function"}, {"type": "openrouter:datetime"}]}, None),
        ({"models": "a/b"}, "the fallback model a/b costs money"),
        ({"models": []}, None),
        ({}, None),
    ],
)
def test_what_is_charged_is_found_in_any_request(body: dict[str, Any], why: str | None) -> None:
    assert charged(body) == why


def test_only_openrouter_is_told() -> None:
    told = OpenRouterOptions(provider=SOME, metadata=True).parameters(FREE)
    for other in (told, told.at("groq")):
        assert (other.extra, other.headers) == ({}, {})
