"""Anthropic's Messages API: what is written, what is read, and that no cut of a stream changes it."""

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
from pydantic import BaseModel, Field, SecretStr
from tests.providers.dialects import anthropic_bodies as bodies
from tests.providers.dialects.requests import requests

from aiorch.clock import Clock
from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent, SSEParser
from aiorch.providers import SPECS, HTTPProvider
from aiorch.providers.dialect import dialect_named
from aiorch.providers.dialects.anthropic.requests import IMAGE_TYPES, MAX_TOKENS, MOST_BYTES
from aiorch.providers.dialects.anthropic.schemas import MOST_OPTIONAL, MOST_UNIONS, closed
from aiorch.providers.failures import classify
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

SPEC = SPECS["anthropic"]
DIALECT = dialect_named("anthropic")
MODEL = "claude-sonnet-5"
ASK = Request((Message.user("hi"),))
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
CALL = ToolCall("t1", "weather", {"city": "Bonn"})


def body_of(request: Request, model: str = MODEL, *, stream: bool = False) -> dict[str, Any]:
    return dict(DIALECT.chat(model, request, SPEC, stream=stream).body)


def turns_of(*messages: Message, model: str = MODEL) -> list[dict[str, Any]]:
    return body_of(Request(messages), model)["messages"]


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
    places = [0, *sorted(cuts), len(body)]
    for start, end in pairwise(places):
        for event in parser.feed(body[start:end]):
            deltas += reader.feed(event)
    return deltas, reader.response()


def thought(text: str, signature: str | None, author: str | None = MODEL) -> Reasoning:
    return Reasoning(text, signature, Provenance("model", author))


# --- what is written ---------------------------------------------------------------------------------------------


def test_a_question_is_what_the_documentation_shows() -> None:
    request = Request(
        (Message.system("Be brief."), Message.user("hi"), Message.assistant("hello"), Message.user("and?")),
        Parameters(max_tokens=5, stop=("END", " ")),
    )
    assert body_of(request) == {
        "model": MODEL,
        "max_tokens": 5,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
            {"role": "user", "content": [{"type": "text", "text": "and?"}]},
        ],
        "stop_sequences": ["END"],
    }
    assert DIALECT.chat(MODEL, request, SPEC).path == "/messages"


def test_an_answers_length_is_always_told() -> None:
    assert body_of(ASK)["max_tokens"] == MAX_TOKENS
    assert body_of(Request(ASK.messages, Parameters(max_tokens=0)))["max_tokens"] == 0


def test_sampling_that_this_version_refuses_is_left_out() -> None:
    request = Request(ASK.messages, Parameters(0.5, seed=7, top_p=0.9))
    assert body_of(request) == body_of(ASK)


def test_only_a_stream_is_asked_for_as_one() -> None:
    assert body_of(ASK, stream=True) == {**body_of(ASK), "stream": True}


def test_all_instructions_stand_together() -> None:
    request = Request((Message.system("One."), Message.user("hi"), Message.system("Two.")))
    assert body_of(request)["system"] == "One.\n\nTwo."
    assert "system" not in body_of(Request((Message.system(" "), Message.user("hi"))))


def test_neighbours_of_one_role_are_one_turn_and_blank_texts_are_none() -> None:
    turns = turns_of(Message.user("a", ""), Message.assistant(" "), Message.user("b"))
    assert turns == [{"role": "user", "content": [{"type": "text", "text": t} for t in "ab"]}]


@pytest.mark.parametrize("messages", [(), (Message.system("x"),), (Message.user("", "\n"),)])
def test_a_question_without_content_is_refused_here(messages: tuple[Message, ...]) -> None:
    assert "nothing to answer" in refusal_of(Request(messages)).message


def test_extra_fields_are_laid_over_and_those_beside_them_stay() -> None:
    request = Request(
        ASK.messages,
        Parameters(extra={"output_config": {"effort": "low"}, "max_tokens": 7}),
        JsonSchema(PERSON),
    )
    body = body_of(request)
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": closed(PERSON)},
        "effort": "low",
    }
    assert body["max_tokens"] == 7


# --- pictures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*IMAGE_TYPES, "IMAGE/PNG"])
def test_a_picture_goes_as_bytes(kind: str) -> None:
    (turn,) = turns_of(Message.user("what?", Image(data=b"\x00\xff", media_type=kind)))
    source = {"type": "base64", "media_type": kind.lower(), "data": base64.b64encode(b"\x00\xff").decode()}
    assert turn["content"] == [{"type": "text", "text": "what?"}, {"type": "image", "source": source}]


