"""What came of a workflow, readable while it runs, after it failed and after it was cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiorch.types import Outcome, new_id

RunState = Literal["waiting", "running", "done", "failed", "cancelled"]
RowState = Literal["running", "done", "failed", "cancelled"]


@dataclass(slots=True)
class Row:
    """One task of a run, or one item of a mapped task, from its start."""

    task: str
    item: int | None
    """The item's number, 0 for the first; ``None`` for a task that is not mapped."""
    label: str | None
    """What displays call the item."""
    started: float
    """Seconds after the run's start."""
    seconds: float = 0.0
    state: RowState = "running"
    error: str | None = None
    """Why it failed."""

    @property
    def key(self) -> str:
        """``task`` or ``task[3]``, unique in the run."""
        return self.task if self.item is None else f"{self.task}[{self.item}]"


@dataclass(slots=True)
class Run:
    """One execution of a workflow, filled in while the work goes on: a cancelled one tells what was finished."""

    workflow: str
    id: str = field(default_factory=new_id)
    state: RunState = "waiting"
    results: dict[str, Any] = field(default_factory=dict[str, Any])
    """The value of each task that is done; in a mapped task's list, an item that failed is its exception."""
    outcomes: dict[str, Outcome[Any] | list[Outcome[Any] | None]] = field(
        default_factory=dict[str, Outcome[Any] | list[Outcome[Any] | None]]
    )
    """What came of each AI task; for a mapped one a list with ``None`` for items without an outcome (yet)."""
    errors: dict[str, Exception] = field(default_factory=dict[str, Exception])
    """By ``task`` or ``task[item]``: what failed, collected failures included."""
    skipped: tuple[str, ...] = ()
    """Tasks that were not started when the run ended."""
    seconds: float = 0.0
    _rows: list[Row] = field(default_factory=list[Row], repr=False)

    @property
    def timeline(self) -> tuple[Row, ...]:
        """What was started, in that order."""
        return tuple(self._rows)

    @property
    def finished(self) -> tuple[str, ...]:
        """Keys of what is done: ``task`` or ``task[item]``."""
        return tuple(row.key for row in self._rows if row.state == "done")

    def outcome(self, row: Row) -> Outcome[Any] | None:
        """What came of this row, when a model was asked."""
        found = self.outcomes.get(row.task)
        if isinstance(found, list):
            return None if row.item is None else found[row.item]
        return found

    def to_records(self) -> list[Mapping[str, Any]]:
        """The timeline as plain dictionaries, for a table or a data frame; measures only, no prompts and no answers."""
        return [_record(row, self.outcome(row)) for row in self._rows] + [
            {"task": name, "item": None, "state": "skipped"} for name in self.skipped
        ]


def _record(row: Row, outcome: Outcome[Any] | None) -> Mapping[str, Any]:
    record: dict[str, Any] = {
        "task": row.task,
        "item": row.item,
        "label": row.label,
        "state": row.state,
        "started": row.started,
        "seconds": row.seconds,
        "error": row.error,
    }
    if outcome is not None:
        record |= {
            "model": outcome.model,
            "attempts": len(outcome.attempts),
            "input_tokens": outcome.usage.input_tokens,
            "output_tokens": outcome.usage.output_tokens,
            "cost": str(outcome.cost),
            "accepted": outcome.accepted,
            "passed": len(outcome.assessment.passed),
            "failed": len(outcome.assessment.failed),
            "not_assessed": len(outcome.assessment.not_assessed),
            "cached": outcome.cached,
            "demo": outcome.demo,
        }
    return record
