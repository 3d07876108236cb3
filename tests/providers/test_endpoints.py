"""Any OpenAI-compatible server by its address, through the public face."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

import aiorch
from aiorch.net import Transport
from aiorch.providers import Endpoint, endpoint
from aiorch.types import Deployment, ModelCard

pytestmark = pytest.mark.anyio


def answering(seen: list[httpx.Request]) -> Transport:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "listed"}]})
        model = json.loads(request.content)["model"]
        message = {"role": "assistant", "content": f"I am {model}."}
        return httpx.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}]})

    return Transport(httpx.MockTransport(answer))


async def test_a_server_of_ones_own_answers_by_its_address(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    box = endpoint("box", "http://10.0.0.5:8000/v1", key="s3cr3t-of-the-box", transport=answering(seen))
    async with aiorch.Orchestrator(providers=[box], data_dir=tmp_path) as ai:
        outcome = await ai.run("Who are you?")
    assert outcome.text == "I am listed."
    assert outcome.attempts[0].deployment == Deployment("box", "listed", "box.key")
    assert [r.headers["authorization"] for r in seen] == ["Bearer s3cr3t-of-the-box"] * 2
    assert "s3cr3t" not in repr(box) + repr(outcome)


async def test_models_that_are_told_are_not_asked_for(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    card = ModelCard("box", "b", context=512, free="local")
    box = endpoint("box", "http://localhost:8000/v1", models=["a", card], transport=answering(seen))
    async with aiorch.Orchestrator(providers=[box], data_dir=tmp_path) as ai:
        assert [m.id for m in await ai.models()] == ["box/a", "box/b"]
        assert (await ai.run("hi")).text == "I am a."
    assert [r.url.path for r in seen] == ["/v1/chat/completions"]
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1:1/v1", "local"),
        ("http://[::1]:1/v1", "local"),
        ("http://192.168.1.9/v1", "local"),
        ("http://localhost/v1", "local"),
        ("http://gpu.local/v1", "local"),
        ("https://api.example.com/v1", "unknown"),
        ("http://8.8.8.8/v1", "unknown"),
    ],
)
async def test_only_this_machine_and_private_networks_are_taken_for_free(url: str, kind: str) -> None:
    for card in await endpoint("box", url, models=["m"]).models():
        assert card.free == kind


async def test_who_knows_better_says_so() -> None:
    told = endpoint("box", "https://api.example.com/v1", models=["m"], free="free_quota")
    assert [c.free for c in await told.models()] == ["free_quota"]


async def test_an_endpoint_opens_and_closes_its_own_connections() -> None:
    box = endpoint("box", "http://127.0.0.1:9/v1", models=["m"])
    assert isinstance(box, Endpoint)
    await box.aclose()
    await box.aclose()


async def test_a_gateway_that_takes_idempotency_keys_is_told_by_its_header() -> None:
    gateway = endpoint("box", "http://10.0.0.5:8000/v1", idempotency_header="Idempotency-Key")
    assert gateway.spec.idempotency_header == "Idempotency-Key"
