"""Workflows in a workflow: once, or again and again until it is good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from aiorch.types import Provenance
from aiorch.workflow.missing import Lack
from aiorch.workflow.nodes import Loop, Sub
from aiorch.workflow.units import Unit
from aiorch.workflow.values import checked_result, result_type

if TYPE_CHECKING:
    from aiorch.workflow.graph import Graph

_OURS = Provenance("document", "an earlier round")
"""Where values come from that a loop's round hands to the next: somebody inside wrote them."""


@runtime_checkable
class Spreader(Protocol):
    """A journal whose engine has workers: a workflow in the workflow can be given to any of them."""

    def spread(self, path: str, attempt: int, graph: Graph, values: Mapping[str, Any], /) -> Awaitable[Any]:
        """What ``graph`` gives for these inputs, carried out by somebody; a :class:`Lack` where that has no value."""
        ...


async def sub(unit: Unit, work: Sub, values: dict[str, Any]) -> Any:
    """What the workflow gives; a :class:`Lack` where the task that gives it has no value."""
    if unit.node.policy.cache is None:
        return await _sub(unit, work, values)
    return await _kept(unit, partial(_sub, unit, work, values), values)


async def _sub(unit: Unit, work: Sub, values: dict[str, Any]) -> Any:
    journal = unit.house.journal
    if work.spread and isinstance(journal, Spreader):
        attempt = max((*unit.at.tries, unit.row.tries))
        value = await journal.spread(unit.path, attempt, work.graph, values)
        return value if isinstance(value, Lack) else checked_result(unit.node, value)
    inner = unit.at.inside(unit, work.graph, values, f"{unit.path}/")
    await inner.run_as_task_of(unit)
    return inner.value


async def loop(unit: Unit, work: Loop, values: dict[str, Any]) -> Any:
    """What the last round gives."""
    if unit.node.policy.cache is None:
        return await _loop(unit, work, values)
    return await _kept(unit, partial(_loop, unit, work, values), values)


async def _loop(unit: Unit, work: Loop, values: dict[str, Any]) -> Any:
    given, origins = dict(values), dict.fromkeys(work.carry, _OURS)
    value: Any = None
    for number in range(1, work.most + 1):
        inner = unit.at.inside(unit, work.graph, given, f"{unit.path}#{number}/", origins)
        await inner.run_as_task_of(unit)
        value = inner.value
        if work.until is not None and good(inner.value_of(work.until)):
            break
        for name, source in work.carry.items():
            carried = inner.value_of(source)
            if not isinstance(carried, Lack):  # a task that was left out: the value of before stays
                given[name] = carried
    return value


async def _kept(unit: Unit, effect: Callable[[], Awaitable[Any]], values: Mapping[str, Any]) -> Any:
    """The cache's value or that of ``effect``, committed: a resumed run may find the cache empty, or another value."""

    async def given() -> Any:
        value = await effect()
        if isinstance(value, Lack):
            raise _Without(value)
        return value

    try:
        return await unit.once(given, result_type(unit.node), values, True)
    except _Without as without:
        return without.lack


class _Without(Exception):
    """It gave no value, and that is not committed."""

    def __init__(self, lack: Lack) -> None:
        super().__init__()
        self.lack = lack


def good(value: Any) -> bool:
    """Whether a loop ends with this value of its ``until``; one that was left out says nothing.

    >>> good(True), good(Lack("omitted", "good", ""))
    (True, False)
    """
    return not isinstance(value, Lack) and bool(value)
