"""A type goes to a model as a schema, and its answer comes back as a value of that type."""

from __future__ import annotations

import datetime
import json
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, WithJsonSchema
from pydantic_core import to_json
from typing_extensions import TypedDict

from aiorch.errors import InputError, OutputInvalid
from aiorch.quality import schema_for, shape_of


class Address(BaseModel):
    street: str = Field(description="with the number")
    title: str = "home"


class Person(BaseModel):
    name: str
    address: Address = Field(description="where to write to")
    age: int | None = None
    tags: list[str] = []


class Node(BaseModel):
    value: int
    children: list[Node] = []


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Branch(BaseModel):
    left: Leaf | None
    right: Leaf | None


class Leaf(BaseModel):
    kind: Kind
    branch: Branch | None


class Kind(BaseModel):
    name: str


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: float
    y: float


Anything = Annotated[list[Any], WithJsonSchema({"type": "array", "items": True})]


class Movie(TypedDict):
    name: str


KINDS: list[Any] = [
    Person,
    Node,
    list[Node],
    Branch,
    Colour,
    Point,
    Movie,
    int,
    float,
    bool,
    list[str],
    dict[str, int],
    tuple[int, str],
    Literal["a", "b"],
    Cat | Dog,
    Person | None,
    Annotated[Cat | Dog, Field(discriminator="kind")],
    datetime.date,
    Annotated[list[int], Field(max_length=3)],
    Any,
    None,
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_schema_is_one_that_providers_take(kind: Any):
    schema = schema_for(kind)
    assert schema is not None
    Draft202012Validator.check_schema(schema.schema)
    assert schema.schema["type"] == "object"
    assert 0 < len(schema.name) <= 64
    assert set(schema.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert not node.keys() & {"default", "oneOf", "discriminator"}
            if "properties" in node:
                assert node["required"] == list(node["properties"])
                assert node["additionalProperties"] is False
            for key, value in node.items():
                for inner in value.values() if key in ("properties", "$defs") else [value]:
                    walk(inner)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(schema.schema)


def test_text_needs_no_schema():
    assert schema_for(str) is None
    assert shape_of(str).parse("anything { at all") == "anything { at all"


def test_references_are_put_in_place_and_keep_what_was_said_beside_them():
    schema = schema_for(Person)
    assert schema is not None
    assert "$ref" not in json.dumps(schema.schema)
    address = schema.schema["properties"]["address"]
    assert address["description"] == "where to write to"
    assert list(address["properties"]) == ["street", "title"], "a property may be called like a keyword"
    assert schema.strict
    assert schema.name == "Person"


def test_a_type_that_holds_itself_keeps_its_references():
    schema = schema_for(Node)
    assert schema is not None
    assert list(schema.schema["$defs"]) == ["Node"]
    assert schema.schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    wrapped = schema_for(list[Node])
    assert wrapped is not None
    assert wrapped.schema["properties"]["value"]["items"] == {"$ref": "#/$defs/Node"}
    assert "$defs" in wrapped.schema


@pytest.mark.parametrize(
    "kind", [dict[str, int], tuple[int, str], Any, list[Any], list[dict[str, int]], Anything], ids=str
)
def test_what_strict_modes_cannot_express_is_not_asked_for_strictly(kind: Any):
    schema = schema_for(kind)
    assert schema is not None
    assert schema.strict is False


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, '{"value": 42}', 42),
        (int, "42", 42),
        (float, '{"value": "1.5"}', 1.5),
        (bool, "true", True),
        (list[int], "[1, 2]", [1, 2]),
        (list[int], 'The answer is: {"value": [1, 2]}. Anything else?', [1, 2]),
        (Literal["pos", "neg"], " pos\n", "pos"),
        (Literal["pos", "neg"], "<think>neg? no.</think>\npos", "pos"),
        (Colour, "red", Colour.RED),
        (Colour, '{"value": "red"}', Colour.RED),
        (datetime.date, '{"value": "2026-11-22"}', datetime.date(2026, 11, 22)),
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (Movie, '```json\n{"name": "Alien"}\n```', {"name": "Alien"}),
        (dict[str, int], '{"value": 3}', {"value": 3}),
        (Cat | Dog, '{"kind": "dog"}', Dog(kind="dog")),
        (Person | None, '{"value": null}', None),
        (Node, '{"value": 1, "children": [{"value": 2}]}', Node(value=1, children=[Node(value=2)])),
        (Point, 'First {this}.\n~~~\n{"x": 1, "y": 2}\n~~~', Point(1, 2)),
        (Point, '<think>{"x": 9, "y": 9}</think>{"x": 1, "y": 2}', Point(1, 2)),
    ],
)
def test_answers_are_read(kind: Any, text: str, value: Any):
    assert shape_of(kind).parse(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (
            Point,
            "no idea",
            "the answer must be JSON and nothing else, but: expecting value at line 1, column 1",
        ),
        (Point, "", "but: it is empty"),
        (Point, '{"x": 1,', "at line 1, column"),
        (Point, '{"x": NaN, "y": 1}', "no JSON number: NaN"),
        (Point, "[" * 100_000, "it is nested too deeply"),
        (
            Point,
            '{"x": "one"}',
            "x: input should be a valid number, unable to parse string as a number (got 'one'); y: field required",
        ),
        (Point, "<think>hm", "the answer must be JSON"),
        (list[int], json.dumps(["x"] * 12), "and 4 more"),
        (list[int], json.dumps(["x" * 999]), "..."),
        (Literal["pos", "neg"], "perhaps", "the answer must be JSON"),
        (Literal["pos", "neg"], '"perhaps"', "the value: input should be 'pos' or 'neg' (got 'perhaps')"),
    ],
)
def test_what_is_wrong_is_told_so_that_a_model_can_mend_it(kind: Any, text: str, said: str):
    with pytest.raises(OutputInvalid) as raised:
        shape_of(kind).parse(text)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 1500


