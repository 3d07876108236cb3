"""In which order equals are asked. Pure: what runs where, time and randomness are passed in.

Candidates come in tiers of preference, best first; within a tier they are equals, and a strategy orders them. A worse
tier never comes before a better one. Only the first few are chosen with care: the rest are asked when those have
failed, and keep their order, so that a decision costs little whatever the number of candidates.

    order(candidates, "fastest", loads, now, rng, tiers=(0, 0, 0, 1, 1))

Ids are read from a list that is made once: making those of 300 deployments takes longer than some decisions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nsmallest
from itertools import accumulate
from operator import gt
from random import Random
from typing import Literal

from aiorch.routing.loads import Loads
from aiorch.types import Candidate
from aiorch.types.models import MILLION

Strategy = Literal["preference", "round_robin", "weighted", "least_busy", "lowest_cost", "fastest"]
"""As they come; across providers, whoever was asked longest ago; at random, by weight; fewest calls under way;
cheapest; the better of two at random, by expected seconds and calls under way."""

FEW = 4
"""Candidates of a decision that are chosen with care. An attempt loop rarely gets further."""

ANSWER, PROMPT = 300, 1_000
"""Tokens of an answer and of a prompt that nobody has estimated. Only their order of magnitude matters."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What strategies go by, as it is configured."""

    rotation: tuple[str, ...] = ()
    """Providers whose turn comes in this order in ``round_robin``; others follow."""
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """For ``weighted``, by deployment id, ``provider/model`` or provider, the most exact first; 1 where nothing is
    said, 0 = only when all others are used up."""


def order(
    candidates: Sequence[Candidate],
    strategy: Strategy,
    loads: Loads,
    now: float,
    rng: Random,
    *,
    ids: Sequence[str] | None = None,
    tiers: Sequence[int] | None = None,
    balance: Balance = Balance(),
    shares: Mapping[str, float] | None = None,
    tokens: int = ANSWER,
    prompt: int = PROMPT,
) -> tuple[Candidate, ...]:
    """The candidates in the order in which they should be asked.

    :param now: epoch seconds.
    :param ids: the deployments' ids, where the caller has made them already.
    :param tiers: for each candidate, its tier, 0 first; ``None`` where all are equals, empty where nobody is anybody's
        equal (:attr:`Ranking.tiers <aiorch.types.Ranking.tiers>`).
    :param shares: by id, of those that recover, the share of their usual traffic that they should get
        (:meth:`Health.shares <aiorch.routing.health.Health.shares>`); for the rest of it they come last in their tier.
    :param tokens: about how long the answer will be; ``prompt``: and the question.
    """
    if tiers is None:
        tiers = (0,) * len(candidates)
    elif any(map(gt, tiers, tiers[1:])):
        ranked = sorted(range(len(tiers)), key=tiers.__getitem__)
        candidates, tiers = [candidates[i] for i in ranked], [tiers[i] for i in ranked]
        ids = None if ids is None else [ids[i] for i in ranked]
    if not tiers or (strategy == "preference" and not shares):
        return tuple(candidates)
    if ids is None:
        ids = [c.deployment.id for c in candidates]
    choose = _STRATEGIES[strategy]
    question = _Question(loads, now, rng, balance, tokens, prompt)
    ordered: list[Candidate] = []
    start = 0
    while start < len(candidates) and len(ordered) < FEW:
        end = bisect_right(tiers, tiers[start], start)
        tier, names = list(candidates[start:end]), list(ids[start:end])
        held = _held_back(tier, names, shares, rng) if shares else []
        if len(tier) > 1:
            _to_front(tier, choose(tier, names, question))
        ordered += tier
        ordered += held
        start = end
    return (*ordered, *candidates[start:])


@dataclass(frozen=True, slots=True)
class _Question:
    loads: Loads
    now: float
    rng: Random
    balance: Balance
    tokens: int
    prompt: int


def _held_back(
    tier: list[Candidate], ids: list[str], shares: Mapping[str, float], rng: Random
) -> list[Candidate]:
    """Take out, with their ids, those that recover and have no part this time."""
    out = [k for k, id in enumerate(ids) if id in shares and rng.random() >= shares[id]]
    held = [tier[k] for k in out]
    for k in reversed(out):
        del tier[k], ids[k]
    return held


def _to_front(tier: list[Candidate], first: Sequence[int]) -> None:
    """Move those at these places to the head, in this order."""
    chosen = [tier[k] for k in first]
    for k in sorted(first, reverse=True):
        del tier[k]
    tier[:0] = chosen


# --- strategies: the places in a tier of the few that are to be asked first ---------------------------------------


def _preference(tier: Sequence[Candidate], ids: Sequence[str], question: _Question) -> Sequence[int]:
    """As they come."""
    return ()


