"""``aiorch runs``: submit durable runs, look at them, and look after them."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aiorch.cli.columns import columns
from aiorch.cli.voice import Voice, flags, voice
from aiorch.errors import InputError

if TYPE_CHECKING:
    from aiorch.workflow.durable import RunDetails, RunInfo, Runs

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

STATES = ("delayed", "queued", "running", "done", "failed", "cancelled")


def _engine(function: C) -> C:
    return click.option("--engine", metavar="URL", help="Where the runs are.  [default: the setting engine]")(
        flags(function)
    )


@click.group(short_help="Look after durable runs: list, show, resume, cancel, fork, approve.")
@flags
def command() -> None:
    """Runs that are kept in a database: those that were submitted to workers, and those of `engine=` in a program.

    \b
    aiorch runs submit flows.py:nightly day=monday --engine postgresql://me@db.example/runs
    aiorch runs list --state failed
    """


@command.command("list", short_help="Runs, the newest first.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only those in this state.")
@click.option("--workflow", help="Only those of this workflow.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--parts", is_flag=True, help="Also the parts that runs spread.")
@_engine
def list_(states: tuple[str, ...], workflow: str | None, limit: int, parts: bool, engine: str | None) -> None:
    """List runs, and say what those wait for that do not go on."""
    speak = voice()
    wanted: Any = set(states) or None
    found = _with(
        speak, engine, lambda runs: runs.list(state=wanted, workflow=workflow, limit=limit, parts=parts)
    )
    if speak.json:
        speak.document([_record(one) for one in found])
        return
    _table(speak, found)


@command.command(short_help="One run: its tasks, its calls, what it waits for.")
@click.argument("run")
@_engine
def show(run: str, engine: str | None) -> None:
    """Show everything that is known of RUN."""
    speak = voice()
    details = _with(speak, engine, lambda runs: runs.show(run))
    if speak.json:
        speak.document(_record(details))
        return
    _shown(speak, details)


@command.command(short_help="Put a run into the queue.")
@click.argument("file", type=click.Path())
@click.argument("words", nargs=-1)
@click.option("--input", "stated", multiple=True, metavar="NAME=VALUE", help="Set an input of the workflow.")
@click.option("--id", "run_id", help="Names the run; one that is there already is left as it is.")
@click.option("--priority", type=int, default=0, show_default=True, help="Higher goes first.")
@click.option("--delay", type=click.FloatRange(min=0), help="Seconds before which no worker takes it.")
@_engine
def submit(
    file: str,
    words: tuple[str, ...],
    stated: tuple[str, ...],
    run_id: str | None,
    priority: int,
    delay: float | None,
    engine: str | None,
) -> None:
    """Submit a run of the workflow in FILE, with WORDS (NAME=VALUE) as its inputs; prints its id."""
    from aiorch.cli.inputs import read
    from aiorch.workflow import load

    speak = voice()
    flow = load(file)
    flow.validate().raise_for_errors()
    inputs = read(flow.graph().inputs(), words, stated)
    submitted = _with(
        speak,
        engine,
        lambda runs: runs.submit(flow, inputs, run_id=run_id, priority=priority, delay=delay),
        new=True,
    )
    if speak.json:
        speak.document({"run": submitted, "workflow": flow.name, "version": flow.graph().version})
        return
    speak.result(submitted)


@command.command(short_help="Go on with a run that failed or was cancelled.")
@click.argument("run")
@_engine
def resume(run: str, engine: str | None) -> None:
    """Put RUN back into the queue; what was committed is not done again."""
    speak = voice()
    _changed(speak, _with(speak, engine, lambda runs: runs.resume(run)))


@command.command(short_help="End a run, its parts with it.")
@click.argument("run")
@_engine
def cancel(run: str, engine: str | None) -> None:
    """Cancel RUN. It can be resumed."""
    speak = voice()
    _changed(speak, _with(speak, engine, lambda runs: runs.cancel(run)))


@command.command(short_help="A new run that begins in the middle of another one.")
@click.argument("run")
@click.option("--from", "task", required=True, metavar="TASK", help="The task that is done again.")
@click.option("--id", "new", help="Names the new run.")
@_engine
def fork(run: str, task: str, new: str | None, engine: str | None) -> None:
    """Begin a new run with the results of RUN, except those of TASK and of all that depend on it; prints its id."""
    speak = voice()
    forked = _with(speak, engine, lambda runs: runs.fork(run, task, new_run_id=new))
    if speak.json:
        speak.document({"run": forked, "forked_from": run, "from": task})
        return
    speak.result(forked)


@command.command(short_help="Send an event to a run.")
@click.argument("run")
@click.argument("name")
@click.argument("value", required=False, default="null")
@_engine
def send(run: str, name: str, value: str, engine: str | None) -> None:
    """Send VALUE (JSON; a text that is none is sent as text) to RUN, where a task waits for the event NAME."""
    speak = voice()
    sent = _with(speak, engine, lambda runs: runs.send(run, name, _value(value)))
    _said(speak, run, name, sent)


@command.command(short_help="Decide what a run asks a person.")
@click.argument("run")
@click.argument("task")
@click.option("--refuse", is_flag=True, help="Say no.")
@click.option("--by", default="", help="Who decides.")
@click.option("--note", default="", help="Why.")
@_engine
def approve(run: str, task: str, refuse: bool, by: str, note: str, engine: str | None) -> None:
    """Allow what TASK of RUN asks; with --refuse, say no."""
    speak = voice()
    sent = _with(speak, engine, lambda runs: runs.approve(run, task, allowed=not refuse, by=by, note=note))
    _said(speak, run, task, sent)


@command.command(short_help="Delete a run, or old ones.")
@click.argument("run", required=False)
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="All that ended before.")
@_engine
def delete(run: str | None, older_than: float | None, engine: str | None) -> None:
    """Delete RUN, or all that ended more than DAYS days ago, with everything that was kept of them."""
    speak = voice()
    seconds = None if older_than is None else older_than * 86400
    count = _with(speak, engine, lambda runs: runs.delete(run, older_than=seconds))
    if speak.json:
        speak.document({"deleted": count})
        return
    speak.tell(f"deleted: {count}")


@command.command(short_help="The workers that are alive.")
@_engine
def workers(engine: str | None) -> None:
    """List the workers that are alive, and what each can carry out."""
    speak = voice()
    found = _with(speak, engine, lambda runs: runs.workers())
    if speak.json:
        speak.document([_record(one) for one in found])
        return
    rows = [("HOST", "PID", "SINCE", "RUNS AT ONCE", "SERVES")]
    rows += [
        (one.host, str(one.pid), _time(one.began), str(one.concurrency), ", ".join(map(str, one.serves)))
        for one in found
    ]
    for line in columns(rows, right=(1, 3)):
        speak.result(line)
    if not found:
        speak.tell("no worker is alive: start one with `aiorch worker FILE`")


# --- how they work -----------------------------------------------------------------------------------------------


def engine_of(speak: Voice, told: str | None) -> str:
    """The address of the runs: the option's, otherwise the setting's.

    :raises InputError: where neither names a database.
    """
    settings = speak.settings(
        **({"engine": told} if told else {})
    )  # its password is kept out of every message
    url = settings.engine.get_secret_value()
    if "://" not in url:
        raise InputError(
            f"runs of the engine {url!r} are kept nowhere: add --engine postgresql://user@host/name or "
            "--engine sqlite:///runs.db, or set AIORCH_ENGINE"
        )
    return url


def _there(url: str) -> None:
    """:raises InputError: for a file that is not there: one that looks for runs makes no database."""
    from aiorch.workflow.durable.address import Address

    address = Address.parse(url)
    if address.kind == "sqlite" and not Path(str(address)).exists():
        raise InputError(
            f"there are no runs: there is no file {address}. Mend --engine, or let a run begin there"
        )


def _with(speak: Voice, engine: str | None, work: Callable[[Runs], Awaitable[T]], *, new: bool = False) -> T:
    """What ``work`` gives of the runs. :param new: whether their database may be made by it."""
    import anyio

    from aiorch.workflow.durable import Runs

    url = engine_of(speak, engine)
    if not new:
        _there(url)

    async def main() -> T:
        async with Runs(url) as runs:
            return await work(runs)

    return anyio.run(main)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


# --- how they are shown ------------------------------------------------------------------------------------------


def _record(row: Any) -> dict[str, Any]:
    return dataclasses.asdict(row)


def _table(speak: Voice, found: Sequence[RunInfo]) -> None:
    rows = [("RUN", "WORKFLOW", "VERSION", "STATE", "SUBMITTED", "SECONDS", "WAITS FOR")]
    rows += [
        (
            one.id,
            one.workflow,
            one.version[:8],
            one.state,
            _time(one.submitted),
            _seconds(one),
            "; ".join(one.waits_for) or (one.error or "").partition("\n")[0][:80],
        )
        for one in found
    ]
    for line in columns(rows, right=(5,)):
        speak.result(speak.redacted(line))


def _shown(speak: Voice, details: RunDetails) -> None:
    info = details.info
    facts = [
        ("run", info.id),
        ("workflow", f"{info.workflow}@{info.version}"),
        ("state", info.state),
        ("submitted", _time(info.submitted)),
        ("began", _time(info.began)),
        ("ended", _time(info.ended)),
        ("worker", _worker(info.worker)),
        ("attempts", str(info.attempts)),
        ("forked from", info.forked_from or ""),
        ("part of", info.part_of or ""),
        ("waits for", "; ".join(info.waits_for)),
        ("error", info.error or ""),
        ("received", ", ".join(details.mail)),
    ]
    for line in columns([(name, value) for name, value in facts if value]):
        speak.result(speak.redacted(line))
    if details.tasks:
        speak.result("")
        rows = [("TASK", "STATE", "KEPT", "AT")]
        rows += [(one.name, one.state, str(one.committed), _time(one.at)) for one in details.tasks]
        for line in columns(rows, right=(2,)):
            speak.result(line)
    if details.calls:
        speak.result("")
        rows = [("CALL", "STATE", "BEGAN", "SECONDS")]
        rows += [
            (one.key, one.state, _time(one.began), "" if one.seconds is None else f"{one.seconds:.1f}")
            for one in details.calls
        ]
        for line in columns(rows, right=(3,)):
            speak.result(line)
    if details.parts:
        speak.result("")
        _table(speak, details.parts)


def _changed(speak: Voice, info: RunInfo) -> None:
    if speak.json:
        speak.document(_record(info))
        return
    waits = f", waits for {'; '.join(info.waits_for)}" if info.waits_for else ""
    speak.tell(f"{info.id} is {info.state}{waits}")


def _said(speak: Voice, run: str, name: str, sent: bool) -> None:
    if speak.json:
        speak.document({"run": run, "name": name, "sent": sent})
        return
    speak.tell(f"sent {name} to {run}" if sent else f"{run} had received {name} before: the first one counts")


def _worker(name: str | None) -> str:
    """A worker by its machine and process; the whole name, with what makes it unique, is in the JSON."""
    parts = (name or "").split("|")
    return f"{parts[0]}, process {parts[3]}" if len(parts) > 3 else parts[0]


def _time(at: float | None) -> str:
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _seconds(one: RunInfo) -> str:
    if one.began is None:
        return ""
    return f"{(one.ended or time.time()) - one.began:.1f}"
