"""The runs of a database, for people and programs that look after them."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiorch.errors import InputError, nearest
from aiorch.types import new_id
from aiorch.workflow.durable.desk import Desk
from aiorch.workflow.durable.forking import done_again, taken_along, task_at_the_top, there_is
from aiorch.workflow.durable.leases import Worker, alive, unserved
from aiorch.workflow.durable.rows import ENDED, RunDetails, RunInfo, State
from aiorch.workflow.durable.submitting import PART, Order, checked_id, enqueue, graph_of, order_of
from aiorch.workflow.ledger import CallRecord

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus
    from sqlalchemy import Connection

    from aiorch.workflow.builder import Workflow
    from aiorch.workflow.durable.specifications import Specification
    from aiorch.workflow.graph import Graph

T = TypeVar("T")


class Runs:
    """Looks after the runs of a database; whoever carries them out need not be there.

        async with Runs("postgresql://me@db.example/runs") as runs:
            for run in await runs.list(state="failed"):
                await runs.resume(run.id)

    Works under asyncio and trio. Every method raises :class:`~aiorch.errors.StorageError` when the database cannot be
    used, and :class:`~aiorch.errors.InputError` for a run that is not there.

    :param engine: ``sqlite:///runs.db`` or ``postgresql://...``.
    :raises ConfigurationError: for an address of something else.
    """

    def __init__(self, engine: str) -> None:
        self.desk = Desk(engine)
        """The connections."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. Using it again opens them again."""
        await self.desk.aclose()

    # --- new ones ------------------------------------------------------------------------------------------------

    async def submit(
        self,
        flow: Workflow | Graph,
        inputs: Mapping[str, Any] | None = None,
        *,
        run_id: str | None = None,
        priority: int = 0,
        delay: float | None = None,
    ) -> str:
        """Put a run into the queue, for a worker that holds this version of the workflow.

        :param inputs: what JSON can hold, dataclasses and pydantic models included.
        :param run_id: names the run; one that is there already is left as it is, so that submitting twice is safe.
        :param priority: higher goes first.
        :param delay: seconds before which no worker takes it.
        :returns: the run's id.
        :raises InvalidWorkflow: before anything is stored, with every problem found.
        :raises InputError: for inputs or an id that cannot be used.
        """
        from aiorch.workflow.durable.specifications import remember

        graph = graph_of(flow)
        order = order_of(graph, inputs)
        run = checked_id(new_id() if run_id is None else run_id)
        await self.desk.tables(lambda db: remember(db, graph))
        await enqueue(self.desk, order, run, priority=priority, delay=delay)
        return run

    async def fork(self, run_id: str, from_task: str, *, new_run_id: str | None = None) -> str:
        """Begin a new run with what another one has done, except ``from_task`` and all that depends on it.

        Results of the other tasks are copied, so that nothing of theirs is asked or paid again.

        :returns: the new run's id.
        :raises InputError: where there is no such run or task, or it cannot be known what depends on it.
        """
        from aiorch.workflow.durable import specifications

        status = await self._status(run_id)
        order = _submitted(status)
        known = await self.desk.tables(lambda db: specifications.read(db, order.version), writes=False)
        if known is None:
            raise InputError(
                f"run {run_id!r} cannot be forked: nobody wrote down how its tasks depend on each other"
            )
        again = done_again(known.needs, from_task)
        run = checked_id(new_run_id or f"{run_id}-{new_id()[:8]}")
        copied = await self.desk.tables(
            partial(_copy, run_id=run_id, new=run, order=order, events=known.events, again=again)
        )
        if not copied:
            raise InputError(f"there is a run {run!r} already: give the fork another id")
        await enqueue(self.desk, order, run, forked_from=run_id)
        return run

    # --- looking -------------------------------------------------------------------------------------------------

    async def list(
        self,
        *,
        state: State | Collection[State] | None = None,
        workflow: str | None = None,
        limit: int = 100,
        parts: bool = False,
    ) -> tuple[RunInfo, ...]:
        """Runs, the newest first.

        :param state: only those in this state, or in one of these.
        :param workflow: only those of this workflow.
        :param limit: that many at the most.
        :param parts: True also lists what other runs spread.
        """
        from aiorch.workflow.durable import reading

        wanted = {state} if isinstance(state, str) else None if state is None else set(state)
        found: list[RunInfo] = []
        offset = 0
        while len(found) < limit:
            page = await self.desk.dbos(partial(reading.page, offset=offset))
            for info in await self._infos(page):
                if wanted is not None and info.state not in wanted:
                    continue
                if (parts or info.part_of is None) and workflow in (None, info.workflow):
                    found.append(info)
            offset += len(page)
            if len(page) < reading.PAGE:
                break
        return tuple(found[:limit])

    async def get(self, run_id: str) -> RunInfo:
        """One run."""
        return (await self._infos([await self._status(run_id)]))[0]

    async def show(self, run_id: str) -> RunDetails:
        """Everything that is known of a run."""
        from aiorch.workflow.durable import reading, specifications

        status = await self._status(run_id)
        parts = await self.desk.dbos(partial(reading.parts_of, run_id=run_id))
        info, *rest = await self._infos([status, *parts])

        def look(
            db: Connection,
        ) -> tuple[Specification | None, Sequence[tuple[str, float]], tuple[str, ...]]:
            known = specifications.read(db, info.version)
            return known, reading.keys_of(db, run_id), reading.mail_of(db, run_id)

        known, keys, mail = await self.desk.tables(look, writes=False)
        order = Order.of(status.input)
        return RunDetails(
            info,
            None if order is None else dict(order.inputs),
            reading.tasks_of(None if known is None else known.needs, keys),
            await self.calls(run_id),
            mail,
            tuple(rest),
        )

    async def calls(self, run_id: str) -> tuple[CallRecord, ...]:
        """Every call that was ever begun for a run, in order."""
        from aiorch.workflow.durable import records

        return await self.desk.tables(lambda db: records.calls_of(db, run_id), writes=False)

    async def workers(self) -> tuple[Worker, ...]:
        """The workers that are alive."""
        from aiorch.workflow.durable import workers

        attendance = await self.desk.tables(workers.read, writes=False)
        return alive(attendance.workers, attendance.now)

    # --- changing ------------------------------------------------------------------------------------------------

    async def resume(self, run_id: str) -> RunInfo:
        """Put a failed or cancelled run back into the queue, with those of its parts; what was committed is not done
        again. A delayed one begins at once; one that is queued or at work is left alone.

        :raises InputError: for a run that is done, or that nobody submitted.
        """
        from aiorch.workflow.durable import reading

        info, order = await self._known(run_id)
        if info.state == "done":
            raise InputError(f"run {run_id!r} is done: fork it to do some of it again")
        if info.state in ("failed", "cancelled"):
            parts = await self._infos(await self.desk.dbos(partial(reading.parts_of, run_id=run_id)))
            stopped = [part.id for part in parts if part.state in ("failed", "cancelled")]
            await self.desk.dbos(partial(_rewind, runs=(*stopped, run_id), version=order.version))
        elif info.state == "delayed":
            await self.desk.dbos(lambda db: db.set_workflow_delay(run_id, delay_seconds=0))
        return await self.get(run_id)

    async def cancel(self, run_id: str) -> RunInfo:
        """End a run, its parts with it: what is under way is stopped within seconds, and nothing more of it is kept.
        It can be resumed. One that has ended is left as it is.
        """
        from aiorch.workflow.durable import reading, records

        await self._status(run_id)
        parts = [one.workflow_id for one in await self.desk.dbos(partial(reading.parts_of, run_id=run_id))]
        await self.desk.dbos(lambda db: db.cancel_workflows([run_id, *parts]))

        def take_away(db: Connection) -> None:
            for one in (run_id, *parts):
                row = records.run_row(db, one)
                if row is not None and row.state == "running":
                    records.take_away(db, one, "cancelled")

        await self.desk.tables(take_away)
        return await self.get(run_id)

    async def delete(
        self, run_id: str | None = None, *, older_than: float | None = None, limit: int = 10_000
    ) -> int:
        """Delete a run, or all that ended more than ``older_than`` seconds ago, with everything that was kept of it.

        :returns: how many; parts count with their runs.
        :raises InputError: for a run that has not ended.
        """
        from aiorch.workflow.durable import reading, records, waits

        if (run_id is None) == (older_than is None):
            raise InputError("delete takes a run id or older_than=, one of them")
        if run_id is not None:
            chosen: Sequence[RunInfo] = [await self.get(run_id)]
            if chosen[0].state not in ENDED:
                raise InputError(f"run {run_id!r} is {chosen[0].state}: cancel it first")
        else:
            before = time.time() - (older_than or 0.0)
            chosen = [
                one
                for one in await self.list(state=ENDED, limit=limit)
                if one.ended is not None and one.ended < before
            ]
        ids = [one.id for one in chosen]
        for one in list(ids):
            ids += [part.workflow_id for part in await self.desk.dbos(partial(reading.parts_of, run_id=one))]

        def forget(db: Connection) -> None:
            for one in ids:
                records.forget(db, one)
                waits.forget(db, one)

        if ids:
            await self.desk.dbos(lambda db: db.delete_workflows(ids))
            await self.desk.tables(forget)
        return len(chosen)

    async def send(self, run_id: str, name: str, value: Any) -> bool:
        """Send a JSON value to a run that waits for the event ``name``, or will.

        :returns: False where something of that name had been sent before: the first one counts.
        :raises InputError: for what JSON cannot hold.
        """
        await self._status(run_id)
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as wrong:
            raise InputError(f"{name!r} cannot be sent: JSON cannot hold it ({wrong})") from None
        return await self.desk.storage.send(run_id, name, text)

    async def approve(
        self, run_id: str, task: str, *, allowed: bool = True, by: str = "", note: str = ""
    ) -> bool:
        """Decide what a task asks a person; ``allowed=False`` refuses it.

        :param by: who decided.
        :returns: False where somebody had decided before.
        :raises InputError: for a task that the workflow of a submitted run has not got.
        """
        await self._asks(run_id, task)
        return await self.send(run_id, task, {"allowed": allowed, "by": by, "note": note})

    # --- steps ---------------------------------------------------------------------------------------------------

    async def _status(self, run_id: str) -> WorkflowStatus:
        from aiorch.workflow.durable import reading

        found = await self.desk.dbos(lambda db: db.list_workflows(workflow_ids=[run_id], load_output=False))
        if not found:
            known = await self.desk.dbos(lambda db: [one.workflow_id for one in reading.page(db, 0)])
            near = nearest(run_id, known)
            offer = (
                f" Did you mean {' or '.join(near)}?" if near else " `aiorch runs list` shows what there is."
            )
            raise InputError(f"there is no run {run_id!r}.{offer}")
        return found[0]

    async def _asks(self, run_id: str, task: str) -> None:
        from aiorch.workflow.durable import specifications

        order = Order.of((await self._status(run_id)).input)
        if order is None:
            return  # a program's own run: nobody wrote down what its tasks are
        version = order.version
        known = await self.desk.tables(lambda db: specifications.read(db, version), writes=False)
        if known is not None:
            there_is(known.needs, task_at_the_top(task))

    async def _known(self, run_id: str) -> tuple[RunInfo, Order]:
        status = await self._status(run_id)
        return (await self._infos([status]))[0], _submitted(status)

    async def _infos(self, statuses: Sequence[WorkflowStatus]) -> list[RunInfo]:
        from aiorch.workflow.durable import reading, waits, workers

        ids = [one.workflow_id for one in statuses]
        rows, waiting, there = await self.desk.tables(
            lambda db: (reading.rows_of(db, ids), waits.read(db, ids), workers.read(db)), writes=False
        )
        orders = [Order.of(one.input) for one in statuses]
        nobody = unserved({one.served for one in orders if one}, there.workers, there.now)
        return [
            reading.info_of(
                status,
                order,
                rows.get(status.workflow_id),
                waiting.get(status.workflow_id, ()),
                order is not None and order.served in nobody,
            )
            for status, order in zip(statuses, orders, strict=True)
        ]


