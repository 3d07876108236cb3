"""What a task that ends without a value does to those behind it.

There are three ways: it was *omitted* (a condition did not hold), *refused* (a person said no) or it *failed* and its
policy says ``skip``. Whoever takes its value is skipped with it, unless the parameter has a default or takes a list of
several values. Whoever only runs after it goes on when it was omitted, and else is skipped too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiorch.workflow.nodes import REQUIRED, Node


class _Missing:
    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
"""Stands where a task's value would, when it has none."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a task has no value."""

    kind: Literal["omitted", "refused", "failed"]
    task: str
    """The task with which it began."""
    why: str
    """For people: ``the value of 'kind' did not pass``."""


def lack_of(node: Node, lacks: Mapping[str, Lack]) -> Lack | None:
    """The first reason why ``node`` cannot be carried out; ``None`` where it can.

    >>> lack_of(Node("b", None, after=("a",)), {"a": Lack("omitted", "a", "")}) is None
    True

    :param lacks: the tasks that ended without a value, by name.
    """
    for port in node.ports:
        if isinstance(port.source, str) and port.default is REQUIRED and port.source in lacks:
            return lacks[port.source]
    if node.mapped is not None:
        for port in node.mapped.over:
            for source in port.sources:
                if source in lacks:
                    return lacks[source]
    for condition in node.when:
        if condition.source in lacks:
            return lacks[condition.source]
    for name in node.after:
        if name in lacks and lacks[name].kind != "omitted":
            return lacks[name]
    return None
