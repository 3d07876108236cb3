"""What a run looks like at this moment, made from its events: no terminal, no clock of its own.

A task is kept by its path: ``facts``, ``each[3]`` for an item, ``polish#2/better`` inside the second round of a
loop. What holds others (a mapped task, a workflow in the workflow, a round) counts those that are done, so ten thousand
items are a line with numbers and a few lines of those that matter now.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import count, islice
from threading import Lock
from typing import Literal

from aiorch.events import (
    AttemptStarted,
    CacheHit,
    Event,
    NodeFailed,
    NodeFinished,
    NodeRetrying,
    NodeSkipped,
    NodeStarted,
    NodeWaiting,
    RunFinished,
    RunStarted,
    Waiting,
)
from aiorch.views.describing import moment
from aiorch.views.tables import marks

State = Literal["waiting", "running", "failed", "done", "refused", "skipped"]

_SOON = 12 * 3600.0
"""Seconds; what is nearer needs no date."""

Wants = Literal["approval", "event"]

ORDER: tuple[State, ...] = ("waiting", "running", "failed", "refused", "done", "skipped")
"""What is shown before what, where there is little room: somebody has to act on the first."""
COUNTED: tuple[State, ...] = ("done", "running", "waiting", "failed", "refused", "skipped")
"""In which order they are counted up in words."""
MOST_INSIDE = 5
"""Lines below one mapped task, workflow or round, of each state."""
MOST_LOOKED_AT = 200
"""Of each state: those that are considered for a picture, so that it costs the same whatever has run."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a run: a task, an item of a mapped task, a round of a loop."""

    path: str
    """``read``, ``read[3]``, ``polish#2/better``."""
    name: str
    """What it is called, standing alone: ``read letter.txt``."""
    title: str
    """What it is called below what it is inside of: ``letter.txt``."""
    state: State
    started: float
    """Epoch seconds."""
    seconds: float | None = None
    """How long it took; ``None`` while it goes on."""
    model: str | None = None
    attempts: int = 0
    note: str = ""
    """What else there is to say: ``cached``, ``demo``, why it waits, failed or was skipped."""
    depth: int = 0
    """How many others it is inside of."""
    counts: Mapping[State, int] = field(default_factory=dict[State, int])
    """How many that are right inside of it are in each state."""
    wants: Wants | None = None
    """Who it waits for, where somebody has to act."""
    answer_to: str = ""
    """What the answer is sent to: the task's path, or the event's name."""

    def elapsed(self, now: float) -> float:
        """Seconds that it took, or has taken until now."""
        return self.seconds if self.seconds is not None else max(0.0, now - self.started)

    @property
    def told(self) -> str:
        """How many are in each state: ``412 done, 8 running``."""
        return _told(self.counts)


@dataclass(slots=True, eq=False)
class _Place:
    """What is known of one path."""

    path: str
    name: str
    title: str
    above: _Place | None
    number: int
    """Of its beginning, among all."""
    started: float
    state: State | None = None
    """``None`` = nothing that has a state of its own: as those inside of it are."""
    seconds: float | None = None
    model: str | None = None
    attempts: int = 0
    note: str = ""
    counts: Counter[State] = field(default_factory=Counter[State])
    inside: dict[str, _Place] = field(default_factory=dict[str, "_Place"])
    wants: Wants | None = None
    answer_to: str = ""

    @property
    def order(self) -> tuple[int, ...]:
        """Where it stands: below what it is inside of, among its neighbours by beginning."""
        return (*(self.above.order if self.above else ()), self.number)

    def entry(self, state: State) -> Entry:
        return Entry(
            self.path,
            self.name,
            self.title,
            state,
            self.started,
            None if self.state is None and state in ("waiting", "running") else self.seconds,
            self.model,
            self.attempts,
            self.note,
            len(self.order) - 1,
            dict(self.counts),
            self.wants,
            self.answer_to,
        )


