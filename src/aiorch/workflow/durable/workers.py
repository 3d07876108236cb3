"""The table of workers: who is there, since when, and what each can carry out. Times are the database's.

Functions over a connection, for ``Storage.do``: each of them may run twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from aiorch.workflow.durable.leases import Served, Worker, dead
from aiorch.workflow.durable.tables import workers

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEPT = 7 * 24 * 3600.0
"""Seconds for which the row of a dead worker stays, so that people can see what was."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who is there, and at what time that was read."""

    workers: tuple[Worker, ...]
    now: float


def enter(
    db: Connection,
    name: str,
    *,
    host: str,
    pid: int,
    serves: Iterable[Served],
    concurrency: int,
    lease: float,
) -> None:
    """Write down a worker that begins now."""
    now = read_clock(db)
    row = {
        "id": name,
        "host": host,
        "pid": pid,
        "serves": json.dumps([[one.workflow, one.version] for one in serves]),
        "concurrency": concurrency,
        "lease": lease,
        "began": now,
        "seen": now,
        "buried": False,
    }
    db.execute(sa.delete(workers).where(workers.c.id == name))
    db.execute(sa.insert(workers).values(row))


def renew(db: Connection, name: str) -> bool:
    """Renew a lease. False where the worker was buried: what it holds is no longer its own."""
    mine = (workers.c.id == name) & workers.c.buried.is_(sa.false())
    return db.execute(sa.update(workers).where(mine).values(seen=clock(db))).rowcount == 1


def bury(db: Connection) -> tuple[str, ...]:
    """Bury those that are dead. Their ids."""
    attendance = read(db)
    found = dead(attendance.workers, attendance.now)
    if not found:
        return ()
    lapsed = clock(db) - workers.c.seen > workers.c.lease  # again: whoever has renewed meanwhile lives
    still = workers.c.id.in_(found) & workers.c.buried.is_(sa.false()) & lapsed
    return tuple(db.scalars(sa.update(workers).where(still).values(buried=True).returning(workers.c.id)))


def leave(db: Connection, name: str) -> None:
    """Take out a worker that has put everything back."""
    db.execute(sa.delete(workers).where(workers.c.id == name))


def forget(db: Connection) -> None:
    """Take out those that died long ago."""
    old = workers.c.buried & (clock(db) - workers.c.seen > KEPT)
    db.execute(sa.delete(workers).where(old))


def read(db: Connection) -> Attendance:
    """Everybody, and the time."""
    now = read_clock(db)
    rows = db.execute(sa.select(workers).order_by(workers.c.began))
    return Attendance(tuple(map(_worker, rows)), now)


def clock(db: Connection) -> sa.ColumnElement[float]:
    """The database's time in epoch seconds, as an expression."""
    if db.dialect.name == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
    # Julian day 2440587.5 is the Unix epoch; https://www.sqlite.org/lang_datefunc.html
    return (sa.func.julianday("now", type_=sa.Double) - 2440587.5) * 86400.0


def read_clock(db: Connection) -> float:
    """The database's time in epoch seconds."""
    return float(db.execute(sa.select(clock(db))).scalar_one())


def _worker(row: sa.Row[Any]) -> Worker:
    return Worker(
        row.id,
        row.host,
        row.pid,
        tuple(Served(workflow, version) for workflow, version in json.loads(row.serves)),
        row.concurrency,
        row.lease,
        row.began,
        row.seen,
        row.buried,
    )
