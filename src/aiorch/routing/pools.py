"""Rules as data: which work goes to which pool of models, by task type, agent, tenant, size or time. Pure.

A file of them (:mod:`aiorch.routing.rules_file`) looks so:

    [pools]
    coders = ["openrouter/poolside/laguna-s-2.1:free", "family:qwen3-coder", "groq/*"]

    [[rules]]
    name = "large code"
    task_type = "code_generation"
    min_tokens = 4_000
    pool = "coders"

The first rule whose conditions all hold counts. Rules say who is asked first among those who may be asked; they never
allow a model that costs money, is excluded or cannot do the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from aiorch.catalog import Index, Successor, index, resolve, successor_of
from aiorch.errors import ConfigurationError, nearest
from aiorch.routing.preference import by_worth, shared_out
from aiorch.types import Candidate, ModelCard, PassedOver, Ranking, Task

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FAMILY = "family:"


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the day; one that ends before it begins runs over midnight.

    >>> Hours(time(22), time(6)).holds(time(23, 30)), Hours(time(22), time(6)).holds(time(12))
    (True, False)
    """

    begins: time
    ends: time

    def holds(self, now: time) -> bool:
        """True from the beginning up to, and without, the end."""
        if self.begins <= self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions, which all have to hold, and the pool that the work goes to then. An empty condition always holds."""

    name: str
    pool: str
    """The pool's name; empty where the rule holds the models itself."""
    models: tuple[str, ...]
    """The pool's entries in order of preference: ``provider/model``, a model's id, a pattern with ``*``, or
    ``family:NAME``."""
    only: bool = False
    """True where nobody outside of the pool may be asked."""
    task_type: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    complexity: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    min_tokens: int | None = None
    """Estimated tokens of the prompt, tools and schema."""
    max_tokens: int | None = None
    between: Hours | None = None
    days: tuple[str, ...] = ()
    zone: str = "UTC"

    @property
    def whereto(self) -> str:
        """The pool, in words."""
        return f"pool {self.pool!r}" if self.pool else "its own pool"

    def misses(self, task: Task, complexity: str, tokens: int, now: datetime) -> str | None:
        """The first condition that does not hold, in words; ``None`` where all do.

        :param now: aware of its zone.
        """
        for what, wanted, there in (
            ("task type", self.task_type, task.type),
            ("agent", self.agent, task.agent),
            ("tenant", self.tenant, task.tenant),
            ("user", self.user, task.user),
            ("complexity", self.complexity, complexity),
        ):
            if wanted and there not in wanted:
                return f"its {what} is {there or 'not told'}, not {' or '.join(wanted)}"
        for tag, value in self.tags.items():
            if task.tags.get(tag) != value:
                return f"its tag {tag} is {task.tags.get(tag) or 'not set'}, not {value}"
        if self.min_tokens is not None and tokens < self.min_tokens:
            return f"it has about {tokens:,} tokens, fewer than {self.min_tokens:,}"
        if self.max_tokens is not None and tokens > self.max_tokens:
            return f"it has about {tokens:,} tokens, more than {self.max_tokens:,}"
        here = now.astimezone(ZoneInfo(self.zone))
        if self.days and DAYS[here.weekday()] not in self.days:
            return f"it is {DAYS[here.weekday()]} in {self.zone}, not {' or '.join(self.days)}"
        if self.between is not None and not self.between.holds(here.time()):
            return f"it is {here:%H:%M} in {self.zone}, not {self.between.begins:%H:%M} to {self.between.ends:%H:%M}"
        return None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the rules say of one task."""

    rule: Rule | None
    """The one that counts; ``None`` where none holds."""
    missed: tuple[PassedOver, ...]
    """The rules before it, and why each does not hold."""


def weigh(rules: Sequence[Rule], task: Task, complexity: str, tokens: int, now: datetime) -> Weighed:
    """The first rule that holds, and why those before it do not."""
    missed: list[PassedOver] = []
    for rule in rules:
        why = rule.misses(task, complexity, tokens, now)
        if why is None:
            return Weighed(rule, tuple(missed))
        missed.append(PassedOver(f"rule {rule.name!r}", why))
    return Weighed(None, tuple(missed))


def directed(
    ranking: Ranking,
    rule: Rule,
    fit: Sequence[Candidate],
    successors: Mapping[str, Successor] | None = None,
    *,
    mixing: bool = False,
) -> Ranking:
    """The ranking with the pool's models first, in the pool's order.

    :param fit: everybody who may be asked.
    :param mixing: see :func:`gather`.
    """
    gathered = gather(rule.models, index(fit), fit, successors, mixing=mixing)
    first, passed = gathered.candidates, list(gathered.passed_over)
    reason = f"rule {rule.name!r} sends it to {rule.whereto}"
    if not first:
        reason += ", where nobody can be asked"
    chosen = {c.deployment.id for c in first}
    ranks = ranking.tiers or range(len(ranking.candidates))
    outside = [
        (c, t) for c, t in zip(ranking.candidates, ranks, strict=True) if c.deployment.id not in chosen
    ]
    if rule.only:
        left_out = f"outside of {rule.whereto}, and rule {rule.name!r} allows nobody else"
        passed += [PassedOver(c.deployment.id, left_out) for c, _ in outside]
        outside = []
    behind = gathered.behind
    return replace(
        ranking,
        candidates=(*first, *(c for c, _ in outside)),
        tiers=(*gathered.tiers, *(behind + t for _, t in outside)),
        passed_over=(*passed, *ranking.passed_over),
        reason=f"{reason}; {ranking.reason}",
    )


@dataclass(frozen=True, slots=True)
class Gathered:
    """Who answers to a list of entries, in its order."""

    candidates: tuple[Candidate, ...]
    tiers: tuple[int, ...]
    """For each candidate its group of equals, 0 first."""
    passed_over: tuple[PassedOver, ...]
    """Names that stand for nobody, or for somebody else."""

    @property
    def behind(self) -> int:
        """The first tier after these."""
        return self.tiers[-1] + 1 if self.tiers else 0


def gather(
    entries: Sequence[str],
    known: Index,
    fit: Sequence[Candidate],
    successors: Mapping[str, Successor] | None = None,
    priors: Mapping[str, float] | None = None,
    *,
    mixing: bool = False,
) -> Gathered:
    """Who answers to the entries of a pool or a profile: ``provider/model``, a model's id, a pattern with ``*``, or
    ``family:NAME``.

    Whoever serves one model or one family, with whatever key, are equals; one entry's members are nobody's equals
    beside.

    :param mixing: the members of a pattern are to share the work: the best of each provider are equals.
    """
    chosen: dict[str, tuple[Candidate, int]] = {}
    passed: list[PassedOver] = []
    behind = 0
    for entry in entries:
        found, tiers, notes = _members(entry, known, fit, successors, priors, mixing=mixing)
        for candidate, tier in zip(found, tiers, strict=True):
            chosen.setdefault(candidate.deployment.id, (candidate, behind + tier))
        passed += notes
        behind += (max(tiers) + 1) if tiers else 0
    return Gathered(
        tuple(candidate for candidate, _ in chosen.values()),
        tuple(tier for _, tier in chosen.values()),
        tuple(passed),
    )


def _members(
    entry: str,
    known: Index,
    fit: Sequence[Candidate],
    successors: Mapping[str, Successor] | None,
    priors: Mapping[str, float] | None,
    *,
    mixing: bool,
) -> tuple[Sequence[Candidate], Sequence[int], Sequence[PassedOver]]:
    """Who answers to one entry, with their tiers."""
    if entry.startswith(_FAMILY):
        wanted = entry.removeprefix(_FAMILY)
        found, _ = by_worth([c for c in fit if c.card.family == wanted], priors)
        return found, [0] * len(found), ()
    if "*" in entry:
        matching = [c for c in fit if fnmatchcase(c.card.id, entry)]
        return (*(shared_out if mixing else by_worth)(matching, priors), ())
    resolved = resolve(entry, known, successors)
    return resolved.candidates, [0] * len(resolved.candidates), resolved.passed_over


# --- whether the names in them exist -----------------------------------------------------------------------------


def unknown_entries(rules: Sequence[Rule], ids: Iterable[str], families: Iterable[str]) -> Sequence[str]:
    """One line for each entry of a pool that names nothing in the catalogue, with the nearest three that exist.

    :param ids: every known model, as ``provider/model`` and as its bare id.
    """
    names, kin = set(ids), set(families)
    problems: dict[str, str] = {}
    for rule in rules:
        for entry in rule.models:
            if entry in problems or _exists(entry, names, kin):
                continue
            wanted = entry.removeprefix(_FAMILY)
            near = nearest(wanted, kin if entry.startswith(_FAMILY) else names)
            offer = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
            problems[entry] = (
                f"{rule.whereto} of rule {rule.name!r} names {entry!r}, which no provider is known to serve{offer}"
            )
    return tuple(problems.values())


def _exists(entry: str, names: set[str], families: set[str]) -> bool:
    if entry.startswith(_FAMILY):
        return entry.removeprefix(_FAMILY) in families
    if "*" in entry:
        return any(fnmatchcase(name, entry) for name in names)
    return entry in names or successor_of(entry) is not None


class RuleBook:
    """The rules of one orchestrator, held against the catalogue once, before the first of them is used."""

    __slots__ = ("_checked", "rules", "where")

    def __init__(self, rules: Sequence[Rule], where: str) -> None:
        """:param where: the file that they are from, for errors."""
        self.rules = tuple(rules)
        self.where = where
        self._checked = False

    def check(self, cards: Iterable[ModelCard]) -> None:
        """:raises ConfigurationError: when a pool names a model or a family that is not among ``cards``."""
        if self._checked:
            return
        known = tuple(cards)
        ids = {name for card in known for name in (card.id, card.model)}
        problems = unknown_entries(self.rules, ids, {card.family for card in known if card.family})
        if problems:
            raise ConfigurationError(
                f"{self.where} cannot be used:" + "".join(f"\n  - {p}" for p in problems)
            )
        self._checked = True