class NoSchema:
    pass


@pytest.mark.parametrize("kind", [NoSchema, 5, "Undefined", Annotated[int, []]], ids=str)
def test_a_type_that_cannot_be_asked_for_says_so(kind: Any):
    with pytest.raises(InputError, match="an answer cannot be asked for as"):
        shape_of(kind)


VALUES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "person": (
        Person,
        st.builds(
            Person,
            name=st.text(),
            address=st.builds(Address, street=st.text(), title=st.text()),
            age=st.none() | st.integers(-(2**60), 2**60),
            tags=st.lists(st.text()),
        ),
    ),
    "ints": (list[int], st.lists(st.integers(-(2**60), 2**60))),
    "dictionary": (dict[str, list[str]], st.dictionaries(st.text(), st.lists(st.text()))),
    "literal": (Literal["a", "b"], st.sampled_from(["a", "b"])),
    "tuple": (tuple[int, str], st.tuples(st.integers(0, 9), st.text())),
    "bool": (bool, st.booleans()),
    "node": (
        Node,
        st.builds(Node, value=st.integers(0, 9), children=st.lists(st.builds(Node, value=st.just(1)))),
    ),
}


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_a_value_fits_its_schema_and_comes_back(name: str, data: st.DataObject):
    kind, strategy = VALUES[name]
    value = data.draw(strategy)
    shape = shape_of(kind)
    plain = json.loads(to_json(value))
    answer = {"value": plain} if shape.wrapped else plain
    assert shape.schema is not None
    Draft202012Validator(shape.schema.schema).validate(answer)
    assert shape.parse(json.dumps(answer)) == value


def test_no_depth_breaks_the_reader():
    for depth in (*range(150, 1200, 7), 5_000):
        with suppress(OutputInvalid):
            shape_of(list[Any]).parse("[" * depth + "]" * depth)


@given(st.text())
def test_no_answer_breaks_the_reader(text: str):
    for kind in (Point, list[int], Literal["a"]):
        with suppress(OutputInvalid):
            shape_of(kind).parse(text)


@pytest.mark.parametrize("unit", ['{"a":', "[{", '{"a": "', "```\n", "{"])
def test_an_answer_made_to_be_slow_is_not(unit: str):
    with pytest.raises(OutputInvalid):
        shape_of(Point).parse("x" + unit * 50_000)
