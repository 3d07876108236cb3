"""In which order models can be shown. Unknown comes last in every one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from aiorch.routing import worth
from aiorch.types import ModelCard, Score


def route(card: ModelCard) -> tuple[Any, ...]:
    """As routing asks models, where no profile names any."""
    return (*worth(card), card.id)


def price(card: ModelCard) -> Decimal:
    """USD for a million tokens in and a million out. Cheap first."""
    if card.costs_nothing:
        return Decimal(0)
    return Decimal("Infinity") if card.price is None else card.price.input + card.price.output


def _most(number: float | None) -> float:
    return math.inf if number is None else -number


ORDERS: Mapping[str, Callable[[ModelCard], tuple[Any, ...]]] = {
    "route": route,
    "price": lambda card: (not card.costs_nothing, price(card), _most(card.context), card.id),
    "name": lambda card: (card.id,),
    "context": lambda card: (_most(card.context), card.id),
    "size": lambda card: (_most(card.parameters), card.id),
    "new": lambda card: (_most(card.created), card.id),
}
"""By name. ``route`` is the order in which models are asked; the others put small prices and large numbers first."""


def score(card: ModelCard, benchmark: str) -> Score | None:
    """The newest score of a model at one benchmark."""
    return max((s for s in card.scores if s.benchmark == benchmark), key=lambda s: s.as_of, default=None)


def by_score(benchmark: str) -> Callable[[ModelCard], tuple[Any, ...]]:
    """The order by one benchmark, high scores first."""

    def key(card: ModelCard) -> tuple[Any, ...]:
        found = score(card, benchmark)
        return (_most(None if found is None else found.value), card.id)

    return key
