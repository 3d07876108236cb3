"""Workflows from plain data: what is understood runs, what is not is named with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from aiorch.errors import InputError, InvalidWorkflow
from aiorch.types import Budget, Outcome, Parameters
from aiorch.workflow import Ask, Call, Workflow, execute
from aiorch.workflow.shapes import record, schema, word

YAML = """
name: release-notes
tasks:
  chunks:
    call: notes_helpers:chunks
    uses: {text: log}
    thread: false
  facts:
    ask: "List the changes in:\\n{chunk}"
    agent: analysis_agent
    system: be brief
    map: {chunk: chunks}
    on_error: collect
    label: "{chunk}"
    temperature: 0
    max_tokens: 50
    timeout: 5
    budget: {usd: 0, tokens: 100}
    output: {title: str, kind: [bug, feature], parts: ["str?"], files: [{path: str, lines: "list[int]"}]}
  count:
    ask: "How many in {facts}?"
    output: int
    after: [chunks]
  raw:
    ask: "{count}"
    schema: {type: object, properties: {n: {type: integer, minimum: 1}}, required: [n]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes_helpers.py").write_text("def chunks(text):\n    return text.split()\n")
    (tmp_path / "flow.yaml").write_text(YAML)
    return tmp_path


def test_a_yaml_file_becomes_the_workflow_that_it_says(folder: Path) -> None:
    flow = Workflow.from_file(folder / "flow.yaml")
    chunks, facts, count, raw = flow.graph().nodes
    assert flow.name == "release-notes"
    assert flow.inputs() == {"log": Any}
    assert isinstance(chunks.work, Call)
    assert not chunks.work.thread
    assert isinstance(facts.work, Ask)
    assert facts.work.agent == "analysis_agent"
    assert facts.work.parameters == Parameters(temperature=0, max_tokens=50)
    assert facts.work.budget == Budget(usd=0, tokens=100)
    assert facts.work.timeout == 5
    assert facts.mapped is not None
    assert facts.mapped.on_error == "collect"
    assert isinstance(count.work, Ask)
    assert count.work.output is int
    assert count.after == ("chunks",)
    assert isinstance(raw.work, Ask)
    assert TypeAdapter(raw.work.output).json_schema()["required"] == ["n"]
    assert flow.problems(["log"]) == ()


@pytest.mark.anyio
async def test_it_runs(folder: Path) -> None:
    async def ask(task: Any, output: Any, tools: Any) -> Outcome[Any]:
        return Outcome(task.text, task.text, task.id)

    run = await execute(Workflow.from_file(folder / "flow.yaml"), {"log": "a b"}, ask=ask)
    assert run.results["facts"] == ["List the changes in:\na", "List the changes in:\nb"]


def test_toml_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text(
        '[tasks.hello]\nask = "Greet {who}"\n[tasks.two]\nask = "{hello}"\nafter = "hello"\n'
    )
    flow = Workflow.from_file(tmp_path / "flow.toml")
    assert (flow.name, list(flow.inputs())) == ("flow", ["who"])


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "needs either 'ask' (a prompt) or 'call'"),
    ({"ask": "x", "call": "a:b"}, "needs either 'ask'"),
    ({"ask": "x", "agnet": "a"}, "unknown key 'agnet'. Did you mean 'agent'"),
    ({"ask": "x", "qqq": 1}, "unknown key 'qqq'. Known are ask, agent"),
    ({"ask": 3}, "'ask' should be a text, not 3"),
    ({"ask": "x", "max_tokens": True}, "'max_tokens' should be a whole number, not True"),
    ({"ask": "x", "map": ["a"]}, "'map' should be a mapping"),
    ({"ask": "{x}", "map": {"x": "xs"}, "on_error": "ignore"}, "'on_error' is fail or collect, not 'ignore'"),
    ({"ask": "x", "label": "y"}, "'on_error' and 'label' are for tasks with 'map'"),
    ({"ask": "x", "output": "strr"}, "output is 'strr'; it can be str, int"),
    ({"ask": "x", "output": {"a": {"b": 5}}}, "is 5; it can be str"),
    ({"ask": "x", "output": {"a": "list[strr]"}}, "is 'strr'; it can be str"),
    ({"ask": "x", "output": "str", "schema": {"type": "object"}}, "either 'output' or 'schema'"),
    ({"ask": "x", "schema": {"type": "objekt"}}, "this is no JSON schema"),
    ({"ask": "x", "schema": {"type": "array"}}, "must have 'type: object'"),
    ({"ask": "x", "budget": {"tokns": 5}}, "unknown key 'tokns'. Did you mean 'tokens'?"),
    ({"ask": "x", "budget": {"tokens": -1}}, "a budget is a number that is not negative"),
    ({"call": "nothing"}, "'call' is 'nothing'; write module:function"),
    ({"call": "no_such_module:f"}, "cannot be imported (ModuleNotFoundError"),
    ({"call": "json:lods"}, "'json' has no 'lods'. Did you mean loads"),
    ({"call": "json:__doc__"}, "is no function"),
]


@pytest.mark.parametrize(("task", "says"), BAD)
def test_what_is_not_understood_is_named_with_its_cure(task: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        Workflow.from_dict({"name": "n", "tasks": {"t": task}}, source="flow.yaml")
    [problem] = caught.value.problems
    assert problem.startswith("[document] flow.yaml: task 't'")
    assert says in problem


def test_all_tasks_are_looked_at() -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        Workflow.from_dict({"nmae": "n", "tasks": {"a": {}, "b": 5}})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("tasks", [None, {}, [], "text"])
def test_a_document_without_tasks_is_no_workflow(tasks: Any) -> None:
    with pytest.raises(InvalidWorkflow, match="'tasks' should be a mapping"):
        Workflow.from_dict({"tasks": tasks})


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("f.yaml", "tasks: [", "is not YAML"),
        ("f.yaml", "tasks:\n  a: {ask: x}\n  a: {ask: y}\n", "line 3: 'a' is given twice"),
        ("f.yaml", "- a\n", "should be a mapping with the keys name, tasks"),
        ("f.toml", "tasks = ", "is not TOML"),
    ],
)
def test_a_broken_file_is_told_as_such(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidWorkflow, match=says):
        Workflow.from_file(tmp_path / name)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Workflow.from_file(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="cannot be read"):
        Workflow.from_file(tmp_path / "latin.yaml")


def test_a_record_is_a_model_that_allows_nothing_else() -> None:
    made = record("release_note", {"title": "str", "kind": ["a", "b"], "n": "int?", "in": {"x": "number"}})
    assert made.__name__ == "ReleaseNote"
    value = made.model_validate({"title": "t", "kind": "a", "n": None, "in": {"x": 1}})
    assert value.title == "t"
    for wrong in ({"kind": "c"}, {"extra": 1}, {"n": "x"}):
        with pytest.raises(ValidationError):
            made.model_validate({"title": "t", "kind": "a", "n": None, "in": {"x": 1}, **wrong})
    assert record("!!", {"a": "str"}).__name__ == "Answer"


def test_words_mean_types() -> None:
    assert word("x", "list[int]") == list[int]
    assert word("x", "boolean") is bool


def test_a_schema_is_checked() -> None:
    kind = TypeAdapter(schema({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}))
    assert kind.validate_python({"n": 2}) == {"n": 2}
    with pytest.raises(ValidationError, match=r"\$\.n"):
        kind.validate_python({"n": 0})
