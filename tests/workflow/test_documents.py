"""Workflows from plain data: what is understood runs, what is not is named with its cure."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from aiorch.errors import InputError, InvalidWorkflow
from aiorch.plugins import Plugin
from aiorch.types import Budget, Outcome, Parameters, ToolSpec
from aiorch.workflow import Ask, Call, Services, Workflow, execute
from aiorch.workflow.nodes import Retry
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
    map: {over: {chunk: chunks}, on_error: collect, label: "{chunk}", most: unbounded, limit: 2}
    retry: {attempts: 2, on: [OSError]}
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
    assert (facts.mapped.on_error, facts.mapped.most, facts.mapped.limit) == ("collect", None, 2)
    assert facts.policy.retry == Retry(2, on=(OSError,))
    assert isinstance(count.work, Ask)
    assert count.work.output is int
    assert count.after == ("chunks",)
    assert isinstance(raw.work, Ask)
    assert TypeAdapter(raw.work.output).json_schema()["required"] == ["n"]
    assert flow.validate(["log"]).ok


@pytest.mark.anyio
async def test_it_runs(folder: Path) -> None:
    async def ask(task: Any, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        return Outcome(task.text, task.text, task.id)

    run = await execute(Workflow.from_file(folder / "flow.yaml"), {"log": "a b"}, services=Services(ask))
    assert run.results["facts"] == ["List the changes in:\na", "List the changes in:\nb"]


def test_toml_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text(
        '[tasks.hello]\nask = "Greet {who}"\n[tasks.two]\nask = "{hello}"\nafter = "hello"\n'
    )
    flow = Workflow.from_file(tmp_path / "flow.toml")
    assert (flow.name, list(flow.inputs())) == ("flow", ["who"])


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {},
        "needs one of 'ask', 'call', 'use', 'sub', 'loop', 'approve', 'wait_for', 'sleep', which says what it does",
    ),
    ({"ask": "x", "call": "a:b"}, "says 'ask' and 'call': one of them says what it does"),
    ({"aks": "x"}, "which says what it does: did you mean 'ask' by 'aks'?"),
    ({"ask": "x", "agnet": "a"}, "unknown key 'agnet'. Did you mean 'agent'"),
    ({"ask": "x", "qqq": 1}, "unknown key 'qqq'. Known are ask, agent"),
    ({"ask": 3}, "'ask' should be a text, not 3"),
    ({"ask": "x", "max_tokens": True}, "'max_tokens' should be a whole number, not True"),
    ({"ask": "x", "map": ["a"]}, "'map' should be a mapping"),
    ({"ask": "x", "map": {"x": 1}}, "'map' should be a mapping: {item: list}, or {over:"),
    ({"ask": "x", "map": {"over": {"x": "xs"}, "mots": 1}}, "'map': unknown key 'mots'. Did you mean 'most'"),
    (
        {"ask": "x", "map": {"over": {"x": "xs"}, "most": None}},
        "'most' should be a whole number, or unbounded",
    ),
    ({"ask": "x", "on_error": "collect"}, "should be fail, skip or continue (collect is said inside of map)"),
    ({"ask": "x", "retry": "often"}, "'retry' should be a number of attempts, or a mapping"),
    ({"ask": "x", "retry": {"tries": 1}}, "'retry': unknown key 'tries'"),
    ({"ask": "x", "retry": {"on": "OsError"}}, "'OsError' of 'on' is no exception; write module:Class"),
    ({"ask": "x", "retry": {"on": ["int"]}}, "'int' of 'on' is no exception"),
    ({"ask": "x", "when": 5}, "'when' should be the name of a task or an input, a mapping"),
    ({"ask": "x", "when": [{}]}, "'when' should be the name of a task or an input"),
    ({"ask": "x", "fallback": date(2026, 1, 31)}, "'fallback' should be a value that JSON has: quote dates"),
    ({"ask": "x", "system": ["y" * 99]}, "'system' should be a text, not ['" + "y" * 58 + "..."),
    ({"ask": "x", "by_provider": {"groq": {"boddy": {}}}}, "'by_provider' should be a mapping: {provider:"),
    ({"ask": "x", "tools": "weather"}, "'tools' should be a list of tools"),
    (
        {"ask": "x", "tools": ["json:loads"]},
        "'json:loads' of 'tools' is no tool; a function becomes one by @aiorch.tool",
    ),
    ({"use": "wether"}, "names the tool 'wether', and no plugin has one. Write module:name"),
    ({"loop": {"tasks": {"a": {"ask": "x"}}}}, "a loop needs 'most'"),
    (
        {"loop": "other.yaml", "most": 2},
        "'loop' should be a workflow: {tasks: {...}} like this one, or {file:",
    ),
    ({"sub": {"tasks": {"a": {"ask": 5}}}}, "inside: task 'a': 'ask' should be a text"),
    ({"sub": {"taks": {}, "tasks": {"a": {"ask": "x"}}}}, "inside: unknown key 'taks'"),
    ({"sub": {"file": "a.yaml", "tasks": {"a": {"ask": "x"}}}}, "'tasks' and 'file' exclude each other"),
    ({"sub": {"file": "no_such.yaml"}}, "the workflow file no_such.yaml cannot be read"),
    ({"sub": {"file": "no_such.py"}}, "no workflow file no_such.py"),
    ({"sleep": "long"}, "'sleep' should be a number of seconds"),
    ({"approve": "ok?", "refused": "fail"}, "'refused' should be skip or continue"),
    ({"approve": "ok?", "retry": 2}, "unknown key 'retry'"),
    ({"ask": "x", "output": "strr"}, "output is 'strr'; it can be str, int"),
    ({"ask": "x", "output": {"a": {"b": 5}}}, "'output' should be a type (str, int"),
    ({"ask": "x", "output": []}, "'output' should be a type"),
    ({"ask": "x", "output": [["a"], "b"]}, "'output' should be a type"),
    ({"ask": "x", "output": "json:Nothing"}, "'json' has no 'Nothing'"),
    ({"ask": "x", "output": "json:loads"}, "'json:loads' of 'output' is no type"),
    ({"ask": "x", "output": {"a": "list[strr]"}}, "is 'strr'; it can be str"),
    ({"ask": "x", "output": "str", "schema": {"type": "object"}}, "either 'output' or 'schema'"),
    ({"ask": "x", "schema": {"type": "objekt"}}, "this is no JSON schema"),
    ({"ask": "x", "schema": {"type": "array"}}, "must have 'type: object'"),
    ({"ask": "x", "budget": {"tokns": 5}}, "unknown key 'tokns'. Did you mean 'tokens'?"),
    ({"ask": "x", "budget": {"tokens": -1}}, "a budget is a number that is not negative"),
    ({"call": "nothing"}, "'call' is 'nothing'; write module:name"),
    ({"call": "no_such_module:f"}, "cannot be imported (ModuleNotFoundError"),
    ({"call": "json:lods"}, "'json' has no 'lods'. Did you mean loads"),
    ({"call": "json:__doc__"}, "is no function"),
]


@pytest.mark.parametrize(("task", "says"), BAD)
def test_what_is_not_understood_is_named_with_its_cure(task: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        Workflow.from_dict({"name": "n", "tasks": {"t": task}}, source="flow.yaml")
    [problem] = caught.value.problems
    assert problem.count("[document]") == 1
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
        ("f.yaml", "- a\n", "should be a mapping with the keys name, inputs, tasks, gives"),
        ("f.toml", "tasks = ", "is not TOML"),
        ("f.json", "{", "is not JSON"),
        ("f.json", '{"tasks": {"a": 1, "b": 2, "a": 3}}', "'a' is given twice"),
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
    assert word("x", "dict[str, list[int?]]") == dict[str, list[int | None]]
    assert word("x", "datetime:date?") == date | None
    assert word("x", [["a", "b"]]) == list[Literal["a", "b"]]
    assert word("x", "list[int]") == list[int]
    assert word("x", "boolean") is bool


def test_a_schema_is_checked() -> None:
    kind = TypeAdapter(schema({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}))
    assert kind.validate_python({"n": 2}) == {"n": 2}
    with pytest.raises(ValidationError, match=r"\$\.n"):
        kind.validate_python({"n": 0})


# --- more than tasks ---------------------------------------------------------------------------------------------


def test_inputs_are_declared_with_types_and_defaults() -> None:
    flow = Workflow.from_dict(
        {
            "inputs": {
                "log": "str",
                "days": {"type": "int", "default": 7, "about": "how far to look back"},
                "person": {"type": {"name": "str"}},
                "thing": {"schema": {"type": "object"}},
                "free": {"about": "anything"},
            },
            "tasks": {"a": {"ask": "{log}{other}"}},
        }
    )
    inputs = flow.graph().inputs()
    assert list(inputs) == ["log", "days", "person", "thing", "free", "other"]
    assert (inputs["days"].type, inputs["days"].default, inputs["days"].about) == (
        int,
        7,
        "how far to look back",
    )
    assert inputs["person"].type.__name__ == "Person"
    assert inputs["free"].type is Any
    assert not inputs["free"].sure


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"inputs": ["log"]}, "'inputs' should be a mapping: {input: type}"),
        ({"inputs": {"log": 5}}, "input 'log' should be a type, or a mapping"),
        ({"inputs": {"log": {"tpye": "str"}}}, "input 'log': unknown key 'tpye'. Did you mean 'type'"),
        ({"inputs": {"log": "strr"}}, "input 'log': type is 'strr'; it can be str"),
        ({"inputs": {"log": {"type": "str", "schema": {"type": "object"}}}}, "either 'type' or 'schema'"),
        ({"inputs": {"log": {"default": {1: 2}}}}, "'default' should be a value that JSON has"),
        ({"gives": "b"}, "'gives' is 'b', and no task is called that."),
        ({"gives": "aa"}, "Did you mean 'a'?"),
        ({"gives": 5}, "'gives' should be a text"),
    ],
)
def test_what_a_workflow_says_of_itself_is_looked_at_too(document: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        Workflow.from_dict({"tasks": {"a": {"ask": "x"}}, **document})
    [problem] = caught.value.problems
    assert says in problem


def test_a_workflow_may_lie_in_another_file(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "inner.toml").write_text('[tasks.a]\nsub = {file = "deep.py:flow"}\n')
    (folder / "more" / "deep.py").write_text(
        "from aiorch.workflow import Workflow\nflow = Workflow('deep')\nflow.ask('x', '{y}')\nother = Workflow('o')\n"
    )
    (folder / "outer.yaml").write_text("tasks:\n  a: {sub: {file: more/inner.toml}}\n")
    flow = Workflow.from_file(folder / "outer.yaml")
    assert list(flow.inputs()) == ["y"]
    assert Workflow.from_dict(flow.to_dict()).graph() == flow.graph()


def test_a_file_that_holds_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tasks:\n  t: {sub: {file: b.yaml}}\n")
    (tmp_path / "b.yaml").write_text("tasks:\n  u: {loop: {file: ./a.yaml}, most: 2}\n")
    with pytest.raises(InvalidWorkflow, match=r"a\.yaml holds itself, by way of a\.yaml -> b\.yaml"):
        Workflow.from_file(tmp_path / "a.yaml")


def test_words_of_yaml_mean_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "tasks:\n  a:\n    ask: x\n    output: [yes, no, on]\n    fallback: 2026-01-31\n    idempotent: false\n"
    )
    [node] = Workflow.from_file(tmp_path / "f.yaml").graph().nodes
    assert isinstance(node.work, Ask)
    assert node.work.output == Literal["yes", "no", "on"]
    assert node.policy.fallback == "2026-01-31"
    assert not node.policy.idempotent


class Plugged:
    """What an installed package might bring along."""

    spec = ToolSpec("plugged", "Does it.", {"type": "object", "properties": {}})
    idempotent = True

    async def call(self, arguments: Any) -> str:
        return "done"


def test_a_plugins_tool_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (
        Plugin("aiorch.checks", "plug", "d"),
        Plugin("aiorch.tools", "plug", "d", value=Plugged),
        Plugin("aiorch.tools", "broken", "d", error="it is broken"),
    )
    monkeypatch.setattr("aiorch.plugins.declared", lambda: found)
    document = {"name": "f", "tasks": {"a": {"use": "plug"}, "b": {"ask": "x", "tools": ["plug"]}}}
    assert Workflow.from_dict(document).to_dict() == document
    for name, says in (
        ("broken", "'broken' of 'use' cannot be used: it is broken"),
        ("plugg", "Did you mean 'plug'"),
    ):
        with pytest.raises(InvalidWorkflow, match=says):
            Workflow.from_dict({"tasks": {"a": {"use": name}}})


def test_a_decorated_task_can_be_called_from_a_file(folder: Path) -> None:
    (folder / "steps.py").write_text(
        "from aiorch.workflow import Workflow\nflow = Workflow('f')\n@flow.task\ndef twice(text): return text * 2\n"
    )
    (folder / "f.yaml").write_text("name: f\ntasks:\n  twice: {call: 'steps:twice'}\n")
    read = Workflow.from_file(folder / "f.yaml")
    assert list(read.inputs()) == ["text"]
    assert read.to_dict()["tasks"] == {"twice": {"call": "steps:twice"}}
