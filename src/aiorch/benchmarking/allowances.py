"""How much of a provider's limits a measurement may use, and how slowly it has to ask. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiorch.routing.attempts import names
from aiorch.types import Candidate, Limit

OWN_SHARE = 0.5
"""The part of an allowance of an hour or longer that measuring takes; the rest is for what the account is there for."""

PERIODS: Mapping[str, float] = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "month": 2_592_000.0,
}
"""Seconds of each period; a month is thirty days."""

SHORT = frozenset({"second", "minute"})
"""Periods that are waited out by asking slowly."""


def pauses(candidate: Candidate, tokens: int) -> Mapping[str, float]:
    """Seconds between the beginnings of two calls, by what they are shared by (see :func:`shared_by`).

    :param tokens: that a call takes at most, prompt and answer.
    """
    found: dict[str, float] = {}
    for limit in _limits(candidate):
        if limit.per in SHORT and limit.amount > 0:
            units = _units(limit, tokens)
            who = shared_by(candidate, limit)
            found[who] = max(found.get(who, 0.0), PERIODS[limit.per] * units / limit.amount)
    return found


def caps(candidate: Candidate) -> Iterator[tuple[str, float, int]]:
    """How many calls may be made within longer periods: what shares the limit, the period in seconds, the number."""
    for limit in _limits(candidate):
        if limit.unit == "requests" and limit.per in PERIODS and limit.per not in SHORT:
            yield shared_by(candidate, limit), PERIODS[limit.per], max(1, int(limit.amount * OWN_SHARE))


def shared_by(candidate: Candidate, limit: Limit) -> str:
    """The name of what shares a limit: the account, or this model of it."""
    account, _, deployment = names(candidate.deployment)
    return account if limit.scope == "account" else deployment


def _limits(candidate: Candidate) -> tuple[Limit, ...]:
    return candidate.card.terms.limits if candidate.card.terms else ()


def _units(limit: Limit, tokens: int) -> int:
    """How much of a limit one call takes. A call larger than a whole minute's tokens waits for one minute."""
    match limit.unit:
        case "requests":
            return 1
        case "tokens":
            return min(tokens, limit.amount)
        case "neurons":  # what a call costs in them is not told
            return 0
