"""watsonx.ai: OpenAI's words under other names, its lists, its errors, and its keys that are exchanged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.providers.dialects.watsonx_bodies import (
    ERRORS,
    HEAD,
    MODEL,
    STREAM_TYPE,
    error,
    event,
    listing,
    spec,
    stream_events,
    whole,
)

from aiorch.errors import AttemptFailed
from aiorch.net import SSEParser
from aiorch.providers import SPECS, HTTPProvider, classify
from aiorch.providers.dialects.watsonx import DIALECT
from aiorch.providers.signing import signer_for
from aiorch.providers.signing.ibm import IAM
from aiorch.providers.spec import resolved
from aiorch.testing.clock import FakeClock
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
    ToolChoice,
    ToolSpec,
    Usage,
)

SPEC = resolved(SPECS["watsonx"], {"project_id": "p-1"})
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
ASK = Request((Message.user("hi"),))
NOW = 1_800_000_000.0


def body(request: Request) -> dict[str, Any]:
    return dict(DIALECT.chat(MODEL, request, SPEC).body)


def classified(error: object) -> Failure:
    return classify(200, {}, error, provider=SPEC, now=NOW, in_stream=True)


def answered(answer: dict[str, Any]) -> Response:
    return DIALECT.answer(answer, ASK, MODEL, classified)


def streamed(stream: bytes, cuts: Sequence[int] = ()) -> tuple[list[StreamPart], Response]:
    reader, parser = DIALECT.reader(ASK, MODEL, classified), SSEParser()
    parts: list[StreamPart] = []
    edges = [0, *sorted(cuts), len(stream)]
    for a, b in pairwise(edges):
        for told in parser.feed(stream[a:b]):
            parts += reader.feed(told)
    return parts, reader.response()


# --- asking ------------------------------------------------------------------------------------------------------


def test_a_question_names_model_and_project() -> None:
    request = Request(
        (Message.system("Be brief."), Message.user("hi")),
        Parameters(temperature=0.5, max_tokens=9, seed=7, stop=("END",), extra={"time_limit": 600_000}),
    )
    assert body(request) == {
        "model_id": MODEL,
        "project_id": "p-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "seed": 7,
        "stop": ["END"],
        "time_limit": 600_000,
    }


def test_an_answer_in_pieces_has_an_address_of_its_own() -> None:
    assert DIALECT.chat(MODEL, ASK, SPEC).path == "/ml/v1/text/chat?version=2026-10-01"
    piecewise = DIALECT.chat(MODEL, ASK, SPEC, stream=True)
    assert piecewise.path == "/ml/v1/text/chat_stream?version=2026-10-01"
    assert not {"stream", "stream_options"} & piecewise.body.keys()


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"space_id": "s-1"}, {"space_id": "s-1"}),
        ({"project_id": "p-1", "space_id": "s-1"}, {"project_id": "p-1"}),
    ],
)
def test_exactly_one_place_is_charged(values: dict[str, str], place: dict[str, str]) -> None:
    row = resolved(SPECS["watsonx"], values)
    for made in (DIALECT.chat(MODEL, ASK, row).body, DIALECT.embed("e", ["a"], row)[0].body):
        assert {name: made[name] for name in made if name.endswith("_id") and name != "model_id"} == place


def test_without_a_place_nothing_is_sent() -> None:
    row = resolved(SPECS["watsonx"], {})
    with pytest.raises(AttemptFailed, match="WATSONX_PROJECT_ID") as caught:
        DIALECT.chat(MODEL, ASK, row)
    assert caught.value.failure.kind is FailureKind.BAD_REQUEST
    given = Request((Message.user("hi"),), Parameters(extra={"project_id": "mine"}))
    assert DIALECT.chat(MODEL, given, row).body["project_id"] == "mine"


@pytest.mark.parametrize(
    ("choice", "made"),
    [
        (ToolChoice(), {"tool_choice_option": "auto"}),
        (ToolChoice("none"), {"tool_choice_option": "none"}),
        (ToolChoice("required"), {"tool_choice_option": "required"}),
        (
            ToolChoice("tool", "weather"),
            {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
        ),
    ],
)
def test_tools_and_which_must_be_called(choice: ToolChoice, made: dict[str, Any]) -> None:
    asked = body(Request((Message.user("hi"),), tools=(WEATHER,), tool_choice=choice))
    assert {name: asked[name] for name in asked if name.startswith("tool_choice")} == made
    assert asked["tools"][0]["function"]["name"] == "weather"


def test_a_shape_is_asked_for_as_openai_has_it() -> None:
    asked = body(Request((Message.user("hi"),), schema=JsonSchema({"type": "object"}, "person")))
    assert asked["response_format"]["type"] == "json_schema"
    assert asked["response_format"]["json_schema"]["name"] == "person"


# --- answers -----------------------------------------------------------------------------------------------------


def test_an_answer() -> None:
    assert answered(whole("hello")) == Response(
        Message.assistant("hello"), "stop", Usage(3, 2), model=MODEL, id="chatcmpl-1"
    )


def test_the_model_is_known_by_either_name() -> None:
    answer = whole("hello")
    del answer["model"]
    assert answered(answer).model == MODEL


def test_out_of_time_is_too_short() -> None:
    assert answered(whole("hel", finish="time_limit")).finish == "length"
    assert streamed(stream_events(["hel"], finish="time_limit"))[1].finish == "length"


def test_cancelled_there_is_a_failure() -> None:
    with pytest.raises(AttemptFailed) as caught:
        answered(whole("hel", finish="cancelled"))
    assert caught.value.failure.kind is FailureKind.OVERLOADED


def test_a_stream() -> None:
    call = ("t1", "weather", {"city": "Rome"})
    parts, response = streamed(stream_events(["hel", "lo"], call))
    assert parts == [
        TextDelta("hel"),
        TextDelta("lo"),
        ToolCallDelta(0, '{"c', "t1", "weather"),
        ToolCallDelta(0, 'ity": "Rome"}'),
    ]
    assert response == answered(whole("hello", call))
    assert response.message.tool_calls == (ToolCall("t1", "weather", {"city": "Rome"}),)


@given(
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4),
    st.none() | st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    st.data(),
)
def test_wherever_a_stream_is_cut_the_response_is_that_of_the_whole_answer(
    pieces: list[str], arguments: dict[str, str] | None, data: st.DataObject
) -> None:
    call = None if arguments is None else ("t1", "weather", arguments)
    stream = stream_events(pieces, call)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
    assert streamed(stream, cuts)[1] == answered(whole("".join(pieces), call))


TOO_LONG = {
    "errors": [
        {
            "code": "invalid_input_argument",
            "message": 'Invalid input argument for Model \'ibm/granite-4-h-small\': {"error":{"message":"This model\'s '
            'maximum context length is 131072 tokens. However, your request has 600039 input tokens."}}',
            "more_info": "https://cloud.ibm.com/apidocs/watsonx-ai#text-chat-stream",
        }
    ],
    "trace": "903ff69ef8dc748c20d94f77c5810bf1",
    "status_code": 400,
}


@pytest.mark.parametrize("kind", ["message", "error"])
def test_an_error_inside_a_stream_is_read(kind: str) -> None:
    first = {**HEAD, "choices": [{"index": 0, "finish_reason": None, "delta": {"content": "hel"}}]}
    with pytest.raises(AttemptFailed) as caught:
        streamed(event(first) + event(TOO_LONG, 2, kind))
    assert (caught.value.failure.kind, caught.value.failure.scope) == (FailureKind.CONTEXT, "request")


def test_an_error_inside_a_good_answer_is_read() -> None:
    for read in (answered, lambda told: DIALECT.vectors(told, 1, classified)):
        with pytest.raises(AttemptFailed) as caught:
            read(error(429)[1])
        assert (caught.value.failure.kind, caught.value.failure.scope) == (FailureKind.RATE_MINUTE, "account")


# --- lists -------------------------------------------------------------------------------------------------------


def cards(body: object) -> dict[str, Any]:
    return {card.model: card for card in DIALECT.models(json.dumps(body).encode(), SPEC, NOW)}


def test_the_list_of_models() -> None:
    told = listing([MODEL])
    told["resources"] += [
        spec("acme/eyes", functions=[{"id": "text_chat"}, {"id": "image_chat"}], tasks=[], task_ids=[]),
        spec("ibm/slate-30m", functions=[{"id": "embedding"}], model_limits={"max_sequence_length": 512}),
        spec("acme/old-generator", functions=[{"id": "text_generation"}]),
        spec("acme/silent", functions=[], model_limits=None, number_params="?", label="acme/silent"),
        spec("", label="no id"),
    ]
    found = cards(told)
    granite = found[MODEL]
    assert (granite.name, granite.context, granite.max_output) == ("granite-4-h-small", 131072, 16384)
    assert (granite.parameters, granite.price, granite.free) == (32_000_000_000, None, "none")
    assert granite.lifecycle.state == "active"
    can = granite.capabilities
    assert (can.chat, can.tools, can.vision, can.json_schema) == (True, True, None, None)
    eyes = found["acme/eyes"].capabilities
    assert (eyes.chat, eyes.vision, eyes.tools) == (True, True, None)
    slate = found["ibm/slate-30m"]
    assert (slate.capabilities.chat, slate.capabilities.embeddings, slate.context) == (False, True, 512)
    assert found["acme/old-generator"].capabilities.chat is False
    silent = found["acme/silent"]
    assert (silent.name, silent.context, silent.parameters, silent.capabilities.chat) == (
        None,
        None,
        None,
        None,
    )
    assert len(found) == 5


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([("available", "2025-10-02"), ("deprecated", "2026-01-01")], "deprecated"),
        ([("available", "2025-10-02"), ("deprecated", "2028-01-01")], "active"),
        ([("available", "2025-10-02"), ("withdrawn", "2028-01-01")], "deprecated"),
        ([("available", "2025-10-02"), ("withdrawn", "2026-11-01")], "retired"),
    ],
)
def test_the_life_of_a_model(steps: list[tuple[str, str]], state: str) -> None:
    lifecycle = [{"id": name, "start_date": day} for name, day in steps]
    assert cards({"resources": [spec("a/b", lifecycle=lifecycle)]})["a/b"].lifecycle.state == state


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": []}'])
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        DIALECT.models(body, SPEC, NOW)
    assert caught.value.failure.kind is FailureKind.MALFORMED


# --- vectors -----------------------------------------------------------------------------------------------------


def test_vectors_are_asked_for_in_bundles() -> None:
    calls = DIALECT.embed("ibm/slate-30m", ["x"] * 1001, SPEC)
    assert [(c.count, len(c.body["inputs"])) for c in calls] == [(1000, 1000), (1, 1)]
    assert calls[1].path == "/ml/v1/text/embeddings?version=2026-10-01"
    assert calls[1].body == {"model_id": "ibm/slate-30m", "inputs": ["x"], "project_id": "p-1"}
    answer = {"results": [{"embedding": [1, 2.5]}], "input_token_count": 1}
    assert DIALECT.vectors(answer, 1, classified) == [[1.0, 2.5]]


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "scope"),
    [
        (401, *ERRORS[401], FailureKind.AUTH, "account"),
        (403, *ERRORS[403], FailureKind.AUTH, "account"),
        (
            403,
            "token_quota_reached",
            "Request of 1 token(s) from quota was rejected",
            FailureKind.RATE_DAY,
            "account",
        ),
        (404, *ERRORS[404], FailureKind.MODEL_GONE, "model"),
        (429, *ERRORS[429], FailureKind.RATE_MINUTE, "account"),
        (429, "consumption_limit_reached", "Please try again later", FailureKind.OVERLOADED, "model"),
        (500, *ERRORS[500], FailureKind.OVERLOADED, "upstream"),
        (400, *ERRORS[400], FailureKind.BAD_REQUEST, "request"),
    ],
)
def test_errors_by_their_codes(status: int, code: str, message: str, kind: FailureKind, scope: str) -> None:
    told = {"errors": [{"code": code, "message": message}], "trace": "t", "status_code": status}
    found = classify(status, {}, told, provider=SPEC, now=NOW)
    assert (found.kind, found.scope, found.code) == (kind, scope, code)


# --- over a provider ---------------------------------------------------------------------------------------------

KEY = SecretStr("the-secret-key-of-ibm")
HERE = Deployment("watsonx", MODEL, "WATSONX_API_KEY")
HOST = "https://eu-de.ml.cloud.ibm.com"


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def provider(router: respx.Router) -> HTTPProvider:
    transport, clock = respx_transport(router), FakeClock(NOW)
    router.post(IAM).respond(json={"access_token": "iam-token", "expires_in": 3600})
    return HTTPProvider(
        SPECS["watsonx"],
        transport,
        keys={"WATSONX_API_KEY": KEY},
        variables={"region": "eu-de", "project_id": "p-1"},
        signer=signer_for(SPECS["watsonx"], {}, {}, transport, clock),
        clock=clock,
    )


@pytest.mark.anyio
async def test_calls_bear_the_token_and_never_the_key(provider: HTTPProvider, router: respx.Router) -> None:
    route = router.post(f"{HOST}/ml/v1/text/chat?version=2026-10-01").respond(json=whole("hello"))
    assert (await provider.complete(HERE, ASK)).message.text == "hello"
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer iam-token"
    assert KEY.get_secret_value() not in str(request.headers.raw) + request.content.decode()
    exchanged = router.calls[0].request
    assert parse_qs(exchanged.content.decode())["apikey"] == [KEY.get_secret_value()]


@pytest.mark.anyio
async def test_a_stream_over_a_provider(provider: HTTPProvider, router: respx.Router) -> None:
    router.post(f"{HOST}/ml/v1/text/chat_stream?version=2026-10-01").respond(
        content=stream_events(["hel", "lo"]), headers={"content-type": STREAM_TYPE}
    )
    parts = [part async for part in provider.stream(HERE, ASK)]
    assert parts == [TextDelta("hel"), TextDelta("lo"), answered(whole("hello"))]


@pytest.mark.anyio
async def test_the_list_is_read_page_by_page(provider: HTTPProvider, router: respx.Router) -> None:
    pages = {
        "0": {**listing(["a/b"]), "next": {"href": f"{HOST}/ml/v1/x?version=2026-10-01&limit=1&start=1"}},
        "1": listing(["c/d"]),
    }

    def page(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=pages[request.url.params.get("start", "0")])

    router.get(url__startswith=f"{HOST}/ml/v1/foundation_model_specs").mock(side_effect=page)
    assert [card.model for card in await provider.models()] == ["a/b", "c/d"]


@pytest.mark.anyio
async def test_a_key_that_gets_no_token_is_a_bad_key(provider: HTTPProvider, router: respx.Router) -> None:
    refused = {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."}
    router.post(IAM).respond(400, json=refused)
    with pytest.raises(AttemptFailed) as caught:
        await provider.complete(HERE, ASK)
    assert (caught.value.failure.kind, caught.value.failure.scope) == (FailureKind.AUTH, "account")
    assert "Provided API key could not be found" in caught.value.failure.message
