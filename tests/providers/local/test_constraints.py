from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.local.constraints import UnusableSchema, grammar, moved_under


def schema_of(text: str) -> dict[str, Any]:
    head, body = text.split("\nstart: %json ", 1)
    assert head == "%llguidance {}"
    schema = json.loads(body)
    options = schema.pop("x-guidance")
    assert options["whitespace_flexible"] is False
    assert options["lenient"] is True
    return schema


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "home": {"$ref": "#/$defs/Address"}},
    "required": ["name"],
    "$defs": {"Address": {"type": "object", "properties": {"city": {"type": ["string", "null"]}}}},
}


def test_a_schema_that_can_be_held_is_passed_on_as_it_is() -> None:
    assert schema_of(grammar(PERSON)) == PERSON


def test_patterns_that_look_around_are_left_out() -> None:
    schema = {"type": "string", "pattern": "^(?=a)b$", "maxLength": 3}
    assert schema_of(grammar(schema)) == {"type": "string", "maxLength": 3}
    assert schema_of(grammar({"type": "string", "pattern": "^a+$"}))["pattern"] == "^a+$"


def test_words_that_only_look_like_keywords_are_data() -> None:
    schema = {
        "type": "object",
        "properties": {
            "type": {"const": {"type": "nonsense"}},
            "$ref": {"enum": [{"$ref": "x"}]},
            "pattern": {},
        },
    }
    assert schema_of(grammar(schema)) == schema


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "text"}, "type 'text'"),
        ({"type": ["string", "text"]}, "type 'text'"),
        ({"type": {"string": 1}}, "type {'string': 1}"),
        ({"type": [["string"]]}, "known are array"),
        ({"$ref": "#anchor"}, "not inside it"),
        ({"const": {1, 2}}, "is not JSON"),
        ({"anyOf": [{"items": {"type": "int"}}]}, "type 'int'"),
        ({"$ref": "#/$defs/None"}, "has nothing there"),
        ({"$ref": "https://example.test/schema"}, "not inside it"),
        ({"properties": {"a": {"$ref": 7}}}, "not inside it"),
        ({"$ref": "#/properties/a/b/c", "properties": {"a": {"b": 1}}}, "has nothing there"),
    ],
)
def test_a_schema_that_the_engine_would_ignore_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(UnusableSchema, match=said):
        grammar(schema)


def test_a_reference_to_itself_and_to_odd_names_is_found() -> None:
    tree = {
        "type": "object",
        "properties": {"a/b~": {}, "more": {"$ref": "#"}, "odd": {"$ref": "#/properties/a~1b~0"}},
    }
    assert schema_of(grammar(tree)) == tree


def test_definitions_move_with_their_references() -> None:
    shared: dict[str, Any] = {}
    moved = moved_under(PERSON, "tool.save", shared)
    assert moved["properties"]["home"] == {"$ref": "#/$defs/tool.save.Address"}
    assert "$defs" not in moved
    assert list(shared) == ["tool.save.Address"]
    assert PERSON["properties"]["home"] == {"$ref": "#/$defs/Address"}, "the original is untouched"
    whole = {"anyOf": [moved], "$defs": shared}
    assert schema_of(grammar(whole)) == whole


def test_definitions_that_refer_to_each_other_move_together() -> None:
    shared: dict[str, Any] = {}
    schema = {
        "definitions": {"A": {"items": {"$ref": "#/definitions/B"}}, "B": {}},
        "$ref": "#/definitions/A",
    }
    assert moved_under(schema, "t", shared) == {"$ref": "#/$defs/t.A"}
    assert shared == {"t.A": {"items": {"$ref": "#/$defs/t.B"}}, "t.B": {}}


def test_data_is_not_rewritten_when_definitions_move() -> None:
    assert moved_under({"const": {"$ref": "#/$defs/A"}, "allOf": [{"enum": [1]}]}, "t", {}) == {
        "const": {"$ref": "#/$defs/A"},
        "allOf": [{"enum": [1]}],
    }


keys = st.sampled_from(["type", "$ref", "pattern", "properties", "$defs", "const", "items"]) | st.text(
    max_size=6
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, json_values, max_size=4))
def test_any_json_is_held_or_refused_with_a_reason(schema: dict[str, Any]) -> None:
    try:
        held = schema_of(grammar(schema))
    except UnusableSchema as error:
        held = {}
        said = str(error)
    else:
        said = "JSON schema"
    assert set(held) <= set(schema)
    assert "JSON schema" in said
