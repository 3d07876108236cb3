"""What tasks give and take is told from annotations, one way or another; where it is not known, nothing is said."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import pydantic
import pytest

import aiorch
from aiorch.workflow import Workflow
from aiorch.workflow.storable import why_not


class Person(pydantic.BaseModel):
    name: str
    home: Home | None = None


class Home(pydantic.BaseModel):
    town: str


class Anything(pydantic.BaseModel, extra="allow"):
    name: str


@dataclass
class Point:
    x: int
    label: str = ""

    def far(self) -> bool:
        return self.x > 9


@dataclass
class Ghost:
    x: int

    def __getattr__(self, name: str) -> str:
        return name


class Row(TypedDict):
    name: str


class Pair(NamedTuple):
    left: int


def number(n: int) -> int:
    return n


def text(s: str) -> str:
    return s


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> str:
        return str(function(*args, **kwargs))

    return inner


class Maker:
    def __call__(self) -> int:
        return 1


def giving(function: Callable[..., Any]) -> tuple[str, ...]:
    """The codes where ``text`` takes what ``function`` gives."""
    flow = Workflow("x")
    flow.add("made", function)
    flow.add("taken", text, uses={"s": "made"})
    return flow.validate().codes


@pytest.mark.parametrize("function", [number, functools.partial(number, 1), Maker(), Point, Maker().__call__])
def test_what_a_function_gives_is_known(function: Callable[..., Any]) -> None:
    assert giving(function) == ("type-mismatch",)


@pytest.mark.parametrize("function", [text, decorated(number), lambda: 1, len, str])
def test_what_is_not_known_is_not_judged(function: Callable[..., Any]) -> None:
    assert "type-mismatch" not in giving(function)


def test_a_name_that_only_type_checkers_know_is_not_judged() -> None:
    def made() -> Unknown:  # type: ignore[name-defined] # noqa: F821
        return 1

    assert giving(made) == ()


def test_none_is_a_type() -> None:
    def nothing() -> None: ...

    assert giving(nothing) == ("type-mismatch",)


def test_what_every_kind_of_task_gives_is_known() -> None:
    @aiorch.tool
    def look(what: str) -> str:
        """Look."""
        return what

    def listed(items: list[int]) -> None: ...

    inner = Workflow("inner")
    inner.ask("a", "Say")
    for build in (
        lambda flow: flow.ask("made", "Say"),
        lambda flow: flow.use("made", look),
        lambda flow: flow.approve("made", "Fine?"),
        lambda flow: flow.wait_for("made", output=str),
        lambda flow: flow.sub("made", inner),
        lambda flow: flow.loop("made", inner, most=2, until="a"),
    ):
        flow = Workflow("x")
        build(flow)
        flow.add("taken", listed, uses={"items": "made"})
        assert "type-mismatch" in flow.validate().codes
    for build in (lambda flow: flow.wait_for("made"), lambda flow: flow.sleep("made", 1)):
        flow = Workflow("x")
        build(flow)
        flow.add("taken", listed, uses={"items": "made"})
        assert flow.validate().codes == ()


def test_a_tools_arguments_have_types() -> None:
    @aiorch.tool
    def repeat(times: int) -> str:
        """Repeat."""
        return "x" * times

    flow = Workflow("x")
    flow.ask("times", "How often?")
    flow.use("again", repeat)
    (problem,) = flow.validate().problems
    assert problem.message == "task 'again' takes times: int, and 'times' gives str"


def test_declared_inputs_have_types() -> None:
    flow = Workflow("x")
    flow.input("n", str)
    flow.add("taken", number)
    flow.ask("each", "On {item}").map(item="n")
    assert flow.validate().codes == ("type-mismatch",)
    assert [p.task for p in flow.validate().problems] == ["taken", "each"]


def test_every_source_of_a_list_is_looked_at() -> None:
    def all_of(parts: list[str]) -> str:
        return "".join(parts)

    flow = Workflow("x")
    flow.ask("a", "Say")
    flow.ask("b", "Count", output=int)
    flow.add("c", lambda: 1)
    flow.add("joined", all_of, uses={"parts": ["a", "b", "c", "input"]})
    (problem,) = flow.validate().problems
    assert "and 'b' gives int" in problem.message


def test_types_are_written_as_people_do() -> None:
    def many(x: dict[str, list[int] | None] | tuple[int, ...]) -> None: ...

    flow = Workflow("x")
    flow.ask("a", "Say")
    flow.add("b", many, uses={"x": "a"})
    assert "takes x: dict[str, list[int] | None] | tuple[int, ...], and 'a' gives str" in str(flow.validate())


# --- fields of prompts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "field", "there"),
    [
        (Person, "name", True),
        (Person, "nam", False),
        (Person, "model_dump", True),  # a method: told when the prompt is written
        (Home, "town.x", False),
        (Home, "town[0]", True),
        (Person, "home.town", True),
        (Anything, "other", True),
        (Point, "label", True),
        (Point, "far", True),
        (Point, "y", False),
        (Ghost, "y", True),
        (Row, "name", True),
        (Row, "y", False),
        (Pair, "y", True),  # not looked into
        (dict[str, int], "y", True),
        (list[int], "y", True),
        (str, "y", False),
        (int, "y", False),
    ],
)
def test_fields_that_a_type_has_not_got_are_found(output: Any, field: str, there: bool) -> None:
    flow = Workflow("x")
    flow.ask("a", "Say", output=output)
    flow.approve("ok", f"{{a.{field}}}?")
    assert flow.validate().codes == (() if there else ("prompt-field",))


def test_fields_of_items_are_looked_at() -> None:
    flow = Workflow("x")
    flow.ask("people", "Who?", output=list[Person])
    flow.ask("each", "On {one.nmae}").map(one="people")
    (problem,) = flow.validate().problems
    assert "Did you mean 'name'" in problem.message


# --- fallbacks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "severity"),
    [
        ({"fallback": 3}, None),
        ({"fallback": "x"}, "error"),
        ({"fallback": None}, "error"),
        ({"on_error": "continue"}, "warning"),
        ({"on_error": "skip"}, None),
        ({}, None),
    ],
)
def test_a_fallback_has_to_fit_those_who_take_it(options: Any, severity: str | None) -> None:
    flow = Workflow("x")
    flow.ask("a", "Count", output=int, **options)
    flow.add("b", number, uses={"n": "a"})
    assert [(p.code, p.severity) for p in flow.validate().problems] == (
        [("fallback-type", severity)] if severity else []
    )


def test_a_fallback_of_a_mapped_task_is_of_one_or_of_all() -> None:
    def build(fallback: Any) -> tuple[str, ...]:
        flow = Workflow("x")
        flow.add("each", number, fallback=fallback).map(n="ns")
        return flow.validate().codes

    assert build(0) == build([0]) == build(None) == ()
    assert build("x") == ("fallback-type",)


# --- what can be kept --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [int, list[Person], dict[str, Point], Row, Pair, Any, object, int | None, set[str], bytes]
)
def test_plain_data_can_be_kept(kind: Any) -> None:
    assert why_not(kind) is None


@pytest.mark.parametrize(
    "kind",
    [
        Iterator[int],
        AsyncIterator[int],
        Callable[[], int],
        type[int],
        threading.Event,
        list[threading.Event],
        int | Iterator[int],
        Exception,
    ],
)
def test_what_is_no_data_cannot(kind: Any) -> None:
    assert why_not(kind) is not None


def test_what_cannot_be_told_is_not_refused() -> None:
    assert why_not(list["Nowhere"]) is None  # noqa: F821 # type: ignore[name-defined]


def test_only_a_durable_engine_has_to_keep_results() -> None:
    def made() -> threading.Event:
        return threading.Event()

    flow = Workflow("x")
    flow.add("a", made)
    flow.add("b", made)
    flow.add("c", lambda: 1)
    assert flow.validate().ok
    assert [p.task for p in flow.validate(durable=True).errors] == ["a", "b"]
