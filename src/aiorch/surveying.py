"""What a workflow would meet now: who can be asked, what limits have left, what may be spent. Asks no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiorch.choosing import completed, ranked
from aiorch.errors import AiorchError, UnknownAgent
from aiorch.providers import ProviderSpec
from aiorch.quotas import Use
from aiorch.quotas.names import bound_to
from aiorch.quotas.windows import LONGEST
from aiorch.roster import lacking
from aiorch.routing import is_free, least
from aiorch.scopes import Scope
from aiorch.settings import Settings
from aiorch.types import (
    ZERO_PRICE,
    Budget,
    Candidate,
    Limit,
    Message,
    PassedOver,
    Price,
    Profile,
    Ranking,
    Task,
)
from aiorch.work import Line
from aiorch.workflow.facts import AgentFacts, Allowance, Facts

NEUTRAL = (Message.user("?"),)
"""What is ranked in place of questions that nobody has asked yet."""

COUNTED = ("requests", "tokens")
"""Units of limits that a workflow's need can be held against."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Who would be asked, for each agent."""

    rankings: Mapping[str, Ranking]
    unknown: frozenset[str] = frozenset()
    """Agents that no profile describes."""
    failed: Mapping[str, str] | None = None
    """Agents for whom nobody could be ranked, and why."""


async def survey(line: Line, agents: Iterable[str], scope: Scope) -> Survey:
    """Rank for each agent. Fails for nobody."""
    rankings: dict[str, Ranking] = {}
    unknown: set[str] = set()
    failed: dict[str, str] = {}
    for agent in dict.fromkeys(agents):
        try:
            profile = line.profiles[agent]
            task = scope.applied(completed(Task(NEUTRAL, agent), profile, line.budget))
            rankings[agent] = await ranked(line, task, profile)
        except UnknownAgent:
            unknown.add(agent)
        except AiorchError as wrong:
            failed[agent] = str(wrong)
    return Survey(rankings, frozenset(unknown), failed)


async def facts(
    line: Line,
    settings: Settings,
    specs: Mapping[str, ProviderSpec],
    configured: Iterable[str],
    scope: Scope,
    agents: Iterable[str],
) -> Facts:
    """What the live validation of a workflow judges by.

    :param configured: names of the providers that can be asked. :param agents: those that the workflow asks.
    """
    found = await survey(line, agents, scope)
    there = frozenset(configured)
    return Facts(
        {
            **{a: _of(line, settings, specs, there, a, ranking) for a, ranking in found.rankings.items()},
            **{a: AgentFacts(known=False) for a in found.unknown},
            **{a: AgentFacts(passed_over=(PassedOver(a, why),)) for a, why in (found.failed or {}).items()},
        },
        await _allowances(line, settings, scope, found.rankings.values()),
        await _budget(line, scope),
    )


def prices(line: Line, found: Survey) -> Mapping[str, Price]:
    """By agent, what whoever would be asked first costs; agents whose price nobody knows are left out."""
    told: dict[str, Price] = {}
    for agent, ranking in found.rankings.items():
        for candidate in ranking.candidates[:1]:
            price = ZERO_PRICE if is_free(candidate.card, line.rules) else candidate.card.price
            if price is not None:
                told[agent] = price
    return told


def _of(
    line: Line,
    settings: Settings,
    specs: Mapping[str, ProviderSpec],
    configured: frozenset[str],
    agent: str,
    ranking: Ranking,
) -> AgentFacts:
    names = dict.fromkeys(c.card.id for c in ranking.candidates)
    keys = missing_keys(settings, specs, configured, line.profiles[agent])
    return AgentFacts(tuple(names), ranking.passed_over, keys)


def missing_keys(
    settings: Settings, specs: Mapping[str, ProviderSpec], configured: frozenset[str], profile: Profile
) -> tuple[str, ...]:
    """Names of keys that are not set and would bring somebody who may be asked: providers that the profile names, and
    those with free models where any free one may answer.
    """
    named = " ".join(m for c in ("simple", "moderate", "complex") for m in profile.models(c))
    found: list[str] = []
    for spec in specs.values():
        if (
            spec.id in configured
            or not spec.env
            or (settings.providers and spec.id not in settings.providers)
        ):
            continue
        free = profile.any_free and spec.free.kind in ("free_quota", "zero_price")
        wanting = lacking(settings, spec) or ""
        if (free or f"{spec.id}/" in named) and wanting == f"no {spec.env[0]}":
            found.append(spec.env[0])
    return tuple(found)


# --- what limits have left ---------------------------------------------------------------------------------------


async def _allowances(
    line: Line, settings: Settings, scope: Scope, rankings: Iterable[Ranking]
) -> tuple[Allowance, ...]:
    """Every limit that calls of the workflow would count against, with what earlier calls have used of it."""
    limits: dict[tuple[str, str, str], tuple[Limit, set[str]]] = {}
    for candidate in (c for ranking in rankings for c in ranking.candidates):
        for limit in _limits(line, candidate):
            name = bound_to(candidate.deployment, limit)
            limits.setdefault((name, limit.unit, limit.per), (limit, set()))[1].add(candidate.card.id)
    whose: list[tuple[str, Limit]] = []
    for name in _names(scope):
        own = settings.allowance(name)
        whose += [(name, limit) for limit in (own.limits if own else ()) if _counts(limit)]
    if not limits and not whose:
        return ()
    experience = line.executor.experience
    await experience.ready()
    used = {(u.name, u.limit.unit, u.limit.per): u for u in await experience.quotas.show()}
    now = line.clock.now()
    return (
        *(
            _allowance(name, limit, used.get((name, unit, per)), now, tuple(sorted(models)))
            for (name, unit, per), (limit, models) in limits.items()
        ),
        *(_allowance(name, x, used.get((name, x.unit, x.per)), now, None) for name, x in whose),
    )


def _limits(line: Line, candidate: Candidate) -> Sequence[Limit]:
    terms = candidate.card.terms
    if terms is None or not is_free(candidate.card, line.rules):
        return ()
    return [limit for limit in terms.limits if _counts(limit)]


def _counts(limit: Limit) -> bool:
    return limit.unit in COUNTED and limit.per != "at once"


def _allowance(
    name: str, limit: Limit, use: Use | None, now: float, models: tuple[str, ...] | None
) -> Allowance:
    seconds = LONGEST.get(limit.per)
    begins = None if use is None or use.resets_at is None else max(0.0, use.resets_at - now)
    most = limit.amount if use is None else use.limit.amount  # headers may have told better
    return Allowance(name, limit.unit, most if use is None else use.left, models, most, seconds, begins)


def _names(scope: Scope) -> tuple[str, ...]:
    return (
        *(() if scope.tenant is None else (f"tenant:{scope.tenant}",)),
        *(() if scope.user is None else (f"user:{scope.user}",)),
    )


# --- what may be spent -------------------------------------------------------------------------------------------


async def _budget(line: Line, scope: Scope) -> Budget:
    """What is left for all of a run: of its scopes' budgets and of the day's."""
    left: Budget | None = None
    for purse in scope.purses:
        left = least(left, purse.unspent)
    if line.days is not None:
        left = least(left, await line.days.left(_names(scope)))
    return left or Budget()
