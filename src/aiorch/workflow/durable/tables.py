"""The tables of durable runs, one definition for SQLite and PostgreSQL, and how they come to be.

They stand beside those of DBOS in the same database. All of a run's rows carry its id.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)

from aiorch.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROOM = "durable"
"""Whose rows of ``aiorch_migrations`` these are; other rooms may keep tables in the same database."""

TABLES_LOCK = 0x61696F726368
"""The number of the lock under which tables are made in PostgreSQL ("aiorch")."""

metadata = MetaData()

runs = Table(
    "aiorch_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("workflow", Text, nullable=False, server_default=""),
    Column("version", Text, nullable=False),  # hash of the specification that began it
    Column("state", Text, nullable=False),  # running | done | failed | cancelled
    Column("epoch", Integer, nullable=False),  # of the claim; commits of an older one are refused
    Column("owner", Text),  # who carries it out: identity.Process; NULL = nobody
    Column("token", Text),  # of the claim itself, so that one whose commit was in doubt knows its own
    Column("result", Text),  # JSON
    Column("error", Text),  # class and redacted text
    Column("created", Float, nullable=False),  # seconds since 1970, all times
    Column("updated", Float, nullable=False),
)
"""One row a run: its state, and the claim that fences its commits."""

effects = Table(
    "aiorch_effects",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON
    Column("committed", Float, nullable=False),
    PrimaryKeyConstraint("run_id", "key"),
)
"""What was committed, by the journal's key."""

calls = Table(
    "aiorch_calls",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("number", Integer, nullable=False),  # within the epoch, in the order in which they began
    Column("key", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("guarded", Boolean, nullable=False),  # not idempotent: one without an end needs a person
    Column("state", Text, nullable=False),  # begun | committed | failed
    Column("began", Float, nullable=False),
    Column("ended", Float),
    PrimaryKeyConstraint("run_id", "epoch", "number"),
)
"""The ledger: every call that began, also those that were made again after a crash. Rows are only added and ended."""

mail = Table(
    "aiorch_mail",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON
    Column("sent", Float, nullable=False),
    PrimaryKeyConstraint("run_id", "name"),
)
"""What was sent to a run: decisions and events. The first one of a name counts."""

workers = Table(
    "aiorch_workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("serves", Text, nullable=False),  # JSON: [[workflow, version], ...]
    Column("concurrency", Integer, nullable=False),
    Column("lease", Float, nullable=False),  # seconds
    Column("began", Float, nullable=False),  # by the database's clock, as `seen`
    Column("seen", Float, nullable=False),
    Column("buried", Boolean, nullable=False),  # somebody found it dead
)
"""One row a worker: who takes runs from the queue, and when it was last seen."""

waits = Table(
    "aiorch_waits",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("name", Text, nullable=False),  # under which the answer is sent
    Column("kind", Text, nullable=False),  # approval | event
    Column("question", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "name"),
)
"""What runs in the hands of workers wait for from outside, for people who ask."""

specifications = Table(
    "aiorch_specifications",
    metadata,
    Column("version", Text, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("needs", Text, nullable=False),  # JSON: {task: [tasks before it]}
    Column("events", Text, nullable=False),  # JSON: {task: [events that it waits for]}
)
"""One row a version of a workflow that was ever submitted or served: what a fork has to know of it."""

migrations = Table(
    "aiorch_migrations",
    MetaData(),  # not made with the others: the quotas and the store have the same table
    Column("room", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("applied_at", Float, nullable=False),
)

STEPS: tuple[Callable[[Connection], None], ...] = (metadata.create_all,)
"""Step 1, 2, ...: one that has been released is never changed."""


def migrate(db: Connection) -> None:
    """Bring the tables up to date, one process at a time; the caller's transaction makes it all or nothing.

    :raises StorageError: when a newer aiorch has changed these tables already.
    """
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(text(f"{TABLES_LOCK}::bigint"))))
    migrations.create(db, checkfirst=True)
    applied = db.scalar(select(func.max(migrations.c.version)).where(migrations.c.room == ROOM)) or 0
    if applied > len(STEPS):
        raise StorageError(
            f"the tables of durable runs were written by a newer aiorch (version {applied}, this one knows "
            f"{len(STEPS)}): upgrade aiorch-sdk, or use another database"
        )
    for version, step in enumerate(STEPS[applied:], applied + 1):
        step(db)
        db.execute(insert(migrations).values(room=ROOM, version=version, applied_at=time.time()))
