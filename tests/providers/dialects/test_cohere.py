"""Cohere's API v2, said and read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.dialects import cohere_bodies as bodies

from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent, SSEParser
from aiorch.providers import SPECS, classify
from aiorch.providers.dialects.cohere import DIALECT, TEXTS_A_CALL
from aiorch.providers.dialects.cohere_shapes import loosened
from aiorch.types import (
    Delta,
    Failure,
    FailureKind,
    Image,
    JsonSchema,
    Message,
    Parameters,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
    ToolSpec,
    Usage,
)

SPEC = SPECS["cohere"]
NOW = 1_800_000_000.0
HI = Request((Message.user("hi"),))
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
TIME = ToolSpec("time", "The time.", {"type": "object", "properties": {}})
CALLED = ("c1", "weather", {"city": "Bonn"})


def failed(error: object) -> Failure:
    return classify(200, {}, error, provider=SPEC, now=NOW)


def failed_inside(error: object) -> Failure:
    return classify(200, {}, error, provider=SPEC, now=NOW, in_stream=True)


def body(request: Request, **more: Any) -> dict[str, Any]:
    call = DIALECT.chat("m", request, SPEC, **more)
    assert call.path == "/v2/chat"
    return json.loads(json.dumps(call.body))


def read(answer: dict[str, Any]) -> Response:
    return DIALECT.answer(answer, HI, "m", failed)


def streamed(*pieces: bytes) -> tuple[list[Delta], Response]:
    reader, parser = DIALECT.reader(HI, "m", failed_inside), SSEParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    deltas = [delta for event in [*events, *parser.close()] for delta in reader.feed(event)]
    return deltas, reader.response()


def failure_of(*pieces: bytes) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        streamed(*pieces)
    return caught.value.failure


# --- the question ------------------------------------------------------------------------------------------------


def test_what_nobody_set_is_not_sent() -> None:
    assert body(HI) == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert body(HI, stream=True)["stream"] is True


def test_parameters_have_its_own_names() -> None:
    asked = Parameters(temperature=0.5, max_tokens=9, stop=("END",), seed=7, top_p=0.9)
    assert body(replace(HI, parameters=asked)) == {
        **body(HI),
        "temperature": 0.5,
        "max_tokens": 9,
        "stop_sequences": ["END"],
        "seed": 7,
        "p": 0.9,
    }


@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.0), (1.0, 1.0), (1.7, 1.0)])
def test_a_temperature_above_its_highest_is_its_highest(asked: float, sent: float) -> None:
    assert body(replace(HI, parameters=Parameters(temperature=asked)))["temperature"] == sent


@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.01), (0.5, 0.5), (1.0, 0.99)])
def test_a_nucleus_that_it_refuses_is_the_nearest_that_it_takes(asked: float, sent: float) -> None:
    assert body(replace(HI, parameters=Parameters(top_p=asked)))["p"] == sent


def test_extra_fields_have_the_last_word() -> None:
    extra = {"thinking": {"type": "disabled"}, "safety_mode": "STRICT", "model": "n"}
    assert body(replace(HI, parameters=Parameters(extra=extra))) == {**body(HI), **extra}


def test_roles_and_pictures() -> None:
    picture = Image(data=b"\x89PNG", media_type="image/png")
    turns = (Message.system("be brief"), Message.user("what?", picture), Message.assistant("a cat"))
    assert body(Request(turns))["messages"] == [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        },
        {"role": "assistant", "content": "a cat"},
    ]


def test_a_round_of_tools_with_the_plan_of_it() -> None:
    turns = (
        Message.user("weather?"),
        Message.assistant(
            Reasoning("I will look."),
            "Well.",
            ToolCall("c1", "weather", {"city": "Bonn"}),
            ToolCall("c2", "f", {}, "{oops"),
        ),
        Message.tool(ToolResult("c1", "rain"), ToolResult("c2", '{"a": 1}')),
        Message.assistant(Reasoning("not shown again"), "It rains."),
    )
    assert body(Request(turns))["messages"][1:] == [
        {
            "role": "assistant",
            "tool_calls": [bodies.call("c1", "weather", '{"city": "Bonn"}'), bodies.call("c2", "f", "{oops")],
            "tool_plan": "I will look.",
            "content": "Well.",
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "tool", "tool_call_id": "c2", "content": '{"a": 1}'},
        {"role": "assistant", "content": "It rains."},
    ]
    silent = Request((Message.assistant(ToolCall("c1", "weather", {})),))
    assert set(body(silent)["messages"][0]) == {"role", "tool_calls"}


def test_ids_that_begin_again_in_every_round_are_told_apart() -> None:
    call, result = ToolCall("call_0", "weather", {}), ToolResult("call_0", "rain")
    turns = (Message.assistant(call), Message.tool(result), Message.assistant(call), Message.tool(result))
    first, told, second, told_again = body(Request(turns))["messages"]
    assert first["tool_calls"][0]["id"] == told["tool_call_id"] == "call_0"
    assert second["tool_calls"][0]["id"] == told_again["tool_call_id"] == "call_0_2"


@pytest.mark.parametrize(
    ("choice", "offered", "said"),
    [
        (ToolChoice(), ["weather", "time"], None),
        (ToolChoice("required"), ["weather", "time"], "REQUIRED"),
        (ToolChoice("none"), ["weather", "time"], "NONE"),
        (ToolChoice("tool", "time"), ["time"], "REQUIRED"),
    ],
)
def test_whether_and_which_tool_must_be_called(
    choice: ToolChoice, offered: list[str], said: str | None
) -> None:
    made = body(replace(HI, tools=(WEATHER, TIME), tool_choice=choice))
    assert [tool["function"]["name"] for tool in made["tools"]] == offered
    assert made.get("tool_choice") == said


def test_a_tool_that_must_be_called_has_to_be_there() -> None:
    with pytest.raises(AttemptFailed, match="'walk'.*nothing was sent") as caught:
        body(replace(HI, tools=(WEATHER,), tool_choice=ToolChoice("tool", "walk")))
    assert caught.value.failure.kind is FailureKind.BAD_REQUEST
    assert "tools" not in body(replace(HI, tool_choice=ToolChoice("tool", "walk")))


SHAPE = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}


def test_a_shape_is_asked_for_by_its_schema_and_in_words() -> None:
    made = body(Request((Message.system("be brief"), *HI.messages), schema=JsonSchema(SHAPE)))
    plain = {**SHAPE, "properties": {"age": {"type": "integer"}}}
    assert made["response_format"] == {"type": "json_object", "json_schema": plain}
    assert made["messages"][0]["content"].startswith("be brief\n\n")
    assert json.dumps(SHAPE) in made["messages"][0]["content"]  # the words leave nothing out


def test_beside_tools_a_shape_is_asked_for_in_words_alone() -> None:
    made = body(replace(HI, schema=JsonSchema(SHAPE), tools=(WEATHER,)))
    assert "response_format" not in made
    assert json.dumps(SHAPE) in made["messages"][0]["content"]


NAMES = st.sampled_from(["maximum", "not", "format", "a", "items", "properties"])
LEAVES = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "integer"])},
    optional={
        "minimum": st.integers(0, 9),
        "maxLength": st.integers(0, 9),
        "pattern": st.sampled_from(["^a$", "[a-z]+", "(?=a)"]),
        "format": st.sampled_from(["date", "email"]),
        "enum": st.just(["minimum", "not"]),
    },
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)},
            optional={"$defs": st.dictionaries(NAMES, inner, max_size=2), "additionalProperties": inner},
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.just(3)}),
        st.builds(lambda one, two: {"anyOf": [one, two], "allOf": [one]}, inner, inner),
    ),
    max_leaves=8,
)


def kept(schema: Any) -> Any:
    """By another way: what is left when the refused words are struck out of the places where words stand."""
    match schema:
        case {"properties": dict(named), **rest}:
            return {**kept(rest), "properties": {name: kept(one) for name, one in named.items()}}
        case {"$defs": dict(named), **rest}:
            return {**kept(rest), "$defs": {name: kept(one) for name, one in named.items()}}
        case dict():
            strike = {"minimum", "maxLength", "maxItems", "allOf"}
            if schema.get("pattern") != "[a-z]+":
                strike.add("pattern")
            if schema.get("format") != "date":
                strike.add("format")
            return {word: kept(value) for word, value in schema.items() if word not in strike}
        case list():
            return [kept(one) for one in schema]
        case _:
            return schema


@given(SCHEMAS)
def test_schemas_lose_the_words_that_it_refuses_and_no_name_or_value(schema: dict[str, Any]) -> None:
    assert loosened(schema) == kept(schema)


# --- the answer --------------------------------------------------------------------------------------------------


def test_an_answer() -> None:
    assert read(bodies.whole("hello")) == Response(
        Message.assistant("hello"),
        "stop",
        Usage(3, 2),
        id="1",
        details={"tokens_read": "498", "tokens_written": "4"},
    )


def test_thinking_and_plans_are_kept_apart_and_citations_are_passed_over() -> None:
    thought = {"type": "thinking", "thinking": "hm"}
    answer = bodies.whole("hello", content=[thought], tool_plan="I plan. ", citations=[{"start": 0}])
    assert read(answer).message == Message.assistant(Reasoning("I plan. hm"), "hello")


def test_a_tool_call() -> None:
    response = read(bodies.whole("", tool_call=CALLED, tool_plan="I will look."))
    assert response.message == Message.assistant(
        Reasoning("I will look."), ToolCall("c1", "weather", {"city": "Bonn"})
    )
    assert response.finish == "tool_calls"


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("ERROR_LIMIT", "length"),
        ("SOMETHING_NEW", "stop"),
        (None, "stop"),
        (7, "stop"),
    ],
)
def test_why_it_stopped(said: Any, finish: str) -> None:
    answer = {**bodies.whole("hello"), "finish_reason": said}
    assert read(answer).finish == finish


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"message": "invalid token"}, FailureKind.AUTH),
        ({"id": "1"}, FailureKind.MALFORMED),
        ({"message": []}, FailureKind.MALFORMED),
        (bodies.whole(""), FailureKind.EMPTY),
        (bodies.whole("half an", finish="ERROR"), FailureKind.OVERLOADED),
        (bodies.whole("half an", finish="TIMEOUT"), FailureKind.OVERLOADED),
        (bodies.whole("", finish="ERROR_TOXIC"), FailureKind.POLICY),
        (bodies.whole("", tool_call=("c1", "", {})), FailureKind.MALFORMED),
    ],
)
def test_answers_that_are_none(answer: dict[str, Any], kind: FailureKind) -> None:
    with pytest.raises(AttemptFailed) as caught:
        read(answer)
    assert caught.value.failure.kind is kind


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"billed_units": {"input_tokens": 37.0, "output_tokens": 28}}, Usage(37, 28)),
        ({"tokens": {"input_tokens": 913.0, "output_tokens": 83.0}}, Usage(913, 83)),
        ({**bodies.USAGE, "cached_tokens": 2.0}, Usage(3, 2, cached_tokens=2)),
        ({**bodies.USAGE, "cached_tokens": 480.0}, Usage(3, 2, cached_tokens=3)),
        ({"billed_units": {"input_tokens": -1, "output_tokens": 2}}, Usage(0, 2)),
        ({"billed_units": {"input_tokens": True, "output_tokens": float("nan")}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_usage_is_what_is_billed(told: Any, usage: Usage | None) -> None:
    response = read({**bodies.whole("hello"), "usage": told})
    assert (None if response.usage.estimated else response.usage) == usage


# --- in pieces ---------------------------------------------------------------------------------------------------

BOTH = bodies.framed(
    bodies.started(),
    *bodies.block(0, ("hm", ", well"), "thinking"),
    *bodies.block(1, ("Grüß ", "dich")),
    bodies.event("citation-start", {"citations": {"start": 0}}, index=0),
    {"type": "citation-end", "index": 0},
    bodies.event("tool-plan-delta", {"tool_plan": " I look."}),
    *bodies.called(0, "c1", "weather", ("", '{"city": ', '"Bonn"}')),
    *bodies.called(1, "c2", "time", ("{}",)),
    {"type": "debug", "prompt": "..."},
    bodies.ended("TOOL_CALL"),
)


def test_a_stream() -> None:
    deltas, response = streamed(BOTH)
    assert deltas == [
        *(ReasoningDelta("hm"), ReasoningDelta(", well"), TextDelta("Grüß "), TextDelta("dich")),
        *(ReasoningDelta(" I look."), ToolCallDelta(0, "", "c1", "weather")),
        *(ToolCallDelta(0, '{"city": '), ToolCallDelta(0, '"Bonn"}'), ToolCallDelta(1, "{}", "c2", "time")),
    ]
    calls = (ToolCall("c1", "weather", {"city": "Bonn"}), ToolCall("c2", "time", {}))
    assert response == Response(
        Message.assistant(Reasoning("hm, well I look."), "Grüß dich", *calls),
        "tool_calls",
        Usage(3, 2),
        id="1",
        details={"tokens_read": "498", "tokens_written": "4"},
    )


@given(st.lists(st.integers(0, len(BOTH)), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_response(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BOTH)]
    assert streamed(*(BOTH[a:b] for a, b in pairwise(edges))) == streamed(BOTH)


def test_whether_it_has_ended() -> None:
    reader, parser = DIALECT.reader(HI, "m", failed_inside), SSEParser()
    *events, last = parser.feed(bodies.stream_events(("hello",)))
    for event in events:
        reader.feed(event)
        assert not reader.finished
    reader.feed(last)
    assert reader.finished
    assert reader.feed(ServerSentEvent("[DONE]")) == []


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([bodies.started(), *bodies.block(0, ("hel",))], FailureKind.TRUNCATED),
        ([bodies.started(), bodies.ended("COMPLETE")], FailureKind.EMPTY),
        ([bodies.started(), *bodies.block(0, ("hel",)), bodies.ended("ERROR")], FailureKind.OVERLOADED),
        ([bodies.started(), bodies.ended("ERROR", error="the model is overloaded")], FailureKind.OVERLOADED),
        (
            [bodies.started(), *bodies.called(0, "c1", "", ("{}",)), bodies.ended("TOOL_CALL")],
            FailureKind.MALFORMED,
        ),
        ([bodies.started(), bodies.called(0, "c1", "f", ("{}", "}"))[1]], FailureKind.MALFORMED),
    ],
)
def test_streams_that_are_no_answer(events: Sequence[dict[str, Any]], kind: FailureKind) -> None:
    assert failure_of(bodies.framed(*events)).kind is kind


@pytest.mark.parametrize(
    "written",
    [
        b'event: error\ndata: {"message": "gone"}\n\n',
        b'data: {"message": "gone", "id": "1"}\n\n',
        b'data: {"error": {"message": "gone"}}\n\n',
        b'event: message-end\ndata: {"type": "message-end", "delta": {"error": "gone", "finish_reason": "ERROR"}}\n\n',
    ],
)
def test_errors_in_the_middle_are_errors_of_the_host(written: bytes) -> None:
    failure = failure_of(bodies.framed(bodies.started(), *bodies.block(0, ("hel",))), written)
    assert (failure.kind, failure.message) == (FailureKind.OVERLOADED, "gone")


@pytest.mark.parametrize("data", ["{oops", "[1]", "7", "[" * 100_000])
def test_what_is_no_json_object_is_malformed(data: str) -> None:
    assert failure_of(f"data: {data}\n\n".encode()).kind is FailureKind.MALFORMED


def test_a_stream_that_does_not_say_why_it_ended_has_ended() -> None:
    end = {"type": "message-end", "delta": {}}
    deltas, response = streamed(bodies.framed(*bodies.block(0, ("hello",)), end))
    assert (deltas, response.finish, response.id) == ([TextDelta("hello")], "stop", None)
    assert response.usage.estimated


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "type",
    "id",
    "index",
    "delta",
    "message",
    "content",
    "text",
    "tool_calls",
    "finish_reason",
    "usage",
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from([e.event for e in SSEParser().feed(BOTH)]) | ANYTHING},
    optional={
        "delta": st.fixed_dictionaries(
            {},
            optional={
                "message": ANYTHING | st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=3),
                "finish_reason": ANYTHING,
                "usage": ANYTHING,
            },
        )
        | ANYTHING,
        "index": ANYTHING,
    },
)


@given(st.lists(EVENTS, max_size=5))
def test_any_stream_is_a_response_or_a_classified_failure(events: list[dict[str, Any]]) -> None:
    reader = DIALECT.reader(HI, "m", failed_inside)
    with suppress(AttemptFailed):
        for event in events:
            reader.feed(ServerSentEvent(json.dumps(event)))
        assert isinstance(reader.response(), Response)


@given(ANYTHING | st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=5))
def test_any_answer_is_a_response_or_a_classified_failure(answer: Any) -> None:
    if not isinstance(answer, dict):
        answer = {"message": {"content": answer, "tool_calls": answer}}
    with suppress(AttemptFailed):
        assert isinstance(read(answer), Response)


# --- models and vectors ------------------------------------------------------------------------------------------


def test_its_list() -> None:
    listed = [
        bodies.model("command", features=["json_schema", "tools", "vision"]),
        bodies.model("embed", endpoints=["embed"], features=None),
        bodies.model("rerank", endpoints=["rerank"], features=None, context_length=4096.0),
        bodies.model("older", is_deprecated=True),
    ]
    command, embed, rerank, older = DIALECT.models(json.dumps({"models": listed}).encode(), SPEC, NOW)
    assert (command.context, command.free, command.capabilities.chat) == (128_000, "trial", True)
    assert (command.capabilities.tools, command.capabilities.json_schema) == (True, True)
    assert command.capabilities.vision is True
    assert command.terms is not None
    assert [str(limit) for limit in command.terms.limits] == [
        "20 requests a minute",
        "1,000 requests a month",
    ]
    assert (embed.capabilities.embeddings, embed.capabilities.chat) == (True, False)
    assert (rerank.capabilities.chat, rerank.context) == (False, 4096)
    assert older.retired
    assert DIALECT.about(command, SPEC) is None
    assert DIALECT.enriched(command, {"name": "other"}) is command


def test_vectors_come_in_batches_that_it_takes() -> None:
    texts = [str(n) for n in range(TEXTS_A_CALL * 2 + 1)]
    calls = DIALECT.embed("m", texts, SPEC)
    assert [call.count for call in calls] == [96, 96, 1]
    assert [text for call in calls for text in call.body["texts"]] == texts
    for call in calls:
        assert call.path == "/v2/embed"
        kinds = (call.body["model"], call.body["input_type"], call.body["embedding_types"])
        assert kinds == ("m", "search_document", ["float"])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        bodies.vectors([[1.0]]),
        bodies.vectors([[1.0], []]),
        {"embeddings": {"float": [[1.0], ["a"]]}},
        {"embeddings": {"float": [[1.0], [True]]}},
        {"embeddings": [[1.0], [2.0]]},
    ],
)
def test_vectors_that_are_missing_are_a_failure(answer: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed, match="2 texts were sent"):
        DIALECT.vectors(answer, 2, failed)


def test_vectors() -> None:
    assert DIALECT.vectors(bodies.vectors([[1, 2], [3, 4]]), 2, failed) == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(AttemptFailed, match="invalid api token"):
        DIALECT.vectors({"message": "invalid api token"}, 2, failed)