def test_a_picture_goes_by_its_address_and_a_data_address_as_bytes() -> None:
    (turn,) = turns_of(
        Message.user(Image(url="https://a.example/x.png"), Image(url="data:image/gif;base64,AAA="))
    )
    assert [block["source"] for block in turn["content"]] == [
        {"type": "url", "url": "https://a.example/x.png"},
        {"type": "base64", "media_type": "image/gif", "data": "AAA="},
    ]


@pytest.mark.parametrize(
    "image",
    [Image(data=b"x", media_type="image/bmp"), Image(url="data:,x"), Image(url="data:text/html;base64,x")],
)
def test_a_picture_of_another_type_is_refused_here(image: Image) -> None:
    assert "is not taken" in refusal_of(Request((Message.user(image),))).message


def test_what_is_too_large_is_refused_here() -> None:
    large = Image(data=bytes(MOST_BYTES * 3 // 4 + 10), media_type="image/png")
    assert "32,000,000 bytes at most" in refusal_of(Request((Message.user(large),))).message
    assert "at most" in refusal_of(Request((Message.user("ä" * (MOST_BYTES // 2 + 1)),))).message


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (Message("assistant", (Image(url="https://a.example/x"),)), "image parts have no place"),
        (Message("system", (Image(url="https://a.example/x"),)), "image parts have no place"),
        (Message("user", (CALL,)), "tool_call parts have no place"),
        (Message("assistant", (ToolResult("t1", "x"),)), "tool_result parts have no place"),
        (Message("user", (Reasoning("x"),)), "reasoning parts have no place"),
    ],
)
def test_parts_in_a_place_that_has_no_words_are_refused_here(message: Message, what: str) -> None:
    assert what in refusal_of(Request((Message.user("hi"), message))).message


# --- tools -------------------------------------------------------------------------------------------------------


def test_tools_are_told_with_their_shape() -> None:
    body = body_of(Request(ASK.messages, tools=(WEATHER, ToolSpec("now", "The time.", {}))))
    assert body["tools"] == [
        {"name": "weather", "description": "The weather.", "input_schema": WEATHER.parameters},
        {"name": "now", "description": "The time.", "input_schema": {"type": "object"}},
    ]
    assert "tool_choice" not in body


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice("auto"), None),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("tool", "weather"), {"type": "tool", "name": "weather"}),
    ],
)
def test_whether_a_tool_is_called_is_said(choice: ToolChoice, said: Any) -> None:
    request = Request(ASK.messages, tools=(WEATHER,), tool_choice=choice)
    assert body_of(request).get("tool_choice") == said
    assert "tool_choice" not in body_of(Request(ASK.messages, tool_choice=choice))


@pytest.mark.parametrize(
    ("model", "forced"),
    [
        ("claude-opus-5-5", False),
        ("claude-fable-5-1", False),
        ("claude-sonnet-6", False),
        ("claude-haiku-7-20280101", False),
        ("claude-opus-5", True),
        ("claude-sonnet-5-20260501", True),
        ("claude-haiku-4-5-20251001", True),
        ("claude-3-5-haiku-20241022", True),
        ("MiniMax-M3", True),
    ],
)
def test_models_that_refuse_to_be_forced_are_free_to_choose(model: str, forced: bool) -> None:
    for choice in (ToolChoice("required"), ToolChoice("tool", "weather")):
        body = body_of(Request(ASK.messages, tools=(WEATHER,), tool_choice=choice), model)
        assert ("tool_choice" in body) is forced
    none = body_of(Request(ASK.messages, tools=(WEATHER,), tool_choice=ToolChoice("none")), model)
    assert none["tool_choice"] == {"type": "none"}


def test_calls_and_results_go_back_results_first() -> None:
    other = ToolCall("t2", "now", {}, raw="{broken")
    turns = turns_of(
        Message.user("hi"),
        Message.assistant("I look.", CALL, other),
        Message.tool(ToolResult("t1", "sunny")),
        Message.user("quick!"),
        Message.tool(ToolResult("t2", "", is_error=True)),
    )
    assert turns[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bonn"}},
                {"type": "tool_use", "id": "t2", "name": "now", "input": {"unparsed": "{broken"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "error", "is_error": True},
                {"type": "text", "text": "quick!"},
            ],
        },
    ]


