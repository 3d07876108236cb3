"""The queues: DBOS', taken from by version. What aiorch uses of DBOS beyond its public face is in this file only.

There are two queues: one of runs, one of the parts that a run spreads, so that runs that wait for their parts can
never keep the parts from being carried out. A run's ``application_version`` is the hash of its workflow's
specification, and a worker takes runs of the versions it holds only.

Why not DBOS' own queue threads: they take runs of one application version, which is one a process, while a worker
holds a version for each workflow; a queue for each workflow and version would have its limits for itself, so that
neither a worker nor the whole could be limited; and a queue's limit for each worker is a row in the database, the
same for all of them. So the loop is ours (``serving.py``); the claim, the limits over all workers and the owner
token under which an outcome is recorded are DBOS'.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from dbos._context import assert_current_dbos_context
from dbos._core import execute_dequeued_workflow
from dbos._dbos import _get_dbos_instance
from dbos._schemas import SCHEMA_PLACEHOLDER
from sqlalchemy.exc import DBAPIError

from aiorch.workflow.durable.leases import Held, Mine

if TYPE_CHECKING:
    from dbos import DBOS
    from dbos._sys_db import SystemDatabase
    from sqlalchemy import Connection

RUNS = "aiorch"
PARTS = "aiorch-parts"
QUEUES = (RUNS, PARTS)

_MIDDLE = 1_000_000
"""DBOS takes the lowest number first, from 1 on; aiorch the highest, around 0."""

logger = logging.getLogger("aiorch")


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds over all workers together."""

    running: int | None = None
    """Runs at once."""
    starts: int | None = None
    """Runs begun within ``period``."""
    period: float = 60.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process has just taken."""

    run: str
    version: str
    token: str
    """Under which DBOS records the outcome; whoever takes the run after us has another one."""


def in_queue(priority: int) -> int:
    """A priority as DBOS sorts it.

    >>> in_queue(5) < in_queue(0) < in_queue(-5)
    True
    """
    return max(1, min(2 * _MIDDLE, _MIDDLE - priority))


def token_of_this_run() -> str | None:
    """Under which token the run was taken that DBOS is just carrying out."""
    return assert_current_dbos_context().owner_xid


class Line:
    """The queues of the DBOS that this process has launched. Blocks: for worker threads."""

    def __init__(self) -> None:
        self._dbos: DBOS = _get_dbos_instance()

    @property
    def _db(self) -> SystemDatabase:
        return self._dbos._sys_db

    @property
    def _where(self) -> dict[str, Any]:
        """Where DBOS' tables are, for connections that are not its own."""
        return {"schema_translate_map": {SCHEMA_PLACEHOLDER: self._db.schema}}

    def prepare(self, limits: Limits | None) -> None:
        """Make the queues. ``limits`` replaces those of the runs' queue; ``None`` leaves what is there."""
        from dbos import DBOS

        for name in QUEUES:
            if limits is None or name != RUNS:
                DBOS.register_queue(name, on_conflict="never_update")
                continue
            DBOS.register_queue(
                name,
                global_concurrency=limits.running,
                limiter=None if limits.starts is None else {"limit": limits.starts, "period": limits.period},
                on_conflict="always_update",
            )

    def wanted(self, queue: str, versions: Collection[str]) -> list[str]:
        """Those of ``versions`` that have runs waiting, the most urgent first."""
        rows = self._db.tables.workflow_status
        query = (
            sa.select(rows.c.application_version)
            .where(
                rows.c.queue_name == queue,
                rows.c.status == sa.literal_column("'ENQUEUED'"),
                rows.c.application_version.in_(versions),
            )
            .group_by(rows.c.application_version)
            .order_by(sa.func.min(rows.c.priority), sa.func.min(rows.c.created_at))
        )
        with self._db.engine.connect() as db:
            return list(db.scalars(query))

    def claim(self, queue: str, version: str, worker: str, room: int) -> list[Claim]:
        """Take at most ``room`` runs of a version for ``worker``, as far as the queue's limits allow."""
        kept = self._db.get_queue(queue)
        if kept is None:
            return []
        kept._worker_concurrency = (
            room  # ours, over all workflows of this process; DBOS' own is one for all workers
        )
        token = str(uuid.uuid4())
        try:
            runs, _ = self._db.start_queued_workflows(
                kept, worker, version, None, owner_xid=token, is_latest_version=False
            )
        except DBAPIError as wrong:
            if self._db.is_lock_conflict(wrong) or self._db.is_serialization_conflict(wrong):
                return []  # somebody else is taking just now: at the next look
            raise
        return [Claim(run, version, token) for run in runs]

    def begin(self, claims: Sequence[Claim]) -> list[Claim]:
        """Have DBOS carry out what was taken. Returns what could not begin."""
        open_ = {claim.run: claim for claim in claims}
        for status in self._db.get_workflow_statuses(list(open_)):
            run = status["workflow_uuid"]
            try:
                execute_dequeued_workflow(self._dbos, status, open_[run].token)
            except Exception as wrong:  # the others are not to wait for the janitor because of one
                logger.warning(
                    "run %s was taken and could not begin: %s: %s", run, type(wrong).__name__, wrong
                )
            else:
                del open_[run]
        return list(open_.values())

    def is_mine(self, db: Connection, claim: Claim) -> bool:
        """Whether DBOS still counts a run as taken by this claim; nobody changes that before the transaction ends."""
        rows = self._db.tables.workflow_status
        query = sa.select(rows.c.owner_xid, rows.c.status).where(rows.c.workflow_uuid == claim.run)
        row = db.execute(query.with_for_update(read=True), execution_options=self._where).first()
        return row is not None and tuple(row) == (claim.token, "PENDING")

    def ended(self, db: Connection, runs: Collection[str]) -> dict[str, str]:
        """Those that have ended, and how: ``SUCCESS``, ``ERROR``, ``CANCELLED``; what is not there as cancelled."""
        rows = self._db.tables.workflow_status
        query = sa.select(rows.c.workflow_uuid, rows.c.status).where(rows.c.workflow_uuid.in_(runs))
        states: dict[str, str] = {
            row.workflow_uuid: row.status for row in db.execute(query, execution_options=self._where)
        }
        open_ = ("ENQUEUED", "DELAYED", "PENDING")
        return {
            run: states.get(run, "CANCELLED") for run in runs if states.get(run, "CANCELLED") not in open_
        }

    def held(self) -> list[Held]:
        """The runs that workers are at."""
        rows = self._db.tables.workflow_status
        query = sa.select(rows.c.workflow_uuid, rows.c.executor_id).where(
            rows.c.queue_name.in_(QUEUES), rows.c.status == sa.literal_column("'PENDING'")
        )
        with self._db.engine.connect() as db:
            return [Held(run, worker or "") for run, worker in db.execute(query)]

    def owners(self, runs: Collection[str]) -> list[Mine]:
        """How these runs stand now."""
        rows = self._db.tables.workflow_status
        query = sa.select(rows.c.workflow_uuid, rows.c.owner_xid, rows.c.status).where(
            rows.c.workflow_uuid.in_(runs)
        )
        with self._db.engine.connect() as db:
            return [Mine(run, owner, status == "PENDING") for run, owner, status in db.execute(query)]

    def put_back(self, runs: Iterable[str], worker: str) -> int:
        """Put runs back on their queues, as far as ``worker`` still holds them: never what somebody took since.

        DBOS' ``resume_workflows`` does not ask who holds a run. Two janitors would put a run back twice, the second
        time from under whoever had taken it in between.
        """
        return sum(self._db.reenqueue_for_recovery(run, [worker], RUNS) for run in runs)
