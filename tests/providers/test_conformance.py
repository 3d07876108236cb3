"""Every row keeps what the Provider protocol promises: the same calls, over routes instead of a network."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from aiorch.clock import Clock
from aiorch.errors import AttemptFailed
from aiorch.protocols import Provider
from aiorch.providers import SPECS, HTTPProvider, ProviderSpec
from aiorch.testing.transport import respx_transport
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    JsonSchema,
    Message,
    Parameters,
    Request,
    Response,
    StreamPart,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolSpec,
    Usage,
)

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)]

KEY = "the-secret-key-of-this-test"
ASK = Request((Message.user("hi"),), Parameters(max_tokens=5))
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


class FixedClock:
    def now(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a provider never waits")


CLOCK: Clock = FixedClock()


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def provider(spec: ProviderSpec, router: respx.Router) -> HTTPProvider:
    return HTTPProvider(spec, respx_transport(router), keys={"MY_KEY": SecretStr(KEY)}, clock=CLOCK)


@pytest.fixture
def deployment(spec: ProviderSpec) -> Deployment:
    return Deployment(spec.id, "acme/small", "MY_KEY")


def listing(router: respx.Router, spec: ProviderSpec, **response: Any) -> respx.Route | None:
    """The route of its list, where it has one."""
    return router.get(spec.base_url + spec.list_path).respond(**response) if spec.list_path else None


def asked(spec: ProviderSpec) -> list[str]:
    """The ways in which it is asked over the network."""
    return ["complete", "stream", *(["models"] if spec.list_path else [])]


def chat(router: respx.Router, spec: ProviderSpec, **response: Any) -> respx.Route:
    return router.post(spec.base_url + spec.chat_path).respond(**response)


def whole(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "1",
        "model": "acme/small-1",
        "choices": [{"message": message, "finish_reason": finish}],
        "usage": USAGE,
    }


def events(*chunks: Any) -> dict[str, Any]:
    body = (
        b": hello\n\n"
        + b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks)
        + b"data: [DONE]\n\n"
    )
    return {"content": body, "headers": {"content-type": "text/event-stream; charset=utf-8"}}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "model": "acme/small-1",
        "choices": [{"delta": delta, "finish_reason": finish}],
        **more,
    }


def sent(route: respx.Route) -> dict[str, Any]:
    return json.loads(route.calls.last.request.content)


async def gathered(parts: AsyncIterator[StreamPart]) -> tuple[list[StreamPart], Response]:
    *deltas, last = [p async for p in parts]
    assert isinstance(last, Response)
    return deltas, last


async def failure_of(provider: HTTPProvider, deployment: Deployment, how: str) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        if how == "complete":
            await provider.complete(deployment, ASK)
        elif how == "stream":
            await gathered(provider.stream(deployment, ASK))
        else:
            await provider.models()
    assert KEY not in str(caught.value) + repr(caught.value.failure)
    return caught.value.failure


async def test_it_is_a_provider(provider: HTTPProvider, spec: ProviderSpec) -> None:
    assert isinstance(provider, Provider)
    assert provider.name == spec.id
    assert KEY not in repr(provider)
    await provider.aclose()


async def test_list(provider: HTTPProvider, spec: ProviderSpec, router: respx.Router) -> None:
    route = listing(router, spec, json={"data": [{"id": "acme/small"}, {"id": "acme/large"}]})
    cards = await provider.models()
    assert [c.model for c in cards] == [*(["acme/small", "acme/large"] if route else []), *spec.unlisted]
    assert {c.id for c in cards} == {f"{spec.id}/{c.model}" for c in cards}
    assert {(c.source, c.as_of) for c in cards} == {("live", CLOCK.now())}
    if route:
        assert KEY in str(route.calls.last.request.headers.raw)
    assert len(router.calls) == (1 if route else 0)


async def test_chat(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    route = chat(router, spec, json=whole({"role": "assistant", "content": "hello"}))
    response = await provider.complete(deployment, ASK)
    assert response == Response(Message.assistant("hello"), "stop", Usage(3, 2), model="acme/small-1", id="1")
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    for name, value in spec.headers.items():
        assert request.headers[name] == value
    body = sent(route)
    assert body["model"] == "acme/small"
    assert body[spec.quirks.max_tokens] == 5
    assert "stream" not in body


async def test_stream(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    usage = {"choices": [], "usage": USAGE}
    route = chat(
        router,
        spec,
        **events(
            chunk({"role": "assistant"}), chunk({"content": "hel"}), chunk({"content": "lo"}, "stop"), usage
        ),
    )
    deltas, response = await gathered(provider.stream(deployment, ASK))
    assert deltas == [TextDelta("hel"), TextDelta("lo")]
    assert response == Response(Message.assistant("hello"), "stop", Usage(3, 2), model="acme/small-1", id="1")
    body = sent(route)
    assert body["stream"] is True
    assert ("stream_options" in body) is spec.quirks.stream_usage


async def test_tool_call(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    asked = {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Bonn"}'},
    }
    request = Request((Message.user("weather?"),), tools=(WEATHER,))
    route = chat(router, spec, json=whole({"content": None, "tool_calls": [asked]}, "tool_calls"))
    response = await provider.complete(deployment, request)
    assert response.message.tool_calls == (ToolCall("c1", "weather", {"city": "Bonn"}),)
    assert response.finish == "tool_calls"
    assert sent(route)["tools"][0]["function"]["name"] == "weather"
    chat(router, spec, **events(chunk({"tool_calls": [asked]}), chunk({}, "tool_calls")))
    deltas, streamed = await gathered(provider.stream(deployment, request))
    assert deltas == [ToolCallDelta(0, '{"city": "Bonn"}', "c1", "weather")]
    assert streamed.message == response.message


async def test_json_output(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    route = chat(router, spec, json=whole({"content": '{"a": 1}'}))
    schema = JsonSchema({"type": "object", "properties": {"a": {"type": "integer"}}})
    response = await provider.complete(deployment, Request(ASK.messages, schema=schema))
    assert json.loads(response.message.text) == {"a": 1}
    body = sent(route)
    asked_for = json.dumps(body.get("response_format", {})) + json.dumps(body["messages"])
    assert "integer" in asked_for


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status_code": 401, "json": {"error": {"message": f"bad key {KEY}"}}}, FailureKind.AUTH),
        (
            {"status_code": 429, "headers": {"retry-after": "7"}, "json": {"error": {"message": "slow"}}},
            FailureKind.RATE_MINUTE,
        ),
        ({"status_code": 500, "text": "oops"}, FailureKind.OVERLOADED),
        ({"status_code": 503, "html": "<html></html>"}, FailureKind.OVERLOADED),
        ({"status_code": 200, "html": "<html>sign in</html>"}, FailureKind.MALFORMED),
        (
            {
                "status_code": 200,
                "content": b'{"choices": [',
                "headers": {"content-type": "application/json"},
            },
            FailureKind.MALFORMED,
        ),
        ({"status_code": 204}, FailureKind.MALFORMED),
        ({"status_code": 302, "headers": {"location": "https://portal/"}}, FailureKind.MALFORMED),
    ],
    ids=["401", "429", "500", "503", "page", "cut", "204", "302"],
)
async def test_errors(
    provider: HTTPProvider,
    spec: ProviderSpec,
    router: respx.Router,
    deployment: Deployment,
    response: dict[str, Any],
    kind: FailureKind,
) -> None:
    chat(router, spec, **response)
    listing(router, spec, **response)
    for how in asked(spec):
        failure = await failure_of(provider, deployment, how)
        assert (how, failure.kind, failure.status) == (how, kind, response["status_code"])
        if kind is FailureKind.RATE_MINUTE:
            assert failure.retry_at == CLOCK.now() + 7
            assert failure.scope == spec.limit_scope


@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_an_error_inside_a_200(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment, how: str
) -> None:
    chat(router, spec, json={"error": {"code": 502, "message": "host disconnected"}})
    assert (await failure_of(provider, deployment, how)).kind is FailureKind.OVERLOADED


async def test_an_error_in_the_middle_of_a_stream(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    chat(
        router,
        spec,
        **events(chunk({"content": "hel"}), chunk({}, "error", error={"code": 502, "message": "gone"})),
    )
    parts: list[StreamPart] = []
    with pytest.raises(AttemptFailed, match="gone"):
        async for part in provider.stream(deployment, ASK):
            parts.append(part)
    assert parts == [TextDelta("hel")]


async def test_a_stream_that_ends_without_saying_why(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    chat(router, spec, **events(chunk({"content": "hel"})))
    assert (await failure_of(provider, deployment, "stream")).kind is FailureKind.TRUNCATED


async def test_a_whole_answer_to_a_stream_is_streamed(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    chat(router, spec, json=whole({"content": "hello", "reasoning": "hm", "tool_calls": [call]}))
    deltas, response = await gathered(provider.stream(deployment, ASK))
    assert [d.type for d in deltas if not isinstance(d, Response)] == [
        "reasoning_delta",
        "text_delta",
        "tool_call_delta",
    ]
    assert response.message.text == "hello"


async def test_an_unreachable_host(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    router.route(host=httpx.URL(spec.base_url).host).mock(side_effect=httpx.ConnectError("no"))
    for how in asked(spec):
        assert (await failure_of(provider, deployment, how)).kind is FailureKind.TRANSPORT


async def test_a_list_that_is_not_there_is_no_missing_model(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    if listing(router, spec, status_code=404):
        assert (await failure_of(provider, deployment, "models")).kind is FailureKind.BAD_REQUEST


async def test_a_key_that_nobody_gave(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router
) -> None:
    failure = await failure_of(provider, Deployment(spec.id, "m", "OTHER_KEY"), "complete")
    assert (failure.kind, failure.status) == (FailureKind.AUTH, None)
    assert "OTHER_KEY" in failure.message
    assert not router.calls


async def test_without_any_key(spec: ProviderSpec, router: respx.Router) -> None:
    keyless = HTTPProvider(spec, respx_transport(router), keys={}, clock=CLOCK)
    route = chat(router, spec, json=whole({"content": "hello"}))
    listed = listing(router, spec, json={"data": []})
    if spec.needs_key:
        failure = await failure_of(keyless, Deployment(spec.id, "m"), "complete")
        assert failure.kind is FailureKind.AUTH
        assert spec.env[0] in failure.message
        assert not route.called
    else:
        assert (await keyless.complete(Deployment(spec.id, "m"), ASK)).message.text == "hello"
        assert "authorization" not in route.calls.last.request.headers
    if listed is None:
        assert len(await keyless.models()) == len(spec.unlisted)
    elif spec.list_is_public:
        assert await keyless.models() == ()
        assert "authorization" not in listed.calls.last.request.headers
    else:
        assert (await failure_of(keyless, Deployment(spec.id, "m"), "models")).kind is FailureKind.AUTH


async def test_embeddings(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    if spec.embeddings_path is None:
        with pytest.raises(AttemptFailed, match="no embeddings") as caught:
            await provider.embed(deployment, ["a"])
        assert caught.value.failure.kind is FailureKind.BAD_REQUEST
        return
    data = [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]
    route = router.post(spec.base_url + spec.embeddings_path).respond(json={"data": data})
    assert await provider.embed(deployment, ["a", "b"]) == [[1.0, 2.0], [3.0, 4.0]]
    assert sent(route) == {"model": "acme/small", "input": ["a", "b"]}
    assert await provider.embed(deployment, []) == ()
