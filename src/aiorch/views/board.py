"""What a run looks like at this moment, made from its events: no terminal, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

from aiorch.events import (
    AttemptStarted,
    CacheHit,
    Event,
    NodeFailed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
    Waiting,
)

State = Literal["running", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One task, or one item of a mapped task."""

    task: str
    item: str | None
    """The item's label, or ``#`` and its number."""
    state: State
    started: float
    """Epoch seconds."""
    seconds: float | None = None
    """How long it took; ``None`` while it runs."""
    model: str | None = None
    attempts: int = 0
    note: str = ""
    """What else there is to say: ``cached``, ``demo``, why it waits or failed."""

    @property
    def title(self) -> str:
        """Task and item."""
        return self.task if self.item is None else f"{self.task} {self.item}"

    def elapsed(self, now: float) -> float:
        """Seconds that it took, or has taken until now."""
        return self.seconds if self.seconds is not None else max(0.0, now - self.started)


class Board:
    """Follows one run: the first that starts after it began to listen. Feed it events; read it from any thread."""

    def __init__(self) -> None:
        self.workflow: str | None = None
        self.state: str = "waiting"
        self.tasks = 0
        """Tasks of the workflow; mapped ones have an entry an item."""
        self.started = 0.0
        self.seconds: float | None = None
        self._run: str | None = None
        self._entries: dict[tuple[str, str | None], Entry] = {}
        self._of_task: dict[str, tuple[str, str | None]] = {}
        self._lock = Lock()  # a terminal is drawn from a thread of its own

    def apply(self, event: Event) -> Entry | None:
        """Take one event in. Returns the entry that it finished, if it finished one."""
        with self._lock:
            match event:
                case RunStarted() if self._run is None:
                    self._run, self.workflow, self.tasks = event.run_id, event.workflow, event.tasks
                    self.started, self.state = event.at, "running"
                case RunFinished() if event.run_id == self._run:
                    self.state, self.seconds = event.state, event.seconds
                case NodeStarted() | NodeFinished() | NodeFailed() if event.run_id == self._run:
                    return self._node(event)
                case NodeSkipped() if event.run_id == self._run:
                    entry = Entry(
                        event.node, None, "skipped", event.at, 0.0, note=f"because of {event.because}"
                    )
                    self._entries[event.node, None] = entry
                case AttemptStarted() | Waiting() | CacheHit():
                    self._asked(event)
                case _:
                    pass
        return None

    def entries(self) -> tuple[Entry, ...]:
        """Everything that was started or skipped, in that order."""
        with self._lock:
            return tuple(self._entries.values())

    def shown(self, most: int) -> tuple[Entry, ...]:
        """At most ``most`` entries, in order: what runs or failed goes before what is done, the latest before older."""
        found = self.entries()
        if len(found) <= most:
            return found
        rank = {"running": 0, "failed": 1, "done": 2, "skipped": 3}
        order = sorted(range(len(found)), key=lambda i: (rank[found[i].state], -i))
        return tuple(found[i] for i in sorted(order[:most]))

    def counts(self) -> dict[State, int]:
        """How many entries are in each state; states that nobody is in are left out."""
        found: dict[State, int] = {}
        for entry in self.entries():
            found[entry.state] = found.get(entry.state, 0) + 1
        return found

    def headline(self, now: float) -> str:
        """The run in a line: ``digest: 7 done, 2 running, 12.3 s``."""
        told = ", ".join(f"{n} {state}" for state, n in sorted(self.counts().items()))
        seconds = self.seconds if self.seconds is not None else now - self.started
        return f"{self.workflow or 'workflow'}: {told or 'starting'}, {max(0.0, seconds):.1f} s"

    def _node(self, event: NodeStarted | NodeFinished | NodeFailed) -> Entry | None:
        key = (event.node, event.item)
        entry = self._entries.get(key) or Entry(event.node, _item(event.item), "running", event.at)
        if event.task_id:
            self._of_task[event.task_id] = key
        match event:
            case NodeStarted():
                self._entries[key] = entry
                return None
            case NodeFailed():
                entry = replace(
                    entry, state="failed", seconds=event.seconds, note=" ".join(event.error.split())
                )
            case NodeFinished():
                entry = replace(entry, state="done", seconds=event.seconds, note="")
                if event.outcome:
                    o = event.outcome
                    marks = (
                        ("cached", o.cached),
                        ("demo", o.demo),
                        ("stand-in", o.degraded),
                        ("not accepted", not o.accepted),
                    )
                    note = ", ".join(mark for mark, true in marks if true)
                    entry = replace(entry, model=o.model, attempts=len(o.attempts), note=note)
        self._entries[key] = entry
        return entry

    def _asked(self, event: AttemptStarted | Waiting | CacheHit) -> None:
        key = self._of_task.get(event.task_id or "")
        if key is None:
            return
        entry = self._entries[key]
        match event:
            case AttemptStarted():
                deployment = event.deployment
                model = f"{deployment.provider}/{deployment.model}"
                entry = replace(entry, model=model, attempts=max(entry.attempts, event.number), note="")
            case Waiting():
                entry = replace(entry, note=f"waits {event.seconds:.0f} s: {event.reason}")
            case CacheHit():
                entry = replace(entry, model=event.model, note="cached")
        self._entries[key] = entry


def _item(item: str | None) -> str | None:
    """An item's label; events put its number before, which tells equal labels apart but is nothing to look at."""
    if item is None:
        return None
    number, _, label = item.partition(" ")
    return label or f"#{number}"
