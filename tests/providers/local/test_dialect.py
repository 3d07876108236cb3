from __future__ import annotations

from typing import Any

import pytest
from tests.providers.local.engine_double import says

from aiorch.errors import AttemptFailed
from aiorch.providers.local.dialect import Reading, Shape, encode, failure_of, failure_of_exception
from aiorch.types import (
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

PING = ToolSpec("ping", "Nothing.", {"type": "object", "properties": {}})


def ask(*messages: Message, **more: Any) -> Request:
    return Request(messages or (Message.user("Hi"),), **more)


def read(chunks: list[dict[str, Any]], shape: Shape = "text") -> tuple[list[Any], Response]:
    reading = Reading(shape)
    deltas = [delta for chunk in chunks for delta in reading.feed(chunk)]
    *rest, response = reading.close()
    assert isinstance(response, Response)
    return [*deltas, *rest], response


def refusal(chunks: list[dict[str, Any]], shape: Shape = "text") -> FailureKind:
    with pytest.raises(AttemptFailed) as error:
        read(chunks, shape)
    return error.value.failure.kind


# --- requests


def test_every_request_is_streamed_with_usage_and_progress() -> None:
    body, shape = encode(ask(parameters=Parameters(extra={"stream": False, "top_k": 3})), most=50)
    assert (body["stream"], body["return_progress"], body["stream_options"]) == (
        True,
        True,
        {"include_usage": True},
    )
    assert (body["top_k"], body["max_tokens"], shape) == (3, 50, "text")
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert not {"temperature", "seed", "top_p", "stop", "grammar", "tools"} & set(body)


def test_parameters_are_passed_on() -> None:
    parameters = Parameters(temperature=0.0, max_tokens=7, stop=("END",), seed=1, top_p=0.5)
    body, _ = encode(ask(parameters=parameters), most=50)
    told = {k: body[k] for k in ("temperature", "max_tokens", "stop", "seed", "top_p")}
    assert told == {"temperature": 0.0, "max_tokens": 7, "stop": ["END"], "seed": 1, "top_p": 0.5}


def test_free_text_is_kept_from_going_round_in_circles_and_json_is_left_alone() -> None:
    asked = (Message.user("Write a haiku."),)
    free, _ = encode(Request(asked), most=10)
    own, _ = encode(Request(asked, Parameters(extra={"dry_multiplier": 0})), most=10)
    held, _ = encode(Request(asked, schema=JsonSchema({"type": "object"})), most=10)
    assert free["dry_multiplier"] == 0.8
    assert own["dry_multiplier"] == 0
    assert "dry_multiplier" not in held


def test_a_schema_becomes_a_grammar() -> None:
    body, shape = encode(ask(schema=JsonSchema({"type": "object"})), most=50)
    assert shape == "json"
    assert body["grammar"].startswith("%llguidance")


def test_tools_are_told_after_the_developers_words() -> None:
    body, shape = encode(ask(Message.system("Be kind."), Message.user("Hi"), tools=(PING,)), most=50)
    system, user = body["messages"]
    assert shape == "choice"
    assert system["role"] == "system"
    assert system["content"].startswith("Be kind.\n\nYou can use these tools:\n- ping")
    assert user == {"role": "user", "content": "Hi"}
    alone, _ = encode(ask(tools=(PING,)), most=50)
    assert [m["role"] for m in alone["messages"]] == ["system", "user"]


def test_after_a_tools_result_the_model_is_shown_how_to_answer() -> None:
    talk = (
        Message.user("Q"),
        Message.assistant(ToolCall("1", "ping", {})),
        Message.tool(ToolResult("1", "pong")),
    )
    free, _ = encode(ask(*talk, tools=(PING,)), most=50)
    assert free["messages"][-1]["content"].endswith('with {"answer": "..."}, unless you need another tool.')
    forced, _ = encode(ask(*talk, tools=(PING,), tool_choice=ToolChoice("required")), most=50)
    assert forced["messages"][-1]["content"].endswith("Use this to answer my question.")


def test_tools_that_must_not_be_called_are_not_told() -> None:
    body, shape = encode(ask(tools=(PING,), tool_choice=ToolChoice("none")), most=50)
    assert (shape, len(body["messages"])) == ("text", 1)


def test_turns_alternate() -> None:
    body, _ = encode(
        ask(
            Message.user("One"),
            Message.user("Two"),
            Message.assistant(Reasoning("hm"), "Three", ToolCall("1", "ping", {})),
            Message.tool(ToolResult("1", "pong")),
            Message.user("Four"),
        ),
        most=50,
    )
    assert body["messages"] == [
        {"role": "user", "content": "One\n\nTwo"},
        {"role": "assistant", "content": "Three\nI ask ping with {}."},
        {"role": "user", "content": "ping says: pong\nUse this to answer my question.\n\nFour"},
    ]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (ask(Message.user("Look", Image(url="https://x.test/a.png"))), "cannot see pictures"),
        (ask(schema=JsonSchema({"type": "text"})), "type 'text'"),
        (ask(tools=(PING,), tool_choice=ToolChoice("tool", "pong")), "not among the tools"),
        (Request(()), "no messages"),
    ],
)
def test_what_cannot_be_asked_is_a_bad_request(request_: Request, said: str) -> None:
    with pytest.raises(AttemptFailed, match=said) as error:
        encode(request_, most=50)
    assert (error.value.failure.kind, error.value.failure.scope) == (FailureKind.BAD_REQUEST, "request")


# --- answers


