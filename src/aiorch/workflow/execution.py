"""Carrying out a workflow: validate, bind, schedule, and tell what happens."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import anyio
import anyio.to_thread

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AiorchError, InvalidWorkflow, TaskFailed
from aiorch.events import (
    Bus,
    Event,
    NodeFailed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from aiorch.protocols import Engine, Journal, Tool
from aiorch.types import Message, Outcome, Task, Text
from aiorch.workflow.bindings import Binding, bind, provenance
from aiorch.workflow.engine import Memory
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Ask, Call, Node
from aiorch.workflow.runs import Row, Run
from aiorch.workflow.scheduler import Scheduler
from aiorch.workflow.template import TemplateError
from aiorch.workflow.validation import problems

if TYPE_CHECKING:
    from aiorch.workflow.builder import Workflow

_LABEL = 40
"""Characters of an item's label that displays get."""


class Asker(Protocol):
    """How a workflow asks a model: the orchestrator's ``run``, or a script in a test."""

    def __call__(self, task: Task, output: Any, tools: Sequence[Tool], /) -> Awaitable[Outcome[Any]]:
        """Carry out one AI task; ``output`` is the type that the answer must have."""
        ...


async def execute(
    flow: Workflow | Graph,
    inputs: Mapping[str, Any] | None = None,
    *,
    ask: Asker,
    bus: Bus | None = None,
    clock: Clock | None = None,
    engine: Engine | None = None,
    provide: Mapping[str | type, Any] | None = None,
    limit: int = 64,
    run: Run | None = None,
    redact: Callable[[str], str] = str,
) -> Run:
    """Carry out a workflow.

        run = await execute(flow, {"log": text}, ask=ask)
        run.results["draft"], run.outcomes["draft"].model

    A task starts as soon as those it needs are done. When one fails, the others are cancelled and the run ends.

    :param provide: objects for parameters of task functions that are neither tasks nor inputs, by type or by name.
    :param limit: tasks, and items of mapped tasks, at work at once.
    :param run: a fresh :class:`Run` to fill in. Whoever may cancel keeps it, and reads there what was finished; its
        ``id`` is the id under which a durable engine stores the run, and resumes it.
    :param redact: takes secrets out of what failed tasks said, for the run's timeline.
    :raises InvalidWorkflow: before anything starts, with every problem found.
    :raises TaskFailed: with the partial run as ``run`` and the cause chained.
    """
    graph = flow if isinstance(flow, Graph) else flow.graph()
    given = dict(inputs or {})
    run = Run(graph.name) if run is None else run
    if run.state != "waiting":
        raise ValueError(f"run= needs a fresh Run, this one is {run.state}")
    if limit < 1:
        raise ValueError(f"limit={limit}: at least 1 task must be allowed to run")
    handed: dict[str | type, Any] = {**(provide or {}), Run: run}
    found = problems(graph, given, handed)
    if found:
        raise InvalidWorkflow(graph.name, found)
    work = _Execution(graph, run, ask, bus or Bus(), clock or SystemClock(), limit, redact)
    work.bindings = [bind(graph, i, given, handed) for i in range(len(graph.nodes))]
    results = await (engine or Memory()).run(run.id, graph.version, work.body, returns=dict[str, Any])
    if run.state == "waiting":  # the engine had finished this run before, so nothing was carried out now
        run.results.update(results)
        run.state = "done"
    return run


