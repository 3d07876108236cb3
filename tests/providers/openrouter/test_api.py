"""Where OpenRouter is asked besides chats, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from aiorch.errors import AttemptFailed, InputError
from aiorch.providers import SPECS, HTTPProvider
from aiorch.providers.openrouter import HostCompany, OpenRouterAPI, free_limits, prior
from aiorch.testing.transport import respx_transport
from aiorch.types import FailureKind

pytestmark = pytest.mark.anyio
BASE = SPECS["openrouter"].base_url
PAID = {"provider_name": "Paid", "tag": "paid", "pricing": {"prompt": "0.000001", "completion": "0.000001"}}
FREE = {
    "provider_name": "Free",
    "tag": "free",
    "pricing": {"prompt": "0", "completion": "0"},
    "uptime_last_5m": 80,
}
UNTOLD = {"provider_name": "Untold", "tag": "untold"}


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def api(router: respx.Router) -> OpenRouterAPI:
    keys = {"ONE": SecretStr("key-one"), "TWO": SecretStr("key-two")}
    return OpenRouterAPI(HTTPProvider(SPECS["openrouter"], respx_transport(router), keys=keys), "TWO")


def answers(router: respx.Router, path: str, data: Any) -> respx.Route:
    return router.get(BASE + path).respond(json={"data": data})


@pytest.mark.parametrize(
    ("model", "hosts"),
    [
        ("acme/large", ["Paid", "Free", "Untold"]),
        ("acme/large:nitro", ["Paid", "Free", "Untold"]),
        ("acme/large:free", ["Free"]),
        ("openrouter/acme/large:free", ["Free"]),
    ],
)
async def test_hosts_of_a_free_id_are_the_free_ones(
    router: respx.Router, api: OpenRouterAPI, model: str, hosts: list[str]
) -> None:
    route = answers(router, "/models/acme/large/endpoints", {"endpoints": [PAID, FREE, UNTOLD]})
    found = await api.hosts(model)
    assert [h.name for h in found] == hosts
    assert prior(found).success == 0.8
    assert route.calls.last.request.headers["authorization"] == "Bearer key-two"


@pytest.mark.parametrize("model", ["openrouter/free", "openrouter/auto", "large", "a/b/c/d", "/x", ""])
async def test_what_is_no_model_has_no_hosts(api: OpenRouterAPI, model: str) -> None:
    with pytest.raises(InputError, match="has no hosts at OpenRouter"):
        await api.hosts(model)


async def test_the_routers_own_models_have_hosts(router: respx.Router, api: OpenRouterAPI) -> None:
    answers(router, "/models/openrouter/cypher-alpha/endpoints", {"endpoints": [FREE]})
    assert [h.name for h in await api.hosts("openrouter/cypher-alpha:free")] == ["Free"]


async def test_the_key_tells_the_limits_of_the_account(router: respx.Router, api: OpenRouterAPI) -> None:
    answers(router, "/key", {"usage": 0, "is_free_tier": True})
    answers(router, "/credits", {"total_credits": 10, "total_usage": 3})
    key, credit = await api.key(), await api.credits()
    assert [limit.amount for limit in free_limits(key)] == [20, 50]
    assert [limit.amount for limit in free_limits(key, credit)] == [20, 1_000]


async def test_a_past_answer_is_asked_for_by_its_id(router: respx.Router, api: OpenRouterAPI) -> None:
    route = router.get(BASE + "/generation", params={"id": "gen-1&x"}).respond(
        json={"data": {"id": "gen-1&x", "total_cost": 0}}
    )
    assert (await api.generation("gen-1&x")).id == "gen-1&x"
    assert route.called


async def test_the_rest_of_what_it_tells(router: respx.Router, api: OpenRouterAPI) -> None:
    answers(router, "/models/count", {"count": 338})
    answers(router, "/endpoints/zdr", [{**PAID, "model_id": "acme/large"}])
    company = {
        "name": "Acme",
        "slug": "acme",
        "headquarters": "CH",
        "datacenters": ["CH", "DE"],
        "status_page_url": "https://status.example",
        "privacy_policy_url": None,
    }
    answers(router, "/providers", [company, {"name": "no slug"}, {"slug": "bare"}])
    router.get(BASE + "/benchmarks", params={"source": "openrouter"}).respond(
        json={
            "data": [{"source": "openrouter", "model_permaslug": "a/b", "benchmark_type": "x", "accuracy": 1}]
        }
    )
    assert await api.count() == 338
    assert [h.model for h in await api.keeping_nothing()] == ["acme/large"]
    assert await api.companies() == (
        HostCompany("Acme", "acme", "CH", ("CH", "DE"), "https://status.example"),
        HostCompany("bare", "bare"),
    )
    assert list(await api.benchmarks("openrouter")) == ["a/b"]


async def test_a_count_that_is_none_is_nothing() -> None:
    class Silent:
        async def get(self, path: str, key: str | None = None) -> Mapping[str, Any]:
            return {"data": {"count": "many"}}

    assert await OpenRouterAPI(Silent()).count() == 0


async def test_what_is_not_answered_is_a_classified_failure(router: respx.Router, api: OpenRouterAPI) -> None:
    refused = {"error": {"code": 403, "message": "Only management keys can do this"}}
    router.get(BASE + "/credits").mock(return_value=httpx.Response(403, json=refused))
    with pytest.raises(AttemptFailed) as failed:
        await api.credits()
    assert failed.value.failure.kind is FailureKind.AUTH
