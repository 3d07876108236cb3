"""Google's generateContent: what is written, what is read, and that no cut of a stream changes it."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.providers.dialects import gemini_bodies as bodies
from tests.providers.dialects.requests import requests

from aiorch.clock import Clock
from aiorch.errors import AttemptFailed, ConfigurationError
from aiorch.net import ServerSentEvent, SSEParser
from aiorch.providers import SPECS, HTTPProvider
from aiorch.providers.dialect import dialect_named
from aiorch.providers.dialects.gemini.requests import IMAGE_TYPES, MOST_BYTES, UNSIGNED
from aiorch.providers.dialects.gemini.vectors import MOST_TEXTS
from aiorch.providers.failures import classify
from aiorch.providers.spec import resolved
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
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
    ToolSpec,
    Usage,
)

SPEC = SPECS["gemini"]
DIALECT = dialect_named("gemini")
MODEL = "gemini-3.5-flash"
OLDER = "gemini-2.5-flash"
BARE = "gemma-3-27b-it"
ASK = Request((Message.user("hi"),))
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
CALL = ToolCall("t1", "weather", {"city": "Bonn"})


def body_of(request: Request, model: str = MODEL) -> dict[str, Any]:
    return dict(DIALECT.chat(model, request, SPEC).body)


def contents_of(*messages: Message, model: str = MODEL) -> list[dict[str, Any]]:
    return body_of(Request(messages), model)["contents"]


def refusal_of(request: Request, model: str = MODEL) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        body_of(request, model)
    failure = caught.value.failure
    assert (failure.kind, failure.scope, failure.ambiguous) == (FailureKind.BAD_REQUEST, "request", True)
    assert failure.message.endswith("nothing was sent")
    return failure


def read_error(error: object) -> Failure:
    return classify(200, {}, error, provider=SPEC, now=0.0, in_stream=True)


def read(answer: dict[str, Any], request: Request = ASK) -> Response:
    return DIALECT.answer(answer, request, MODEL, read_error)


def failure_of(answer: dict[str, Any]) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        read(answer)
    return caught.value.failure


def streamed(body: bytes, *cuts: int) -> tuple[list[Any], Response]:
    """The deltas and the response of a body that came in pieces."""
    parser, reader = SSEParser(), DIALECT.reader(ASK, MODEL, read_error)
    deltas: list[Any] = []
    for start, end in pairwise([0, *sorted(cuts), len(body)]):
        for event in parser.feed(body[start:end]):
            deltas += reader.feed(event)
    return deltas, reader.response()


def thought(text: str, signature: str | None, author: str | None = MODEL) -> Reasoning:
    return Reasoning(text, signature, Provenance("model", author))


def said(text: str) -> Text:
    return Text(text, Provenance("model"))


# --- what is written ---------------------------------------------------------------------------------------------


def test_a_question_is_what_the_documentation_shows() -> None:
    request = Request(
        (Message.system("Be brief."), Message.user("hi"), Message.assistant("hello"), Message.user("and?")),
        Parameters(0.5, 20, ("END",), 7, 0.9),
    )
    assert body_of(request) == {
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "hello"}]},
            {"role": "user", "parts": [{"text": "and?"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "maxOutputTokens": 20,
            "stopSequences": ["END"],
            "seed": 7,
        },
    }


def test_how_the_answer_comes_is_part_of_the_address() -> None:
    assert DIALECT.chat(MODEL, ASK, SPEC).path == f"/models/{MODEL}:generateContent"
    assert DIALECT.chat(MODEL, ASK, SPEC, stream=True).path == (
        f"/models/{MODEL}:streamGenerateContent?alt=sse"
    )
    assert DIALECT.chat(f"models/{MODEL}", ASK, SPEC).path == f"/models/{MODEL}:generateContent"
    assert DIALECT.chat("a/../b?c", ASK, SPEC).path == "/models/a%2F..%2Fb%3Fc:generateContent"


@pytest.mark.parametrize("messages", [(), (Message.system("x"),), (Message.user(""), Message("user", ()))])
def test_a_question_without_content_is_refused_here(messages: tuple[Message, ...]) -> None:
    assert "nothing to answer" in refusal_of(Request(messages)).message


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        (Parameters(stop=tuple("abcdef")), "5 stop texts at most, and these are 6"),
        (Parameters(seed=2**31), "seeds of 32 bits"),
        (Parameters(seed=-(2**31) - 1), "seeds of 32 bits"),
    ],
)
def test_what_it_would_refuse_is_refused_here(parameters: Parameters, what: str) -> None:
    assert what in refusal_of(Request(ASK.messages, parameters)).message


def test_extra_fields_are_laid_over_and_those_beside_them_stay() -> None:
    extra = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}, "safetySettings": []}
    body = body_of(Request(ASK.messages, Parameters(max_tokens=5, extra=extra)))
    assert body["generationConfig"] == {"maxOutputTokens": 5, "thinkingConfig": {"includeThoughts": True}}
    assert body["safetySettings"] == []


# --- pictures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*IMAGE_TYPES, "IMAGE/PNG"])
def test_a_picture_goes_as_bytes(kind: str) -> None:
    (turn,) = contents_of(Message.user("what?", Image(data=b"\x00\xff", media_type=kind)))
    data = base64.b64encode(b"\x00\xff").decode()
    assert turn["parts"] == [{"text": "what?"}, {"inlineData": {"mimeType": kind.lower(), "data": data}}]


def test_a_picture_goes_by_its_address_and_a_data_address_as_bytes() -> None:
    (turn,) = contents_of(
        Message.user(
            Image(url="https://a.example/x.png?size=2"),
            Image(url="https://a.example/x"),
            Image(url="data:image/webp;base64,AAA="),
        )
    )
    assert turn["parts"] == [
        {"fileData": {"fileUri": "https://a.example/x.png?size=2", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://a.example/x"}},
        {"inlineData": {"mimeType": "image/webp", "data": "AAA="}},
    ]


@pytest.mark.parametrize(
    "image",
    [Image(data=b"x", media_type="image/gif"), Image(url="data:,x"), Image(url="data:text/html;base64,x")],
)
def test_a_picture_of_another_type_is_refused_here(image: Image) -> None:
    assert "is not taken" in refusal_of(Request((Message.user(image),))).message


def test_what_is_too_large_is_refused_here() -> None:
    half = Image(data=bytes(MOST_BYTES * 3 // 8 + 10), media_type="image/png")
    assert contents_of(Message.user(half))
    assert "100,000,000 bytes" in refusal_of(Request((Message.user(half), Message.user(half)))).message


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (Message("assistant", (Image(url="https://a.example/x"),)), "image parts have no place"),
        (Message("user", (CALL,)), "tool_call parts have no place"),
        (Message("assistant", (ToolResult("t1", "x"),)), "tool_result parts have no place"),
        (Message("user", (Reasoning("x"),)), "reasoning parts have no place"),
        (Message.tool(ToolResult("nobody", "x")), "the result 'nobody' belongs to no call"),
    ],
)
def test_parts_in_a_place_that_has_no_words_are_refused_here(message: Message, what: str) -> None:
    assert what in refusal_of(Request((Message.user("hi"), message))).message


# --- tools -------------------------------------------------------------------------------------------------------


def test_tools_are_told_with_their_shape() -> None:
    body = body_of(Request(ASK.messages, tools=(WEATHER, ToolSpec("now", "The time.", {}))))
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "The weather.",
                    "parametersJsonSchema": WEATHER.parameters,
                },
                {"name": "now", "description": "The time.", "parametersJsonSchema": {"type": "object"}},
            ]
        }
    ]
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), None),
        (ToolChoice("none"), {"functionCallingConfig": {"mode": "NONE"}}),
        (ToolChoice("required"), {"functionCallingConfig": {"mode": "ANY"}}),
        (
            ToolChoice("tool", "weather"),
            {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
        ),
    ],
)
def test_whether_a_tool_is_called_is_said(choice: ToolChoice, config: Any) -> None:
    request = Request(ASK.messages, tools=(WEATHER,), tool_choice=choice)
    assert body_of(request).get("toolConfig") == config
    assert "toolConfig" not in body_of(Request(ASK.messages, tool_choice=choice))


def test_calls_and_results_go_back_all_results_in_one_turn() -> None:
    other = ToolCall("t2", "now", {}, raw="{broken")
    turns = contents_of(
        Message.user("hi"),
        Message.assistant("I look.", CALL, other),
        Message.tool(ToolResult("t1", "sunny")),
        Message.tool(ToolResult("t2", "no clock", is_error=True)),
        Message.user("quick!"),
        model=OLDER,
    )
    assert turns[1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {"functionCall": {"id": "t1", "name": "weather", "args": {"city": "Bonn"}}},
                {"functionCall": {"id": "t2", "name": "now", "args": {"unparsed": "{broken"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "t1", "name": "weather", "response": {"output": "sunny"}}},
                {"functionResponse": {"id": "t2", "name": "now", "response": {"error": "no clock"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "quick!"}]},
    ]


def test_a_result_whose_call_is_gone_is_named_by_who_gave_it() -> None:
    result = ToolResult("t9", "x", provenance=Provenance("tool", "weather"))
    (turn,) = contents_of(Message.tool(result))
    assert turn["parts"][0]["functionResponse"]["name"] == "weather"


# --- signatures --------------------------------------------------------------------------------------------------


def test_signatures_go_back_on_the_part_that_they_came_with() -> None:
    parts = [
        {"text": "Hm.", "thought": True, "thoughtSignature": "s0"},
        {"text": "I look.", "thoughtSignature": "s1"},
        {"functionCall": {"id": "t1", "name": "weather", "args": {"city": "Bonn"}}, "thoughtSignature": "s2"},
        {"functionCall": {"id": "t2", "name": "now", "args": {}}},
        {"text": "", "thoughtSignature": "s3"},
    ]
    message = read(bodies.chunk(parts, "STOP")).message
    assert contents_of(Message.user("hi"), message)[1] == {"role": "model", "parts": parts}
    over = (Message.user("hi"), message, Message.user("and?"))
    assert contents_of(*over)[1] == {"role": "model", "parts": parts}


def test_a_signature_with_nothing_behind_it_goes_back_on_an_empty_text() -> None:
    turns = contents_of(Message.user("hi"), Message.assistant("a", thought("", "s")), Message.user("b"))
    assert turns[1]["parts"] == [{"text": "a"}, {"text": "", "thoughtSignature": "s"}]


@pytest.mark.parametrize("author", [OLDER, "claude-sonnet-5", None])
def test_another_models_signature_stays_here_and_the_first_call_of_each_step_says_so(
    author: str | None,
) -> None:
    steps = (
        Message.user("hi"),
        Message.assistant(
            thought("Hm.", "x", author), thought("", "y", author), CALL, ToolCall("t2", "f", {})
        ),
        Message.tool(ToolResult("t1", "sunny"), ToolResult("t2", "x")),
        Message.assistant(ToolCall("t3", "f", {})),
        Message.tool(ToolResult("t3", "x")),
    )
    turns = contents_of(*steps)
    signatures = [part.get("thoughtSignature") for n in (1, 3) for part in turns[n]["parts"]]
    assert signatures == [UNSIGNED, None, UNSIGNED]
    older = contents_of(*steps, model="gemini-2.0-flash")
    assert "thoughtSignature" not in json.dumps(older)


def test_a_signature_waits_for_what_it_signs() -> None:
    message = Message.assistant(thought("", "s"), thought("Hm.", "own"), "hello")
    assert contents_of(Message.user("hi"), message)[1]["parts"] == [
        {"text": "Hm.", "thought": True, "thoughtSignature": "own"},
        {"text": "hello", "thoughtSignature": "s"},
    ]


def test_results_that_a_user_brings_end_no_turn() -> None:
    steps = (Message.user("hi"), Message.assistant(CALL), Message.user(ToolResult("t1", "sunny")))
    assert UNSIGNED in json.dumps(contents_of(*steps))


def test_only_the_turn_under_way_must_be_signed() -> None:
    done = (Message.user("hi"), Message.assistant(CALL), Message.tool(ToolResult("t1", "sunny")))
    assert UNSIGNED in json.dumps(contents_of(*done))
    assert UNSIGNED not in json.dumps(contents_of(*done, Message.assistant("It is."), Message.user("thanks")))
    assert UNSIGNED not in json.dumps(contents_of(Message.user("hi"), Message.assistant("no call")))


@pytest.mark.parametrize(
    ("model", "signs"),
    [
        ("gemini-3-flash-preview", True),
        ("gemini-4-pro", True),
        ("gemini-10-pro", True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-pro", False),
        ("gemma-4-31b-it", False),
    ],
)
def test_only_models_that_check_signatures_get_a_substitute(model: str, signs: bool) -> None:
    turns = contents_of(Message.user("hi"), Message.assistant(CALL), model=model)
    assert (UNSIGNED in json.dumps(turns)) is signs


# --- shapes, and models that know less ---------------------------------------------------------------------------

SHAPE = JsonSchema({"type": "object", "properties": {"a": {"type": "string"}}})


def test_a_shape_is_asked_for_natively() -> None:
    body = body_of(Request(ASK.messages, Parameters(max_tokens=5), SHAPE))
    assert body["generationConfig"] == {
        "maxOutputTokens": 5,
        "responseMimeType": "application/json",
        "responseJsonSchema": SHAPE.schema,
    }
    assert "systemInstruction" not in body


@pytest.mark.parametrize(
    ("model", "strict", "tools", "native"),
    [
        (MODEL, True, True, True),
        (MODEL, False, False, False),
        (OLDER, True, False, True),
        (OLDER, True, True, False),  # it takes no shape beside tools
        (BARE, True, False, False),
        ("gemma-4-31b-it", True, False, True),
    ],
)
def test_a_shape_that_cannot_be_enforced_is_asked_for_in_words(
    model: str, strict: bool, tools: bool, native: bool
) -> None:
    schema = JsonSchema(SHAPE.schema, strict=strict)
    body = body_of(Request(ASK.messages, schema=schema, tools=(WEATHER,) if tools else ()), model)
    assert ("generationConfig" in body) is native
    assert ("Answer with one JSON object" in json.dumps(body)) is not native


def test_instructions_stand_before_the_rest_where_there_is_no_place_for_them() -> None:
    body = body_of(Request((Message.user("hi"), Message.system("Be brief.")), schema=SHAPE), BARE)
    assert "systemInstruction" not in body
    first, second = body["contents"]
    assert [part["text"][:11] for part in first["parts"]] == ["Be brief.", "Answer with"]
    assert second == {"role": "user", "parts": [{"text": "hi"}]}


def test_tools_for_a_model_that_has_none_are_refused_here() -> None:
    for model in (BARE, "gemma-2-9b-it", "gemma-3n-e4b-it"):
        assert "cannot be given tools" in refusal_of(Request(ASK.messages, tools=(WEATHER,)), model).message
    assert body_of(Request(ASK.messages, tools=(WEATHER,)), "gemma-4-31b-it")["tools"]


# --- any question ------------------------------------------------------------------------------------------------


def written_or_refused(request: Request, model: str) -> dict[str, Any] | None:
    try:
        return json.loads(json.dumps(body_of(request, model)))
    except AttemptFailed:
        refusal_of(request, model)
        return None


@given(requests(), st.sampled_from([MODEL, OLDER, BARE]))
def test_any_question_is_written_or_refused_here(request: Request, model: str) -> None:
    body = written_or_refused(request, model)
    if body is None:
        return
    assert {turn["role"] for turn in body["contents"]} <= {"user", "model"}
    assert all(turn["parts"] for turn in body["contents"])
    signed = [part for turn in body["contents"] for part in turn["parts"] if "thoughtSignature" in part]
    assert all(part["thoughtSignature"] for part in signed)


# --- what is read ------------------------------------------------------------------------------------------------


def test_a_whole_answer() -> None:
    expected = Response(Message.assistant("hello"), "stop", Usage(3, 2), model=bodies.MODEL, id=bodies.ID)
    assert read(bodies.whole("hello")) == expected


def test_parts_are_kept_in_their_order_and_unknown_ones_passed_over() -> None:
    answer = bodies.chunk(
        [
            {"text": "Hm", "thought": True},
            {"text": " hm.", "thought": True},
            {"text": "I "},
            {"text": "look."},
            {"executableCode": {"code": "1"}},
            {"functionCall": {"name": "weather", "args": {"city": "Bonn"}}, "thoughtSignature": "s"},
            {"functionCall": {"id": "own", "name": "now"}},
            {"thought": True},
        ],
        "STOP",
    )
    response = read(answer)
    assert response.message.parts == (
        thought("Hm hm.", None),
        said("I look."),
        thought("", "s"),
        ToolCall("call_1_0", "weather", {"city": "Bonn"}),
        ToolCall("own", "now", {}),
    )
    assert response.finish == "tool_calls"


def test_calls_without_ids_have_others_in_the_next_round() -> None:
    def call_id(response_id: str | None) -> str:
        answer = bodies.chunk([{"functionCall": {"name": "f"}}], "STOP")
        return read({**answer, "responseId": response_id}).message.tool_calls[0].id

    assert (call_id("abc"), call_id("abd"), call_id(None)) == ("call_abc_0", "call_abd_0", "call_0_0")


def test_nothing_is_added_to_a_signed_text() -> None:
    answer = bodies.chunk(
        [
            {"text": "a", "thoughtSignature": "s"},
            {"text": "b"},
            {"text": "c"},
            {"text": "", "thoughtSignature": "t"},
            {"text": "d"},
        ],
        "STOP",
    )
    message = read(answer).message
    assert message.text == "abcd"
    assert message.parts == (
        *(thought("", "s"), said("a"), said("bc")),
        *(thought("", "t"), said(""), said("d")),
    )


def test_thinking_that_is_signed_stays_apart_from_what_follows() -> None:
    thoughts = [{"text": t, "thought": True, "thoughtSignature": sig} for t, sig in (("a", "s"), ("b", None))]
    answer = bodies.chunk([*thoughts, {"text": "c"}], "STOP")
    assert read(answer).message.parts == (thought("a", "s"), thought("b", None), said("c"))


def test_a_call_that_was_cut_off_is_a_short_answer() -> None:
    assert read(bodies.whole("", ("1", "f", {}), finish="length")).finish == "length"


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"promptTokenCount": 3, "candidatesTokenCount": 2}, Usage(3, 2)),
        (
            {
                "promptTokenCount": 30,
                "toolUsePromptTokenCount": 5,
                "cachedContentTokenCount": 20,
                "candidatesTokenCount": 2,
                "thoughtsTokenCount": 8,
                "totalTokenCount": 45,
            },
            Usage(35, 10, 8, 20),
        ),
        ({"promptTokenCount": "many"}, Usage(1, 2, estimated=True)),
        (None, Usage(1, 2, estimated=True)),
    ],
)
def test_tokens_are_counted_thinking_too(told: Any, usage: Usage) -> None:
    assert read({**bodies.whole("12345678"), "usageMetadata": told}).usage == usage


FILTERED = [
    *(
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "ESCALATION",
    ),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("OTHER", "content_filter"),
        ("OF_TOMORROW", "content_filter"),
        *((reason, "content_filter") for reason in FILTERED),
    ],
)
def test_why_it_ended(reason: str, finish: str) -> None:
    assert read(bodies.whole(finish=reason)).finish == finish


@pytest.mark.parametrize("reason", FILTERED)
def test_a_filter_before_the_first_word_is_told(reason: str) -> None:
    failure = failure_of(bodies.whole("", finish=reason))
    assert (failure.kind, failure.ambiguous) == (FailureKind.POLICY, True)
    assert failure.message == f"blocked: {reason}"


def test_a_filter_says_what_it_says() -> None:
    answer = bodies.whole("", finish="SAFETY")
    answer["candidates"][0]["finishMessage"] = "Dangerous content."
    del answer["candidates"][0]["content"]
    assert failure_of(answer).message == "Dangerous content."


def test_a_blocked_prompt_is_told() -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {}}
    failure = failure_of(blocked)
    assert failure.kind is FailureKind.POLICY
    assert failure.message == "the prompt was blocked: PROHIBITED_CONTENT"
    more = {"promptFeedback": {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "by a template"}}
    assert failure_of(more).message == "the prompt was blocked: MODEL_ARMOR, by a template"
    with pytest.raises(AttemptFailed, match="the prompt was blocked"):
        streamed(bodies.framed(blocked))


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"]
)
def test_a_spoiled_call_is_the_models_fault(reason: str) -> None:
    answer = bodies.whole("", finish=reason)
    answer["candidates"][0]["finishMessage"] = "Malformed function call: print(f("
    failure = failure_of(answer)
    assert (failure.kind, failure.scope, failure.ambiguous) == (FailureKind.MALFORMED, "request", True)
    assert failure.code == reason
    assert "print(f(" in failure.message
    with pytest.raises(AttemptFailed):
        streamed(bodies.stream_events(("hel",), finish=reason))


@pytest.mark.parametrize(
    ("reason", "kind", "scope"),
    [
        ("MISSING_THOUGHT_SIGNATURE", FailureKind.BAD_REQUEST, "request"),
        ("PUP_LIMITED_DISABLED", FailureKind.AUTH, "account"),
        ("OTHER", FailureKind.EMPTY, "request"),
        ("IMAGE_OTHER", FailureKind.EMPTY, "request"),
        ("STOP", FailureKind.EMPTY, "request"),
    ],
)
def test_an_end_without_an_answer(reason: str, kind: FailureKind, scope: str) -> None:
    failure = failure_of(bodies.whole("", finish=reason))
    assert (failure.kind, failure.scope) == (kind, scope)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, "overloaded"),
        ({}, "malformed"),
        ({"candidates": []}, "malformed"),
        ({"candidates": "none"}, "malformed"),
        (bodies.chunk([{"functionCall": {}}], "STOP"), "malformed"),
    ],
)
def test_an_answer_that_is_none(answer: dict[str, Any], kind: str) -> None:
    assert failure_of(answer).kind.value == kind


def test_thinking_that_used_up_all_tokens_is_a_short_answer() -> None:
    response = read(bodies.whole("", finish="length"))
    assert (response.finish, response.message.text) == ("length", "")


# --- streams -----------------------------------------------------------------------------------------------------

RICH = bodies.framed(
    bodies.chunk([{"text": "Hm", "thought": True}]),
    bodies.chunk([{"text": " hm.", "thought": True}]),
    bodies.chunk([{"text": "Grüße 🌤"}]),
    bodies.chunk([{"text": "!"}]),
    bodies.chunk(
        [bodies.called(("t1", "weather", {"city": "Bonn"}), "sig"), {"functionCall": {"name": "now"}}]
    ),
    bodies.chunk(
        [{"text": "", "thoughtSignature": "end"}], "STOP", {"promptTokenCount": 3, "thoughtsTokenCount": 2}
    ),
)


def test_a_stream_brings_everything_in_its_order() -> None:
    deltas, response = streamed(RICH)
    assert deltas == [
        ReasoningDelta("Hm"),
        ReasoningDelta(" hm."),
        TextDelta("Grüße 🌤"),
        TextDelta("!"),
        ToolCallDelta(0, '{"city": "Bonn"}', "t1", "weather"),
        ToolCallDelta(1, "{}", "call_1_1", "now"),
    ]
    assert response == Response(
        Message.assistant(
            thought("Hm hm.", None),
            said("Grüße 🌤!"),
            thought("", "sig"),
            CALL,
            ToolCall("call_1_1", "now", {}),
            thought("", "end"),
            said(""),
        ),
        "tool_calls",
        Usage(3, 2, 2),
        model=bodies.MODEL,
        id=bodies.ID,
    )


@given(st.lists(st.integers(0, len(RICH)), max_size=12))
def test_no_cut_of_the_bytes_changes_what_is_read(cuts: list[int]) -> None:
    assert streamed(RICH, *cuts) == streamed(RICH)


def test_a_stream_and_a_whole_answer_are_the_same_response() -> None:
    assert streamed(bodies.stream_events())[1] == read(bodies.whole())
    call = ("t1", "weather", {"city": "Bonn"})
    assert streamed(bodies.stream_events(("hello",), call))[1] == read(bodies.whole("hello", call))


def test_usage_may_come_after_the_end() -> None:
    late = {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 9}}
    assert streamed(bodies.stream_events() + bodies.framed(late))[1].usage == Usage(9, 9)


@pytest.mark.parametrize("complete", [b"", bodies.framed(bodies.chunk([{"text": "hel"}]))])
def test_a_stream_that_breaks_off_is_truncated(complete: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        streamed(complete)
    assert caught.value.failure.kind is FailureKind.TRUNCATED


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_inside_a_stream_is_told(wrapped: bool) -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    reader = DIALECT.reader(ASK, MODEL, read_error)
    reader.feed(ServerSentEvent(json.dumps(bodies.chunk([{"text": "hel"}]))))
    with pytest.raises(AttemptFailed) as caught:
        reader.feed(ServerSentEvent(json.dumps([error] if wrapped else error)))
    assert (caught.value.failure.kind, caught.value.failure.code) == (FailureKind.OVERLOADED, "UNAVAILABLE")


@pytest.mark.parametrize("data", ["{", "[]", "1", "[" * 100_000])
def test_what_is_no_event_is_malformed(data: str) -> None:
    with pytest.raises(AttemptFailed) as caught:
        DIALECT.reader(ASK, MODEL, read_error).feed(ServerSentEvent(data))
    assert caught.value.failure.kind is FailureKind.MALFORMED
    assert DIALECT.reader(ASK, MODEL, read_error).feed(ServerSentEvent(" ")) == []


words = st.sampled_from(
    [
        *(
            "candidates",
            "content",
            "parts",
            "text",
            "thought",
            "thoughtSignature",
            "functionCall",
            "name",
            "args",
        ),
        *("finishReason", "finishMessage", "promptFeedback", "blockReason", "usageMetadata", "error", "STOP"),
        *("MALFORMED_FUNCTION_CALL", "OTHER", "modelVersion", "responseId"),
    ]
)
garbage = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | words | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=5),
    max_leaves=15,
)
parts = st.dictionaries(words, garbage, max_size=3)
chunks = st.dictionaries(words, garbage, max_size=6) | st.builds(
    bodies.chunk, st.lists(parts, max_size=3), st.none() | words
)


@given(st.lists(chunks, max_size=6))
def test_garbage_never_raises_anything_else(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        with suppress(AttemptFailed):
            message = read(answer).message
            contents_of(Message.user("hi"), message)  # and what was read can be said again
    reader = DIALECT.reader(ASK, MODEL, read_error)
    with suppress(AttemptFailed):
        for answer in answers:
            reader.feed(ServerSentEvent(json.dumps(answer)))
        reader.response()


# --- its lists ---------------------------------------------------------------------------------------------------


def listed(item: dict[str, Any], provider: str = "gemini", holder: str = "models") -> Any:
    (card,) = DIALECT.models(json.dumps({holder: [item]}).encode(), SPECS[provider], 1_800_000_000.0)
    return card


def test_a_model_is_listed_with_all_that_is_said_of_it() -> None:
    card = listed(
        {
            "name": "models/gemini-3.5-flash",
            "displayName": "Gemini 3.5 Flash",
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "thinking": True,
        }
    )
    assert (card.id, card.name) == ("gemini/gemini-3.5-flash", "Gemini 3.5 Flash")
    assert (card.context, card.max_output) == (1_048_576, 65_536)
    assert card.capabilities.chat is card.capabilities.streaming is card.capabilities.reasoning is True
    assert card.capabilities.embeddings is False
    assert card.capabilities.tools is card.capabilities.vision is None


@pytest.mark.parametrize(
    ("name", "methods", "chat", "embeddings"),
    [
        ("gemini-embedding-001", ["embedContent"], False, True),
        ("gemini-2.5-flash-image", ["generateContent"], False, False),
        ("gemini-2.5-flash-preview-tts", ["generateContent"], False, False),
        ("gemma-4-31b-it", ["generateContent"], True, False),
        ("imagen-4", ["predict"], False, False),
        ("gemini-3-pro", [], None, None),
        ("text-embedding-005", [], False, True),
    ],
)
def test_what_a_model_is_for_is_told_by_its_methods(
    name: str, methods: list[str], chat: bool | None, embeddings: bool | None
) -> None:
    card = listed({"name": f"models/{name}", "supportedGenerationMethods": methods})
    assert (card.capabilities.chat, card.capabilities.embeddings) == (chat, embeddings)


@pytest.mark.parametrize(
    ("name", "free", "limits"),
    [
        ("gemini-3.5-flash", "free_quota", ["5 requests a minute", "20 requests a day"]),
        ("gemini-3.1-flash-lite-preview", "free_quota", ["15 requests a minute", "500 requests a day"]),
        ("gemma-3-27b-it", "free_quota", ["30 requests a minute", "14,400 requests a day"]),
        ("gemini-9-flash", "free_quota", []),
        ("gemini-3-pro", "none", None),
    ],
)
def test_what_is_free_says_how_far(name: str, free: str, limits: list[str] | None) -> None:
    card = listed({"name": f"models/{name}"})
    assert card.free == free
    assert (None if card.terms is None else [str(limit) for limit in card.terms.limits][:2]) == limits


def test_vertex_lists_models_of_publishers() -> None:
    item = {"name": "publishers/google/models/gemini-3.5-flash", "versionId": "001", "launchStage": "GA"}
    card = listed(item, "vertex", "publisherModels")
    assert (card.id, card.free, card.lifecycle) == ("vertex/gemini-3.5-flash", "none", Lifecycle("active"))
    assert listed({**item, "launchStage": "EOL"}, "vertex", "publisherModels").retired
    preview = listed({**item, "launchStage": "PUBLIC_PREVIEW"}, "vertex", "publisherModels")
    assert preview.lifecycle == Lifecycle()


def test_a_list_that_is_none() -> None:
    for body in (b"", b"{}", b"<html>"):
        with pytest.raises(AttemptFailed) as caught:
            DIALECT.models(body, SPEC, 1.0)
        assert caught.value.failure.kind is FailureKind.MALFORMED


def test_nothing_more_is_asked_of_a_model() -> None:
    card = listed({"name": "models/x"})
    assert DIALECT.about(card, SPEC) is None
    assert DIALECT.enriched(card, {}) is card


# --- embeddings --------------------------------------------------------------------------------------------------


def test_vectors_are_asked_for_by_the_hundred() -> None:
    texts = [str(n) for n in range(MOST_TEXTS + 1)]
    first, second = DIALECT.embed("gemini-embedding-001", texts, SPEC)
    assert (first.count, second.count) == (MOST_TEXTS, 1)
    assert first.path == second.path == "/models/gemini-embedding-001:batchEmbedContents"
    assert second.body == {
        "requests": [
            {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": str(MOST_TEXTS)}]}}
        ]
    }
    (named,) = DIALECT.embed("models/gemini-embedding-001", ["a"], SPEC)
    assert named.path == first.path
    assert named.body["requests"][0]["model"] == "models/gemini-embedding-001"


def test_vectors_are_read_in_their_order() -> None:
    answer = {"embeddings": [{"values": [0.5, 1]}, {"values": [2, -1.0]}]}
    assert DIALECT.vectors(answer, 2, read_error) == [[0.5, 1.0], [2.0, -1.0]]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({}, "malformed"),
        ({"embeddings": [{"values": [1]}, {"values": [2]}]}, "malformed"),
        ({"embeddings": [{"values": []}]}, "malformed"),
        ({"embeddings": [{"values": ["1"]}]}, "malformed"),
        ({"embeddings": [{"values": [True]}]}, "malformed"),
        ({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}, "rate_minute"),
    ],
)
def test_vectors_that_are_none(answer: dict[str, Any], kind: str) -> None:
    with pytest.raises(AttemptFailed) as caught:
        DIALECT.vectors(answer, 1, read_error)
    assert caught.value.failure.kind.value == kind


# --- over the wire -----------------------------------------------------------------------------------------------


class FixedClock:
    def now(self) -> float:
        return 1_800_000_000.0  # 2027-01-15 08:00 UTC, midnight in California

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a provider never waits")


CLOCK: Clock = FixedClock()
GEMINI = "https://generativelanguage.googleapis.com/v1beta"


def provider(router: respx.Router) -> HTTPProvider:
    return HTTPProvider(SPEC, respx_transport(router), keys={"K": SecretStr("AIza-secret")}, clock=CLOCK)


@pytest.mark.anyio
async def test_it_is_asked_and_read_over_the_wire() -> None:
    router = respx.Router()
    route = router.post(f"{GEMINI}/models/{MODEL}:streamGenerateContent?alt=sse").respond(
        content=bodies.stream_events(), headers={"content-type": bodies.STREAM_TYPE}
    )
    parts = [part async for part in provider(router).stream(Deployment("gemini", MODEL, "K"), ASK)]
    sent = route.calls.last.request
    assert sent.headers["x-goog-api-key"] == "AIza-secret"
    assert "authorization" not in sent.headers
    assert parts[:-1] == [TextDelta("hel"), TextDelta("lo")]
    whole = router.post(f"{GEMINI}/models/{MODEL}:generateContent").respond(json=bodies.whole())
    assert await provider(router).complete(Deployment("gemini", MODEL, "K"), ASK) == parts[-1]
    assert json.loads(whole.calls.last.request.content) == body_of(ASK)


@pytest.mark.anyio
async def test_its_list_comes_in_pages() -> None:
    router = respx.Router()
    pages = {None: {**bodies.listing(["a"]), "nextPageToken": "x=1"}, "x=1": bodies.listing(["b"])}
    router.get(f"{GEMINI}/models").mock(
        side_effect=lambda request: httpx.Response(200, json=pages[request.url.params.get("pageToken")])
    )
    assert [card.model for card in await provider(router).models()] == ["a", "b"]


@pytest.mark.anyio
async def test_its_vectors_come_over_the_wire() -> None:
    router = respx.Router()
    router.post(f"{GEMINI}/models/gemini-embedding-001:batchEmbedContents").respond(
        json={"embeddings": [{"values": [1.0]}]}
    )
    vectors = await provider(router).embed(Deployment("gemini", "gemini-embedding-001", "K"), ["a"])
    assert vectors == [[1.0]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind", "retry_at"),
    [(401, "auth", None), (429, "rate_minute", 36.0), (500, "overloaded", None)],
)
async def test_its_refusals_are_understood(status: int, kind: str, retry_at: float | None) -> None:
    headers, body = bodies.error(status)
    for answer in (body, [body]):  # errors of streams come in a list at times
        router = respx.Router()
        router.post(f"{GEMINI}/models/{MODEL}:generateContent").respond(status, json=answer, headers=headers)
        with pytest.raises(AttemptFailed) as caught:
            await provider(router).complete(Deployment("gemini", MODEL, "K"), ASK)
        failure = caught.value.failure
        assert failure.kind.value == kind
        assert failure.retry_at == (None if retry_at is None else CLOCK.now() + retry_at)


# --- Vertex AI ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
    ],
)
@pytest.mark.anyio
async def test_vertex_is_asked_where_its_project_is(location: str | None, host: str) -> None:
    router = respx.Router()
    place = location or "global"
    route = router.post(
        f"https://{host}/v1/projects/acme/locations/{place}/publishers/google/models/{MODEL}:generateContent"
    ).respond(json=bodies.whole())
    vertex = HTTPProvider(
        SPECS["vertex"],
        respx_transport(router),
        keys={"K": SecretStr("ya29.secret")},
        variables={"project": "acme", **({"location": location} if location else {})},
        clock=CLOCK,
    )
    response = await vertex.complete(Deployment("vertex", MODEL, "K"), ASK)
    assert response.message.text == "hello"
    assert route.calls.last.request.headers["authorization"] == "Bearer ya29.secret"


def test_vertex_behind_another_address_is_asked_there() -> None:
    row = resolved(SPECS["vertex"], {"project": "acme", "location": "eu"}, "http://127.0.0.1:8080/v1")
    path = DIALECT.chat(f"publishers/google/models/{MODEL}", ASK, row).path
    assert path == f"/publishers/google/models/{MODEL}:generateContent"


def test_vertex_needs_a_project() -> None:
    with pytest.raises(ConfigurationError, match="GOOGLE_VERTEX_PROJECT or GOOGLE_CLOUD_PROJECT"):
        resolved(SPECS["vertex"], {})
