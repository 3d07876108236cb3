"""Tasks that can never run because their conditions, or those of whoever gives them values, contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import REQUIRED, Condition, Node
from aiorch.workflow.report import Problem, told

_PLAIN = (str, int, float, bool)

Tests = tuple[Condition, ...]


def unreachable(graph: Graph, gives: Mapping[str, Any]) -> Iterator[Problem]:
    """Tasks whose conditions can never hold together; whoever is skipped because of one is not told again.

    :param gives: the types of the tasks' values, where they are known.
    """
    if not any(node.when for node in graph.nodes):
        return
    inherited: list[Tests] = [()] * len(graph.nodes)
    hopeless: set[int] = set()
    touched = [bool(node.when) for node in graph.nodes]
    for i in in_order(graph):
        if not touched[i] and not any(touched[j] for j in graph.needs[i]):
            continue
        touched[i] = True
        node = graph.nodes[i]
        before = [graph.index[s] for s in takes(node) if s in graph.index]
        if any(j in hopeless for j in before):
            hopeless.add(i)
            continue
        tests = _together(node, [inherited[j] for j in before])
        inherited[i] = tests
        why = _contradiction(tests) if len(tests) > 1 else None
        why = why or next(filter(None, (_impossible(c, gives) for c in node.when)), None)
        if why:
            hopeless.add(i)
            given = node.name == graph.given
            yield told(
                "unreachable",
                f"task {node.name!r} never runs: {why}",
                node.name,
                severity="error" if given else None,
            )


def in_order(graph: Graph) -> Iterator[int]:
    """Tasks, each after those that it waits for; those of circles and behind them are left out."""
    left = [len(needed) for needed in graph.needs]
    ready = [i for i, n in enumerate(left) if n == 0]
    while ready:
        i = ready.pop()
        yield i
        for j in graph.followers[i]:
            left[j] -= 1
            if left[j] == 0:
                ready.append(j)


def takes(node: Node) -> Iterator[str]:
    """Those without whose value a task is skipped: not those of a list, nor where a default stands in."""
    for port in node.ports:
        if isinstance(port.source, str) and port.default is REQUIRED:
            yield port.source
    for port in node.mapped.over if node.mapped else ():
        yield port.sources[0]
    for condition in node.when:
        yield condition.source


def _together(node: Node, inherited: list[Tests]) -> Tests:
    several = [tests for tests in inherited if tests]
    if not node.when and len(several) <= 1:
        return several[0] if several else ()
    found: list[Condition] = []
    for condition in (*(c for tests in several for c in tests), *node.when):
        if not any(_same(condition, other) for other in found):
            found.append(condition)
    return tuple(found)


def _same(a: Condition, b: Condition) -> bool:
    return a.source == b.source and (a.test is b.test or _equal(a.test, b.test))


def _equal(a: Any, b: Any) -> bool:
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:  # a value of the user's may compare as it likes
        return False


def _contradiction(tests: Tests) -> str | None:
    """Two conditions on one source that cannot both hold. A function may accept anything."""
    for at, one in enumerate(tests):
        for other in tests[at + 1 :]:
            if one.source != other.source or callable(one.test) or callable(other.test):
                continue
            a, b = one.test, other.test
            if isinstance(a, bool) and isinstance(b, bool):
                clash = a is not b
            elif isinstance(a, bool) or isinstance(b, bool):
                truth, value = (a, b) if isinstance(a, bool) else (b, a)
                clash = isinstance(value, _PLAIN) and bool(value) is not truth
            else:
                clash = isinstance(a, _PLAIN) and isinstance(b, _PLAIN) and a != b
            if clash:
                return f"{one.source!r} would have to be {_said(a)} and {_said(b)}"
    return None


def _impossible(condition: Condition, gives: Mapping[str, Any]) -> str | None:
    """A value that the source, as it is annotated, never has."""
    kind, test = gives.get(condition.source), condition.test
    if isinstance(test, bool) or not isinstance(test, _PLAIN):
        return None
    if get_origin(kind) is Literal:
        if all(isinstance(v, _PLAIN) and v != test for v in get_args(kind)):
            known = ", ".join(map(repr, get_args(kind)))
            return f"{condition.source!r} is never {test!r}; it is one of {known}"
        return None
    numbers = (bool, int, float)
    if (kind in numbers and isinstance(test, str)) or (kind is str and isinstance(test, numbers)):
        return f"{condition.source!r} is never {test!r}; it is a {kind.__name__}"
    return None


def _said(test: Any) -> str:
    return ("true" if test else "false") if isinstance(test, bool) else repr(test)
