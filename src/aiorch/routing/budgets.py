"""May the next call be made? Checked before it with the worst case, settled after it with what it took. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from aiorch.types import Budget, ModelCard, Usage
from aiorch.types.quick import quick

ASSUMED_ANSWER = 4_096
"""Tokens that an answer is taken to need at most when neither the request nor the model's card sets a limit."""


@quick
@dataclass(frozen=True, slots=True)
class Spent:
    """What a task has used so far."""

    usage: Usage = Usage()
    usd: Decimal = Decimal(0)
    attempts: int = 0

    def plus(self, usage: Usage, usd: Decimal, attempts: int = 1) -> Spent:
        """After one more call."""
        if self is NOTHING:
            return Spent(usage, usd, attempts)
        return Spent(self.usage + usage, self.usd + usd, self.attempts + attempts)


NOTHING = Spent()
"""Before the first call."""


def least(one: Budget | None, other: Budget | None) -> Budget | None:
    """The stricter of two budgets, limit by limit; ``None`` where neither sets any.

    >>> least(Budget(tokens=5), Budget(tokens=9, attempts=2))
    Budget(usd=None, tokens=5, attempts=2)
    """
    if one is None or other is None:
        return one or other
    return Budget(
        min((v for v in (one.usd, other.usd) if v is not None), default=None),
        min((v for v in (one.tokens, other.tokens) if v is not None), default=None),
        min((v for v in (one.attempts, other.attempts) if v is not None), default=None),
    )


def cost_of(card: ModelCard, usage: Usage, *, free: bool) -> Decimal:
    """USD for these tokens at this model; 0 on a free route and where no price is known."""
    if free or card.price is None:
        return Decimal(0)
    return card.price.cost(usage)


def worst_case(card: ModelCard, *, prompt: int, answer: int | None, free: bool) -> tuple[Decimal, int]:
    """What a call takes at most: USD, and tokens of prompt and answer. What a purse reserves.

    >>> worst_case(ModelCard("p", "m", max_output=700), prompt=300, answer=None, free=True)
    (Decimal('0'), 1000)
    """
    most = _longest(card, answer)
    return cost_of(card, Usage(prompt, most), free=free), prompt + most


def _longest(card: ModelCard, answer: int | None) -> int:
    """The most tokens of an answer, where ``answer`` is what the request limits it to."""
    if answer is None:
        return card.max_output or ASSUMED_ANSWER
    return min(answer, card.max_output or answer)


def unaffordable(
    budget: Budget | None, spent: Spent, card: ModelCard, *, prompt: int, answer: int | None, free: bool
) -> str | None:
    """Why one more call to this model could break the budget; ``None`` when it cannot.

    :param prompt: tokens of the prompt, estimated.
    :param answer: the most tokens that the answer may have, where that is limited.
    :param free: whether the route is free of charge.
    """
    if budget is None:
        return None
    if budget.attempts is not None and spent.attempts >= budget.attempts:
        return f"the budget of {budget.attempts} attempt(s) is used up"
    most = _longest(card, answer)
    if budget.tokens is not None and spent.usage.total + prompt >= budget.tokens:
        return (
            f"the prompt takes about {prompt:,} tokens, and {max(0, budget.tokens - spent.usage.total):,} "
            f"of the budget's {budget.tokens:,} are left"
        )
    if budget.usd is None or free:
        return None
    if card.price is None:
        return f"its price is unknown, so a budget of {budget.usd} USD cannot be kept"
    worst = spent.usd + card.price.cost(Usage(prompt, most))
    if worst > budget.usd:
        return f"it could cost {worst:f} USD in all, above the budget of {budget.usd} USD"
    return None


def answer_limit(
    budget: Budget | None, spent: Spent, card: ModelCard, *, prompt: int, answer: int | None, free: bool
) -> int | None:
    """The most tokens that the next answer may have, so that it stays within the budget; ``None`` where nothing needs
    to be said.

    No limit is named that the model has anyway: providers refuse one above what their model can do.

    >>> answer_limit(Budget(tokens=1000), Spent(), ModelCard("p", "m"), prompt=300, answer=None, free=True)
    700
    """
    if budget is None:
        return answer
    limit = answer
    if budget.tokens is not None:
        left = max(1, budget.tokens - spent.usage.total - prompt)
        if left < (answer or card.max_output or card.context or left + 1):
            limit = left
    if limit is None and card.max_output is None and budget.usd is not None and not free:
        return ASSUMED_ANSWER  # what unaffordable() reckons with has to hold
    return limit
