"""What the database tells about runs, as rows for people and programs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from aiorch.workflow.durable.forking import task_at_the_top
from aiorch.workflow.durable.life import NAME
from aiorch.workflow.durable.rows import ENDED, RunInfo, State, TaskInfo
from aiorch.workflow.durable.submitting import PART, Order
from aiorch.workflow.durable.tables import effects, mail, runs

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus
    from sqlalchemy import Connection

PAGE = 500
"""Runs that are read at once."""

_STATES: Mapping[str, State] = {
    "DELAYED": "delayed",
    "ENQUEUED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}


def page(db: DBOSClient, offset: int) -> list[WorkflowStatus]:
    """So many of the newest runs, from there on."""
    return db.list_workflows(name=NAME, limit=PAGE, offset=offset, sort_desc=True, load_output=False)


def parts_of(db: DBOSClient, run_id: str) -> list[WorkflowStatus]:
    """What a run has spread."""
    return db.list_workflows(workflow_id_prefix=run_id + PART, load_output=False)


def info_of(
    status: WorkflowStatus,
    order: Order | None,
    row: Mapping[str, Any] | None,
    waits: Iterable[str],
    nobody: bool,
) -> RunInfo:
    """What DBOS, our own tables and the workers' know of a run, in one row."""
    run = status.workflow_id
    state = _STATES[status.status]
    if row is not None and row["state"] == "done":  # DBOS hears of it a moment later
        state = "done"
    reasons = list(waits) if state == "running" else []
    open_ = state in ("delayed", "queued")
    if state == "delayed" and status.delay_until_epoch_ms is not None:
        until = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(status.delay_until_epoch_ms / 1000))
        reasons.append(f"{until} UTC")
    if open_ and nobody and order is not None:
        reasons.append(f"a worker that holds {order.served}")
    at = (status.completed_at or 0) / 1000
    if row and row["epoch"]:
        at = row["updated"]  # in SQLite DBOS counts whole seconds
    part, found, _ = run.partition(PART)
    return RunInfo(
        run,
        order.workflow if order else row["workflow"] if row else "",
        order.version if order else row["version"] if row else "",
        state,
        (status.created_at or 0) / 1000,
        worker=status.executor_id if not open_ else None,
        began=row["created"] if row and row["epoch"] else None,
        ended=at if state in ENDED else None,
        waits_for=tuple(reasons),
        served=not nobody if order else None,
        error=(row["error"] if row else None) if state == "failed" else None,
        attempts=row["epoch"] if row else 0,
        forked_from=(status.attributes or {}).get("forked_from"),
        part_of=part if found else None,
    )


def rows_of(db: Connection, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Our own rows of these runs."""
    columns = (runs.c.run_id, runs.c.workflow, runs.c.version, runs.c.state, runs.c.epoch, runs.c.error)
    found = db.execute(select(*columns, runs.c.created, runs.c.updated).where(runs.c.run_id.in_(ids)))
    return {row["run_id"]: dict(row) for row in found.mappings()}


def keys_of(db: Connection, run_id: str) -> list[tuple[str, float]]:
    """What was committed for a run, and when."""
    rows = db.execute(select(effects.c.key, effects.c.committed).where(effects.c.run_id == run_id))
    return [(key, at) for key, at in rows]


def mail_of(db: Connection, run_id: str) -> tuple[str, ...]:
    """Names under which something was sent to a run, in order."""
    return tuple(db.scalars(select(mail.c.name).where(mail.c.run_id == run_id).order_by(mail.c.sent)))


def tasks_of(
    needs: Mapping[str, Sequence[str]] | None, keys: Iterable[tuple[str, float]]
) -> tuple[TaskInfo, ...]:
    """The tasks of a run, in the workflow's order; where that is not known, those of which something is kept."""
    at: dict[str, float] = {}
    count: dict[str, int] = {}
    done: set[str] = set()
    for key, when in keys:
        name = task_at_the_top(key)
        at[name] = max(when, at.get(name, 0.0))
        count[name] = count.get(name, 0) + 1
        if key == name:
            done.add(name)
    names = list(at) if needs is None else list(needs)
    return tuple(
        TaskInfo(
            name,
            "done" if name in done else "begun" if name in at else "open",
            count.get(name, 0),
            at.get(name),
        )
        for name in names
    )
