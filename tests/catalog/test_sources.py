"""Lists of providers and of models.dev, asked for in the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from aiorch.catalog.sources import MODELS_DEV_HOLDS, MODELS_DEV_URL, models_dev, of_provider
from aiorch.errors import AiorchError
from aiorch.net import Transport
from aiorch.providers import SPECS, HTTPProvider
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import Listing, ModelCard

pytestmark = pytest.mark.anyio

API = json.dumps({"groq": {"models": {"llama-3.1-8b-instant": {"limit": {"context": 131072}}}}}).encode()


@dataclass
class Reply:
    body: bytes = API
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"ETag": '"1"', "Last-Modified": "then"})


class Web:
    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Any:
        self.asked.append((url, headers))
        return self.replies.pop(0)


async def test_the_list_of_models_dev_has_the_facts_of_all_providers() -> None:
    web = Web(Reply())
    told = await models_dev(web, FakeClock(now=7.0)).ask(None)
    (card,) = told.cards
    assert (card.id, card.context, card.as_of) == ("groq/llama-3.1-8b-instant", 131072, 7.0)
    assert (told.etag, told.last_modified) == ('"1"', "then")
    assert web.asked == [(MODELS_DEV_URL, {"accept": "application/json"})]


async def test_it_is_told_what_is_known_and_may_say_that_nothing_has_changed() -> None:
    web = Web(Reply(b"", 304))
    known = Listing((ModelCard("p", "m"),), '"1"', "then")
    told = await models_dev(web, FakeClock()).ask(known)
    assert told.unchanged
    assert (told.etag, told.last_modified) == ('"1"', "then")
    ((_, headers),) = web.asked
    assert headers["if-none-match"] == '"1"'
    assert headers["if-modified-since"] == "then"


@pytest.mark.parametrize("status", [304, 403, 500])
async def test_no_answer_is_told_with_its_status(status: int) -> None:
    with pytest.raises(AiorchError, match=f"models.dev/api.json answered with status {status}"):
        await models_dev(Web(Reply(b"<html>", status)), FakeClock()).ask(None)


async def test_it_is_believed_for_a_day_whatever_it_says() -> None:
    assert models_dev(Web(), FakeClock()).holds == MODELS_DEV_HOLDS == 86_400.0


async def test_a_plugins_provider_is_asked_for_its_models() -> None:
    source = of_provider(ScriptedProvider(name="mine", cards=[ModelCard("mine", "a")]))
    assert (await source.ask(Listing(etag="x"))).cards == (ModelCard("mine", "a"),)
    assert (source.account, source.stored, source.offline, source.complete) == ("", True, False, True)


async def test_a_provider_that_can_is_told_what_is_known() -> None:
    class Knowing(ScriptedProvider):
        account = "fingerprint"

        async def listing(self, known: Listing | None = None) -> Listing:
            return Listing(etag=known.etag if known else None, unchanged=True)

    source = of_provider(Knowing(name="nvidia"))
    assert (await source.ask(Listing(etag="x"))).etag == "x"
    assert source.account == "fingerprint"
    assert source.patience == 30.0


def test_rows_of_facts_say_what_their_list_is_good_for() -> None:
    def row(name: str) -> Any:
        keys = {SPECS[name].env[0]: SecretStr("a-secret-key")} if SPECS[name].env else {}
        return of_provider(HTTPProvider(SPECS[name], Transport(), keys=keys))

    assert row("openrouter").account == ""  # everybody gets the same
    assert row("groq").account
    assert "secret" not in row("groq").account
    assert not row("perplexity").complete  # it has no list
    assert not row("nova").complete
    assert row("groq").complete
    assert (row("ollama").stored, row("ollama").offline) == (False, True)
