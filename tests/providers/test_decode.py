"""Whatever comes, whole or in chunks, is a response or a classified failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import AttemptFailed
from aiorch.net import ServerSentEvent
from aiorch.providers import SPECS, classify
from aiorch.providers.decode import parse_json, read_response, read_usage, read_vectors
from aiorch.providers.streaming import StreamReader
from aiorch.types import (
    Delta,
    Failure,
    FailureKind,
    Image,
    Message,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    Usage,
)

REQUEST = Request((Message.user("12345678"),))


def judge(error: object) -> Failure:
    return classify(200, {}, error, provider=SPECS["openrouter"], now=0.0)


def judge_in_stream(error: object) -> Failure:
    return classify(200, {}, error, provider=SPECS["openrouter"], now=0.0, in_stream=True)


def answer(message: Mapping[str, Any] | None = None, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {
        "id": "a1",
        "model": "m1",
        "choices": [{"message": message or {"content": "hello"}, "finish_reason": finish}],
        **more,
    }


def read(body: Mapping[str, Any], request: Request = REQUEST) -> Response:
    return read_response(body, request, "m", judge)


def fails(body: Mapping[str, Any]) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        read(body)
    return caught.value.failure


def call(arguments: Any, **more: Any) -> dict[str, Any]:
    return {
        "content": None,
        "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": arguments}, **more}],
    }


# --- whole answers -----------------------------------------------------------------------------------------------


def test_an_answer() -> None:
    response = read(answer(usage={"prompt_tokens": 3, "completion_tokens": 2}, provider="Venice"))
    assert response == Response(
        Message.assistant("hello"), "stop", Usage(3, 2), model="m1", id="a1", details={"upstream": "Venice"}
    )


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thinking_is_kept_apart(field: str) -> None:
    message = read(answer({"content": "42", field: "six times seven"})).message
    assert (message.text, message.reasoning) == ("42", "six times seven")


def test_thinking_in_details_counts_where_it_stands_nowhere_else() -> None:
    details = [{"type": "reasoning.text", "text": "six "}, {"text": "times seven"}, {"type": "x"}, None]
    assert (
        read(answer({"content": "42", "reasoning_details": details})).message.reasoning == "six times seven"
    )
    twice = {"content": "42", "reasoning": "said once", "reasoning_details": details}
    assert read(answer(twice)).message.reasoning == "said once"


@pytest.mark.parametrize(("content", "text"), [(42, "42"), (0, "0"), (-1.5, "-1.5")])
def test_an_answer_may_be_a_number(content: Any, text: str) -> None:
    assert read(answer({"content": content})).message.text == text
    reader = StreamReader(REQUEST, "m", judge_in_stream)
    event = ServerSentEvent(
        json.dumps({"choices": [{"delta": {"content": content}, "finish_reason": "stop"}]})
    )
    assert reader.feed(event) == [TextDelta(text)]


def test_truth_is_no_number() -> None:
    assert fails(answer({"content": True})).kind is FailureKind.EMPTY


def test_a_status_of_its_own_inside_a_200_is_an_error() -> None:
    limited = {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}
    assert fails({**answer(), **limited}).kind is FailureKind.RATE_MINUTE
    assert read({**answer(), "base_resp": {"status_code": 0, "status_msg": ""}}).message.text == "hello"
    reader = StreamReader(REQUEST, "m", judge_in_stream)
    with pytest.raises(AttemptFailed, match="rate limit"):
        reader.feed(ServerSentEvent(json.dumps({"choices": None, **limited})))


def test_content_in_parts() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "image", "text": "no"},
        {"type": "text", "text": "b"},
        None,
    ]
    message = read(answer({"content": content})).message
    assert (message.text, message.reasoning) == ("ab", "hm")


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("eos", "stop"),
        (None, "stop"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
        ("end_turn", "stop"),
        (7, "stop"),
    ],
)
def test_why_it_stopped(said: Any, finish: str) -> None:
    assert read(answer(finish=said)).finish == finish


def test_tool_calls_are_parsed() -> None:
    response = read(answer(call('{"city": "Köln"}'), finish="stop"))
    assert response.finish == "tool_calls"
    assert response.message.tool_calls == (ToolCall("1", "f", {"city": "Köln"}),)


@pytest.mark.parametrize(
    ("arguments", "parsed", "raw"),
    [
        ("", {}, None),
        (" ", {}, None),
        (None, {}, None),
        ({"a": 1}, {"a": 1}, None),
        ('{"a":', {}, '{"a":'),
        ("[1]", {}, "[1]"),
        ('"text"', {}, '"text"'),
        ([1], {}, "[1]"),
        (7, {}, "7"),
        ("[" * 100_000, {}, "[" * 100_000),
    ],
)
def test_arguments_that_are_no_object_are_kept_raw(arguments: Any, parsed: Any, raw: str | None) -> None:
    (made,) = read(answer(call(arguments))).message.tool_calls
    assert (made.arguments, made.raw) == (parsed, raw)


def test_a_call_without_an_id_gets_one() -> None:
    message = {"tool_calls": [{"function": {"name": "f"}}, {"function": {"name": "g"}}]}
    assert [c.id for c in read(answer(message)).message.tool_calls] == ["call_0", "call_1"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "malformed"),
        ({"choices": []}, "malformed"),
        ({"choices": None}, "malformed"),
        ({"choices": [None]}, "malformed"),
        ({"choices": "x"}, "malformed"),
        ({"detail": "x"}, "malformed"),
        ({"error": {"code": 502, "message": "x"}}, "overloaded"),
        ({"error": "rate limit"}, "rate_minute"),
        ({"message": "invalid api key", "code": 401}, "auth"),
        (
            {"choices": [{"error": {"code": 429, "message": "x"}, "message": {"content": "half"}}]},
            "rate_minute",
        ),
        (answer({"content": ""}), "empty"),
        (answer({"content": None}), "empty"),
        (answer({"content": None, "reasoning": "only thinking"}), "empty"),
        (answer({"content": ""}, finish="content_filter"), "policy"),
        (answer({"content": None, "refusal": "I cannot"}), "policy"),
        (answer(finish="error"), "overloaded"),
        (answer({"content": "half"}, finish="insufficient_system_resource"), "overloaded"),
        (answer({"tool_calls": [{"function": {}}]}), "malformed"),
    ],
)
def test_answers_that_are_none(body: dict[str, Any], kind: str) -> None:
    failure = fails(body)
    assert failure.kind.value == kind
    assert failure.ambiguous is (kind in ("empty", "policy"))


def test_a_filter_after_some_text_is_an_answer_that_says_so() -> None:
    assert read(answer({"content": "half"}, finish="content_filter")).finish == "content_filter"


def test_an_answer_used_up_by_thinking_is_too_short_rather_than_missing() -> None:
    response = read(answer({"content": "", "reasoning": "hm"}, finish="length"))
    assert (response.finish, response.message.text) == ("length", "")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n<html>", "a web page"),
        (b'{"a": ', "no valid JSON"),
        (b"", "is empty"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b"\xff\xfe", "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
    ],
)
def test_bodies_that_are_no_object(body: bytes, says: str) -> None:
    with pytest.raises(AttemptFailed, match=says) as caught:
        parse_json(body)
    assert caught.value.failure.kind is FailureKind.MALFORMED


# --- usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}, Usage(9, 12)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 12,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(9, 12, 5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(9, 1, 0, 4),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}, Usage(9, 1, 0, 8)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 31}, Usage(9, 22)),  # Gemini's thinking
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 3}, Usage(9, 2)),
        ({"prompt_tokens": 9.0, "completion_tokens": True, "total_tokens": "x"}, Usage(9, 0)),
        ({"prompt_tokens": -5, "completion_tokens": 3}, Usage(0, 3)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": float("inf")}, None),
        (None, None),
        ("x", None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    assert read_usage({"usage": usage}) == expected


def test_groqs_usage_in_a_stream() -> None:
    assert read_usage({"x_groq": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}}) == Usage(1, 2)


def test_usage_that_is_not_told_is_guessed_and_says_so() -> None:
    said = (
        Message.user("12345678", Image(url="http://h/a.png")),
        Message.tool(ToolResult("1", "1234")),
        Message.assistant(ToolCall("1", "four", {})),
    )
    response = read(answer({"content": "12345", "reasoning": "1234"}), Request(said))
    assert response.usage == Usage(5, 3, 1, estimated=True)


# --- streams -----------------------------------------------------------------------------------------------------


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": "a1", "model": "m1", "choices": [{"delta": delta or {}, "finish_reason": finish}], **more}


def stream(*chunks: Any) -> tuple[list[Delta], Response]:
    reader = StreamReader(REQUEST, "m", judge_in_stream)
    deltas = [
        d for c in chunks for d in reader.feed(ServerSentEvent(c if isinstance(c, str) else json.dumps(c)))
    ]
    return deltas, reader.response()


def stream_fails(*chunks: Any) -> Failure:
    with pytest.raises(AttemptFailed) as caught:
        stream(*chunks)
    return caught.value.failure


def test_a_stream() -> None:
    deltas, response = stream(
        chunk({"role": "assistant", "content": ""}, provider="Venice"),
        chunk({"reasoning": "h"}),
        chunk({"reasoning_content": "m"}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk(finish="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        "[DONE]",
    )
    assert deltas == [ReasoningDelta("h"), ReasoningDelta("m"), TextDelta("Hel"), TextDelta("lo")]
    assert response == Response(
        Message("assistant", (Reasoning("hm"), *Message.assistant("Hello").parts)),
        "stop",
        Usage(3, 2),
        model="m1",
        id="a1",
        details={"upstream": "Venice"},
    )


def piece(
    index: Any, arguments: Any = None, call_id: str | None = None, name: str | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {"function": {"arguments": arguments, "name": name}, "id": call_id}
    return made if index is None else {"index": index, **made}


def test_tool_calls_are_put_together_by_index() -> None:
    deltas, response = stream(
        chunk({"tool_calls": [piece(0, "", "a", "f"), piece(1, "", "b", "g")]}),
        chunk({"tool_calls": [piece(1, '{"x":')]}),
        chunk({"tool_calls": [piece(0, "{}")]}),
        chunk({"tool_calls": [piece(1, "1}")]}),
        chunk(finish="tool_calls"),
    )
    assert deltas == [
        ToolCallDelta(0, "", "a", "f"),
        ToolCallDelta(1, "", "b", "g"),
        ToolCallDelta(1, '{"x":'),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, "1}"),
    ]
    assert response.message.tool_calls == (ToolCall("a", "f", {}), ToolCall("b", "g", {"x": 1}))
    assert response.finish == "tool_calls"


@pytest.mark.parametrize("index", [0, None])
def test_whole_calls_that_share_an_index_are_several(index: Any) -> None:
    deltas, response = stream(
        chunk({"tool_calls": [piece(index, '{"a":1}', "1", "f")]}),
        chunk({"tool_calls": [piece(index, {"b": 2}, "2", "g")]}),
        chunk(finish="stop"),
    )
    assert [d.index for d in deltas if isinstance(d, ToolCallDelta)] == [0, 1]
    assert response.message.tool_calls == (ToolCall("1", "f", {"a": 1}), ToolCall("2", "g", {"b": 2}))


def test_a_streamed_call_without_an_id_gets_one() -> None:
    deltas, response = stream(chunk({"tool_calls": [piece(0, "{}", None, "f")]}), chunk(finish="tool_calls"))
    assert deltas == [ToolCallDelta(0, "{}", "call_0", "f")]
    assert response.message.parts == (ToolCall("call_0", "f", {}),)


@pytest.mark.parametrize(
    ("chunks", "kind"),
    [
        ([chunk({"content": "half"})], "truncated"),
        ([chunk({"content": "half"}), "[DONE]"], "truncated"),
        ([], "truncated"),
        ([chunk(finish="stop")], "empty"),
        ([chunk(finish="content_filter")], "policy"),
        ([chunk({"refusal": "I can"}), chunk({"refusal": "not"}, "stop")], "policy"),
        ([chunk({"content": "half"}), chunk(finish="error")], "overloaded"),
        ([chunk({"content": "half"}), {"error": {"message": "broke off"}, "choices": []}], "overloaded"),
        ([chunk({"content": "half"}), {"error": {"code": 400, "message": "odd"}}], "overloaded"),
        ([{"error": {"code": 429, "message": "slow down"}}], "rate_minute"),
        ([{"choices": [{"error": {"code": 502, "message": "x"}}]}], "overloaded"),
        ([{"id": None, "choices": None, "usage": None}], "malformed"),
        (['{"choices": [{"del'], "malformed"),
        (["[]"], "malformed"),
        (["[" * 100_000], "malformed"),
        ([chunk({"tool_calls": [piece(0, "{}")]}), chunk(finish="tool_calls")], "malformed"),
    ],
)
def test_streams_that_are_no_answer(chunks: list[Any], kind: str) -> None:
    assert stream_fails(*chunks).kind.value == kind


def test_an_event_that_is_called_an_error_is_one() -> None:
    reader = StreamReader(REQUEST, "m", judge_in_stream)
    with pytest.raises(AttemptFailed, match="broke"):
        reader.feed(ServerSentEvent('{"message": "it broke"}', "error"))


def test_chunks_that_say_nothing_are_no_failure() -> None:
    deltas, response = stream(
        "",
        " ",
        {},
        {"choices": []},
        {"choices": None, "usage": {"prompt_tokens": 1}},
        chunk({"content": "a"}, "stop"),
    )
    assert deltas == [TextDelta("a")]
    assert response.usage == Usage(1, 0)


# --- embeddings --------------------------------------------------------------------------------------------------


def test_vectors_come_in_the_order_of_the_texts() -> None:
    body = {"data": [{"index": 1, "embedding": [2, 3.5]}, {"index": 0, "embedding": [0.5, 1]}]}
    assert read_vectors(body, 2, judge) == [[0.5, 1.0], [2.0, 3.5]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": None},
        {"data": [{"embedding": [1.0]}]},
        {"data": [{"embedding": []}, {"embedding": [1]}]},
        {"data": [{"embedding": [1]}, {"embedding": [True]}]},
        {"data": [{"index": 5, "embedding": [1]}, {"embedding": [1]}]},
        {"data": ["x", None]},
        {"data": [{"index": "0", "embedding": [1]}, {"embedding": [1]}]},
    ],
)
def test_vectors_that_are_missing_are_a_failure(body: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed) as caught:
        read_vectors(body, 2, judge)
    assert caught.value.failure.kind is FailureKind.MALFORMED


# --- anything at all ---------------------------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["stop", "{}", "f"])
)
FIELDS = [
    "choices",
    "message",
    "delta",
    "content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "error",
    "code",
    "index",
    "id",
    "type",
    "text",
    "thinking",
    "reasoning",
    "refusal",
    "x_groq",
    "provider",
    "model",
    "data",
    "embedding",
]
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=30,
)
LIKELY = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.dictionaries(st.sampled_from(["message", "delta", "finish_reason", "error"]), ANYTHING),
            max_size=2,
        )
    },
    optional={"usage": ANYTHING, "model": ANYTHING, "id": ANYTHING, "error": ANYTHING, "provider": ANYTHING},
)


@given(LIKELY | ANYTHING)
def test_any_answer_is_a_response_or_a_classified_failure(body: Any) -> None:
    try:
        response = read(parse_json(json.dumps(body).encode()))
    except AttemptFailed:
        return
    assert response.message.text or response.message.tool_calls or response.finish == "length"


@given(st.lists(LIKELY | ANYTHING | st.text(max_size=5), max_size=6))
def test_any_stream_is_a_response_or_a_classified_failure(chunks: list[Any]) -> None:
    try:
        deltas, response = stream(*chunks)
    except AttemptFailed:
        return
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == response.message.text


@given(ANYTHING)
def test_any_vectors_are_vectors_or_a_classified_failure(body: Any) -> None:
    try:
        vectors = read_vectors(parse_json(json.dumps(body).encode()), 1, judge)
    except AttemptFailed:
        return
    assert len(vectors) == 1
