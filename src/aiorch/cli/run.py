"""``aiorch run``: a workflow from a file, shown while it runs, with a table at the end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.voice import DEMO, FAILED, Voice, flags, hint, voice
from aiorch.errors import AiorchError, InputError, TaskFailed

if TYPE_CHECKING:
    from rich.console import Console

    from aiorch.orchestrator import Orchestrator
    from aiorch.settings import Settings
    from aiorch.workflow import Row, Run, Workflow

WIDE = 160
"""Columns of the table where no terminal limits it."""


@click.command(
    short_help="Carry out a workflow.",
    context_settings={"ignore_unknown_options": True},  # --out digest.md sets the input `out`
)
@click.argument("file", type=click.Path())
@click.argument("words", nargs=-1, type=click.Path())
@click.option("--input", "stated", multiple=True, metavar="NAME=VALUE", help="Set an input of the workflow.")
@click.option(
    "--cache",
    type=click.Choice(("off", "memory", "disk")),
    help="Where answers are kept and found again.  [default: the setting where it is set, else disk]",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=64, show_default=True, help="Tasks at work at once."
)
@click.option("--offline", is_flag=True, help="Only models that run on this machine.")
@flags
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    words: tuple[str, ...],
    stated: tuple[str, ...],
    cache: str | None,
    limit: int,
    offline: bool,
) -> None:
    """Carry out the workflow of FILE: a Python file (FILE.py, or FILE.py:NAME when it holds several), YAML or TOML.

    WORDS are its inputs: NAME=VALUE or --NAME VALUE sets one, other words go to the first input that is a list, or
    to the only one. The result goes to standard output, all else to standard error. Ctrl-C stops it and says what
    was finished.

    \b
    aiorch run examples/digest.py notes.txt letters/ --out digest.md
    aiorch run release.yaml log="$(git log --oneline -20)"
    """
    speak = voice()
    error: TaskFailed | None = None
    with _aside(speak):
        job = prepare(speak, file, words, stated, cache, limit, offline)
        try:
            stopping.run(lambda: _carry_out(job), lambda: report_stopped(speak, job))
        except TaskFailed as failed:
            error = failed
    hide_keys(speak, job.run)
    if speak.json:
        speak.document(record(speak, job, error))
    report(speak, job)
    if error is not None:
        report_failed(speak, job, error)
        ctx.exit(FAILED)
    if not speak.json:
        speak.result(shown(result(job)))


@dataclass(frozen=True, slots=True)
class Job:
    """One run, from the command line to its end."""

    flow: Workflow
    inputs: Mapping[str, Any]
    settings: Settings
    limit: int
    run: Run

    by: list[Orchestrator] = field(default_factory=list["Orchestrator"])
    """Who carries it out, from then on."""

    @property
    def audit(self) -> Path | None:
        """Where its last action was recorded."""
        return self.by[0].audit_file if self.by else None


def prepare(
    speak: Voice,
    file: str,
    words: tuple[str, ...],
    stated: tuple[str, ...],
    cache: str | None,
    limit: int,
    offline: bool,
) -> Job:
    """Everything that can be wrong before anything runs. :raises AiorchError: what is."""
    from aiorch.cli.inputs import read
    from aiorch.workflow import Run, load

    try:
        flow = load(file)
    except SystemExit as ended:  # a script that works while it is imported
        raise InputError(
            f"{file} ended itself (sys.exit({ended.code!r})) while it was read: put what it does by itself below "
            'if __name__ == "__main__":'
        ) from ended
    flow.validate().raise_for_errors()
    inputs = read(flow.graph().inputs(), words, stated)
    return Job(flow, inputs, settings_of(speak, cache, offline), limit, Run(flow.name))


def settings_of(speak: Voice, cache: str | None, offline: bool) -> Settings:
    """The settings of a run: answers are kept on the disk, where nobody says otherwise."""
    told = {**({"cache": cache} if cache else {}), **({"offline": True} if offline else {})}
    settings = speak.settings(**told)
    return settings if "cache" in settings.model_fields_set else speak.settings(**told, cache="disk")


async def _carry_out(job: Job) -> None:
    from aiorch.orchestrator import Orchestrator
    from aiorch.views import live

    async with Orchestrator(job.settings) as ai:
        job.by.append(ai)
        with live(ai.on, console=_console()):
            await ai.execute(job.flow, job.inputs, limit=job.limit, run=job.run)


# --- what is said at the end -------------------------------------------------------------------------------------


def hide_keys(speak: Voice, run: Run) -> None:
    """Take keys out of the reasons of failures: a stranger's exception may carry one."""
    for row in run.timeline:
        row.error = None if row.error is None else speak.redacted(row.error)


def report(speak: Voice, job: Job) -> None:
    """The table, and what to know about the answers."""
    from aiorch.views import run_rows, run_table

    _console().print(run_table(job.run))
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
    if job.audit is not None:
        speak.tell(f"audit log: {job.audit}")


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


def result(job: Job) -> Any:
    """What the workflow is for: the value of the task that was written down last."""
    nodes = job.flow.graph().nodes
    return job.run.results.get(nodes[-1].name)


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
        "result": plain(result(job)),
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


def _console() -> Console:
    from rich.console import Console

    console = Console(stderr=True)
    return console if console.is_terminal else Console(stderr=True, width=WIDE)


@contextlib.contextmanager
def _aside(speak: Voice) -> Generator[None, None, None]:
    """With JSON, keep off standard output whatever the workflow's own code prints."""
    if not speak.json:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield
