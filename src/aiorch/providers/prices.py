"""Prices in a list of models, whatever their unit and wherever they stand, as USD per million tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from aiorch.providers.decode import as_object
from aiorch.providers.spec import PriceUnit
from aiorch.types import Price
from aiorch.types.models import MILLION

_PER_MILLION: Mapping[PriceUnit, Decimal] = {
    "usd_per_token": MILLION,
    "usd_per_million": Decimal(1),
    "hundredth_cents_per_million": Decimal("0.0001"),
}
"""What a number is multiplied with to be USD per million tokens."""

_INPUT = ("prompt", "input", "input_tokens")
_OUTPUT = ("completion", "output", "output_tokens")
_CACHED = ("input_cache_read", "cache_read_tokens")
# The names of prices that stand in the model itself, where "input" may mean anything.
_OWN_INPUT = ("prompt_text_token_price", "input_token_price_per_m")
_OWN_OUTPUT = ("completion_text_token_price", "output_token_price_per_m")
_OWN_CACHED = ("cached_prompt_text_token_price",)


def places(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where a list says things about a model: beside its id, or a level below (Venice, DeepInfra)."""
    yield item
    yield as_object(item.get("model_spec"))
    yield as_object(item.get("metadata"))


def price_of(item: Mapping[str, Any], unit: PriceUnit | None) -> Price | None:
    """What a model costs by its list; ``None`` where the list does not say, or says that it varies.

    >>> price_of({"pricing": {"prompt": "0.0000025", "completion": "0.00001"}}, "usd_per_token")
    Price(input=Decimal('2.5'), output=Decimal('10'), cached_input=None, request=Decimal('0'))
    """
    if unit is None:
        return None
    for place in places(item):
        pricing = as_object(place.get("pricing"))
        sent, made = _amount(_any(pricing, _INPUT), unit), _amount(_any(pricing, _OUTPUT), unit)
        per_call = _amount(pricing.get("request", 0), "usd_per_million")  # USD, whatever the unit of tokens
        if sent is not None and made is not None and per_call is not None:
            return Price(sent, made, _amount(_any(pricing, _CACHED), unit), per_call)
    sent, made = _amount(_any(item, _OWN_INPUT), unit), _amount(_any(item, _OWN_OUTPUT), unit)
    if sent is None or made is None:
        return None
    return Price(sent, made, _amount(_any(item, _OWN_CACHED), unit))


def dearest(hosts: Sequence[Mapping[str, Any]], unit: PriceUnit | None) -> Price | None:
    """The highest price of several hosts: the router may choose any of them, and a budget must hold with each."""
    prices = [p for h in hosts if (p := price_of(h, unit))]
    if not prices:
        return None
    return Price(max(p.input for p in prices), max(p.output for p in prices))


def _any(fields: Mapping[str, Any], names: Sequence[str]) -> object:
    return next((fields[name] for name in names if name in fields), None)


def _amount(value: object, unit: PriceUnit) -> Decimal | None:
    """USD per million tokens; ``None`` for -1 (it varies) and what is no number."""
    if isinstance(value, Mapping):  # Venice: {"usd": 0.7, "diem": 7}
        value = as_object(cast("object", value)).get("usd")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0:
        return None
    return (amount * _PER_MILLION[unit]).normalize() + 0
