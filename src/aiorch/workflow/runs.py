"""What came of a workflow, readable while it runs, after it failed and after it was cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from weakref import WeakSet

from aiorch.errors import WorkflowError
from aiorch.events import Bus, Event
from aiorch.protocols import Journal
from aiorch.types import Outcome, new_id
from aiorch.workflow.following import Watcher
from aiorch.workflow.ledger import CallRecord

RunState = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED: tuple[RunState, ...] = ("done", "failed", "cancelled")
"""States that stay."""

RowState = Literal["running", "done", "refused", "failed", "cancelled"]


@dataclass(slots=True)
class Row:
    """One task of a run, or one item of a mapped task, from its start."""

    task: str
    """Its path: ``facts``, inside of a workflow in the workflow ``sub/facts``, in the second round of a loop
    ``polish#2/better``.
    """
    item: int | None
    """The item's number, 0 for the first; ``None`` for a task that is not mapped."""
    label: str | None
    """What displays call the item."""
    started: float
    """Seconds after the run's start."""
    seconds: float = 0.0
    """Retries and the waits between them included."""
    state: RowState = "running"
    error: str | None = None
    """Why it failed; of one that is tried again, why it failed last."""
    tries: int = 1
    """How often it was tried."""

    @property
    def key(self) -> str:
        """``task`` or ``task[3]``, unique in the run."""
        return self.task if self.item is None else f"{self.task}[{self.item}]"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits for somebody outside."""

    task: str
    """Its path."""
    kind: Literal["approval", "event"]
    name: str
    """What to send the answer to: the task's path, or the event's name."""
    question: str = ""
    """What the person who decides reads."""
    until: float | None = None
    """Epoch seconds when it waits no longer; ``None`` = for ever."""


class Background(Protocol):
    """Work that goes on beside whoever started it; :func:`aiorch.spawning.spawn` gives one."""

    async def result(self) -> Any:
        """Wait for what comes of it."""
        ...

    def cancel(self) -> None:
        """Stop it."""
        ...


class Sending(Protocol):
    """A journal, or whatever else reaches a run's mailbox."""

    async def send(self, name: str, value: Any) -> None:
        """Put a JSON value into the mailbox."""
        ...