def test_ids_of_other_providers_become_ids_that_are_taken_and_stay_apart() -> None:
    """Some have dots in their ids, some call the first call of every round ``call_0``."""
    rounds = [
        part
        for call_id in ("call_0", "call_0", "functions.now:1", "")
        for part in (Message.assistant(ToolCall(call_id, "f", {})), Message.tool(ToolResult(call_id, "x")))
    ]
    blocks = [block for turn in turns_of(Message.user("hi"), *rounds)[1:] for block in turn["content"]]
    called = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert called == ["call_0", "call_0_2", "functions_now_1", "call"]
    assert [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"] == called


def test_a_result_without_its_call_keeps_an_id_that_is_taken() -> None:
    (turn,) = turns_of(Message.tool(ToolResult("a.b", "x"), ToolResult("", "y")))
    assert [block["tool_use_id"] for block in turn["content"]] == ["a_b", "call"]


# --- thinking ----------------------------------------------------------------------------------------------------

SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}


def thinking_in(*messages: Message, model: str = MODEL) -> list[dict[str, Any]]:
    blocks = [block for turn in turns_of(*messages, model=model) for block in turn["content"]]
    return [block for block in blocks if "thinking" in block["type"]]


def test_thinking_goes_back_in_its_place_while_its_turn_is_under_way() -> None:
    steps = (
        Message.user("hi"),
        Message.assistant(thought("Hm.", "sig"), "I look.", thought("", "redacted:xyz"), CALL),
        Message.tool(ToolResult("t1", "sunny")),
        Message.assistant(thought("", "sig2"), ToolCall("t2", "weather", {})),
        Message.tool(ToolResult("t2", "rain")),
    )
    assert [block["type"] for block in turns_of(*steps)[1]["content"]] == [
        *("thinking", "text", "redacted_thinking", "tool_use")
    ]
    assert thinking_in(*steps) == [
        SIGNED,
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "", "signature": "sig2"},
    ]


def test_thinking_of_a_turn_that_is_over_stays_here() -> None:
    assert not thinking_in(
        Message.user("hi"),
        Message.assistant(thought("Hm.", "sig"), CALL),
        Message.tool(ToolResult("t1", "sunny")),
        Message.assistant("It is sunny."),
        Message.user("and tomorrow?"),
    )
    assert not thinking_in(Message.user("hi"), Message.assistant(thought("Hm.", "sig"), "hello"))


def test_results_that_a_user_brings_end_no_turn() -> None:
    called = Message.assistant(thought("Hm.", "sig"), CALL)
    assert thinking_in(Message.user("hi"), called, Message.user(ToolResult("t1", "sunny"))) == [SIGNED]


@pytest.mark.parametrize(
    ("author", "model", "back"),
    [
        (MODEL, MODEL, True),
        ("claude-opus-5", MODEL, True),
        ("anthropic/claude-opus-5", MODEL, True),
        ("MiniMax-M3", "MiniMax-M3", True),
        ("gemini-3.5-flash", MODEL, False),
        ("claude-opus-5", "MiniMax-M3", False),
        (None, MODEL, False),
    ],
)
def test_only_a_models_own_or_its_relatives_signatures_go_back(
    author: str | None, model: str, back: bool
) -> None:
    steps = (Message.user("hi"), Message.assistant(thought("Hm.", "sig", author), CALL))
    assert thinking_in(*steps, model=model) == ([SIGNED] if back else [])


def test_thinking_without_a_signature_stays_here() -> None:
    assert not thinking_in(Message.user("hi"), Message.assistant(thought("Hm.", None), CALL))


def test_what_was_read_goes_back_as_it_came() -> None:
    content = [
        SIGNED,
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bonn"}},
    ]
    said = read({**bodies.whole(), "content": content, "stop_reason": "tool_use"}).message
    assert turns_of(Message.user("hi"), said)[1] == {"role": "assistant", "content": content}


# --- shapes ------------------------------------------------------------------------------------------------------

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}


def test_a_shape_is_asked_for_natively() -> None:
    body = body_of(Request(ASK.messages, schema=JsonSchema(PERSON)))
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": {**PERSON, "additionalProperties": False}}
    }
    assert "system" not in body


@pytest.mark.parametrize(
    "schema",
    [
        JsonSchema(PERSON, strict=False),
        JsonSchema({"type": "object", "additionalProperties": {"type": "integer"}}),
        JsonSchema({"type": "object", "properties": {"a": {"not": {}}}}),
    ],
)
def test_a_shape_that_cannot_be_enforced_is_asked_for_in_words(schema: JsonSchema) -> None:
    body = body_of(Request((Message.system("Be brief."), Message.user("hi")), schema=schema))
    assert "output_config" not in body
    assert body["system"].startswith("Be brief.\n\nAnswer with one JSON object")
    assert body["system"].endswith(json.dumps(dict(schema.schema)))


