"""What is known of the world when a workflow is looked at: who can be asked, what is left, what is allowed.

Gathered by the rooms above from catalogue, quotas and rules; :mod:`aiorch.workflow.live` decides from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiorch.types import Budget, PassedOver


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """Who can be asked for one agent now."""

    candidates: tuple[str, ...] = ()
    """Models (``provider/model``) that may be asked, best first."""
    passed_over: tuple[PassedOver, ...] = ()
    """Those that may not, and why."""
    missing_keys: tuple[str, ...] = ()
    """Names of the keys (``GROQ_API_KEY``) that would bring a candidate each."""
    known: bool = True
    """False where there is no profile of that name."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one limit has left, and for whom."""

    name: str
    """Whose: ``groq#GROQ_API_KEY``, ``user:u1``."""
    unit: str
    """``requests`` or ``tokens``; allowances in other units are not looked at."""
    left: int
    """In the present period."""
    models: tuple[str, ...] | None = None
    """Models (``provider/model``) whose calls it counts; ``None`` = every call."""
    amount: int = 0
    """What a new period brings."""
    seconds: float | None = None
    """Length of a period; ``None`` = there is never a new one."""
    begins: float | None = None
    """Seconds until the next period; ``None`` = a whole period."""

    def within(self, horizon: float) -> float:
        """What it has within that many seconds, new periods included.

        >>> Allowance("key", "requests", 5, amount=20, seconds=60).within(120)
        45
        """
        first = self.seconds if self.begins is None else self.begins
        if self.seconds is None or first is None or self.amount <= 0 or horizon < first:
            return self.left
        return self.left + self.amount * (1 + int((horizon - first) / self.seconds))


@dataclass(frozen=True, slots=True)
class Facts:
    """The world as far as a workflow is concerned."""

    agents: Mapping[str, AgentFacts] = field(default_factory=dict[str, AgentFacts])
    """By agent. An agent of the workflow that is not among them was not looked at, and is not judged."""
    allowances: tuple[Allowance, ...] = ()
    """A model that no allowance counts may be asked as often as one likes."""
    budget: Budget = field(default_factory=Budget)
    """What is left of what may be spent, for the whole run."""
    deadline: float | None = None
    """Seconds that it may take; ``None`` = nobody said."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Beyond what a workflow is no longer reasonable. Matters of taste, so they only ever warn.

    The defaults are what one person can still look after: a run within a working day, and a graph below the level
    ``extreme`` of :class:`~aiorch.workflow.estimating.Complexity`.
    """

    seconds: float = 8 * 3600.0
    """The time that 9 of 10 runs stay within."""
    complexity: float = 1_000.0
    """The score of :class:`~aiorch.workflow.estimating.Complexity`."""
    questions: int = 100_000
    """Questions that mappings and loops allow at the most."""


REASONABLE = Thresholds()
"""The defaults."""
