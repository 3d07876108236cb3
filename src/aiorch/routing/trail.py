"""What one request has done so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from aiorch.routing.attempts import Loop
from aiorch.routing.budgets import Spent
from aiorch.types import Attempt, Candidate, Request, Usage

if TYPE_CHECKING:
    from aiorch.quotas import Full, Lease
    from aiorch.routing.health import Turn
    from aiorch.routing.spending import Hold


@dataclass(slots=True, eq=False)
class Begun:
    """One attempt that is under way."""

    candidate: Candidate
    request: Request
    number: int
    at: float
    """Epoch seconds."""
    monotonic: float
    waited: float
    turn: Turn
    lease: Lease | None
    hold: Hold | None
    hedge: bool = False
    first: float | None = None
    """Seconds to the first content."""


@dataclass(slots=True)
class Trail:
    """What one request has done so far."""

    request: Request
    loop: Loop
    spent: Spent
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    waited: float = 0.0
    """Seconds waited since the last attempt."""
    refused: str | None = None
    """Who could not be afforded last, and why."""
    held: Full | None = None
    """The limit of whoever asks that held back the last call."""
    won: Begun | None = None
    """Who answers."""
    partial: str = ""
    """What the next deployment is asked to go on with."""

    @property
    def usage(self) -> Usage:
        """Of all attempts."""
        if len(self.attempts) == 1:
            return self.attempts[0].usage
        return sum((a.usage for a in self.attempts), Usage())

    @property
    def cost(self) -> Decimal:
        """USD of all attempts."""
        if len(self.attempts) == 1:
            return self.attempts[0].cost
        return sum((a.cost for a in self.attempts), Decimal(0))
