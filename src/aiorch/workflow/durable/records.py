"""What is done to the tables of durable runs: functions over a connection, each inside the caller's transaction.

All of them may be carried out twice: a connection that is lost at a commit leaves open whether it happened. They
refuse before they write anything. Who commits names its claim; whoever takes a run over or cancels it raises the
epoch, whoever deletes it takes the claim out, and every commit of another claim is refused with
:class:`~aiorch.errors.LeaseLost`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Insert, Row, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from aiorch.errors import LeaseLost, RunInUse, VersionChanged
from aiorch.workflow.durable import waits
from aiorch.workflow.durable.tables import calls, effects, mail, runs, specifications
from aiorch.workflow.ledger import CallRecord, CallState, task_of
from aiorch.workflow.stored import AGAIN

if TYPE_CHECKING:
    from aiorch.workflow.runs import Waiting

RunState = Literal["running", "done", "failed", "cancelled"]

HELD = "aiorch_held"
"""Under which a connection keeps the claims that its transaction has checked."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who carries out a run: every commit names it."""

    run_id: str
    epoch: int
    owner: str
    token: str
    """Its own: a run that was deleted and begun anew counts its epochs from the first one again."""


@dataclass(frozen=True, slots=True)
class Held:
    """A run that was claimed, and what was committed for it before."""

    claim: Claim
    created: bool
    """True where nobody had begun it before."""
    effects: Mapping[str, str] = field(default_factory=dict[str, str])
    """By key: JSON."""
    calls: tuple[CallRecord, ...] = ()
    doubtful: frozenset[str] = frozenset()
    """Keys of effects that may not be repeated unasked, whose last attempt began and never ended."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that had been done before: its result, as JSON."""

    result: str


def claim(
    db: Connection,
    run_id: str,
    version: str,
    *,
    owner: str,
    token: str,
    gone: Callable[[Connection, str], bool],
    workflow: str = "",
) -> Held | Finished:
    """Take a run to carry it out, a new one or one that was begun before.

    :param token: names this claim, so that it is known again after a commit in doubt.
    :param gone: whether an owner has ended. One that has not keeps its run.
    :raises VersionChanged: when another specification began it. :raises RunInUse: when somebody is at it.
    """
    _let_go(db)
    now = time.time()
    row = db.execute(select(runs).where(runs.c.run_id == run_id).with_for_update()).first()
    if row is None:
        values = {"workflow": workflow, "version": version, "state": "running", "epoch": 1}
        values |= {"owner": owner, "token": token, "created": now, "updated": now}
        db.execute(insert_once(db, runs), {"run_id": run_id, **values})
        row = db.execute(select(runs).where(runs.c.run_id == run_id).with_for_update()).one()
        if row.token == token:
            return Held(Claim(run_id, 1, owner, token), created=True)
        # another process was quicker, by a hair
    if row.version != version:
        raise VersionChanged(run_id, row.version, version)
    if row.state == "done":
        return Finished(row.result)
    epoch: int = row.epoch
    if row.token != token:
        if row.owner is not None and row.owner != owner and not gone(db, row.owner):
            raise RunInUse(run_id, row.owner)
        epoch += 1
        taken = {
            "epoch": epoch,
            "owner": owner,
            "token": token,
            "state": "running",
            "updated": now,
            "error": None,
        }
        db.execute(update(runs).where(runs.c.run_id == run_id).values(taken))
    return _held(db, Claim(run_id, epoch, owner, token))


def check(db: Connection, mine: Claim) -> None:
    """Hold the claim until the transaction ends. :raises LeaseLost: when it is somebody else's by now."""
    held: set[Claim] = db.info.setdefault(HELD, set())
    if mine not in held:
        if db.execute(_CLAIM, {"run": mine.run_id}).first() != (mine.epoch, mine.token):
            raise LeaseLost(mine.run_id)
        held.add(mine)


def holds(db: Connection, mine: Claim) -> bool:
    """Whether the run is still ours; without keeping it so."""
    row = db.execute(select(runs.c.epoch, runs.c.token).where(runs.c.run_id == mine.run_id)).first()
    return row == (mine.epoch, mine.token)


def _let_go(db: Connection) -> None:
    """Claims are about to change: what was checked in this transaction has to be checked again."""
    db.info[HELD] = set()


def finish(
    db: Connection, mine: Claim, state: RunState, *, result: str | None = None, error: str | None = None
) -> None:
    """Write down how a run ended, and let go of it; what is done stays done.

    :raises LeaseLost: when it is somebody else's by now.
    """
    check(db, mine)
    values: dict[str, Any] = {"state": state, "result": result, "error": error}
    db.execute(
        update(runs)
        .where(runs.c.run_id == mine.run_id, runs.c.state != "done")
        .values(owner=None, updated=time.time(), **values)
    )


def show(db: Connection, mine: Claim, workflow: str, waiting: Sequence[Waiting]) -> None:
    """Write down, for whoever looks from outside, of which workflow a run is and for what it waits. Of a run that is
    somebody else's by now, nothing.
    """
    its = (runs.c.run_id == mine.run_id, runs.c.epoch == mine.epoch, runs.c.token == mine.token)
    if db.execute(update(runs).where(*its).values(workflow=workflow)).rowcount:
        waits.keep(db, {mine.run_id: waiting})


