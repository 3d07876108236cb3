"""Every row keeps what the Provider protocol promises, whatever its dialect: the same calls, over routes instead of a
network, answered as each dialect's documentation says (``dialects/<name>_bodies.py``).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

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

EACH_ROW = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
pytestmark = pytest.mark.anyio

KEY = "the-secret-key-of-this-test"
ASK = Request((Message.user("hi"),), Parameters(max_tokens=5))
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
CALLED = ("c1", "weather", {"city": "Bonn"})
MODELS = ("acme/small", "acme/large")
K = FailureKind


class Bodies(Protocol):
    """How a dialect's server answers."""

    STREAM_TYPE: str

    def whole(self, text: str = ..., tool_call: Any = None, finish: str | None = None) -> dict[str, Any]: ...
    def stream_events(self, pieces: Sequence[str] = ..., tool_call: Any = None) -> bytes: ...
    def listing(self, ids: Sequence[str]) -> dict[str, Any]: ...
    def error(self, status: int) -> tuple[dict[str, str], dict[str, Any]]: ...


def bodies_of(spec: ProviderSpec) -> Bodies:
    name = {"openrouter": "openai"}.get(spec.dialect, spec.dialect)  # which answers as OpenAI does
    return cast(Bodies, import_module(f"tests.providers.dialects.{name}_bodies"))