class Address(BaseModel):
    street: str = Field(max_length=40, description="With its number.")
    since: str | None = Field(None, json_schema_extra={"format": "date"})


class Person(BaseModel):
    """Somebody."""

    name: str
    kind: str = Field("x", json_schema_extra={"enum": ["x", "y"]})
    homes: list[Address] = Field(min_length=1, max_length=3)
    first: Address


def test_a_models_schema_is_closed_and_its_constraints_are_said() -> None:
    home = {
        "type": "object",
        "properties": {
            "street": {"type": "string", "description": "With its number.; maxLength: 40"},
            "since": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": 'format: "date"'},
        },
        "required": ["street"],
        "additionalProperties": False,
    }
    assert closed(Person.model_json_schema()) == {
        "$defs": {"Address": home},
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "kind": {"enum": ["x", "y"]},
            "homes": {
                "type": "array",
                "items": {"$ref": "#/$defs/Address"},
                "minItems": 1,
                "description": "maxItems: 3",
            },
            "first": {"$ref": "#/$defs/Address"},
        },
        "required": ["name", "homes", "first"],
        "additionalProperties": False,
        "description": "Somebody.",
    }


def of(schema: object) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"oneOf": [{"type": "string"}, {"const": 1}]}, {"anyOf": [{"type": "string"}, {"const": 1}]}),
        (
            {"type": ["string", "null"], "format": "date", "maxLength": 3},
            {
                "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
                "description": "maxLength: 3",
            },
        ),
        ({"type": "string", "enum": ["a"]}, {"enum": ["a"]}),
        ({"type": "array"}, {"type": "array"}),
        ({"type": "array", "minItems": 2}, {"type": "array", "description": "minItems: 2"}),
        ({"type": "string", "format": "email"}, {"type": "string", "format": "email"}),
        ({"type": "string", "format": "ean"}, {"type": "string", "description": 'format: "ean"'}),
        ({"type": "number", "title": "A", "default": 1, "examples": [2]}, {"type": "number"}),
        ({**PERSON, "additionalProperties": True}, {**PERSON, "additionalProperties": False}),
    ],
)
def test_what_can_be_said_is_said(schema: dict[str, Any], made: dict[str, Any]) -> None:
    assert closed(of(schema)) == of(made)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "file"},
        {"type": []},
        {"type": {}},
        {"type": "object"},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "additionalProperties": {"type": "string"},
        },
        {"type": "object", "properties": {"a": {"type": "string"}}, "patternProperties": {"x": {}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "allOf": [{}]},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"type": "string", "not": {"const": "x"}},
        {"enum": []},
        {"enum": [{"a": 1}]},
        {"const": []},
        {"anyOf": [{"type": "string"}], "properties": {"a": {}}},
        {"$ref": "https://a.example/schema"},
        {"$ref": 1},
        {"$ref": "#/$defs/A", "maxLength": 1},
    ],
)
def test_what_cannot_be_said_is_left_to_words(schema: object) -> None:
    assert closed(of(schema)) is None


def test_schemas_that_lead_back_to_themselves_are_left_to_words() -> None:
    reference = {"$ref": "#/$defs/A"}
    assert closed({**of(reference), "$defs": {"A": {"type": "string"}}}) is not None
    assert closed({**of(reference), "$defs": {"A": of(reference)}}) is None
    assert closed({**of(reference), "$defs": {"A": of({"$ref": "#/$defs/B"}), "B": of(reference)}}) is None
    assert closed({**of(reference), "$defs": {"A": of({"$ref": "#/$defs/B"})}}) is None


def test_schemas_beyond_its_limits_are_left_to_words() -> None:
    def wide(count: int, schema: object, required: bool) -> dict[str, Any]:
        names = [f"p{n}" for n in range(count)]
        return {
            "type": "object",
            "properties": dict.fromkeys(names, schema),
            "required": names if required else [],
        }

    union = {"type": ["string", "null"]}
    assert closed(wide(MOST_OPTIONAL, {"type": "string"}, required=False)) is not None
    assert closed(wide(MOST_OPTIONAL + 1, {"type": "string"}, required=False)) is None
    assert closed(wide(MOST_UNIONS, union, required=True)) is not None
    assert closed(wide(MOST_UNIONS + 1, union, required=True)) is None
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(60):
        deep = {"type": "array", "items": deep}
    assert closed(of(deep)) is None


