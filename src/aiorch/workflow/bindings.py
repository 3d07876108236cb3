"""Where each parameter's value comes from in this run: worked out once, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from aiorch.errors import WorkflowError
from aiorch.types import Provenance
from aiorch.types.messages import DEVELOPER, USER
from aiorch.workflow.graph import Graph
from aiorch.workflow.missing import MISSING
from aiorch.workflow.nodes import REQUIRED, Approve, Ask, Call, Mapped, Node, Port, Sleep
from aiorch.workflow.provided import match
from aiorch.workflow.signature import ports_of


@dataclass(slots=True)
class Given:
    """A value known before the run starts."""

    value: Any


@dataclass(slots=True)  # not frozen: there is one a task, and freezing takes three times as long to make
class Binding:
    """One task's parameters."""

    constants: Mapping[str, Any] | None
    """Inputs and objects that the caller provides."""
    edges: tuple[tuple[str, int, Any], ...]
    """Parameter, the task that gives its value, and what stands in where that has none."""
    joins: tuple[tuple[str, tuple[int | Given, ...], bool], ...]
    """Parameter, those that give the items of its list, and whether all of these are tasks."""
    over: tuple[tuple[str, int | Given], ...] = ()
    """Name of an item, and what gives the list to walk."""
    positional: tuple[str, ...] = ()
    """Parameters that Python takes by position only."""

    def values(self, results: Sequence[Any], lacking: bool = True) -> dict[str, Any]:
        """The parameters' values, now that the tasks they wait for are done.

        :param lacking: whether any task of the graph ended without a value.
        """
        found: dict[str, Any] = {} if self.constants is None else dict(self.constants)
        for name, i, default in self.edges:
            value = results[i]
            found[name] = default if value is MISSING else value
        for name, sources, tasks in self.joins:
            if tasks and not lacking:
                found[name] = [results[s] for s in cast("tuple[int, ...]", sources)]
                continue
            found[name] = [
                value
                for s in sources
                if (value := results[s] if isinstance(s, int) else s.value) is not MISSING
            ]
        return found

    def lists(
        self, mapped: Mapped, results: Sequence[Any]
    ) -> tuple[int, tuple[tuple[str, Sequence[Any]], ...]]:
        """How many items a mapped task has, and the lists to walk.

        :raises WorkflowError: when something is no list, is longer than is allowed, or the lists are not equally long.
        """
        found = [
            (name, _listed(name, results[source] if isinstance(source, int) else source.value, mapped.most))
            for name, source in self.over
        ]
        sizes = {len(items) for _, items in found}
        if len(sizes) > 1:
            told = ", ".join(f"{name}: {len(items)}" for name, items in found)
            raise WorkflowError(
                f"it walks several lists side by side, and they are not equally long ({told})"
            )
        return sizes.pop(), tuple(found)


def bind(graph: Graph, i: int, inputs: Mapping[str, Any], handed: Mapping[str | type, Any]) -> Binding:
    """Where task ``i`` takes its values from. Call it on valid graphs with valid inputs only."""
    node = graph.nodes[i]
    index = graph.index
    constants: dict[str, Any] | None = None
    edges: list[tuple[str, int, Any]] = []
    joins: list[tuple[str, tuple[int | Given, ...], bool]] = []
    by_position = False
    for port in node.ports:
        source = port.source
        by_position = by_position or port.positional
        if not isinstance(source, str):
            places = [index[one] if one in index else Given(inputs[one]) for one in source]
            joins.append((port.name, tuple(places), index.keys() >= set(source)))
        elif source in index:
            edges.append((port.name, index[source], port.default))
        else:
            value = _constant(node, port, inputs, handed)
            if value is not REQUIRED:
                constants = constants or {}
                constants[port.name] = value
    mapped = node.mapped
    if mapped is None:
        over: tuple[tuple[str, int | Given], ...] = ()
    else:
        over = tuple((port.name, _where(port.sources[0], index, inputs)) for port in mapped.over)
    positional = _positional(node) if by_position or mapped is not None else ()
    return Binding(constants, tuple(edges), tuple(joins), over, positional)


def _where(source: str, index: Mapping[str, int], inputs: Mapping[str, Any]) -> int | Given:
    return index[source] if source in index else Given(inputs[source])


def _constant(node: Node, port: Port, inputs: Mapping[str, Any], handed: Mapping[str | type, Any]) -> Any:
    """A value that no task gives."""
    if isinstance(port.source, str) and port.source in inputs:
        return inputs[port.source]
    if isinstance(node.work, Call) and (key := match(node.work.function, port, handed)) is not None:
        return handed[key]
    return port.default


def _positional(node: Node) -> tuple[str, ...]:
    """What a function takes by position only, in its own order."""
    if not isinstance(node.work, Call):
        return ()
    return tuple(port.name for port in ports_of(node.work.function, {})[0] if port.positional)


def origins(graph: Graph, node: Node, given: Mapping[str, Provenance]) -> dict[str, Provenance]:
    """For each parameter where its value comes from, the least trusted where there are several.

    What a model wrote, and what a function read from somewhere, may carry instructions of a stranger.

    :param given: where this graph's own inputs come from, when it is the inside of another one's task.
    """
    ports = (*node.ports, *node.mapped.over) if node.mapped else node.ports
    return {port.name: _least([_origin(graph, source, given) for source in port.sources]) for port in ports}


def provenance(graph: Graph, node: Node, given: Mapping[str, Provenance]) -> Provenance:
    """Where a prompt's words come from: the least trusted of the template and the values it takes."""
    return _least([DEVELOPER, *origins(graph, node, given).values()])


def _origin(graph: Graph, source: str, given: Mapping[str, Provenance]) -> Provenance:
    if source not in graph.index:
        return given.get(source, USER)
    work = graph.nodes[graph.index[source]].work
    if isinstance(work, Approve | Sleep):
        return USER
    return Provenance("model" if isinstance(work, Ask) else "document", source)


def _least(found: list[Provenance]) -> Provenance:
    """The first that cannot be trusted; otherwise the last, which is the user's where there is one."""
    return next((one for one in found if not one.trusted), found[-1] if found else USER)


def _listed(name: str, value: Any, most: int | None) -> Sequence[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        kind = type(cast("object", value)).__name__
        raise WorkflowError(f"it runs once per {name!r}, and needs a list of them; it got one {kind}")
    endless = cast("Iterable[Any]", value)
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
    else:
        items = list(endless if most is None else islice(endless, most + 1))
    if most is not None and len(items) > most:
        count = len(items) if items is value else f"more than {most}"
        raise WorkflowError(
            f"it runs once per {name!r}, at most {most} times, and there are {count}: say map(most=...)"
        )
    return items
