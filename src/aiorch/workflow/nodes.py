"""What a workflow is made of: nodes, frozen once built, that say what to do and where their values come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiorch.protocols import Tool
from aiorch.types import Budget, Parameters
from aiorch.types.quick import quick
from aiorch.workflow.template import Template

if TYPE_CHECKING:
    from aiorch.workflow.graph import Graph


class _Required:
    __slots__ = ()

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
"""Stands for "no default"."""


@quick
@dataclass(frozen=True, slots=True)
class Port:
    """One parameter of a task: what it is called inside, and whose value it takes."""

    name: str
    source: str | tuple[str, ...]
    """A task or an input; several give the list of their values."""
    kind: Any = None
    """The annotation, unresolved; ``None`` where there is none."""
    default: Any = REQUIRED
    positional: bool = False
    """True where Python takes it by position only."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Everything it takes values from."""
        return (self.source,) if isinstance(self.source, str) else self.source


# --- what a task does --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a model."""

    prompt: Template
    agent: str = "general"
    output: Any = str
    """The type of the answer."""
    system: str | None = None
    tools: tuple[Tool, ...] = ()
    parameters: Parameters = Parameters()
    budget: Budget | None = None
    timeout: float | None = None
    """Seconds for everything, retries included."""


@quick
@dataclass(frozen=True, slots=True)
class Call:
    """A function of the user's."""

    function: Callable[..., Any]
    is_async: bool
    thread: bool = True
    """Plain functions only: run in a worker thread, so that one that waits or computes stops nobody else."""


@dataclass(frozen=True, slots=True)
class Use:
    """A tool, called with values instead of by a model, under the same guard."""

    tool: Tool
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Constant arguments; the others are the task's ports."""


@dataclass(frozen=True, slots=True)
class Sub:
    """Another workflow as one task; its inputs are the task's ports, its value is what that workflow gives."""

    graph: Graph
    spread: bool = False
    """Under an engine with workers, a run of its own that any worker may take; otherwise no difference."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Another workflow, carried out again and again; what one round gives is handed to the next."""

    graph: Graph
    most: int
    """Rounds at the most."""
    until: str | None = None
    """The task of ``graph`` whose true value ends it; ``None`` = always ``most`` rounds."""
    carry: Mapping[str, str] = field(default_factory=dict[str, str])
    """For an input of ``graph`` the task whose value it takes from the second round on."""


@dataclass(frozen=True, slots=True)
class Approve:
    """A person decides: True where allowed. Waits, also over restarts under a durable engine."""

    question: Template
    """What the person reads."""
    refused: Literal["skip", "continue"] = "skip"
    """``skip``: whoever waits for a refused task is skipped; ``continue``: its value is False."""
    timeout: float | None = None
    """Seconds after which silence is a refusal; ``None`` = it waits for ever."""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Waits until somebody sends this event to the run; its value is what was sent."""

    event: str
    output: Any = None
    """The type that the value must have; ``None`` = any JSON."""
    timeout: float | None = None
    """Seconds after which it fails; ``None`` = it waits for ever."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Waits so long, counted from its first start, also over restarts under a durable engine."""

    seconds: float


Work = Ask | Call | Use | Sub | Loop | Approve | WaitFor | Sleep
"""Everything that a task can be."""


# --- how it is carried out ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a task is tried, and how long to wait in between.

    The n-th wait is drawn evenly between 0 and ``min(longest, delay * factor ** (n - 1))``: exponential backoff with
    full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

        flow.add("fetch", fetch, retry=Retry(attempts=5, on=(OSError,)))
    """

    attempts: int = 3
    """In all, the first one included."""
    delay: float = 1.0
    """Seconds."""
    factor: float = 2.0
    longest: float = 60.0
    """Seconds."""
    jitter: bool = True
    """False waits the full time."""
    on: tuple[type[Exception], ...] = (Exception,)
    """Which exceptions are worth another try."""


OnError = Literal["fail", "skip", "continue"]
"""What a task's failure does to the run: ends it, skips those who wait for the task, or lets them go on."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task is carried out, beside what it does."""

    retry: Retry | None = None
    timeout: float | None = None
    """Seconds for one try (of a question: for everything, by its own ``timeout``)."""
    on_error: OnError = "fail"
    fallback: Any = REQUIRED
    """The value in place of a failed task's with ``on_error="continue"``; ``None`` where none is given."""
    cache: float | None = None
    """Seconds for which the same task with the same values is not carried out again, in other runs too."""
    priority: int = 0
    """Who goes first among those that are ready; the longest remaining path decides between equals."""
    resources: tuple[str, ...] = ()
    """Names of what it needs for itself alone: tasks that share one never run at the same time."""
    tags: tuple[str, ...] = ()
    """Names that ``execute(limits={tag: n})`` limits."""
    idempotent: bool = True
    """False: one that was started but never committed is not repeated before a person says so."""


PLAIN = Policy()
"""Of a task about which nothing was said."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a task is carried out at all: the value of ``source`` passes the test."""

    source: str
    """A task or an input."""
    test: Any = True
    """True or False: whether the value is truthy; a function: what it returns; anything else: equality."""

    def holds(self, value: Any) -> bool:
        """Whether ``value`` passes. Whatever a function of the user's raises passes through."""
        if isinstance(self.test, bool):
            return bool(value) is self.test
        if callable(self.test):
            return bool(self.test(value))
        return bool(value == self.test)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Carried out once per item of a list."""

    over: tuple[Port, ...]
    """What an item is called inside, and the task or input that gives its list; several are walked side by side."""
    on_error: Literal["fail", "collect"] = "fail"
    label: Template | None = None
    """How an item is called in displays; ``None`` = by its number."""
    most: int | None = 10_000
    """Items at the most: a longer list fails the task before any of them begins. ``None`` = no bound."""
    limit: int | None = None
    """Items at work at once; ``None`` = as many as the run allows."""


@quick
@dataclass(frozen=True, slots=True)
class Node:
    """One task of a workflow."""

    name: str
    work: Work
    ports: tuple[Port, ...] = ()
    after: tuple[str, ...] = ()
    """Tasks that must be done before, without giving a value."""
    mapped: Mapped | None = None
    when: tuple[Condition, ...] = ()
    """It is carried out only where all of them hold."""
    policy: Policy = PLAIN
    problems: tuple[str, ...] = ()
    """What is wrong with it in itself, found while it was described."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The tasks and inputs whose values it takes, in order."""
        found: dict[str, None] = {}
        for port in self.ports:
            source = port.source
            if isinstance(source, str):
                found[source] = None
            else:
                found.update(dict.fromkeys(source))
        if self.mapped:
            found.update(dict.fromkeys(s for port in self.mapped.over for s in port.sources))
        if self.when:
            found.update(dict.fromkeys(condition.source for condition in self.when))
        return tuple(found)
