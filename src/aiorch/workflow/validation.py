"""What is wrong with a workflow, all of it at once and before anything is asked.

:func:`problems` finds what keeps a workflow from running, quickly: every run begins with it. :func:`validate` also
finds what is doubtful. Neither asks anybody; :mod:`aiorch.workflow.live` judges what others found out about the world.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from aiorch.workflow.blocking import blocking
from aiorch.workflow.bounds import fan_out, tag_limits, times, unused
from aiorch.workflow.codes import CODES
from aiorch.workflow.complexity import complexity
from aiorch.workflow.conditions import unreachable
from aiorch.workflow.facts import REASONABLE, Thresholds
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Loop, Sub
from aiorch.workflow.report import Problem, Report, inside, told
from aiorch.workflow.storable import not_storable
from aiorch.workflow.structure import (
    cycles,
    edges,
    inputs,
    loops,
    nodes_themselves,
    objects,
    suspicions,
    taken_inside,
)
from aiorch.workflow.types_of import Types, mismatches

__all__ = ["CODES", "cycles", "problems", "validate"]


def problems(
    graph: Graph,
    given: Collection[str] | None = None,
    handed: Iterable[str | type] | None = None,
    *,
    limits: Mapping[str, int] | None = None,
    durable: bool = False,
) -> tuple[str, ...]:
    """Everything that keeps ``graph`` from running: the errors of :func:`validate`, in words.

    :param given: names of the inputs that are handed in; ``None`` looks at the workflow alone.
    :param handed: names and types of objects that the caller provides; ``None`` does not look whether they suffice.
    :param limits: how many tasks of a tag may run at once.
    :param durable: whether results have to be stored.
    """
    found = _errors(graph, given, handed, limits or {}, durable, Types())
    return tuple(dict.fromkeys(str(p) for p in found if p.severity == "error"))


def validate(
    graph: Graph,
    given: Collection[str] | None = None,
    handed: Iterable[str | type] | None = None,
    *,
    limits: Mapping[str, int] | None = None,
    durable: bool = False,
    thresholds: Thresholds = REASONABLE,
) -> Report:
    """Everything that is wrong or doubtful about ``graph``, errors first. Parameters as of :func:`problems`.

    :param thresholds: beyond what a workflow is no longer reasonable.
    """
    types = Types()
    found = [
        *_errors(graph, given, handed, limits or {}, durable, types),
        *_doubts(graph, given, types, thresholds),
    ]
    return Report.of(graph.name, found)


def _errors(
    graph: Graph,
    given: Collection[str] | None,
    handed: Iterable[str | type] | None,
    limits: Mapping[str, int],
    durable: bool,
    types: Types,
) -> Iterator[Problem]:
    """What cannot work; among it some that only may not."""
    provided = tuple(handed or ())
    if limits:
        yield from tag_limits(graph, limits)
    yield from _of(graph, durable, types)
    if given is not None:
        yield from inputs(graph, given, provided)
        if handed is not None:
            yield from objects(graph, given, provided)


def _of(graph: Graph, durable: bool, types: Types) -> Iterator[Problem]:
    """What is wrong with a workflow wherever it is used, and with those inside of it."""
    yield from nodes_themselves(graph)
    yield from edges(graph)
    yield from unreachable(graph, types.given(graph))
    yield from mismatches(graph, types)
    yield from times(graph)
    if durable:
        yield from not_storable(graph, types)

    seen: dict[int, tuple[Problem, ...]] = {}  # a workflow that is used often is looked at once
    for node in graph.nodes:
        work = node.work
        if not isinstance(work, Sub | Loop):
            continue
        yield from taken_inside(node, work)
        if isinstance(work, Loop):
            yield from loops(node, work)
        if id(work.graph) not in seen:
            seen[id(work.graph)] = tuple(_of(work.graph, durable, types))
        for problem in seen[id(work.graph)]:
            yield inside(node.name, problem)


def _doubts(
    graph: Graph, given: Collection[str] | None, types: Types, thresholds: Thresholds
) -> Iterator[Problem]:
    """What works and probably should not be so."""
    if given is None:
        yield from suspicions(graph)
    yield from _careless(graph, thresholds, None)
    whole = complexity(graph)
    if whole.score > thresholds.complexity:
        said = (
            f"its complexity is {whole.score:,.0f} ({whole.tasks:,} tasks, {whole.edges:,} edges, {whole.depth:,} "
            f"deep), above {thresholds.complexity:,.0f}"
        )
        yield told("too-complex", said)


def _careless(graph: Graph, thresholds: Thresholds, used: frozenset[str] | None) -> Iterator[Problem]:
    """Doubts about a workflow wherever it is used, and about those inside of it."""
    yield from fan_out(graph, thresholds)
    yield from unused(graph, used)
    yield from blocking(graph)
    for node in graph.nodes:
        work = node.work
        if isinstance(work, Sub | Loop):
            outside = {work.graph.gives or ""}
            if isinstance(work, Loop):
                outside |= {work.until or "", *work.carry.values()}
            for problem in _careless(work.graph, thresholds, frozenset(outside)):
                yield inside(node.name, problem)