KEYWORDS = [
    *("type", "properties", "items", "anyOf", "oneOf", "enum", "const"),
    *("required", "$ref", "$defs", "format", "minItems", "description"),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "anyOf",
                    "oneOf",
                    "enum",
                    "const",
                    "required",
                    "$ref",
                    "$defs",
                    "format",
                    "minItems",
                    "description",
                ]
            )
            | st.text(max_size=5),
            inner | st.sampled_from(["object", "array", "string", "#/$defs/a"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "$defs", "required"]), json_values))
def test_any_schema_is_closed_or_left_to_words(schema: dict[str, Any]) -> None:
    made = closed(schema)
    assert made is None or json.loads(json.dumps(made)) == made


# --- any question ------------------------------------------------------------------------------------------------


def written_or_refused(request: Request) -> dict[str, Any] | None:
    try:
        return json.loads(json.dumps(body_of(request, stream=True)))
    except AttemptFailed:
        refusal_of(request)
        return None


@given(requests())
def test_any_question_is_written_or_refused_here(request: Request) -> None:
    body = written_or_refused(request)
    if body is None:
        return
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == [
        "user" if (n % 2 == 0) is (turns[0]["role"] == "user") else "assistant" for n in range(len(turns))
    ]
    assert all(turn["content"] for turn in turns)
    called = [b["id"] for turn in turns for b in turn["content"] if b["type"] == "tool_use"]
    assert len(called) == len(set(called))
    assert body["max_tokens"] is not None


# --- what is read ------------------------------------------------------------------------------------------------


def test_a_whole_answer() -> None:
    expected = Response(Message.assistant("hello"), "stop", Usage(3, 2), model=bodies.MODEL, id=bodies.ID)
    assert read(bodies.whole("hello")) == expected


def test_blocks_are_kept_in_their_order_and_those_of_its_own_tools_passed_over() -> None:
    content = [
        SIGNED,
        {"type": "text", "text": "I look."},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
        {"type": "text", "text": " And call.", "citations": []},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bonn"}},
        {"type": "tool_use", "id": "", "name": "now", "input": None},
        {"type": "of tomorrow"},
        "no block",
    ]
    response = read({**bodies.whole(), "content": content, "stop_reason": "tool_use"})
    assert response.message.parts == (
        thought("Hm.", "sig"),
        Text("I look.", Provenance("model")),
        Text(" And call.", Provenance("model")),
        CALL,
        ToolCall("call_1", "now", {}),
    )
    assert response.finish == "tool_calls"


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"input_tokens": 3, "output_tokens": 2}, Usage(3, 2)),
        (
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 100,
                "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 15},
            },
            Usage(113, 20, 15, 100),
        ),
        ({"input_tokens": None, "output_tokens": "many"}, Usage(1, 2, estimated=True)),
        (None, Usage(1, 2, estimated=True)),
    ],
)
def test_tokens_are_counted_cached_ones_too(told: Any, usage: Usage) -> None:
    assert read({**bodies.whole("12345678"), "usage": told}).usage == usage


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("of tomorrow", "stop"),
        (None, "stop"),
    ],
)
def test_why_it_ended(reason: str | None, finish: str) -> None:
    assert read({**bodies.whole(), "stop_reason": reason}).finish == finish


def test_a_call_ends_an_answer_whatever_it_says() -> None:
    assert read(bodies.whole("", ("1", "f", {}), finish="end_turn")).finish == "tool_calls"
    assert read(bodies.whole("", ("1", "f", {}), finish="max_tokens")).finish == "length"


def test_a_refusal_says_why() -> None:
    refused = {**bodies.whole("", finish="refusal"), "stop_details": {"type": "refusal", "category": "cyber"}}
    failure = failure_of(refused)
    assert (failure.kind, failure.message) == (FailureKind.POLICY, "cyber")
    explained = {**refused, "stop_details": {"explanation": "It asks for malware."}}
    assert failure_of(explained).message == "It asks for malware."
    assert "filter" in failure_of({**refused, "stop_details": None}).message
    assert read({**refused, "content": [{"type": "text", "text": "I"}]}).finish == "content_filter"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        ({"error": {"type": "authentication_error", "message": "invalid x-api-key"}}, "auth"),
        ({}, "malformed"),
        ({"content": "text"}, "malformed"),
        (bodies.whole(""), "empty"),
        ({**bodies.whole(), "content": [{"type": "tool_use", "id": "1"}]}, "malformed"),
    ],
)
def test_an_answer_that_is_none(answer: dict[str, Any], kind: str) -> None:
    assert failure_of(answer).kind.value == kind


