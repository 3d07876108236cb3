"""From a file to its workflow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aiorch.errors import InputError
from aiorch.workflow import load, load_all

ONE = "from aiorch.workflow import Workflow\nflow = Workflow('one')\nflow.ask('a', '{x}')\n"


def test_a_python_file_with_one_workflow(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(ONE + "same = flow\n")
    assert load(tmp_path / "f.py").name == "one"


def test_modules_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text(ONE)
    (tmp_path / "f.py").write_text("from beside_it import flow\n")
    before = list(sys.path)
    assert load(str(tmp_path / "f.py")).name == "one"
    assert sys.path == before


def test_dataclasses_and_their_annotations_work_in_a_loaded_file(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + ONE
        + "@dataclass\nclass Part:\n    text: str\n@flow.task\ndef parts(path: Part) -> list[Part]: ...\n"
    )
    (tmp_path / "f.py").write_text(text)
    assert load(tmp_path / "f.py").inputs()["path"].__name__ == "Part"


def test_one_of_several_is_named_behind_a_colon(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(ONE + "other = Workflow('two')\n")
    assert load(f"{tmp_path}/f.py:other").name == "two"
    with pytest.raises(
        InputError, match=r"should hold one workflow; it holds flow, other: say which, as in .*f.py:flow"
    ):
        load(tmp_path / "f.py")
    with pytest.raises(InputError, match="no workflow called 'third'; it holds flow, other"):
        load(f"{tmp_path}/f.py:third")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("f.py", "x = 1\n", "it holds none: make one"),
        ("f.py", "1/0\n", "stopped with ZeroDivisionError"),
        ("f.py", "def\n", "stopped with SyntaxError"),
        ("f.txt", "", "should end in .py, .yaml, .toml or .json"),
    ],
)
def test_a_file_without_a_workflow_is_told(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says):
        load(tmp_path / name)


def test_a_missing_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "digest.py").write_text(ONE)
    with pytest.raises(InputError, match=r"Did you mean digest.py\?"):
        load(tmp_path / "dijest.py")
    with pytest.raises(InputError, match="Give the path"):
        load(tmp_path / "nowhere" / "x.py")


def test_all_workflows_of_a_file_are_loaded_in_order(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(ONE + "same = flow\nother = Workflow('two')\n")
    assert [flow.name for flow in load_all(tmp_path / "f.py")] == ["one", "two"]
    assert [flow.name for flow in load_all(f"{tmp_path}/f.py:other")] == ["two"]
    (tmp_path / "f.json").write_text('{"tasks": {"a": {"ask": "hello"}}}')
    assert [flow.name for flow in load_all(tmp_path / "f.json")] == ["f"]
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="should hold a workflow; it holds none: make one"):
        load_all(tmp_path / "empty.py")


def test_yaml_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_text("tasks:\n  a: {ask: hello}\n")
    assert load(tmp_path / "f.yml").name == "f"
