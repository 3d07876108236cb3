"""What goes down the line: the rooms it passes through, a task on its way, an answer on its way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aiorch.catalog import Catalogue
from aiorch.clock import Clock
from aiorch.events import Bus
from aiorch.protocols import Check, Matcher, StreamValidator
from aiorch.reporting import Reporter
from aiorch.routing import Answer, AnswerCache, Executor, Profiles, RuleBook, Rules, Spent
from aiorch.safety import Guard
from aiorch.tools import ToolRunner
from aiorch.types import Attempt, Budget, Candidate, Message, Profile, Task, Verdict

Move = Literal["accept", "revise", "escalate", "give_up"]
"""What happens to an answer."""


@dataclass(frozen=True, slots=True)
class Line:
    """The rooms that the line passes through, wired by :mod:`aiorch.compose`."""

    profiles: Profiles
    rules: Rules
    catalogue: Catalogue
    matcher: Matcher
    rulebook: RuleBook | None
    """What the routing rules say before the matcher's ranking counts."""
    executor: Executor
    guard: Guard
    stream_validators: tuple[Callable[[], StreamValidator], ...]
    tools: ToolRunner
    checks: tuple[Check, ...]
    cache: AnswerCache | None
    report: Reporter
    bus: Bus
    clock: Clock
    timeout: float
    """Seconds for a task that sets none."""
    attempts: int
    """Attempts for a task whose budget sets none."""
    budget: Budget | None
    """For a task that sets none."""
    require_quality: bool


@dataclass(frozen=True, slots=True)
class Work:
    """A task on its way down the line."""

    task: Task
    profile: Profile
    started: float
    """Monotonic seconds."""
    deadline: float
    """Monotonic seconds."""
    candidates: tuple[Candidate, ...] = ()
    """Who may be asked, best first."""
    free: frozenset[str] = frozenset()
    """Ids of those deployments whose calls cost nothing."""
    complexity: str = "moderate"
    silent: bool = False
    """True when a configured provider did not say which models it has."""
    conversation: tuple[Message, ...] = ()
    """What is sent: the task's messages, then tool rounds and revisions."""
    spent: Spent = Spent()
    attempts: tuple[Attempt, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    rounds: int = 0
    revised: bool = False
    """True once a model was told what was wrong with its answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer on its way to an outcome."""

    answer: Answer
    cached: bool = False
    key: str | None = None
    """Where the cache would keep it."""
