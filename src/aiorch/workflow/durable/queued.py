"""Carrying out one run that came from the queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiorch.errors import AiorchError, LeaseLost, RunInUse, StorageError
from aiorch.workflow.durable.leased import Leased
from aiorch.workflow.durable.life import RecordedFailure
from aiorch.workflow.durable.spreading import Spreading, part_of
from aiorch.workflow.durable.submitting import Order
from aiorch.workflow.durable.waits import keep
from aiorch.workflow.durable.worker import GiveBack
from aiorch.workflow.execution import execute
from aiorch.workflow.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.protocols import Journal
    from aiorch.workflow.durable.engine import Durable
    from aiorch.workflow.durable.journal import DurableJournal
    from aiorch.workflow.durable.leased import Sure
    from aiorch.workflow.durable.queues import Claim, Line
    from aiorch.workflow.durable.spreading import Parts
    from aiorch.workflow.graph import Graph
    from aiorch.workflow.services import Services

T = TypeVar("T")

logger = logging.getLogger("aiorch")


class Carrier:
    """Knows the workflows, and carries out runs of them."""

    def __init__(
        self,
        durable: Durable,
        line: Line,
        graphs: Mapping[str, Graph],
        services: Services,
        tasks: int,
        parts: Parts,
    ) -> None:
        self._durable = durable
        self._line = line
        self._graphs = graphs
        self._services = services
        self._tasks = tasks
        self._parts = parts
        self._at_work: dict[str, Run] = {}
        self._told: dict[str, Any] = {}

    async def carry(self, claim: Claim, worker: str, sure: Sure, given: Any) -> None:
        """From its claim to its recorded end.

        :raises GiveBack: where it cannot go on here. :raises RecordedFailure: where it failed, for DBOS to keep.
        """
        order = Order.read(given)
        graph = self._graphs[claim.version]
        if order is None:
            raise RecordedFailure("this run was not submitted by aiorch")
        run_id = claim.run

        def dressed(journal: DurableJournal) -> Journal:
            if order.path is not None:  # inside of a part nothing is spread again
                return Leased(journal, sure)
            return Spreading(journal, sure, self._parts, order, run_id)

        if order.path is not None:
            graph = part_of(graph, order.path)
        run = Run(graph.name, run_id)
        self._at_work[run.id] = run
        allowed = partial(self._line.is_mine, claim=claim)
        engine = Queued(self._durable, claim.version, worker, allowed, dressed)
        try:
            await execute(
                graph, order.inputs, services=self._services, engine=engine, limit=self._tasks, run=run
            )
        except LeaseLost as lost:
            logger.info("%s", lost)
            raise asyncio.CancelledError from None
        except (StorageError, RunInUse) as fault:
            raise GiveBack(str(fault), rest=isinstance(fault, StorageError)) from fault
        except Exception as failed:
            logger.warning(
                "run %s failed: %s",
                run.id,
                failed if isinstance(failed, AiorchError) else type(failed).__name__,
            )
            raise RecordedFailure(type(failed).__name__) from None
        finally:
            if self._at_work.get(run.id) is run:
                del self._at_work[run.id]

    async def tell_waits(self, now: float) -> None:
        """Write down what runs wait for from outside, where that has changed."""
        waits = {run.id: run.waiting for run in self._at_work.values() if run.waiting}
        changed = {
            run: waits.get(run, ()) for run in {*waits, *self._told} if waits.get(run) != self._told.get(run)
        }
        if changed:
            await self._durable.storage.do(partial(keep, changed=changed))
            self._told = waits


class Queued:
    """The engine of a run that DBOS took from a queue."""

    durable = True

    def __init__(
        self,
        durable: Durable,
        version: str,
        worker: str,
        allowed: Callable[[Connection], bool],
        dressed: Callable[[DurableJournal], Journal],
    ) -> None:
        self._durable = durable
        self._version = version
        self._worker = worker
        self._allowed = allowed
        self._dressed = dressed

    @property
    def name(self) -> str:
        """That of the database."""
        return self._durable.name

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Carry out ``body``. A part has its own specification, and the version of the run that spread it."""

        async def in_its_journal(journal: Journal) -> T:
            return await body(self._dressed(cast("DurableJournal", journal)))

        return await self._durable.serve(
            run_id, self._version, in_its_journal, returns=returns, owner=self._worker, allowed=self._allowed
        )