def test_thinking_that_used_up_all_tokens_is_a_short_answer() -> None:
    response = read({**bodies.whole("", finish="length"), "content": [SIGNED]})
    assert (response.finish, response.message.parts) == ("length", (thought("Hm.", "sig"),))


# --- streams -----------------------------------------------------------------------------------------------------

RICH = bodies.framed(
    *bodies.started(),
    *bodies.inside(
        [
            (
                {"type": "thinking", "thinking": "", "signature": ""},
                [
                    {"type": "thinking_delta", "thinking": "Hm"},
                    {"type": "thinking_delta", "thinking": " hm."},
                    {"type": "signature_delta", "signature": "sig"},
                ],
            ),
            ({"type": "redacted_thinking", "data": "xyz"}, []),
            (
                {"type": "text", "text": ""},
                [
                    {"type": "text_delta", "text": "Grüße 🌤"},
                    {"type": "citations_delta", "citation": {}},
                    {"type": "text_delta", "text": "!"},
                ],
            ),
            (
                {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
                [{"type": "input_json_delta", "partial_json": '{"query": "x"}'}],
            ),
            (
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {}},
                [
                    {"type": "input_json_delta", "partial_json": ""},
                    {"type": "input_json_delta", "partial_json": '{"city": '},
                    {"type": "input_json_delta", "partial_json": '"Bonn"}'},
                ],
            ),
            ({"type": "tool_use", "id": "t2", "name": "now", "input": {"zone": "UTC"}}, []),
            ({"type": "tool_use", "id": "t3", "name": "today", "input": {}}, []),
        ]
    ),
    *bodies.ended("tool_use", output_tokens_details={"thinking_tokens": 1}),
)


def test_a_stream_brings_everything_in_its_order() -> None:
    deltas, response = streamed(RICH)
    assert deltas == [
        ReasoningDelta("Hm"),
        ReasoningDelta(" hm."),
        TextDelta("Grüße 🌤"),
        TextDelta("!"),
        ToolCallDelta(0, "", "t1", "weather"),
        ToolCallDelta(0, '{"city": '),
        ToolCallDelta(0, '"Bonn"}'),
        ToolCallDelta(1, "", "t2", "now"),
        ToolCallDelta(1, '{"zone": "UTC"}'),
        ToolCallDelta(2, "", "t3", "today"),
    ]
    assert response == Response(
        Message.assistant(
            thought("Hm hm.", "sig"),
            thought("", "redacted:xyz"),
            Text("Grüße 🌤!", Provenance("model")),
            CALL,
            ToolCall("t2", "now", {"zone": "UTC"}),
            ToolCall("t3", "today", {}),
        ),
        "tool_calls",
        Usage(3, 2, 1),
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


def test_blocks_may_begin_with_their_first_words() -> None:
    block = ({"type": "text", "text": "hel"}, [{"type": "text_delta", "text": "lo"}])
    deltas, response = streamed(
        bodies.framed(*bodies.started(), *bodies.inside([block]), *bodies.ended("end_turn"))
    )
    assert deltas == [TextDelta("hel"), TextDelta("lo")]
    assert response.message.text == "hello"


def test_arguments_are_not_taken_twice() -> None:
    block = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bonn"}}
    pieces = [{"type": "input_json_delta", "partial_json": '{"city": "Bonn"}'}]
    stream = bodies.framed(*bodies.started(), *bodies.inside([(block, pieces)]), *bodies.ended("tool_use"))
    deltas, response = streamed(stream)
    assert deltas == [ToolCallDelta(0, "", "t1", "weather"), ToolCallDelta(0, '{"city": "Bonn"}')]
    assert response.message.tool_calls == (CALL,)


def test_counts_that_are_left_out_have_not_changed() -> None:
    end = bodies.ended("end_turn", input_tokens=None, cache_read_input_tokens=None)
    block = ({"type": "text", "text": "hello"}, [])
    assert streamed(bodies.framed(*bodies.started(), *bodies.inside([block]), *end))[1].usage == Usage(3, 2)


def test_what_is_not_known_is_passed_over() -> None:
    strange = bodies.framed(
        {"type": "of tomorrow", "index": 0},
        {"type": "content_block_delta", "index": 99, "delta": {"type": "text_delta", "text": "lost"}},
        {"type": "content_block_stop", "index": 99},
        {"type": "content_block_start", "index": 8, "content_block": {"type": "of tomorrow", "text": "x"}},
        {"type": "content_block_start", "index": None, "content_block": None},
    )
    assert streamed(b": hello\n\n" + strange + bodies.stream_events())[1].message.text == "hello"


@pytest.mark.parametrize("complete", [b"", RICH[: RICH.index(b"event: message_delta")]])
def test_a_stream_that_breaks_off_is_truncated(complete: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        streamed(complete)
    assert caught.value.failure.kind is FailureKind.TRUNCATED


def test_the_end_counts_however_it_is_said() -> None:
    without_stop = (
        bodies.stream_events()
        .replace(b"event: message_stop", b"event: ping")
        .replace(b'{"type": "message_stop"}', b'{"type": "ping"}')
    )
    assert streamed(without_stop)[1].finish == "stop"
    cut = bodies.stream_events()
    start = cut.index(b"event: message_delta")
    end = cut.index(b"event: message_stop")
    assert streamed(cut[:start] + cut[end:])[1].finish == "stop"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, "rate_minute"),
        ({"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}, "overloaded"),
        ({"error": {"type": "invalid_request_error", "message": "?"}}, "overloaded"),
    ],
)
def test_an_error_inside_a_stream_is_told(event: dict[str, Any], kind: str) -> None:
    reader = DIALECT.reader(ASK, MODEL, read_error)
    with pytest.raises(AttemptFailed) as caught:
        reader.feed(ServerSentEvent(json.dumps(event), "error"))
    assert caught.value.failure.kind.value == kind
    assert not reader.finished


@pytest.mark.parametrize("data", ["{", "[]", "1", "[" * 100_000])
def test_what_is_no_event_is_malformed(data: str) -> None:
    with pytest.raises(AttemptFailed) as caught:
        DIALECT.reader(ASK, MODEL, read_error).feed(ServerSentEvent(data))
    assert caught.value.failure.kind is FailureKind.MALFORMED
    assert DIALECT.reader(ASK, MODEL, read_error).feed(ServerSentEvent(" ")) == []


words = st.sampled_from(
    [
        *("type", "index", "message", "delta", "content_block", "usage", "stop_reason", "error", "data"),
        *("text", "thinking", "signature", "id", "name", "input", "partial_json", "tool_use"),
        *("message_start", "message_delta", "message_stop"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
    ]
)
garbage = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | words | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=5),
    max_leaves=15,
)


