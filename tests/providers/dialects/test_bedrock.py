"""Bedrock's Converse: what is asked, and how answers, streams, lists and errors are read."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.providers.dialects.bedrock_bodies import (
    ERRORS,
    STREAM_TYPE,
    block_delta,
    error,
    event,
    exception,
    listing,
    profile,
    stream_events,
    summary,
    whole,
)

from aiorch.errors import AttemptFailed, MissingExtra
from aiorch.net.aws_events import AWSEventParser
from aiorch.providers import SPECS, HTTPProvider, classify
from aiorch.providers.dialects.bedrock import DIALECT
from aiorch.providers.spec import resolved
from aiorch.testing.clock import FakeClock
from aiorch.testing.transport import respx_transport
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    Image,
    JsonSchema,
    Lifecycle,
    Message,
    Parameters,
    Provenance,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    StreamPart,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
    ToolSpec,
    Usage,
)

SPEC = resolved(SPECS["bedrock"], {})
NOVA = "us.amazon.nova-lite-v1:0"
CLAUDE = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW_CLAUDE = "us.anthropic.claude-opus-5-5"
LLAMA = "us.meta.llama4-scout-17b-instruct-v1:0"
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
PERSON = JsonSchema(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    },
    "person",
)
ASK = Request((Message.user("hi"),))
NOW = 1_800_000_000.0


def body(request: Request, model: str = NOVA) -> dict[str, Any]:
    return dict(DIALECT.chat(model, request, SPEC).body)


def no_error(error: object) -> Failure:
    raise AssertionError(f"an error was seen in {error}")


def classified(error: object) -> Failure:
    return classify(200, {}, error, provider=SPEC, now=NOW, in_stream=True)


def answered(answer: dict[str, Any], request: Request = ASK, model: str = NOVA) -> Response:
    return DIALECT.answer(answer, request, model, classified)


def streamed(
    stream: bytes, request: Request = ASK, model: str = NOVA, cuts: Sequence[int] = ()
) -> tuple[list[StreamPart], Response]:
    reader, parser = DIALECT.reader(request, model, classified), AWSEventParser()
    parts: list[StreamPart] = []
    edges = [0, *sorted(cuts), len(stream)]
    for a, b in pairwise(edges):
        for told in parser.feed(stream[a:b]):
            parts += reader.feed(told)
    return parts, reader.response()


def failure_of_answer(answer: dict[str, Any]) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        answered(answer)
    return caught.value.failure


def failure_of_stream(stream: bytes) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        streamed(stream)
    return caught.value.failure


# --- asking ------------------------------------------------------------------------------------------------------


def test_a_plain_question() -> None:
    assert body(ASK) == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def test_ids_are_encoded_in_the_path() -> None:
    assert DIALECT.chat(NOVA, ASK, SPEC).path == "/model/us.amazon.nova-lite-v1%3A0/converse"
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    path = DIALECT.chat(arn, ASK, SPEC, stream=True).path
    assert path == f"/model/{arn.replace(':', '%3A').replace('/', '%2F')}/converse-stream"


def test_system_and_parameters_have_places_of_their_own() -> None:
    request = Request(
        (Message.system("Be brief."), Message.system(" "), Message.user("hi")),
        Parameters(temperature=0.5, max_tokens=9, stop=("END", ""), seed=7, top_p=0.9),
    )
    made = body(request)
    assert made["system"] == [{"text": "Be brief."}]
    assert made["inferenceConfig"] == {
        "maxTokens": 9,
        "stopSequences": ["END"],
        "temperature": 0.5,
        "topP": 0.9,
    }


@pytest.mark.parametrize(
    ("model", "samples"),
    [
        (NOVA, True),
        (CLAUDE, True),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", True),
        ("us.anthropic.claude-opus-4-7", False),
        ("us.anthropic.claude-opus-5", False),
        (NEW_CLAUDE, False),
        ("global.openai.gpt-5.6-sol", False),
        ("openai.gpt-oss-20b-1:0", True),
    ],
)
def test_models_that_refuse_to_be_told_how_to_sample_are_not(model: str, samples: bool) -> None:
    made = body(Request((Message.user("hi"),), Parameters(temperature=0, top_p=0.9, max_tokens=5)), model)
    assert ("temperature" in made["inferenceConfig"]) is samples
    assert made["inferenceConfig"]["maxTokens"] == 5


def test_a_greedy_answer_drops_top_p_where_both_are_refused() -> None:
    spec = replace(SPEC, quirks=replace(SPEC.quirks, greedy_top_p=False))
    request = Request((Message.user("hi"),), Parameters(temperature=0.5, top_p=0.9))
    assert DIALECT.chat(NOVA, request, spec).body["inferenceConfig"] == {"temperature": 0.5}


def test_fields_of_converse_and_of_the_model_are_told_apart() -> None:
    extra = {
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "inferenceConfig": {"maxTokens": 7},
        "top_k": 5,
    }
    made = body(Request((Message.user("hi"),), Parameters(temperature=0, max_tokens=9, extra=extra)))
    assert made["guardrailConfig"] == extra["guardrailConfig"]
    assert made["inferenceConfig"] == {"maxTokens": 7, "temperature": 0}
    assert made["additionalModelRequestFields"] == {"top_k": 5}


def test_turns_alternate_and_results_come_first() -> None:
    request = Request(
        (
            Message.user("What is the weather?"),
            Message.assistant(
                "I look.",
                ToolCall("functions.a:0", "weather", {"city": "Rome"}),
                ToolCall("b", "weather", {}),
            ),
            Message.tool(ToolResult("functions.a:0", "sunny")),
            Message.tool(ToolResult("b", "", is_error=True)),
            Message.user("  "),
            Message.user("And?"),
        ),
        tools=(WEATHER,),
    )
    made = body(request)
    assert [turn["role"] for turn in made["messages"]] == ["user", "assistant", "user"]
    assert made["messages"][1]["content"] == [
        {"text": "I look."},
        {"toolUse": {"toolUseId": "functions_a_0", "name": "weather", "input": {"city": "Rome"}}},
        {"toolUse": {"toolUseId": "b", "name": "weather", "input": {}}},
    ]
    assert made["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "functions_a_0", "content": [{"text": "sunny"}]}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "error"}], "status": "error"}},
        {"text": "And?"},
    ]


def test_results_come_before_what_the_user_says_beside_them() -> None:
    answer = Message("user", (Text("And?"), ToolResult("a", "")))
    request = Request((Message.user("hi"), Message.assistant(ToolCall("a", "weather", {})), answer))
    assert body(request)["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "a", "content": []}},
        {"text": "And?"},
    ]


def test_a_call_that_was_no_json_goes_back_as_it_was() -> None:
    call = ToolCall("a", "weather", {}, raw='{"city": ')
    request = Request((Message.user("hi"), Message.assistant(call), Message.tool(ToolResult("a", "no JSON"))))
    assert body(request)["messages"][1]["content"][0]["toolUse"]["input"] == {"unparsed": '{"city": '}


def test_nothing_to_answer_is_said_before_it_is_sent() -> None:
    with pytest.raises(AttemptFailed, match="nothing was sent"):
        body(Request((Message.system("Be brief."), Message.user(" "))))


def test_thinking_goes_back_to_the_model_that_has_not_finished_its_turn() -> None:
    def turn(author: str | None, signature: str | None) -> list[dict[str, Any]]:
        thought = Reasoning("Hm.", signature, Provenance("model", author))
        request = Request(
            (
                Message.user("hi"),
                Message.assistant(thought, ToolCall("a", "weather", {})),
                Message.tool(ToolResult("a", "sunny")),
            )
        )
        return [b for b in body(request, CLAUDE)["messages"][1]["content"] if "reasoningContent" in b]

    signed = [{"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}}]
    assert turn(CLAUDE, "s") == signed
    assert turn("claude-sonnet-4-5", "s") == signed
    assert turn(CLAUDE, "redacted:AAAA") == [{"reasoningContent": {"redactedContent": "AAAA"}}]
    assert turn("gemini-3", "s") == turn(None, "s") == turn(CLAUDE, None) == []


def test_thinking_of_earlier_turns_stays_away() -> None:
    thought = Reasoning("Hm.", "s", Provenance("model", CLAUDE))
    request = Request((Message.user("hi"), Message.assistant(thought, "Hello."), Message.user("more")))
    assert body(request, CLAUDE)["messages"][1]["content"] == [{"text": "Hello."}]


# --- pictures ----------------------------------------------------------------------------------------------------

PNG = b"\x89PNG"
IN_BASE64 = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    ("image", "made"),
    [
        (Image(data=PNG, media_type="image/png"), {"format": "png", "source": {"bytes": IN_BASE64}}),
        (Image(url=f"data:image/jpg;base64,{IN_BASE64}"), {"format": "jpeg", "source": {"bytes": IN_BASE64}}),
        (
            Image(url="s3://bucket/a.JPG"),
            {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a.JPG"}}},
        ),
    ],
)
def test_pictures_go_as_bytes_or_from_s3(image: Image, made: dict[str, Any]) -> None:
    assert body(Request((Message.user("Look:", image),)))["messages"][0]["content"][1] == {"image": made}


@pytest.mark.parametrize(
    "image",
    [
        Image(url="https://example.com/a.png"),
        Image(url="s3://bucket/a.tiff"),
        Image(data=PNG, media_type="image/tiff"),
        Image(url="data:image/png;base64,?"),
        Image(url="data:image/png,raw"),
    ],
)
def test_other_pictures_are_refused_before_they_are_sent(image: Image) -> None:
    with pytest.raises(AttemptFailed) as caught:
        body(Request((Message.user(image),)))
    assert caught.value.failure.kind is FailureKind.BAD_REQUEST
    assert "nothing was sent" in caught.value.failure.message


# --- tools -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "model", "picked"),
    [
        (ToolChoice(), NOVA, None),
        (ToolChoice("required"), NOVA, {"any": {}}),
        (ToolChoice("tool", "weather"), NOVA, {"tool": {"name": "weather"}}),
        (ToolChoice("required"), NEW_CLAUDE, None),
        (ToolChoice("tool", "weather"), "anthropic.claude-fable-5-1", None),
        (ToolChoice("required"), "us.anthropic.claude-opus-5", {"any": {}}),
    ],
)
def test_tools_and_which_must_be_called(choice: ToolChoice, model: str, picked: object) -> None:
    made = body(Request((Message.user("hi"),), tools=(WEATHER,), tool_choice=choice), model)["toolConfig"]
    spec = {
        "name": "weather",
        "description": "The weather.",
        "inputSchema": {"json": dict(WEATHER.parameters)},
    }
    assert made["tools"] == [{"toolSpec": spec}]
    assert made.get("toolChoice") == picked


def test_calls_are_forbidden_by_not_offering_tools() -> None:
    request = Request((Message.user("hi"),), tools=(WEATHER,), tool_choice=ToolChoice("none"))
    assert "toolConfig" not in body(request)
    called = (
        *request.messages,
        Message.assistant(ToolCall("a", "weather", {})),
        Message.tool(ToolResult("a", "x")),
    )
    made = body(replace(request, messages=called))["toolConfig"]
    assert [t["toolSpec"]["name"] for t in made["tools"]] == ["weather"]
    assert "toolChoice" not in made


def test_what_was_called_is_described_though_it_is_not_offered_any_more() -> None:
    messages = (
        Message.user("hi"),
        Message.assistant(ToolCall("a", "old", {})),
        Message.tool(ToolResult("a", "x")),
    )
    assert body(Request(messages))["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "old", "inputSchema": {"json": {"type": "object"}}}}]
    }


# --- shapes ------------------------------------------------------------------------------------------------------

OPEN = JsonSchema({"type": "object", "properties": {"a": {"type": "string"}}, "patternProperties": {"x": {}}})


@pytest.mark.parametrize(
    ("model", "schema", "extra", "way"),
    [
        (CLAUDE, PERSON, {}, "native"),
        (NEW_CLAUDE, PERSON, {}, "native"),
        ("qwen.qwen3-32b-v1:0", PERSON, {}, "native"),
        ("qwen.qwen3-coder-next", PERSON, {}, "words"),
        (CLAUDE, OPEN, {}, "tool"),
        (CLAUDE, replace(PERSON, strict=False), {}, "tool"),
        (NEW_CLAUDE, OPEN, {}, "words"),
        (NOVA, PERSON, {}, "tool"),
        (NOVA, PERSON, {"reasoningConfig": {"type": "enabled"}}, "words"),
        (NOVA, JsonSchema({"type": "array"}), {}, "words"),
        ("us.anthropic.claude-opus-5", PERSON, {}, "tool"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", PERSON, {}, "tool"),
        (LLAMA, PERSON, {}, "words"),
    ],
)
def test_a_shape_is_asked_for_by_the_best_way_that_a_model_has(
    model: str, schema: JsonSchema, extra: dict[str, Any], way: str
) -> None:
    made = body(Request((Message.user("hi"),), Parameters(extra=extra), schema=schema), model)
    assert ("outputConfig" in made) is (way == "native")
    assert (made.get("toolConfig", {}).get("toolChoice") == {"tool": {"name": schema.name}}) is (
        way == "tool"
    )
    assert ("JSON schema" in str(made.get("system"))) is (way == "words")


def test_the_schema_goes_as_a_text() -> None:
    made = body(Request((Message.user("hi"),), schema=PERSON), CLAUDE)["outputConfig"]["textFormat"]
    assert made["type"] == "json_schema"
    assert made["structure"]["jsonSchema"]["name"] == "person"
    assert json.loads(made["structure"]["jsonSchema"]["schema"])["required"] == ["name"]


def test_a_model_that_may_call_tools_is_told_to_call_some_tool_or_answer_by_one() -> None:
    request = Request((Message.user("hi"),), tools=(WEATHER,), schema=PERSON)
    made = body(request)["toolConfig"]
    assert [t["toolSpec"]["name"] for t in made["tools"]] == ["weather", "person"]
    assert made["toolChoice"] == {"any": {}}
    taken = replace(request, tools=(replace(WEATHER, name="person"),))
    assert "toolChoice" not in body(taken)["toolConfig"]


SHAPED = Request((Message.user("hi"),), schema=PERSON)
GIVEN = ("t1", "person", {"name": "Ada Lovelacé"})


def test_the_arguments_of_that_tool_are_the_answer() -> None:
    response = answered(whole(tool_call=GIVEN), SHAPED)
    assert json.loads(response.message.text) == {"name": "Ada Lovelacé"}
    assert (response.finish, response.message.tool_calls) == ("stop", ())
    parts, piecewise = streamed(stream_events([], GIVEN), SHAPED)
    assert "".join(p.text for p in parts if isinstance(p, TextDelta)) == piecewise.message.text
    assert json.loads(piecewise.message.text) == {"name": "Ada Lovelacé"}
    assert piecewise.finish == "stop"


def test_a_real_call_beside_a_shape_is_a_call() -> None:
    request = replace(SHAPED, tools=(WEATHER,))
    call = ("t1", "weather", {"city": "Rome"})
    for response in (answered(whole(tool_call=call), request), streamed(stream_events([], call), request)[1]):
        assert response.message.tool_calls == (ToolCall("t1", "weather", {"city": "Rome"}),)
        assert response.finish == "tool_calls"


# --- answers -----------------------------------------------------------------------------------------------------


def test_an_answer() -> None:
    assert answered(whole("hello")) == Response(Message.assistant("hello"), "stop", Usage(3, 2))


def test_an_answer_with_everything() -> None:
    answer = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
                    {"reasoningContent": {"redactedContent": "AAAA"}},
                    {"citationsContent": {"content": [{"text": "As "}, {"text": "said."}], "citations": []}},
                    {
                        "toolUse": {
                            "toolUseId": "s1",
                            "name": "nova_code",
                            "input": {},
                            "type": "server_tool_use",
                        }
                    },
                    {"toolResult": {"toolUseId": "s1", "content": []}},
                    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Rome"}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {
            "inputTokens": 10,
            "outputTokens": 5,
            "cacheReadInputTokens": 100,
            "cacheWriteInputTokens": 20,
        },
        "trace": {
            "promptRouter": {"invokedModelId": "arn:x"},
            "guardrail": {"actionReason": "No action."},
        },
    }
    response = answered(answer)
    by = Provenance("model", NOVA)
    assert response.message.parts[:2] == (Reasoning("Hm.", "s", by), Reasoning("", "redacted:AAAA", by))
    assert response.message.text == "As said."
    assert response.message.tool_calls == (ToolCall("t1", "weather", {"city": "Rome"}),)
    assert response.usage == Usage(130, 5, cached_tokens=100)
    assert (response.model, response.details) == ("arn:x", {"guardrail": "No action."})


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_why_a_model_stopped(stop: str, finish: str) -> None:
    assert answered({**whole("hello"), "stopReason": stop}).finish == finish
    stream = block_delta(0, {"text": "hello"}) + event("messageStop", stopReason=stop)
    assert streamed(stream)[1].finish == finish


def test_out_of_tokens_while_thinking_is_an_answer_that_is_too_short() -> None:
    thinking = {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
    answer = {"output": {"message": {"content": [thinking]}}, "stopReason": "max_tokens"}
    response = answered(answer)
    assert (response.finish, response.message.reasoning, response.message.text) == ("length", "Hm.", "")
    assert response.usage.estimated


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({}, FailureKind.MALFORMED),
        ({"output": []}, FailureKind.MALFORMED),
        ({"message": "Too many requests"}, FailureKind.OVERLOADED),
        ({**whole(""), "stopReason": "end_turn"}, FailureKind.EMPTY),
        ({**whole(""), "stopReason": "guardrail_intervened"}, FailureKind.POLICY),
        ({**whole("x"), "stopReason": "malformed_tool_use"}, FailureKind.MALFORMED),
        ({**whole("x"), "stopReason": "malformed_model_output"}, FailureKind.MALFORMED),
        (
            {"output": {"message": {"content": [{"toolUse": {"input": {}}}]}}, "stopReason": "tool_use"},
            FailureKind.MALFORMED,
        ),
    ],
)
def test_answers_that_are_none(answer: dict[str, Any], kind: FailureKind) -> None:
    assert failure_of_answer(answer).kind is kind


def test_a_call_says_that_it_is_one_whatever_the_reason_says() -> None:
    answer = {**whole(tool_call=("t1", "weather", {})), "stopReason": "end_turn"}
    assert answered(answer).finish == "tool_calls"


# --- streams -----------------------------------------------------------------------------------------------------


def test_a_stream() -> None:
    parts, response = streamed(stream_events(["hel", "lo"], ("t1", "weather", {"city": "Rome"})))
    assert parts == [
        TextDelta("hel"),
        TextDelta("lo"),
        ToolCallDelta(0, "", "t1", "weather"),
        ToolCallDelta(0, '{"c'),
        ToolCallDelta(0, 'ity": "Rome"}'),
    ]
    assert response == answered(whole("hello", ("t1", "weather", {"city": "Rome"})))


THOUGHT = (
    block_delta(0, {"reasoningContent": {"text": "Hm"}})
    + block_delta(0, {"reasoningContent": {"text": "."}})
    + block_delta(0, {"reasoningContent": {"signature": "s"}})
    + block_delta(1, {"reasoningContent": {"redactedContent": "AAAA"}})
    + event(
        "contentBlockStart",
        contentBlockIndex=2,
        start={"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use"}},
    )
    + block_delta(2, {"toolUse": {"input": "{}"}})
    + event("contentBlockStart", contentBlockIndex=3, start={"toolResult": {"toolUseId": "s"}})
    + block_delta(3, {"toolResult": [{"text": "1"}]})
    + block_delta(4, {"text": "Hello."})
    + event("messageStop", stopReason="end_turn")
    + event(
        "metadata",
        usage={"inputTokens": 1, "outputTokens": 1},
        trace={"guardrail": {"actionReason": "None."}},
    )
)


def test_a_stream_with_thinking_and_tools_of_amazons() -> None:
    parts, response = streamed(THOUGHT)
    assert parts == [ReasoningDelta("Hm"), ReasoningDelta("."), TextDelta("Hello.")]
    by = Provenance("model", NOVA)
    assert response.message.parts[:2] == (Reasoning("Hm.", "s", by), Reasoning("", "redacted:AAAA", by))
    assert (response.message.text, response.details) == ("Hello.", {"guardrail": "None."})


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
    parts, response = streamed(stream, cuts=cuts)
    assert response == answered(whole("".join(pieces), call))
    assert "".join(p.text for p in parts if isinstance(p, TextDelta)) == response.message.text


def test_a_call_without_an_id_gets_one() -> None:
    start = event("contentBlockStart", contentBlockIndex=0, start={"toolUse": {"name": "weather"}})
    parts, response = streamed(start + event("messageStop", stopReason="tool_use"))
    assert parts == [ToolCallDelta(0, "", "call_0", "weather")]
    assert response.message.tool_calls == (ToolCall("call_0", "weather", {}),)


@pytest.mark.parametrize(
    ("kind", "message", "failure", "scope"),
    [
        (
            "throttlingException",
            "Too many tokens, please wait before trying again.",
            FailureKind.RATE_MINUTE,
            "key_model",
        ),
        ("throttlingException", "Too many tokens per day, please wait.", FailureKind.RATE_DAY, "key_model"),
        ("internalServerException", "Sorry.", FailureKind.OVERLOADED, "upstream"),
        ("serviceUnavailableException", "Sorry.", FailureKind.OVERLOADED, "upstream"),
        ("modelStreamErrorException", "The model failed.", FailureKind.OVERLOADED, "model"),
        ("modelTimeoutException", "Too slow.", FailureKind.TIMEOUT, "upstream"),
        ("validationException", "Input is too long for requested model.", FailureKind.CONTEXT, "request"),
        ("validationException", "Something else.", FailureKind.OVERLOADED, "upstream"),
        ("newException", "What?", FailureKind.OVERLOADED, "upstream"),
    ],
)
def test_exceptions_inside_a_stream(kind: str, message: str, failure: FailureKind, scope: str) -> None:
    told = failure_of_stream(block_delta(0, {"text": "hel"}) + exception(kind, message))
    assert (told.kind, told.scope, told.code) == (failure, scope, kind)
    assert told.message == message


def test_what_the_model_said_is_said() -> None:
    from tests.providers.dialects.bedrock_bodies import frame

    payload = json.dumps(
        {"message": "Failed.", "originalMessage": "out of memory", "originalStatusCode": 500}
    )
    headers = {":message-type": "exception", ":exception-type": "modelStreamErrorException"}
    assert failure_of_stream(frame(headers, payload.encode())).message == "Failed.: out of memory"


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"", FailureKind.TRUNCATED),
        (stream_events(["hello"])[:-400], FailureKind.TRUNCATED),
        (event("messageStop", stopReason="end_turn"), FailureKind.EMPTY),
    ],
)
def test_streams_that_break_off(stream: bytes, kind: FailureKind) -> None:
    assert failure_of_stream(stream).kind is kind


@pytest.mark.parametrize("payload", [b"nonsense", b"[1]"])
def test_frames_that_hold_no_object(payload: bytes) -> None:
    from tests.providers.dialects.bedrock_bodies import frame

    assert failure_of_stream(frame({":event-type": "messageStop"}, payload)).kind is FailureKind.MALFORMED


# --- by Amazon's own model of its API ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def converse() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


EVERYTHING = Request(
    (
        Message.system("Be brief."),
        Message.user("Look:", Image(data=b"\x89PNG", media_type="image/png"), Image(url="s3://bucket/a.png")),
        Message.assistant(
            Reasoning("Hm.", "s", Provenance("model", NOVA)),
            Reasoning("", "redacted:AAAA", Provenance("model", NOVA)),
            ToolCall("a", "weather", {"city": "Rome"}),
        ),
        Message.tool(ToolResult("a", "no", is_error=True)),
    ),
    Parameters(0.5, 9, ("END",), top_p=0.9, extra={"top_k": 5, "serviceTier": {"type": "flex"}}),
    tools=(WEATHER,),
    tool_choice=ToolChoice("required"),
)


@pytest.mark.parametrize("model", [NOVA, CLAUDE, LLAMA])
@pytest.mark.parametrize("schema", [None, PERSON])
@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_what_is_asked_fits_the_model_of_the_api(
    converse: Any, operation: str, schema: JsonSchema | None, model: str
) -> None:
    from botocore.validate import ParamValidator

    shape = converse.operation_model(operation).input_shape
    request = replace(EVERYTHING, schema=schema)
    report = ParamValidator().validate({"modelId": model, **body(request, model)}, shape)
    assert report.generate_report() == ""


def test_what_the_tests_answer_is_what_the_api_answers(converse: Any) -> None:
    from botocore.eventstream import EventStreamBuffer
    from botocore.parsers import EventStreamJSONParser, create_parser

    call = ("t1", "weather", {"city": "Rome"})
    shape = converse.operation_model("Converse").output_shape
    parser = create_parser("rest-json")
    told = {"status_code": 200, "headers": {}, "body": json.dumps(whole("hello", call)).encode()}
    parsed = parser.parse(told, shape)
    assert parsed["output"]["message"] == whole("hello", call)["output"]["message"]

    buffer = EventStreamBuffer()
    buffer.add_data(stream_events(["hel", "lo"], call) + exception("throttlingException", "Slowly."))
    shape = converse.operation_model("ConverseStream").output_shape.members["stream"]
    events = [EventStreamJSONParser().parse(frame.to_response_dict(), shape) for frame in buffer]
    kinds = [next(iter(event)) for event in events]
    assert kinds == [
        "messageStart",
        *["contentBlockDelta"] * 2,
        "contentBlockStop",
        "contentBlockStart",
        *["contentBlockDelta"] * 2,
        "contentBlockStop",
        "messageStop",
        "metadata",
        "Error",
    ]


# --- lists -------------------------------------------------------------------------------------------------------


def cards(body: object) -> dict[str, Any]:
    return {card.model: card for card in DIALECT.models(json.dumps(body).encode(), SPEC, NOW)}


def test_the_list_of_foundation_models() -> None:
    told = {
        "modelSummaries": [
            summary("amazon.nova-lite-v1:0", inputModalities=["TEXT", "IMAGE"], modelName="Nova Lite"),
            summary(
                "amazon.titan-embed-text-v2:0",
                outputModalities=["EMBEDDING"],
                responseStreamingSupported=False,
            ),
            summary("stability.sd3-5-large-v1:0", outputModalities=["IMAGE"]),
            summary("cohere.rerank-v3-5:0"),
            {"modelId": "acme.bare"},
            {"modelName": "no id"},
        ]
    }
    found = cards(told)
    nova = found["amazon.nova-lite-v1:0"]
    assert (nova.name, nova.free, nova.price, nova.source, nova.as_of) == (
        "Nova Lite",
        "none",
        None,
        "live",
        NOW,
    )
    assert (nova.inputs, nova.outputs) == (("image", "text"), ("text",))
    can = nova.capabilities
    assert (can.chat, can.vision, can.streaming, can.tools, can.embeddings) == (True, True, True, None, False)
    titan = found["amazon.titan-embed-text-v2:0"].capabilities
    assert (titan.chat, titan.embeddings, titan.streaming) == (False, True, False)
    assert found["stability.sd3-5-large-v1:0"].capabilities.chat is False
    assert found["cohere.rerank-v3-5:0"].capabilities.chat is False
    bare = found["acme.bare"]
    assert (bare.name, bare.inputs, bare.capabilities.chat, bare.lifecycle) == (None, None, None, Lifecycle())
    assert len(found) == 5


@pytest.mark.parametrize(
    ("told", "lifecycle"),
    [
        ({"status": "ACTIVE"}, Lifecycle("active")),
        ({"status": "ACTIVE", "endOfLifeTime": NOW + 9}, Lifecycle("active", None, NOW + 9)),
        (
            {"status": "LEGACY", "legacyTime": NOW - 9, "endOfLifeTime": NOW + 9},
            Lifecycle("deprecated", NOW - 9, NOW + 9),
        ),
        ({"status": "LEGACY", "endOfLifeTime": NOW}, Lifecycle("retired", None, NOW)),
        ({"status": "LEGACY", "endOfLifeTime": "2027-01-15T08:00:00Z"}, Lifecycle("retired", None, NOW)),
        ({"status": "SOMETHING"}, Lifecycle()),
    ],
)
def test_the_life_of_a_model(told: dict[str, Any], lifecycle: Lifecycle) -> None:
    assert cards({"modelSummaries": [summary("a.b", modelLifecycle=told)]})["a.b"].lifecycle == lifecycle


def test_the_list_of_inference_profiles() -> None:
    found = cards(
        {
            "inferenceProfileSummaries": [
                profile("us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
                profile("us.meta.llama4-scout-17b-instruct-v1:0", "meta.llama4-scout-17b-instruct-v1:0"),
                profile("us.cohere.embed-v4:0", "cohere.embed-v4:0"),
                profile("abc", "amazon.nova-lite-v1:0", type="APPLICATION"),
                profile("us.x.y", status="OTHER", models=[]),
                {"type": "SYSTEM_DEFINED"},
            ]
        }
    )
    assert list(found) == [
        "us.amazon.nova-lite-v1:0",
        "us.meta.llama4-scout-17b-instruct-v1:0",
        "us.cohere.embed-v4:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/abc",
        "us.x.y",
    ]
    assert found["us.amazon.nova-lite-v1:0"].lifecycle.state == "active"
    assert found["us.meta.llama4-scout-17b-instruct-v1:0"].parameters == 17_000_000_000
    assert found["us.cohere.embed-v4:0"].capabilities.chat is False
    assert found["us.x.y"].lifecycle.state == "unknown"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": []}', b'{"modelSummaries": 1}'])
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        DIALECT.models(body, SPEC, NOW)
    assert caught.value.failure.kind is FailureKind.MALFORMED


# --- vectors -----------------------------------------------------------------------------------------------------


def test_titan_takes_one_text_a_call_and_cohere_many() -> None:
    titan = DIALECT.embed("amazon.titan-embed-text-v2:0", ["a", "b"], SPEC)
    assert [(c.path, c.body, c.count) for c in titan] == [
        ("/model/amazon.titan-embed-text-v2%3A0/invoke", {"inputText": text}, 1) for text in ("a", "b")
    ]
    cohere = DIALECT.embed("us.cohere.embed-v4:0", ["x"] * 100, SPEC)
    assert [(c.count, len(c.body["texts"])) for c in cohere] == [(96, 96), (4, 4)]
    assert cohere[0].body["input_type"] == "search_document"
    with pytest.raises(AttemptFailed, match="twelvelabs"):
        DIALECT.embed("twelvelabs.marengo-embed-2-7-v1:0", ["a"], SPEC)


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ({"embedding": [1, 2.5], "inputTextTokenCount": 1}, 1),
        ({"embeddings": [[1, 2.5], [1, 2.5]], "response_type": "embeddings_floats"}, 2),
        ({"embeddings": {"float": [[1, 2.5]]}, "response_type": "embeddings_by_type"}, 1),
    ],
)
def test_vectors_in_each_makers_shape(answer: dict[str, Any], count: int) -> None:
    assert DIALECT.vectors(answer, count, no_error) == [[1.0, 2.5]] * count


@pytest.mark.parametrize("answer", [{}, {"embeddings": []}, {"embedding": ["x"]}])
def test_vectors_that_are_missing(answer: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed, match="vectors came back"):
        DIALECT.vectors(answer, 1, no_error)


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "message", "failure", "scope"),
    [
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            FailureKind.MODEL_GONE,
            "model",
        ),
        (
            400,
            "ValidationException",
            "Invocation of model ID anthropic.claude-sonnet-4-6 with on-demand throughput isn\u2019t "
            "supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
            FailureKind.MODEL_GONE,
            "key_model",
        ),
        (
            400,
            "ValidationException",
            "Input is too long for requested model.",
            FailureKind.CONTEXT,
            "request",
        ),
        (
            400,
            "ValidationException",
            "The model returned the following errors: input length and `max_tokens` exceed context "
            "limit: "
            "196395 + 64000 > 204698, decrease input length or `max_tokens` and try again",
            FailureKind.CONTEXT,
            "request",
        ),
        (
            400,
            "ValidationException",
            "This model doesn't support tool use.",
            FailureKind.BAD_REQUEST,
            "request",
        ),
        (
            400,
            "ValidationException",
            'The model returned the following errors: tool_choice: type "tool" and "any" are not '
            "supported for this model.",
            FailureKind.BAD_REQUEST,
            "request",
        ),
        (
            400,
            "ServiceQuotaExceededException",
            "Your request exceeds the service quota for your account.",
            FailureKind.RATE_MINUTE,
            "key_model",
        ),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            FailureKind.AUTH,
            "key_model",
        ),
        (
            403,
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel on resource: "
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0 because no identity-based policy "
            "allows the bedrock:InvokeModel action",
            FailureKind.AUTH,
            "key_model",
        ),
        (
            403,
            "AccessDeniedException",
            "Authentication failed: Please make sure your API Key is valid.",
            FailureKind.AUTH,
            "account",
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            FailureKind.AUTH,
            "account",
        ),
        (
            403,
            "InvalidSignatureException",
            "The request signature we calculated does not match.",
            FailureKind.AUTH,
            "account",
        ),
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            FailureKind.MODEL_GONE,
            "model",
        ),
        (
            404,
            "ResourceNotFoundException",
            "Access denied. This Model is marked by provider as Legacy and you have not been actively "
            "using the model in the last 30 days.",
            FailureKind.MODEL_GONE,
            "key_model",
        ),
        (404, "ResourceNotFoundException", "Could not resolve it.", FailureKind.MODEL_GONE, "model"),
        (
            408,
            "ModelTimeoutException",
            "The request took too long to process.",
            FailureKind.TIMEOUT,
            "upstream",
        ),
        (
            424,
            "ModelErrorException",
            "The model could not process the request.",
            FailureKind.OVERLOADED,
            "model",
        ),
        (
            429,
            "ThrottlingException",
            "Too many tokens, please wait before trying again.",
            FailureKind.RATE_MINUTE,
            "key_model",
        ),
        (
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait before trying again.",
            FailureKind.RATE_DAY,
            "key_model",
        ),
        (
            429,
            "ModelNotReadyException",
            "The model is not ready to serve inference requests.",
            FailureKind.OVERLOADED,
            "model",
        ),
        (500, "InternalServerException", "An unexpected error occurred.", FailureKind.OVERLOADED, "upstream"),
        (
            503,
            "ServiceUnavailableException",
            "Bedrock is unable to process your request.",
            FailureKind.OVERLOADED,
            "upstream",
        ),
        (529, "", "Overloaded", FailureKind.OVERLOADED, "upstream"),
    ],
)
@pytest.mark.parametrize("place", ["header", "body"])
def test_errors_by_their_type_and_their_words(
    place: str, status: int, kind: str, message: str, failure: FailureKind, scope: str
) -> None:
    headers = {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    told: dict[str, Any] = {"message": message}
    if place == "body":
        headers, told = {}, {"Message": message, "__type": f"com.amazon.coral.service#{kind}"}
    found = classify(status, headers, told, provider=SPEC, now=NOW)
    assert (found.kind, found.scope, found.message) == (failure, scope, message)
    assert found.code == (kind or (None if place == "header" else found.code))


def test_an_error_without_a_word_is_known_by_its_type() -> None:
    found = classify(404, {"x-amzn-errortype": "ResourceNotFoundException"}, b"", provider=SPEC, now=NOW)
    assert (found.kind, found.code, found.ambiguous) == (
        FailureKind.MODEL_GONE,
        "ResourceNotFoundException",
        False,
    )


@pytest.mark.parametrize("status", ERRORS)
def test_the_errors_of_the_reference_are_certain(status: int) -> None:
    headers, told = error(status)
    assert not classify(status, headers, told, provider=SPEC, now=NOW).ambiguous


# --- over a provider ---------------------------------------------------------------------------------------------

KEY = SecretStr("bedrock-api-key-of-this-test")
HERE = Deployment("bedrock", NOVA, "AWS_BEARER_TOKEN_BEDROCK")
RUNTIME, CONTROL = (
    "https://bedrock-runtime.eu-west-1.amazonaws.com",
    "https://bedrock.eu-west-1.amazonaws.com",
)


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def provider(router: respx.Router) -> HTTPProvider:
    return HTTPProvider(
        SPECS["bedrock"],
        respx_transport(router),
        keys={"AWS_BEARER_TOKEN_BEDROCK": KEY},
        variables={"region": "eu-west-1"},
        clock=FakeClock(NOW),
    )


@pytest.mark.anyio
async def test_a_bearer_key_asks_without_a_signature(provider: HTTPProvider, router: respx.Router) -> None:
    route = router.post(url=f"{RUNTIME}/model/us.amazon.nova-lite-v1%3A0/converse").respond(
        json=whole("hello"), headers={"x-amzn-RequestId": "r-1"}
    )
    response = await provider.complete(HERE, ASK)
    assert (response.message.text, response.details) == ("hello", {"request_id": "r-1"})
    assert route.calls.last.request.headers["authorization"] == f"Bearer {KEY.get_secret_value()}"
    assert str(route.calls.last.request.url).endswith("/us.amazon.nova-lite-v1%3A0/converse")


@pytest.mark.anyio
async def test_a_stream_over_a_provider(provider: HTTPProvider, router: respx.Router) -> None:
    router.post(url__startswith=RUNTIME).respond(
        content=stream_events(["hel", "lo"]), headers={"content-type": STREAM_TYPE}
    )
    parts = [part async for part in provider.stream(HERE, ASK)]
    assert parts == [TextDelta("hel"), TextDelta("lo"), answered(whole("hello"))]


@pytest.mark.anyio
async def test_a_stream_that_could_not_be_read_is_not_asked_for(
    provider: HTTPProvider, router: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.eventstream", None)
    with pytest.raises(MissingExtra, match="bedrock"):
        _ = [part async for part in provider.stream(HERE, ASK)]
    assert not router.calls


@pytest.mark.anyio
async def test_both_lists_are_read_page_by_page(provider: HTTPProvider, router: respx.Router) -> None:
    def profiles(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("nextToken"):
            return httpx.Response(200, json={"inferenceProfileSummaries": [profile("us.b.c", "b.c")]})
        page = {"inferenceProfileSummaries": [profile("us.a.b", "a.b")], "nextToken": "x+y/="}
        return httpx.Response(200, json=page)

    router.get(url__startswith=f"{CONTROL}/foundation-models").respond(json=listing(["a.b", "b.c"]))
    router.get(url__startswith=f"{CONTROL}/inference-profiles").mock(side_effect=profiles)
    assert [card.model for card in await provider.models()] == ["a.b", "b.c", "us.a.b", "us.b.c"]


@pytest.mark.anyio
async def test_vectors_over_a_provider(provider: HTTPProvider, router: respx.Router) -> None:
    answers = [httpx.Response(200, json={"embedding": [float(n)]}) for n in range(2)]
    router.post(url=f"{RUNTIME}/model/amazon.titan-embed-text-v2%3A0/invoke").mock(side_effect=answers)
    there = Deployment("bedrock", "amazon.titan-embed-text-v2:0", "AWS_BEARER_TOKEN_BEDROCK")
    assert await provider.embed(there, ["a", "b"]) == [[0.0], [1.0]]


@pytest.mark.anyio
async def test_without_a_key_and_without_a_signer_nothing_is_sent(router: respx.Router) -> None:
    provider = HTTPProvider(SPECS["bedrock"], respx_transport(router), keys={})
    with pytest.raises(AttemptFailed, match="AWS_BEARER_TOKEN_BEDROCK"):
        await provider.complete(Deployment("bedrock", NOVA), ASK)
    assert not router.calls
