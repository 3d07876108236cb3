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
from aiorch.workflow.codes import CODES
from aiorch.workflow.facts import Thresholds
from aiorch.workflow.nodes import REQUIRED
from aiorch.workflow.structure import cycles, misspelt
from aiorch.workflow.validation import problems, validate


def test_a_good_workflow_has_no_problem() -> None:
    flow = Workflow("good")
    flow.ask("a", "{x}")
    flow.ask("b", "{a}", after=["a"])
    assert flow.validate().problems == ()
    report = flow.validate(["x"])
    assert report.ok
    assert report.raise_for_errors() is report
    assert str(report) == "good: no problem found"


def test_a_workflow_that_gives_the_value_of_no_task_is_told_before_it_runs() -> None:
    flow = Workflow("w")
    flow.add("facts", lambda: 1)
    flow.gives("fatcs")
    [problem] = flow.validate().errors
    assert problem.code == "unknown-task"
    assert "Did you mean 'facts'?" in problem.message


def test_all_problems_come_at_once_errors_first() -> None:
    flow = Workflow("bad")
    flow.ask("facts", "{log")
    flow.ask("facts", "{log}")
    flow.ask("1st", "{other}")
    flow.add("save", lambda draft: draft, after=["drft"], uses={"nobody": "facts"})
    flow.ask("draft", "{last}")
    flow.ask("last", "{draft}")
    flow.ask("mapped", "{x}").map(y="facts", most=None)
    flow.ask("never", "no").when("x", True).when("x", False)
    report = flow.validate(["log", "surplus", "draft", "x"])
    assert set(report.codes) == {
        "cycle",
        "duplicate",
        "map",
        "missing-input",
        "name",
        "parameter",
        "template",
        "unbounded",
        "unknown-input",
        "unknown-task",
        "unreachable",
    }
    severities = [p.severity for p in report.problems]
    assert severities == sorted(severities)
    assert {p.code for p in report.warnings} == {"unbounded", "unreachable"}
    assert not report.ok
    with pytest.raises(InvalidWorkflow) as caught:
        report.raise_for_errors()
    assert caught.value.problems == tuple(map(str, report.errors))
    assert all(p.startswith("[") for p in caught.value.problems)
    assert str(report).startswith(f"bad: {len(report.errors)} errors, 3 warnings\n  error: [")
    assert [record["code"] for record in report.to_records()] == [p.code for p in report.problems]


def test_every_problem_names_its_place_what_helps_and_the_guides_rule() -> None:
    flow = Workflow("bad")
    flow.ask("a", "{b}")
    flow.ask("b", "{a}")
    (problem,) = flow.validate().problems
    assert (problem.code, problem.task, problem.severity) == ("cycle", "a", "error")
    assert problem.rule == "no_circular_dependencies"
    assert problem.cure == CODES["cycle"].cure


def test_an_empty_workflow_is_a_problem() -> None:
    assert Workflow("nothing").validate().codes == ("empty",)


def test_a_cycle_is_told_with_its_path_in_the_direction_of_the_values() -> None:
    flow = Workflow("round")
    flow.ask("start", "{x}")
    flow.ask("a", "{start} {c}")
    flow.ask("b", "{a}")
    flow.ask("c", "{b}")
    flow.ask("end", "{c}")
    cycle, behind = flow.validate().problems
    assert cycle.message == "a -> b -> c -> a: tasks cannot wait for each other"
    assert (behind.code, behind.task, behind.severity) == ("unreachable", "end", "warning")


def test_many_tasks_behind_a_circle_are_one_problem() -> None:
    flow = Workflow("round")
    flow.ask("self", "{self}")
    for i in range(9):
        flow.ask(f"t{i}", "{self}")
    _, behind = flow.validate().problems
    assert "and 4 more never run" in behind.message


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
    unknown, missing, misspelling, surplus = flow.validate(["lgo"]).problems
    assert unknown.message.endswith("'fact', which does not exist. Did you mean 'facts'?")
    assert (misspelling.code, misspelling.severity) == ("prompt-variable", "error")
    assert misspelling.message.endswith("'fatcs', which nothing gives. Did you mean 'facts'?")
    assert missing.message == "'log' (for 'facts') is neither a task nor handed in. Did you mean 'lgo'?"
    assert "Did you mean 'log'?" in surplus.message


def test_without_inputs_a_misspelling_is_a_suspicion() -> None:
    flow = Workflow("near")
    flow.ask("facts", "{log}")
    flow.ask("draft", "{fatcs}").when("fatcs")
    flow.ask("more", "{factz}").when("fatcs2")
    flow.ask("last", "more").when("fcats")
    report = flow.validate()
    assert report.ok
    assert [(p.code, p.task) for p in report.warnings] == [("when-source", "draft"), ("when-source", "last")]


def test_what_is_declared_is_no_suspicion() -> None:
    flow = Workflow("near")
    flow.input("fatcs", str)
    flow.ask("facts", "{log}")
    flow.ask("draft", "{fatcs}").when("fatcs")
    assert flow.validate().problems == ()
    assert flow.validate(["log"]).codes == ("missing-input",)


def test_a_condition_on_nothing_is_told_as_such() -> None:
    flow = Workflow("when")
    flow.ask("a", "Say").when("asked")
    flow.ask("b", "{both}").when("both")
    report = flow.validate([])
    assert [(p.code, p.task) for p in report.problems] == [
        ("missing-input", "b"),
        ("when-source", "a"),
        ("when-source", "b"),
    ]
    assert flow.validate(["asked", "both"]).ok


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("fatcs", "facts", True),
        ("sumary", "summary", True),
        ("summmary", "summary", True),
        ("letter", "letters", False),
        ("draft1", "draft2", False),
        ("draft12", "draft21", False),
        ("part_a", "part_b", False),
        ("row", "rwo", False),
        ("facts", "facts", False),
        ("article", "particle", False),
        ("abcdef", "badcfe", False),
    ],
)
def test_only_sure_misspellings_are_told(name: str, known: str, meant: bool) -> None:
    assert misspelt(name, [known]) == (known if meant else None)


