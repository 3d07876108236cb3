"""From words to a workflow's inputs."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from aiorch.cli.inputs import many, read, told
from aiorch.errors import InputError
from aiorch.workflow import Input


class Point(BaseModel):
    x: int
    y: int = 0


class Opaque:
    pass


def inputs(**kinds: Any) -> dict[str, Input]:
    """Inputs by name: a type where it has to be given, ``(type, default)`` where it need not."""
    return {
        name: Input(name, kind[0], kind[1]) if isinstance(kind, tuple) else Input(name, kind)
        for name, kind in kinds.items()
    }


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "3", 3),
        (float, "2.5", 2.5),
        (Decimal, "0.10", Decimal("0.10")),
        (bool, "yes", True),
        (str, "3", "3"),
        (str, '{"a": 1}', '{"a": 1}'),
        (Path, "a/b", Path("a/b")),
        (datetime.date, "2026-11-22", datetime.date(2026, 11, 22)),
        (Literal["a", "b"], "b", "b"),
        (int | None, "3", 3),
        (Annotated[int, Field(gt=0)], "3", 3),
        (Point, '{"x": 1}', Point(x=1)),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (list[int], "[1, 2]", [1, 2]),
        (list[int], "7", [7]),
        (list[Path] | None, "a", [Path("a")]),
        (Any, "anything", "anything"),
    ],
)
def test_a_value_is_read_as_the_type_that_is_annotated(kind: Any, text: str, value: Any):
    assert read(inputs(it=kind), [f"it={text}"]) == {"it": value}
    assert read(inputs(it=kind), ["--it", text]) == {"it": value}
    assert read(inputs(it=kind), [], [f"it={text}"]) == {"it": value}


def test_words_without_a_name_go_to_the_first_list():
    wanted = inputs(out=(Path, None), paths=list[Path], more=(list[str], ()))
    assert read(wanted, ["a.txt", "out=x.md", "b.txt"]) == {
        "paths": [Path("a.txt"), Path("b.txt")],
        "out": Path("x.md"),
    }


def test_a_single_word_goes_to_the_only_input():
    assert read(inputs(log=str), ["hello"]) == {"log": "hello"}


def test_a_list_may_be_given_item_by_item():
    assert read(inputs(paths=list[str]), ["--paths", "a", "--paths=b", "paths=c", "d"]) == {
        "paths": ["a", "b", "c", "d"]
    }


def test_a_negative_number_is_no_option():
    assert read(inputs(number=int), ["-3"]) == {"number": -3}


def test_a_switch_needs_no_value():
    assert read(inputs(deep=bool, name=(str, "")), ["--deep", "--name", "x"]) == {"deep": True, "name": "x"}
    assert read(inputs(deep=bool), ["--deep"]) == {"deep": True}


def test_dashes_in_an_option_are_underscores_in_a_name():
    assert read(inputs(max_parts=int), ["--max-parts", "3"]) == {"max_parts": 3}


def test_a_file_with_an_equals_sign_in_its_name_is_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("a=b").touch()
    assert read(inputs(paths=list[str]), ["a=b", "./c=d"]) == {"paths": ["a=b", "./c=d"]}


def test_what_has_a_default_may_be_left_out():
    assert read(inputs(n=(int, 3)), []) == {}


@pytest.mark.parametrize(
    ("wanted", "words", "said"),
    [
        (inputs(number=int), ["number=x"], ["'number'", "int", "'x'", "integer"]),
        (
            inputs(number=int),
            ["nubmer=3"],
            ["unknown input 'nubmer'", "Did you mean 'number'?", "number (int)"],
        ),
        (inputs(number=int), ["--nubmer", "3"], ["--nubmer", "Did you mean 'number'?"]),
        (inputs(number=int), ["--ofline"], ["--ofline", "'offline'"]),
        (inputs(number=int), ["--xyzzyx"], ["--xyzzyx", "number (int)"]),
        (inputs(number=int), [], ["needs a value for number (int)", "number=..."]),
        (inputs(number=int), ["number=1", "number=2"], ["takes one value", "1, 2"]),
        (inputs(number=int), ["--number"], ["--number needs a value (int)"]),
        (inputs(number=int), ["-n"], ["unknown option -n"]),
        (inputs(number=int), ["--number", "--json"], ["--number needs a value"]),
        (inputs(log=str), ["a", "b"], ["takes one value", 'log="a b"']),
        (inputs(a=str, b=str), ["x"], ["'x' is for which input?", "a (str), b (str)"]),
        (inputs(), ["x"], ["takes no input", "'x'"]),
        (inputs(), ["x=1"], ["unknown input 'x'", "inputs: none"]),
        (inputs(ns=list[int]), ["1", "two"], ["list[int]", "'two'"]),
        (inputs(p=Point), ['{"x": "one"}'], ["Point", "x: "]),
        (inputs(p=Point), ["{broken"], ["Point", "'{broken'"]),
        (inputs(p=Literal["a", "b"]), ["c"], ["'a' or 'b'"]),
        (inputs(o=Opaque), ["x"], ["Opaque", "cannot be written on a command line"]),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(
    wanted: dict[str, Input], words: list[str], said: list[str]
):
    with pytest.raises(InputError) as wrong:
        read(wanted, words)
    assert all(part in str(wrong.value) for part in said), str(wrong.value)


def test_a_stated_input_needs_an_equals_sign():
    with pytest.raises(InputError, match="NAME=VALUE, for example --input n="):
        read(inputs(n=int), [], ["n"])


@pytest.mark.parametrize(
    "kind",
    [list[str], tuple[int, ...], set[str], Sequence[str], list, Annotated[list[str], 1], list[int] | None],
)
def test_lists_are_seen_as_such(kind: Any):
    assert many(kind)


@pytest.mark.parametrize("kind", [str, bytes, dict[str, int], Any, int | None, Literal["a"], Point])
def test_single_values_are_seen_as_such(kind: Any):
    assert not many(kind)


def test_types_are_told_as_people_write_them():
    assert told(list[Path]) == "list[Path]"
    assert told(int | None) == "int | None"
    assert told(Literal["a"]) == "Literal['a']"


@given(st.lists(st.text(min_size=1).filter(lambda text: not text.startswith("-") and "=" not in text)))
def test_words_reach_a_list_of_texts_unchanged(words: list[str]):
    assert read(inputs(words=(list[str], ())), words) == ({"words": words} if words else {})


@given(st.text())
def test_a_named_text_is_taken_as_it_is(text: str):
    assert read(inputs(text=str), [f"text={text}"]) == {"text": text}
    assert read(inputs(text=str), [], [f"text={text}"]) == {"text": text}