async def submit(
    flow: Workflow | Graph,
    inputs: Mapping[str, Any] | None = None,
    *,
    engine: str,
    run_id: str | None = None,
    priority: int = 0,
    delay: float | None = None,
) -> str:
    """Put one run into the queue of ``engine``; see :meth:`Runs.submit`, which is quicker for many."""
    async with Runs(engine) as runs:
        return await runs.submit(flow, inputs, run_id=run_id, priority=priority, delay=delay)


def _submitted(status: WorkflowStatus) -> Order:
    order = Order.of(status.input)
    if order is None:
        raise InputError(
            f"run {status.workflow_id!r} was not submitted, so no worker can carry it on: run its workflow again "
            "under this id, in a program with engine= as before"
        )
    return order


# --- writing -----------------------------------------------------------------------------------------------------


def _rewind(db: DBOSClient, runs: Iterable[str], version: str) -> None:
    """Put what has ended back into its queue."""
    from aiorch.workflow.durable.queues import PARTS, RUNS

    for run in runs:
        queue = PARTS if PART in run else RUNS
        db.rewind_workflow(run, queue_name=queue, application_version=version)  # pyright: ignore[reportUnknownMemberType]


def _copy(
    db: Connection,
    run_id: str,
    new: str,
    order: Order,
    events: Mapping[str, Sequence[str]],
    again: frozenset[str],
) -> bool:
    """Give a new run what another one did and received. False where there is one of that id."""
    from sqlalchemy import insert, select

    from aiorch.workflow.durable import records
    from aiorch.workflow.durable.tables import calls, effects, mail, runs

    if records.run_row(db, new) is not None:
        return False
    now = time.time()
    row = {"workflow": order.workflow, "version": order.version, "state": "running", "epoch": 0}
    db.execute(insert(runs).values(run_id=new, created=now, updated=now, **row))
    kept = {row.key: row for row in db.execute(select(effects).where(effects.c.run_id == run_id))}
    for key in taken_along(kept, again):
        values = {"key": key, "value": kept[key].value, "committed": kept[key].committed}
        db.execute(insert(effects).values(run_id=new, **values))
    for number, row in enumerate(records.doubtful_of(db, run_id)):
        if task_at_the_top(row.key) not in again:  # nobody knows here either whether it was made
            begun = {
                "number": number,
                "key": row.key,
                "worker": row.worker,
                "guarded": True,
                "state": "begun",
            }
            db.execute(insert(calls).values(run_id=new, epoch=0, began=row.began, **begun))
    received = {name for task, names in events.items() if task not in again for name in names}
    letters = select(mail.c.name, mail.c.value).where(mail.c.run_id == run_id, mail.c.name.in_(received))
    for name, value in db.execute(letters).all():
        records.send(db, new, name, value)
    return True
