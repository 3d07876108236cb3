"""The ``provider`` object: what is set is sent as documented, what makes no sense is refused with the reason."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import InputError
from aiorch.providers.openrouter import MaxPrice, Percentiles, ProviderPreferences, Sort


def test_everything_is_sent_by_its_documented_name() -> None:
    told = ProviderPreferences(
        order=("a", "b/turbo"),
        only=("a", "b/turbo", "c"),
        ignore=("d",),
        allow_fallbacks=False,
        require_parameters=True,
        data_collection="deny",
        zdr=True,
        enforce_distillable_text=True,
        quantizations=("fp8", "bf16"),
        sort=Sort("throughput", "none"),
        preferred_max_latency=Percentiles(p50=1, p90=3),
        preferred_min_throughput=50,
        max_price=MaxPrice(prompt=0.5, completion=Decimal("2"), request=0),
    )
    assert told.body() == {
        "order": ["a", "b/turbo"],
        "only": ["a", "b/turbo", "c"],
        "ignore": ["d"],
        "allow_fallbacks": False,
        "require_parameters": True,
        "data_collection": "deny",
        "zdr": True,
        "enforce_distillable_text": True,
        "quantizations": ["fp8", "bf16"],
        "sort": {"by": "throughput", "partition": "none"},
        "preferred_max_latency": {"p50": 1, "p90": 3},
        "preferred_min_throughput": 50,
        "max_price": {"prompt": "0.5", "completion": "2", "request": "0"},
    }
    json.dumps(told.body())


def test_what_is_not_set_is_not_sent() -> None:
    assert ProviderPreferences().body() == {}
    assert ProviderPreferences(sort="price").body() == {"sort": "price"}


def test_lists_are_taken_for_tuples() -> None:
    given_list: Any = ["a"]
    assert ProviderPreferences(order=given_list).order == ("a",)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"order": "deepinfra"}, "takes several names: write ('deepinfra',)"),
        ({"only": ("a", "")}, "holds a name that is empty, or no text"),
        ({"only": ("a", 7)}, "holds a name that is empty, or no text"),
        ({"only": ("a",), "ignore": ("a",)}, "a cannot be in only and in ignore"),
        ({"only": ("a",), "order": ("b",)}, "b in order of ProviderPreferences, but not in its only"),
        ({"quantizations": ("int3",)}, "not int3"),
        ({"sort": "speed"}, "not speed"),
        ({"sort": Sort("speed")}, "not speed"),  # type: ignore[arg-type]
        ({"preferred_max_latency": 0}, "is a number above 0"),
        ({"preferred_max_latency": -1.0}, "is a number above 0"),
        ({"preferred_min_throughput": Percentiles()}, "is a number above 0"),
        ({"preferred_min_throughput": Percentiles(p50=0)}, "is a number above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        ProviderPreferences(**wrong)
    assert says in str(refused.value)


@pytest.mark.parametrize("price", [-1, "-0.1", "much", float("nan"), "Infinity"])
def test_a_price_is_a_number_of_dollars(price: Any) -> None:
    with pytest.raises(InputError, match="is a number of USD"):
        MaxPrice(prompt=price)


@given(st.decimals(0, 10_000, places=6))
def test_a_price_is_sent_as_it_was_written(price: Decimal) -> None:
    sent = MaxPrice(prompt=price, completion=price).body()
    assert Decimal(sent["prompt"]) == price
    assert "E" not in sent["prompt"]
    assert MaxPrice(prompt=price, completion=price).zero is (price == 0)
