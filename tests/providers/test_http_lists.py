"""What the ring does around lists: pages, ETags, further lists, questions about single models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from aiorch.errors import AttemptFailed
from aiorch.net import Transport
from aiorch.providers import SPECS, HTTPProvider, ProviderSpec
from aiorch.providers.http import MOST_PAGES
from aiorch.types import Deployment, FailureKind, Listing, Message, OwnFields, Parameters, Request

pytestmark = pytest.mark.anyio
ROW = ProviderSpec(id="acme", name="Acme", base_url="https://acme.example/v1", env=("ACME_KEY",))


class Upstream:
    """Answers by path and query; keeps what it was asked."""

    def __init__(self, answers: Mapping[str, tuple[int, object, Mapping[str, str]]]) -> None:
        self.answers = answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        status, body, headers = self.answers[request.url.raw_path.decode()]
        return httpx.Response(status, json=body, headers=headers)

    def provider(self, spec: ProviderSpec = ROW) -> HTTPProvider:
        return HTTPProvider(
            spec, Transport(httpx.MockTransport(self)), keys={"ACME_KEY": SecretStr("s3cret-key")}
        )


async def test_all_pages_of_all_lists_come_together_each_model_once() -> None:
    upstream = Upstream(
        {
            "/v1/models": (200, {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}, {"etag": '"1"'}),
            "/v1/models?after_id=a": (200, {"data": [{"id": "b"}]}, {}),
            "/v1/more": (200, {"data": [{"id": "b"}, {"id": "c"}]}, {}),
        }
    )
    listing = await upstream.provider(replace(ROW, more_lists=("/more",))).listing()
    assert [card.model for card in listing.cards] == ["a", "b", "c"]
    assert listing.etag == '"1"'
    assert listing.max_age is None


async def test_a_list_that_has_not_changed_is_not_sent_again() -> None:
    upstream = Upstream({"/v1/models": (304, None, {"cache-control": "max-age=300"})})
    listing = await upstream.provider().listing(Listing(etag='"1"', last_modified="yesterday"))
    assert listing == Listing((), '"1"', "yesterday", 300.0, unchanged=True)
    (asked,) = upstream.asked
    assert asked.headers["if-none-match"] == '"1"'
    assert asked.headers["if-modified-since"] == "yesterday"


async def test_304_without_having_been_asked_for_is_no_answer() -> None:
    with pytest.raises(AttemptFailed):
        await Upstream({"/v1/models": (304, None, {})}).provider().listing()


async def test_a_list_without_an_end_is_given_up() -> None:
    class Endless(Upstream):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            at = len(self.asked)
            return httpx.Response(200, json={"data": [{"id": str(at)}], "has_more": True, "last_id": str(at)})

    upstream = Endless({})
    with pytest.raises(AttemptFailed, match=f"more than {MOST_PAGES} pages") as caught:
        await upstream.provider().listing()
    assert caught.value.failure.kind is FailureKind.MALFORMED
    assert len(upstream.asked) == MOST_PAGES


async def test_a_list_that_leads_in_a_circle_ends() -> None:
    upstream = Upstream({"/v1/models": (200, {"data": [{"id": "a"}], "links": {"next": "/x?"}}, {})})
    assert len((await upstream.provider().listing()).cards) == 1


async def test_a_question_about_one_model_that_fails_leaves_its_card_as_it_is() -> None:
    shown = {
        "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
        "capabilities": ["tools"],
    }

    class Ollama(Upstream):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/api/show":
                return (
                    httpx.Response(200, json=shown) if b'"good"' in request.content else httpx.Response(500)
                )
            return super().__call__(request)

    upstream = Ollama({"/api/tags": (200, {"models": [{"name": "good"}, {"name": "bad"}]}, {})})
    listing = await upstream.provider(SPECS["ollama"]).listing()
    assert {card.model: card.context for card in listing.cards} == {"good": 8192, "bad": None}


async def test_any_further_address_of_a_provider_can_be_asked_with_its_key() -> None:
    upstream = Upstream({"/v1/key": (200, {"limit": 5}, {})})
    assert await upstream.provider().get("/key") == {"limit": 5}
    assert upstream.asked[0].headers["authorization"] == "Bearer s3cret-key"


async def test_what_is_said_to_one_provider_only_reaches_no_other() -> None:
    answer = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    own = {"acme": OwnFields({"x": 1}, {"x-own": "1"}), "other": OwnFields({"y": 1}, {"x-other": "1"})}
    request = Request((Message.user("hi"),), Parameters(extra={"z": 1}, by_provider=own))
    upstream = Upstream({"/v1/chat/completions": (200, answer, {})})
    await upstream.provider().complete(Deployment("acme", "m", "ACME_KEY"), request)
    (asked,) = upstream.asked
    assert b'"x":1' in asked.content
    assert b'"z":1' in asked.content
    assert b'"y":1' not in asked.content
    assert asked.headers["x-own"] == "1"
    assert "x-other" not in asked.headers


async def test_the_fingerprint_of_an_account_tells_keys_and_addresses_apart_and_shows_neither() -> None:
    upstream = Upstream({})
    mine = upstream.provider().account
    assert mine
    assert "s3cret" not in mine
    elsewhere = upstream.provider(replace(ROW, base_url="https://other.example/v1")).account
    assert mine != elsewhere
    assert upstream.provider(replace(ROW, list_is_public=True)).account == ""
