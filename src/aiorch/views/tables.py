"""A finished run as a table, an answer as a line: who answered, how long it took, what it cost, what was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiorch.types import Outcome
from aiorch.views.columns import fit
from aiorch.views.markup import clean
from aiorch.workflow import Row, Run

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One line of a run's table. Measures are ``None`` where no model was asked."""

    task: str
    state: str
    """As the run has it, ``waiting`` for somebody outside, or ``tolerated``: it failed, and the run went on."""
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
    """``2 tries``, ``cached``, ``demo``, ``stand-in``, ``not accepted``."""
    error: str | None = None
    """Why it failed or was skipped, in a line."""


HEAD = ("task", "state", "model", "tries", "seconds", "tokens", "USD", "checks", "")
"""What is above the columns of a run's table."""
NUMBERS = frozenset({"tries", "seconds", "tokens", "USD", "checks"})
"""Those that stand to the right."""
_TEXTS: tuple[int, ...] = (0, 2, 8)
_FIXED: tuple[int, ...] = (1, 3, 4, 5, 6, 7)
_STYLES = {
    "done": "green",
    "failed": "red",
    "tolerated": "red",
    "refused": "yellow",
    "skipped": "dim",
    "cancelled": "yellow",
    "waiting": "bold yellow",
    "running": "cyan",
}


def run_rows(run: Run) -> tuple[TaskRow, ...]:
    """Each task and item of a run in order of start, then what was skipped."""
    waits = {one.task for one in run.waiting}
    tolerated = run.state in ("running", "done")
    return (
        *(_row(row, run.outcome(row), row.key in waits, tolerated) for row in run.timeline),
        *(TaskRow(name, "skipped", error=clean(why) or None) for name, why in run.skipped.items()),
    )


def total(rows: Sequence[TaskRow], seconds: float) -> TaskRow:
    """All rows in one. ``seconds`` is the run's own time: tasks beside each other do not add up."""
    asked = [row for row in rows if row.attempts is not None]
    states = {s: sum(row.state == s for row in rows) for s in dict.fromkeys(row.state for row in rows)}
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
    )


class RunTable:
    """The table that ends a run, for a rich console; it fits whatever width it is drawn in."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rows = run_rows(run)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        last = total(self._rows, self._run.seconds)
        lines = [cells(row) for row in (*self._rows, last)]
        size = [max(map(len, column)) for column in zip(HEAD, *lines, strict=True)]
        room = options.max_width - sum(size[i] for i in _FIXED) - (len(size) - 1)
        widths = dict(zip(_TEXTS, fit([size[i] for i in _TEXTS], room), strict=True))
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        for i, name in enumerate(HEAD):
            right = "right" if name in NUMBERS else "left"
            table.add_column(
                name, width=widths.get(i, size[i]), justify=right, no_wrap=True, overflow="ellipsis"
            )
        for row, line in zip(self._rows, lines, strict=False):
            table.add_row(
                *(
                    Text(cell, style=_STYLES.get(row.state, "") if i == 1 else "")
                    for i, cell in enumerate(line)
                )
            )
        table.add_section()
        table.add_row(*(Text(cell, style="bold") for cell in lines[-1]))
        state = f"{self._run.workflow}: {self._run.state} in {self._run.seconds:.1f} s"
        state += f", {last.state}" if last.state else ""
        models = ", ".join(dict.fromkeys(row.model for row in self._rows if row.model))
        yield Text(state, style="bold")
        if self._rows:
            yield table
        if last.attempts:
            yield Text("checks: passed/failed/not assessed", style="dim")
        if models:
            yield Text(f"answered by {models}", style="dim")


def run_table(run: Run) -> RunTable:
    """The table that ends a run: ``rich.print(run_table(run))``."""
    return RunTable(run)


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
        f"{money(outcome.cost)} USD",
        *marks(outcome),
    ]
    found = outcome.assessment
    checks = [
        f"{len(found.passed)} passed" if found.passed else "",
        f"failed: {', '.join(c.name for c in found.failed)}" if found.failed else "",
        f"{len(found.not_assessed)} not assessed" if found.not_assessed else "",
    ]
    told = ", ".join(check for check in checks if check)
    return ", ".join(facts) + (f"; checks: {told}" if told else "; not checked")


def _row(row: Row, outcome: Outcome[Any] | None, waits: bool, tolerated: bool) -> TaskRow:
    name = row.task if row.item is None else f"{row.task} {row.label or f'#{row.item}'}"
    error = " ".join(row.error.split()) if row.error else None
    state = "waiting" if waits else "tolerated" if tolerated and row.state == "failed" else row.state
    tried = (f"{row.tries} tries",) if row.tries > 1 else ()
    seconds = None if row.state == "running" else row.seconds
    if outcome is None:
        return TaskRow(name, state, seconds, marks=tried, error=error)
    found = outcome.assessment
    return TaskRow(
        name,
        state,
        seconds,
        outcome.model,
        len(outcome.attempts),
        outcome.usage.total,
        outcome.cost,
        len(found.passed),
        len(found.failed),
        len(found.not_assessed),
        (*tried, *marks(outcome)),
        error,
    )


def marks(outcome: Outcome[Any]) -> tuple[str, ...]:
    """What is particular about an answer: ``cached``, ``demo``, ``stand-in``, ``not accepted``."""
    known = (
        ("cached", outcome.cached),
        ("demo", outcome.demo),
        ("stand-in", outcome.degraded),
        ("not accepted", not outcome.accepted),
    )
    return tuple(mark for mark, true in known if true)


def cells(row: TaskRow) -> tuple[str, ...]:
    """A row as texts, one below each of :data:`HEAD`; empty where nothing is known."""
    checks = (row.passed, row.failed, row.not_assessed)
    return (
        row.task,
        "" if row.state not in _STYLES else row.state,
        row.model or "",
        _number(row.attempts),
        "" if row.seconds is None else f"{row.seconds:.1f}",
        _number(row.tokens),
        "" if row.cost is None else money(row.cost),
        "" if row.passed is None else "/".join(map(str, checks)),
        ", ".join((*row.marks, *([row.error] if row.error else []))),
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def money(usd: Decimal) -> str:
    """Plain digits, as many as matter: ``0``, ``0.0004``, ``1.25``."""
    if usd == 0:
        return "0"
    return f"{usd:.2f}" if usd >= 1 else f"{usd:.6f}".rstrip("0")
