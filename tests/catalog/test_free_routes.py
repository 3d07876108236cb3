from __future__ import annotations

from decimal import Decimal

import pytest

from aiorch.catalog.free_routes import as_policy_says, free_kind, free_route
from aiorch.providers import SPECS, FreePolicy
from aiorch.types import ZERO_PRICE, ModelCard, Price

PAID = Price(Decimal(1), Decimal(2))
ROUTER = FreePolicy("zero_price", models=("*:free",), zero_price=True)
QUOTA = FreePolicy("free_quota", models=("a-*",))
MARKED = FreePolicy("zero_price", zero_price=True, listed=("isFree", True))
TIERED = FreePolicy("free_quota", listed=("tier", "turbo"))


@pytest.mark.parametrize(
    ("policy", "model", "price", "free"),
    [
        (ROUTER, "x:free", ZERO_PRICE, "zero_price"),
        (ROUTER, "x:free", PAID, "none"),
        (ROUTER, "x:free", None, "unknown"),
        (ROUTER, "x", ZERO_PRICE, "unknown"),  # a plan, or a price that varies
        (ROUTER, "x", PAID, "none"),
        (QUOTA, "a-1", PAID, "free_quota"),
        (QUOTA, "a-1", None, "free_quota"),
        (QUOTA, "b-1", ZERO_PRICE, "none"),
        (MARKED, "x:free", ZERO_PRICE, "zero_price"),
        (MARKED, "auto", ZERO_PRICE, "unknown"),
        (MARKED, "x:free", PAID, "none"),
        (TIERED, "x", None, "unknown"),
        (FreePolicy("none"), "x", ZERO_PRICE, "none"),
    ],
)
def test_what_is_free_is_what_the_row_says(
    policy: FreePolicy, model: str, price: Price | None, free: str
) -> None:
    assert free_kind(policy, model, price) == free


def test_the_limits_of_the_row_go_with_a_free_route() -> None:
    free, price, terms = free_route(SPECS["groq"], "openai/gpt-oss-120b", PAID)
    assert (free, price) == ("free_quota", PAID)
    assert terms == SPECS["groq"].free.terms("openai/gpt-oss-120b")


def test_a_route_that_is_free_by_price_costs_zero_and_a_paid_one_what_it_costs() -> None:
    nova = as_policy_says(ModelCard("nova", "nova-2-lite-v1"), SPECS["nova"])
    assert (nova.free, nova.price) == ("zero_price", ZERO_PRICE)
    paid = as_policy_says(ModelCard("openai", "gpt-5", price=PAID), SPECS["openai"])
    assert (paid.free, paid.price, paid.terms) == ("none", PAID, None)