def _round_robin(tier: Sequence[Candidate], ids: Sequence[str], question: _Question) -> Sequence[int]:
    """One of each provider, the one asked longest ago first, and of its deployments the one asked longest ago.

    With everybody well this goes round; whoever was left out for a while is next when it is back.
    """
    turn = question.loads.turn
    mine: dict[str, list[int]] = {}
    for k, candidate in enumerate(tier):
        mine.setdefault(candidate.deployment.provider, []).append(k)
    place = {name: k for k, name in enumerate(question.balance.rotation)}
    last = len(place)

    def due(name: str) -> tuple[bool, int, int]:
        at = place.get(name, last)
        return at == last, turn(name), at

    return [min(mine[name], key=lambda k: turn(ids[k])) for name in nsmallest(FEW, mine, key=due)]


def _weighted(tier: Sequence[Candidate], ids: Sequence[str], question: _Question) -> Sequence[int]:
    """At random, each as often as its weight says; those without weight after all others."""
    weights = _weights(tier, ids, question.balance.weights)
    sums = list(accumulate(weights))
    total = sums[-1]
    first: list[int] = []
    while len(first) < FEW and total > sums[-1] * 1e-9:
        at = question.rng.random() * total
        for k in sorted(first):  # as if those that have been drawn were not there
            if at >= sums[k] - weights[k]:
                at += weights[k]
        k = min(bisect_right(sums, at), len(sums) - 1)
        if weights[k] <= 0.0 or k in first:
            break  # rounding at the very end of the range
        first.append(k)
        total -= weights[k]
    if min(weights) <= 0.0:
        rest = [k for k in range(len(tier)) if k not in first]
        first += sorted(rest, key=lambda k: weights[k] <= 0.0)
    return first


def _least_busy(tier: Sequence[Candidate], ids: Sequence[str], question: _Question) -> Sequence[int]:
    """Fewest calls under way, the idle ones at random."""
    busy = question.loads.busy
    start = question.rng.randrange(len(tier))
    round_about = [*range(start, len(tier)), *range(start)]
    if not busy:
        return round_about[:FEW]
    calls = [busy.get(id, 0) for id in ids]
    idle = [k for k in round_about if not calls[k]][:FEW]
    return idle if len(idle) == FEW else nsmallest(FEW, round_about, key=calls.__getitem__)


def _lowest_cost(tier: Sequence[Candidate], ids: Sequence[str], question: _Question) -> Sequence[int]:
    """Cheapest for a question and an answer of this size; among equals, as they come."""
    answer = max(1, question.tokens)
    ratio = Decimal(f"{question.prompt / answer:.3f}")  # few digits: long Decimals are slow
    costs: list[Decimal] = []
    for candidate in tier:
        card = candidate.card
        price = card.price
        if card.free != "none" and card.costs_nothing:
            cost = _NOTHING
        elif price is None:
            cost = _UNKNOWN
        else:  # USD per million tokens of answer, with the prompts that they need
            cost = price.input * ratio + price.output
            if price.request:
                cost += price.request * MILLION / answer
        costs.append(cost)
    return nsmallest(FEW, range(len(tier)), key=costs.__getitem__)


def _fastest(tier: Sequence[Candidate], ids: Sequence[str], question: _Question) -> Sequence[int]:
    """The better of two at random (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001), by
    expected seconds times calls under way and this one.

    Always the best of all would send a burst to one host, before the first of its answers tells that this was too much.
    """
    random, cost = question.rng.random, question.loads.cost
    tokens, now = question.tokens, question.now
    left = list(range(len(tier)))
    first: list[int] = []
    while len(first) < FEW and len(left) > 1:
        a = int(random() * len(left))
        b = int(random() * (len(left) - 1))
        if b >= a:
            b += 1
        better = a if cost(ids[left[a]], tokens, now) <= cost(ids[left[b]], tokens, now) else b
        first.append(left.pop(better))
    return first


_STRATEGIES: Mapping[Strategy, Callable[[Sequence[Candidate], Sequence[str], _Question], Sequence[int]]] = {
    "preference": _preference,
    "round_robin": _round_robin,
    "weighted": _weighted,
    "least_busy": _least_busy,
    "lowest_cost": _lowest_cost,
    "fastest": _fastest,
}

_NOTHING, _UNKNOWN = Decimal(0), Decimal("Infinity")


def _weights(tier: Sequence[Candidate], ids: Sequence[str], given: Mapping[str, float]) -> list[float]:
    """The weight of each, by the most exact name that has one."""
    in_detail = {name.partition("/")[0] for name in given if "/" in name}
    weights: list[float] = []
    for candidate, id in zip(tier, ids, strict=True):
        provider = candidate.deployment.provider
        weight = given.get(provider, 1.0)
        if provider in in_detail:
            weight = given.get(id, given.get(id.partition("#")[0], weight))
        weights.append(weight)
    return weights
