"""What is sent, and how it bends to each provider's quirks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aiorch.providers import SPECS, ProviderSpec, Quirks
from aiorch.providers.encode import chat_body, is_closed, say_shape
from aiorch.types import (
    Image,
    JsonSchema,
    Message,
    Parameters,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)

PLAIN = ProviderSpec(id="plain", name="Plain", base_url="http://h")
HI = (Message.user("hi"),)
WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
OPEN: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED: dict[str, Any] = {**OPEN, "required": ["a"], "additionalProperties": False}


def quirky(**quirks: Any) -> ProviderSpec:
    return replace(PLAIN, quirks=Quirks(**quirks))


def messages(*said: Message, spec: ProviderSpec = PLAIN) -> list[dict[str, Any]]:
    return chat_body("m", Request(said), spec)["messages"]


def test_what_nobody_set_is_not_sent() -> None:
    assert chat_body("m", Request(HI), PLAIN) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_every_parameter() -> None:
    parameters = Parameters(0.5, 20, ("x", "y"), 7, 0.9, {"top_k": 4})
    body = chat_body("m", Request(HI, parameters), PLAIN)
    del body["messages"]
    assert body == {
        "model": "m", "temperature": 0.5, "max_tokens": 20, "stop": ["x", "y"], "seed": 7, "top_p": 0.9, "top_k": 4
    }  # fmt: skip


def test_zero_is_a_temperature() -> None:
    assert chat_body("m", Request(HI, Parameters(temperature=0)), PLAIN)["temperature"] == 0


def test_extra_fields_have_the_last_word() -> None:
    body = chat_body("m", Request(HI, Parameters(max_tokens=5, extra={"max_tokens": 9})), PLAIN)
    assert body["max_tokens"] == 9


def test_a_rows_own_fields_are_sent() -> None:
    assert chat_body("m", Request(HI), replace(PLAIN, body={"think": False}))["think"] is False


def test_roles() -> None:
    assert messages(Message.system("be brief"), Message.user("a", "b"), Message.assistant("c")) == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": "c"},
    ]


def test_pictures_by_address_and_by_bytes() -> None:
    (message,) = messages(
        Message.user("look", Image(url="https://h/a.png"), Image(data=b"\x89PNG", media_type="image/png"))
    )
    assert message["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://h/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
    ]


def test_a_round_of_tools() -> None:
    asked = Message.assistant(
        ToolCall("1", "weather", {"city": "Köln"}), ToolCall("2", "weather", {}, raw="{city")
    )
    given = Message.tool(ToolResult("1", "rain"), ToolResult("2", "bad arguments", is_error=True))
    first, second, third = messages(asked, given)
    assert first["content"] is None
    assert [c["function"]["arguments"] for c in first["tool_calls"]] == ['{"city": "Köln"}', "{city"]
    assert second == {"role": "tool", "tool_call_id": "1", "content": "rain"}
    assert third == {"role": "tool", "tool_call_id": "2", "content": "bad arguments"}


def test_tools_and_whether_they_must_be_called() -> None:
    def choice(choice: ToolChoice, **quirks: Any) -> Any:
        return chat_body("m", Request(HI, tools=(WEATHER,), tool_choice=choice), quirky(**quirks)).get(
            "tool_choice"
        )

    body = chat_body("m", Request(HI, tools=(WEATHER,)), PLAIN)
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "The weather.",
                "parameters": dict(WEATHER.parameters),
            },
        }
    ]
    assert "parallel_tool_calls" not in body
    assert choice(ToolChoice()) is None
    assert choice(ToolChoice("none")) == "none"
    assert choice(ToolChoice("required")) == "required"
    assert choice(ToolChoice("required"), required_tool="any") == "any"
    assert choice(ToolChoice("tool", "weather")) == {"type": "function", "function": {"name": "weather"}}
    assert "tool_choice" not in chat_body("m", Request(HI, tool_choice=ToolChoice("required")), PLAIN)


def test_nvidia_is_asked_for_one_call_at_a_time() -> None:
    assert chat_body("m", Request(HI, tools=(WEATHER,)), SPECS["nvidia"])["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in chat_body("m", Request(HI), SPECS["nvidia"])


# --- thinking ----------------------------------------------------------------------------------------------------

THOUGHT = Message.assistant(
    Reasoning("hm", "sig"), ToolCall("1", "weather", {}), ToolCall("2", "weather", {})
)


def test_thinking_stays_here_unless_it_is_wanted_back() -> None:
    assert "hm" not in json.dumps(messages(THOUGHT, Message.assistant(Reasoning("hm"), Text("x"))))
    assert "sig" not in json.dumps(messages(THOUGHT))


def test_thinking_goes_back_in_turns_that_call_tools() -> None:
    called, said = messages(THOUGHT, Message.assistant(Reasoning("hm"), Text("x")), spec=SPECS["deepseek"])
    assert called["reasoning_content"] == "hm"
    assert "reasoning_content" not in said


# --- quirks ------------------------------------------------------------------------------------------------------


def test_reasoning_models_get_no_sampling_and_another_limit() -> None:
    request = Request(HI, Parameters(0.5, 20, ("x",), 7, 0.9))
    for model in ("o3-mini", "gpt-5.2"):
        body = chat_body(model, request, SPECS["openai"])
        assert body["max_completion_tokens"] == 20
        assert not {"temperature", "top_p", "stop", "max_tokens"} & set(body)
    assert chat_body("gpt-4o", request, SPECS["openai"])["temperature"] == 0.5


def test_mistral() -> None:
    body = chat_body(
        "m", Request(HI, Parameters(temperature=0, seed=3, top_p=0.9)), SPECS["mistral"], stream=True
    )
    assert (body["temperature"], body["random_seed"]) == (0, 3)
    assert not {"top_p", "seed", "stream_options"} & set(body)
    warm = chat_body("m", Request(HI, Parameters(temperature=0.1, top_p=0.9)), SPECS["mistral"])
    assert warm["top_p"] == 0.9


def test_a_seed_is_left_out_where_there_is_none() -> None:
    assert "seed" not in chat_body("m", Request(HI, Parameters(seed=1)), SPECS["nova"])


def test_a_stream_asks_for_its_usage() -> None:
    body = chat_body("m", Request(HI), PLAIN, stream=True)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


# --- shapes ------------------------------------------------------------------------------------------------------


def test_a_shape_is_asked_for_by_its_schema() -> None:
    body = chat_body("m", Request(HI, schema=JsonSchema(OPEN, "thing")), PLAIN)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "thing", "schema": OPEN, "strict": True},
    }


@pytest.mark.parametrize(("schema", "strict"), [(OPEN, False), (CLOSED, True)])
def test_strictness_is_asked_for_only_where_it_is_accepted(schema: dict[str, Any], strict: bool) -> None:
    body = chat_body("m", Request(HI, schema=JsonSchema(schema)), SPECS["openai"])
    assert body["response_format"]["json_schema"]["strict"] is strict


def test_a_shape_is_said_beside_instructions_that_are_text() -> None:
    turns: list[dict[str, Any]] = [{"role": "system", "content": [{"type": "text", "text": "be brief"}]}]
    say_shape(turns, JsonSchema({"type": "object"}))
    assert [turn["role"] for turn in turns] == ["system", "system"]
    assert turns[0]["content"].endswith('{"type": "object"}')


def test_a_shape_that_has_to_be_said_in_words() -> None:
    with_system = (Message.system("be brief"), *HI)
    deepseek = chat_body("m", Request(with_system, schema=JsonSchema(OPEN)), SPECS["deepseek"])
    assert deepseek["response_format"] == {"type": "json_object"}
    assert deepseek["messages"][0]["content"].startswith("be brief\n\nAnswer with one JSON object")
    assert json.dumps(OPEN) in deepseek["messages"][0]["content"]
    nova = chat_body("m", Request(HI, schema=JsonSchema(OPEN)), SPECS["nova"])
    assert "response_format" not in nova
    assert [m["role"] for m in nova["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (CLOSED, True),
        (OPEN, False),
        ({**CLOSED, "required": []}, False),
        ({"type": "object", "additionalProperties": False}, True),
        ({"type": "array", "items": OPEN}, False),
        ({"type": "array", "items": CLOSED}, True),
        ({"anyOf": [CLOSED, {"type": "null"}]}, True),
        ({"anyOf": [CLOSED, OPEN]}, False),
        ({**CLOSED, "$defs": {"x": OPEN}}, False),
        ({}, True),
    ],
)
def test_closed_schemas(schema: dict[str, Any], closed: bool) -> None:
    assert is_closed(schema) is closed


def test_what_a_provider_refuses_is_left_out() -> None:
    request = Request(HI, Parameters(stop=("END",)), tools=(WEATHER,), tool_choice=ToolChoice("required"))
    assert "stop" not in chat_body("m", request, SPECS["xai"])
    assert "tool_choice" not in chat_body("m", request, SPECS["minimax"])
    usual = chat_body("m", request, SPECS["vllm"])
    assert (usual["stop"], usual["tool_choice"]) == (["END"], "required")
