"""The provider over real sockets: what breaks on the way is classified, and the next call works."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from tests.net.raw_server import CHUNKED, LAST, RawServer, answer, chunk, hangs, says

from aiorch.errors import AttemptFailed
from aiorch.net import Transport
from aiorch.providers import SPECS, HTTPProvider
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    Message,
    Parameters,
    Request,
    Response,
    StreamPart,
    TextDelta,
    Timeouts,
    Usage,
)

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
ASK = Request((Message.user("hi"),))
HASTY = Timeouts(connect=2.0, first_byte=0.3, idle=0.3)
HERE = Deployment("vllm", "m")
HELLO = answer(json.dumps({"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}).encode())


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@pytest.fixture
async def provider(server: RawServer, anyio_backend: str) -> AsyncIterator[HTTPProvider]:
    transport = Transport()
    yield HTTPProvider(SPECS["vllm"], transport, keys={}, base_url=server.url + "/v1/")
    await transport.aclose()


def event(delta: dict[str, Any], finish: str | None = None, end: bytes = b"\n\n") -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode() + end


async def failure_of(provider: HTTPProvider, timeouts: Timeouts = HASTY) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        await provider.complete(HERE, ASK, timeouts)
    return caught.value.failure


async def streamed(
    provider: HTTPProvider, timeouts: Timeouts = HASTY
) -> tuple[list[StreamPart], Failure | None]:
    parts: list[StreamPart] = []
    try:
        async for part in provider.stream(HERE, ASK, timeouts):
            parts.append(part)
    except AttemptFailed as failed:
        return parts, failed.failure
    return parts, None


async def works(provider: HTTPProvider, server: RawServer) -> None:
    server.scripts[CHAT] = says(HELLO)
    assert (await provider.complete(HERE, ASK)).message.text == "hello"


async def test_a_server_that_is_not_running(provider: HTTPProvider) -> None:
    with RawServer() as gone:
        url = gone.url
    elsewhere = HTTPProvider(SPECS["vllm"], provider._transport, keys={}, base_url=url)
    failure = await failure_of(elsewhere)
    assert (failure.kind, failure.code) == (FailureKind.TRANSPORT, "refused")
    assert "is the server running?" in failure.message
    assert (await streamed(elsewhere))[1] == failure


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        (says(keep=False), FailureKind.TRANSPORT, "closed_early"),
        (says(HELLO[:-10], keep=False), FailureKind.TRANSPORT, "broken"),
        (says(b"nonsense\r\n\r\n", keep=False), FailureKind.MALFORMED, "protocol"),
        (hangs(), FailureKind.TIMEOUT, "read_timeout"),
        (hangs(HELLO[:-10]), FailureKind.TIMEOUT, "read_timeout"),
    ],
    ids=["closes early", "drops in the body", "no http", "hangs", "hangs in the body"],
)
async def test_what_breaks_on_the_way(
    provider: HTTPProvider, server: RawServer, script: Any, kind: FailureKind, code: str
) -> None:
    server.scripts[CHAT] = script
    failure = await failure_of(provider)
    assert (failure.kind, failure.code, failure.scope) == (kind, code, "upstream")
    parts, streaming = await streamed(provider)
    assert (parts, streaming and streaming.kind) == ([], kind)
    assert len(server.requests) == 2  # one attempt each
    await works(provider, server)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (says(CHUNKED + chunk(event({"content": "hel"})), keep=False), FailureKind.TRANSPORT),
        (says(CHUNKED + chunk(event({"content": "hel"})) + LAST), FailureKind.TRUNCATED),
        (hangs(CHUNKED + chunk(event({"content": "hel"}))), FailureKind.TIMEOUT),
        (
            says(CHUNKED + chunk(event({"content": "hel"})) + chunk(b'data: {"choi\n\n') + LAST),
            FailureKind.MALFORMED,
        ),
    ],
    ids=["drops", "ends", "hangs", "garbles"],
)
async def test_a_stream_that_breaks_in_the_middle(
    provider: HTTPProvider, server: RawServer, script: Any, kind: FailureKind
) -> None:
    server.scripts[CHAT] = script
    parts, failure = await streamed(provider)
    assert parts == [TextDelta("hel")]
    assert failure is not None
    assert failure.kind is kind
    await works(provider, server)


@pytest.mark.parametrize("script", [says, hangs], ids=["drops", "hangs"])
async def test_a_stream_that_breaks_after_its_end_is_an_answer(
    provider: HTTPProvider, server: RawServer, script: Any
) -> None:
    body = CHUNKED + chunk(event({"content": "hello"}) + event({}, "stop"))
    server.scripts[CHAT] = says(body, keep=False) if script is says else hangs(body)
    parts, failure = await streamed(provider)
    assert failure is None
    last = parts[-1]
    assert isinstance(last, Response)
    assert (last.message.text, last.usage) == ("hello", Usage(1, 2, estimated=True))


async def test_line_ends_and_comments_of_all_kinds_split_anywhere(
    provider: HTTPProvider, server: RawServer
) -> None:
    body = b": OPENROUTER PROCESSING\r\n\r\n" + event({"content": "hé"}, end=b"\r\n\r\n") + b": ping\r\n\r\n"
    body += event({"content": "llo"}, "stop", end=b"\n")  # no blank line, no [DONE]
    body = body.replace(b"\\u00e9", "é".encode())
    server.scripts[CHAT] = says(CHUNKED, *(chunk(bytes([b])) for b in body), LAST)
    parts, failure = await streamed(provider, Timeouts())
    assert failure is None
    assert parts[:-1] == [TextDelta("hé"), TextDelta("llo")]


async def test_a_stream_without_a_content_type_is_read_as_one(
    provider: HTTPProvider, server: RawServer
) -> None:
    untyped = CHUNKED.replace(b"content-type: text/event-stream\r\n", b"")
    server.scripts[CHAT] = says(untyped + chunk(event({"content": "a"}, "stop")) + LAST)
    parts, failure = await streamed(provider)
    assert failure is None
    assert parts[0] == TextDelta("a")


async def test_deltas_come_as_they_are_sent(provider: HTTPProvider, server: RawServer) -> None:
    server.scripts[CHAT] = hangs(CHUNKED + chunk(event({"content": "first"})))
    stream = provider.stream(HERE, ASK, Timeouts())
    with anyio.fail_after(5):
        assert await anext(stream) == TextDelta("first")
        await stream.aclose()
        assert await anyio.to_thread.run_sync(server.left.acquire, True, 5.0)
    await works(provider, server)


@pytest.mark.parametrize(
    "written", [(), (CHUNKED + chunk(event({"content": "hel"})),)], ids=["before", "during"]
)
@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_cancelling_ends_the_call_and_the_next_one_works(
    provider: HTTPProvider, server: RawServer, how: str, written: tuple[bytes, ...]
) -> None:
    server.scripts[CHAT] = hangs(*written)

    async def call() -> None:
        if how == "complete":
            await provider.complete(HERE, ASK)
        else:
            await streamed(provider, Timeouts())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        with anyio.fail_after(5):
            while not server.requests:
                await anyio.sleep(0.01)
            await anyio.sleep(0.05)
        tasks.cancel_scope.cancel()
    assert await anyio.to_thread.run_sync(server.left.acquire, True, 5.0)
    await works(provider, server)


async def test_three_hundred_calls_at_once(
    provider: HTTPProvider, server: RawServer, anyio_backend: str
) -> None:
    number = 300 if anyio_backend == "asyncio" else 100  # httpx's pool takes seconds for 300
    server.scripts[CHAT] = says(HELLO)
    said: list[str] = []

    async def call() -> None:
        said.append((await provider.complete(HERE, ASK)).message.text)

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(call)
    assert said == ["hello"] * number


async def test_an_answer_of_another_status_than_200_is_none(
    provider: HTTPProvider, server: RawServer
) -> None:
    server.scripts[CHAT] = says(answer(b"{}", "202 Accepted"))
    failure = await failure_of(provider)
    assert (failure.kind, failure.status) == (FailureKind.MALFORMED, 202)


async def test_half_a_character_is_sent_as_a_question_mark(provider: HTTPProvider, server: RawServer) -> None:
    server.scripts[CHAT] = says(HELLO)
    await provider.complete(HERE, Request((Message.user("a\ud83db ü"),), Parameters()))
    assert json.loads(server.requests[0].body)["messages"][0]["content"] == "a?b ü"


async def test_each_key_has_its_own_header(server: RawServer, anyio_backend: str) -> None:
    transport = Transport()
    spec = replace(SPECS["groq"], auth="x-api-key: {key}")
    provider = HTTPProvider(
        spec, transport, keys={"A": SecretStr("key-a"), "B": SecretStr("key-b")}, base_url=server.url + "/v1"
    )
    server.scripts[CHAT] = says(HELLO)
    for key in ("A", "B", "A"):
        await provider.complete(Deployment("groq", "m", key), ASK)
    sent = [
        line
        for c in server.requests
        for line in c.head.lower().split(b"\r\n")
        if line.startswith(b"x-api-key")
    ]
    assert sent == [b"x-api-key: key-a", b"x-api-key: key-b", b"x-api-key: key-a"]
    assert not any(b"authorization" in c.head.lower() for c in server.requests)
    await transport.aclose()


@pytest.mark.parametrize("secret", ["ключ-секрет", "key\r\nX-Evil: 1", "key\n"])
async def test_a_key_with_impossible_characters_is_named_and_not_shown(
    secret: str, anyio_backend: str
) -> None:
    provider = HTTPProvider(SPECS["groq"], Transport(), keys={"K": SecretStr(secret)})
    with pytest.raises(AttemptFailed) as caught:
        await provider.complete(Deployment("groq", "m", "K"), ASK)
    assert caught.value.failure.kind is FailureKind.AUTH
    assert "key K of Groq" in caught.value.failure.message
    assert secret not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_an_address_that_is_none_is_named(anyio_backend: str) -> None:
    provider = HTTPProvider(SPECS["ollama"], Transport(), keys={}, base_url="localhost:11434")
    with pytest.raises(AttemptFailed, match="not an address that begins with http"):
        await provider.models()


@pytest.mark.parametrize(("provider_id", "closes"), [("llamacpp", True), ("groq", False)])
async def test_only_streams_of_local_servers_give_up_their_connection(
    server: RawServer, provider_id: str, closes: bool, anyio_backend: str
) -> None:
    transport = Transport()
    provider = HTTPProvider(
        SPECS[provider_id], transport, keys={"K": SecretStr("key-a")}, base_url=server.url + "/v1"
    )
    here = Deployment(provider_id, "m", "K")
    server.scripts[CHAT] = says(CHUNKED + chunk(event({"content": "a"}, "stop")) + LAST)
    for _ in range(2):
        assert [p async for p in provider.stream(here, ASK)]
    server.scripts[CHAT] = says(HELLO)
    for _ in range(2):
        await provider.complete(here, ASK)
    assert [b"connection: close" in c.head.lower() for c in server.requests] == [closes, closes, False, False]
    assert server.connections == (3 if closes else 1)
    await transport.aclose()


async def test_a_provider_that_wants_no_header_gets_none(server: RawServer, anyio_backend: str) -> None:
    transport = Transport()
    spec = replace(SPECS["groq"], auth=None)
    provider = HTTPProvider(spec, transport, keys={"K": SecretStr("key-a")}, base_url=server.url + "/v1")
    server.scripts[CHAT] = says(HELLO)
    await provider.complete(Deployment("groq", "m", "K"), ASK)
    assert b"key-a" not in server.requests[0].head
    await transport.aclose()


async def test_the_same_question_of_a_durable_run_has_the_same_idempotency_key(
    server: RawServer, anyio_backend: str
) -> None:
    transport = Transport()
    asked = replace(ASK, idempotency_key="run-1/draft/round/1-1")
    other = replace(asked, messages=(Message.user("something else"),))
    told = replace(asked, parameters=Parameters(headers={"x-own": "1"}))
    spec = replace(SPECS["vllm"], idempotency_header="Idempotency-Key")
    here = HTTPProvider(spec, transport, keys={}, base_url=server.url + "/v1")
    plain = HTTPProvider(SPECS["vllm"], transport, keys={}, base_url=server.url + "/v1")
    server.scripts[CHAT] = says(HELLO)
    for question in (asked, asked, other, told, ASK):
        await here.complete(HERE, question)
    await plain.complete(HERE, asked)
    server.scripts[CHAT] = says(CHUNKED + chunk(event({"content": "a"}, "stop")) + LAST)
    assert [p async for p in here.stream(HERE, asked)]
    sent = [
        next(
            (
                v
                for n, _, v in (x.partition(b": ") for x in c.head.split(b"\r\n"))
                if n.lower() == b"idempotency-key"
            ),
            None,
        )
        for c in server.requests
    ]
    first, again, else_, with_own, without, by_nobody, streamed = sent
    assert first == again == with_own is not None
    assert len({first, else_, streamed}) == 3  # other words, or a stream: another question
    assert without is by_nobody is None
    assert b"x-own: 1" in server.requests[3].head.lower()
    await transport.aclose()


def test_no_row_of_ours_sends_an_idempotency_key_that_nobody_honours() -> None:
    assert not [spec.id for spec in SPECS.values() if spec.idempotency_header is not None]