def test_an_answer_comes_in_pieces_and_whole() -> None:
    chunks = says("Hello there", timings={"prompt_per_second": 180.04, "predicted_per_second": "fast"})
    deltas, response = read(chunks)
    assert deltas == [TextDelta("Hell"), TextDelta("o th"), TextDelta("ere")]
    assert response.message == Message.assistant("Hello there")
    assert (response.finish, response.model, response.id) == ("stop", "double", "chatcmpl-1")
    assert response.usage == Usage(7, 3)
    assert response.details == {"prompt_tokens_per_second": "180.0"}


def test_cached_tokens_and_reasoning_are_told_apart() -> None:
    chunks = says("42", "length")
    chunks[-1]["usage"]["prompt_tokens_details"] = {"cached_tokens": 5}
    chunks.insert(1, {"choices": [{"delta": {"reasoning_content": "6 x 7"}}]})
    deltas, response = read(chunks)
    assert deltas[0] == ReasoningDelta("6 x 7")
    assert response.message.reasoning == "6 x 7"
    assert (response.finish, response.usage) == ("length", Usage(7, 1, cached_tokens=5))


def test_progress_shows_nothing() -> None:
    progress = {"choices": [{"delta": {"content": None}}], "prompt_progress": {"processed": 64}}
    assert Reading("text").feed(progress) == ()


def test_json_is_streamed_and_must_be_json_at_its_end() -> None:
    deltas, response = read(says('{"a": 1}'), "json")
    assert "".join(d.text for d in deltas) == response.message.text == '{"a": 1}'
    assert refusal(says("Sure! {"), "json") is FailureKind.MALFORMED
    _, cut = read(says('{"a": [1, ', "length"), "json")
    assert cut.finish == "length"


def test_a_tool_call_is_shown_when_it_is_chosen() -> None:
    deltas, response = read(says('{"tool": "ping", "arguments": {"n": 1}}'), "choice")
    call = ToolCall("call_1", "ping", {"n": 1})
    assert deltas == [ToolCallDelta(0, '{"n": 1}', "call_1", "ping")]
    assert response.message.tool_calls == (call,)
    assert response.finish == "tool_calls"


def test_an_answer_instead_of_a_call_is_text() -> None:
    deltas, response = read(says('{"answer": "Hello"}'), "choice")
    assert deltas == [TextDelta("Hello")]
    assert (response.message.text, response.finish) == ("Hello", "stop")


def test_a_choice_that_was_cut_off_is_shown_as_it_is() -> None:
    deltas, response = read(says('{"answer": "Hel', "length"), "choice")
    assert deltas == [TextDelta('{"answer": "Hel')]
    assert response.finish == "length"


@pytest.mark.parametrize(
    ("chunks", "shape", "kind"),
    [
        (says(""), "text", FailureKind.EMPTY),
        (says(" \n"), "text", FailureKind.EMPTY),
        (says('{"answer": " "}'), "choice", FailureKind.EMPTY),
        (says("neither"), "choice", FailureKind.MALFORMED),
        (says("Hello")[:3], "text", FailureKind.TRUNCATED),
        (says("Hello", "odd"), "text", FailureKind.TRUNCATED),
        ([], "text", FailureKind.TRUNCATED),
    ],
)
def test_what_is_no_answer_fails(chunks: list[dict[str, Any]], shape: Shape, kind: FailureKind) -> None:
    assert refusal(chunks, shape) is kind


# --- failures


def test_a_prompt_that_is_too_long_is_told_in_numbers() -> None:
    failure = failure_of(
        {
            "code": 400,
            "message": "request (3031 tokens) exceeds the available context size (1024 tokens), try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 3031,
            "n_ctx": 1024,
        }
    )
    assert (failure.kind, failure.scope, failure.status) == (FailureKind.CONTEXT, "model", 400)
    assert "3031 tokens" in failure.message
    assert "1024" in failure.message
    bare = failure_of({"code": 400, "message": "too long", "type": "exceed_context_size_error"})
    assert (bare.kind, bare.message) == (FailureKind.CONTEXT, "too long")


@pytest.mark.parametrize(
    ("error", "kind", "scope"),
    [
        (
            {"code": 400, "message": "bad", "type": "invalid_request_error"},
            FailureKind.BAD_REQUEST,
            "request",
        ),
        ({"code": 501, "message": "no", "type": "not_supported_error"}, FailureKind.BAD_REQUEST, "request"),
        ({"code": 500, "message": "ouch", "type": "server_error"}, FailureKind.OVERLOADED, "upstream"),
        ({"code": 503, "message": "busy", "type": "unavailable_error"}, FailureKind.OVERLOADED, "upstream"),
        ({"code": "x"}, FailureKind.OVERLOADED, "upstream"),
        ("just words", FailureKind.OVERLOADED, "upstream"),
        (None, FailureKind.OVERLOADED, "upstream"),
    ],
)
def test_the_engines_errors_are_classified(error: Any, kind: FailureKind, scope: str) -> None:
    failure = failure_of(error)
    assert (failure.kind, failure.scope) == (kind, scope)
    assert failure.message


def test_an_error_in_the_middle_ends_the_answer() -> None:
    with pytest.raises(AttemptFailed, match="ouch"):
        read([says("Hello")[1], {"error": {"code": 500, "message": "ouch"}}])


@pytest.mark.parametrize(
    ("error", "kind", "ambiguous"),
    [
        (ValueError("Expected 'messages' to be an array"), FailureKind.BAD_REQUEST, False),
        (RuntimeError("template: roles must alternate"), FailureKind.BAD_REQUEST, True),
        (MemoryError(), FailureKind.OVERLOADED, False),
    ],
)
def test_what_the_engine_raises_is_classified(error: Exception, kind: FailureKind, ambiguous: bool) -> None:
    failure = failure_of_exception(error)
    assert (failure.kind, failure.ambiguous) == (kind, ambiguous)
    assert failure.message
