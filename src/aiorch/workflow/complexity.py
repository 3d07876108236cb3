"""How much there is to a workflow: what somebody who reads it has to keep in mind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Loop, Sub

Level = Literal["simple", "moderate", "complex", "extreme"]

LEVELS: tuple[tuple[float, Level], ...] = ((50, "simple"), (200, "moderate"), (1_000, "complex"))
"""Scores up to which a level goes; what is above is ``extreme``."""

DECISION = 3
"""What a condition or a loop counts: it makes two ways of one, which is what cyclomatic complexity counts, too."""


@dataclass(frozen=True, slots=True)
class Complexity:
    """Sizes of a workflow's graph, and one score of them."""

    tasks: int
    edges: int
    depth: int
    """Tasks on the longest way."""
    width: int
    """Tasks at one depth, at the most."""
    score: float
    """Tasks + edges + 3 for each condition and loop; a workflow inside another is judged by itself, and the most
    complex of all counts."""

    @property
    def level(self) -> Level:
        """The score in a word."""
        for most, level in LEVELS:
            if self.score <= most:
                return level
        return "extreme"


def complexity(graph: Graph) -> Complexity:
    """How complex a workflow is.

    >>> from aiorch.workflow import Workflow
    >>> flow = Workflow("two")
    >>> _ = flow.ask("facts", "{log}"), flow.ask("draft", "{facts}")
    >>> complexity(flow.graph())
    Complexity(tasks=2, edges=1, depth=2, width=1, score=3.0)
    """
    edges = sum(map(len, graph.needs))
    widths = Counter(h for h in graph.heights if h)
    decisions = sum(len(node.when) + isinstance(node.work, Loop) for node in graph.nodes)
    inner = {
        id(node.work.graph): node.work.graph for node in graph.nodes if isinstance(node.work, Sub | Loop)
    }
    scores = [complexity(one).score for one in inner.values()]
    return Complexity(
        len(graph.nodes),
        edges,
        max(graph.heights, default=0),
        max(widths.values(), default=0),
        max([float(len(graph.nodes) + edges + DECISION * decisions), *scores]),
    )
