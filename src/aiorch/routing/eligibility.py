"""Who may be asked at all: what a task needs, what may be spent, whom the settings exclude. Pure.

Applied before any matcher ranks, so that no matcher, also one from a plugin, can send work to a paid or unfit model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiorch.routing.policy import stays_here, strictest
from aiorch.types import Candidate, Image, ModelCard, PassedOver, Profile, Task, Text
from aiorch.types.profiles import RoutePolicy

CHARACTERS_PER_TOKEN = 4
"""The usual rule of thumb for English text; providers' own counts take its place afterwards."""

TOKENS_PER_IMAGE = 1_000
"""Of the order of what current models charge for one picture."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every task of an orchestrator."""

    allow_paid: bool = False
    billed: frozenset[str] = frozenset()
    """Providers whose key is billed, so that their free allowance is not one."""
    excluded: frozenset[str] = frozenset()
    """Providers that are not to be used."""
    policy: RoutePolicy = "free"
    here: frozenset[str] = frozenset()
    """Providers that are reached without leaving this machine."""

    def under(self, profile: Profile) -> Rules:
        """The same with the policy of a profile. ``private`` holds where either says so."""
        policy = strictest(self.policy, profile.route_policy)
        return self if policy == self.policy else replace(self, policy=policy)


def eligible(
    task: Task, candidates: Sequence[Candidate], rules: Rules = Rules()
) -> tuple[tuple[Candidate, ...], tuple[PassedOver, ...]]:
    """The candidates that may do ``task``, and why each other one may not."""
    kept: list[Candidate] = []
    passed: list[PassedOver] = []
    needed = estimate_tokens(task)
    for candidate in candidates:
        why = unfit(task, candidate.card, rules, needed)
        if why is None:
            kept.append(candidate)
        else:
            passed.append(PassedOver(candidate.deployment.id, why))
    return tuple(kept), tuple(passed)


def unfit(task: Task, card: ModelCard, rules: Rules, needed: int) -> str | None:
    """Why this model may not do the task; ``None`` when it may. Unknown capabilities are given the benefit of the
    doubt.
    """
    can = card.capabilities
    if card.provider in rules.excluded:
        return "its provider is excluded by the settings"
    if rules.policy == "private" and not stays_here(card, rules.here):
        return "policy private: it does not run on this machine"
    if card.retired:
        return "retired by its provider"
    if can.chat is False:
        return "not a chat model"
    if not is_free(card, rules):
        if not rules.allow_paid:
            return "not known to be free, and allow_paid is off"
        if task.budget is None or task.budget.usd is None:
            return "it costs money, and no budget in USD is set"
    if task.tools and can.tools is False:
        return "cannot call tools"
    if task.schema is not None and can.json_schema is False:
        return "cannot answer by a JSON schema"
    if can.vision is False and any(isinstance(p, Image) for m in task.messages for p in m.parts):
        return "cannot see pictures"
    if card.context is not None and needed > card.context:
        return f"its context of {card.context:,} tokens is smaller than the prompt (about {needed:,})"
    return None


def is_free(card: ModelCard, rules: Rules) -> bool:
    """True where a call is known to cost nothing under these rules."""
    if card.provider in rules.billed:
        return card.price is not None and card.price.zero
    return card.costs_nothing


def estimate_tokens(task: Task) -> int:
    """About how many tokens the task's messages and schemas take."""
    characters = 0
    pictures = 0
    for message in task.messages:
        for part in message.parts:
            if type(part) is Text:  # nearly all
                characters += len(part.text)
            elif isinstance(part, Image):
                pictures += 1
            else:
                characters += part_length(part)
    for spec in task.tools:
        characters += len(spec.description) + len(str(spec.parameters))
    if task.schema is not None:
        characters += len(str(task.schema.schema))
    return characters // CHARACTERS_PER_TOKEN + pictures * TOKENS_PER_IMAGE + 4 * len(task.messages)


def part_length(part: object) -> int:
    """Characters of a part that is not a picture."""
    for name in ("text", "content", "arguments"):
        value = getattr(part, name, None)
        if value is not None:
            return len(value) if isinstance(value, str) else len(str(value))
    return 0
