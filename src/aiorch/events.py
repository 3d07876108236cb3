"""What happens, as typed events, and the bus that tells whoever listens.

The bus observes and never decides: a listener cannot stop, change or slow the work (one that raises is reported
once through :mod:`logging` and the work goes on). Events carry names, measures and hashes, not prompts or answers;
the bus's redactor passes over every string before a listener sees it.

    bus = Bus()
    bus.subscribe(print, AttemptFinished)
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any, Literal, TypeVar, cast

from aiorch.types import (
    Assessment,
    Attempt,
    Deployment,
    Failure,
    Issue,
    Outcome,
    Usage,
)
from aiorch.types.quick import quick

log = logging.getLogger("aiorch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened."""

    at: float
    """Epoch seconds."""
    task_id: str | None = None
    """The task it belongs to."""


# --- one task ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted(Event):
    """A task was admitted."""

    agent: str
    complexity: str
    user: str | None = None
    tenant: str | None = None
    profile: str = ""
    """The profile that serves it: the agent, unless its work was sent elsewhere."""
    route: str = ""
    """Why that profile serves it, where a diversion, split or shift decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Event):
    """A deployment is being asked."""

    deployment: Deployment
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished(Event):
    """A deployment answered or failed; ``attempt.failure`` tells which."""

    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """Everybody is blocked for now; the loop waits."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHit(Event):
    """The answer was already known."""

    model: str | None
    similarity: float | None = None
    """Of the prompt that it was given to, where that was another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled(Event):
    """A model's tool call was carried out or refused."""

    tool: str
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardFound(Event):
    """A validator found something."""

    stage: str
    action: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundAssessed(Event):
    """An answer was looked at; ``verdict`` says what happens to it."""

    assessment: Assessment
    verdict: Literal["accept", "revise", "escalate", "give_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFinished(Event):
    """A task has its outcome (accepted or marked as not)."""

    model: str | None
    accepted: bool
    cached: bool
    usage: Usage
    cost: Decimal
    seconds: float
    attempts: int
    profile: str = ""
    """The profile that served it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskErred(Event):
    """A task ended with an error."""

    error: str
    """The exception's class."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored(Event):
    """What became of a copy of a task that another profile did, unseen; ``task_id`` is the task that was copied."""

    profile: str
    """The agent whose task was copied."""
    to: str
    """The profile that did the copy."""
    seconds: float
    model: str | None = None
    """Who answered it."""
    error: str | None = None
    """The exception's class, where it got no answer."""
    accepted: bool = False
    """Whether the answer is above the minima of ``profile``, the same that the task's own answer is held to."""
    score: float | None = None
    usage: Usage = Usage()
    cost: Decimal = Decimal(0)
    purpose: Literal["mirror"] = "mirror"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficChanged(Event):
    """Work of a profile goes elsewhere from now on, or no longer does."""

    action: Literal["diverted", "revoked", "split", "shifted", "mirrored", "rolled_back"]
    profile: str
    to: str
    """The other profile or model; of a split, all sides with their shares."""
    reason: str
    until: float | None = None
    """Epoch seconds, of a diversion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something a person should know, and what to do about it."""

    code: str
    message: str


# --- workflows ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A workflow run began."""

    run_id: str
    workflow: str
    tasks: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted(Event):
    """A task of a run began. ``item`` labels one element of a mapped task."""

    run_id: str
    node: str
    item: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWaiting(Event):
    """A task of a run waits for somebody or something outside."""

    run_id: str
    node: str
    kind: Literal["approval", "event", "time"]
    name: str = ""
    """What to send the answer to: the task's path, or the event's name."""
    until: float | None = None
    """Epoch seconds when it waits no longer."""
    item: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRetrying(Event):
    """A try of a task failed, and there will be another one."""

    run_id: str
    node: str
    attempt: int
    """Which one failed, 1 for the first."""
    wait: float
    """Seconds until the next."""
    error: str
    item: str | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFinished(Event):
    """A task of a run is done."""

    run_id: str
    node: str
    seconds: float
    item: str | None = None
    outcome: Outcome[Any] | None = None
    """For AI tasks: measures of the outcome (its texts are left out unless retention keeps them)."""
    refused: bool = False
    """For approvals: a person said no, and who waits for it is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(Event):
    """A task of a run failed."""

    run_id: str
    node: str
    seconds: float
    error: str
    item: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSkipped(Event):
    """A task of a run was not started, because of another."""

    run_id: str
    node: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """A workflow run ended."""

    run_id: str
    workflow: str
    state: Literal["done", "failed", "cancelled"]
    seconds: float


# --- what a stream shows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restarted:
    """In a stream: the text so far is void, the answer begins again (at another deployment)."""

    reason: str
    failure: Failure | None = None
    type: Literal["restarted"] = "restarted"


@dataclass(frozen=True, slots=True)
class Blocked:
    """In a stream: the guard stopped it; what was shown stays shown, nothing more comes."""

    issues: tuple[Issue, ...]
    type: Literal["blocked"] = "blocked"


# --- the bus -----------------------------------------------------------------------------------------------------

E = TypeVar("E", bound=Event)
Listener = Callable[[Any], None]
Redactor = Callable[[str], str]


class Bus:
    """Tells listeners what happens, in the order in which they subscribed.

    ``redact`` is applied to every string of an event before anybody sees it. Listeners run inline: one that has
    real work to do should queue it.
    """

    __slots__ = ("_listeners", "_redact", "_reported")

    def __init__(self, redact: Redactor | None = None) -> None:
        self._listeners: list[_Subscription] = []
        self._redact = None if redact is None else _Remembering(redact)
        self._reported = False

    @property
    def active(self) -> bool:
        """False when nobody listens: then an emitter need not even build the event."""
        return bool(self._listeners)

    def subscribe(self, listener: Callable[[Any], None], *kinds: type[Event]) -> Callable[[], None]:
        """Call ``listener`` with each event of these kinds (all, when none is named).

        :returns: a function that ends the subscription.
        """
        entry = _Subscription(listener, kinds)
        self._listeners.append(entry)

        def unsubscribe() -> None:
            self._listeners = [e for e in self._listeners if e is not entry]

        return unsubscribe

    def emit(self, event: Event) -> None:
        """Tell everybody. Never raises."""
        shown: Event | None = None
        for entry in tuple(self._listeners):  # a listener may unsubscribe
            if entry.kinds and not isinstance(event, entry.kinds):
                continue
            if shown is None:
                shown = self._clean(event)
                if shown is None:
                    return
            try:
                entry.listener(shown)
            except Exception:
                if not entry.reported:
                    entry.reported = True
                    log.exception("a listener failed on %s; the work goes on", type(event).__name__)

    def _clean(self, event: Event) -> Event | None:
        """What may be seen of an event; ``None`` when that cannot be told, since nobody must see a secret."""
        if self._redact is None:
            return event
        try:
            return _redacted_fields(event, self._redact)
        except Exception:
            if not self._reported:
                self._reported = True
                log.exception("%s could not be redacted, so nobody is told of it", type(event).__name__)
            return None


@dataclass(slots=True, eq=False)
class _Subscription:
    listener: Listener
    kinds: tuple[type[Event], ...]
    reported: bool = False
    """True once its first failure was logged."""


_REMEMBERED = 4096
"""Short texts that are known to hold no secret; then it forgets them all."""

_SHORT = 80
"""Characters: names of tasks, runs and models come again and again, longer texts seldom."""


class _Remembering:
    """A redactor that looks at a short text once: a run of 10,000 tasks names each twice, and itself in every event."""

    __slots__ = ("_clean", "_redact")

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._clean: set[str] = set()

    def __call__(self, text: str) -> str:
        clean = self._clean
        if text in clean:
            return text
        made = self._redact(text)
        if made == text and len(text) <= _SHORT:
            if len(clean) >= _REMEMBERED:
                clean.clear()
            clean.add(text)
        return made


_WORDLESS = frozenset({int, float, bool, type(None), Decimal, bytes})
"""Types that hold no text."""

_FIELDS: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {}
"""The fields of dataclasses met so far, and how to read them all at once."""


def _redacted(value: Any, redact: Redactor) -> Any:
    """``value`` with every string in it redacted; the same object where nothing changed.

    It reaches into dataclasses, pydantic models, mappings, lists, tuples and sets, keys included.
    """
    kind = cast("type[Any]", type(value))
    if kind is str:
        return redact(value)
    if kind in _WORDLESS:
        return value
    if kind in _FIELDS or dataclasses.is_dataclass(kind):
        return _redacted_fields(value, redact)
    if isinstance(value, str):
        return value if isinstance(value, Enum) else redact(value)
    if isinstance(value, Mapping):
        pairs = tuple(cast("Mapping[Any, Any]", value).items())
        made = _redacted(pairs, redact)
        return cast("Any", value if made is pairs else dict(made))
    if isinstance(value, tuple | list | set | frozenset):
        items = tuple(cast("Iterable[Any]", value))
        made = tuple(_redacted(v, redact) for v in items)
        if all(new is old for new, old in zip(made, items, strict=True)):
            return cast("Any", value)
        return made if isinstance(value, tuple) else type(cast("list[Any]", value))(made)
    copied = getattr(value, "model_copy", None)
    if copied is not None and not isinstance(value, type):  # a pydantic model: an outcome's value may be one
        held = cast("dict[str, Any]", vars(value))
        made = _redacted(held, redact)
        return value if made is held else copied(update=made)
    return value


def _redacted_fields(value: Any, redact: Redactor) -> Any:
    kind = cast("type[Any]", type(value))
    if kind not in _FIELDS:
        _FIELDS[kind] = _reader(kind)
    names, read = _FIELDS[kind]
    held = read(value)
    changed: dict[str, Any] | None = None
    for place, old in enumerate(held):
        if type(old) in _WORDLESS:
            continue
        new = redact(old) if type(old) is str else _redacted(old, redact)
        if new is not old and new != old:
            changed = changed or {}
            changed[names[place]] = new
    return dataclasses.replace(value, **changed) if changed else value


def _reader(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(f.name for f in dataclasses.fields(kind))
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda value: tuple(getattr(value, name) for name in names)
