"""What a run of a workflow is expected to take, and what that expectation stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from aiorch.workflow.complexity import Complexity
from aiorch.workflow.spans import FREE, NONE, Span

Basis = Literal["history", "known", "assumed", "not counted"]
"""Measured in earlier runs; said by the workflow itself; taken for granted; or left out, such as a person's time."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of models."""

    calls: Span[int] = NONE
    tokens: Span[int] = NONE
    """Of prompts and answers together."""
    usd: Span[Decimal] = FREE

    def __add__(self, other: Demand) -> Demand:
        return Demand(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)

    def times(self, count: Span[int]) -> Demand:
        """So often."""
        return Demand(self.calls * count, self.tokens * count, self.usd * count)


@dataclass(frozen=True, slots=True)
class TaskEstimate:
    """What one task of a workflow takes."""

    task: str
    """Its path: ``sub/facts`` for one of a workflow inside."""
    kind: str
    """``ask``, ``call``, ``use``, ``sub``, ``loop``, ``approve``, ``waitfor`` or ``sleep``."""
    count: Span[int]
    """How often it is carried out in the whole run: items and rounds multiplied."""
    seconds_p50: float
    """Of once; half of them take at most that."""
    seconds_p90: float
    basis: Basis
    """What the seconds stand on."""
    agent: str | None = None
    demand: Demand = Demand()
    """Of all of them together."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run takes.

    For example:

        print(flow.plan(log=text).estimate)
    """

    workflow: str
    seconds_p50: float
    """Half of all runs take at most that."""
    seconds_p90: float
    """9 of 10 runs take at most that."""
    demand: Demand
    """Of all tasks together."""
    parallelism: float
    """Tasks at work at the same time, on average."""
    most_parallel: int
    """Tasks at work at the same time, at the most."""
    complexity: Complexity
    limit: int
    """Tasks at work at once that were allowed."""
    critical: tuple[str, ...] = ()
    """The tasks of the longest way, in time: making another task quicker makes the run no quicker."""
    tasks: tuple[TaskEstimate, ...] = ()
    agents: Mapping[str, Demand] = field(default_factory=dict[str, Demand])
    assumed: tuple[str, ...] = ()
    """What all this takes for granted, in words."""

    @property
    def calls(self) -> Span[int]:
        """Questions to models."""
        return self.demand.calls

    @property
    def tokens(self) -> Span[int]:
        """Of prompts and answers together."""
        return self.demand.tokens

    @property
    def cost(self) -> Span[Decimal]:
        """USD."""
        return self.demand.usd

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "workflow": self.workflow,
            "seconds_p50": round(self.seconds_p50, 3),
            "seconds_p90": round(self.seconds_p90, 3),
            **_plain(self.demand),
            "parallelism": round(self.parallelism, 2),
            "most_parallel": self.most_parallel,
            "limit": self.limit,
            "complexity": {
                "level": self.complexity.level,
                "score": self.complexity.score,
                "tasks": self.complexity.tasks,
                "edges": self.complexity.edges,
                "depth": self.complexity.depth,
                "width": self.complexity.width,
            },
            "critical": list(self.critical),
            "tasks": [
                {
                    "task": t.task,
                    "kind": t.kind,
                    "count": _span(t.count),
                    "seconds_p50": round(t.seconds_p50, 3),
                    "seconds_p90": round(t.seconds_p90, 3),
                    "basis": t.basis,
                    "agent": t.agent,
                    **_plain(t.demand),
                }
                for t in self.tasks
            ],
            "agents": {name: _plain(demand) for name, demand in self.agents.items()},
            "assumed": list(self.assumed),
        }

    def __str__(self) -> str:
        size = self.complexity
        lines = [
            f"{self.workflow}: {duration(self.seconds_p50)}, 9 of 10 runs within {duration(self.seconds_p90)}",
            f"  at work at once: {self.parallelism:.1f} on average, {self.most_parallel} at most (limit {self.limit})",
            f"  questions: {self.calls.told(_number)}; tokens: {self.tokens.told(_number)}",
            f"  cost: {self.cost.told(_usd)}",
            f"  complexity: {size.level} ({size.tasks} tasks, {size.edges} edges, {size.depth} deep, {size.width} "
            "wide)",
            f"  critical path: {' -> '.join(self.critical) or 'none'}",
        ]
        return "\n".join([*lines, *(f"  assumed: {one}" for one in self.assumed)])


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.25), duration(90), duration(7300)
    ('0.25 s', '1 min 30 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def _plain(demand: Demand) -> dict[str, Any]:
    usd = demand.usd
    return {
        "calls": _span(demand.calls),
        "tokens": _span(demand.tokens),
        "usd": {"low": str(usd.low), "likely": str(usd.likely), "high": str(usd.high)},
    }


def _span(span: Span[int]) -> dict[str, int]:
    return {"low": span.low, "likely": span.likely, "high": span.high}


def _number(value: int) -> str:
    return f"{value:,}"


def _usd(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.0001')).normalize():f} USD"
