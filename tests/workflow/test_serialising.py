"""A workflow as data: nothing is lost on the way there and back, and what has no words is named with its cure."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel, Field
from tests.workflow.drawing import workflows
from tests.workflow.naming import steady

from aiorch.errors import InputError, NotSerialisable
from aiorch.tools import tool
from aiorch.types import ToolSpec
from aiorch.workflow import Workflow
from aiorch.workflow.nodes import Retry

SCHEMA = jsonschema.Draft202012Validator(Workflow.schema())
FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Person(BaseModel):
    name: str


class Counted:
    """A tool that is an object of a class of its own."""

    spec = ToolSpec("counted", "Counts.", {"type": "object", "properties": {"n": {}}, "required": ["n"]})
    idempotent = True

    async def call(self, arguments: Any) -> str:
        return str(arguments)


counted = Counted()


class Unnamed:
    """A function that is an object."""

    def __call__(self) -> None: ...


@tool
def shout(text: str) -> str:
    """Louder."""
    return text.upper()


def words(text: str) -> list[str]:
    return text.split()


# --- there and back ----------------------------------------------------------------------------------------------


@FEW
@given(workflows())
def test_reading_what_was_written_gives_the_same_workflow(flow: Workflow) -> None:
    document = flow.to_dict()
    again = Workflow.from_dict(json.loads(json.dumps(document)))
    assert again.graph() == flow.graph()
    assert again.graph().version == flow.graph().version
    assert again.to_dict() == document
    assert [node.problems for node in again.graph().nodes] == [node.problems for node in flow.graph().nodes]
    assert list(SCHEMA.iter_errors(document)) == []


@settings(FEW, max_examples=15)
@given(flow=workflows(nulls=False))
def test_files_give_the_same_workflow_too(flow: Workflow, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("files")
    for ending in ("yaml", "toml", "json"):
        path = folder / f"flow.{ending}"
        flow.save(path)
        again = Workflow.from_file(path)
        assert again.graph() == flow.graph(), ending
        assert again.to_dict() == flow.to_dict(), ending


def test_a_function_is_written_by_its_name() -> None:
    flow = Workflow("f")
    flow.add("words", words, uses={"text": ["a", "b"]})
    flow.use("counted", counted)
    flow.ask("person", "{words}", output=Person, tools=[shout, counted])
    document = flow.to_dict()
    assert document["tasks"] == {
        "words": {"call": f"{__name__}:words", "uses": {"text": ["a", "b"]}},
        "counted": {"use": f"{__name__}:counted"},
        "person": {
            "ask": "{words}",
            "output": f"{__name__}:Person",
            "tools": [f"{__name__}:shout", f"{__name__}:counted"],
        },
    }
    assert Workflow.from_dict(document).graph() == flow.graph()


def test_nothing_is_written_that_is_a_default() -> None:
    flow = Workflow("f")
    flow.ask("a", "x", retry=Retry(), on_error="fail", fallback=None)
    flow.gives("a")
    assert flow.to_dict()["tasks"] == {"a": {"ask": "x", "retry": 3}}
    flow = Workflow("f")
    flow.ask("a", "x", fallback=None)
    assert flow.to_dict()["tasks"] == {"a": {"ask": "x", "on_error": "continue"}}


# --- what has no words -------------------------------------------------------------------------------------------


def _local() -> Callable[[str], str]:
    def inner(text: str) -> str:
        return text

    return inner


def _without_words() -> Workflow:
    flow = Workflow("f")
    flow.add("lambda", lambda x: x)
    flow.add("local", _local())
    flow.add("partial", functools.partial(words, "a"))
    flow.add("uses", words, uses={"nobody": "a"})
    flow.add("instance", Unnamed())
    flow.add("tool", shout.function)
    flow.add("method", Path("x").exists)
    flow.add("object", counted.call)
    flow.ask("output", "x", output=Annotated[int, Field(ge=0)])
    flow.ask("union", "x", output=int | str)
    flow.ask("pairs", "x", output=dict[str, Literal["a", "b"]])
    flow.ask("when", "x").when("output", lambda value: value > 3)
    flow.ask("tuple", "x", fallback=(1, 2))
    flow.ask("date", "x", fallback={"a": [Path("x")]})
    flow.ask("nan", "x").when("output", float("nan"))
    flow.ask("key", "x", fallback={1: 2})
    flow.ask("tools", "x", tools=[Counted()])
    flow.ask("error", "x", retry=Retry(on=(type("Local", (Exception,), {"__module__": "nowhere"}),)))
    flow.add("main", _in("__main__"))
    flow.add("file", _in("aiorch_workflow_flows"))
    inner = Workflow("inner")
    inner.add("deep", lambda x: x)
    flow.sub("outer", inner)
    flow.ask("twice", "x")
    flow.ask("twice", "y")
    flow.input("given", Person, default=Person(name="x"))
    flow.input("odd", default=object())
    return flow


def _in(module: str) -> Callable[[], None]:
    def made() -> None: ...

    made.__module__, made.__qualname__ = module, "made"
    return made


SAYS = {
    "lambda": "move it to the top level, under a name",
    "local": "move it to the top level",
    "partial": "a partial has no name: write a def in a module",
    "uses": "the function has no parameter 'nobody'",
    "instance": "an object of Unnamed has no name in a module",
    "tool": "is something else than what is meant",
    "method": "is something else than what is meant",
    "object": "is something else than what is meant",
    "output": "make it a class of a module",
    "union": "no words for the type int | str",
    "pairs": "no words for the type dict",
    "when": "a function can be said in code only: let a task give the value",
    "tuple": "holds a tuple, which JSON has not",
    "date": "holds a PosixPath",
    "nan": "holds a float that is no number",
    "key": "holds a int as a key",
    "tools": "the tool 'counted' has no name",
    "error": "is something else than what is meant",
    "main": "lies in the program itself, which nobody can import",
    "file": "lies in the program itself",
    "outer/deep": "move it to the top level",
    "twice": "is the name of two tasks",
    "odd": "holds a object",
}


def test_everything_without_words_is_named_with_its_cure() -> None:
    with pytest.raises(NotSerialisable) as caught:
        _without_words().to_dict()
    told = {problem.removeprefix("[document] ").split(":")[0]: problem for problem in caught.value.problems}
    assert told.keys() == SAYS.keys()
    for task, says in SAYS.items():
        assert says in told[task]


def test_a_workflow_without_tasks_is_not_written() -> None:
    with pytest.raises(NotSerialisable, match="has no task"):
        Workflow("f").to_dict()


def test_toml_has_no_null(tmp_path: Path) -> None:
    flow = Workflow("f")
    flow.ask("a", "x", fallback={"b": [None]})
    with pytest.raises(NotSerialisable, match="a: 'fallback' is null, which TOML has not: use YAML"):
        flow.save(tmp_path / "f.toml")
    flow.save(tmp_path / "f.yaml")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    flow = Workflow("f")
    flow.ask("a", "x")
    with pytest.raises(InputError, match=r"should end in \.yaml, \.yml, \.toml, \.json"):
        flow.save(tmp_path / "f.txt")
    with pytest.raises(InputError, match="cannot be written"):
        flow.save(tmp_path / "nowhere" / "f.yaml")


# --- the version -------------------------------------------------------------------------------------------------


def _flow(**changed: Any) -> Workflow:
    """A workflow, with something changed in it."""
    inner = Workflow("inner")
    inner.ask("deep", changed.pop("deep", "{x}"))
    flow = Workflow(changed.pop("name", "f"))
    flow.input("x", changed.pop("kind", str))
    flow.ask(
        "a",
        changed.pop("prompt", "{x}"),
        agent=changed.pop("agent", "general"),
        after=changed.pop("after", ()),
    )
    flow.add(
        "b",
        changed.pop("function", words),
        uses=changed.pop("uses", None),
        fallback=changed.pop("fallback", {1}),
    )
    flow.sub("c", inner).when("a", changed.pop("test", True))
    flow.ask("d", "x", **changed)
    return flow


def other(text: str, more: str = "") -> list[str]:
    return []


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "g"},
        {"kind": int},
        {"prompt": "{x}!"},
        {"agent": "coding_agent"},
        {"after": "d"},
        {"function": other},
        {"uses": {"text": "a"}},
        {"fallback": {2}},
        {"deep": "{x}!"},
        {"test": False},
        {"test": 1},
        {"test": words},
        {"retry": 2},
        {"retry": Retry(on=(OSError,))},
        {"priority": 1},
        {"output": Annotated[int, Field(ge=0)]},
        {"tools": [counted]},
    ],
    ids=steady,
)
def test_any_change_makes_another_version(changed: dict[str, Any]) -> None:
    same, another = _flow().graph(), _flow(**changed).graph()
    assert len(same.version) == 16
    assert same == _flow().graph()
    assert hash(same) == hash(_flow().graph())
    assert same.version == _flow().graph().version
    assert another.version != same.version
    assert another != same
    assert same != "something else"


def test_a_functions_body_is_not_part_of_the_version_and_its_parameters_are() -> None:
    def flow(function: Callable[..., Any]) -> str:
        made = Workflow("f")
        function.__qualname__ = "f"
        made.add("a", function)
        return made.graph().version

    assert flow(lambda x: x) == flow(lambda x: x + 1)
    assert flow(lambda x: x) != flow(lambda y: y)


@dataclass
class Point:
    x: int


def test_whatever_a_workflow_holds_it_has_a_version() -> None:
    graph = _without_words().graph()
    assert graph.version == _without_words().graph().version
    odd = [Point(1), Point(2), {(1, 2): 3}, {1, 2}, words, Person, object(), 1j]

    def version(value: Any) -> str:
        flow = Workflow("f")
        flow.ask("a", "x", fallback=value)
        return flow.graph().version

    assert len({version(value) for value in odd}) == len(odd)


PROGRAM = """
import functools
from aiorch.workflow import Workflow, load
class Odd: ...
def words(text): ...
flow = Workflow("f")
flow.add("c", functools.partial(words, text=Odd()))
flow.ask("d", "x", output=Odd | int)
flow.add("a", words, fallback={"b", "a", "c"})
flow.ask("b", "x", fallback=words)
if __name__ == "__main__":
    print(flow.graph().version, load(__file__).graph().version)
"""


def test_the_version_is_the_same_in_every_process_however_the_file_is_run(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(PROGRAM)
    said = {
        subprocess.run(
            [sys.executable, str(tmp_path / "flows.py")],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    [line] = said
    assert len(set(line.split())) == 1
