"""Who is alive and what is left behind: decisions over rows, by the database's clock and nobody else's.

A worker renews its lease four times within it. One that does not is buried, which it cannot undo: it takes a new
name. What it held goes back to its queue. All of that is decided here, and done in ``workers.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

BEATS = 4
"""Renewals within a lease: three may be late or lost."""


@dataclass(frozen=True, slots=True)
class Served:
    """One version of one workflow: what a run belongs to, and what a worker holds."""

    workflow: str
    version: str
    """Hash of the specification."""

    def __str__(self) -> str:
        return f"{self.workflow}@{self.version}"


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that carries out runs, as its row says."""

    id: str
    host: str
    pid: int
    serves: tuple[Served, ...]
    concurrency: int
    """Runs at once."""
    lease: float
    """Seconds without a renewal after which it counts as dead."""
    began: float
    seen: float
    """Its last renewal."""
    buried: bool = False
    """Somebody has found it dead. It may still live, and will find out."""


@dataclass(frozen=True, slots=True)
class Held:
    """A run that a worker took from the queue."""

    run: str
    worker: str


@dataclass(frozen=True, slots=True)
class Mine:
    """A run that this process is at, as its row says now."""

    run: str
    owner: str | None
    """Token of whoever took it last; ``None`` of nobody."""
    working: bool
    """False where it was cancelled, put back or ended."""


def dead(workers: Iterable[Worker], now: float) -> tuple[str, ...]:
    """Ids of those that have not renewed their lease in time."""
    return tuple(w.id for w in workers if not w.buried and now - w.seen > w.lease)


def alive(workers: Iterable[Worker], now: float) -> tuple[Worker, ...]:
    """Those that may be at work."""
    return tuple(w for w in workers if not w.buried and now - w.seen <= w.lease)


def next_lapse(workers: Iterable[Worker], now: float) -> float | None:
    """Seconds until the first lease ends that is not renewed; ``None`` where nobody has one."""
    return min((w.seen + w.lease - now for w in workers if not w.buried), default=None)


def abandoned(held: Sequence[Held], workers: Iterable[Worker]) -> Mapping[str, tuple[str, ...]]:
    """For each worker that is gone the runs that it held.

    ``held`` has to be read before ``workers``: whoever holds a run wrote its own row first, so that a worker that is
    missing from the later reading is gone, not new.
    """
    living = {w.id for w in workers if not w.buried}
    found: dict[str, list[str]] = {}
    for one in held:
        if one.worker not in living:
            found.setdefault(one.worker, []).append(one.run)
    return {worker: tuple(runs) for worker, runs in found.items()}


def lost(mine: Mapping[str, str], rows: Iterable[Mine]) -> tuple[str, ...]:
    """Runs that this process is at and no longer has: cancelled, taken over, put back or deleted.

    :param mine: run -> token under which this process took it.
    """
    kept = {row.run for row in rows if row.working and row.owner == mine.get(row.run)}
    return tuple(run for run in mine if run not in kept)


def may_judge(now: float, broken_until: float | None, lease: float) -> bool:
    """Whether a worker may bury others yet.

    After the database was away for everybody, all leases look lapsed to whoever comes back first: those whose own
    renewals failed give the others half a lease to come back too.

    :param broken_until: when the own renewals began to succeed again, by this process' clock; ``None`` = never broken.
    """
    return broken_until is None or now - broken_until >= lease / 2


def unserved(wanted: Collection[Served], workers: Iterable[Worker], now: float) -> frozenset[Served]:
    """What nobody alive can carry out."""
    served = {one for worker in alive(workers, now) for one in worker.serves}
    return frozenset(one for one in wanted if one not in served)
