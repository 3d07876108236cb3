"""Whether a workflow can be carried out in the world as it is now: keys, models, quotas, time, money.

A decision over facts that others gathered: nobody is asked here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import combinations

from aiorch.errors import nearest
from aiorch.workflow.estimate import Demand, Estimate, duration
from aiorch.workflow.facts import REASONABLE, AgentFacts, Allowance, Facts, Thresholds
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Ask, Loop, Sub
from aiorch.workflow.report import Problem, told
from aiorch.workflow.spans import Span

_EXACT = 8
"""Agents up to which every set of them is looked at; of more, each alone and all together."""
_SHOWN = 5
"""Models that are named with why they were passed over."""


def live_problems(
    graph: Graph, estimate: Estimate, facts: Facts, thresholds: Thresholds = REASONABLE
) -> tuple[Problem, ...]:
    """What the world has against it: the guide's resource and feasibility checks.

    Certain where no model can be asked; where what is most likely needed is not there; a warning where only what may be
    needed at the most is not there, for an estimate is no promise.
    """
    return (
        *_agents(graph, facts),
        *_quotas(estimate, facts, thresholds),
        *_budget(estimate.demand, facts),
        *_time(estimate, facts, thresholds),
    )


def agents_of(graph: Graph, prefix: str = "") -> dict[str, str]:
    """The agents that a workflow asks, those inside of it included, each with the path of the first task that does."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        if isinstance(node.work, Ask):
            found.setdefault(node.work.agent, prefix + node.name)
        elif isinstance(node.work, Sub | Loop):
            for agent, path in agents_of(node.work.graph, f"{prefix}{node.name}/").items():
                found.setdefault(agent, path)
    return found


def unknown_agents(graph: Graph, known: Collection[str]) -> Iterator[Problem]:
    """Agents that a workflow asks and that nobody described."""
    for agent, task in agents_of(graph).items():
        if agent not in known:
            near = nearest(agent, known)
            offer = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            yield told(
                "no-model", f"task {task!r} asks the agent {agent!r}, which there is none of.{offer}", task
            )


# --- who can be asked --------------------------------------------------------------------------------------------


def _agents(graph: Graph, facts: Facts) -> Iterator[Problem]:
    for agent, task in agents_of(graph).items():
        known = facts.agents.get(agent)
        if known is None or known.candidates:
            continue
        if not known.known:
            yield told("no-model", f"task {task!r} asks the agent {agent!r}, which there is none of", task)
        elif known.missing_keys:
            said = f"nobody can be asked for {agent!r} (task {task!r}): no key is set{_why(known)}"
            cure = f"Set one of {', '.join(known.missing_keys)}; `aiorch keys` says where they come from."
            yield told("no-key", said, task, cure=cure)
        else:
            said = f"nobody can be asked for {agent!r} (task {task!r}){_why(known)}"
            yield told("no-model", said, task)


def _why(known: AgentFacts) -> str:
    if not known.passed_over:
        return ""
    shown = "; ".join(f"{p.id}: {p.reason}" for p in known.passed_over[:_SHOWN])
    more = len(known.passed_over) - _SHOWN
    return f" ({shown}{f'; and {more} more' if more > 0 else ''})"


# --- what is left ------------------------------------------------------------------------------------------------


def _quotas(estimate: Estimate, facts: Facts, thresholds: Thresholds) -> Iterator[Problem]:
    """Agents whose models together have not enough left, within the time that there is."""
    horizon = thresholds.seconds if facts.deadline is None else facts.deadline
    asked = {
        agent: demand
        for agent, demand in estimate.agents.items()
        if agent in facts.agents and facts.agents[agent].candidates
    }
    for unit in ("requests", "tokens"):
        allowances = [a for a in facts.allowances if a.unit == unit]
        if not allowances:
            continue
        short: list[frozenset[str]] = []
        for group in _sets(asked):
            if any(found <= group for found in short):
                continue
            models = {m for agent in group for m in facts.agents[agent].candidates}
            there = capacity(models, allowances, horizon)
            wanted = _sum(asked[a].calls if unit == "requests" else asked[a].tokens for a in group)
            if wanted.high > there:
                short.append(group)
                yield _short(sorted(group), unit, wanted, there, horizon)


