"""How ``aiorch run`` ends: the table, the result, what failed, what was finished, how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiorch.cli.voice import DEMO, Voice, hint
from aiorch.errors import AiorchError, TaskFailed

if TYPE_CHECKING:
    from rich.console import Console

    from aiorch.cli.job import Job
    from aiorch.workflow import Row, Run, Workflow

WIDE = 160
"""Columns of the table where no terminal limits it."""


def console() -> Console:
    """Where displays and tables are drawn."""
    from rich.console import Console

    found = Console(stderr=True)
    return found if found.is_terminal else Console(stderr=True, width=WIDE)


def hide_keys(speak: Voice, run: Run) -> None:
    """Take keys out of the reasons of failures: a stranger's exception may carry one."""
    for row in run.timeline:
        row.error = None if row.error is None else speak.redacted(row.error)


def report(speak: Voice, job: Job) -> None:
    """The table, and what to know about the answers."""
    from aiorch.views import run_rows, run_table

    console().print(run_table(job.run))
    if job.durable and job.run.state == "done" and not job.run.timeline:
        speak.tell("it was done before: this is the result that is kept")
    asked = [row for row in run_rows(job.run) if row.attempts is not None]
    cached = sum("cached" in row.marks for row in asked)
    if cached:
        speak.tell(f"{cached} of {len(asked)} answers came from the cache ({job.settings.cache})")
    if any("demo" in row.marks for row in asked):
        speak.tell(f"note: {DEMO}; `aiorch local list` has better ones")
    if job.run.state == "done":
        for key, why in job.run.errors.items():
            speak.tell(f"not done: {_named(job.run, key)}: {why}")
    if job.audit is not None:
        speak.tell(f"audit log: {job.audit}")


def report_failed(speak: Voice, job: Job, error: TaskFailed) -> None:
    """Which task failed, why, what was finished, what was not."""
    for line in progress(job.flow, job.run):
        speak.tell(line)
    say_how_to_go_on(speak, job)
    speak.complain(why(error), hint(error.__cause__))
    speak.trace(error)


def report_stopped(speak: Voice, job: Job) -> None:
    """What an interrupted run had finished. May be called while it still hangs."""
    hide_keys(speak, job.run)
    if speak.json:
        speak.document(record(speak, job, None) | {"state": "cancelled"})
    speak.tell("interrupted")
    for line in progress(job.flow, job.run):
        speak.tell(line)
    say_how_to_go_on(speak, job)
    if job.audit is not None:
        speak.tell(f"audit log: {job.audit}")


def say_how_to_go_on(speak: Voice, job: Job) -> None:
    """A durable run can be carried on where it stopped."""
    if job.durable:
        speak.tell(f"go on with: {' '.join(map(shlex.quote, job.again))}")


def progress(flow: Workflow, run: Run) -> Iterator[str]:
    """What was finished and what was not, as far as it is known now."""
    rows = run.timeline
    begun = {row.task for row in rows}
    never = [
        node.name for node in flow.graph().nodes if node.name not in begun and node.name not in run.results
    ]
    for state, what in (
        ("done", "finished"),
        ("failed", "failed"),
        ("running", "stopped"),
        ("cancelled", "stopped"),
    ):
        names = [_title(row) for row in rows if row.state == state]
        if names:
            yield f"{what}: {', '.join(names)}"
        elif state == "done":
            yield "finished: nothing"
    if never:
        yield f"not started: {', '.join(never)}"


def shown(value: Any) -> str:
    """A result for people: where it was written, the text, or JSON."""
    if isinstance(value, Path):
        return f"wrote {value}"
    if isinstance(value, str):
        return value
    import json

    return json.dumps(plain(value), ensure_ascii=False, indent=2, default=str)


def plain(value: Any) -> Any:
    """A result for programs. What JSON does not know (an object of the workflow's own) is written as text."""
    from aiorch.types import to_plain

    try:
        return to_plain(value)
    except Exception:  # pydantic raises several kinds for what it has no schema for
        return str(value)


def record(speak: Voice, job: Job, error: TaskFailed | None) -> dict[str, Any]:
    """The whole run as one JSON document: measures, the result, the error; no prompts."""
    from aiorch.views import run_rows, total

    run = job.run
    rows = run_rows(run)
    last = total(rows, run.seconds)
    return {
        "run": run.id,
        "workflow": run.workflow,
        "state": run.state,
        "seconds": run.seconds,
        "tasks": run.to_records(),
        "totals": {
            "answers": sum(row.attempts is not None for row in rows),
            "cached": sum("cached" in row.marks for row in rows),
            "attempts": last.attempts,
            "tokens": last.tokens,
            "usd": str(last.cost),
            "checks": {"passed": last.passed, "failed": last.failed, "not_assessed": last.not_assessed},
        },
        "demo": any("demo" in row.marks for row in rows),
        "result": plain(job.run.value),
        "error": None if error is None else told(speak, error),
        "audit": None if job.audit is None else str(job.audit),
    }


def why(error: TaskFailed) -> str:
    """Which task failed, and why; with the class of an exception that is not aiorch's, whose text may be one word."""
    cause = error.__cause__
    kind = "" if cause is None or isinstance(cause, AiorchError) else f"{type(cause).__name__}: "
    return f"task {error.task!r} failed: {kind}{error if cause is None else cause}"


def told(speak: Voice, error: TaskFailed) -> dict[str, str | None]:
    """A failed task as JSON: the type is that of what made it fail."""
    cause = error.__cause__
    return {
        **speak.error(why(error), kind=type(cause or error).__name__, hint=hint(cause)),
        "task": error.task,
    }


def _named(run: Run, key: str) -> str:
    return next((_title(row) for row in run.timeline if row.key == key), key)


def _title(row: Row) -> str:
    return f"{row.key} ({row.label})" if row.label else row.key
