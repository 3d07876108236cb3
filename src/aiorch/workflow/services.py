"""What a run needs from the rooms above: models, tools, a person, room for more, results of before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from aiorch.clock import Clock, SystemClock
from aiorch.events import Bus
from aiorch.protocols import Approver, Journal, Tool
from aiorch.types import Outcome, Task


class Asker(Protocol):
    """How a workflow asks a model: the orchestrator's line, or a script in a test."""

    def __call__(
        self, task: Task, output: Any, tools: Sequence[Tool], journal: Journal, /
    ) -> Awaitable[Outcome[Any]]:
        """Carry out one AI task; ``output`` is the type that the answer must have.

        Every paid call and every effect of a tool goes through ``journal``, under keys that begin with ``task.id``.
        """
        ...


class ToolUser(Protocol):
    """How a workflow calls a tool: with the checks that a model's calls pass."""

    def __call__(
        self, tool: Tool, arguments: Mapping[str, Any], task: Task, journal: Journal, /
    ) -> Awaitable[str]:
        """What the tool returns. ``task`` says on whose behalf. :raises ToolError: where it fails or is refused."""
        ...


class Capacity(Protocol):
    """How many questions make sense at once; providers' own limits are known to those who call them."""

    def room(self, agent: str) -> int | None:
        """How many questions of this agent may be under way together now; ``None`` = any number."""
        ...


class ResultCache(Protocol):
    """Results of tasks with ``cache=``, over runs."""

    async def get(self, key: str) -> str | None:
        """The JSON that is kept under ``key`` and still holds."""
        ...

    async def put(self, key: str, text: str, seconds: float) -> None:
        """Keep it for so long."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What a run is handed in."""

    ask: Asker
    use: ToolUser | None = None
    """``None`` calls tools as they are, without checks: in tests."""
    approver: Approver | None = None
    """Reaches a person at once; without one an approval waits until a decision is sent to the run."""
    capacity: Capacity | None = None
    cache: ResultCache | None = None
    bus: Bus = field(default_factory=Bus)
    clock: Clock = field(default_factory=SystemClock)
    rng: Random = field(default_factory=Random)
    provide: Mapping[str | type, Any] = field(default_factory=dict[str | type, Any])
    """Objects for parameters of task functions that are neither tasks nor inputs, by type or by name."""
    redact: Callable[[str], str] = str
    """Takes secrets out of what failed tasks said."""