def _sets(agents: Mapping[str, Demand]) -> Iterator[frozenset[str]]:
    """Sets of agents, smaller ones first. Models can be shared out exactly when no set of agents wants more than all of
    its models have together (the max-flow min-cut theorem).
    """
    names = sorted(agents)
    sizes = range(1, len(names) + 1) if len(names) <= _EXACT else (1, len(names))
    for size in sizes:
        yield from map(frozenset, combinations(names, size))


def capacity(models: Iterable[str], allowances: Iterable[Allowance], horizon: float) -> float:
    """How much all of these models together can be asked within so many seconds; infinite where nothing bounds it.

    Allowances are taken from those of few models to those of many: a model's own lies within its account's.
    """
    group = {model: model for model in models}
    there: dict[str, float] = dict.fromkeys(group, math.inf)
    for allowance in sorted(allowances, key=lambda a: math.inf if a.models is None else len(a.models)):
        bound = group if allowance.models is None else [m for m in allowance.models if m in group]
        touched = dict.fromkeys(group[m] for m in bound)
        if not touched:
            continue
        first = next(iter(touched))
        there[first] = min(allowance.within(horizon), sum(there[g] for g in touched))
        for model, of in group.items():
            if of in touched:
                group[model] = first
    return sum(there[g] for g in set(group.values()))


def _short(agents: list[str], unit: str, wanted: Span[int], there: float, horizon: float) -> Problem:
    who = ", ".join(map(repr, agents))
    what = "calls" if unit == "requests" else "tokens"
    certain = wanted.likely > there
    need = wanted.likely if certain else wanted.high
    said = (
        f"{who} {'needs' if len(agents) == 1 else 'need'} {'about' if certain else 'up to'} {need:,} {what}, and the "
        f"allowances of {'its' if len(agents) == 1 else 'their'} models have {there:,.0f} within {duration(horizon)}"
    )
    return told("quota", said, severity="error" if certain else "warning")


def _sum(spans: Iterable[Span[int]]) -> Span[int]:
    return sum(spans, Span(0, 0, 0))


def _budget(demand: Demand, facts: Facts) -> Iterator[Problem]:
    budget = facts.budget
    if budget.usd is not None:
        usd = Decimal(budget.usd)
        if demand.usd.high > usd:
            certain = demand.usd.low > usd
            need = demand.usd.low if certain else demand.usd.high
            said = f"it costs {'at least' if certain else 'up to'} {need:.4f} USD, and the budget has {usd:.4f} left"
            yield told("too-expensive", said, severity="error" if certain else "warning")
    for what, left, wanted in (
        ("tokens", budget.tokens, demand.tokens),
        ("calls", budget.attempts, demand.calls),
    ):
        if left is not None and wanted.high > left:
            certain = wanted.low > left
            need = wanted.low if certain else wanted.high
            said = f"it takes {'at least' if certain else 'up to'} {need:,} {what}, and the budget has {left:,} left"
            yield told("too-expensive", said, severity="error" if certain else "warning")


def _time(estimate: Estimate, facts: Facts, thresholds: Thresholds) -> Iterator[Problem]:
    if facts.deadline is not None and estimate.seconds_p90 > facts.deadline:
        likely = estimate.seconds_p50 > facts.deadline
        took = estimate.seconds_p50 if likely else estimate.seconds_p90
        said = (
            f"{'half' if likely else '1 in 10'} of its runs take longer than {duration(took)}, and there are "
            f"{duration(facts.deadline)}; the longest way is {' -> '.join(estimate.critical)}"
        )
        yield told("too-slow", said, severity="error" if likely else "warning")
    elif facts.deadline is None and estimate.seconds_p90 > thresholds.seconds:
        said = (
            f"1 in 10 of its runs takes longer than {duration(estimate.seconds_p90)}, above "
            f"{duration(thresholds.seconds)}; the longest way is {' -> '.join(estimate.critical)}"
        )
        yield told("too-slow", said)
