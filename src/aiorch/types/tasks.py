"""What aiorch is asked to do, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from aiorch.types.failures import Failure
from aiorch.types.findings import Assessment, Verdict
from aiorch.types.messages import Message
from aiorch.types.models import Deployment
from aiorch.types.quick import quick
from aiorch.types.requests import NO_PARAMETERS, JsonSchema, Parameters, ToolChoice, ToolSpec
from aiorch.types.responses import FinishReason, Usage

T = TypeVar("T")

Complexity = Literal["simple", "moderate", "complex"]
Decision = Literal["accept", "next_deployment", "next_key", "same_again", "wait", "fail", "lost"]
"""What the attempt loop did after an attempt; ``lost``: a second request was quicker, so this one was cancelled."""


def new_id() -> str:
    """A fresh random id, 32 hexadecimal digits."""
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent; ``None`` sets no limit of that kind.

    >>> Budget(usd=Decimal(0), tokens=50_000)
    Budget(usd=Decimal('0'), tokens=50000, attempts=None)
    """

    usd: Decimal | float | None = None
    """Kept as a Decimal, whatever number it is given as."""
    tokens: int | None = None
    """Input and output tokens together, over all attempts."""
    attempts: int | None = None
    """Calls to providers."""

    def __post_init__(self) -> None:
        if self.usd is not None and not isinstance(self.usd, Decimal):  # Budget(usd=0) is what people write
            object.__setattr__(self, "usd", Decimal(str(self.usd)))
        for name in ("usd", "tokens", "attempts"):
            value = getattr(self, name)
            if value is not None and (
                value != value or value < 0
            ):  # NaN is no limit: nothing ever exceeds it
                raise ValueError(f"Budget({name}={value}): a budget is a number that is not negative")


@quick
@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work for one model at a time.

    >>> Task.of("Explain back-pressure", agent="analysis_agent").text
    'Explain back-pressure'
    """

    messages: tuple[Message, ...]
    agent: str = "general"
    """The profile that says which models, parameters and minima apply."""
    schema: JsonSchema | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parameters: Parameters = NO_PARAMETERS
    """Override the profile's."""
    model: str | None = None
    """Ask exactly this model (``provider/model`` or a model id) and no other."""
    type: str | None = None
    """The kind of work (``code_generation``, ``analysis`` ...) for quality checks and overrides."""
    complexity: Complexity | None = None
    """``None`` lets the matcher judge."""
    timeout: float | None = None
    """Seconds for everything, waits and rounds included; ``None`` = the setting's."""
    budget: Budget | None = None
    user: str | None = None
    tenant: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    id: str = field(default_factory=new_id)

    @classmethod
    def of(cls, prompt: str, *, agent: str = "general", system: str | None = None) -> Task:
        """A task from one prompt."""
        head = (Message.system(system),) if system else ()
        return cls((*head, Message.user(prompt)), agent=agent)

    @property
    def text(self) -> str:
        """What the user says, all of it."""
        return "\n".join(m.text for m in self.messages if m.role == "user")


@quick
@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to one deployment: what was tried, what came of it, what was done next."""

    deployment: Deployment
    number: int
    """1 for the first attempt of the task."""
    started_at: float
    """Epoch seconds."""
    seconds: float
    decision: Decision
    failure: Failure | None = None
    usage: Usage = Usage()
    cost: Decimal = Decimal(0)
    """USD."""
    first_token: float | None = None
    """Seconds until the first content, where the answer was streamed."""
    waited: float = 0.0
    """Seconds spent waiting before this attempt."""
    hedge: bool = False
    """True for a second request beside one that was late."""


@quick
@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of a task: the answer, how good it is as far as anyone looked, what it cost, and everything tried
    on the way.
    """

    value: T
    """The answer in the type that was asked for."""
    text: str
    """The answer as the model wrote it."""
    task_id: str
    model: str | None = None
    """Who answered, as ``provider/model``."""
    served_model: str | None = None
    """The id that the provider says served it."""
    finish: FinishReason = "stop"
    usage: Usage = Usage()
    """Tokens of all attempts and rounds."""
    cost: Decimal = Decimal(0)
    """USD of all attempts and rounds."""
    assessment: Assessment = Assessment()
    accepted: bool = True
    """False where the answer is below its profile's minima, or a check failed."""
    verdicts: tuple[Verdict, ...] = ()
    """What the guard found, where it found anything."""
    attempts: tuple[Attempt, ...] = ()
    rounds: int = 1
    """Times that a model was asked: tool rounds, revisions and escalations count."""
    messages: tuple[Message, ...] = ()
    """The conversation, the answer last."""
    cached: bool = False
    """True when the answer was there already, or another task was just asking the same: nothing was asked or spent for
    this one.
    """
    similarity: float | None = None
    """How much the prompt is like the one that was answered, where that was another one (semantic cache); at most 1."""
    demo: bool = False
    """True when a demo model answered: it proves the plumbing and should not be believed."""
    degraded: bool = False
    """True when nobody better was available: a local stand-in answered for a cloud model."""
    seconds: float = 0.0
    profile: str = ""
    """The profile that served it: the task's agent, unless its work was sent elsewhere."""
    route: str = ""
    """Why that profile served it, where a diversion, split or shift decided."""
