"""Prompts with holes."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from aiorch.workflow.template import Template, TemplateError, written


class Point(BaseModel):
    x: int
    y: int = 0


@dataclass
class Chunk:
    text: str
    tags: list[str]


class Colour(StrEnum):
    RED = "red"


def test_braces_doubled_are_text() -> None:
    assert Template.parse('{{"a": {n}}}').render({"n": 1}) == '{"a": 1}'


def test_names_come_once_in_order_of_use() -> None:
    assert Template.parse("{b} {a.x} {b[0]} {a}").names == ("b", "a")


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("{v}", "as it is {not a field}", "as it is {not a field}"),
        ("{v}", 3, "3"),
        ("{v}", None, "None"),
        ("{v}", Path("/a/b"), "/a/b"),
        ("{v}", Colour.RED, "red"),
        ("{v}", ["a", 1], '["a",1]'),
        ("{v}", {"a": [1]}, '{"a":[1]}'),
        ("{v}", Point(x=1), '{"x":1,"y":0}'),
        ("{v}", [Point(x=1)], '[{"x":1,"y":0}]'),
        ("{v}", Chunk("t", ["a"]), '{"text":"t","tags":["a"]}'),
        ("{v}", ValueError("no"), "no"),
        ("{v.text} {v.tags[0]}", Chunk("t", ["a"]), "t a"),
        ("{v[-1]}", [1, 2], "2"),
        ("{v.key}", {"key": "of a mapping"}, "of a mapping"),
        ("{v[a key]}", {"a key": 1}, "1"),
        ("{v[_id]}", {"_id": 7}, "7"),
        ("{v:.2f}", 1, "1.00"),
        ("{v!r}", "quoted", "'quoted'"),
        ("{v!s:>4}", 1, "   1"),
    ],
)
def test_values_are_written_for_a_reader(template: str, value: object, expected: str) -> None:
    assert Template.parse(template).render({"v": value}) == expected


def test_what_json_cannot_say_is_written_as_python_says_it() -> None:
    class Odd:
        def __repr__(self) -> str:
            return "odd"

    assert written([Odd()]) == "[odd]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Single '{'"),
        ("a } b", "Single '}'"),
        ("{}", "needs a name"),
        ("{0}", "is not a name"),
        ("{a b}", "is not a name"),
        ("{a..b}", "is not a name"),
        ("{a.b()}", "is not a name"),
        ("{a!x}", "conversion !x"),
        ("{a:{b}}", "nested field"),
        ("{a.__class__}", "private name"),
        ("{a._secret}", "private name"),
        ("{a[0].__init__.__globals__}", "private name"),
    ],
)
def test_a_malformed_template_says_where_and_why(text: str, says: str) -> None:
    with pytest.raises(TemplateError, match=says.replace("{", r"\{").replace("}", r"\}").replace("!", "!")):
        Template.parse(text)


@pytest.mark.parametrize(
    ("template", "value", "says"),
    [
        ("{v.nothing}", Chunk("t", []), "gave a Chunk, which has no 'nothing'"),
        ("{v[3]}", ["a"], "gave a list, which has no 3"),
        ("{v[3]}", 5, "gave a int, which has no 3"),
        ("{v.key}", {}, "gave a dict, which has no 'key'"),
        ("{v.upper}", "text", "is a method"),
        ("{v[__class__]}", Chunk("t", []), "has no '__class__'"),
        ("{v:d}", "text", "cannot be written as 'd'"),
    ],
)
def test_a_value_without_what_is_asked_for_is_an_error(template: str, value: object, says: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse(template).render({"v": value})
    assert says in str(caught.value)


@given(st.text())
def test_any_text_passes_unchanged_once_its_braces_are_doubled(text: str) -> None:
    assert Template.parse(text.replace("{", "{{").replace("}", "}}")).render({}) == text


@given(st.text(), st.text(alphabet=string.ascii_letters, min_size=1))
def test_a_value_is_never_read_as_a_template(value: str, name: str) -> None:
    assert Template.parse("<{" + name + "}>").render({name: value}) == f"<{value}>"


@given(st.text(alphabet="{}ab._[]!:0", max_size=12))
def test_parsing_open_text_ends_in_a_template_or_a_template_error(text: str) -> None:
    try:
        template = Template.parse(text)
    except TemplateError:
        return
    fields = re.findall(r"\{([^{}]+)\}", text.replace("{{", "").replace("}}", ""))
    assert bool(fields) == bool(template.names)
    assert not any(
        part.startswith("_") for field in fields for part in field.partition("!")[0].split(".")[1:]
    )