@given(st.lists(st.dictionaries(words, garbage, max_size=6), max_size=8))
def test_garbage_never_raises_anything_else(events: list[dict[str, Any]]) -> None:
    for answer in events:
        with suppress(AttemptFailed):
            read(answer)
    reader = DIALECT.reader(ASK, MODEL, read_error)
    with suppress(AttemptFailed):
        for event in events:
            reader.feed(ServerSentEvent(json.dumps(event)))
        reader.response()


# --- its list ----------------------------------------------------------------------------------------------------

LISTED: dict[str, Any] = {
    **bodies.listing(["claude-sonnet-5"])["data"][0],
    "display_name": "Claude Sonnet 5",
    "created_at": "2026-05-01T00:00:00Z",
    "max_input_tokens": 1_000_000,
    "max_tokens": 128_000,
    "capabilities": {
        "image_input": {"supported": True},
        "structured_outputs": {"supported": True},
        "thinking": {"supported": False},
    },
}


def listed(**more: Any) -> Any:
    body = json.dumps({**bodies.listing([]), "data": [{**LISTED, **more}]}).encode()
    (card,) = DIALECT.models(body, SPEC, 1_800_000_000.0)
    return card


def test_a_model_is_listed_with_all_that_is_said_of_it() -> None:
    card = listed()
    assert (card.id, card.name) == ("anthropic/claude-sonnet-5", "Claude Sonnet 5")
    assert (card.context, card.max_output, card.free) == (1_000_000, 128_000, "none")
    assert card.capabilities.vision is True
    assert card.capabilities.json_schema is True
    assert card.capabilities.reasoning is False
    assert card.capabilities.tools is card.capabilities.chat is card.capabilities.streaming is True
    assert card.inputs == ("image", "text")
    assert card.lifecycle == Lifecycle("active")
    assert card.created == 1_777_593_600.0


def test_what_is_not_said_of_a_model_stays_unknown() -> None:
    (card,) = DIALECT.models(json.dumps(bodies.listing(["x"])).encode(), SPEC, 1.0)
    assert card.capabilities.vision is None
    assert card.capabilities.json_schema is None
    assert (card.context, card.max_output, card.created, card.inputs) == (None, None, None, None)
    assert listed(capabilities={"image_input": {"supported": False}}).inputs == ("text",)


