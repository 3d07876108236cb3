"""What is wrong with a workflow, all of it at once and before anything is asked.

Each problem begins with a stable code in brackets, for programs, and goes on with what to do, for people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from aiorch.errors import nearest
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import REQUIRED, Call, Node
from aiorch.workflow.provided import is_provided, match

_NAME = re.compile(r"[^\W\d][\w-]*\Z")

CODES = {
    "empty": "the workflow has no task",
    "name": "a task has a name that prompts and keys cannot hold",
    "duplicate": "two tasks have one name",
    "unknown-task": "a task is to wait for one that does not exist",
    "cycle": "tasks wait for each other in a circle",
    "missing-input": "somebody needs a value that no task gives and that was not handed in",
    "unknown-input": "a value was handed in that nobody takes",
    "not-provided": "a function asks for an object of the caller's, and the caller has none of the kind",
    "template": "a prompt is malformed",
    "map": "a mapping names nothing, or something that the task does not take",
    "parameter": "uses= names a parameter that the function has not got",
    "function": "a function's parameters cannot be read",
    "document": "a workflow file says something that is not understood",
}
"""Every code, and what it means."""


def problems(
    graph: Graph, given: Collection[str] | None = None, handed: Iterable[str | type] | None = None
) -> tuple[str, ...]:
    """Everything that keeps ``graph`` from running.

    :param given: names of the inputs that are handed in; ``None`` looks at the workflow alone.
    :param handed: names and types of objects that the caller provides; ``None`` does not look whether they suffice.
    """
    provided = tuple(handed or ())
    return tuple(
        dict.fromkeys(
            [
                *([] if graph.nodes else ["[empty] it has no task: add one with ask(), task() or add()"]),
                *_names(graph.nodes),
                *(problem for node in graph.nodes for problem in node.problems),
                *_unknown(graph),
                *(
                    f"[cycle] {' -> '.join(cycle)}: tasks cannot wait for each other"
                    for cycle in cycles(graph)
                ),
                *([] if given is None else _inputs(graph, given, provided)),
                *([] if given is None or handed is None else _handed(graph, given, provided)),
            ]
        )
    )


def cycles(graph: Graph) -> Iterator[list[str]]:
    """Circles of waiting, each as the path that closes it; none that shares a task with one already told."""
    left = {i: set(needed) for i, needed in enumerate(graph.needs)}
    while True:
        free = [i for i, needed in left.items() if not needed]
        while free:
            i = free.pop()
            del left[i]
            for j in graph.followers[i]:
                if j in left:
                    left[j].discard(i)
                    if not left[j]:
                        free.append(j)
        if not left:
            return
        walk: dict[int, None] = {}
        i = min(left)
        while i not in walk:  # everyone left waits for somebody left, so the walk must meet itself
            walk[i] = None
            i = min(left[i])
        path = list(walk)
        circle = path[path.index(i) :]
        yield [graph.nodes[j].name for j in (i, *reversed(circle[1:]), i)]  # the way the values would go
        for j in circle:
            for waiting in graph.followers[j]:
                if waiting in left:
                    left[waiting].discard(j)
            left.pop(j)


def _names(nodes: Sequence[Node]) -> Iterator[str]:
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            yield f"[duplicate] two tasks are called {node.name!r}: rename one"
        seen.add(node.name)
        if not _NAME.match(node.name):
            yield f"[name] {node.name!r} cannot name a task: begin with a letter, go on with letters, digits, _ and -"


def _unknown(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        for name in node.after:
            if name not in graph.index:
                near = _offer(name, graph.index)
                yield f"[unknown-task] task {node.name!r} is to run after {name!r}, which does not exist.{near}"


def _inputs(graph: Graph, given: Collection[str], handed: Iterable[str | type]) -> Iterator[str]:
    wanted = graph.inputs(handed)
    for name, one in wanted.items():
        if one.required and name not in given:
            users = ", ".join(repr(u) for u in one.used_by)
            near = _offer(name, (*graph.index, *(g for g in given if g not in wanted)))
            yield f"[missing-input] {name!r} (for {users}) is neither a task nor handed in.{near}"
    for name in given:
        if name in graph.index:
            yield f"[unknown-input] {name!r} was handed in, but a task of that name gives the value: rename one"
        elif name not in wanted:
            known = f"The workflow takes {', '.join(map(repr, wanted)) or 'none'}."
            yield f"[unknown-input] {name!r} was handed in, but no task takes it.{_offer(name, wanted) or ' ' + known}"


def _handed(graph: Graph, given: Collection[str], handed: Iterable[str | type]) -> Iterator[str]:
    for node in graph.nodes:
        if not isinstance(node.work, Call):
            continue
        for port in node.ports:
            named = port.source in graph.index or port.source in given or port.default is not REQUIRED
            if named or match(node.work.function, port, handed) is not None:
                continue
            if is_provided(node.work.function, port):
                yield f"[not-provided] task {node.name!r} asks for {port.name}: {port.kind}; nobody provides one here"


def _offer(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
