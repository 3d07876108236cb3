"""What each task gives and takes, as it is annotated; and where the two do not go together."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Union, cast, get_args, get_origin

from aiorch.errors import nearest
from aiorch.workflow.assignable import UNKNOWN, holds, item_of, may_fit
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import REQUIRED, Approve, Ask, Call, Loop, Node, Port, Sub, Use, WaitFor
from aiorch.workflow.report import Problem, told
from aiorch.workflow.signature import resolved
from aiorch.workflow.template import Field, Template


class Types:
    """The types of one validation: each annotation is worked out once."""

    def __init__(self) -> None:
        self._resolved: dict[tuple[int, str], Any] = {}
        self._gives: dict[int, Mapping[str, Any]] = {}
        self._takes: dict[int, Mapping[str, tuple[Any, ...]]] = {}
        self._fits: dict[tuple[int, int], bool] = {}
        self._lists: dict[int, Any] = {}
        self._kept: list[Any] = []  # an id names a type for as long as the type lives

    def given(self, graph: Graph) -> Mapping[str, Any]:
        """What each task gives, where that is known; a mapped one gives a list."""
        found = self._gives.get(id(graph))
        if found is None:
            made: dict[str, Any] = {}
            self._gives[id(graph)] = found = made
            seen: set[str] = set()
            for node in graph.nodes:
                kind = self.one(node)
                if node.name in seen:  # two of one name: nobody knows which is meant
                    made.pop(node.name, None)
                elif kind is not UNKNOWN:
                    made[node.name] = self.several(kind) if node.mapped else kind
                seen.add(node.name)
        return found

    def one(self, node: Node) -> Any:
        """What a task, or one item of it, gives."""
        work = node.work
        if isinstance(work, Call):
            return self._returned(work.function)
        if isinstance(work, Ask):
            return work.output
        if isinstance(work, Sub | Loop):
            return self.given(work.graph).get(work.graph.gives or "", UNKNOWN)
        if isinstance(work, Use):
            return str
        if isinstance(work, Approve):
            return bool
        return work.output if isinstance(work, WaitFor) and work.output is not None else UNKNOWN

    def taken(self, node: Node, port: Port) -> tuple[Any, ...]:
        """Everything that a value for this port has to be."""
        work = node.work
        if isinstance(work, Call):
            kind = UNKNOWN if port.kind is None else self._meant(work.function, port.kind)
            return () if kind is UNKNOWN else (kind,)
        if isinstance(work, Sub | Loop):
            return self.inputs(work.graph).get(port.name, ())
        return (port.kind,) if isinstance(work, Use) and port.kind is not None else ()

    def inputs(self, graph: Graph) -> Mapping[str, tuple[Any, ...]]:
        """What the functions of a workflow want its inputs to be; a prompt takes anything."""
        found = self._takes.get(id(graph))
        if found is None:
            wanted: dict[str, tuple[Any, ...]] = {}
            self._takes[id(graph)] = found = wanted
            for node in graph.nodes:
                for port in node.ports:
                    source = port.source
                    if isinstance(source, str) and source not in graph.index:
                        wanted[source] = (*wanted.get(source, ()), *self.taken(node, port))
        return found

    def several(self, kind: Any) -> Any:
        """A list of these: the same object for the same type."""
        found = self._lists.get(id(kind))
        if found is None:
            self._kept.append(kind)
            found = self._lists[id(kind)] = list[kind]
        return found

    def fits(self, given: Any, wanted: Any) -> bool:
        """:func:`~aiorch.workflow.assignable.may_fit`, remembered."""
        key = (id(given), id(wanted))
        found = self._fits.get(key)
        if found is None:
            self._kept += (given, wanted)
            found = self._fits[key] = may_fit(given, wanted)
        return found

    def _returned(self, function: Callable[..., Any]) -> Any:
        if isinstance(function, type):
            return function
        while isinstance(function, partial):
            function = function.func
        if hasattr(function, "__wrapped__"):  # a decorator copies the annotation, and may give something else
            return UNKNOWN
        if not hasattr(function, "__code__") and not isinstance(function, Callable):  # pyright: ignore[reportUnnecessaryIsInstance]
            return UNKNOWN
        notes = _annotations(function)
        if "return" not in notes:
            return UNKNOWN
        return self._meant(function, notes["return"])

    def _meant(self, function: Callable[..., Any], kind: Any) -> Any:
        """The type that an annotation means; unknown where it cannot be told."""
        if kind is None:
            return type(None)
        if not isinstance(kind, str):
            return kind
        scope = getattr(function, "__globals__", None)
        if scope is None:
            found = resolved(function, kind)
        else:
            key = (id(cast("object", scope)), kind)
            if key not in self._resolved:
                self._resolved[key] = resolved(function, kind)
            found = self._resolved[key]
        return UNKNOWN if isinstance(found, str) else found


def _annotations(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        notes: Any = getattr(function, "__annotations__", None)
        if notes is None:
            notes = getattr(type(function).__call__, "__annotations__", {})
    except Exception:  # Python 3.14 evaluates them now, and a name may exist for type checkers only
        return {}
    return cast("Mapping[str, Any]", notes) if isinstance(notes, Mapping) else {}


# --- where they do not go together -------------------------------------------------------------------------------


def mismatches(graph: Graph, types: Types) -> Iterator[Problem]:
    """Values that whoever takes them cannot take, and fallbacks of the wrong type."""
    given = {
        **{one.name: one.type for one in graph.declared if one.type is not UNKNOWN},
        **types.given(graph),
    }
    if given:
        for node in graph.nodes:
            kind = type(node.work)
            if kind is Ask or kind is Approve:  # a prompt takes anything
                yield from _fields(node, given)
            else:
                yield from _ports(node, given, types)
            if node.mapped:
                for port in node.mapped.over:
                    if port.sources[0] in given:
                        yield from _items(node, port, given[port.sources[0]], types)
    for node in graph.nodes:
        if node.policy.on_error == "continue":
            yield from _fallback(graph, node, types)


def _ports(node: Node, given: Mapping[str, Any], types: Types) -> Iterator[Problem]:
    for port in node.ports:
        source = port.source
        if isinstance(source, str):
            if source in given:
                yield from _edge(node, port, given[source], types)
        elif any(s in given for s in source):
            yield from _join(node, port, given, types)


def _edge(node: Node, port: Port, kind: Any, types: Types) -> Iterator[Problem]:
    for wanted in types.taken(node, port):
        if not types.fits(kind, wanted):
            yield told(
                "type-mismatch",
                f"task {node.name!r} takes {port.name}: {_named(wanted)}, and {port.source!r} gives {_named(kind)}",
                node.name,
            )


def _join(node: Node, port: Port, given: Mapping[str, Any], types: Types) -> Iterator[Problem]:
    for wanted in types.taken(node, port):
        for source in port.sources:
            kind = given.get(source, UNKNOWN)
            if kind is not UNKNOWN and not types.fits(types.several(kind), wanted):
                yield told(
                    "type-mismatch",
                    f"task {node.name!r} takes {port.name}: {_named(wanted)}, a list of what several tasks give, "
                    f"and {source!r} gives {_named(kind)}",
                    node.name,
                )


def _items(node: Node, port: Port, kind: Any, types: Types) -> Iterator[Problem]:
    item = item_of(kind)
    if item is None:
        yield told(
            "type-mismatch",
            f"task {node.name!r} runs once per {port.name!r} of a list, and {port.sources[0]!r} gives "
            f"{_named(kind)}, which is none",
            node.name,
        )
        return
    for wanted in types.taken(node, port):
        if item is not UNKNOWN and not types.fits(item, wanted):
            yield told(
                "type-mismatch",
                f"task {node.name!r} takes {port.name}: {_named(wanted)}, and the items that "
                f"{port.sources[0]!r} gives are {_named(item)}",
                node.name,
            )


def _fallback(graph: Graph, node: Node, types: Types) -> Iterator[Problem]:
    stated = node.policy.fallback is not REQUIRED
    value = node.policy.fallback if stated else None
    own = types.one(node)
    if value is not None and own is not UNKNOWN:
        alike = holds(value, own) or (node.mapped is not None and holds(value, list[own]))
        if not alike:
            yield told(
                "fallback-type",
                f"task {node.name!r} gives {_named(own)}, and its fallback is {value!r}",
                node.name,
            )
        return
    if node.mapped:
        return
    for i in graph.followers[graph.index[node.name]]:
        taker = graph.nodes[i]
        for port in taker.ports:
            if port.source != node.name:
                continue
            for wanted in types.taken(taker, port):
                if not holds(value, wanted):
                    yield told(
                        "fallback-type",
                        f"task {node.name!r} gives {value!r} when it fails, and {taker.name!r} takes "
                        f"{port.name}: {_named(wanted)}",
                        node.name,
                        severity=None if stated else "warning",
                    )


# --- what prompts look for inside values -------------------------------------------------------------------------


def _fields(node: Node, given: Mapping[str, Any]) -> Iterator[Problem]:
    template = getattr(node.work, "prompt", None) or getattr(node.work, "question", None)
    inside = [p for p in cast("Template", template).pieces if type(p) is Field and p.path]
    mapped = {p.name: p.sources[0] for p in node.mapped.over} if inside and node.mapped else {}
    for piece in inside:
        kind = given.get(mapped.get(piece.name, piece.name), UNKNOWN)
        if piece.name in mapped:
            kind = item_of(kind)
        yield from _inside(node, piece, kind)


def _inside(node: Node, piece: Field, kind: Any) -> Iterator[Problem]:
    for step in piece.path:
        names = _fields_of(kind)
        if names is None or not isinstance(step, str):
            return
        if step not in names:
            near = nearest(step, names)
            offer = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            yield told(
                "prompt-field",
                f"the prompt of task {node.name!r} looks for {step!r} in {piece.name!r}, and {_named(kind)} has "
                f"not got it.{offer}",
                node.name,
            )
            return
        kind = names[step]


def _fields_of(kind: Any) -> Mapping[str, Any] | None:
    """The fields of a type that is known to have these and no others; ``None`` where that is not known."""
    if kind in (str, int, float, bool):
        return {}
    if not isinstance(kind, type):
        return None
    if typing.is_typeddict(kind):
        return dict.fromkeys(kind.__annotations__, UNKNOWN)
    model = hasattr(kind, "model_fields")
    if not model and not dataclasses.is_dataclass(kind):
        return None
    known = cast("Any", kind)
    if known.model_config.get("extra") == "allow" if model else hasattr(kind, "__getattr__"):
        return None
    found: dict[str, Any] = {n: UNKNOWN for n in dir(kind) if not n.startswith("_")}
    if model:
        found |= {name: one.annotation for name, one in known.model_fields.items()}
    else:
        found |= {f.name: UNKNOWN if isinstance(f.type, str) else f.type for f in dataclasses.fields(known)}
    return found


def _named(kind: Any) -> str:
    """A type as people write it."""
    if kind is type(None):
        return "None"
    origin, args = get_origin(kind), get_args(kind)
    if origin is Union or type(kind).__name__ == "UnionType":
        return " | ".join(map(_named, args))
    if isinstance(kind, type) and not args:
        return kind.__name__
    if isinstance(origin, type) and args and type(kind).__name__ in ("GenericAlias", "_GenericAlias"):
        return f"{origin.__name__}[{', '.join('...' if a is Ellipsis else _named(a) for a in args)}]"
    return str(kind).replace("typing.", "")
