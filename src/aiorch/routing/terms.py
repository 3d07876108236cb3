"""Under which terms one request is carried out, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from aiorch.routing.budgets import NOTHING, Spent
from aiorch.routing.spending import Purse
from aiorch.types import Attempt, Budget, Candidate, Response, Usage
from aiorch.types.quick import quick

Resume = Literal["interrupt", "continue", "restart"]
"""What happens when a stream breaks after something was shown: it ends with an error that carries what came, the next
deployment goes on where it broke, or begins again."""


@quick
@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms one request is carried out."""

    task_id: str
    deadline: float
    """Monotonic seconds."""
    timeout: float
    """The task's whole time in seconds, for the message when it is up."""
    attempts: int
    """Attempts that are left to the task."""
    prompt_tokens: int
    """The prompt's size, estimated."""
    free: frozenset[str] = frozenset()
    """Ids of the deployments whose calls cost nothing."""
    budget: Budget | None = None
    spent: Spent = NOTHING
    """What the task has used before this request."""
    purse: Purse | None = None
    """Where every attempt is paid from: reserved before it is sent, settled or released after it."""
    tiers: tuple[int, ...] = ()
    """For each candidate its group of equals (:attr:`Ranking.tiers <aiorch.types.Ranking.tiers>`)."""
    names: tuple[str, ...] = ()
    """Whose limits count beside the deployment's: ``user:u1``, ``tenant:acme``."""
    hedge: bool = False
    """Send a second request to another deployment where the first is late."""


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered what, and everything tried on the way."""

    response: Response
    candidate: Candidate
    attempts: tuple[Attempt, ...]
    usage: Usage
    """Of all attempts."""
    cost: Decimal
    """USD of all attempts."""
