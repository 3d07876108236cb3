"""What goes in and what comes out is of the type that was said."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypedDict

import pytest
from pydantic import BaseModel, Field
from tests.workflow.naming import steady

from aiorch.errors import ResultInvalid
from aiorch.tools import tool
from aiorch.workflow import Run, Workflow
from aiorch.workflow.signature import returned
from aiorch.workflow.values import Mismatch, checked_inputs, checked_result, fitted, named, type_of

if TYPE_CHECKING:
    pass  # pyright: ignore[reportMissingImports]


class Person(BaseModel):
    name: str


class Better(Person): ...


class Thing:
    """A class that pydantic knows nothing of."""


class Likes(Protocol):
    def like(self) -> None: ...


class Row(TypedDict):
    name: str


def takes(
    days: int, names: list[str], person: Person, target: Path = Path("x"), free: Any = None
) -> None: ...


def flow_of(function: Any, **options: Any) -> Workflow:
    flow = Workflow("f")
    flow.add("t", function, **options)
    return flow


# --- inputs ------------------------------------------------------------------------------------------------------


def test_inputs_become_what_annotations_say() -> None:
    graph = flow_of(takes).graph()
    given = {"days": "7", "names": ["a"], "person": {"name": "x"}, "target": "y", "free": object()}
    values, problems = checked_inputs(graph, given)
    assert problems == ()
    assert values == {**given, "days": 7, "person": Person(name="x"), "target": Path("y")}
    assert given["days"] == "7"


def test_every_input_that_is_something_else_is_told_without_its_value() -> None:
    given = {"days": "secret", "names": ["a", 5], "person": {"nmae": "x"}}
    values, problems = checked_inputs(flow_of(takes).graph(), given)
    assert [problem.split(":")[0] for problem in problems] == [
        "[input] 'days' should be an int",
        "[input] 'names' should be a list[str]",
        "[input] 'person' should be a Person",
    ]
    assert "1: Input should be a valid string" in problems[1]
    assert "secret" not in "".join(problems)
    assert values == given


def test_what_only_prompts_take_may_be_anything() -> None:
    flow = Workflow("f")
    flow.ask("a", "{x[0]} {y}").map({"y": "ys"}).when("z", 3)
    flow.approve("b", "{x}")
    given = {"x": [1], "ys": (1, 2), "z": 3}
    assert checked_inputs(flow.graph(), given) == (given, ())


def test_a_mapped_parameter_takes_a_list() -> None:
    flow = Workflow("f")
    flow.add("t", takes, uses={"names": ("a", "b")}).map(days="all", person="people")
    values, problems = checked_inputs(
        flow.graph(), {"all": ["1", 2], "people": [{"name": "x"}], "a": 1, "b": "c"}
    )
    assert problems == ()
    assert values["all"] == [1, 2]
    assert values["people"] == [Person(name="x")]


def test_declared_types_and_defaults_come_first() -> None:
    flow = flow_of(takes)
    flow.input("days", float, default="2.5", about="how far to look back")
    flow.input("names")
    flow.input("unused", int)
    one = flow.graph().inputs()
    assert list(one) == ["days", "names", "unused", "person", "target", "free"]
    assert (one["days"].used_by, one["days"].about, one["days"].required) == (
        ("t",),
        "how far to look back",
        False,
    )
    assert one["unused"].required
    assert one["unused"].used_by == ()
    values, problems = checked_inputs(flow.graph(), {"names": 5, "unused": "x"})
    assert values == {"names": 5, "unused": "x", "days": 2.5}
    assert problems == (
        "[input] 'unused' should be an int: Input should be a valid integer, unable to parse string as an integer",
    )


def test_an_input_of_another_workflow_and_of_a_tool_has_its_type() -> None:
    inner = Workflow("inner")
    inner.add("t", takes)

    @tool
    def weather(city: str, days: int) -> str:
        """The weather."""
        return city

    flow = Workflow("f")
    flow.sub("s", inner, uses={"names": "others"})
    flow.use("w", weather, uses={"days": "count"})
    inputs = flow.graph().inputs()
    assert {name: one.type for name, one in inputs.items() if one.sure} == {
        "days": int,
        "others": list[str],
        "person": Person,
        "target": Path,
        "city": str,
        "count": int,
    }
    assert not inputs["target"].required


def test_objects_of_the_callers_are_no_inputs() -> None:
    def ours(run: Run, thing: Thing, days: int) -> None: ...

    assert list(flow_of(ours).graph().inputs([Thing])) == ["days"]


# --- results -----------------------------------------------------------------------------------------------------


def gives(annotation: Any) -> Any:
    def function() -> Any: ...

    function.__annotations__["return"] = annotation
    return flow_of(function).graph().nodes[0]


THING, ROWS = Thing(), [{"name": "x"}]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("int", 3),
        (int, True),
        ("Person", Better(name="x")),
        ("list[Person]", [Person(name="x")]),
        ("dict[str, list[int]]", {"a": [1]}),
        ("int | None", None),
        ("Literal['a', 'b']", "b"),
        ("set[int]", {1}),
        ("list[Any]", [1, "a"]),
        ("Iterator[int]", iter(["not looked at"])),
        ("Thing", THING),
        ("list[Thing]", [THING]),
        (None, None),
        ("None", None),
        ("Unknown", 5),
        ("not an annotation", 5),
        ("Likes", THING),
        (Any, THING),
        ("list[list[int]]", [[1], [2]]),
    ],
    ids=steady,
)
def test_a_value_of_its_type_stays_what_it_is(annotation: Any, value: Any) -> None:
    assert checked_result(gives(annotation), value) is value


@pytest.mark.parametrize(
    ("annotation", "value", "becomes"),
    [
        ("int", "3", 3),
        ("float", 3, 3.0),
        ("list[int]", ["1"], [1]),
        ("Person", {"name": "x"}, Person(name="x")),
        ("list[Row]", ROWS, ROWS),
        ("tuple[int, str]", ["1", "a"], (1, "a")),
        ("Path", "x", Path("x")),
        (Annotated[int, Field(ge=0)], 3, 3),
        (Annotated[int, ["no hash"]], "3", 3),
        ("tuple[int, str]", (1, "a"), (1, "a")),
    ],
    ids=steady,
)
def test_a_value_that_can_become_it_does(annotation: Any, value: Any, becomes: Any) -> None:
    assert checked_result(gives(annotation), value) == becomes


@pytest.mark.parametrize(
    ("annotation", "value", "says"),
    [
        (
            "int",
            "secret",
            "should give an int, and gave a value of type str: Input should be a valid integer",
        ),
        (
            "Person",
            {"secret": 1},
            "should give a Person, and gave a value of type dict: name: Field required",
        ),
        (None, 3, "should give None, and gave a value of type int"),
        (
            "list[Thing]",
            [5],
            "should give a list[Thing], and gave a value of type list: 0: Input should be",
        ),
        ("Iterator[int]", 5, "should give an Iterator[int], and gave a value of type int"),
        (Annotated[int, Field(ge=0)], -3, "greater than or equal to 0"),
        ("list[int]", ["x"] * 9, "; and 4 more"),
        ("Literal['a']", "c", "should give a Literal['a']"),
        ("Unknown | None", 5, ""),
    ],
    ids=steady,
)
def test_a_value_that_is_something_else_is_told_by_its_task(annotation: Any, value: Any, says: str) -> None:
    if not says:
        assert checked_result(gives(annotation), value) == value
        return
    with pytest.raises(ResultInvalid) as caught:
        checked_result(gives(annotation), value)
    assert "task 't' " in str(caught.value)
    assert says in str(caught.value).replace(f"{__name__}.", "").replace("collections.abc.", "")
    assert "secret" not in str(caught.value).replace("secret: Extra", "")


def test_events_are_held_to_their_type_too_and_answers_were_already() -> None:
    flow = Workflow("f")
    flow.wait_for("paid", output=Person)
    flow.wait_for("any")
    flow.ask("answer", "x", output=int)
    paid, anything, answer = flow.graph().nodes
    assert checked_result(paid, {"name": "x"}) == Person(name="x")
    assert checked_result(anything, {"name": "x"}) == {"name": "x"}
    assert checked_result(answer, "x") == "x"
    with pytest.raises(ResultInvalid, match="task 'paid' should give a Person"):
        checked_result(paid, 5)


def test_what_a_workflow_inside_gives_may_come_from_another_process() -> None:
    inner = Workflow("inner")
    inner.ask("person", "x", output=Person)
    flow = Workflow("f")
    flow.sub("s", inner)
    assert checked_result(flow.graph().nodes[0], {"name": "x"}) == Person(name="x")


def test_a_class_that_is_defined_again_is_the_new_one() -> None:
    node = gives("Fresh")
    for _ in range(2):
        globals()["Fresh"] = type("Fresh", (), {})
        checked_result(node, globals()["Fresh"]())
    with pytest.raises(ResultInvalid):
        checked_result(node, 5)
    del globals()["Fresh"]


# --- types -------------------------------------------------------------------------------------------------------


def test_the_type_of_every_kind_of_task_is_known() -> None:
    inner = Workflow("inner")
    inner.ask("person", "{x}", output=Person)

    @tool
    def weather(city: str) -> str:
        """The weather."""
        return city

    flow = Workflow("f")
    flow.ask("ask", "x", output=int)
    flow.add("call", lambda: 3)
    flow.add("class", Thing)
    flow.add("typed", returns)
    flow.add("method", Method().gives)
    flow.add("object", Method())
    flow.add("builtin", len)
    flow.use("use", weather)
    flow.sub("sub", inner).map(x="xs")
    flow.loop("loop", inner, most=2)
    flow.sub("empty", Workflow("empty"))
    flow.approve("approve", "?")
    flow.wait_for("event", output=Literal["a"])
    flow.wait_for("anything")
    flow.sleep("sleep", 1)
    assert {node.name: type_of(node) for node in flow.graph().nodes} == {
        "ask": int,
        "call": Any,
        "class": Thing,
        "typed": list[Person],
        "method": Path,
        "object": Row,
        "builtin": Any,
        "use": str,
        "sub": list[Person],
        "loop": Person,
        "empty": Any,
        "approve": bool,
        "event": Literal["a"],
        "anything": Any,
        "sleep": type(None),
    }


def returns() -> list["Person"]: ...  # noqa: UP037 - a name inside may be text once more


class Method:
    def gives(self) -> Path: ...

    def __call__(self) -> Row: ...


def test_types_are_called_as_people_call_them() -> None:
    assert named(list[int]) == "a list[int]"
    assert named(Iterator[int]).endswith("Iterator[int]")
    assert named(type(None)) == "None"
    assert named(Any) == "an Any"


def test_a_value_that_fits_is_not_looked_at_by_anybody_else() -> None:
    with pytest.raises(Mismatch, match="valid integer"):
        fitted(int, "x")
    code = (
        "import sys; from aiorch.workflow.values import fitted\n"
        "fitted(str, 'x'); fitted(list[str], ['x']); fitted(dict[str, int], {'a': 1}); fitted(int | None, None)\n"
        "print('pydantic' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


class _Late:
    """Annotations of Python 3.14: the first reading fails, where a name is known to the type checker only."""

    read = False

    def __call__(self) -> None: ...

    @property
    def __annotations__(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        if not self.read:
            self.read = True
            raise NameError("Unknown")
        return {"return": int}


def test_a_partial_and_an_annotation_that_cannot_be_evaluated_have_types_too() -> None:
    late: Any = type("Late", (), {"__call__": _Late()})()
    flow = flow_of(functools.partial(returns))
    assert type_of(flow.graph().nodes[0]) == list[Person]
    assert returned(late) is int
