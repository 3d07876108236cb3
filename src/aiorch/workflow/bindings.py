"""Where each parameter's value comes from in this run: worked out once, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiorch.errors import WorkflowError
from aiorch.types import Provenance
from aiorch.types.messages import DEVELOPER, USER
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Call, Node
from aiorch.workflow.provided import match


@dataclass(frozen=True, slots=True)
class Given:
    """A value known before the run starts."""

    value: Any


@dataclass(frozen=True, slots=True)
class Binding:
    """One task's parameters."""

    constants: Mapping[str, Any]
    """Inputs and objects that the caller provides."""
    edges: tuple[tuple[str, int], ...]
    """Parameter, and the task that gives its value."""
    joins: tuple[tuple[str, tuple[int | Given, ...]], ...]
    """Parameter, and those that give the items of its list."""
    over: tuple[tuple[str, int | Given], ...]
    """Name of an item, and what gives the list to walk."""
    positional: tuple[str, ...] = ()
    """Parameters that Python takes by position only."""

    def values(self, results: Sequence[Any]) -> dict[str, Any]:
        """The parameters' values, now that the tasks they wait for are done."""
        found = dict(self.constants)
        for name, i in self.edges:
            found[name] = results[i]
        for name, sources in self.joins:
            found[name] = [s.value if isinstance(s, Given) else results[s] for s in sources]
        return found

    def lists(self, node: Node, results: Sequence[Any]) -> tuple[int, tuple[tuple[str, Sequence[Any]], ...]]:
        """How many items a mapped task has, and the lists to walk.

        :raises WorkflowError: when something is no list, or the lists are not equally long.
        """
        found: list[tuple[str, Sequence[Any]]] = []
        for name, source in self.over:
            value: Any = source.value if isinstance(source, Given) else results[source]
            if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
                kind = type(cast("object", value)).__name__
                raise WorkflowError(f"it runs once per {name!r}, and needs a list of them; it got one {kind}")
            found.append((name, value if isinstance(value, list | tuple) else list(value)))  # pyright: ignore[reportUnknownArgumentType]
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
    constants: dict[str, Any] = {}
    edges: list[tuple[str, int]] = []
    joins: list[tuple[str, tuple[int | Given, ...]]] = []

    def where(source: str) -> int | Given:
        return graph.index[source] if source in graph.index else Given(inputs[source])

    for port in node.ports:
        source = port.source
        if not isinstance(source, str):
            joins.append((port.name, tuple(map(where, source))))
        elif source in graph.index:
            edges.append((port.name, graph.index[source]))
        elif source in inputs:
            constants[port.name] = inputs[source]
        elif isinstance(node.work, Call) and (key := match(node.work.function, port, handed)) is not None:
            constants[port.name] = handed[key]
        # else the function's own default applies: validation saw to it that there is one
    return Binding(
        constants,
        tuple(edges),
        tuple(joins),
        tuple((port.name, where(port.sources[0])) for port in node.mapped.over) if node.mapped else (),
        tuple(port.name for port in node.ports if port.positional),
    )


def provenance(graph: Graph, node: Node) -> Provenance:
    """Where a prompt's words come from: the least trusted of the template and the values it takes.

    What a model wrote, and what a function read from somewhere, may carry instructions of a stranger.
    """
    for source in node.reads:
        if source in graph.index:
            kind = "document" if isinstance(graph.nodes[graph.index[source]].work, Call) else "model"
            return Provenance(kind, source)
    return USER if node.reads else DEVELOPER
