"""Every problem is found before anything runs, all at once, with a code and a cure."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import InvalidWorkflow
from aiorch.workflow import Graph, Workflow
from aiorch.workflow.nodes import REQUIRED
from aiorch.workflow.validation import CODES, cycles, problems


def codes(found: tuple[str, ...]) -> list[str]:
    return [problem.split("]")[0].removeprefix("[") for problem in found]


def needs_an_orchestrator(ai: aiorch.Orchestrator) -> None: ...  # type: ignore[name-defined] # noqa: F821


def test_a_good_workflow_has_no_problem() -> None:
    flow = Workflow("good")
    flow.ask("a", "{x}")
    flow.ask("b", "{a}", after=["a"])
    assert flow.problems() == ()
    assert flow.problems(["x"]) == ()


def test_all_problems_come_at_once() -> None:
    flow = Workflow("bad")
    flow.ask("facts", "{log")
    flow.ask("facts", "{log}")
    flow.ask("1st", "{fcats}")
    flow.add("save", lambda draft: draft, after=["drft"], uses={"nobody": "facts"})
    flow.ask("draft", "{last}")
    flow.ask("last", "{draft}")
    flow.ask("mapped", "{x}").map(y="facts")
    flow.ask("mapped2", "{x}").map()
    flow.ask("mapped3", "{x}").map(x="facts", label="{z}")
    flow.ask("mapped4", "{x}").map(x="facts", label="{")
    flow.add("odd", type)
    flow.add("rich", lambda run, ai: 1)
    flow.add("needs", needs_an_orchestrator)
    found = problems(flow.graph(), ["log", "surplus", "draft"], [])
    assert set(codes(found)) == set(CODES) - {"empty", "document"}


def test_an_empty_workflow_is_a_problem() -> None:
    assert codes(Workflow("nothing").problems()) == ["empty"]


def test_a_cycle_is_told_with_its_path_in_the_direction_of_the_values() -> None:
    flow = Workflow("round")
    flow.ask("start", "{x}")
    flow.ask("a", "{start} {c}")
    flow.ask("b", "{a}")
    flow.ask("c", "{b}")
    flow.ask("end", "{c}")
    assert flow.problems() == ("[cycle] a -> b -> c -> a: tasks cannot wait for each other",)


def test_each_of_two_cycles_is_told() -> None:
    flow = Workflow("rounds")
    flow.ask("self", "{self}")
    flow.ask("x", "{y}")
    flow.ask("y", "{x}")
    assert sorted(map(tuple, cycles(flow.graph()))) == [("self", "self"), ("x", "y", "x")]


def test_nearest_names_are_offered() -> None:
    flow = Workflow("near")
    flow.ask("facts", "{log}")
    flow.ask("draft", "{fatcs}", after=["fact"])
    unknown, missing, surplus = flow.problems(["log", "lgo"])
    assert (
        unknown
        == "[unknown-task] task 'draft' is to run after 'fact', which does not exist. Did you mean 'facts'?"
    )
    assert (
        missing
        == "[missing-input] 'fatcs' (for 'draft') is neither a task nor handed in. Did you mean 'facts'?"
    )
    assert "Did you mean 'log'?" in surplus


def test_a_surplus_input_is_told_what_there_is() -> None:
    flow = Workflow("x")
    flow.ask("a", "{log}")
    assert "takes 'log'" in flow.problems(["log", "zzz"])[0]
    other = Workflow("y")
    other.ask("a", "nothing")
    assert "takes none" in other.problems(["zzz"])[0]


def test_invalid_workflow_carries_every_problem() -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        raise InvalidWorkflow("x", Workflow("x").problems())
    assert caught.value.problems[0].startswith("[empty]")


def test_mapping_twice_is_refused_at_once() -> None:
    flow = Workflow("x")
    step = flow.ask("a", "{x}{y}").map(x="xs")
    with pytest.raises(InvalidWorkflow, match="mapped twice"):
        step.map(y="ys")


def test_inputs_have_the_types_that_annotations_tell() -> None:
    flow = Workflow("x")

    @flow.task
    def first(paths: list[Path], out: Path = Path("o"), anything=1) -> int:  # type: ignore[no-untyped-def]
        return 1

    @flow.task
    def second(out: Path, prompt: str) -> int:
        return 1

    flow.ask("third", "{prompt} {question} {first}")
    flow.ask("each", "{q}").map(q="questions")
    flow.add("every", lambda a, b: a, uses={"a": ["loose", "first"]}).map(b="bs")
    flow.add("typed", len_of).map(word="words")
    assert flow.inputs() == {
        "paths": list[Path],
        "out": Path,
        "anything": Any,
        "prompt": str,
        "question": str,
        "questions": list[str],
        "loose": Any,
        "bs": list[Any],
        "words": list[str],
    }
    told = flow.graph().inputs()
    assert told["out"].required  # for second() has no default
    assert told["out"].used_by == ("first", "second")
    assert told["anything"].default == 1
    assert not told["anything"].required
    assert repr(REQUIRED) == "REQUIRED"


def len_of(word: str) -> int:
    return len(word)


def test_the_version_changes_with_what_would_be_done() -> None:
    def made(prompt: str = "{x}", after: tuple[str, ...] = ()) -> Graph:
        flow = Workflow("v")
        flow.add("f", len_of).map(word="words")
        flow.ask("a", prompt, after=after)
        return flow.graph()

    assert made().version == made().version
    assert len({made().version, made("{y}").version, made(after=("f",)).version}) == 3


def test_a_graph_is_frozen_while_the_builder_goes_on() -> None:
    flow = Workflow("x")
    flow.ask("a", "1")
    before = flow.graph()
    flow.ask("b", "2")
    assert len(before.nodes) == 1
    assert len(flow.graph().nodes) == 2
    with pytest.raises(AttributeError):
        before.nodes[0].name = "other"  # type: ignore[misc]


@st.composite
def dags(draw: st.DrawFn) -> list[list[int]]:
    n = draw(st.integers(1, 12))
    return [draw(st.lists(st.integers(0, i - 1), unique=True, max_size=4)) if i else [] for i in range(n)]


def built(deps: list[list[int]]) -> Workflow:
    flow = Workflow("dag")
    for i, needed in enumerate(deps):
        flow.add(f"n{i}", lambda ins: ins, uses={"ins": [f"n{j}" for j in needed]})
    return flow


@given(dags())
def test_no_cycle_is_told_of_a_dag(deps: list[list[int]]) -> None:
    assert problems(built(deps).graph(), ()) == ()


@given(dags(), st.data())
def test_an_edge_back_is_always_found(deps: list[list[int]], data: st.DataObject) -> None:
    pairs = [(i, j) for i, needed in enumerate(deps) for j in needed] or [(0, 0)]
    late, early = data.draw(st.sampled_from(pairs))
    deps[early].append(late)
    found = list(cycles(built(deps).graph()))
    assert found
    edges = {(f"n{j}", f"n{i}") for i, needed in enumerate(deps) for j in needed}
    for path in found:
        assert path[0] == path[-1]
        assert all(step in edges for step in itertools.pairwise(path))


@given(dags())
def test_heights_fall_along_every_edge(deps: list[list[int]]) -> None:
    heights = built(deps).graph().heights
    assert all(heights[j] > heights[i] for i, needed in enumerate(deps) for j in needed)


def test_tasks_of_a_cycle_have_no_height() -> None:
    assert built([[0]]).graph().heights == (0,)
