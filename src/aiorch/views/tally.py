"""How far many questions are, worked out from events: no notebook, no clock of its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aiorch.events import Event, NodeStarted, RunStarted, TaskErred, TaskFinished, TaskStarted
from aiorch.views.board import Board


class Tally:
    """Counts tasks, follows workflow runs, and counts the answers of a benchmark."""

    def __init__(self, expected: int | None = None) -> None:
        """:param expected: how many tasks there are going to be, where that is known."""
        self.expected = expected
        self.done = 0
        self.failed = 0
        self.models: Counter[str] = Counter()
        """By model: answers."""
        self.boards: list[Board] = []
        """One for each workflow run, in order."""
        self._running: set[str] = set()
        self._of_runs: set[str] = set()

    @property
    def running(self) -> int:
        """Tasks that have begun and not ended, without those of workflows."""
        return len(self._running)

    def take(self, event: Any) -> None:
        """Take in an event of the bus, or what a benchmark tells; whatever it does not know is passed over."""
        if isinstance(event, RunStarted):
            self.boards.append(Board())
        elif isinstance(event, NodeStarted) and event.task_id:
            self._of_runs.add(event.task_id)
        for board in self.boards:
            board.apply(event)
        match event:
            case TaskStarted() if event.task_id not in self._of_runs:
                self._running.add(event.task_id or "")
            case TaskFinished() if event.task_id in self._running:
                self._running.discard(event.task_id)
                self.done += 1
                self.models[event.model or "nobody"] += 1
            case TaskErred() if event.task_id in self._running:
                self._running.discard(event.task_id)
                self.failed += 1
            case _ if not isinstance(event, Event):
                self._measured(event)
            case _:
                pass

    def headline(self, seconds: float) -> str:
        """Everything in a line: ``7 of 40 done, 8 running, 3.2 s``."""
        counts = [
            f"{self.done:,} of {self.expected:,} done"
            if self.expected
            else f"{self.done:,} done"
            if self.done
            else "",
            f"{self.running:,} running" if self.running else "",
            f"{self.failed:,} failed" if self.failed else "",
        ]
        return ", ".join([*(c for c in counts if c), f"{seconds:.1f} s"])

    def _measured(self, event: Any) -> None:
        """What :meth:`Orchestrator.benchmark` tells its ``progress``."""
        from aiorch.benchmarking import Answered, Planned

        match event:
            case Planned():
                self.expected = self.done + self.failed + len(event.calls)
            case Answered():
                if event.record.failure is None:
                    self.done += 1
                    self.models[event.record.card] += 1
                else:
                    self.failed += 1
            case _:
                pass
