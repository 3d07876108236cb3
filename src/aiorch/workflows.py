"""Workflows of an orchestrator: what their runs are handed in, and who carries them out.

    shop = Workshop(house, line, scope, prepared, {Orchestrator: ai})
    run = await shop.execute(flow, {"log": text}, run_id="nightly-1", engine="sqlite:///runs.db")

Loaded when the first workflow comes: whoever only asks questions needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import anyio

from aiorch.capacities import places
from aiorch.compose import House
from aiorch.errors import InputError, InvalidWorkflow
from aiorch.events import RunStarted
from aiorch.pipeline import run as carry_out
from aiorch.pipeline import use
from aiorch.quality import Shape, shape_of
from aiorch.scopes import Scope
from aiorch.spawning import spawn
from aiorch.surveying import facts, prices, survey
from aiorch.work import Line
from aiorch.workflow.builder import Workflow
from aiorch.workflow.estimating import estimate
from aiorch.workflow.execution import execute
from aiorch.workflow.graph import Graph
from aiorch.workflow.live import agents_of, unknown_agents
from aiorch.workflow.runs import Run
from aiorch.workflow.services import Services
from aiorch.workflow.validation import problems, validate

if TYPE_CHECKING:
    from aiorch.protocols import Engine, Journal, Tool
    from aiorch.types import Outcome, Task
    from aiorch.workflow.estimate import Estimate
    from aiorch.workflow.facts import Facts, Thresholds
    from aiorch.workflow.history import Past
    from aiorch.workflow.report import Problem, Report

Prepared = Callable[["Task", Shape[Any], "Sequence[Tool]"], "tuple[Task, Mapping[str, Tool]]"]
"""A task as the scope has it, and its tools by name."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where one scope's workflows are carried out."""

    house: House
    line: Line
    scope: Scope
    prepared: Prepared
    handed: Mapping[str | type, Any]
    """Objects for task functions that ask for them by type."""

    async def execute(
        self,
        flow: Workflow | Graph,
        inputs: Mapping[str, Any],
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        engine: Engine | str | None = None,
        run: Run | None = None,
        run_id: str | None = None,
    ) -> Run:
        """See :meth:`aiorch.Orchestrator.execute`."""
        graph = graph_of(flow)
        if strange := tuple(map(str, self.unknown_agents(graph))):
            wrong = problems(graph, inputs, (*self.handed, Run), limits=limits)
            raise InvalidWorkflow(graph.name, (*wrong, *strange))
        return await execute(
            graph,
            inputs,
            services=await self.services(graph),
            engine=self.house.engine(engine),
            limit=limit,
            limits=limits,
            run=named(graph, run, run_id),
        )

    async def start(
        self,
        flow: Workflow | Graph,
        inputs: Mapping[str, Any],
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        engine: Engine | str | None = None,
        run: Run | None = None,
        run_id: str | None = None,
    ) -> Run:
        """See :meth:`aiorch.Orchestrator.start`. It returns when the run has begun, so what keeps it from that raises
        here.
        """
        graph = graph_of(flow)
        run = named(graph, run, run_id)
        begun = anyio.Event()

        def told(event: RunStarted) -> None:
            if event.run_id == run.id:
                begun.set()

        async def work() -> Run:
            try:
                return await self.execute(graph, inputs, limit=limit, limits=limits, engine=engine, run=run)
            finally:
                begun.set()

        stop = self.line.bus.subscribe(told, RunStarted)
        under_way = spawn(work)
        run._background = under_way  # pyright: ignore[reportPrivateUsage]
        self.house.beside(under_way)
        try:
            await begun.wait()
        except BaseException:
            under_way.cancel()
            raise
        finally:
            stop()
        if run.state == "waiting":
            await under_way.result()
        return run

    async def validate(
        self,
        flow: Workflow | Graph,
        given: Mapping[str, Any] | None,
        *,
        live: bool = False,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        engine: Engine | str | None = None,
        thresholds: Thresholds | None = None,
    ) -> Report:
        """See :meth:`aiorch.Orchestrator.validate`."""
        from aiorch.workflow.facts import REASONABLE

        graph = graph_of(flow)
        carrier = self.house.engine(engine)
        handed = (*self.handed, Run)
        durable = carrier is not None and carrier.durable
        how = thresholds or REASONABLE
        report = validate(graph, given, handed, limits=limits, durable=durable, thresholds=how)
        if not (live and report.ok):
            return report.joined(self.unknown_agents(graph))
        from aiorch.workflow.live import live_problems

        expected = await self.estimate(graph, given or {}, limit=limit, limits=limits)
        return report.joined(live_problems(graph, expected, await self.facts(graph), how))

    async def estimate(
        self,
        flow: Workflow | Graph,
        inputs: Mapping[str, Any],
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        history: Past | None = None,
    ) -> Estimate:
        """See :meth:`aiorch.Orchestrator.estimate`."""
        graph = graph_of(flow)
        if wrong := problems(graph):
            raise InvalidWorkflow(graph.name, wrong)
        found = await survey(self.line, agents_of(graph), self.scope)
        told = prices(self.line, found)
        return estimate(graph, inputs=inputs, history=history, limit=limit, limits=limits, prices=told)

    def unknown_agents(self, graph: Graph) -> tuple[Problem, ...]:
        """Agents that it asks and that nobody described, which takes no look at the world to know."""
        return tuple(unknown_agents(graph, self.line.profiles.names()))

    async def facts(self, graph: Graph) -> Facts:
        """What a run of ``graph`` would meet now."""
        house = self.house
        there = [provider.name for provider in house.providers]
        return await facts(self.line, house.settings, house.specs, there, self.scope, agents_of(graph))

    # --- what a run is handed in -----------------------------------------------------------------------------------

    async def services(self, *graphs: Graph) -> Services:
        """Models, tools, a person, room for more, results of before."""
        line, house = self.line, self.house
        agents = dict.fromkeys(agent for graph in graphs for agent in agents_of(graph))
        return Services(
            self.ask,
            self.use,
            line.approver,
            await places(line, agents, house.providers) if agents else None,
            house.results(),
            line.bus,
            line.clock,
            house.rng or Random(),
            self.handed,
            house.redact,
        )

    async def ask(self, task: Task, output: Any, tools: Sequence[Tool], journal: Journal, /) -> Outcome[Any]:
        """One AI task of a workflow, down the line."""
        shape: Shape[Any] = shape_of(output)
        task, kit = self.prepared(task, shape, tools)
        return await carry_out(self.line, task, shape, kit, journal)

    async def use(self, tool: Tool, arguments: Mapping[str, Any], task: Task, journal: Journal, /) -> str:
        """One call of a tool by a workflow, under the guard."""
        return await use(self.line, self.scope.applied(task), tool, arguments, journal)


def graph_of(flow: Workflow | Graph) -> Graph:
    """A workflow as it stands now. :raises InputError: for anything else."""
    if isinstance(flow, Graph):
        return flow
    if not isinstance(flow, Workflow):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"a Workflow is wanted, not {flow!r:.60}; Workflow.from_file(...) reads one from a file"
        )
    return flow.graph()


def named(graph: Graph, run: Run | None, run_id: str | None) -> Run:
    """The run to fill in. :raises InputError: for an id beside a run that has one."""
    if run is None:
        return Run(graph.name) if run_id is None else Run(graph.name, run_id)
    if run_id is not None and run_id != run.id:
        raise InputError(f"run_id={run_id!r} and a run of the id {run.id!r}: give one of them")
    return run
