"""Groups of tasks that could run at the same time, for any objects that say what they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from aiorch.errors import InputError, InvalidWorkflow
from aiorch.workflow.graph import Graph
from aiorch.workflow.grouping import groups
from aiorch.workflow.nodes import Node, Policy, Sleep
from aiorch.workflow.structure import edges, nodes_themselves

T = TypeVar("T")


def identify_parallel_groups(tasks: Iterable[T]) -> list[list[T]]:
    """Put tasks into groups that could run at the same time, each group after those before it.

        tasks = [{"id": 1, "dependencies": []}, {"id": 2, "dependencies": []}, {"id": 3, "dependencies": [1, 2]}]
        identify_parallel_groups(tasks)     # [[task 1, task 2], [task 3]]

    A task is any object, or mapping, with ``id``, ``dependencies`` (ids) and, where it has them, ``resources``: names
    of what it needs for itself alone. Tasks with a resource in common are never in one group.

    :raises InvalidWorkflow: with every dependency that does not exist, every id given twice, and every circle.
    :raises InputError: when something has no ``id``.
    """
    every = list(tasks)
    nodes = tuple(map(_node, every))
    graph = Graph("tasks", nodes)
    found = [*nodes_themselves(graph), *edges(graph)] if nodes else []
    wrong = [problem for problem in found if problem.severity == "error" and problem.code != "name"]
    if wrong:
        raise InvalidWorkflow(graph.name, tuple(map(str, wrong)))
    resources = [node.policy.resources for node in nodes]
    return [[every[i] for i in group] for group in groups(graph.needs, resources)]


def _node(task: object) -> Node:
    name = _said(task, "id")
    if name is None:
        raise InputError(f"{task!r} has no id: give it one, as an attribute or a key")
    return Node(
        str(name),
        Sleep(0),
        after=tuple(map(str, _said(task, "dependencies") or ())),
        policy=Policy(resources=_words(_said(task, "resources"))),
    )


def _said(task: object, what: str) -> Any:
    if isinstance(task, Mapping):
        return cast("Mapping[str, Any]", task).get(what)
    return getattr(task, what, None)


def _words(resources: Any) -> tuple[str, ...]:
    return (resources,) if isinstance(resources, str) else tuple(map(str, resources or ()))
