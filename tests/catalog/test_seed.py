from __future__ import annotations

import pytest

from aiorch.catalog import SEED
from aiorch.types import ModelCard

CARDS = [card for cards in SEED.values() for card in cards]


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_what_is_known_before_asking_is_free_dated_and_says_where_it_is_from(card: ModelCard) -> None:
    assert card.costs_nothing
    assert card.price is not None
    assert card.price.zero
    assert card.source == "embedded"
    assert card.as_of is not None
    assert card.as_of > 1_767_225_600  # 2026
    assert card.capabilities.chat
    assert not card.retired


def test_cards_lie_under_their_provider_and_each_once() -> None:
    assert all(card.provider == provider for provider, cards in SEED.items() for card in cards)
    assert len({card.id for card in CARDS}) == len(CARDS)


def test_everything_of_openrouter_is_a_free_variant() -> None:
    assert len(SEED["openrouter"]) > 20
    assert all(card.model.endswith(":free") for card in SEED["openrouter"])


def test_nova_is_known_though_its_list_is_not_documented() -> None:
    assert {card.id for card in SEED["nova"]} == {"nova/nova-2-lite-v1", "nova/nova-2-pro-v1"}
