"""Profiles: which models do an agent's work, how they are asked, and what counts as good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiorch.types.formats import Format
from aiorch.types.requests import JsonSchema, Parameters

RoutePolicy = Literal["free", "local-first", "cloud-first", "private"]
"""Where work may go: free routes in their usual order; this machine before all others, or after them; this machine and
no other."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One agent: its models, system prompt, parameters and minima.

    >>> Profile("support", primary="openrouter/z-ai/glm-5.2:free", system="Be brief.").models("simple")
    ('openrouter/z-ai/glm-5.2:free',)
    """

    name: str
    primary: str | None = None
    """Asked first: ``provider/model``, a model's id, ``family:NAME`` (whoever serves it), or a pattern such as
    ``groq/*``. ``None`` leaves it to the ranking of whatever is free."""
    fallbacks: tuple[str, ...] = ()
    """Asked in this order when the primary fails; written like it."""
    complexity_overrides: Mapping[str, str] = field(default_factory=dict[str, str])
    """``{"complex": model}``: asked first for work of that complexity."""
    any_free: bool = True
    """After the named models, any other free one that fits may answer."""
    system: str | None = None
    parameters: Parameters = Parameters()
    schema: JsonSchema | None = None
    """The shape of every answer of this agent, where it has one."""
    format: Format | None = None
    """What else every answer must look like: length, pattern, language, code fences. One that does not is sent back
    once with what is wrong, as one that does not fit its type is."""
    tools: tuple[str, ...] = ()
    """Names of the tools it may call."""
    task_type: str | None = None
    """What kind of work this is, for the quality checks."""
    minima: Mapping[str, float] = field(default_factory=dict[str, float])
    """The least score per dimension, 0 to 1; ``{"score": 0.8}`` is the share of checks that must hold."""
    policy: str | None = None
    """Which guard policy holds for its work: ``strict``, ``balanced``, ``permissive``, ``off``, or the path of a TOML
    file; ``None`` = as the setting ``guard`` says."""
    route_policy: RoutePolicy | None = None
    """Where its work may go; ``None`` = as the setting ``policy`` says. ``private`` cannot be lifted by either."""
    hedge: bool = False
    """Send a second request to another deployment where the first one is late; the quicker answer counts, and both are
    paid for."""
    max_rounds: int = 8
    """The most times a model is asked for one task: tool rounds, revisions and escalations together."""

    def models(self, complexity: str) -> tuple[str, ...]:
        """The named models in the order in which they are asked for work of this complexity."""
        named = (self.complexity_overrides.get(complexity), self.primary, *self.fallbacks)
        return tuple(dict.fromkeys(m for m in named if m))
