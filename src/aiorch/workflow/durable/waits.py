"""What runs in the hands of workers wait for from outside: written by workers, read by people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from aiorch.workflow.durable.tables import waits
from aiorch.workflow.stored import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.workflow.runs import Waiting

LONGEST = 500
"""Characters of a question that are kept."""


def keep(db: Connection, changed: Mapping[str, Iterable[Waiting]]) -> None:
    """Replace what is kept of these runs."""
    for run, waiting in changed.items():
        forget(db, run)
        for one in {one.name: one for one in waiting}.values():
            row = {"name": one.name, "kind": one.kind, "question": clean(one.question[:LONGEST])}
            db.execute(insert(waits).values(run_id=run, **row))


def read(db: Connection, runs: Sequence[str]) -> dict[str, list[str]]:
    """For each of the runs, in words, what it waits for."""
    found: dict[str, list[str]] = {}
    for row in db.execute(select(waits).where(waits.c.run_id.in_(runs)).order_by(waits.c.name)):
        asked = f": {row.question}" if row.question else ""
        found.setdefault(row.run_id, []).append(f"{row.kind} {row.name}{asked}")
    return found


def forget(db: Connection, run: str) -> None:
    """Take out what is kept of a run."""
    db.execute(delete(waits).where(waits.c.run_id == run))
