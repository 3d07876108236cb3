"""A workflow as a graph: nodes by number, who waits for whom, and what has to be handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aiorch.workflow.nodes import REQUIRED, Approve, Ask, Call, Node, Port, Work
from aiorch.workflow.provided import is_provided
from aiorch.workflow.signature import resolved


@dataclass(frozen=True, slots=True)
class Input:
    """A value that no task gives, so whoever runs the workflow does."""

    name: str
    type: Any
    """From the first annotation there is; ``str`` where only prompts take it; ``Any`` where nothing tells."""
    default: Any = REQUIRED
    used_by: tuple[str, ...] = ()
    about: str = ""
    """What it is, for people."""
    declared: bool = False
    """True where the workflow itself says what it takes (``flow.input``), rather than one of its tasks."""
    sure: bool = False
    """True where a declaration or an annotation tells the type, so that a value is held to it."""

    @property
    def required(self) -> bool:
        """True when it has no default, or somebody who takes it has none."""
        return self.default is REQUIRED


@dataclass(frozen=True, eq=False)
class Graph:
    """A frozen workflow."""

    name: str
    nodes: tuple[Node, ...]
    given: str | None = None
    """The task whose value is the workflow's own, where that is said."""
    declared: tuple[Input, ...] = ()
    """The inputs that the workflow itself declares."""

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
            [
                tuple(dict.fromkeys([at[name] for name in (*node.reads, *node.after) if name in at]))
                for node in self.nodes
            ]
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
        needs, left = self.needs, list(map(len, self.followers))
        height = [0] * len(left)
        ends = [i for i, n in enumerate(left) if n == 0]
        while ends:
            i = ends.pop()
            height[i] = mine = height[i] + 1
            for j in needs[i]:
                if height[j] < mine:
                    height[j] = mine
                left[j] -= 1
                if left[j] == 0:
                    ends.append(j)
        return tuple(h if n == 0 else 0 for h, n in zip(height, left, strict=True))

    def inputs(self, handed: Iterable[str | type] = ()) -> Mapping[str, Input]:
        """What has to be handed in, in order of first use.

        :param handed: names and types of objects that the caller provides (see :func:`aiorch.workflow.execute`).
        """
        handed = tuple(handed)
        tasks = self.index
        found = {one.name: one for one in self.declared}
        users: dict[str, dict[str, None]] = {name: {} for name in found}
        for node in self.nodes:
            for name, port in _unfed(node, tasks, handed):
                users.setdefault(name, {})[node.name] = None
                before = found.get(name)
                if before is None or not before.declared:
                    found[name] = _taken(before, name, node, port)
        return {name: replace(one, used_by=tuple(users[name])) for name, one in found.items()}

    @cached_property
    def version(self) -> str:
        """A hash of what would be done: any task, prompt, parameter, edge, policy or workflow inside changes it; a
        function's body does not. Alike in every process.
        """
        return hashlib.sha256(self._canonical.encode()).hexdigest()[:16]

    @property
    def _canonical(self) -> str:
        from aiorch.workflow.serialising import canonical

        return canonical(self)

    def __eq__(self, other: object) -> bool:
        """Whether they would do the same: functions are told apart by their names."""
        return self is other or (isinstance(other, Graph) and self._canonical == other._canonical)

    def __hash__(self) -> int:
        return hash((self.name, len(self.nodes)))


def _unfed(
    node: Node, tasks: Mapping[str, int], handed: tuple[str | type, ...]
) -> Iterator[tuple[str, Port | None]]:
    """What a task takes that neither a task nor the caller gives: the name, and the parameter that takes it."""
    function = node.work.function if isinstance(node.work, Call) else None
    for port in node.ports:
        if port.source in tasks:  # nearly always; several sources are in nothing
            continue
        for source in port.sources:
            own = function is not None and source == port.name and is_provided(function, port, handed)
            if source not in tasks and not own:
                yield source, port
    for port in node.mapped.over if node.mapped else ():
        for source in port.sources:
            if source not in tasks:
                yield source, port
    for condition in node.when:
        if condition.source not in tasks:
            yield condition.source, None


def _taken(before: Input | None, name: str, node: Node, port: Port | None) -> Input:
    """An input that one more parameter takes: the first annotation counts, and all need a default to make one."""
    mapped = node.mapped is not None and any(port is one for one in node.mapped.over)
    default = REQUIRED if port is None or mapped else port.default
    if before is not None and default is REQUIRED is not before.default:
        before = replace(before, default=REQUIRED)
    if before is not None and before.sure:
        return before
    kind = Any if port is None or not isinstance(port.source, str) else _kind(node.work, port)
    sure = kind is not Any and not isinstance(node.work, Ask | Approve)
    kind = list[kind] if mapped else kind
    if before is None:
        return Input(name, kind, default, sure=sure)
    return replace(before, type=kind, sure=sure) if sure or (before.type is Any is not kind) else before


def _kind(work: Work, port: Port) -> Any:
    if isinstance(work, Ask | Approve):
        return str
    kind = resolved(work.function, port.kind) if isinstance(work, Call) else port.kind
    return Any if kind is None or isinstance(kind, str) else kind