def take_away(db: Connection, run_id: str, state: RunState) -> bool:
    """Take a run from whoever carries it out: its commits are refused from now on.

    :returns: False where there is no such run, or it was done before.
    """
    _let_go(db)
    changed = db.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.state != "done")
        .values(epoch=runs.c.epoch + 1, owner=None, token=None, state=state, updated=time.time())
    )
    return changed.rowcount > 0


def forget(db: Connection, run_id: str) -> None:
    """Delete everything about a run."""
    _let_go(db)
    for table in (effects, calls, mail, runs):
        db.execute(delete(table).where(table.c.run_id == run_id))


# --- effects and calls -------------------------------------------------------------------------------------------


def begin(db: Connection, mine: Claim, number: int, key: str, *, guarded: bool, at: float) -> None:
    """Write down that a call begins. A permission to repeat it, which a person gave, is used up by that."""
    check(db, mine)
    values = {"run_id": mine.run_id, "epoch": mine.epoch, "number": number, "key": key, "worker": mine.owner}
    values |= {"guarded": guarded, "state": "begun", "began": at}
    db.execute(insert_once(db, calls), values)
    if guarded:
        discard(db, mine.run_id, key + AGAIN)


def end(db: Connection, mine: Claim, number: int, state: CallState, *, at: float) -> None:
    """Write down how a call ended."""
    check(db, mine)
    which = {"run": mine.run_id, "its_epoch": mine.epoch, "its_number": number}
    db.execute(_END, {**which, "state": state, "ended": at})


def commit(db: Connection, mine: Claim, key: str, value: str, *, at: float, call: int | None = None) -> None:
    """Keep what an effect returned; ``call`` is the number of the call that it was, where it was written down."""
    check(db, mine)
    values = {"run_id": mine.run_id, "key": key, "value": value, "committed": at}
    db.execute(insert_once(db, effects), values)
    if call is not None:
        end(db, mine, call, "committed", at=at)


# --- mail --------------------------------------------------------------------------------------------------------


def send(db: Connection, run_id: str, name: str, value: str) -> bool:
    """Keep what was sent to a run. :returns: False where something of that name had been sent before."""
    values = {"run_id": run_id, "name": name, "value": value, "sent": time.time()}
    return db.execute(insert_once(db, mail).returning(mail.c.name), values).first() is not None


def discard(db: Connection, run_id: str, name: str) -> None:
    """Throw away a message, so that another one of that name can be sent."""
    db.execute(delete(mail).where(mail.c.run_id == run_id, mail.c.name == name))


def mail_of(db: Connection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What there is of the mail that is waited for: by run and name."""
    waiting = {run_id for run_id, _ in wanted}
    rows = db.execute(select(mail.c.run_id, mail.c.name, mail.c.value).where(mail.c.run_id.in_(waiting)))
    return {(run, name): value for run, name, value in rows if (run, name) in wanted}


# --- reading -----------------------------------------------------------------------------------------------------


def run_row(db: Connection, run_id: str) -> Row[Any] | None:
    """The row of a run."""
    return db.execute(select(runs).where(runs.c.run_id == run_id)).first()


def committed(db: Connection, run_id: str) -> dict[str, str]:
    """All that was committed for a run: by key, as JSON."""
    rows = db.execute(select(effects.c.key, effects.c.value).where(effects.c.run_id == run_id))
    return {row.key: row.value for row in rows}


def calls_of(db: Connection, run_id: str) -> tuple[CallRecord, ...]:
    """Every call that was ever begun for a run, in order."""
    return tuple(_record(row) for row in _calls(db, run_id))


def _held(db: Connection, mine: Claim) -> Held:
    rows = _calls(db, mine.run_id)
    done = committed(db, mine.run_id)
    doubtful = frozenset(row.key for row in _doubtful(rows, done))
    return Held(mine, False, done, tuple(_record(row) for row in rows), doubtful)


def doubtful_of(db: Connection, run_id: str) -> list[Row[Any]]:
    """Calls that may not be repeated unasked, whose last attempt began and never ended."""
    return _doubtful(_calls(db, run_id), committed(db, run_id))


def _doubtful(rows: list[Row[Any]], done: Collection[str]) -> list[Row[Any]]:
    last = {row.key: row for row in rows if row.guarded}
    return [row for row in last.values() if row.state == "begun" and row.key not in done]


def _calls(db: Connection, run_id: str) -> list[Row[Any]]:
    query = select(calls).where(calls.c.run_id == run_id).order_by(calls.c.epoch, calls.c.number)
    return list(db.execute(query))


def _record(row: Row[Any]) -> CallRecord:
    return CallRecord(row.key, task_of(row.key), row.began, row.ended, row.state, row.worker)


# --- statements --------------------------------------------------------------------------------------------------

# Made once: making one takes longer than carrying it out.

_CLAIM = (
    select(runs.c.epoch, runs.c.token)
    .where(runs.c.run_id == bindparam("run"))
    .with_for_update(key_share=True)
)
_END = (
    update(calls)
    .where(calls.c.run_id == bindparam("run"))
    .where(calls.c.epoch == bindparam("its_epoch"), calls.c.number == bindparam("its_number"))
    .values(state=bindparam("state"), ended=bindparam("ended"))
)
_INSERTS = {
    (dialect, table): module.insert(table).on_conflict_do_nothing()
    for dialect, module in (("postgresql", postgresql), ("sqlite", sqlite))
    for table in (runs, effects, calls, mail, specifications)
}


def insert_once(db: Connection, table: Table) -> Insert:
    """An insertion that does nothing where the row is there."""
    return _INSERTS[db.dialect.name, table]
