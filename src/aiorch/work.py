"""What goes down the line: the rooms it passes through, a task on its way, an answer on its way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aiorch.catalog import Catalogue
from aiorch.clock import Clock
from aiorch.events import Bus
from aiorch.protocols import Approver, Check, Matcher, StreamValidator, Tool
from aiorch.reporting import Reporter
from aiorch.routing import Answer, AnswerCache, Executor, Profiles, Resume, RuleBook, Rules, Spent
from aiorch.routing.budgets import NOTHING
from aiorch.routing.ranked import Rankings
from aiorch.routing.single_flight import SingleFlight
from aiorch.safety import Guard
from aiorch.tools import ToolRunner
from aiorch.types import Attempt, Budget, Candidate, Message, Profile, Task, Verdict
from aiorch.types.quick import quick

if TYPE_CHECKING:
    from aiorch.diverting import Control
    from aiorch.routing.day_purse import DayPurses
    from aiorch.routing.routes import Route
    from aiorch.routing.semantic_cache import Asked, SemanticCache
    from aiorch.routing.spending import Purse

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
    mixing: bool
    """True where work is spread: the best models of several providers are equals."""
    executor: Executor
    guard: Guard
    stream_validators: tuple[Callable[[], StreamValidator], ...]
    tools: ToolRunner
    checks: Sequence[Check]
    cache: AnswerCache | None
    report: Reporter
    bus: Bus
    clock: Clock
    resume: Resume
    """What happens to a stream that breaks, where its caller does not say."""
    timeout: float
    """Seconds for a task that sets none."""
    attempts: int
    """Attempts for a task whose budget sets none."""
    budget: Budget | None
    """For a task that sets none."""
    require_quality: bool
    approver: Approver | None
    """The person who is asked where the guard wants one asked; ``None`` = nobody, so it is not allowed."""
    traffic: Callable[[], Control]
    """What moves work from one profile to another; made when the first task asks for it."""
    kit: Callable[[str, Sequence[Tool]], Mapping[str, Tool]]
    """The tools of a task by name: those of its profile and those handed in."""
    shadow: Callable[[], Executor]
    """Carries out copies: it shares nothing with the executor that an answer could notice."""
    similar: SemanticCache | None = None
    """Finds answers to similar prompts, where that is wanted."""
    flights: SingleFlight[Answer] = field(default_factory=SingleFlight[Answer])
    """Equal questions on their way."""
    rankings: Rankings = field(default_factory=Rankings)
    """Whom earlier tasks like this one were ranked for."""
    days: DayPurses | None = None
    """The day's budgets; ``None`` where none is set."""
    purse: Purse | None = None
    """What the scope may spend whose line this is."""


@dataclass(slots=True)
class Work:
    """A task on its way down the line: each step writes down what came of it, and hands it on."""

    task: Task
    asked: Task
    """As it came in, before its profile and the guard added to it."""
    profile: Profile
    """The one that serves it."""
    started: float
    """Monotonic seconds."""
    deadline: float
    """Monotonic seconds."""
    candidates: tuple[Candidate, ...] = ()
    """Who may be asked, best first; nobody before the first answer that is not committed already."""
    left_out: frozenset[str] = frozenset()
    """Models that are not asked again: each gave an answer that was not good enough."""
    tiers: tuple[int, ...] = ()
    """For each of them its group of equals."""
    free: frozenset[str] = frozenset()
    """Ids of those deployments whose calls cost nothing."""
    complexity: str = "moderate"
    silent: bool = False
    """True when a configured provider did not say which models it has."""
    conversation: tuple[Message, ...] = ()
    """What is sent: the task's messages, then tool rounds and revisions."""
    spent: Spent = NOTHING
    attempts: tuple[Attempt, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    rounds: int = 0
    revised: bool = False
    """True once a model was told what was wrong with its answer."""
    route: Route | None = None
    """Why this profile serves it, where something moves the work of its agent."""


@quick
@dataclass(frozen=True, slots=True)
class Taken:
    """The answer of one round as a durable run commits it, with what the line decides from that a later process could
    not find out: by then caches, catalogue and routing may say something else.
    """

    answer: Answer
    cached: bool = False
    """True when it was there already."""
    shared: bool = False
    """True when another task asked the same at the same time, and this one took its answer."""
    similarity: float | None = None
    """Of the prompt whose answer this is, where that was another one."""
    alone: bool = False
    """True where nobody but who answered could have been asked."""
    behind: bool = False
    """True where a model elsewhere would have been preferred, or could not even be listed."""
    complexity: str = "moderate"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call of a tool gave, as a durable run commits it: so little that a person can say it where a process died
    in the middle of the call.
    """

    content: str
    is_error: bool = False


@dataclass(slots=True)
class Said:
    """An answer on its way to an outcome: never changed, though not frozen, which would triple the cost."""

    taken: Taken
    answer: Answer
    """As it goes on, after the guard."""
    key: str | None = None
    """Where the cache would keep it."""
    like: Asked | None = None
    """Its prompt, where similar ones may share the answer."""
    replayed: bool = False
    """True when an earlier process committed it: nothing is learnt from it and nothing comes of it but the outcome."""