class _Execution:
    """One run at work."""

    def __init__(
        self,
        graph: Graph,
        run: Run,
        ask: Asker,
        bus: Bus,
        clock: Clock,
        limit: int,
        redact: Callable[[str], str],
    ) -> None:
        self.graph = graph
        self.run = run
        self.ask = ask
        self.bus = bus
        self.clock = clock
        self.limit = limit
        self.redact = redact
        self.bindings: list[Binding] = []
        self.values: list[Any] = [None] * len(graph.nodes)
        self.items: dict[int, tuple[tuple[str, Sequence[Any]], ...]] = {}
        self.open: dict[int, int] = {}
        self.unlisted: dict[int, Exception] = {}
        self.failure: tuple[str, Exception] | None = None
        self.rows: list[Row] = run._rows  # pyright: ignore[reportPrivateUsage]
        self.zero = 0.0
        self.journal: Journal
        self.threads: anyio.CapacityLimiter

    async def body(self, journal: Journal) -> dict[str, Any]:
        """What an engine carries out."""
        graph, run = self.graph, self.run
        self.journal = journal
        self.threads = anyio.CapacityLimiter(self.limit)
        self.zero = self.clock.monotonic()
        run.state = "running"
        self.tell(RunStarted, workflow=graph.name, tasks=len(graph.nodes))
        scheduler = Scheduler(
            graph.needs, graph.followers, graph.heights, limit=self.limit, expand=self.expand, unit=self.unit
        )
        try:
            whole = await scheduler.run()
        except BaseException:
            self.close("cancelled", "the run was cancelled")
            raise
        if not whole and self.failure:
            key, cause = self.failure
            self.close("failed", key)
            failed = TaskFailed(key, cause, run.skipped)
            failed.run = run
            raise failed from cause
        self.close("done", "")
        return run.results

    def close(self, state: Literal["done", "failed", "cancelled"], because: str) -> None:
        """Write down how it ended."""
        run, nodes = self.run, self.graph.nodes
        run.state = state
        run.seconds = self.clock.monotonic() - self.zero
        done = dict(run.results)
        run.results.clear()
        run.results.update((node.name, done[node.name]) for node in nodes if node.name in done)
        if state != "done":
            begun = {row.task for row in self.rows}
            run.skipped = tuple(n.name for n in nodes if n.name not in begun and n.name not in done)
            for name in run.skipped:
                self.tell(NodeSkipped, node=name, because=because)
        self.tell(RunFinished, workflow=self.graph.name, state=state, seconds=run.seconds)

    def tell(self, kind: type[Event], *, task_id: str | None = None, **facts: Any) -> None:
        """Emit an event, when anybody listens."""
        if self.bus.active:
            self.bus.emit(kind(at=self.clock.now(), task_id=task_id, run_id=self.run.id, **facts))  # pyright: ignore[reportCallIssue]

    def expand(self, i: int) -> int | None:
        """A task is ready: how many items has it?"""
        node = self.graph.nodes[i]
        if node.mapped is None:
            return None
        try:
            count, lists = self.bindings[i].lists(node, self.values)
        except Exception as wrong:  # also what walking a lazy list of the user's raises
            self.unlisted[i] = wrong
            return 1
        self.items[i] = lists
        self.open[i] = count
        self.values[i] = [None] * count
        if isinstance(node.work, Ask):
            self.run.outcomes[node.name] = list[Outcome[Any] | None]([None] * count)
        if count == 0:
            self.run.results[node.name] = self.values[i]
        return count

    async def unit(self, i: int, item: int) -> bool:
        """Carry out a task, or one item of it. False ends the run."""
        node = self.graph.nodes[i]
        mapped = node.mapped
        binding = self.bindings[i]
        begun = self.clock.monotonic()
        row = Row(node.name, None if mapped is None else item, None, begun - self.zero)
        self.rows.append(row)
        task_id: str | None = None
        outcome: Outcome[Any] | None = None
        try:
            if i in self.unlisted:
                row.item = None
                raise self.unlisted[i]
            values = binding.values(self.values)
            if mapped is not None:
                values.update((name, items[item]) for name, items in self.items[i])
                row.label = _label(node, values)
            work = node.work
            if isinstance(work, Call):
                if self.bus.active:
                    self.tell(NodeStarted, node=node.name, item=_item(row))
                value = await self.call(work, binding, values)
            else:
                task = self.task(node, work, values, row)
                task_id = task.id
                if self.bus.active:
                    self.tell(NodeStarted, task_id=task_id, node=node.name, item=_item(row))
                outcome = await self.consult(row, work, task)
                value = outcome.value
        except Exception as wrong:
            return self.failed(i, row, wrong, self.clock.monotonic() - begun, task_id)
        except BaseException:
            row.seconds = self.clock.monotonic() - begun
            row.state = "cancelled"
            raise
        row.seconds = seconds = self.clock.monotonic() - begun
        row.state = "done"
        self.keep(i, item, value, outcome)
        if self.bus.active:
            shown = None if outcome is None else measures(outcome)
            self.tell(
                NodeFinished, task_id=task_id, node=node.name, seconds=seconds, item=_item(row), outcome=shown
            )
        return True

    async def call(self, work: Call, binding: Binding, values: dict[str, Any]) -> Any:
        """Call a function with its values."""
        args = (
            [values.pop(name) for name in binding.positional if name in values] if binding.positional else ()
        )
        if work.is_async:
            return await work.function(*args, **values)
        if work.thread:
            return await anyio.to_thread.run_sync(
                partial(work.function, *args, **values), limiter=self.threads
            )
        value = work.function(*args, **values)
        return await value if inspect.isawaitable(value) else value

    def task(self, node: Node, work: Ask, values: dict[str, Any], row: Row) -> Task:
        """An AI task, with its prompt filled in; its id is the same when the run is resumed."""
        said = Message("user", (Text(work.prompt.render(values), provenance(self.graph, node)),))
        return Task(
            (Message.system(work.system), said) if work.system else (said,),
            agent=work.agent,
            parameters=work.parameters,
            budget=work.budget,
            timeout=work.timeout,
            tags={"workflow": self.graph.name, "task": node.name},
            id=hashlib.sha256(f"{self.run.id}/{row.key}".encode()).hexdigest()[:32],
        )

    async def consult(self, row: Row, work: Ask, task: Task) -> Outcome[Any]:
        """Ask a model, once under this key whatever happens: the result is committed before anybody reads it."""
        key = row.task if row.item is None else f"{row.task}/{row.item}"
        effect = cast(
            "Callable[[], Awaitable[Outcome[Any]]]", partial(self.ask, task, work.output, work.tools)
        )
        return await self.journal.once(key, effect, returns=Outcome[work.output])

    def keep(self, i: int, item: int, value: Any, outcome: Outcome[Any] | None) -> None:
        """Put a result where it belongs."""
        node, run = self.graph.nodes[i], self.run
        if node.mapped is None:
            self.values[i] = run.results[node.name] = value
            if outcome is not None:
                run.outcomes[node.name] = outcome
            return
        self.values[i][item] = value
        if outcome is not None:
            cast("list[Outcome[Any] | None]", run.outcomes[node.name])[item] = outcome
        self.open[i] -= 1
        if self.open[i] == 0:
            run.results[node.name] = self.values[i]
            del self.items[i]

    def failed(self, i: int, row: Row, wrong: Exception, seconds: float, task_id: str | None) -> bool:
        """A task or an item raised: collect it, or end the run."""
        node = self.graph.nodes[i]
        row.seconds, row.state, row.error = seconds, "failed", self.redact(_told(wrong))
        self.run.errors[row.key] = wrong
        self.tell(
            NodeFailed, task_id=task_id, node=node.name, seconds=seconds, error=row.error, item=_item(row)
        )
        if node.mapped and node.mapped.on_error == "collect" and i not in self.unlisted:
            self.keep(i, row.item or 0, wrong, None)
            return True
        if self.failure is None:
            self.failure = (row.key, wrong)
        return False


def measures(outcome: Outcome[Any]) -> Outcome[Any]:
    """An outcome without anybody's words: what events may carry."""
    return dataclasses.replace(
        outcome,
        value=None,
        text="",
        messages=(),
        verdicts=tuple(dataclasses.replace(v, replacement=None) for v in outcome.verdicts),
    )


def _label(node: Node, values: Mapping[str, Any]) -> str | None:
    if node.mapped is None or node.mapped.label is None:
        return None
    try:
        text = " ".join(node.mapped.label.render(values).split())
    except TemplateError:  # a label is for the eye: an item without one still runs
        return None
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _told(wrong: Exception) -> str:
    """An error in words; ours are written to be read alone, others need their kind beside them."""
    return str(wrong) if isinstance(wrong, AiorchError) else f"{type(wrong).__name__}: {wrong}"


def _item(row: Row) -> str | None:
    """What events call an item: its number, which is unique, and its label."""
    if row.item is None:
        return None
    return str(row.item) if row.label is None else f"{row.item} {row.label}"
