"""Ollama's own API, said and read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.dialects import ollama_bodies as bodies

from aiorch.errors import AttemptFailed
from aiorch.net import NDJSONParser, ServerSentEvent
from aiorch.providers import SPECS, HTTPProvider, ProviderSpec, classify
from aiorch.providers.dialects.ollama import DIALECT
from aiorch.testing.transport import respx_transport
from aiorch.types import (
    Delta,
    Failure,
    FailureKind,
    Image,
    JsonSchema,
    Message,
    ModelCard,
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

HERE, CLOUD = SPECS["ollama"], SPECS["ollama-cloud"]
NOW = 1_800_000_000.0
HI = Request((Message.user("hi"),))
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
TIME = ToolSpec("time", "The time.", {"type": "object", "properties": {}})
CALLED = ("c1", "weather", {"city": "Bonn"})
SHAPE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def failed(error: object) -> Failure:
    return classify(200, {}, error, provider=HERE, now=NOW)


def failed_inside(error: object) -> Failure:
    return classify(200, {}, error, provider=HERE, now=NOW, in_stream=True)


def body(request: Request, spec: ProviderSpec = HERE, **more: Any) -> dict[str, Any]:
    call = DIALECT.chat("m", request, spec, **more)
    assert call.path == "/api/chat"
    return json.loads(json.dumps(call.body))


def read(answer: dict[str, Any]) -> Response:
    return DIALECT.answer(answer, HI, "m", failed)


def streamed(*pieces: bytes) -> tuple[list[Delta], Response]:
    reader, parser = DIALECT.reader(HI, "m", failed_inside), NDJSONParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    deltas = [delta for event in [*events, *parser.close()] for delta in reader.feed(event)]
    return deltas, reader.response()


def failure_of(*pieces: bytes) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        streamed(*pieces)
    return caught.value.failure


# --- the question ------------------------------------------------------------------------------------------------


def test_what_nobody_set_is_not_sent() -> None:
    said = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": False}
    assert body(HI, CLOUD) == said
    assert body(HI, CLOUD, stream=True)["stream"] is True


def test_a_long_prompt_is_never_cut_without_a_word() -> None:
    made = body(HI)
    assert (made["truncate"], made["shift"]) == (False, False)
    assert body(replace(HI, parameters=Parameters(extra={"shift": True})))["shift"] is True


def test_parameters_are_options() -> None:
    asked = Parameters(temperature=0, max_tokens=9, stop=("END",), seed=7, top_p=0.9)
    made = body(replace(HI, parameters=asked))
    assert made["options"] == {"temperature": 0, "num_predict": 9, "stop": ["END"], "seed": 7, "top_p": 0.9}


def test_more_options_keep_those_beside_them() -> None:
    extra = {"options": {"num_ctx": 8192, "seed": 8}, "keep_alive": "10m", "think": "high"}
    made = body(replace(HI, parameters=Parameters(seed=7, max_tokens=9, extra=extra)))
    assert made["options"] == {"seed": 8, "num_predict": 9, "num_ctx": 8192}
    assert (made["keep_alive"], made["think"]) == ("10m", "high")


def test_pictures_go_as_bytes_or_not_at_all() -> None:
    picture = Image(data=b"\x89PNG", media_type="image/png")
    made = body(Request((Message.user("what?", picture),)))
    assert made["messages"] == [{"role": "user", "content": "what?", "images": ["iVBORw=="]}]
    with pytest.raises(AttemptFailed, match="pictures as bytes.*nothing was sent") as caught:
        body(Request((Message.user(Image(url="https://example.com/cat.png")),)))
    assert (caught.value.failure.kind, caught.value.failure.scope) == (FailureKind.BAD_REQUEST, "request")


def test_a_round_of_tools() -> None:
    called = ToolCall("c1", "weather", {"city": "Bonn"})
    turns = (
        Message.system("be brief"),
        Message.user("weather?"),
        Message.assistant(Reasoning("hm"), called, ToolCall("c2", "time", {}, "{oops")),
        Message.tool(ToolResult("c1", "rain"), ToolResult("c0", "who asked?")),
        Message.assistant(Reasoning("not shown again"), "It rains."),
    )
    assert body(Request(turns))["messages"][2:] == [
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Bonn"}}},
                {"id": "c2", "function": {"index": 1, "name": "time", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "c1", "tool_name": "weather"},
        {"role": "tool", "content": "who asked?", "tool_call_id": "c0"},
        {"role": "assistant", "content": "It rains."},
    ]


def test_a_result_goes_with_the_last_call_of_its_id() -> None:
    turns = (
        *(Message.assistant(ToolCall("call_0", "weather", {})), Message.tool(ToolResult("call_0", "rain"))),
        *(Message.assistant(ToolCall("call_0", "time", {})), Message.tool(ToolResult("call_0", "noon"))),
    )
    assert [turn.get("tool_name") for turn in body(Request(turns))["messages"]] == [
        None,
        "weather",
        None,
        "time",
    ]


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (ToolChoice(), ["weather", "time"]),
        (ToolChoice("required"), ["weather", "time"]),
        (ToolChoice("none"), []),
        (ToolChoice("tool", "time"), ["time"]),
    ],
)
def test_which_tools_may_be_called_is_said_by_offering_them(choice: ToolChoice, offered: list[str]) -> None:
    made = body(replace(HI, tools=(WEATHER, TIME), tool_choice=choice))
    assert [tool["function"]["name"] for tool in made.get("tools", [])] == offered
    assert "tool_choice" not in made


def test_a_tool_that_must_be_called_has_to_be_there() -> None:
    with pytest.raises(AttemptFailed, match="'walk'"):
        body(replace(HI, tools=(WEATHER,), tool_choice=ToolChoice("tool", "walk")))
    assert "tools" not in body(replace(HI, tool_choice=ToolChoice("tool", "walk")))


def test_a_shape_is_asked_for_by_its_schema_and_in_words() -> None:
    made = body(replace(HI, schema=JsonSchema(SHAPE)))
    assert made["format"] == SHAPE
    assert made["messages"][0]["role"] == "system"
    assert json.dumps(SHAPE) in made["messages"][0]["content"]


@pytest.mark.parametrize("spec", [HERE, CLOUD], ids=["here", "cloud"])
def test_where_a_schema_would_be_ignored_or_bind_too_much_words_are_left(spec: ProviderSpec) -> None:
    made = body(replace(HI, schema=JsonSchema(SHAPE), tools=(WEATHER,) if spec is HERE else ()), spec)
    assert "format" not in made
    assert json.dumps(SHAPE) in made["messages"][0]["content"]


# --- the answer --------------------------------------------------------------------------------------------------

TIMES = {
    "total_seconds": "4.884",
    "load_seconds": "1.335",
    "prompt_eval_seconds": "0.343",
    "eval_seconds": "4.536",
}


def test_an_answer_and_how_long_it_took() -> None:
    assert read(bodies.whole("hello")) == Response(
        Message.assistant("hello"), "stop", Usage(3, 2), model="acme/small-1", details=TIMES
    )


def test_thinking_is_kept_apart() -> None:
    assert read(bodies.whole("hello", thinking="hm")).message == Message.assistant(Reasoning("hm"), "hello")


def test_a_tool_call() -> None:
    response = read(bodies.whole("", tool_call=CALLED))
    assert response.message == Message.assistant(ToolCall("c1", "weather", {"city": "Bonn"}))
    assert response.finish == "tool_calls"


def test_calls_of_an_older_server_have_no_ids() -> None:
    calls = [
        {"function": {"name": "time", "arguments": {}}},
        {"function": {"name": "time", "arguments": [1]}},
    ]
    response = read(bodies.whole("", tool_calls=calls))
    assert response.message.tool_calls == (
        ToolCall("call_0", "time", {}),
        ToolCall("call_1", "time", {}, "[1]"),
    )


def test_who_ran_it_is_told_where_that_was_somebody_else() -> None:
    answer = {**bodies.whole("hello"), "remote_host": "https://ollama.com:443", "total_duration": None}
    assert read(answer).details["upstream"] == "https://ollama.com:443"
    assert "total_seconds" not in read(answer).details


@pytest.mark.parametrize(
    ("said", "finish"), [("stop", "stop"), ("length", "length"), ("", "stop"), (None, "stop"), (7, "stop")]
)
def test_why_it_stopped(said: Any, finish: str) -> None:
    assert read({**bodies.whole("hello"), "done_reason": said}).finish == finish


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"error": "model 'm' not found"}, FailureKind.MODEL_GONE),
        ({"message": "hello"}, FailureKind.OVERLOADED),
        ({"done": True}, FailureKind.MALFORMED),
        ({**bodies.whole("hel"), "done": False}, FailureKind.TRUNCATED),
        (bodies.whole(""), FailureKind.EMPTY),
        (bodies.whole("", finish="load"), FailureKind.EMPTY),
        (bodies.whole("", tool_call=("c1", "", {})), FailureKind.MALFORMED),
    ],
)
def test_answers_that_are_none(answer: dict[str, Any], kind: FailureKind) -> None:
    with pytest.raises(AttemptFailed) as caught:
        read(answer)
    assert caught.value.failure.kind is kind


def test_an_answer_used_up_by_thinking_is_too_short_rather_than_missing() -> None:
    assert read(bodies.whole("", finish="length", thinking="hm")).finish == "length"


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"prompt_eval_count": 3, "eval_count": 2}, Usage(3, 2)),
        ({"prompt_eval_count": None, "eval_count": 2}, Usage(0, 2)),
        ({"prompt_eval_count": -1, "eval_count": 2.0}, Usage(0, 2)),
        ({"prompt_eval_count": 3, "eval_count": None}, None),
        ({"prompt_eval_count": 3, "eval_count": True}, None),
    ],
)
def test_usage(told: dict[str, Any], usage: Usage | None) -> None:
    response = read({**bodies.whole("hello"), **told})
    assert (None if response.usage.estimated else response.usage) == usage


# --- in pieces ---------------------------------------------------------------------------------------------------

BOTH = bodies.framed(
    bodies.line("", thinking="hm"),
    bodies.line("", thinking=", well"),
    bodies.line("Grüß "),
    bodies.line("dich"),
    bodies.line("", tool_calls=[bodies.called(*CALLED), bodies.called("c2", "time", {})]),
    bodies.line("", tool_calls=[bodies.called("c3", "time", {})]),
    bodies.ended(),
)


def test_a_stream() -> None:
    deltas, response = streamed(BOTH)
    assert deltas == [
        *(ReasoningDelta("hm"), ReasoningDelta(", well"), TextDelta("Grüß "), TextDelta("dich")),
        ToolCallDelta(0, '{"city": "Bonn"}', "c1", "weather"),
        *(ToolCallDelta(1, "{}", "c2", "time"), ToolCallDelta(2, "{}", "c3", "time")),
    ]
    calls = (
        *(ToolCall("c1", "weather", {"city": "Bonn"}), ToolCall("c2", "time", {})),
        ToolCall("c3", "time", {}),
    )
    assert response == Response(
        Message.assistant(Reasoning("hm, well"), "Grüß dich", *calls),
        "tool_calls",
        Usage(3, 2),
        model="acme/small-1",
        details=TIMES,
    )


@given(st.lists(st.integers(0, len(BOTH)), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_response(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BOTH)]
    assert streamed(*(BOTH[a:b] for a, b in pairwise(edges))) == streamed(BOTH)


def test_whether_it_has_ended() -> None:
    reader, parser = DIALECT.reader(HI, "m", failed_inside), NDJSONParser()
    *events, last = parser.feed(bodies.stream_events(("hel", "lo")))
    for event in events:
        reader.feed(event)
        assert not reader.finished
    reader.feed(last)
    assert reader.finished


@pytest.mark.parametrize(
    ("lines", "kind", "says"),
    [
        ([bodies.line("hel")], FailureKind.TRUNCATED, "after 3 characters"),
        ([bodies.ended()], FailureKind.EMPTY, "nothing"),
        ([bodies.line("hel"), {"error": "an error was encountered"}], FailureKind.OVERLOADED, "an error was"),
        (
            [bodies.line("hel"), {"error": "the input length exceeds the context length"}],
            FailureKind.CONTEXT,
            "input",
        ),
        ([bodies.line("", tool_calls=[{"function": {}}])], FailureKind.MALFORMED, "names no tool"),
    ],
)
def test_streams_that_are_no_answer(lines: Sequence[dict[str, Any]], kind: FailureKind, says: str) -> None:
    failure = failure_of(bodies.framed(*lines))
    assert failure.kind is kind
    assert says in failure.message


@pytest.mark.parametrize("line", [b"{oops\n", b"[1]\n", b"7\n", b"[" * 100_000 + b"\n"])
def test_what_is_no_json_object_is_malformed(line: bytes) -> None:
    assert failure_of(line).kind is FailureKind.MALFORMED


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.dictionaries(st.sampled_from(["role", "content", "thinking", "tool_calls"]), ANYTHING)
LINES = st.dictionaries(
    st.sampled_from(["message", "done", "done_reason", "model", "error", "eval_count", "total_duration"]),
    ANYTHING | MESSAGES | st.just(True),
)


@given(st.lists(LINES, max_size=4))
def test_any_stream_is_a_response_or_a_classified_failure(lines: list[dict[str, Any]]) -> None:
    reader = DIALECT.reader(HI, "m", failed_inside)
    with suppress(AttemptFailed):
        for line in lines:
            reader.feed(ServerSentEvent(json.dumps(line)))
        assert isinstance(reader.response(), Response)


@given(LINES)
def test_any_answer_is_a_response_or_a_classified_failure(answer: dict[str, Any]) -> None:
    with suppress(AttemptFailed):
        assert isinstance(read(answer), Response)


# --- its models --------------------------------------------------------------------------------------------------


def listed(*items: dict[str, Any], spec: ProviderSpec = HERE) -> Sequence[ModelCard]:
    return DIALECT.models(json.dumps({"models": items}).encode(), spec, NOW)


def test_a_list_that_says_all() -> None:
    (card,) = listed(bodies.tag("acme:8b", capabilities=["completion", "vision", "thinking"]))
    assert (card.model, card.context, card.free, card.source) == ("acme:8b", 131072, "local", "live")
    told = card.capabilities
    assert (told.chat, told.tools, told.vision, told.reasoning) == (True, False, True, True)
    assert (told.embeddings, told.json_schema, told.streaming) == (False, True, True)
    assert card.inputs == ("image", "text")
    assert card.parameters == 8_000_000_000
    assert DIALECT.about(card, HERE) is None


def test_a_model_for_vectors() -> None:
    (card,) = listed(bodies.tag("acme-embed", capabilities=["embedding"]))
    assert (card.capabilities.chat, card.capabilities.embeddings) == (False, True)
    assert (card.capabilities.json_schema, card.inputs) == (None, ("text",))


def test_a_model_that_is_listed_here_and_runs_elsewhere_is_not_taken_for_free() -> None:
    away = {"remote_model": "gpt-oss:120b", "remote_host": "https://ollama.com:443"}
    (card,) = listed(bodies.tag("gpt-oss:120b-cloud", **away))
    assert (card.free, card.price, card.costs_nothing) == ("unknown", None, False)
    assert card.capabilities.json_schema is None


def test_the_cloud_tells_which_of_its_models_are_free() -> None:
    free, paid = listed(bodies.tag("gpt-oss:20b"), bodies.tag("deepseek-v4-pro"), spec=CLOUD)
    assert (free.free, paid.free) == ("free_quota", "none")
    assert free.terms is not None
    assert [str(limit) for limit in free.terms.limits] == ["1 requests at once"]


def test_what_a_list_leaves_out_is_asked() -> None:
    older = bodies.tag("acme:8b", capabilities=None, details={"parameter_size": "8.0B"})
    (card,) = listed(older)
    assert (card.context, card.capabilities.chat) == (None, None)
    call = DIALECT.about(card, HERE)
    assert call is not None
    assert (call.path, call.body) == ("/api/show", {"model": "acme:8b"})
    known = DIALECT.enriched(card, bodies.shown())
    assert (known.context, known.parameters) == (40960, 32_762_123_264)
    assert (known.capabilities.tools, known.capabilities.reasoning, known.capabilities.vision) == (
        True,
        True,
        False,
    )
    assert known.inputs == ("text",)
    assert DIALECT.about(known, HERE) is None


@pytest.mark.parametrize(
    ("differs", "context"),
    [
        ({"parameters": "num_ctx                        8192\ntop_k   20"}, 8192),
        ({"parameters": "top_k 20\nnum_ctx 131072"}, 40960),
        ({"parameters": 'stop "num_ctx 7"'}, 40960),
        ({"model_info": {}, "parameters": "num_ctx 8192"}, 8192),
        ({"model_info": {"general.architecture": "a", "a.context_length": True}}, None),
        ({"model_info": None, "parameters": None}, None),
    ],
)
def test_the_window_is_what_the_model_was_made_with(differs: dict[str, Any], context: int | None) -> None:
    card = ModelCard("ollama", "acme:8b")
    assert DIALECT.enriched(card, bodies.shown(**differs)).context == context


@given(ANYTHING | st.dictionaries(st.sampled_from(["model_info", "parameters", "capabilities"]), ANYTHING))
def test_any_description_gives_a_card(answer: Any) -> None:
    card = DIALECT.enriched(ModelCard("ollama", "m"), answer if isinstance(answer, dict) else {})
    assert card.context is None or card.context >= 0


@given(st.lists(ANYTHING | st.dictionaries(st.sampled_from(["name", "model", "details"]), ANYTHING)))
def test_any_list_gives_cards(items: list[Any]) -> None:
    assert all(card.model for card in DIALECT.models(json.dumps({"models": items}).encode(), HERE, NOW))


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"models": {}}', b'{"data": []}', b"7"])
def test_what_is_no_list_is_a_failure(answer: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        DIALECT.models(answer, HERE, NOW)
    assert caught.value.failure.kind is FailureKind.MALFORMED


@pytest.mark.anyio
async def test_models_are_asked_about_one_by_one_and_one_that_does_not_tell_stays_as_it_is() -> None:
    router = respx.Router(assert_all_called=False)
    plain = {"capabilities": None, "details": {}}
    items = [bodies.tag("a", **plain), bodies.tag("b", **plain), bodies.tag("c")]
    router.get("http://localhost:11434/api/tags").respond(json={"models": items})
    shows = router.post("http://localhost:11434/api/show")
    shows.side_effect = lambda request: (
        respx.MockResponse(200, json=bodies.shown())
        if json.loads(request.content)["model"] == "a"
        else respx.MockResponse(500, json={"error": "oops"})
    )
    provider = HTTPProvider(HERE, respx_transport(router), keys={})
    cards = await provider.models()
    assert [(card.model, card.context) for card in cards] == [("a", 40960), ("b", None), ("c", 131072)]
    assert shows.call_count == 2


# --- vectors -----------------------------------------------------------------------------------------------------


def test_vectors() -> None:
    (call,) = DIALECT.embed("m", ["some", "texts"], HERE)
    assert (call.path, call.count) == ("/api/embed", 2)
    assert call.body == {"model": "m", "input": ["some", "texts"]}
    assert DIALECT.vectors(bodies.vectors([[1, 2], [3, 4]]), 2, failed) == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(AttemptFailed, match="this model does not support embeddings"):
        DIALECT.vectors({"error": "this model does not support embeddings"}, 2, failed)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        bodies.vectors([[1.0]]),
        bodies.vectors([[1.0], []]),
        {"embeddings": [[1.0], ["a"]]},
        {"embeddings": 7},
    ],
)
def test_vectors_that_are_missing_are_a_failure(answer: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed, match="2 texts were sent"):
        DIALECT.vectors(answer, 2, failed)
