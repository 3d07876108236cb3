"""A workflow as a graph: nodes by number, who waits for whom, and what has to be handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiorch.workflow.nodes import REQUIRED, Ask, Call, Node
from aiorch.workflow.provided import is_provided
from aiorch.workflow.signature import called, resolved


@dataclass(frozen=True, slots=True)
class Input:
    """A value that no task gives, so whoever runs the workflow does."""

    name: str
    type: Any
    """From the first annotation there is; ``str`` where only prompts take it; ``Any`` where nothing tells."""
    default: Any = REQUIRED
    used_by: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """True when somebody who takes it has no default for it."""
        return self.default is REQUIRED


@dataclass(frozen=True)
class Graph:
    """A frozen workflow."""

    name: str
    nodes: tuple[Node, ...]
    given: str | None = None
    """The task whose value is the workflow's own, where that is said."""

    @property
    def gives(self) -> str | None:
        """The task whose value is the workflow's own: the one that was said, otherwise the last; ``None`` of none."""
        return self.given or (self.nodes[-1].name if self.nodes else None)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The number of each task."""
        return {node.name: i for i, node in enumerate(self.nodes)}

    @cached_property
    def needs(self) -> tuple[tuple[int, ...], ...]:
        """For each task the tasks that must be done before it."""
        at = self.index
        return tuple(
            tuple(dict.fromkeys(at[name] for name in (*node.reads, *node.after) if name in at))
            for node in self.nodes
        )

    @cached_property
    def followers(self) -> tuple[tuple[int, ...], ...]:
        """For each task the tasks that wait for it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for i, needed in enumerate(self.needs):
            for j in needed:
                found[j].append(i)
        return tuple(map(tuple, found))

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """For each task the number of tasks on the longest way from it to an end: the longest tail goes first.

        Meaningful only without cycles; tasks of a cycle have height 0.
        """
        left = [len(f) for f in self.followers]
        height = [0] * len(left)
        ends = [i for i, n in enumerate(left) if n == 0]
        while ends:
            i = ends.pop()
            height[i] += 1
            for j in self.needs[i]:
                height[j] = max(height[j], height[i])
                left[j] -= 1
                if left[j] == 0:
                    ends.append(j)
        return tuple(h if n == 0 else 0 for h, n in zip(height, left, strict=True))

    def inputs(self, handed: Iterable[str | type] = ()) -> Mapping[str, Input]:
        """What has to be handed in, in order of first use.

        :param handed: names and types of objects that the caller provides (see :func:`aiorch.workflow.execute`).
        """
        handed = tuple(handed)
        kinds: dict[str, Any] = {}
        defaults: dict[str, Any] = {}
        users: dict[str, dict[str, None]] = {}
        for node in self.nodes:
            for name, kind, default in _wanted(node, self.index, handed):
                if name not in kinds or kinds[name] is Any or (kinds[name] is str and kind is not Any):
                    kinds[name] = kind
                if default is REQUIRED or name not in defaults:
                    defaults[name] = default
                users.setdefault(name, {})[node.name] = None
        return {name: Input(name, kinds[name], defaults[name], tuple(users[name])) for name in kinds}

    @cached_property
    def version(self) -> str:
        """A hash of what would be done: any task, prompt, parameter or edge changes it; a function's body does not."""
        lines = "\n".join(map(_described, self.nodes))
        return hashlib.sha256(f"{self.name}\n{lines}".encode()).hexdigest()[:16]


def _wanted(
    node: Node, tasks: Mapping[str, int], handed: tuple[str | type, ...]
) -> Iterable[tuple[str, Any, Any]]:
    function = node.work.function if isinstance(node.work, Call) else None
    for port in node.ports:
        for source in port.sources:
            if source in tasks:
                continue
            if function is None:
                yield source, str, port.default
            elif source == port.name and is_provided(function, port, handed):
                continue
            else:
                kind = _known(resolved(function, port.kind))
                yield source, kind if isinstance(port.source, str) else Any, port.default
    for port in node.mapped.over if node.mapped else ():
        for source in port.sources:
            if source not in tasks:
                kind = str if function is None else _known(resolved(function, port.kind))
                yield source, list[kind], REQUIRED


def _known(kind: Any) -> Any:
    return Any if kind is None or isinstance(kind, str) else kind


def _described(node: Node) -> str:
    work = node.work
    if isinstance(work, Ask):
        tools = tuple(t.spec.name for t in work.tools)
        what = (
            f"{work.prompt.text!r} {work.agent!r} {work.output!r} {work.system!r} {tools} {work.parameters!r}"
        )
    else:
        what = f"{getattr(work.function, '__module__', '')}:{called(work.function)}"
    edges = " ".join([f"{p.name}={p.source}" for p in node.ports])
    over = " ".join(f"{p.name}={p.source}" for p in node.mapped.over) if node.mapped else ""
    return f"{node.name} {what} [{edges}] after {node.after} over [{over}]"
