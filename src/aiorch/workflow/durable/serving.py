"""A worker process: what it needs, how it begins and how it ends. What it does is in ``worker.py``."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from aiorch.errors import ConfigurationError, InputError, InvalidWorkflow
from aiorch.workflow.durable.administering import Runs
from aiorch.workflow.durable.engine import Durable
from aiorch.workflow.durable.leases import Served
from aiorch.workflow.durable.life import Life
from aiorch.workflow.durable.queued import Carrier
from aiorch.workflow.durable.queues import Limits, Line, token_of_this_run
from aiorch.workflow.durable.scheduling import Schedule, Timetable
from aiorch.workflow.durable.specifications import remember
from aiorch.workflow.durable.spreading import Parts
from aiorch.workflow.durable.submitting import graph_of
from aiorch.workflow.durable.worker import Station, Terms

if TYPE_CHECKING:
    from types import FrameType

    from aiorch.workflow.builder import Workflow
    from aiorch.workflow.graph import Graph
    from aiorch.workflow.services import Services


async def serve(
    flows: Sequence[Workflow | Graph],
    services: Services,
    *,
    engine: str,
    concurrency: int = 8,
    lease: float = 10.0,
    limits: Limits | None = None,
    schedules: Sequence[Schedule] = (),
    tasks: int = 64,
    grace: float = 30.0,
    poll: float = 0.5,
    signals: bool = False,
    on_ready: Callable[[], object] = lambda: None,
) -> None:
    """Carry out submitted runs of ``flows`` until it is stopped or cancelled.

        await serve([nightly], services, engine="postgresql://me@db.example/runs", concurrency=8)

    Only runs of exactly these specifications are taken, so two versions of a workflow can be at work side by side, each
    with workers of its own. Cancelling hands back what is under way at once. Needs asyncio.

    :param engine: ``postgresql://...``, or ``sqlite:///file`` for several processes of one machine.
    :param concurrency: runs at once in this process, and as many parts that other runs spread.
    :param lease: seconds after which this worker counts as dead when it does not show; others then take its runs.
    :param limits: what holds over all workers; kept in the database, so that the last one who gives some decides.
    :param schedules: workflows of ``flows`` to be submitted at certain times.
    :param tasks: tasks of one run at work at once.
    :param grace: seconds for runs to end after SIGTERM or Ctrl-C; what has not ended is handed back.
    :param poll: seconds between two looks at an empty queue.
    :param signals: True ends it on SIGTERM and Ctrl-C; a second one does so at once.
    :param on_ready: is called once runs are taken.
    :raises InvalidWorkflow: for a workflow that cannot run. :raises InputError: for numbers that make no sense.
    :raises MissingExtra: without the extra ``durable``. :raises StorageError: when the database cannot be used.
    """
    graphs = {graph.version: graph for graph in map(graph_of, flows)}
    if not graphs:
        raise InputError("a worker needs at least one workflow to serve")
    _check(graphs, services)
    _check_schedules(schedules, graphs)
    terms = Terms(concurrency, lease, grace, poll)
    durable = Durable(engine, redact=services.redact, clock=services.clock)
    async with _opened(durable, graphs, services, terms, limits, schedules, tasks) as station:
        with _stopped_by_signals(station.stop, signals):
            await station.work(on_ready)


@asynccontextmanager
async def _opened(
    durable: Durable,
    graphs: Mapping[str, Graph],
    services: Services,
    terms: Terms,
    limits: Limits | None,
    schedules: Sequence[Schedule],
    tasks: int,
) -> AsyncGenerator[Station]:
    """Everything that a worker needs, launched; and ended in the end."""
    handler = _Handler()
    try:
        await durable.storage.do(lambda db: [remember(db, graph) for graph in graphs.values()])
        life = await anyio.to_thread.run_sync(partial(Life.hold, durable.address, handler=handler))
        try:
            line = await anyio.to_thread.run_sync(Line)
            await anyio.to_thread.run_sync(line.prepare, limits)
            async with Runs(durable.address.url) as runs:
                parts = Parts(runs.desk, line)
                carrier = Carrier(durable, line, graphs, services, tasks, parts)
                timetable = Timetable(schedules, partial(_submit, runs, graphs))
                serves = [Served(graph.name, version) for version, graph in graphs.items()]
                extra = (carrier.tell_waits, timetable.look)
                station = Station(durable.storage, line, carrier.carry, serves, terms, extra)
                handler.station = station
                try:
                    yield station
                finally:
                    parts.close()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(life.release)
    finally:
        with anyio.CancelScope(shield=True):
            await durable.aclose()


async def _submit(runs: Runs, graphs: Mapping[str, Graph], schedule: Schedule, run: str) -> None:
    graph = next(graph for graph in graphs.values() if graph.name == schedule.workflow)
    await runs.submit(graph, schedule.inputs, run_id=run)


class _Handler:
    """What DBOS calls, in a loop of its own, when it carries out a run; the work is done in the worker's loop."""

    def __init__(self) -> None:
        self.station: Station | None = None
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    async def __call__(self, run: str, *given: Any) -> None:
        if self.station is None:  # nothing is claimed before there is a station
            raise ConfigurationError("the worker is not ready")
        work = self.station.handle(run, token_of_this_run(), given[0] if given else None)
        # Not in the context of here: what the run does with DBOS would count as steps of this workflow of its.
        begin = partial(asyncio.run_coroutine_threadsafe, work, self._loop)
        await asyncio.wrap_future(self._context.copy().run(begin))


def _check(graphs: Mapping[str, Graph], services: Services) -> None:
    from aiorch.workflow.runs import Run
    from aiorch.workflow.validation import problems

    for graph in graphs.values():
        if found := problems(graph, None, {**services.provide, Run: None}, durable=True):
            raise InvalidWorkflow(graph.name, found)


def _check_schedules(schedules: Sequence[Schedule], graphs: Mapping[str, Graph]) -> None:
    from aiorch.workflow.durable.submitting import order_of

    for schedule in schedules:
        held = [graph for graph in graphs.values() if graph.name == schedule.workflow]
        if len(held) != 1:
            raise InputError(
                f"the schedule of {schedule.workflow!r} needs exactly one workflow of that name, and this worker "
                f"holds {len(held)}: it serves {', '.join(sorted(graph.name for graph in graphs.values()))}"
            )
        order_of(held[0], schedule.inputs)


@contextmanager
def _stopped_by_signals(stop: Callable[[], None], wanted: bool) -> Generator[None]:
    """End the worker on SIGTERM and Ctrl-C, where this is the main thread."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    caught = (signal.SIGTERM, signal.SIGINT)
    before = {one: signal.getsignal(one) for one in caught}

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)

    for one in caught:
        signal.signal(one, on_signal)  # not the loop's own way, which Windows does not have
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
