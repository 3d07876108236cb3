"""A finished run as a table, an answer as a line: who answered, how long it took, what it cost, what was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiorch.types import Outcome
from aiorch.workflow import Row, Run

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One line of a run's table. Measures are ``None`` where no model was asked."""

    task: str
    state: str
    seconds: float | None = None
    model: str | None = None
    attempts: int | None = None
    tokens: int | None = None
    """Input and output together."""
    cost: Decimal | None = None
    """USD."""
    passed: int | None = None
    failed: int | None = None
    not_assessed: int | None = None
    marks: tuple[str, ...] = ()
    """``cached``, ``demo``, ``stand-in``, ``not accepted``, or why it failed."""


def run_rows(run: Run) -> tuple[TaskRow, ...]:
    """Each task and item of a run in order of start, then what was skipped."""
    return (
        *(_row(row, run.outcome(row)) for row in run.timeline),
        *(TaskRow(name, "skipped") for name in run.skipped),
    )


def total(rows: Sequence[TaskRow], seconds: float) -> TaskRow:
    """All rows in one. ``seconds`` is the run's own time: tasks beside each other do not add up."""
    asked = [row for row in rows if row.attempts is not None]
    states = {s: sum(row.state == s for row in rows) for s in dict.fromkeys(row.state for row in rows)}
    cached = sum("cached" in row.marks for row in asked)
    demo = any("demo" in row.marks for row in asked)
    marks = (f"{cached} of {len(asked)} answers from the cache",) if cached else ()
    return TaskRow(
        "total",
        ", ".join(f"{n} {state}" for state, n in states.items()),
        seconds,
        None,
        sum(row.attempts or 0 for row in asked),
        sum(row.tokens or 0 for row in asked),
        sum((row.cost or Decimal(0) for row in asked), Decimal(0)),
        sum(row.passed or 0 for row in asked),
        sum(row.failed or 0 for row in asked),
        sum(row.not_assessed or 0 for row in asked),
        (*marks, "demo model: often wrong") if demo else marks,
    )


def run_table(run: Run) -> Table:
    """The table that ends a run."""
    from rich.table import Table
    from rich.text import Text

    rows = run_rows(run)
    table = Table(
        title=f"{run.workflow}: {run.state}",
        title_style="bold",
        title_justify="left",
        box=None,
        padding=(0, 1),
        show_footer=True,
    )
    last = total(rows, run.seconds)
    table.add_column("task", "total", no_wrap=True, overflow="ellipsis", min_width=12)
    table.add_column("state", last.state, overflow="fold")
    table.add_column("model", overflow="fold", min_width=5)
    for name, value in zip(
        ("tries", "seconds", "tokens", "USD", "ok", "bad", "?"), _measures(last), strict=True
    ):
        table.add_column(name, value, justify="right", no_wrap=True)
    table.add_column("", ", ".join(last.marks), overflow="fold")
    styles = {"failed": "red", "skipped": "dim", "cancelled": "yellow"}
    for row in rows:
        state = Text(row.state, style=styles.get(row.state, ""))
        table.add_row(
            Text(row.task), state, Text(row.model or ""), *_measures(row), Text(", ".join(row.marks))
        )
    table.caption = "ok, bad, ?: checks that an answer passed, failed, and that had nothing to go by"
    table.caption_justify = "left"
    return table


def outcome_line(outcome: Outcome[Any]) -> str:
    """What to say below an answer: who gave it, after how many attempts, how fast, at what cost, and what was checked.

    ``groq/llama-3.3-70b, 1 attempt, 0.8 s, 120 tokens, 0 USD; checks: 3 passed, 1 not assessed``
    """
    tries = len(outcome.attempts)
    facts = [
        outcome.model or "nobody",
        f"{tries} {'attempt' if tries == 1 else 'attempts'}",
        f"{outcome.seconds:.1f} s",
        f"{'about ' if outcome.usage.estimated else ''}{outcome.usage.total} tokens",
        f"{_money(outcome.cost)} USD",
        *_marks(outcome),
    ]
    found = outcome.assessment
    checks = [
        f"{len(found.passed)} passed" if found.passed else "",
        f"failed: {', '.join(c.name for c in found.failed)}" if found.failed else "",
        f"{len(found.not_assessed)} not assessed" if found.not_assessed else "",
    ]
    told = ", ".join(check for check in checks if check)
    return ", ".join(facts) + (f"; checks: {told}" if told else "; not checked")


def _row(row: Row, outcome: Outcome[Any] | None) -> TaskRow:
    name = row.task if row.item is None else f"{row.task} {row.label or f'#{row.item}'}"
    error = (" ".join(row.error.split()),) if row.error else ()
    if outcome is None:
        return TaskRow(name, row.state, row.seconds, marks=error)
    found = outcome.assessment
    return TaskRow(
        name,
        row.state,
        row.seconds,
        outcome.model,
        len(outcome.attempts),
        outcome.usage.total,
        outcome.cost,
        len(found.passed),
        len(found.failed),
        len(found.not_assessed),
        (*_marks(outcome), *error),
    )


def _marks(outcome: Outcome[Any]) -> tuple[str, ...]:
    marks = (
        ("cached", outcome.cached),
        ("demo", outcome.demo),
        ("stand-in", outcome.degraded),
        ("not accepted", not outcome.accepted),
    )
    return tuple(mark for mark, true in marks if true)


def _measures(row: TaskRow) -> tuple[str, ...]:
    return (
        _number(row.attempts),
        "" if row.seconds is None else f"{row.seconds:.1f}",
        _number(row.tokens),
        "" if row.cost is None else _money(row.cost),
        _number(row.passed),
        _number(row.failed),
        _number(row.not_assessed),
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _money(usd: Decimal) -> str:
    """Plain digits, as many as matter: ``0``, ``0.0004``, ``1.25``."""
    if usd == 0:
        return "0"
    return f"{usd:.2f}" if usd >= 1 else f"{usd:.6f}".rstrip("0")
