"""What is told about runs: frozen, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from aiorch.workflow.ledger import CallRecord

State = Literal["delayed", "queued", "running", "done", "failed", "cancelled"]
"""``queued``: it waits for a worker; ``failed`` and ``cancelled`` can be resumed."""

ENDED: tuple[State, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run, as the database tells it. Times are seconds since 1970."""

    id: str
    workflow: str
    version: str
    """Hash of the specification."""
    state: State
    submitted: float
    worker: str | None = None
    """Who carries it out, or did last."""
    began: float | None = None
    ended: float | None = None
    waits_for: tuple[str, ...] = ()
    """Why it does not go on just now: a person, an event, a time, its parts, a worker that holds its version."""
    served: bool | None = None
    """False: no worker that is alive holds its version; ``None`` where it needs none."""
    error: str | None = None
    attempts: int = 0
    """How often somebody began or took it over."""
    forked_from: str | None = None
    part_of: str | None = None
    """The run that spread it."""


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """One task of a run's workflow."""

    name: str
    state: Literal["done", "begun", "open"]
    """``begun``: something inside of it is committed already."""
    committed: int = 0
    """Results inside of it that are kept: items, model calls, its own."""
    at: float | None = None
    """When the last of them was committed."""


@dataclass(frozen=True, slots=True)
class RunDetails:
    """Everything that is known of a run."""

    info: RunInfo
    inputs: dict[str, Any] | None
    """As they were submitted; ``None`` of a run that was not."""
    tasks: tuple[TaskInfo, ...]
    calls: tuple[CallRecord, ...]
    mail: tuple[str, ...]
    """Names under which something was sent to it."""
    parts: tuple[RunInfo, ...] = ()