class FixedClock:
    def now(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a provider never waits")


CLOCK: Clock = FixedClock()


class Signer:
    """In place of those that ask a cloud for a token."""

    async def headers(self, method: str, url: str, body: bytes | None, key: str | None) -> Mapping[str, str]:
        return {"authorization": f"Signed {KEY}"}


def provider_of(spec: ProviderSpec, router: respx.Router, **differs: Any) -> HTTPProvider:
    made: dict[str, Any] = {
        "keys": {"MY_KEY": SecretStr(KEY)},
        "variables": {v.name: v.default or f"my-{v.name.replace('_', '-')}" for v in spec.variables},
        "signer": Signer() if spec.signer else None,
        "clock": CLOCK,
        **differs,
    }
    return HTTPProvider(spec, respx_transport(router), **made)


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def provider(spec: ProviderSpec, router: respx.Router) -> HTTPProvider:
    return provider_of(spec, router)


@pytest.fixture
def deployment(spec: ProviderSpec) -> Deployment:
    return Deployment(spec.id, "acme/small", "MY_KEY")


@pytest.fixture
def bodies(spec: ProviderSpec) -> Bodies:
    return bodies_of(spec)


def listing(router: respx.Router, **response: Any) -> respx.Route:
    return router.get().respond(**response)


def chat(router: respx.Router, **response: Any) -> respx.Route:
    return router.post().respond(**response)


def streamed(bodies: Bodies, content: bytes) -> dict[str, Any]:
    return {"content": content, "headers": {"content-type": bodies.STREAM_TYPE}}


def asked(spec: ProviderSpec) -> list[str]:
    """The ways in which it is asked over the network."""
    return ["complete", "stream", *(["models"] if spec.list_path else [])]


def sent(route: respx.Route) -> dict[str, Any]:
    return json.loads(route.calls.last.request.content)


def values(body: object) -> Iterator[object]:
    """Everything that stands in a body."""
    yield body if isinstance(body, str | int | float | bool) else None
    inside = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    for value in cast("Any", inside):
        yield from values(value)


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


def shows_the_key(spec: ProviderSpec, request: httpx.Request) -> bool:
    header, _, template = (spec.auth or "Authorization: Signed {key}").partition(": ")
    return request.headers.get(header) == template.format(key=KEY)


def hosts(provider: HTTPProvider) -> set[str]:
    """Where it may be asked."""
    spec = provider.spec
    whole = [path for path in (spec.list_path, *spec.more_lists) if path and "://" in path]
    return {urlsplit(url).netloc for url in (provider.spec.base_url, *whole)}


# --- what it answers ---------------------------------------------------------------------------------------------


@EACH_ROW
async def test_it_is_a_provider(provider: HTTPProvider, spec: ProviderSpec) -> None:
    assert isinstance(provider, Provider)
    assert provider.name == spec.id
    assert KEY not in repr(provider)
    assert "{" not in provider.spec.base_url
    await provider.aclose()


@EACH_ROW
async def test_list(provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, bodies: Bodies) -> None:
    route = listing(router, json=bodies.listing(MODELS))
    cards = await provider.models()
    # Google's two lists differ in what they put before an id.
    assert [c.model.removeprefix("models/") for c in cards] == [
        *(MODELS if spec.list_path else ()),
        *spec.unlisted,
    ]
    assert {c.id for c in cards} == {f"{spec.id}/{c.model}" for c in cards}
    assert {(c.source, c.as_of) for c in cards} == {("live", CLOCK.now())}
    assert len(router.calls) == (1 + len(spec.more_lists) if spec.list_path else 0)
    for call in route.calls:
        assert call.request.url.netloc.decode() in hosts(provider)
        elsewhere = spec.list_is_public and "://" in str(spec.list_path)
        assert shows_the_key(spec, call.request) is not elsewhere


@EACH_ROW
async def test_chat(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    route = chat(router, json=bodies.whole(text="hello"))
    response = await provider.complete(deployment, ASK)
    assert (response.message, response.finish) == (Message.assistant("hello"), "stop")
    assert response.usage == Usage(3, 2)
    assert response.model == getattr(bodies, "MODEL", None)
    request = route.calls.last.request
    assert request.url.netloc.decode() in hosts(provider)
    assert shows_the_key(spec, request)
    assert request.headers["content-type"] == "application/json"
    for name, value in spec.headers.items():
        assert request.headers[name] == value
    said = list(values(sent(route)))
    assert "hi" in said
    assert 5 in said
    assert "acme/small" in said or "/acme/small" in unquote(str(request.url))
    assert True not in [sent(route).get("stream")]


@EACH_ROW
async def test_stream(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    route = chat(router, **streamed(bodies, bodies.stream_events(("hel", "lo"))))
    deltas, response = await gathered(provider.stream(deployment, ASK))
    assert deltas == [TextDelta("hel"), TextDelta("lo")]
    assert (response.message, response.finish) == (Message.assistant("hello"), "stop")
    assert response.usage == Usage(3, 2)
    assert response.model == getattr(bodies, "MODEL", None)
    there = sent(route).get("stream") is True or "stream" in str(route.calls.last.request.url).lower()
    assert there
    assert shows_the_key(spec, route.calls.last.request)


@EACH_ROW
async def test_an_answer_that_had_to_end_says_so(
    provider: HTTPProvider, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    chat(router, json=bodies.whole(text="hel", finish="length"))
    assert (await provider.complete(deployment, ASK)).finish == "length"


@EACH_ROW
async def test_tool_call(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    request = Request((Message.user("weather?"),), tools=(WEATHER,))
    route = chat(router, json=bodies.whole(text="", tool_call=CALLED))
    response = await provider.complete(deployment, request)
    assert response.message.tool_calls == (ToolCall("c1", "weather", {"city": "Bonn"}),)
    assert response.finish == "tool_calls"
    assert {"weather", "The weather."} <= set(values(sent(route)))
    chat(router, **streamed(bodies, bodies.stream_events((), tool_call=CALLED)))
    deltas, in_pieces = await gathered(provider.stream(deployment, request))
    calls = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert calls == deltas
    assert (calls[0].index, calls[0].id, calls[0].name) == (0, "c1", "weather")
    assert json.loads("".join(call.arguments for call in calls)) == {"city": "Bonn"}
    assert (in_pieces.message, in_pieces.finish) == (response.message, "tool_calls")


@EACH_ROW
async def test_json_output(
    provider: HTTPProvider, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    route = chat(router, json=bodies.whole(text='{"a": 1}'))
    schema = JsonSchema({"type": "object", "properties": {"a": {"type": "integer"}}})
    response = await provider.complete(deployment, Request(ASK.messages, schema=schema))
    assert json.loads(response.message.text) == {"a": 1}
    assert "integer" in route.calls.last.request.content.decode()


@EACH_ROW
async def test_a_whole_answer_to_a_stream_is_streamed(
    provider: HTTPProvider, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    chat(router, json=bodies.whole(text="hello", tool_call=CALLED))
    deltas, response = await gathered(provider.stream(deployment, ASK))
    assert deltas == [TextDelta("hello"), ToolCallDelta(0, '{"city": "Bonn"}', "c1", "weather")]
    assert response.message.text == "hello"


# --- what goes wrong ---------------------------------------------------------------------------------------------


@EACH_ROW
@pytest.mark.parametrize(("status", "kind"), [(401, K.AUTH), (429, K.RATE_MINUTE), (500, K.OVERLOADED)])
async def test_refusals_as_they_are_documented(
    provider: HTTPProvider,
    spec: ProviderSpec,
    router: respx.Router,
    deployment: Deployment,
    bodies: Bodies,
    status: int,
    kind: FailureKind,
) -> None:
    headers, body = bodies.error(status)
    chat(router, status_code=status, headers=headers, json=body)
    listing(router, status_code=status, headers=headers, json=body)
    for how in asked(spec):
        failure = await failure_of(provider, deployment, how)
        assert (how, failure.kind, failure.status) == (how, kind, status)
        if status == 401:
            assert failure.scope == "account"
        if status == 429:
            assert failure.scope in (spec.limit_scope, "account")
            assert (failure.retry_at is None) or failure.retry_at > CLOCK.now()


@EACH_ROW
@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status_code": 401, "json": {"error": {"message": f"bad key {KEY}"}}}, K.AUTH),
        ({"status_code": 429, "headers": {"retry-after": "7"}, "json": {"message": "slow"}}, K.RATE_MINUTE),
        ({"status_code": 500, "text": "oops"}, K.OVERLOADED),
        ({"status_code": 503, "html": "<html></html>"}, K.OVERLOADED),
        ({"status_code": 200, "html": "<html>sign in</html>"}, K.MALFORMED),
        ({"status_code": 200, "json": [1]}, K.MALFORMED),
        (
            {"status_code": 200, "content": b'{"a": [', "headers": {"content-type": "application/json"}},
            K.MALFORMED,
        ),
        ({"status_code": 200, "content": b"", "headers": {"content-type": "application/json"}}, K.MALFORMED),
        ({"status_code": 204}, K.MALFORMED),
        ({"status_code": 302, "headers": {"location": "https://portal/"}}, K.MALFORMED),
    ],
    ids=["401", "429", "500", "503", "page", "array", "cut", "empty", "204", "302"],
)
async def test_whatever_stands_between(
    provider: HTTPProvider,
    spec: ProviderSpec,
    router: respx.Router,
    deployment: Deployment,
    response: dict[str, Any],
    kind: FailureKind,
) -> None:
    chat(router, **response)
    listing(router, **response)
    for how in asked(spec):
        if how == "models" and response.get("json") == [1]:
            continue  # some lists are arrays
        failure = await failure_of(provider, deployment, how)
        assert (how, failure.kind, failure.status) == (how, kind, response["status_code"])
        if kind is K.RATE_MINUTE:
            assert failure.retry_at == CLOCK.now() + 7
            assert failure.scope == spec.limit_scope


@EACH_ROW
@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_an_error_inside_a_200(
    provider: HTTPProvider, router: respx.Router, deployment: Deployment, bodies: Bodies, how: str
) -> None:
    chat(router, json=bodies.error(500)[1])
    assert (await failure_of(provider, deployment, how)).kind in (K.OVERLOADED, K.MALFORMED)


@EACH_ROW
async def test_a_stream_that_breaks_off_is_no_answer(
    provider: HTTPProvider, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    whole = bodies.stream_events(("hel", "lo"))
    for end in (0, len(whole) // 3, whole.index(b"lo")):
        chat(router, **streamed(bodies, whole[:end]))
        failure = await failure_of(provider, deployment, "stream")
        assert failure.kind in (K.TRUNCATED, K.MALFORMED)  # half a line is both
        assert failure.scope == "upstream"


@EACH_ROW
async def test_a_stream_of_something_else_is_malformed(
    provider: HTTPProvider, router: respx.Router, deployment: Deployment, bodies: Bodies
) -> None:
    for garbage in (b"data: {nonsense\n\n", b"data: [1]\n\n", b"data: 7\n\n"):
        chat(router, **streamed(bodies, garbage + bodies.stream_events(("hello",))))
        assert (await failure_of(provider, deployment, "stream")).kind is K.MALFORMED


@EACH_ROW
async def test_an_unreachable_host(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    router.route().mock(side_effect=httpx.ConnectError("no"))
    for how in asked(spec):
        assert (await failure_of(provider, deployment, how)).kind is K.TRANSPORT


@EACH_ROW
async def test_a_list_that_is_not_there_is_no_missing_model(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    listing(router, status_code=404)
    if spec.list_path:
        assert (await failure_of(provider, deployment, "models")).kind is K.BAD_REQUEST


# --- limits, as each provider tells them -------------------------------------------------------------------------

MINUTE, DAY = K.RATE_MINUTE, K.RATE_DAY
TOLD: list[tuple[str, dict[str, str], Any, FailureKind, str, float | None]] = [
    # Go durations; requests are a day's and tokens a minute's
    (
        "groq",
        {
            "x-ratelimit-remaining-requests": "994",
            "x-ratelimit-reset-requests": "8m38.4s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "5.289s",
        },
        {"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}},
        *(MINUTE, "key_model", 5.289),
    ),
    (
        "groq",
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h26m24s"},
        {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}},
        *(DAY, "key_model", 5184),
    ),
    (
        "openai",
        {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"},
        {},
        MINUTE,
        "key_model",
        360,
    ),
    (
        "openai",
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms"},
        {},
        MINUTE,
        "key_model",
        0.012,
    ),
    ("openai", {"retry-after-ms": "1500", "retry-after": "2"}, {}, MINUTE, "key_model", 1.5),
    # seconds with a fraction
    (
        "cerebras",
        {"x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "11.382867097854614"},
        {
            "message": "Tokens per minute limit exceeded - too many tokens processed.",
            "type": "too_many_requests_error",
            "code": "token_quota_exceeded",
        },
        *(MINUTE, "account", 11.382867),
    ),
    (
        "cerebras",
        {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "33011.382867097855"},
        {
            "message": "Too many requests.",
            "type": "too_many_requests_error",
            "code": "request_quota_exceeded",
        },
        *(DAY, "account", 33011.382867),
    ),
    # RFC 3339
    (
        "anthropic",
        {
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:17Z",
        },
        {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}},
        *(MINUTE, "key_model", 17),
    ),
    # whole seconds, which may be -1
    (
        "azure",
        {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "26"},
        {},
        MINUTE,
        "key_model",
        26,
    ),
    (
        "azure",
        {
            "x-ratelimit-remaining-requests": "-1",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "-1",
        },
        {"error": {"code": "429", "message": "Requests have exceeded the token rate limit."}},
        *(MINUTE, "key_model", None),
    ),
    ("azure", {"retry-after-ms": "2500"}, {}, MINUTE, "key_model", 2.5),
    ("together", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3"}, {}, MINUTE, "key_model", 3),
    # epochs: milliseconds, seconds
    (
        "openrouter",
        {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000012000"},
        {"error": {"code": 429, "message": "Rate limit exceeded: free-models-per-min. "}},
        *(MINUTE, "account", 12),
    ),
    (
        "sambanova",
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1800000040"},
        *({}, MINUTE, "key_model", 40),
    ),
    (
        "sambanova",
        {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "1800003600"},
        *({}, DAY, "key_model", 3600),
    ),
    # a body that tells
    (
        "gemini",
        {},
        {
            "error": {
                "code": 429,
                "status": "RESOURCE_EXHAUSTED",
                "message": "Quota exceeded",
                "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36s"}],
            }
        },
        *(MINUTE, "key_model", 36),
    ),
    (
        "gemini",  # its day ends in California, whatever delay it names
        {},
        {
            "error": {
                "code": 429,
                "status": "RESOURCE_EXHAUSTED",
                "message": "Quota exceeded",
                "details": [
                    {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36s"},
                ],
            }
        },
        *(DAY, "key_model", 86400),
    ),
    # seconds, a date
    (
        "mistral",
        {"Retry-After": "7"},
        {"message": "Rate limit exceeded", "code": "1300"},
        MINUTE,
        "account",
        7,
    ),
    ("deepseek", {"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT"}, {}, MINUTE, "account", 20),
    # words alone
    ("cohere", {}, {"message": "You are past the per minute request limit."}, MINUTE, "key_model", None),
    (
        "cohere",
        {},
        {"message": "You are using a Trial key, which is limited to 1000 API calls / month."},
        *(DAY, "account", 57600),
    ),
    (
        "cloudflare",
        {},
        {
            "success": False,
            "errors": [{"code": 3036, "message": "You have used up your daily free allocation."}],
        },
        *(DAY, "account", 57600),
    ),
]
"""Who; what its headers and its body say; what that means, for whom, and for how many seconds."""


@pytest.mark.parametrize(
    ("spec", "headers", "body", "kind", "scope", "seconds"),
    [(SPECS[name], *told) for name, *told in TOLD],
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(TOLD)],
)
async def test_limits_as_each_provider_tells_them(
    provider: HTTPProvider,
    spec: ProviderSpec,
    router: respx.Router,
    deployment: Deployment,
    headers: dict[str, str],
    body: Any,
    kind: FailureKind,
    scope: str,
    seconds: float | None,
) -> None:
    chat(router, status_code=429, headers=headers, json=body)
    listing(router, status_code=429, headers=headers, json=body)
    for how in asked(spec):
        failure = await failure_of(provider, deployment, how)
        assert (failure.kind, failure.scope) == (kind, scope)
        wait = None if failure.retry_at is None else failure.retry_at - CLOCK.now()
        assert wait == (None if seconds is None else pytest.approx(seconds, abs=0.001))


def test_every_row_that_names_headers_is_tried_with_them() -> None:
    told = {(name, header.lower()) for name, headers, *_ in TOLD for header in headers}
    for spec in SPECS.values():
        for per in {window.per for window in spec.windows}:
            named = {(spec.id, window.reset) for window in spec.windows if window.per == per}
            assert named & told, (spec.id, per)


# --- keys --------------------------------------------------------------------------------------------------------


@EACH_ROW
async def test_a_key_that_nobody_gave(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router
) -> None:
    failure = await failure_of(provider, Deployment(spec.id, "m", "OTHER_KEY"), "complete")
    assert (failure.kind, failure.status) == (K.AUTH, None)
    assert "OTHER_KEY" in failure.message
    assert not router.calls


@EACH_ROW
async def test_without_any_key(spec: ProviderSpec, router: respx.Router, bodies: Bodies) -> None:
    keyless = provider_of(spec, router, keys={}, signer=None)
    route = chat(router, json=bodies.whole(text="hello"))
    listed = listing(router, json=bodies.listing(MODELS))
    if spec.needs_key:
        failure = await failure_of(keyless, Deployment(spec.id, "m"), "complete")
        assert failure.kind is K.AUTH
        assert spec.env[0] in failure.message
        assert not route.called
    else:
        assert (await keyless.complete(Deployment(spec.id, "m"), ASK)).message.text == "hello"
        assert "authorization" not in route.calls.last.request.headers
    if not spec.list_path:
        assert len(await keyless.models()) == len(spec.unlisted)
    elif spec.list_is_public or not spec.needs_key:
        assert {c.model for c in await keyless.models()} >= set(MODELS)
        assert "authorization" not in listed.calls.last.request.headers
    else:
        assert (await failure_of(keyless, Deployment(spec.id, "m"), "models")).kind is K.AUTH


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS.values() if spec.anonymous], ids=lambda spec: spec.id
)
async def test_without_a_key_where_none_is_needed(
    spec: ProviderSpec, router: respx.Router, bodies: Bodies
) -> None:
    nobody = provider_of(spec, router, keys={}, anonymous=True)
    route = chat(router, json=bodies.whole(text="hello"))
    assert (await nobody.complete(Deployment(spec.id, "m"), ASK)).message.text == "hello"
    assert "authorization" not in route.calls.last.request.headers
    assert spec.anonymous is not None
    free = {"id": "a:free", "isFree": True, "pricing": {"prompt": "0", "completion": "0"}}
    listing(router, json={"data": [free]})
    (card,) = await nobody.models()
    assert card.free == "anonymous"
    assert card.terms is not None
    assert card.terms.limits == spec.anonymous.limits


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS.values() if spec.key_check], ids=lambda spec: spec.id
)
async def test_a_key_is_checked_where_the_list_does_not(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router
) -> None:
    assert spec.list_is_public
    assert spec.key_check is not None
    route = listing(router, status_code=401, json={"message": "no"})
    with pytest.raises(AttemptFailed) as caught:
        await provider.get(spec.key_check)
    assert caught.value.failure.kind is K.AUTH
    assert shows_the_key(spec, route.calls.last.request)
    assert str(route.calls.last.request.url).startswith("https://")


# --- vectors -----------------------------------------------------------------------------------------------------


@EACH_ROW
async def test_embeddings_only_where_there_are_any(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment
) -> None:
    assert spec.embeddings_path is None or await provider.embed(deployment, []) == ()
    if spec.embeddings_path is None:
        with pytest.raises(AttemptFailed, match="no embeddings") as caught:
            await provider.embed(deployment, ["a"])
        assert caught.value.failure.kind is K.BAD_REQUEST
    assert not router.calls


@pytest.mark.parametrize(
    "spec",
    [s for s in SPECS.values() if s.embeddings_path and hasattr(bodies_of(s), "vectors")],
    ids=lambda spec: spec.id,
)
async def test_embeddings(
    provider: HTTPProvider, spec: ProviderSpec, router: respx.Router, deployment: Deployment, bodies: Any
) -> None:
    route = chat(router, json=bodies.vectors([[1, 2], [3, 4]]))
    assert await provider.embed(deployment, ["some", "texts"]) == [[1.0, 2.0], [3.0, 4.0]]
    assert {"acme/small", "some", "texts"} <= set(values(sent(route)))
    assert str(route.calls.last.request.url) == provider.spec.base_url + str(spec.embeddings_path)
    chat(router, json=bodies.vectors([[1, 2]]))
    with pytest.raises(AttemptFailed, match="2 texts were sent"):
        await provider.embed(deployment, ["some", "texts"])
