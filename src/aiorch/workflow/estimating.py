"""How long a workflow takes and what it costs: from inputs, history and prices, or else from stated assumptions.

The run is simulated with drawn durations, under the scheduler's own rules; nothing is carried out and nobody is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from aiorch.types import Price
from aiorch.workflow.assumptions import ANSWER, DURATIONS, ITEMS, TOOL_ROUNDS, VALUE, Duration
from aiorch.workflow.complexity import complexity
from aiorch.workflow.conditions import in_order, takes
from aiorch.workflow.durations import INSTANT, Source
from aiorch.workflow.estimate import Basis, Demand, Estimate, TaskEstimate
from aiorch.workflow.graph import Graph
from aiorch.workflow.history import Past, Sample
from aiorch.workflow.known import handed_in, known_values, prompt_tokens, typical_items
from aiorch.workflow.nodes import Approve, Ask, Loop, Mapped, Node, Sleep, Sub, WaitFor
from aiorch.workflow.simulation import Network, Place, longest, simulate
from aiorch.workflow.spans import FREE, ONE, Span, exactly, observed, quantile

_UNITS = 5_000
"""Units that are simulated one by one at the most; items beyond are put together, as many to a unit as needed."""
_DRAWS = 101
"""Simulated runs, where they are small."""
_EFFORT = 60_000
"""Units that are simulated in all runs together."""
_MILLION = Decimal(1_000_000)

Prices = Mapping[str, Price | Sequence[Price]]


class _Nothing:
    """No history."""

    def samples(self, workflow: str, task: str) -> Sequence[Sample]:
        return ()

    def counts(self, workflow: str, task: str) -> Sequence[int]:
        return ()


def estimate(
    graph: Graph,
    *,
    inputs: Mapping[str, Any] | None = None,
    history: Past | None = None,
    limit: int = 64,
    limits: Mapping[str, int] | None = None,
    prices: Prices | None = None,
    rng: Random | None = None,
) -> Estimate:
    """What a run of ``graph`` takes. Call it on graphs without errors only.

        estimate(flow.graph(), inputs={"texts": texts}, history=History.of(runs), limit=8)

    :param inputs: as far as they are known: lists tell how many items there are, texts how long prompts are.
    :param history: what earlier runs took.
    :param limit: tasks at work at once; ``limits``: the same by tag.
    :param prices: by agent what its models cost, the one that would be asked first.
    :param rng: what durations are drawn with; without one the same estimate comes of the same facts.
    """
    if limit < 1:
        raise ValueError(f"limit={limit}: at least 1 task must be allowed to run")
    maker = _Maker(graph, history or _Nothing(), limit, prices or {})
    maker.network.limits.update({f"tag {tag}": most for tag, most in (limits or {}).items()})
    maker.expand(graph, "", known_values(graph, inputs or {}), (), _Often(ONE, 1.0, _UNITS))
    return maker.estimate(rng or Random(0))


@dataclass(frozen=True, slots=True)
class _Often:
    """How often something is carried out."""

    times: Span[int]
    """In the whole run."""
    share: float
    """How many of these each unit stands for."""
    room: int
    """Units that it may be made of."""


@dataclass(slots=True)
class _Task:
    """A task as far as it is worked out."""

    node: Node
    count: Span[int]
    source: Source
    basis: Basis
    demand: Demand


@dataclass(slots=True)
class _Maker:
    """Expands a graph, and those inside of it, into units."""

    graph: Graph
    history: Past
    limit: int
    prices: Prices
    network: Network = field(default_factory=Network)
    units: list[tuple[Source, float, str]] = field(default_factory=list[tuple[Source, float, str]])
    """For each unit: its durations, how many items it stands for, and the task's path."""
    tasks: dict[str, _Task] = field(default_factory=dict[str, _Task])
    assumed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """For each thing that is taken for granted, the tasks that it is about."""

    # --- from tasks to units ---------------------------------------------------------------------------------------

    def expand(
        self,
        graph: Graph,
        prefix: str,
        values: Mapping[str, Any],
        needs: tuple[int, ...],
        often: _Often,
    ) -> tuple[int, ...]:
        """Add a graph's units.

        :param prefix: of its tasks' paths. :param values: its inputs, as far as they are known.
        :param needs: units that come before all of it.
        :returns: the units that end it.
        """
        counts: dict[str, Span[int]] = {}
        ends: list[tuple[int, ...]] = [()] * len(graph.nodes)
        perhaps = _perhaps(graph)
        several = sum(n.mapped is not None or isinstance(n.work, Sub | Loop) for n in graph.nodes)
        each = replace(often, room=max(1, often.room // max(1, several)))
        rarely = replace(each, times=Span(0, each.times.likely, each.times.high))
        for i in _breadth_first(graph):
            node = graph.nodes[i]
            before = tuple(u for j in graph.needs[i] for u in ends[j]) or needs
            if i in perhaps:
                self.take("conditional tasks run (at the least: they do not)", prefix + node.name)
            rank = (-node.policy.priority, -graph.heights[i])
            ends[i] = self.task(node, prefix, values, before, rarely if i in perhaps else each, counts, rank)
        last = tuple(u for i, end in enumerate(ends) for u in end if not graph.followers[i])
        return last or needs

    def task(
        self,
        node: Node,
        prefix: str,
        values: Mapping[str, Any],
        before: tuple[int, ...],
        often: _Often,
        counts: dict[str, Span[int]],
        rank: tuple[int, int],
    ) -> tuple[int, ...]:
        """Add one task's units, one for each item as far as possible."""
        path = prefix + node.name
        gates = tuple(f"tag {t}" for t in node.policy.tags) + self.alone(node.policy.resources)
        if node.mapped is None:
            return (self.once(node, path, values, before, often, rank, gates),)
        items = self.items(node, node.mapped, path, values, counts)
        counts[node.name] = items
        if node.mapped.limit is not None:
            own = f"items of {path}"
            self.network.limits[own] = node.mapped.limit
            gates = (*gates, own)
        if not items.likely:
            return (self.free(before, path),)
        lanes = min(items.likely, max(self.limit, often.room // _size(node)))
        total = often.times
        one = _Often(
            Span(total.low * items.low, total.likely * items.likely, total.high * items.high),
            often.share * items.likely / lanes,
            max(1, often.room // lanes),
        )
        start = self.free(before, path)
        item = {**values, **typical_items(node.mapped, values)}
        found = [self.once(node, path, item, (start,), one, rank, gates) for _ in range(lanes)]
        return (self.free(tuple(found), path),)

    def once(
        self,
        node: Node,
        path: str,
        values: Mapping[str, Any],
        before: tuple[int, ...],
        often: _Often,
        rank: tuple[int, int],
        gates: tuple[str, ...],
    ) -> int:
        """Add a task's unit, or those of the workflow that it carries out."""
        work = node.work
        known = self.tasks.get(path)
        if known is None:
            known = self.tasks[path] = self.judge(node, path, values, often.times)
        if not isinstance(work, Sub | Loop):
            waits = isinstance(work, Approve | WaitFor | Sleep)
            unit = self.network.add(
                before, rank=rank, place=Place.FREE if waits else Place.TAKES, gates=gates
            )
            self.units.append((known.source, often.share, path))
            return unit
        inner = handed_in(node, work, values)
        rounds = self.rounds(work, path) if isinstance(work, Loop) else ONE
        made = max(1, min(rounds.likely, often.room // _size(node)))
        each = _Often(often.times * rounds, often.share * rounds.likely / made, max(1, often.room // made))
        ends = (self.free(before, path),)
        for _ in range(made):
            ends = self.expand(work.graph, f"{path}/", inner, ends, each)
        return self.free(ends, path)

    def free(self, before: tuple[int, ...], path: str) -> int:
        """A unit that stands for the begin or the end of others, and takes nothing."""
        unit = self.network.add(before, place=Place.FREE)
        self.units.append((INSTANT, 1.0, path))
        return unit

    def alone(self, resources: Sequence[str]) -> tuple[str, ...]:
        """The gates of what only one may have."""
        gates = tuple(f"resource {name}" for name in resources)
        for gate in gates:
            self.network.limits.setdefault(gate, 1)
        return gates

    # --- how often -------------------------------------------------------------------------------------------------

    def items(
        self,
        node: Node,
        mapped: Mapped,
        path: str,
        values: Mapping[str, Any],
        counts: Mapping[str, Span[int]],
    ) -> Span[int]:
        """How many items a mapped task has."""
        for port in mapped.over:
            source = port.sources[0]
            if source in counts:
                return counts[source]
            if source in values and hasattr(values[source], "__len__"):
                return exactly(len(values[source]))
        seen = self.history.counts(self.graph.name, path)
        if seen:
            return observed(seen)
        most = ITEMS.high if mapped.most is None else mapped.most
        found = Span(min(ITEMS.low, most), min(ITEMS.likely, most), min(ITEMS.high, most))
        self.take(f"{found.likely} items ({found.low} to {found.high})", path)
        return found

    def rounds(self, work: Loop, path: str) -> Span[int]:
        """How many rounds a loop makes."""
        most = max(1, work.most)
        if work.until is None:
            return exactly(most)
        seen = self.history.counts(self.graph.name, path)
        if seen:
            return observed(seen)
        found = Span(1, (most + 1) // 2, most)
        self.take(f"{found.likely} rounds (1 to {most})", path)
        return found

    # --- how long and how much ---------------------------------------------------------------------------------------

    def judge(self, node: Node, path: str, values: Mapping[str, Any], times: Span[int]) -> _Task:
        """What a task takes."""
        work = node.work
        samples = self.history.samples(self.graph.name, path)
        source, basis = self.seconds(node, path, samples)
        demand = (
            self.questions(work, path, values, samples).times(times) if isinstance(work, Ask) else Demand()
        )
        return _Task(node, times, source, basis, demand)

    def seconds(self, node: Node, path: str, samples: Sequence[Sample]) -> tuple[Source, Basis]:
        """How long it takes once."""
        work = node.work
        if isinstance(work, Sub | Loop):
            return INSTANT, "known"
        if isinstance(work, Sleep):
            return Source(fixed=work.seconds), "known"
        if samples:
            return Source(sorted(s.seconds for s in samples)), "history"
        if isinstance(work, Approve | WaitFor):
            self.take("the time that people and events take is not counted", path)
            return INSTANT, "not counted"
        kind = kind_of(node)
        assumed = DURATIONS[kind]
        if isinstance(work, Ask) and work.tools:
            assumed = Duration(assumed.p50 * TOOL_ROUNDS.likely, assumed.p90 * TOOL_ROUNDS.likely)
        said = f"{assumed.p50:g} s each, 9 of 10 within {assumed.p90:g} s ({_KINDS[kind]})"
        self.take(said, path)
        return Source(assumed=assumed), "assumed"

    def questions(self, work: Ask, path: str, values: Mapping[str, Any], samples: Sequence[Sample]) -> Demand:
        """What it asks of models once."""
        priced = [s for s in samples if s.calls]
        if priced:
            return Demand(
                observed([s.calls for s in priced]),
                observed([s.tokens for s in priced]),
                observed([s.usd for s in priced]),
            )
        calls = TOOL_ROUNDS if work.tools else ONE
        if work.tools:
            self.take(f"{calls.likely} questions each ({calls.low} to {calls.high}: it has tools)", path)
        prompt, whole = prompt_tokens(work, values)
        if not whole:
            self.take(f"{VALUE.likely} tokens for a value in a prompt that is not known yet", path)
        most = work.parameters.max_tokens
        answer = ANSWER if most is None else Span(min(ANSWER.low, most), min(ANSWER.likely, most), most)
        self.take(f"{ANSWER.likely} tokens of answer (50 to 1,500, or max_tokens)", path)
        return Demand(calls, (prompt + answer) * calls, self.usd(work.agent, prompt, answer, calls))

    def usd(self, agent: str, prompt: Span[int], answer: Span[int], calls: Span[int]) -> Span[Decimal]:
        """What that costs."""
        stated = self.prices.get(agent)
        prices = (stated,) if isinstance(stated, Price) else tuple(stated or ())
        if not prices:
            self.take("models cost nothing, where no price is known", agent)
            return FREE
        costs = [
            [p.request + (p.input * a + p.output * b) / _MILLION for a, b in _pairs(prompt, answer)]
            for p in prices
        ]
        return Span(min(c[0] for c in costs), costs[0][1], max(c[2] for c in costs)) * calls

    def take(self, what: str, path: str) -> None:
        """Say that this is taken for granted."""
        about = self.assumed[what]
        if path not in about:
            about.append(path)

    # --- all together ------------------------------------------------------------------------------------------------

    def estimate(self, rng: Random) -> Estimate:
        """Draw durations, simulate, and add up."""
        network = self.network
        certain = all(source.certain for source, _, _ in self.units)
        draws = 1 if certain else max(9, min(_DRAWS, _EFFORT // max(1, len(network))))
        found = sorted(
            (
                simulate(network, [source.draw(rng, share) for source, share, _ in self.units], self.limit)
                for _ in range(draws)
            ),
            key=lambda s: s.seconds,
        )
        middle = found[(len(found) - 1) // 2]
        _, way = longest(network, [source.p50 * share for source, share, _ in self.units])
        agents: dict[str, Demand] = {}
        whole = Demand()
        for task in self.tasks.values():
            if isinstance(task.node.work, Ask):
                agents[task.node.work.agent] = agents.get(task.node.work.agent, Demand()) + task.demand
                whole = whole + task.demand
        return Estimate(
            self.graph.name,
            middle.seconds,
            quantile([s.seconds for s in found], 0.9),
            whole,
            middle.work / middle.seconds if middle.seconds else 0.0,
            middle.most,
            complexity(self.graph),
            self.limit,
            tuple(dict.fromkeys(self.units[u][2] for u in way if self.units[u][0] is not INSTANT)),
            tuple(self.described()),
            agents,
            tuple(f"{_few(paths)}: {what}" for what, paths in self.assumed.items()),
        )

    def described(self) -> list[TaskEstimate]:
        """Each task by itself."""
        return [
            TaskEstimate(
                path,
                kind_of(task.node),
                task.count,
                task.source.p50,
                task.source.p90,
                task.basis,
                task.node.work.agent if isinstance(task.node.work, Ask) else None,
                task.demand,
            )
            for path, task in self.tasks.items()
        ]


_KINDS: Mapping[str, str] = {"ask": "questions", "call": "functions", "use": "tools"}


def kind_of(node: Node) -> str:
    """What kind of task it is, in a word: ``ask``, ``call``, ``loop`` ..."""
    return type(node.work).__name__.lower()


def _breadth_first(graph: Graph) -> list[int]:
    """Tasks in an order in which each comes after what it waits for, as they were added where that is one."""
    if all(j < i for i, needed in enumerate(graph.needs) for j in needed):
        return list(range(len(graph.nodes)))
    return list(in_order(graph))


def _perhaps(graph: Graph) -> frozenset[int]:
    """Tasks that may be left out: those with conditions, and whoever takes their values."""
    if not any(node.when for node in graph.nodes):
        return frozenset()
    found: set[int] = set()
    for i in in_order(graph):
        node = graph.nodes[i]
        if node.when or any(graph.index.get(s) in found for s in takes(node)):
            found.add(i)
    return frozenset(found)


def _size(node: Node) -> int:
    """About how many units a task is made of, once and without the items inside of it."""
    if isinstance(node.work, Sub | Loop):
        return 2 + sum(map(_size, node.work.graph.nodes))
    return 1


def _pairs(prompt: Span[int], answer: Span[int]) -> list[tuple[int, int]]:
    return [(prompt.low, answer.low), (prompt.likely, answer.likely), (prompt.high, answer.high)]


def _few(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 5:,} more" if len(paths) > 5 else ""
    return ", ".join(paths[:5]) + more
