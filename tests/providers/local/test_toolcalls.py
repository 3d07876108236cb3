from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.local.toolcalls import (
    calls_as_text,
    choice_schema,
    instructions,
    offered,
    read_choice,
    results_as_text,
)
from aiorch.types import JsonSchema, Message, ToolCall, ToolChoice, ToolResult, ToolSpec

WEATHER = ToolSpec(
    "weather",
    "The weather of a city now.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "its English name"},
            "unit": {"enum": ["C", "F"]},
            "when": {"$ref": "#/$defs/Day"},
            "odd": True,
        },
        "required": ["city"],
        "$defs": {"Day": {"type": "string"}},
    },
)
PING = ToolSpec("ping", "Nothing.", {})
AUTO, REQUIRED = ToolChoice(), ToolChoice("required")


def fits(schema: object, value: object) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)  # type: ignore[arg-type]


def test_choice_decides_which_tools_are_offered() -> None:
    both = (WEATHER, PING)
    assert offered(both, AUTO) == both
    assert offered(both, REQUIRED) == both
    assert offered(both, ToolChoice("none")) == ()
    assert offered(both, ToolChoice("tool", "ping")) == (PING,)
    with pytest.raises(ValueError, match="'pong', which is not among"):
        offered(both, ToolChoice("tool", "pong"))


def test_schema_lets_through_calls_and_answers_only() -> None:
    schema = choice_schema((WEATHER, PING), AUTO, None)
    assert fits(schema, {"answer": "It rains."})
    assert fits(schema, {"tool": "weather", "arguments": {"city": "Oslo", "when": "now"}})
    assert fits(schema, {"tool": "ping", "arguments": {"anything": 1}})
    assert not fits(schema, {"answer": ""})
    assert not fits(schema, {"tool": "weather", "arguments": {"city": "Oslo", "invented": 1}})
    assert not fits(schema, {"tool": "weather", "arguments": {}})
    assert not fits(schema, {"tool": "other", "arguments": {}})
    assert not fits(schema, {"answer": "a", "tool": "ping", "arguments": {}})
    assert not fits(schema, {"tool": "weather", "arguments": {"city": "Oslo", "when": 3}})


def test_a_required_tool_leaves_no_way_to_answer() -> None:
    schema = choice_schema((PING,), REQUIRED, None)
    assert not fits(schema, {"answer": "no"})
    assert "$defs" not in schema


def test_an_answer_beside_tools_has_the_shape_that_was_asked_for() -> None:
    person = JsonSchema({"$ref": "#/$defs/P", "$defs": {"P": {"type": "object", "required": ["name"]}}})
    schema = choice_schema((WEATHER,), AUTO, person)
    assert fits(schema, {"answer": {"name": "Ada"}})
    assert not fits(schema, {"answer": {}})
    assert not fits(schema, {"answer": "Ada"})


def test_instructions_tell_names_arguments_and_the_way_out() -> None:
    told = instructions((WEATHER, PING), AUTO)
    assert (
        '- weather: The weather of a city now. Arguments: {"city": string, its English name, "unit": "C" or "F"'
        in told
    )
    assert '"when": any (optional), "odd": any (optional)' in told
    assert "- ping: Nothing. Arguments: {}" in told
    assert '{"answer": "..."}' in told
    assert "answer" not in instructions((PING,), REQUIRED)


def test_a_choice_is_read_as_call_or_answer() -> None:
    call = read_choice('{"tool": "weather", "arguments": {"city": "Oslo"}}', "call_1")
    assert call == ToolCall("call_1", "weather", {"city": "Oslo"})
    assert read_choice('{"answer": "It rains."}', "1") == "It rains."
    assert read_choice('{"answer": {"name": "Ad\\u00e4"}}', "1") == '{"name": "Adä"}'


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "7", "{}", '{"tool": "x"}', '{"tool": 1, "arguments": {}}', '{"answe']
)
def test_what_is_neither_is_nothing(text: str) -> None:
    assert read_choice(text, "1") is None


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_choice(text, "1")
    assert read_choice(json.dumps({"answer": text}), "1") == text


def test_earlier_calls_and_results_are_told_in_words() -> None:
    said = Message.assistant("Let me see.", ToolCall("1", "weather", {"city": "Malmö"}))
    assert calls_as_text(said) == 'Let me see.\nI ask weather with {"city": "Malmö"}.'
    assert calls_as_text(Message.assistant("Hello")) == "Hello"
    results = Message.tool(ToolResult("1", "4 degrees"), ToolResult("2", "no such city", is_error=True))
    assert results_as_text(results, {"1": "weather"}, choosing=False) == (
        "weather says: 4 degrees\nThe tool failed: no such city\nUse this to answer my question."
    )
    again = results_as_text(results, {"1": "weather"}, choosing=True)
    assert again.endswith(
        'Use this to answer my question with {"answer": "..."}, unless you need another tool.'
    )