@dataclass(slots=True)
class Run:
    """One execution of a workflow, filled in while the work goes on: a cancelled one tells what was finished.

    async for event in run: ...      # what happens, until it ends
    """

    workflow: str
    id: str = field(default_factory=new_id)
    state: RunState = "waiting"
    results: dict[str, Any] = field(default_factory=dict[str, Any])
    """The value of each task that has one; in a mapped task's list, an item that failed is its exception."""
    outcomes: dict[str, Outcome[Any] | list[Outcome[Any] | None]] = field(
        default_factory=dict[str, Outcome[Any] | list[Outcome[Any] | None]]
    )
    """What came of each AI task, by path; for a mapped one a list with ``None`` for items without an outcome (yet)."""
    errors: dict[str, Exception] = field(default_factory=dict[str, Exception])
    """By path, ``task`` or ``task[item]``: what failed, tolerated failures included."""
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    """Tasks that were not carried out, by path, and why."""
    value: Any = None
    """What the workflow gives: the value of the task that it names, else of the last; ``None`` where that has none."""
    seconds: float = 0.0
    _rows: list[Row] = field(default_factory=list[Row], repr=False)
    _waiting: dict[str, Waiting] = field(default_factory=dict[str, Waiting], repr=False)
    _watchers: WeakSet[Watcher] = field(default_factory=lambda: WeakSet[Watcher](), repr=False, compare=False)
    _bus: Bus | None = field(default=None, repr=False, compare=False)
    _journal: Journal | None = field(default=None, repr=False, compare=False)
    _mailbox: Sending | None = field(default=None, repr=False, compare=False)
    _background: Background | None = field(default=None, repr=False, compare=False)

    # --- looking ---------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        """How it stands; what came of it may be long, and is not for logs."""
        counts = ((len(self.finished), "done"), (len(self.errors), "failed"), (len(self.skipped), "skipped"))
        told = ", ".join(f"{count} {what}" for count, what in counts if count)
        return f"<run {self.id!r} of {self.workflow!r}: {self.state}{f' ({told})' if told else ''}>"

    @property
    def timeline(self) -> tuple[Row, ...]:
        """What was started, in that order."""
        return tuple(self._rows)

    @property
    def finished(self) -> tuple[str, ...]:
        """Keys of what is done: ``task`` or ``task[item]``."""
        return tuple(row.key for row in self._rows if row.state == "done")

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Tasks that wait for a person or an event now."""
        return tuple(self._waiting.values())

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """Every call to a model, and every other effect that is paid for, that was begun for this run."""
        return tuple(getattr(self._journal, "calls", ()))

    def outcome(self, row: Row) -> Outcome[Any] | None:
        """What came of this row, when a model was asked."""
        found = self.outcomes.get(row.task)
        if isinstance(found, list):
            return None if row.item is None else found[row.item]
        return found

    def to_records(self) -> list[Mapping[str, Any]]:
        """The timeline as plain dictionaries, for a table or a data frame; measures only, no prompts and no answers."""
        return [_record(row, self.outcome(row)) for row in self._rows] + [
            {"task": name, "item": None, "state": "skipped", "error": why}
            for name, why in self.skipped.items()
        ]

    def __aiter__(self) -> AsyncIterator[Event]:
        """The run's events from now on, until it ends; those of its AI tasks too."""
        watcher = Watcher(self.id)
        if self.state in ENDED:
            watcher.finish()
        else:
            self._watchers.add(watcher)
            if self._bus is not None:
                watcher.listen(self._bus)
        return watcher

    # --- taking part -----------------------------------------------------------------------------------------------

    async def send(self, name: str, value: Any = None) -> None:
        """Send an event to the run: ``await run.send("paid", {"amount": 3})``; the first of a name counts.

        :param value: what JSON can hold.
        :raises WorkflowError: when the run has ended, or its engine takes no messages.
        """
        if self.state in ENDED:
            raise WorkflowError(f"{name!r} cannot be sent: run {self.id} is {self.state}")
        mailbox = self._mailbox or self._journal
        if mailbox is None:
            raise WorkflowError(f"{name!r} cannot be sent: run {self.id} has not begun")
        send = getattr(mailbox, "send", None)
        if send is None:
            raise WorkflowError(f"{name!r} cannot be sent: the engine of run {self.id} takes no messages")
        await send(name, value)

    async def approve(self, task: str, allowed: bool = True, *, by: str = "", note: str = "") -> None:
        """Decide what an approval waits for: ``await run.approve("ok")``.

        :param task: its path. :param by: who decides. :param note: why, for whoever reads the run.
        :raises WorkflowError: when the run has ended, or its engine takes no messages.
        """
        await self.send(task, {"allowed": allowed, "by": by, "note": note})

    async def result(self) -> Run:
        """Wait until a run that goes on in the background has ended.

        :raises TaskFailed: when a task of it failed. :raises WorkflowError: for a run that nobody started so.
        """
        if self._background is not None:
            await self._background.result()
        elif self.state not in ENDED:
            raise WorkflowError(
                f"run {self.id} does not go on in the background: whoever executes it waits for it"
            )
        return self

    def cancel(self) -> None:
        """Stop a run that goes on in the background; a durable one can be resumed. One that has ended stays as it is.

        :raises WorkflowError: for a run that nobody started so.
        """
        if self._background is not None:
            self._background.cancel()
        elif self.state not in ENDED:
            raise WorkflowError(f"run {self.id} does not go on in the background: cancel whoever executes it")

    # --- for whoever carries it out --------------------------------------------------------------------------------

    def _begin(self, bus: Bus, journal: Journal) -> None:
        self.state = "running"
        self._bus, self._journal = bus, journal
        for watcher in self._watchers:
            watcher.listen(bus)

    def _end(self, state: RunState) -> None:
        self.state = state
        self._bus = None
        self._waiting.clear()
        self._dismiss()

    def _dismiss(self) -> None:
        """Nothing more happens."""
        for watcher in self._watchers:
            watcher.finish()


def _record(row: Row, outcome: Outcome[Any] | None) -> Mapping[str, Any]:
    record: dict[str, Any] = {
        "task": row.task,
        "item": row.item,
        "label": row.label,
        "state": row.state,
        "started": row.started,
        "seconds": row.seconds,
        "error": row.error,
        "tries": row.tries,
    }
    if outcome is not None:
        record |= {
            "model": outcome.model,
            "attempts": len(outcome.attempts),
            "input_tokens": outcome.usage.input_tokens,
            "output_tokens": outcome.usage.output_tokens,
            "cost": str(outcome.cost),
            "accepted": outcome.accepted,
            "passed": len(outcome.assessment.passed),
            "failed": len(outcome.assessment.failed),
            "not_assessed": len(outcome.assessment.not_assessed),
            "cached": outcome.cached,
            "demo": outcome.demo,
        }
    return record