def test_a_surplus_input_is_told_what_there_is() -> None:
    flow = Workflow("x")
    flow.ask("a", "{log}")
    assert "takes 'log'" in flow.validate(["log", "zzz"]).problems[0].message
    other = Workflow("y")
    other.ask("a", "nothing")
    assert "takes none" in other.validate(["zzz"]).problems[0].message
    assert "Rename one" in str(other.validate(["a"]))


def test_problems_inside_of_workflows_have_their_path() -> None:
    deepest = Workflow("deepest")
    deepest.ask("self", "{self}")
    middle = Workflow("middle")
    middle.sub("down", deepest)
    flow = Workflow("flow")
    flow.loop("round", middle, most=2, until="down")
    flow.sub("nothing", Workflow("empty"))
    found = {p.code: p for p in flow.validate().problems}
    assert found["cycle"].task == "round/down/self"
    assert found["cycle"].message.startswith("inside 'round': inside 'down': self -> self")
    assert found["empty"].task == "nothing"


def test_a_workflow_that_is_used_often_is_told_wherever_it_is_used() -> None:
    inner = Workflow("inner")
    inner.ask("a", "{b}").when("x").when("x", False)
    inner.ask("b", "Say")
    inner.gives("a")
    flow = Workflow("flow")
    flow.sub("one", inner)
    flow.sub("two", inner)
    found = flow.validate(["x"])
    assert [(p.severity, p.task) for p in found.problems] == [
        ("error", "one/a"),
        ("error", "two/a"),
    ]  # it gives it


def test_a_loop_that_carries_nothing_is_a_doubt() -> None:
    inner = Workflow("inner")
    inner.ask("a", "{x}")
    flow = Workflow("flow")
    flow.loop("again", inner, most=3)
    report = flow.validate(["x"])
    assert report.ok
    assert report.codes == ("loop",)
    assert problems(flow.graph(), ["x"]) == ()


def test_waits_that_cannot_be_are_told() -> None:
    flow = Workflow("x")
    flow.sleep("nap", -1)
    flow.wait_for("paid", timeout=0)
    flow.approve("ok", "?", timeout=-2)
    flow.approve("fine", "?", timeout=2)
    assert [(p.code, p.task) for p in flow.validate().problems] == [
        ("policy", "nap"),
        ("policy", "paid"),
        ("policy", "ok"),
    ]


def test_a_workflow_inside_may_not_sleep_longer_than_its_task() -> None:
    nap = Workflow("nap")
    nap.sleep("a", 40)
    nap.sleep("b", 40, after=["a"])
    nap.sleep("c", 1000).when("x")
    around = Workflow("around")
    around.sub("nap", nap)
    flow = Workflow("flow")
    flow.sub("fits", nap, timeout=81)
    flow.sub("short", around, timeout=79)
    flow.loop("rounds", nap, most=3, timeout=200, carry={"x": "a"})
    flow.loop("until", nap, most=3, timeout=200, until="b")
    assert [(p.code, p.task) for p in flow.validate().errors] == [
        ("too-short", "short"),
        ("too-short", "rounds"),
    ]


def test_limits_of_tags_are_looked_at_everywhere() -> None:
    inner = Workflow("inner")
    inner.ask("a", "{x}", tags="deep")
    flow = Workflow("flow")
    flow.sub("down", inner)
    assert flow.validate(limits={"deep": 1}).problems == ()
    assert [p.severity for p in flow.validate(limits={"deep": 0}).problems] == ["error"]
    assert [p.severity for p in flow.validate(limits={"dep": 0}).problems] == ["warning"]
    assert problems(flow.graph(), limits={"deep": 0}) != ()
    assert problems(flow.graph(), limits={"dep": 0}) == ()


def test_what_is_too_complex_is_a_doubt() -> None:
    flow = Workflow("x")
    for i in range(12):
        flow.ask(f"a{i}", "Say")
    assert flow.validate(thresholds=Thresholds(complexity=12)).problems == ()
    report = flow.validate(thresholds=Thresholds(complexity=11))
    assert (report.codes, report.ok) == (("too-complex",), True)


def test_questions_are_bounded_over_mappings_and_loops_together() -> None:
    inner = Workflow("inner")
    inner.ask("each", "{piece}").map(piece="pieces", most=50)
    flow = Workflow("flow")
    flow.loop("rounds", inner, most=10, carry={"pieces": "each"})
    assert flow.validate(thresholds=Thresholds(questions=500)).problems == ()
    (problem,) = flow.validate(thresholds=Thresholds(questions=499)).problems
    assert (problem.code, problem.task) == ("unbounded", "rounds")
    assert "500 questions" in problem.message
    (problem,) = flow.validate(thresholds=Thresholds(questions=49)).problems
    assert problem.task == "rounds/each"  # where it begins, once


def test_the_refusal_of_a_run_is_the_report_without_its_doubts() -> None:
    flow = Workflow("x")
    flow.ask("a", "{log").map(x="xs", most=None)
    graph = flow.graph()
    assert problems(graph, []) == tuple(map(str, validate(graph, []).errors))
    assert validate(graph, []).warnings


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
