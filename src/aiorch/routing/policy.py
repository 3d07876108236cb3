"""Where work may go: anywhere that is free, this machine first or last, or this machine only. Pure.

``private`` is a matter of permission, so :mod:`aiorch.routing.eligibility` holds it before anybody ranks; the others
are matters of order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aiorch.types import Candidate, ModelCard, Ranking
from aiorch.types.profiles import RoutePolicy

_ELSEWHERE = ("-cloud", ":cloud")
"""Ollama lists models that its own cloud runs beside those on the machine, under names that end so
(docs.ollama.com/cloud)."""


def strictest(setting: RoutePolicy, profile: RoutePolicy | None) -> RoutePolicy:
    """The profile's policy, else the setting's; ``private`` where either says so.

    >>> strictest("private", "cloud-first"), strictest("free", "local-first"), strictest("local-first", None)
    ('private', 'local-first', 'local-first')
    """
    if "private" in (setting, profile):
        return "private"
    return profile or setting


def stays_here(card: ModelCard, here: frozenset[str]) -> bool:
    """True where a prompt for this model does not leave the machine.

    :param here: names of the providers that are reached without leaving it.
    """
    return card.provider in here and card.free == "local" and not card.model.endswith(_ELSEWHERE)


def placed(ranking: Ranking, policy: RoutePolicy) -> Ranking:
    """The ranking with this machine's models first or last, as the policy has it.

    A demo is never moved to the front: it proves the plumbing and should not be believed.
    """
    if policy == "local-first":
        return _divided(ranking, lambda c: c.card.free != "local" or c.card.demo)
    if policy == "cloud-first":
        return _divided(ranking, lambda c: c.card.free == "local")
    return ranking


def _divided(ranking: Ranking, later: Callable[[Candidate], bool]) -> Ranking:
    """First those who are not ``later``, each part in its order; nobody of one part is an equal of the other's."""
    them = ranking.candidates
    order = sorted(range(len(them)), key=lambda i: later(them[i]))
    tiers = ranking.tiers
    behind = max(tiers, default=0) + 1
    return replace(
        ranking,
        candidates=tuple(them[i] for i in order),
        tiers=tuple(tiers[i] + behind * later(them[i]) for i in order) if tiers else (),
    )