def test_a_date_that_has_passed_retires_no_model() -> None:
    dates = {"deprecated_at": "2026-01-01T00:00:00Z", "retires_at": "2026-02-01T00:00:00Z"}
    moments = (1_767_225_600.0, 1_769_904_000.0)
    assert listed(lifecycle="deprecated", **dates).lifecycle == Lifecycle("deprecated", *moments)
    assert listed(lifecycle="retired", **dates).retired
    assert listed(lifecycle="of tomorrow", **dates).retired  # then the dates have to do


def test_a_list_that_is_none() -> None:
    for body in (b"", b"{}", b"<html>"):
        with pytest.raises(AttemptFailed) as caught:
            DIALECT.models(body, SPEC, 1.0)
        assert caught.value.failure.kind is FailureKind.MALFORMED


def test_nothing_more_is_asked_of_a_model_and_there_are_no_embeddings() -> None:
    card = listed()
    assert DIALECT.about(card, SPEC) is None
    assert DIALECT.enriched(card, {}) is card
    with pytest.raises(AttemptFailed, match="has no embeddings"):
        DIALECT.embed("x", ["a"], SPEC)
    with pytest.raises(AttemptFailed):
        DIALECT.vectors({}, 1, read_error)


# --- over the wire -----------------------------------------------------------------------------------------------


class FixedClock:
    def now(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a provider never waits")


CLOCK: Clock = FixedClock()


def provider(router: respx.Router) -> HTTPProvider:
    return HTTPProvider(SPEC, respx_transport(router), keys={"K": SecretStr("sk-ant-secret")}, clock=CLOCK)


@pytest.mark.anyio
async def test_it_is_asked_and_read_over_the_wire() -> None:
    router = respx.Router()
    route = router.post("https://api.anthropic.com/v1/messages").respond(
        content=bodies.stream_events(),
        headers={"content-type": bodies.STREAM_TYPE, "request-id": "req_1"},
    )
    stream = provider(router).stream(Deployment("anthropic", MODEL, "K"), ASK)
    parts = [part async for part in stream]
    sent = route.calls.last.request
    assert sent.headers["x-api-key"] == "sk-ant-secret"
    assert sent.headers["anthropic-version"] == "2026-10-21"
    assert "authorization" not in sent.headers
    assert parts[:-1] == [TextDelta("hel"), TextDelta("lo")]
    last = parts[-1]
    assert isinstance(last, Response)
    assert last.details == {"request_id": "req_1"}


@pytest.mark.anyio
async def test_an_older_version_with_its_sampling_can_be_asked_for() -> None:
    router = respx.Router()
    route = router.post("https://api.anthropic.com/v1/messages").respond(json=bodies.whole())
    older = Parameters(extra={"temperature": 0.2}, headers={"anthropic-version": "2023-06-01"})
    await provider(router).complete(Deployment("anthropic", MODEL, "K"), Request(ASK.messages, older))
    sent = route.calls.last.request
    assert sent.headers["anthropic-version"] == "2023-06-01"
    assert json.loads(sent.content)["temperature"] == 0.2


@pytest.mark.anyio
async def test_its_list_comes_in_pages() -> None:
    router = respx.Router()
    pages = {
        None: {**bodies.listing(["a"]), "has_more": True},
        "a": bodies.listing(["b"]),
    }
    router.get("https://api.anthropic.com/v1/models").mock(
        side_effect=lambda request: httpx.Response(200, json=pages[request.url.params.get("after_id")])
    )
    assert [card.model for card in await provider(router).models()] == ["a", "b"]
    assert [dict(call.request.url.params)["limit"] for call in router.calls] == ["1000", "1000"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind", "retry_at"),
    [(401, "auth", None), (429, "rate_minute", 17.0), (500, "overloaded", None)],
)
async def test_its_refusals_are_understood(status: int, kind: str, retry_at: float | None) -> None:
    headers, body = bodies.error(status)
    for told in (headers, {name: value for name, value in headers.items() if name != "retry-after"}):
        router = respx.Router()
        router.post("https://api.anthropic.com/v1/messages").respond(status, json=body, headers=told)
        with pytest.raises(AttemptFailed) as caught:
            await provider(router).complete(Deployment("anthropic", MODEL, "K"), ASK)
        failure = caught.value.failure
        assert failure.kind.value == kind
        assert failure.retry_at == (None if retry_at is None else CLOCK.now() + retry_at)
