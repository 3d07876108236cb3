from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.packing import pack, score_key, unpack
from aiorch.providers import FreePolicy, ProviderSpec
from aiorch.types import Capabilities, Lifecycle, ModelCard, Origin, Price, Score

ACME = ProviderSpec(id="acme", name="Acme", base_url="https://acme.example")
FULL = ModelCard(
    "acme",
    "m-7b",
    name="M",
    context=8192,
    max_output=1024,
    price=Price(Decimal("0.00002"), Decimal("1E+2"), Decimal("0.00001"), Decimal("0.1")),
    free="none",
    capabilities=Capabilities(tools=True, vision=False),
    inputs=("image", "text"),
    outputs=("text",),
    lifecycle=Lifecycle("deprecated", 1.0, 2.0, "m-8b"),
    family="m-7b",
    variant="fp8",
    knowledge="2026-01",
    open_weights=True,
    parameters=7_000_000_000,
    created=3.0,
    source="models.dev",
    as_of=4.0,
    origins={"price": Origin("openrouter", 5.0, 0.9)},
)


def packed(*cards: ModelCard, scores: dict[str, list[Score]] | None = None) -> bytes:
    return pack({"acme": cards}, scores or {}, as_of="2026-11-10", sources={"a": "MIT"})


def test_a_card_comes_back_as_it_went_in() -> None:
    held = unpack(packed(FULL))
    assert held.cards(ACME) == (FULL,)
    assert (held.as_of, dict(held.sources), held.providers) == ("2026-11-10", {"a": "MIT"}, ("acme",))


def test_a_card_of_which_nothing_is_known_comes_back_too() -> None:
    bare = ModelCard("acme", "x", family="x", free="none")
    assert unpack(packed(bare)).cards(ACME) == (bare,)


price = st.builds(
    Price,
    *(st.decimals(0, 1000, places=8) for _ in range(2)),
    cached_input=st.none() | st.decimals(0, 1000, places=8),
)


@given(
    st.lists(
        st.builds(
            ModelCard,
            st.just("acme"),
            st.text(min_size=1),
            name=st.none() | st.text(),
            price=st.none() | price,
            family=st.text(min_size=1),
            variant=st.none() | st.text(min_size=1),
        ),
        unique_by=lambda card: card.model,
    )
)
def test_whatever_is_packed_comes_back_sorted_and_the_same(cards: list[ModelCard]) -> None:
    back = unpack(packed(*cards)).cards(ACME)
    plain = [replace(c, parameters=None, free="unknown") for c in back]
    assert plain == sorted(cards, key=lambda c: c.model)


def test_the_same_cards_give_the_same_bytes_in_any_order() -> None:
    other = replace(FULL, model="a")
    assert packed(FULL, other) == packed(other, FULL)


def test_what_is_free_is_decided_by_the_row_when_it_is_read() -> None:
    free = replace(ACME, free=FreePolicy("free_quota", models=("m-*",), basis="a plan", as_of="2026"))
    card = unpack(packed(FULL)).cards(free)[0]
    assert card.free == "free_quota"
    assert card.terms is not None
    assert card.terms.basis == "a plan"


def test_a_provider_that_is_not_there_has_no_cards() -> None:
    assert unpack(packed(FULL)).cards(replace(ACME, id="other")) == ()


def test_a_score_belongs_to_a_kind_and_to_how_that_is_served_but_not_to_other_kinds() -> None:
    score = Score("bench", 1.5, "2026-01-01", "somebody")
    held = unpack(packed(FULL, scores={"m": [score], "m#thinking": [replace(score, value=2.0)]}))
    assert score_key("m", None) == "m"
    assert held.scores("m", None) == held.scores("m", "fp8") == held.scores("m", "20250807-turbo") == (score,)
    assert [s.value for s in held.scores("m", "thinking")] == [2.0]
    assert held.scores("m", "thinking-fp8") == held.scores("m", "0324") == held.scores("n", None) == ()


@pytest.mark.parametrize("body", [b"", b"not gzip", packed(FULL)[:-20]])
def test_a_damaged_file_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(body)


def test_a_file_of_another_format_is_told() -> None:
    with pytest.raises(ValueError, match="format 99, not 1"):
        unpack(gzip.compress(json.dumps({"format": 99}).encode()))
