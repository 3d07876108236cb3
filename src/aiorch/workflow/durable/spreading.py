"""Parts of a run that any worker may carry out: each is a run of its own, on a queue of its own.

A part is named by the run and its place in it, so that whoever takes the run over finds the parts that were spread
before. What it gave is committed in the run's own journal, as any other task's value.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aiorch.errors import StorageError, WorkflowError
from aiorch.workflow.durable.leased import Leased, Sure
from aiorch.workflow.durable.submitting import PART, Order, enqueue, jsonable
from aiorch.workflow.durable.tables import runs
from aiorch.workflow.missing import Lack
from aiorch.workflow.nodes import Loop, Sub

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.workflow.durable.desk import Desk
    from aiorch.workflow.durable.journal import DurableJournal
    from aiorch.workflow.durable.queues import Line
    from aiorch.workflow.graph import Graph

LOOK = 0.25
"""Seconds between two looks for parts that have ended."""

_PLACE = re.compile(r"(?:\[\d+\])?(?:#\d+)?(?:~\d+)?$")
"""What follows a task's name in a path: which item, which round, which try."""


def part_of(graph: Graph, path: str) -> Graph:
    """The workflow at a place of another one: ``chapters[3]``, ``book/chapters[3]``.

    :raises WorkflowError: where there is none.
    """
    for place in path.split("/"):
        at = graph.index.get(_PLACE.sub("", place))
        work = None if at is None else graph.nodes[at].work
        if not isinstance(work, Sub | Loop):
            raise WorkflowError(f"workflow {graph.name!r} has no workflow at {path!r}")
        graph = work.graph
    return graph


@dataclass(frozen=True, slots=True)
class Ended:
    """How a part ended."""

    run: str
    result: Mapping[str, Any] | None
    """What the engine kept of it: results and skipped tasks; ``None`` where it was not done."""
    error: str


def ended(db: Connection, line: Line, wanted: list[str]) -> list[Ended]:
    """Those of the parts that have ended."""
    states = line.ended(db, wanted)
    kept = db.execute(
        sa.select(runs.c.run_id, runs.c.result, runs.c.error).where(runs.c.run_id.in_(list(states)))
    )
    rows: dict[str, tuple[str | None, str | None]] = {run: (result, error) for run, result, error in kept}
    found: list[Ended] = []
    for run, state in states.items():
        result, error = rows.get(run, (None, None))
        value = json.loads(result) if state == "SUCCESS" and result is not None else None
        found.append(Ended(run, value, error or state.lower()))
    return found


class Parts:
    """Spreads parts and waits for them, all with one look at a time."""

    def __init__(self, desk: Desk, line: Line) -> None:
        self._desk = desk
        self._line = line
        self._waiting: dict[str, asyncio.Future[Ended]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def carried_out(self, order: Order, run: str) -> Ended:
        """Have somebody carry out a part, and wait for it. One that is there already is only waited for."""
        await enqueue(self._desk, order, run)
        end = self._waiting.setdefault(run, asyncio.get_running_loop().create_future())
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(end)  # whoever is cancelled leaves it to those who wait for the same

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        try:
            while self._waiting:
                wanted = list(self._waiting)
                with suppress(StorageError):  # the database is away: at the next look
                    look = partial(ended, line=self._line, wanted=wanted)
                    for one in await self._desk.tables(look, writes=False):
                        self._waiting.pop(one.run).set_result(one)
                await asyncio.sleep(LOOK)
        except Exception as wrong:
            for end in self._waiting.values():
                end.set_exception(wrong)
            self._waiting.clear()


class Spreading(Leased):
    """The journal of a run in a worker's hands, that can also spread parts."""

    def __init__(self, journal: DurableJournal, sure: Sure, parts: Parts, order: Order, run: str) -> None:
        super().__init__(journal, sure)
        self._parts = parts
        self._order = order
        self._run = run

    async def spread(self, path: str, attempt: int, graph: Graph, values: Mapping[str, Any]) -> Any:
        """What the part at ``path`` gives; a :class:`Lack` where it gives nothing.

        :raises WorkflowError: where it failed or was cancelled.
        """
        place = path if attempt == 1 else f"{path}~{attempt}"
        inputs = {name: jsonable(name, values[name]) for name in values}
        order = Order(self._order.workflow, self._order.version, inputs, place)

        async def effect() -> dict[str, Any]:
            end = await self._parts.carried_out(order, f"{self._run}{PART}{place}")
            if end.result is None:
                raise WorkflowError(f"part {place!r} of run {self._run!r} failed: {end.error}")
            name = graph.gives or ""
            if name in end.result["results"]:
                return {"value": end.result["results"][name]}
            return {"lacks": end.result["skipped"].get(name, "it was skipped")}

        kept = await self.once(f"{path}:part{attempt}", effect, returns=dict[str, Any])
        return Lack("omitted", path, str(kept["lacks"])) if "lacks" in kept else kept["value"]
