"""Whether a model that some catalogue describes costs nothing, by the policy of the provider's row. Pure."""

from __future__ import annotations

from dataclasses import replace

from aiorch.providers.spec import FreePolicy, ProviderSpec
from aiorch.types import ZERO_PRICE, FreeKind, FreeTerms, ModelCard, Price

_NAMED_FREE = (":free", "-free", "/free")


def free_kind(policy: FreePolicy, model: str, price: Price | None) -> FreeKind:
    """Why ``model`` costs nothing; a price of zero alone proves nothing (subscription plans show it too).

    Where the provider's own list marks its free models, a catalogue cannot tell who has the mark: only an id that
    says so itself is believed.

    >>> free_kind(FreePolicy("zero_price", models=("*:free",), zero_price=True), "a/b:free", ZERO_PRICE)
    'zero_price'
    """
    zero = price is not None and price.zero
    if policy.zero_price and not zero:
        return "unknown" if price is None else "none"
    if not policy.covers(model):
        return "unknown" if policy.zero_price else "none"
    return policy.kind if policy.listed is None or model.endswith(_NAMED_FREE) else "unknown"


def free_route(
    spec: ProviderSpec, model: str, price: Price | None
) -> tuple[FreeKind, Price | None, FreeTerms | None]:
    """Why a model is free, its price (zero where that is the reason), and the conditions."""
    free = free_kind(spec.free, model, price)
    terms = None if free in ("none", "unknown", "local") else spec.free.terms(model)
    return free, ZERO_PRICE if free in ("local", "zero_price") else price, terms


def as_policy_says(card: ModelCard, spec: ProviderSpec) -> ModelCard:
    """The card with what :func:`free_route` says of it."""
    free, price, terms = free_route(spec, card.model, card.price)
    return replace(card, free=free, price=price, terms=terms)
