"""``aiorch run``: a workflow from a file, shown while it runs, with a table at the end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.ended import (
    console,
    hide_keys,
    record,
    report,
    report_failed,
    report_stopped,
    shown,
)
from aiorch.cli.job import How, Job
from aiorch.cli.voice import FAILED, Voice, flags, voice
from aiorch.errors import InputError, TaskFailed

if TYPE_CHECKING:
    from aiorch.settings import Settings
    from aiorch.views.board import Entry
    from aiorch.workflow import Workflow


class _Limit(click.ParamType[tuple[str, int]]):
    name = "TAG=N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        tag, _, count = str(value).rpartition("=")
        if not tag or not count.isdecimal() or int(count) < 1:
            self.fail(f"{value!r} is no TAG=N, such as gpu=1", param, ctx)
        return tag, int(count)


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
@click.option("--limits", type=_Limit(), multiple=True, help="Tasks with this tag at work at once.")
@click.option(
    "--engine",
    metavar="URL",
    help="Where the run is kept: sqlite:///runs.db, postgresql://...  [default: the setting engine]",
)
@click.option("--run-id", metavar="ID", help="Names the run; one that was interrupted is carried on.")
@click.option("--dry-run", is_flag=True, help="Validate, plan and estimate; no model is asked.")
@click.option(
    "--mermaid", is_flag=True, help="Print the workflow as a mermaid diagram, and carry out nothing."
)
@click.option(
    "--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write a page that shows it all."
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
    limits: tuple[tuple[str, int], ...],
    engine: str | None,
    run_id: str | None,
    dry_run: bool,
    mermaid: bool,
    html: str | None,
    offline: bool,
) -> None:
    """Carry out the workflow of FILE: a Python file (FILE.py, or FILE.py:NAME when it holds several), YAML or TOML.

    WORDS are its inputs: NAME=VALUE or --NAME VALUE sets one, other words go to the first input that is a list, or
    to the only one. The result goes to standard output, all else to standard error. Ctrl-C stops it and says what
    was finished; with --engine it says how to go on.

    \b
    aiorch run examples/digest.py notes.txt letters/ --out digest.md
    aiorch run release.yaml log="$(git log --oneline -20)"
    aiorch run flows.py:nightly --engine sqlite:///runs.db --run-id monday
    """
    speak = voice()
    how = How(limit, dict(limits), engine, None if html is None else Path(html))
    if mermaid:
        draw(speak, file)
        return
    error: TaskFailed | None = None
    with _aside(speak):
        settings = settings_of(speak, cache, offline, engine)
        job = prepare(file, words, stated, settings, how, run_id)
        if dry_run:
            ctx.exit(rehearse(speak, job))
        if job.durable:
            speak.tell(f"run {job.run.id}")
        try:
            stopping.run(lambda: _carry_out(speak, job), lambda: _stopped(speak, job))
        except TaskFailed as failed:
            error = failed
    hide_keys(speak, job.run)
    if speak.json:
        speak.document(record(speak, job, error))
    _keep_page(speak, job)
    report(speak, job)
    if error is not None:
        report_failed(speak, job, error)
        ctx.exit(FAILED)
    if not speak.json:
        speak.result(shown(job.run.value))


def prepare(
    file: str,
    words: tuple[str, ...],
    stated: tuple[str, ...],
    settings: Settings,
    how: How,
    run_id: str | None,
) -> Job:
    """Everything that can be wrong before anything runs. :raises AiorchError: what is."""
    from aiorch.cli.inputs import read
    from aiorch.workflow import Run

    flow = loaded(file)
    flow.validate(limits=how.limits).raise_for_errors()
    inputs = read(flow.graph().inputs(), words, stated)
    run = Run(flow.name) if run_id is None else Run(flow.name, run_id)
    said = [f"--input={pair}" for pair in stated]
    engine = [f"--engine={how.engine}"] if how.engine else []
    again = ("aiorch", "run", file, *words, *said, *engine, f"--run-id={run.id}")
    return Job(flow, inputs, settings, how, run, again)


def loaded(file: str) -> Workflow:
    """The workflow of a file. :raises InputError: where there is none."""
    from aiorch.workflow import load

    try:
        return load(file)
    except SystemExit as ended:  # a script that works while it is imported
        raise InputError(
            f"{file} ended itself (sys.exit({ended.code!r})) while it was read: put what it does by itself below "
            'if __name__ == "__main__":'
        ) from ended


def settings_of(speak: Voice, cache: str | None, offline: bool, engine: str | None) -> Settings:
    """The settings of a run: answers are kept on the disk, where nobody says otherwise."""
    told: dict[str, Any] = {
        **({"cache": cache} if cache else {}),
        **({"offline": True} if offline else {}),
        **({"engine": engine} if engine else {}),  # its password is kept out of every message
    }
    settings = speak.settings(**told)
    return settings if "cache" in settings.model_fields_set else speak.settings(**told, cache="disk")


async def _carry_out(speak: Voice, job: Job) -> None:
    import anyio

    from aiorch.cli.answering import at_a_terminal, attend
    from aiorch.orchestrator import Orchestrator
    from aiorch.views import live

    failed: Exception | None = None
    async with Orchestrator(job.settings) as ai:
        job.by.append(ai)
        with live(ai.on, console=console(), run=job.run, answer=answer_for(speak, job)) as board:
            async with anyio.create_task_group() as beside:
                if at_a_terminal():
                    beside.start_soon(attend, job.run, board, ai.on, speak.redacted, not job.durable)
                try:
                    await ai.execute(
                        job.flow, job.inputs, limit=job.how.limit, limits=job.how.limits, run=job.run
                    )
                except Exception as wrong:  # raised below, or a task group would wrap it
                    failed = wrong
                beside.cancel_scope.cancel()
    if failed is not None:
        raise failed


def answer_for(speak: Voice, job: Job) -> Any:
    """How to answer what a run waits for, from elsewhere."""
    engine = f" --engine {job.how.engine}" if job.how.engine else ""

    def answer(entry: Entry) -> str:
        if not job.durable:
            return "at the prompt of `aiorch run` in a terminal, or under --engine sqlite:///runs.db from elsewhere"
        run = job.run.id
        if entry.wants == "event":
            return speak.redacted(f"aiorch runs send {run} {entry.answer_to} VALUE{engine}")
        return speak.redacted(f"aiorch runs approve {run} {entry.answer_to}{engine}")

    return answer


# --- instead of a run --------------------------------------------------------------------------------------------


def draw(speak: Voice, file: str) -> None:
    """The workflow as mermaid text."""
    from aiorch.views import mermaid

    with _aside(speak):
        drawn = mermaid(loaded(file))
    if speak.json:
        speak.document({"mermaid": drawn})
    else:
        speak.result(drawn.rstrip())


def rehearse(speak: Voice, job: Job) -> int:
    """What the run would do and take, and whether it could be carried out now. Returns the exit code."""
    from aiorch.orchestrator import Orchestrator

    how, inputs = job.how, job.inputs

    async def look() -> None:
        async with Orchestrator(job.settings) as ai:
            found.append(await ai.validate(job.flow, inputs, live=True, limit=how.limit, limits=how.limits))
            plan = job.flow.plan(inputs, limit=how.limit, limits=how.limits)
            estimate = await ai.estimate(job.flow, inputs, limit=how.limit, limits=how.limits)
            plans.append(replace(plan, estimate=estimate))

    found: list[Any] = []
    plans: list[Any] = []
    stopping.run(look, lambda: speak.tell("interrupted"))
    [problems], [plan] = found, plans
    if how.html is not None:
        _written(speak, plan, how.html)
    if speak.json:
        speak.document({"problems": problems.to_records(), "plan": plan.to_dict()})
    else:
        speak.result(speak.redacted(str(plan)))
    if problems.problems:
        speak.tell(str(problems))
    return 0 if problems.ok else FAILED


# --- at the end --------------------------------------------------------------------------------------------------


def _stopped(speak: Voice, job: Job) -> None:
    report_stopped(speak, job)
    _keep_page(speak, job)


def _keep_page(speak: Voice, job: Job) -> None:
    if job.how.html is not None:
        _written(speak, job.run, job.how.html, job.flow)


def _written(speak: Voice, value: Any, path: Path, flow: Workflow | None = None) -> None:
    from aiorch.views import save

    save(value, path, flow=flow)
    speak.tell(f"wrote {path}")


@contextlib.contextmanager
def _aside(speak: Voice) -> Generator[None, None, None]:
    """With JSON, keep off standard output whatever the workflow's own code prints."""
    if not speak.json:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield
