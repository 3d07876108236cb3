"""OpenRouter's own in questions, answers and lists; above all that a free model stays free."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.providers.dialects.openai_bodies import chunk, framed, whole

from aiorch.errors import AttemptFailed
from aiorch.providers import SPECS, HTTPProvider
from aiorch.providers.dialect import dialect_named
from aiorch.providers.openrouter import (
    MaxPrice,
    OpenRouterOptions,
    ProviderPreferences,
    WebSearch,
    costs_nothing,
)
from aiorch.testing.transport import respx_transport
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    Message,
    Parameters,
    Request,
    Response,
    ToolSpec,
    Usage,
)

pytestmark = pytest.mark.anyio
SPEC = SPECS["openrouter"]
DIALECT = dialect_named("openrouter")
FREE, PAID = "z-ai/glm-5.2:free", "z-ai/glm-5.2"
CHAT = SPEC.base_url + SPEC.chat_path
HERE = Deployment("openrouter", FREE, "KEY")
BELT = {"prompt": "0", "completion": "0", "request": "0", "image": "0"}
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "discovery" / "samples"


def ask(mine: tuple[ToolSpec, ...] = (), /, **extra: Any) -> Request:
    return Request((Message.user("hi"),), Parameters(extra=extra), tools=mine)


def body(of: str = FREE, /, **extra: Any) -> dict[str, Any]:
    return dict(DIALECT.chat(of, ask(**extra), SPEC).body)


def refused(of: str = FREE, /, **extra: Any) -> Failure:
    with pytest.raises(AttemptFailed) as failed:
        body(of, **extra)
    return failed.value.failure


@pytest.fixture
def router() -> respx.Router:
    return respx.Router()


@pytest.fixture
def provider(router: respx.Router) -> HTTPProvider:
    return HTTPProvider(SPEC, respx_transport(router), keys={"KEY": SecretStr("the-key")})


# --- a free model stays free -------------------------------------------------------------------------------------


def test_a_plain_question_is_openais() -> None:
    assert body() == {"model": FREE, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({"models": [FREE, PAID]}, f"the fallback model {PAID} costs money"),
        ({"plugins": [{"id": "web"}]}, "the plugin web may be charged"),
        (
            {"tools": [{"type": "openrouter:web_search"}]},
            "the tool openrouter:web_search is charged by the call",
        ),
        (
            {"web_search_options": {"search_context_size": "low"}},
            "web_search_options is charged by the search",
        ),
        ({"preset": "mine"}, "nobody can tell from here what the preset mine costs"),
        ({"model": PAID}, f"its field model names {PAID}"),
    ],
)
def test_what_would_be_charged_beside_a_free_model_is_not_sent(extra: dict[str, Any], why: str) -> None:
    failure = refused(**extra)
    assert (failure.kind, failure.scope) == (FailureKind.BAD_REQUEST, "request")
    assert failure.message == f"{FREE} is free, but {why}; nothing was sent"
    assert refused("openrouter/free", **extra).kind is FailureKind.BAD_REQUEST


def test_a_price_limit_in_the_request_says_that_it_may_be() -> None:
    paid = {"models": [PAID], "provider": {"max_price": {"prompt": "1"}}}
    assert body(**paid)["models"] == [PAID]
    nothing = {"models": [PAID], "provider": {"max_price": {"prompt": "0", "completion": 0}}}
    assert "costs money" in refused(**nothing).message
    odd = {"models": [PAID], "provider": {"max_price": {"prompt": "much", "completion": None}}}
    assert "costs money" in refused(**odd).message


def test_free_fallbacks_go_with_a_price_limit_of_nothing() -> None:
    assert body(models=["a/b:free"], provider={"zdr": True})["provider"] == {"zdr": True, "max_price": BELT}
    kept = {"max_price": {"prompt": 0}}
    assert body(models=["a/b:free"], provider=kept)["provider"] == kept


def test_what_is_asked_of_a_paid_model_is_sent_as_it_is() -> None:
    extra = {"models": [PAID, "openrouter/auto"], "plugins": [{"id": "web"}]}
    sent = body("openai/gpt-9", **extra)
    assert {name: sent[name] for name in extra} == extra
    assert "provider" not in sent


IDS = st.sampled_from(
    [FREE, PAID, "openrouter/free", "openrouter/auto", "a/b:free", "a/b:free:online", "~a/b-latest"]
)


@given(IDS, st.lists(IDS, max_size=4))
def test_no_free_question_names_a_model_that_costs(model: str, models: list[str]) -> None:
    try:
        sent = body(model, models=models)
    except AttemptFailed:
        assert not all(map(costs_nothing, models))
        return
    if costs_nothing(model):
        assert all(map(costs_nothing, sent.get("models", ())))


def test_options_that_allow_a_price_get_through_the_last_door() -> None:
    options = OpenRouterOptions(
        models=(PAID,),
        web_search=WebSearch(),
        provider=ProviderPreferences(max_price=MaxPrice(prompt=1, completion=1)),
    )
    told = options.parameters(FREE, allow_paid=True).at("openrouter")
    assert body(**told.extra)["models"] == [PAID]


def test_tools_that_openrouter_carries_out_stand_beside_the_callers() -> None:
    mine = ToolSpec("weather", "The weather.", {"type": "object"})
    clock = {"type": "openrouter:datetime"}
    sent = DIALECT.chat(FREE, ask((mine,), tools=[clock]), SPEC).body
    assert [tool["type"] for tool in sent["tools"]] == ["function", "openrouter:datetime"]
    row = OpenRouterOptions(web_search=WebSearch()).applied(SPEC, allow_paid=True)
    sent = DIALECT.chat(PAID, ask((mine,)), row).body
    assert [tool["type"] for tool in sent["tools"]] == ["function", "openrouter:web_search"]


# --- what an answer tells ----------------------------------------------------------------------------------------


async def test_a_headers_tale_is_told(router: respx.Router, provider: HTTPProvider) -> None:
    headers = {"X-Generation-Id": "gen-9", "X-Provider-Name": "Acme", "X-OpenRouter-Cache-Status": "MISS"}
    answer = {
        **whole(),
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.0000125},
        "openrouter_metadata": {
            "strategy": "fallback",
            "summary": "available=2, selected=Acme",
            "region": None,
            "attempt": 2,
        },
    }
    router.post(CHAT).respond(json=answer, headers=headers)
    response = await provider.complete(HERE, ask())
    assert response.usage == Usage(3, 2)
    assert dict(response.details) == {
        "generation": "gen-9",
        "upstream": "Acme",
        "cache": "MISS",
        "cost_usd": "0.0000125",
        "routing": "fallback",
        "route": "available=2, selected=Acme",
        "hosts_tried": "2",
    }


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_from_the_cache_has_used_nothing(
    router: respx.Router, provider: HTTPProvider, streamed: bool
) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    headers = {
        "X-OpenRouter-Cache-Status": "HIT",
        "X-OpenRouter-Cache-Age": "12",
        "X-OpenRouter-Cache-TTL": "288",
        "X-OpenRouter-Cache-Source-Id": "gen-1",
    }
    if streamed:
        events = framed(
            chunk({"content": "hello"}), chunk({}, "stop"), {**chunk({}), "choices": [], "usage": usage}
        )
        headers["content-type"] = "text/event-stream"
        router.post(CHAT).respond(content=events, headers=headers)
        *_, response = [part async for part in provider.stream(HERE, ask())]
        assert isinstance(response, Response)
    else:
        router.post(CHAT).respond(json={**whole(), "usage": usage}, headers=headers)
        response = await provider.complete(HERE, ask())
    assert response.message.text == "hello"
    assert response.usage == Usage()
    assert not response.usage.estimated
    assert dict(response.details) == {
        "cache": "HIT",
        "cache_age": "12",
        "cache_ttl": "288",
        "cached_generation": "gen-1",
    }


async def test_an_answer_without_a_bill_is_estimated(router: respx.Router, provider: HTTPProvider) -> None:
    router.post(CHAT).respond(json={**whole(), "usage": None})
    response = await provider.complete(HERE, ask())
    assert response.usage.estimated
    assert response.details == {}


async def test_a_streams_last_chunk_tells_cost_and_route(
    router: respx.Router, provider: HTTPProvider
) -> None:
    last = {
        **chunk({}),
        "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0},
        "openrouter_metadata": {"strategy": "free", "region": "iad", "attempt": True},
    }
    content = framed(chunk({"reasoning": "hm"}), chunk({"content": "hello"}), chunk({}, "stop"), last)
    router.post(CHAT).respond(content=content, headers={"content-type": "text/event-stream"})
    *_, response = [part async for part in provider.stream(HERE, ask())]
    assert isinstance(response, Response)
    assert response.usage == Usage(3, 2)
    assert response.message.reasoning == "hm"
    assert dict(response.details) == {"cost_usd": "0", "routing": "free", "region": "iad"}


async def test_an_error_in_the_middle_of_a_stream_is_the_hosts(
    router: respx.Router, provider: HTTPProvider
) -> None:
    error = {
        "code": 429,
        "message": "All providers are at capacity",
        "metadata": {"error_type": "rate_limit_exceeded", "provider_code": "busy"},
        "availability": {
            "code": "capacity_exhausted",
            "retryable": True,
            "retry_after": 40,
            "fallback_models": ["a/b"],
        },
    }
    content = framed(
        chunk({"content": "hel"}), {**chunk({"content": ""}, "error"), "error": error, "provider": "Acme"}
    )
    router.post(CHAT).respond(content=content, headers={"content-type": "text/event-stream"})
    with pytest.raises(AttemptFailed) as failed:
        [part async for part in provider.stream(HERE, ask())]
    failure = failed.value.failure
    assert (failure.kind, failure.scope, failure.code) == (
        FailureKind.OVERLOADED,
        "model",
        "capacity_exhausted",
    )
    assert (failure.status, failure.upstream, failure.successors) == (200, "Acme", ("a/b",))
    assert failure.retry_at is not None
    assert dict(failure.details) == {
        "availability": "capacity_exhausted",
        "retryable": "yes",
        "error_type": "rate_limit_exceeded",
        "provider_code": "busy",
    }


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        ({"message": {"content": ""}, "finish_reason": None}, FailureKind.EMPTY),
        ({"message": {"content": None}, "finish_reason": ""}, FailureKind.EMPTY),
        ({"message": {"content": ""}, "finish_reason": "error"}, FailureKind.OVERLOADED),
        (
            {
                "message": {"content": "par"},
                "finish_reason": "error",
                "error": {"code": 502, "message": "gone", "metadata": {"error_type": "provider_unavailable"}},
            },
            FailureKind.OVERLOADED,
        ),
    ],
)
async def test_what_is_insured_is_a_failure_and_no_answer(
    router: respx.Router, provider: HTTPProvider, choice: dict[str, Any], kind: FailureKind
) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9}
    router.post(CHAT).respond(json={"id": "gen-1", "model": FREE, "choices": [choice], "usage": usage})
    with pytest.raises(AttemptFailed) as failed:
        await provider.complete(HERE, ask())
    assert failed.value.failure.kind is kind


# --- what its list tells -----------------------------------------------------------------------------------------


def test_a_list_tells_knowledge_weights_and_limits() -> None:
    listed = {
        "data": [
            {
                "id": "acme/large:free",
                "pricing": {"prompt": "0", "completion": "0"},
                "knowledge_cutoff": "2025-01-31",
                "hugging_face_id": "acme/Large",
            },
            {"id": "acme/secret", "pricing": {"prompt": "-1", "completion": "-1"}, "hugging_face_id": ""},
            {"id": "acme/large:batch"},
        ]
    }
    large, secret = DIALECT.models(json.dumps(listed).encode(), SPEC, 0.0)
    assert (large.knowledge, large.open_weights, large.free) == ("2025-01-31", True, "zero_price")
    assert large.terms is not None
    assert [str(limit) for limit in large.terms.limits] == ["20 requests a minute", "50 requests a day"]
    assert (secret.knowledge, secret.open_weights, secret.price) == (None, None, None)
    assert not secret.costs_nothing


def test_what_is_no_list_is_malformed() -> None:
    with pytest.raises(AttemptFailed) as failed:
        DIALECT.models(b"{}", SPEC, 0.0)
    assert failed.value.failure.kind is FailureKind.MALFORMED


if SAMPLES.exists():

    def test_recorded_lists_are_read() -> None:
        def cards(name: str) -> dict[str, Any]:
            recorded = json.loads((SAMPLES / name).read_text())
            return {c.model: c for c in DIALECT.models(json.dumps(recorded["body"]).encode(), SPEC, 1.8e9)}

        newer = cards("openrouter_models_2026-08.json")
        sonnet = newer["anthropic/claude-sonnet-4"]
        assert (sonnet.knowledge, sonnet.open_weights) == ("2025-01-31", None)
        assert sonnet.price.input == Decimal(3)
        older = cards("openrouter_models.json")
        assert sum(card.costs_nothing for card in older.values()) >= 25
        assert all(costs_nothing(model) for model, card in older.items() if card.costs_nothing)
        assert older["openrouter/free"].costs_nothing
        assert not older["openrouter/auto"].costs_nothing
