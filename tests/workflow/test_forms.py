"""One table says what a workflow file may say: the reader, the schema and the page agree with it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.drawing import values
from tests.workflow.test_documents import BAD

from aiorch.workflow import Workflow, documents
from aiorch.workflow.forms import KINDS, NEEDED, TOP, Key, misfits

ROOT = Path(__file__).parents[2]
SCHEMA = Workflow.schema()

OF_NAMES = (
    "cannot be imported",
    "has no ",
    "is no function",
    "is no tool",
    "is no type",
    "is no exception",
    "no plugin has one",
    "is no JSON schema",
    "cannot be read",
    "no workflow file",
    "a budget is a number that is not negative",
)
"""What only looking at the rest of the world tells, and no schema does."""


def valid(document: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("task", "says"), [(t, s) for t, s in BAD if not any(word in s for word in OF_NAMES)]
)
def test_what_the_reader_refuses_for_its_shape_the_schema_refuses(task: dict[str, Any], says: str) -> None:
    assert not valid({"tasks": {"t": task}}) or "quote dates" in says  # JSON has no dates to begin with


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"tasks": {}},
        {"tasks": []},
        {"tasks": {"a": 5}},
        {"tasks": {"a": {"ask": "x"}}, "inputs": ["log"]},
        {"tasks": {"a": {"ask": "x"}}, "inputs": {"log": 5}},
        {"tasks": {"a": {"ask": "x"}}, "inputs": {"log": {"tpye": "str"}}},
        {"tasks": {"a": {"ask": "x"}}, "inputs": {"log": {"type": "str", "schema": {"type": "object"}}}},
        {"tasks": {"a": {"ask": "x"}}, "gives": 5},
        {"tasks": {"a": {"ask": "x"}}, "more": 5},
    ],
    ids=str,
)
def test_the_same_for_what_a_workflow_says_of_itself(document: dict[str, Any]) -> None:
    assert not valid(document)


ROWS = [(kind, name, key) for kind, keys in KINDS.items() for name, key in keys.items() if name != kind]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ROWS),
    values() | st.sampled_from(["a", ["a"], {"a": "b"}, {"attempts": 2}, {"over": {"a": "b"}}]),
)
def test_the_schema_never_takes_a_value_that_the_reader_refuses(
    row: tuple[str, str, Key], value: Any
) -> None:
    kind, name, key = row
    refused = list(misfits(key.form, value, "here"))
    needed = dict.fromkeys(NEEDED.get(kind, ()), 1)
    does = {"sub": {"file": "a"}, "loop": {"file": "a"}, "sleep": 1, "call": "a:b"}.get(kind, "x")
    document = {"tasks": {"t": {kind: does, **needed, name: value}}}
    whole = isinstance(value, float) and value.is_integer()  # which is an integer to JSON
    assert not (refused and valid(document) and not whole)


def test_every_kind_can_be_read() -> None:
    said: dict[str, Any] = dict.fromkeys(KINDS, "x")
    said |= {"call": "json:loads", "use": "x", "sleep": 1}
    inside = {"tasks": {"b": {"ask": "x"}}}
    for kind in KINDS:
        task = {
            kind: inside if kind in ("sub", "loop") else said[kind],
            **({"most": 1} if kind == "loop" else {}),
        }
        assert valid({"tasks": {"a": task}}), kind
        if kind != "use":  # which needs a tool
            assert len(Workflow.from_dict({"tasks": {"a": task}}).graph().nodes) == 1


def test_examples_on_the_pages_fit_the_schema() -> None:
    found = 0
    for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]:
        for block in page.read_text(encoding="utf-8").split("```yaml")[1:]:
            document = documents._yaml(page, block.partition("\n")[2].partition("```")[0])
            if isinstance(document, dict) and "tasks" in document:
                assert [
                    e.message for e in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)
                ] == [], page
                found += 1
    assert found


def test_the_published_schema_and_the_tables_are_current() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "workflow_schema.py"))
    assert json.loads((ROOT / "docs" / "workflow.schema.json").read_text(encoding="utf-8")) == SCHEMA
    page = (ROOT / "docs" / "workflow-files.md").read_text(encoding="utf-8")
    assert tool["filled"](page) == page
    for name in {*TOP, *(name for keys in KINDS.values() for name in keys)}:
        assert f"| `{name}` |" in page
