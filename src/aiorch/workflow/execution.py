"""Carrying out a workflow: validate, set up, let it run under an engine, and write down how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import anyio

from aiorch.errors import InvalidWorkflow, TaskFailed
from aiorch.events import RunFinished, RunStarted
from aiorch.protocols import Engine, Journal
from aiorch.workflow.carrying import Carrying
from aiorch.workflow.engine import Memory
from aiorch.workflow.gates import Gates
from aiorch.workflow.graph import Graph
from aiorch.workflow.missing import Lack
from aiorch.workflow.resuming import same_inputs
from aiorch.workflow.runs import Run
from aiorch.workflow.scheduler import Pool
from aiorch.workflow.services import Services
from aiorch.workflow.storing import restore, stored
from aiorch.workflow.units import House
from aiorch.workflow.validation import problems
from aiorch.workflow.values import checked_inputs

if TYPE_CHECKING:
    from aiorch.workflow.builder import Workflow


async def execute(
    flow: Workflow | Graph,
    inputs: Mapping[str, Any] | None = None,
    *,
    services: Services,
    engine: Engine | None = None,
    limit: int = 64,
    limits: Mapping[str, int] | None = None,
    run: Run | None = None,
) -> Run:
    """Carry out a workflow.

        run = await execute(flow, {"log": text}, services=Services(ask))
        run.results["draft"], run.outcomes["draft"].model

    A task starts as soon as those it needs are done. When one fails and its policy does not say otherwise, the others
    are cancelled and the run ends.

    :param services: models, tools, people, time.
    :param engine: where it runs; ``None`` = in this process, and nothing survives it.
    :param limit: tasks, and items of mapped tasks, at work at once. Those that only wait are not counted.
    :param limits: by tag, how many tasks that have it are at work at once.
    :param run: a fresh :class:`Run` to fill in. Whoever may cancel keeps it, and reads there what was finished; its
        ``id`` is the id under which a durable engine stores the run, and resumes it.
    :raises InvalidWorkflow: before anything starts, with every problem found.
    :raises InputsChanged: where a durable run is carried on with other inputs than it was begun with.
    :raises TaskFailed: with the partial run as ``run`` and the cause chained.
    """
    graph = flow if isinstance(flow, Graph) else flow.graph()
    run = Run(graph.name) if run is None else run
    if run.state != "waiting":
        raise ValueError(f"run= needs a fresh Run, this one is {run.state}")
    for what, most in (
        ("limit", limit),
        *((f"limits[{tag!r}]", most) for tag, most in (limits or {}).items()),
    ):
        if most < 1:
            raise ValueError(f"{what}={most}: at least 1 task must be allowed to run")
    handed: dict[str | type, Any] = {**services.provide, Run: run}
    given = dict(inputs or {})
    engine = engine or Memory(services.clock)
    found = problems(graph, given, handed, limits=limits, durable=engine.durable)
    if not found:
        given, found = checked_inputs(graph, given, handed)
    if found:
        raise InvalidWorkflow(graph.name, found)

    async def body(journal: Journal) -> dict[str, Any]:
        pool = Pool(limit, Gates(limits or {}, services.capacity), services.clock.sleep)
        threads = anyio.CapacityLimiter(limit)
        zero = services.clock.monotonic()
        house = House(run, services, journal, engine.durable, pool, threads, handed, zero)
        house.show()
        if engine.durable and given:
            await same_inputs(journal, run.id, given)
        await _carry_out(Carrying(house, graph, given))
        return stored(run, services.redact) if engine.durable else {}

    version = graph.version if engine.durable else ""  # nothing is resumed where nothing is kept
    try:
        kept = await engine.run(run.id, version, body, returns=dict[str, Any])
    finally:
        run._dismiss()  # pyright: ignore[reportPrivateUsage]
    if run.state == "waiting":  # the engine had finished this run before, so nothing was carried out now
        restore(run, graph, kept)
    return run


async def _carry_out(work: Carrying) -> None:
    """The run itself, from its first event to its last."""
    house, run = work.house, work.house.run
    run._begin(house.services.bus, house.journal)  # pyright: ignore[reportPrivateUsage]
    house.tell(RunStarted, workflow=run.workflow, tasks=len(work.graph.nodes))
    try:
        await work.run()
    except BaseException:
        _close(work, "cancelled")
        raise
    if work.failure is not None:
        _close(work, "failed")
        path, cause = work.failure
        failed = TaskFailed(path, cause, work.unstarted)
        failed.run = run
        raise failed from cause
    value = work.value
    run.value = None if isinstance(value, Lack) else value
    _close(work, "done")


def _close(work: Carrying, state: Literal["done", "failed", "cancelled"]) -> None:
    """Write down how it ended."""
    house, run = work.house, work.house.run
    run.seconds = house.services.clock.monotonic() - house.zero
    done = dict(run.results)
    run.results.clear()
    run.results.update((node.name, done[node.name]) for node in work.graph.nodes if node.name in done)
    house.tell(RunFinished, workflow=run.workflow, state=state, seconds=run.seconds)
    run._end(state)  # pyright: ignore[reportPrivateUsage]
