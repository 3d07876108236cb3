"""``aiorch worker``: a process that carries out submitted runs, until it is stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli.voice import Voice, flags, voice
from aiorch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiorch.settings import Settings
    from aiorch.workflow import Workflow
    from aiorch.workflow.durable import Limits, Schedule

_STARTS = re.compile(r"(?P<starts>\d+)/(?P<number>\d*)(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command(short_help="Carry out submitted runs, beside other workers.")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option(
    "--engine", metavar="URL", help="postgresql://... or sqlite:///FILE.  [default: the setting engine]"
)
@click.option(
    "--concurrency", type=click.IntRange(min=1), default=8, show_default=True, help="Runs at once, here."
)
@click.option(
    "--lease",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    help="Seconds of silence after which others take its runs.",
)
@click.option(
    "--most", type=click.IntRange(min=1), help="Runs at once over all workers, kept in the database."
)
@click.option("--starts", metavar="N/PERIOD", help="Runs begun in a period over all workers: 100/h, 5/10s.")
@click.option(
    "--schedule",
    "schedules",
    multiple=True,
    metavar="WORKFLOW=CRON",
    help="Submit a workflow at certain times (UTC): 'nightly=0 2 * * *'.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=64, show_default=True, help="Tasks of one run at once."
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds that runs get to end when it is stopped.",
)
@click.option("--offline", is_flag=True, help="Only models that run on this machine.")
@flags
def command(
    files: tuple[str, ...],
    engine: str | None,
    concurrency: int,
    lease: float,
    most: int | None,
    starts: str | None,
    schedules: tuple[str, ...],
    limit: int,
    grace: float,
    offline: bool,
) -> None:
    """Carry out runs of the workflows in FILES (FILE.py, FILE.py:NAME, YAML or TOML) that somebody submitted.

    It takes only runs of exactly these workflows: start one worker with the old file and one with the new, and each
    drains its own. Where a worker dies, the others take over its runs when its lease has ended; nothing that was
    committed is done again. Ctrl-C and SIGTERM: it takes nothing new, waits for what is under way, and hands back
    the rest; a second time it ends at once.

    \b
    aiorch worker flows.py --engine postgresql://me@db.example/runs --concurrency 4
    aiorch runs submit flows.py:nightly --engine postgresql://me@db.example/runs
    """
    import anyio

    from aiorch.cli.runs import engine_of
    from aiorch.workflow import load_all
    from aiorch.workflow.durable import Schedule, serve

    speak = voice()
    url = engine_of(speak, engine)
    flows = [flow for file in files for flow in load_all(file)]
    times = [Schedule.parse(text) for text in schedules]
    limits = limits_of(most, starts)
    settings = settings_of(speak, url, offline)

    async def work() -> None:
        from aiorch.orchestrator import Orchestrator

        async with Orchestrator(settings) as ai:
            await serve(
                flows,
                await ai.services(*flows),
                engine=url,
                concurrency=concurrency,
                lease=lease,
                limits=limits,
                schedules=times,
                tasks=limit,
                grace=grace,
                signals=True,
                on_ready=lambda: _ready(speak, flows, times),
            )

    anyio.run(work)
    speak.tell("stopped")


def settings_of(speak: Voice, url: str, offline: bool) -> Settings:
    """A worker's settings: what machines share is shared through the database of the runs, unless they name one."""
    told: dict[str, Any] = {"offline": True} if offline else {}
    settings = speak.settings(**told)
    if settings.shared_database is None and url.startswith("postgres"):
        plain = "postgresql://" + url.partition("://")[2]  # a driver in front is SQLAlchemy's way to write it
        settings = speak.settings(**told, shared_database=plain)
        speak.tell("limits of providers and users are shared with the other workers through this database")
    return settings


def limits_of(most: int | None, starts: str | None) -> Limits | None:
    """What holds over all workers, as the command line says it.

    :raises InputError: for a rate that is none.
    """
    from aiorch.workflow.durable import Limits

    if starts is None:
        return None if most is None else Limits(running=most)
    found = _STARTS.fullmatch(starts)
    if found is None or int(found["starts"]) < 1 or int(found["number"] or 1) < 1:
        raise InputError(f"--starts {starts!r}: write how many in which time, as in 100/h or 5/10s")
    return Limits(most, int(found["starts"]), float(int(found["number"] or 1) * _SECONDS[found["unit"]]))


def _ready(speak: Voice, flows: Sequence[Workflow], schedules: Sequence[Schedule]) -> None:
    served = {flow.name: flow.graph().version for flow in flows}
    if speak.json:
        speak.document({"state": "ready", "serves": served, "schedules": [one.workflow for one in schedules]})
    names = ", ".join(f"{name}@{version}" for name, version in served.items())
    speak.tell(f"ready for runs of {names}")
    for one in schedules:
        speak.tell(f"submits {one.workflow} at {one.cron} ({one.zone})")
