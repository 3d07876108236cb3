"""The guide's groups, of any objects that say what they depend on."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from aiorch.errors import InputError, InvalidWorkflow
from aiorch.workflow.parallel import identify_parallel_groups


@dataclass
class Task:
    id: object
    dependencies: list[Any] = field(default_factory=list)
    resources: Any = ()


def ids(found: list[list[Any]]) -> list[list[Any]]:
    return [[task.id for task in group] for group in found]


def test_the_guides_picture() -> None:
    four, one, two, three = Task(4, [1, 2, 3]), Task(1), Task(2), Task(3)
    found = identify_parallel_groups([four, one, two, three])
    assert ids(found) == [[1, 2, 3], [4]]
    assert found[1][0] is four


def test_tasks_with_a_resource_in_common_are_in_different_groups() -> None:
    found = identify_parallel_groups(
        [
            Task("a", resources="gpu"),
            Task("b", resources=["gpu", "file"]),
            Task("c"),
            Task("d", ["a"], ("file",)),
        ]
    )
    assert ids(found) == [["a", "c"], ["b"], ["d"]]


def test_mappings_and_objects_without_dependencies_are_tasks_too() -> None:
    plain = {"id": "b", "dependencies": ("a",)}
    bare = SimpleNamespace(id="a")
    assert identify_parallel_groups([plain, bare]) == [[bare], [plain]]
    assert identify_parallel_groups([]) == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    tasks = [Task("1a", ["b"]), Task("b", ["1a"]), Task("c", ["nobody"]), Task("c"), Task("d", ["b"])]
    with pytest.raises(InvalidWorkflow) as caught:
        identify_parallel_groups(tasks)
    duplicate, unknown, cycle = caught.value.problems
    assert duplicate.startswith("[duplicate] two tasks are called 'c'")
    assert unknown.startswith("[unknown-task] task 'c' is to run after 'nobody'")
    assert cycle.startswith("[cycle] 1a -> b -> 1a")


def test_a_task_without_an_id_is_refused() -> None:
    with pytest.raises(InputError, match="has no id"):
        identify_parallel_groups([{"dependencies": []}])
