"""Carrying out the tasks of one graph: their values, their tries, and what their failures do.

A task goes through here from top to bottom: :meth:`Carrying.begin` says whether it is carried out, and how often;
:meth:`Carrying.unit` carries out one try; :meth:`Carrying._done` and :meth:`Carrying._failed` keep what came of it.
What a task of each kind does is in :mod:`aiorch.workflow.doing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import anyio

from aiorch.events import NodeFailed, NodeFinished, NodeRetrying, NodeSkipped, NodeStarted
from aiorch.types import Outcome, Provenance
from aiorch.workflow.bindings import bind, origins
from aiorch.workflow.doing import DOES, task_id
from aiorch.workflow.gates import Gate, Name, claims_of, inside
from aiorch.workflow.graph import Graph
from aiorch.workflow.missing import MISSING, Lack, lack_of
from aiorch.workflow.nodes import PLAIN, REQUIRED, Approve, Ask, Call, Loop, Node, Sleep, Sub, WaitFor
from aiorch.workflow.retrying import ends_the_run, wait_before_next
from aiorch.workflow.runs import Row
from aiorch.workflow.scheduler import Again, Place, Schedule, rank
from aiorch.workflow.telling import item_of, label_of, measures, told
from aiorch.workflow.tolerating import FailedBefore, keep, recall
from aiorch.workflow.tries import note, reached
from aiorch.workflow.units import House, Unit, within

_PLACES: Mapping[type, Place] = {
    Sub: Place.HOLDS,
    Loop: Place.HOLDS,
    Approve: Place.WAITS,
    WaitFor: Place.WAITS,
    Sleep: Place.WAITS,
}
"""What a task takes while it is at work, where that is not a place under the limit."""


@dataclass(slots=True, eq=False)
class _Walk:
    """A mapped task at work."""

    lists: tuple[tuple[str, Sequence[Any]], ...]
    open: int
    """Items that have not ended."""
    stoppable: bool
    """True where an item's failure ends the others, and nothing else."""
    scopes: set[anyio.CancelScope] = field(default_factory=set[anyio.CancelScope])
    stopped: bool = False