class Board:
    """Follows one run: the first that starts after it began to listen. Feed it events; read it from any thread."""

    def __init__(self) -> None:
        self.workflow: str | None = None
        self.run_id: str | None = None
        self.state: str = "waiting"
        self.tasks = 0
        """Tasks of the workflow; mapped ones have items."""
        self.started = 0.0
        self.seconds: float | None = None
        self.aside: Callable[[], AbstractContextManager[None]] = nullcontext
        """Leaves the terminal to others meanwhile, where the board is drawn on one: for a question to a person."""
        self._numbers = count()
        self._places: dict[str, _Place] = {}
        self._by: dict[State, dict[str, _Place]] = {state: {} for state in ORDER}
        self._counts: Counter[State] = Counter()
        self._of_task: dict[str, _Place] = {}
        self._lock = Lock()  # a terminal is drawn from a thread of its own

    def apply(self, event: Event) -> Entry | None:
        """Take one event in. Returns the line that it ended, or that waits for somebody from now on."""
        with self._lock:
            match event:
                case AttemptStarted() | Waiting() | CacheHit():
                    self._asked(event)
                case RunStarted() if self.run_id is None:
                    self.run_id, self.workflow, self.tasks = event.run_id, event.workflow, event.tasks
                    self.started, self.state = event.at, "running"
                case RunFinished() if event.run_id == self.run_id:
                    self.state, self.seconds = event.state, event.seconds
                case NodeStarted() | NodeFinished() | NodeFailed() | NodeSkipped() if (
                    event.run_id == self.run_id
                ):
                    return self._node(event)
                case NodeRetrying() | NodeWaiting() if event.run_id == self.run_id:
                    return self._node(event)
                case _:
                    pass
        return None

    def shown(self, most: int) -> tuple[Entry, ...]:
        """At most ``most`` lines, those inside of others below them: what waits for somebody goes before what runs,
        that before failures, what is done and what was skipped, and the latest before older ones.
        """
        with self._lock:
            found: dict[str, tuple[_Place, State]] = {}
            inside: Counter[tuple[str, State]] = Counter()
            for place, state in self._candidates():
                if len(found) >= most:
                    break
                if place.above is not None:
                    inside[place.above.path, state] += 1
                    if inside[place.above.path, state] > MOST_INSIDE:
                        continue
                chain = list(_chain(place))
                new = [link for link in chain if link.path not in found]
                if len(found) + len(new) <= most:
                    found.update((link.path, (link, self._state(link))) for link in new)
            lines = sorted(found.values(), key=lambda pair: pair[0].order)
            return tuple(place.entry(state) for place, state in lines)

    def waiting(self) -> tuple[Entry, ...]:
        """What waits for a person or an event now."""
        with self._lock:
            return tuple(p.entry("waiting") for p in islice(self._by["waiting"].values(), MOST_LOOKED_AT))

    @property
    def lines(self) -> int:
        """How many lines there are to show; items that are done have none, they are counted."""
        return len(self._places)

    @property
    def ended(self) -> int:
        """Tasks and items that are done, failed or skipped."""
        return sum(self._counts[state] for state in ("done", "failed", "refused", "skipped"))

    def counts(self) -> dict[State, int]:
        """How many tasks and items are in each state; states that nobody is in are left out."""
        with self._lock:
            return {state: self._counts[state] for state in ORDER if self._counts[state]}

    def headline(self, now: float) -> str:
        """The run in a line: ``digest: 7 done, 2 running, 12.3 s``."""
        seconds = self.seconds if self.seconds is not None else now - self.started
        told = _told(self.counts()) or "starting"
        return f"{self.workflow or 'workflow'}: {told}, {max(0.0, seconds):.1f} s"

    # --- what an event means ---------------------------------------------------------------------------------------

    def _node(self, event: NodeEvent) -> Entry | None:
        item = None if isinstance(event, NodeSkipped) else event.item
        number, _, label = (item or "").partition(" ")
        path = event.node if item is None else f"{event.node}[{number}]"
        place = self._place(path, event.at, label)
        if event.task_id:
            self._of_task[event.task_id] = place
        match event:
            case NodeStarted():
                self._put(place, "running")
                return None
            case NodeRetrying():
                place.note = " ".join(f"tries again in {event.wait:.1f} s: {event.error}".split())
                self._put(place, "running")
                return None
            case NodeWaiting():
                place.note = _awaited(event)
                if event.kind != "time":
                    place.wants, place.answer_to = event.kind, event.name
                self._put(place, "waiting" if place.wants else "running")
                return place.entry("waiting") if place.wants else None
            case NodeSkipped():
                place.note, place.seconds = _because(event.because), 0.0
                state: State = "skipped"
            case NodeFailed():
                place.note, place.seconds = " ".join(event.error.split()), event.seconds
                state = "failed"
            case NodeFinished():
                place.note, place.seconds = "", event.seconds
                state = "refused" if event.refused else "done"
                if event.outcome is not None:
                    place.model, place.attempts = event.outcome.model, len(event.outcome.attempts)
                    place.note = ", ".join(marks(event.outcome))
        self._of_task.pop(event.task_id or "", None)
        place.wants = None
        for above in _chain(place):
            if above.state is None and above is not place:
                above.seconds = max(0.0, event.at - above.started)
        self._put(place, state)
        self._fold(place)
        return place.entry(state)

    def _asked(self, event: AttemptStarted | Waiting | CacheHit) -> None:
        place = self._of_task.get(event.task_id or "")
        if place is None:
            return
        match event:
            case AttemptStarted():
                place.model = f"{event.deployment.provider}/{event.deployment.model}"
                place.attempts, place.note = max(place.attempts, event.number), ""
            case Waiting():
                place.note = f"waits {event.seconds:.0f} s: {event.reason}"
            case CacheHit():
                place.model, place.note = event.model, "cached"

    # --- what is inside of what ------------------------------------------------------------------------------------

    def _place(self, path: str, at: float, label: str = "") -> _Place:
        found = self._places.get(path)
        if found is not None:
            return found
        within, title = _split(path)
        above = None if within is None else self._place(within, at)
        title = label or title
        name = f"{above.name} {title}" if above is not None and label else path
        place = _Place(path, name, title, above, next(self._numbers), at)
        self._places[path] = place
        if above is not None:
            for before in above.inside.values() if path.endswith(f"#{title.removeprefix('round ')}") else ():
                self._fold(before)  # another round begins, so those before are over
            above.inside[path] = place
        return place

    def _put(self, place: _Place, state: State) -> None:
        """It is in this state now."""
        before = place.state
        if before is not None:
            self._by[before].pop(place.path, None)
            self._counts[before] -= 1
            if place.above is not None:
                place.above.counts[before] -= 1
        place.state = state
        self._by[state][place.path] = place
        self._counts[state] += 1
        if place.above is not None:
            place.above.counts[state] += 1

    def _fold(self, place: _Place) -> None:
        """It has ended: what is inside of it is told by numbers from now on, and so is it where it is one of many."""
        for inner in list(place.inside.values()):
            self._forget(inner)
        if place.above is not None and place.path.endswith("]") and place.state == "done":
            self._forget(place)

    def _forget(self, place: _Place) -> None:
        for inner in list(place.inside.values()):
            self._forget(inner)
        del self._places[place.path]
        if place.state is not None:
            self._by[place.state].pop(place.path, None)
        if place.above is not None:
            del place.above.inside[place.path]

    def _candidates(self) -> Iterator[tuple[_Place, State]]:
        """Whom to show, the most important first; a bounded number of each kind, whatever has run."""
        for state in ORDER:
            for place in islice(reversed(self._by[state].values()), MOST_LOOKED_AT):
                yield place, state
            if (
                state == "failed"
            ):  # what has no state of its own is shown with those inside of it, or else here
                for place in islice(reversed(self._places.values()), MOST_LOOKED_AT):
                    if place.state is None:
                        yield place, "done"

    def _state(self, place: _Place) -> State:
        if place.state is not None:
            return place.state
        inside: Counter[State] = Counter(place.counts)
        inside.update(self._state(inner) for inner in place.inside.values() if inner.state is None)
        for state in ORDER:
            if inside[state] > 0:
                return state
        return "running"


