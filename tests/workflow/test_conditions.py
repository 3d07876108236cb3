"""Which conditions can never hold together; whatever cannot be told may."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from aiorch.workflow import Workflow


class Prickly:
    def __eq__(self, other: object) -> bool:
        raise ValueError("compare me with nothing")

    __hash__ = None  # type: ignore[assignment]


def codes(*tests: Any, output: Any = Any) -> tuple[str, ...]:
    flow = Workflow("x")
    flow.ask("source", "Say", output=output)
    step = flow.ask("chosen", "Go on")
    for test in tests:
        step.when("source", test)
    return flow.validate().codes


@pytest.mark.parametrize(
    "tests",
    [
        (True, False),
        ("a", "b"),
        (1, 2),
        (True, ""),
        ("", True),
        (False, "a"),
        (0, True),
        (True, lambda v: v, False),
    ],
)
def test_conditions_that_contradict_each_other_are_found(tests: tuple[Any, ...]) -> None:
    assert codes(*tests) == ("unreachable",)


@pytest.mark.parametrize(
    "tests",
    [
        (),
        (True,),
        (True, True),
        (True, "a"),
        (False, 0),
        (1, 1.0),
        ("a", lambda v: False),
        (lambda v: v, lambda v: not v),
        (Prickly(), Prickly()),
        ([1], [2]),  # not looked into
    ],
)
def test_conditions_that_may_hold_together_are_left_alone(tests: tuple[Any, ...]) -> None:
    assert codes(*tests) == ()


@pytest.mark.parametrize(
    ("output", "test", "possible"),
    [
        (Literal["a", "b"], "a", True),
        (Literal["a", "b"], "c", False),
        (Literal["a", "b"], True, True),
        (Literal["a", "b"], lambda v: v == "c", True),
        (str, "c", True),
        (str, 3, False),
        (bool, "yes", False),
        (int, 3, True),
        (int, [3], True),
        (Any, "c", True),
    ],
)
def test_a_value_that_the_source_never_has_is_found(output: Any, test: Any, possible: bool) -> None:
    assert codes(test, output=output) == (() if possible else ("unreachable",))


def test_who_has_a_default_or_takes_a_list_inherits_nothing() -> None:
    def default(left: str = "", right: Any = "") -> None: ...

    def listed(parts: list[Any]) -> None: ...

    flow = Workflow("x")
    flow.ask("kind", "Which?")
    flow.ask("left", "Left").when("kind", "left")
    flow.ask("right", "Right", output=list[str]).when("kind", "right")
    flow.add("either", default)
    flow.add("parts", listed, uses={"parts": ["left", "right"]})
    flow.ask("after", "Later", after=["left", "right"])
    assert flow.validate().problems == ()
    flow.ask("each", "{left} {item}").map(item="right")
    flow.ask("below", "{each}").when("kind", "left")
    (problem,) = flow.validate().problems  # only where it begins
    assert problem.message == "task 'each' never runs: 'kind' would have to be 'left' and 'right'"


def test_what_the_workflow_gives_must_be_able_to_run() -> None:
    flow = Workflow("x")
    flow.ask("a", "Say").when("x").when("x", False)
    assert flow.validate().ok
    assert [p.severity for p in flow.gives("a").validate().problems] == ["error"]