class Carrying:
    """One graph at work: the run's own, or the inside of one of its tasks.

    :param inputs: valid values for what it takes.
    :param prefix: the path of the task that this is the inside of, and what follows; empty for the run's own.
    :param of: that task. :param given: where the inputs come from; the user, unless said.
    """

    def __init__(
        self,
        house: House,
        graph: Graph,
        inputs: Mapping[str, Any],
        *,
        prefix: str = "",
        of: Unit | None = None,
        given: Mapping[str, Provenance] | None = None,
    ) -> None:
        nodes = graph.nodes
        self.house = house
        self._bus = house.services.bus
        self.graph = graph
        self.inputs = inputs
        self.origins: Mapping[str, Provenance] = given or {}
        self.bindings = [bind(graph, i, inputs, house.handed) for i in range(len(nodes))]
        self.values: list[Any] = [None] * len(nodes)
        self.failure: tuple[str, Exception] | None = None
        """The task that ended everything, by path, and why."""
        self.unstarted: tuple[str, ...] = ()
        """Paths of the tasks that were not reached when it ended."""
        self.tries: tuple[int, ...] = () if of is None else (*of.at.tries, of.row.tries)
        """Which tries of the tasks that this is the inside of, outermost first."""
        self._above = (0, 0) if of is None else of.at.urgency(of.i)
        self._prefix = prefix
        self._names = [prefix + node.name for node in nodes]
        self._plain = [node.mapped is None and not node.when for node in nodes]
        self._begun = bytearray(len(nodes))
        self._lacks: dict[str, Lack] = {}
        self._walks: dict[int, _Walk] = {}
        self._broken: dict[int, Exception] = {}
        self._tried: dict[tuple[int, int], Unit] = {}
        self._held: Mapping[Name, Gate] = {} if of is None else of.at.held_inside(of.i)
        self._claims = claims_of(graph, house.pool.gates, self._held)
        places = [_PLACES.get(type(node.work), Place.WORKS) for node in nodes]
        self._schedule = Schedule(
            house.pool,
            graph.needs,
            graph.followers,
            ranks(nodes, graph.heights, *self._above),
            begin=self.begin,
            unit=self.unit,
            places=places if any(places) else None,
            claims=None if self._claims is None else [tuple(found.values()) for found in self._claims],
            inside=None if of is None else of.at.key(of),
        )

    async def run(self) -> bool:
        """Carry out everything. False when a task's failure ended it; ``failure`` says which."""
        try:
            whole = await self._schedule.run()
        except BaseException:
            what = repr(self._prefix.rstrip("/")) if self._prefix else "the run"
            self._leave(f"{what} was cancelled", f"{what} was cancelled")
            raise
        if self.failure is not None:
            self._leave(self.failure[0], f"{self.failure[0]!r} failed")
        return whole

    def value_of(self, name: str | None) -> Any:
        """What this task gave; a :class:`Lack` where it has no value. ``None`` of none."""
        if name is None:
            return None
        return self._lacks[name] if name in self._lacks else self.values[self.graph.index[name]]

    @property
    def value(self) -> Any:
        """What the graph gives; a :class:`Lack` where that task has no value."""
        return self.value_of(self.graph.gives)

    # --- the inside of a task --------------------------------------------------------------------------------------

    def inside(
        self,
        unit: Unit,
        graph: Graph,
        inputs: Mapping[str, Any],
        prefix: str,
        given: Mapping[str, Provenance] | None = None,
    ) -> Carrying:
        """The inside of a task of this graph.

        :param given: where inputs come from that do not come from where the task's own values do.
        """
        declared = {one.name: one.default for one in graph.declared if one.default is not REQUIRED}
        where = {**origins(self.graph, unit.node, self.origins), **(given or {})}
        return Carrying(self.house, graph, {**declared, **inputs}, prefix=prefix, of=unit, given=where)

    async def run_as_task_of(self, unit: Unit) -> None:
        """The same, as what a task does. Raises what the task inside raised that ended it."""
        if not await self.run():
            assert self.failure is not None
            unit.culprit, cause = self.failure
            raise cause

    def urgency(self, i: int) -> tuple[int, int]:
        """A task's priority, and the number of tasks on the way from it to the end."""
        priority, path = self._above
        return priority + self.graph.nodes[i].policy.priority, path + self.graph.heights[i]

    def held_inside(self, i: int) -> Mapping[Name, Gate]:
        """What tasks inside of a task find in the place of gates that are held already."""
        return self._held if self._claims is None else inside(self._held, self._claims[i])

    def key(self, unit: Unit) -> int:
        """What the scheduler calls a unit."""
        return self._schedule.key(unit.i, unit.item)

    # --- ready -----------------------------------------------------------------------------------------------------

    def begin(self, i: int) -> int:
        """A task's needs are met: how many units has it? 0 for one that is not carried out."""
        if self._plain[i] and not self._lacks:
            return 1
        node = self.graph.nodes[i]
        lack = lack_of(node, self._lacks)
        if lack is not None:
            self._skip(i, lack, _because(lack))
            return 0
        try:
            for condition in node.when:
                if not condition.holds(self._source(condition.source)):
                    why = f"the value of {condition.source!r} did not pass"
                    self._skip(i, Lack("omitted", self._names[i], why), why, condition.source)
                    return 0
            return 1 if node.mapped is None else self._walk(i, node)
        except Exception as wrong:  # what a condition or a lazy list of the user's raises
            self._broken[i] = wrong
            return 1

    def _source(self, name: str) -> Any:
        place = self.graph.index.get(name)
        return self.inputs[name] if place is None else self.values[place]

    def _walk(self, i: int, node: Node) -> int:
        """A mapped task: its lists are known."""
        assert node.mapped is not None
        count, lists = self.bindings[i].lists(node.mapped, self.values)
        stoppable = node.policy.on_error == "skip" and node.mapped.on_error == "fail"
        self._walks[i] = _Walk(lists, count, stoppable)
        self.values[i] = [None] * count
        if isinstance(node.work, Ask):
            self.house.run.outcomes[self._names[i]] = list[Outcome[Any] | None]([None] * count)
        if count == 0:
            self._begun[i] = 1
            self._give(i, self.values[i])
        return count

    def _skip(self, i: int, lack: Lack, reason: str, because: str | None = None) -> None:
        """A task is not carried out."""
        self._lack(i, lack)
        self._begun[i] = 1
        self.house.run.skipped[self._names[i]] = reason
        self.house.tell(NodeSkipped, node=self._names[i], because=because or lack.task)

    # --- at work ---------------------------------------------------------------------------------------------------

    async def unit(self, i: int, item: int) -> bool | Again:
        """One try of a task, or of one item of it."""
        walk = self._walks.get(i) if self._walks else None
        if walk is None or not walk.stoppable:
            return await self._carried(i, item)
        if walk.stopped:
            waited = self._tried.pop((i, item), None)
            if waited is not None:
                self._end(waited, "cancelled")
            return True
        with anyio.CancelScope() as scope:
            walk.scopes.add(scope)
            try:
                return await self._carried(i, item)
            finally:
                walk.scopes.discard(scope)
        return True

    async def _carried(self, i: int, item: int) -> bool | Again:
        unit = self._tried.pop((i, item), None) if self._tried else None
        if unit is None:
            unit = self._started(i, item)
        try:
            value = await self._value(unit)
        except Exception as wrong:
            return await self._failed(unit, wrong)
        except BaseException:
            self._end(unit, "cancelled")
            raise
        self._done(unit, value)
        return True

    def _started(self, i: int, item: int) -> Unit:
        house, node = self.house, self.graph.nodes[i]
        begun = house.services.clock.monotonic()
        mapped = node.mapped is not None and i not in self._broken
        row = Row(self._names[i], item if mapped else None, None, begun - house.zero)
        house.run._rows.append(row)  # pyright: ignore[reportPrivateUsage]
        self._begun[i] = 1
        unit = Unit(self, house, i, item, node, row, row.key, begun)
        if isinstance(node.work, Ask):
            unit.task_id = task_id(house.run.id, unit.path)
        if mapped:
            row.label = label_of(node, dict(self._items(i, item)))
        if self._bus.active:
            self._bus.emit(
                NodeStarted(
                    at=house.services.clock.now(),
                    task_id=unit.task_id,
                    run_id=house.run.id,
                    node=row.task,
                    item=item_of(row),
                )
            )
        return unit

    def _items(self, i: int, item: int) -> list[tuple[str, Any]]:
        return [(name, items[item]) for name, items in self._walks[i].lists]

    async def _value(self, unit: Unit) -> Any:
        """What one try of a task gives; a :class:`Lack` where it ends without a value."""
        node, i = unit.node, unit.i
        if i in self._broken:
            raise self._broken[i]
        values = self.bindings[i].values(self.values, bool(self._lacks))
        if node.mapped is not None:
            values.update(self._items(i, unit.item))
        if self.house.durable and unit.row.tries == 1:
            await self._recall(unit)
        do = DOES[type(node.work)]
        policy = node.policy
        if policy is PLAIN:
            return await do(unit, node.work, values)
        if policy.timeout is None or _in_thread(node):
            return await do(unit, node.work, values)
        return await within(self.house, policy.timeout, partial(do, unit, node.work, values))

    async def _recall(self, unit: Unit) -> None:
        """What an earlier process wrote down of it, where it had not ended well. :raises FailedBefore: it failed."""
        journal, policy = self.house.journal, unit.node.policy
        if _tolerant(unit.node):
            await recall(journal, unit.key)
        if policy.retry is not None:
            unit.row.tries = await reached(journal, unit.path, self.tries, policy.retry.attempts)

    # --- done ------------------------------------------------------------------------------------------------------

    def _done(self, unit: Unit, value: Any) -> None:
        """A task, or an item, ended well: put what it gave where it belongs."""
        self._end(unit, "done")
        row, house = unit.row, self.house
        if isinstance(value, Lack):
            self._without(unit, value)
        else:
            self._keep(unit, value)
        if self._bus.active:
            self._bus.emit(
                NodeFinished(
                    at=house.services.clock.now(),
                    task_id=unit.task_id,
                    run_id=house.run.id,
                    node=row.task,
                    seconds=row.seconds,
                    item=item_of(row),
                    outcome=None if unit.outcome is None else measures(unit.outcome),
                    refused=row.state == "refused",
                )
            )

    def _end(self, unit: Unit, state: Any) -> None:
        unit.row.seconds = self.house.services.clock.monotonic() - unit.begun
        unit.row.state = state

    def _keep(self, unit: Unit, value: Any) -> None:
        i, outcomes = unit.i, self.house.run.outcomes
        walk = self._walks.get(i) if self._walks else None
        if walk is None:
            if unit.outcome is not None:
                outcomes[self._names[i]] = unit.outcome
            self._give(i, value)
            return
        if unit.outcome is not None:
            cast("list[Outcome[Any] | None]", outcomes[self._names[i]])[unit.item] = unit.outcome
        if walk.stopped:
            return
        self.values[i][unit.item] = value
        walk.open -= 1
        if walk.open == 0:
            del self._walks[i]
            self._give(i, self.values[i])

    def _give(self, i: int, value: Any) -> None:
        """A task has its value."""
        self.values[i] = value
        if not self._prefix:
            self.house.run.results[self._names[i]] = value

    def _without(self, unit: Unit, lack: Lack) -> None:
        """A task ended without a value; an item's place in the list stays empty."""
        if isinstance(unit.node.work, Approve) and lack.kind == "refused":
            unit.row.state = "refused"
        if unit.node.mapped is None:
            self._lack(unit.i, lack)
        else:
            self._keep(unit, None)

    def _lack(self, i: int, lack: Lack) -> None:
        self.values[i] = MISSING
        self._lacks[self.graph.nodes[i].name] = lack

    # --- failed ----------------------------------------------------------------------------------------------------

    async def _failed(self, unit: Unit, wrong: Exception) -> bool | Again:
        """A try raised: try again, go on without it, or end everything."""
        house, node, row = self.house, unit.node, unit.row
        row.error = house.services.redact(told(wrong))
        if unit.i not in self._broken and not isinstance(wrong, FailedBefore) and not unit.doubtful:
            seconds = wait_before_next(node.policy.retry, row.tries, wrong, house.services.rng)
            if seconds is not None:
                again = self._again(unit, seconds)
                if house.durable:
                    await note(house.journal, unit.path, self.tries, row.tries)
                return again
        self._end(unit, "failed")
        house.run.errors[unit.path] = wrong
        house.tell(
            NodeFailed,
            task_id=unit.task_id,
            node=row.task,
            seconds=row.seconds,
            error=row.error,
            item=item_of(row),
        )
        if ends_the_run(wrong) or not self._tolerated(unit):
            if self.failure is None:
                self.failure = (unit.culprit or unit.path, wrong)
            return False
        if house.durable:
            await keep(house.journal, unit.key, row.error)
        self._go_on(unit, wrong)
        return True

    def _again(self, unit: Unit, seconds: float) -> Again:
        house, row = self.house, unit.row
        house.tell(
            NodeRetrying,
            task_id=unit.task_id,
            node=row.task,
            item=item_of(row),
            attempt=row.tries,
            wait=seconds,
            error=row.error,
        )
        row.tries += 1
        unit.outcome = unit.culprit = None
        if isinstance(unit.node.work, Sub | Loop):  # what happened inside is no longer what came of it
            mine = (f"{unit.path}/", f"{unit.path}#")
            for kept in (house.run.errors, house.run.skipped):
                for path in [path for path in kept if path.startswith(mine)]:
                    del kept[path]
        self._tried[unit.i, unit.item] = unit
        again = Again(seconds)
        walk = self._walks.get(unit.i)
        if walk is not None and walk.stoppable:
            walk.scopes.add(again.waits)
        return again

    def _tolerated(self, unit: Unit) -> bool:
        """Whether the run goes on after this failure."""
        if unit.i in self._broken:  # the task as a whole: there are no items
            return unit.node.policy.on_error != "fail"
        return _tolerant(unit.node)

    def _go_on(self, unit: Unit, wrong: Exception) -> None:
        """A failure that is tolerated: what those behind it get."""
        i, node, policy = unit.i, unit.node, unit.node.policy
        walk = self._walks.get(i)
        collects = walk is not None and node.mapped is not None and node.mapped.on_error == "collect"
        if collects:
            self._keep(unit, wrong)
        elif policy.on_error == "continue":
            self._keep(unit, None if policy.fallback is REQUIRED else policy.fallback)
        else:
            self._lack(i, Lack("failed", self._names[i], f"{unit.path!r} failed"))
            if walk is not None:
                walk.stopped = True
                for scope in walk.scopes:
                    scope.cancel()

    # --- ended -----------------------------------------------------------------------------------------------------

    def _leave(self, because: str, reason: str) -> None:
        """It ended before its time: what was not reached is skipped."""
        for unit in self._tried.values():
            self._end(unit, "cancelled")
        skipped = self.house.run.skipped
        self.unstarted = tuple(name for i, name in enumerate(self._names) if not self._begun[i])
        for name in self.unstarted:
            skipped[name] = reason
            self.house.tell(NodeSkipped, node=name, because=because)


def ranks(nodes: Sequence[Node], heights: Sequence[int], priority: int, path: int) -> list[int]:
    """How urgent each task is; those of one priority and one path share a number."""
    known: dict[tuple[int, int], int] = {}
    found: list[int] = []
    for node, height in zip(nodes, heights, strict=True):
        urgency = (priority + node.policy.priority, path + height)
        if urgency not in known:
            known[urgency] = rank(*urgency)
        found.append(known[urgency])
    return found


def _tolerant(node: Node) -> bool:
    return node.policy.on_error != "fail" or (node.mapped is not None and node.mapped.on_error == "collect")


def _in_thread(node: Node) -> bool:
    """Threads look after their time-out themselves, since nobody can stop them."""
    return isinstance(node.work, Call) and node.work.thread and not node.work.is_async


def _because(lack: Lack) -> str:
    ended = {"omitted": "was left out", "refused": "was refused", "failed": "failed"}[lack.kind]
    return f"{lack.task!r} {ended}"