NodeEvent = NodeStarted | NodeFinished | NodeFailed | NodeSkipped | NodeRetrying | NodeWaiting
"""What is told of a task."""

_LAST = re.compile(r"(?P<within>.*[^/])(?:\[(?P<item>\d+)\]|#(?P<round>\d+)|/(?P<task>[^/]+))\Z", re.DOTALL)


def _split(path: str) -> tuple[str | None, str]:
    """What a path is inside of, and what it is called there.

    >>> _split("polish#2/better"), _split("polish#2"), _split("read[3]"), _split("read")
    (('polish#2', 'better'), ('polish', 'round 2'), ('read', '#3'), (None, 'read'))
    """
    found = _LAST.match(path)
    if found is None:
        return None, path
    if found["item"]:
        return found["within"], f"#{found['item']}"
    return found["within"], f"round {found['round']}" if found["round"] else found["task"]


def _chain(place: _Place) -> Iterator[_Place]:
    above: _Place | None = place
    while above is not None:
        yield above
        above = above.above


def _awaited(event: NodeWaiting) -> str:
    what = {"approval": "a person decides", "event": f"the event {event.name}", "time": "waits"}[event.kind]
    if event.until is None:
        return what
    until = moment(event.until)
    return f"{what}, until {until if event.until - event.at > _SOON else until.partition(' ')[2]}"


def _because(reason: str) -> str:
    """A task that it is because of, or the reason in words."""
    return reason if " " in reason else f"because of {reason}"


def _told(counts: Mapping[State, int]) -> str:
    return ", ".join(f"{counts[state]:,} {state}" for state in COUNTED if counts.get(state))


def answer_in_python(entry: Entry) -> str:
    """How whoever holds the run answers: ``await run.approve("ok")``."""
    if entry.wants == "event":
        return f"await run.send({entry.answer_to!r}, value)"
    return f"await run.approve({entry.answer_to!r})"
