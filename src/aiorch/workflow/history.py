"""What earlier runs took: the evidence that estimates stand on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from aiorch.workflow.runs import Run

_NUMBER = re.compile(r"\[\d+\]|#\d+")
_ROUND = re.compile(r"(?P<loop>.*?)#(?P<round>\d+)(?:/|\Z)")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one task, or one item of a mapped one, took once."""

    seconds: float
    tokens: int = 0
    calls: int = 0
    """Questions to models."""
    usd: Decimal = Decimal(0)


class Past(Protocol):
    """What is known of earlier runs of a workflow.

    For example:

        class Nothing:
            def samples(self, workflow, task):
                return ()

            def counts(self, workflow, task):
                return ()
    """

    def samples(self, workflow: str, task: str) -> Sequence[Sample]:
        """What ``task`` took, an item of a mapped one each; ``sub/facts`` is one of a workflow inside."""
        ...

    def counts(self, workflow: str, task: str) -> Sequence[int]:
        """How many items a mapped task had, or rounds a loop made, a run each."""
        ...


class History:
    """A past that is kept in memory.

    For example:

        estimate(flow.graph(), history=History.of([run]))
    """

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        self._counts: dict[tuple[str, str], list[int]] = defaultdict(list)

    @classmethod
    def of(cls, runs: Iterable[Run]) -> History:
        """What these runs took."""
        history = cls()
        for run in runs:
            history.add(run)
        return history

    def add(self, run: Run) -> None:
        """Remember one more run: what of it was done."""
        items: dict[str, int] = defaultdict(int)
        rounds: dict[str, int] = {}
        for row in run.timeline:
            for found in _rounds(row.key):
                rounds[found[0]] = max(found[1], rounds.get(found[0], 0))
            if row.state != "done":
                continue
            if row.item is not None:
                items[row.task] += 1
            outcome = run.outcome(row)
            sample = (
                Sample(row.seconds)
                if outcome is None
                else Sample(row.seconds, outcome.usage.total, outcome.rounds, outcome.cost)
            )
            self._samples[run.workflow, plain(row.task)].append(sample)
        for task, count in (*items.items(), *rounds.items()):
            self._counts[run.workflow, plain(task)].append(count)

    def samples(self, workflow: str, task: str) -> Sequence[Sample]:
        """What ``task`` took."""
        return tuple(self._samples.get((workflow, task), ()))

    def counts(self, workflow: str, task: str) -> Sequence[int]:
        """How many items, or rounds."""
        return tuple(self._counts.get((workflow, task), ()))


def plain(path: str) -> str:
    """A task's path without the numbers of items and rounds.

    >>> plain("each[3]/polish#2/better")
    'each/polish/better'
    """
    return _NUMBER.sub("", path)


def _rounds(path: str) -> list[tuple[str, int]]:
    """The loops on a path, each as its own path and the number of the round."""
    return [(path[: found.end("loop")], int(found["round"])) for found in _ROUND.finditer(path)]
