"""The same promises over both seams: the embedded provider, and the network dialect against a server not written here.

llama.cpp stands behind both. Over the network it is its own HTTP server in another process, whose error bodies and
stream framing are nobody's here; in the process it is the engine of the embedded provider.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from tests.providers.local.server import RunningServer, find_weights, needs_engine, running_server

from aiorch.errors import AttemptFailed
from aiorch.protocols import Provider
from aiorch.providers.local import DEFAULT, LocalProvider
from aiorch.types import (
    Deployment,
    FailureKind,
    Image,
    JsonSchema,
    Message,
    Parameters,
    Request,
    Response,
    TextDelta,
    ToolChoice,
    ToolSpec,
)

pytestmark = [pytest.mark.weights, pytest.mark.anyio]

CONTEXT = 1024
KEY = "LLAMA_API_KEY"
SCHEMA = JsonSchema(
    {
        "type": "object",
        "properties": {"kind": {"enum": ["ticket", "recipe"]}, "urgent": {"type": "boolean"}},
        "required": ["kind", "urgent"],
        "additionalProperties": False,
    }
)


@dataclass(frozen=True)
class Seam:
    """A provider, and where its model is deployed."""

    provider: Provider
    deployment: Deployment


@pytest.fixture(scope="module")
def weights() -> Path:
    needs_engine()
    return find_weights()


@pytest.fixture(scope="module")
def embedded(weights: Path) -> Generator[LocalProvider]:
    provider = LocalProvider(weights, context=CONTEXT)
    yield provider
    anyio.run(provider.aclose)


@pytest.fixture(scope="module")
def server(weights: Path) -> Generator[RunningServer]:
    with running_server(weights, context=CONTEXT) as running:
        yield running


@asynccontextmanager
async def over_the_network(server: RunningServer, key: str | None) -> AsyncIterator[Seam]:
    from pydantic import SecretStr

    from aiorch.net import Transport
    from aiorch.providers import SPECS, HTTPProvider

    transport = Transport()
    provider = HTTPProvider(
        SPECS["llamacpp"],
        transport,
        keys={KEY: SecretStr(key)} if key else {},
        base_url=f"{server.url}/v1",
    )
    try:
        yield Seam(provider, Deployment(provider.name, server.model, KEY if key else None))
    finally:
        await provider.aclose()
        await transport.aclose()


@pytest.fixture(params=["embedded", "network"])
def seam_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def seam(seam_name: str, request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Seam]:
    if seam_name == "embedded":
        yield Seam(request.getfixturevalue("embedded"), Deployment("local", DEFAULT))
    else:
        server: RunningServer = request.getfixturevalue("server")
        async with over_the_network(server, server.key) as opened:
            yield opened


def ask(text: str, tokens: int = 24, **more: object) -> Request:
    return Request((Message.user(text),), Parameters(temperature=0, max_tokens=tokens), **more)  # type: ignore[arg-type]


async def test_a_question_is_answered_and_counted(seam: Seam) -> None:
    response = await seam.provider.complete(
        seam.deployment, ask("Which city is the capital of France? Answer in one word.")
    )
    assert "Paris" in response.message.text
    assert response.finish == "stop"
    assert response.usage.input_tokens > 10
    assert 0 < response.usage.output_tokens <= 24
    assert not response.usage.estimated
    assert response.model == DEFAULT


async def test_a_stream_says_the_same_in_pieces(seam: Seam) -> None:
    request = ask("Write one sentence about the sea.", 20)
    whole = await seam.provider.complete(seam.deployment, request)
    async with aclosing(seam.provider.stream(seam.deployment, request)) as stream:
        parts = [part async for part in stream]
    *deltas, last = parts
    assert isinstance(last, Response)
    said = [d.text for d in deltas if isinstance(d, TextDelta)]
    assert len(said) > 3
    assert "".join(said) == last.message.text
    assert last.usage.output_tokens >= len(said) - 1
    assert (last.message, last.finish) == (whole.message, whole.finish)


async def test_a_call_right_after_a_stream_is_answered(seam: Seam) -> None:
    # llama.cpp's server promises to keep the connection of a stream alive, and closes it
    async with aclosing(seam.provider.stream(seam.deployment, ask("Hi", 2))) as stream:
        assert [part async for part in stream]
    assert (await seam.provider.complete(seam.deployment, ask("Hi", 2))).message.text


async def test_an_answer_that_is_cut_says_so(seam: Seam) -> None:
    response = await seam.provider.complete(seam.deployment, ask("Tell me a long story.", 5))
    assert (response.finish, response.usage.output_tokens) == ("length", 5)


async def test_a_schema_holds_the_answer(seam: Seam) -> None:
    response = await seam.provider.complete(
        seam.deployment, ask("The export button is broken, help! Describe as JSON.", 120, schema=SCHEMA)
    )
    value = json.loads(response.message.text)
    assert value["kind"] in ("ticket", "recipe")
    assert isinstance(value["urgent"], bool)


async def test_a_prompt_that_does_not_fit_is_a_context_failure(seam: Seam) -> None:
    with pytest.raises(AttemptFailed) as error:
        await seam.provider.complete(seam.deployment, ask("word " * 2000))
    failure = error.value.failure
    assert failure.kind is FailureKind.CONTEXT
    assert failure.scope in ("model", "request")
    assert "20" in failure.message, "the prompt's tokens"
    assert str(CONTEXT) in failure.message


async def test_a_stream_of_a_prompt_that_does_not_fit_fails_alike(seam: Seam) -> None:
    with pytest.raises(AttemptFailed) as error:
        async with aclosing(seam.provider.stream(seam.deployment, ask("word " * 2000))) as stream:
            async for _ in stream:
                pass
    assert error.value.failure.kind is FailureKind.CONTEXT


async def test_a_closed_stream_leaves_the_provider_usable(seam: Seam) -> None:
    async with aclosing(seam.provider.stream(seam.deployment, ask("Tell me a long story.", 300))) as stream:
        await anext(stream)
    with anyio.fail_after(20):
        assert (await seam.provider.complete(seam.deployment, ask("Hi", 2))).message.text


async def test_a_cancelled_call_leaves_the_provider_usable(seam: Seam) -> None:
    with anyio.move_on_after(0.2) as scope:
        await seam.provider.complete(seam.deployment, ask("Tell me a long story.", 400))
    assert scope.cancelled_caught
    with anyio.fail_after(20):
        assert (await seam.provider.complete(seam.deployment, ask("Hi", 2))).message.text


async def test_the_model_is_listed(seam: Seam) -> None:
    cards = await seam.provider.models()
    assert DEFAULT in [card.model for card in cards]
    assert all(card.costs_nothing for card in cards)


async def test_embeddings_of_a_chat_model_are_refused(seam: Seam) -> None:
    with pytest.raises(AttemptFailed):
        await seam.provider.embed(seam.deployment, ["a text"])


async def test_a_picture_is_refused_and_not_ignored(seam: Seam) -> None:
    picture = Message.user("What is this?", Image(data=b"\x89PNG", media_type="image/png"))
    with pytest.raises(AttemptFailed) as error:
        await seam.provider.complete(seam.deployment, Request((picture,), Parameters(max_tokens=4)))
    assert error.value.failure.kind in (FailureKind.BAD_REQUEST, FailureKind.OVERLOADED)


# --- what only one of the two has


@pytest.mark.parametrize("key", ["wrong-key-for-tests", None])
async def test_a_wrong_or_missing_key_is_an_auth_failure_and_is_not_shown(
    server: RunningServer, key: str | None
) -> None:
    async with over_the_network(server, key) as seam:
        with pytest.raises(AttemptFailed) as error:
            await seam.provider.complete(seam.deployment, ask("Hi", 2))
    failure = error.value.failure
    assert failure.kind is FailureKind.AUTH
    assert failure.scope == "account"
    if key:
        assert key not in f"{failure!r}{error.value}"


async def test_a_tool_is_called_by_the_embedded_model(embedded: LocalProvider) -> None:
    tool = ToolSpec(
        "weather",
        "The weather of a city now.",
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    response = await embedded.complete(
        Deployment("local", DEFAULT),
        ask("What is the weather in Oslo?", 60, tools=(tool,), tool_choice=ToolChoice("tool", "weather")),
    )
    (call,) = response.message.tool_calls
    assert (response.finish, call.name, call.arguments) == ("tool_calls", "weather", {"city": "Oslo"})
