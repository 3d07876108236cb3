"""What the snapshot in the wheel promises: the figures of its release, held here."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import groupby

import pytest

from aiorch.catalog.embedded import FILE, as_of, embedded, embedded_all, packed, sources
from aiorch.catalog.families import Family, family_of
from aiorch.catalog.free_routes import free_kind
from aiorch.catalog.packing import score_key
from aiorch.providers import SPECS
from aiorch.types import ModelCard

CARDS = [card for cards in embedded_all().values() for card in cards]
ENDING = ("retired", "deprecated")
FREE = [c for c in CARDS if c.costs_nothing and c.capabilities.chat and c.lifecycle.state not in ENDING]


def test_offline_there_are_1500_models_of_35_providers() -> None:
    assert len([c for c in CARDS if c.capabilities.chat and c.lifecycle.state not in ENDING]) >= 1500
    assert len(embedded_all()) >= 35


def test_offline_there_are_150_free_routes_that_chat_and_are_not_ending() -> None:
    assert len(FREE) >= 150
    assert len({c.provider for c in FREE}) >= 12


def test_100_models_have_scores_however_many_providers_serve_them() -> None:
    assert len({score_key(str(c.family), c.variant) for c in CARDS if c.scores}) >= 100


def test_it_takes_at_most_200_kilobytes_in_the_wheel() -> None:
    assert len(files("aiorch.catalog").joinpath(FILE).read_bytes()) <= 200 * 1024


def test_every_provider_in_it_is_one_of_ours_and_each_model_is_there_once() -> None:
    assert set(embedded_all()) <= set(SPECS)
    assert list(embedded_all()) == [p for p in SPECS if p in embedded_all()]  # as they are preferred
    assert set(packed().providers) == set(embedded_all())
    assert all(card.provider == provider for provider, cards in embedded_all().items() for card in cards)
    assert max(Counter(card.id for card in CARDS).values()) == 1
    assert not any(SPECS[provider].local for provider in embedded_all())


def test_a_provider_that_is_not_in_it_has_no_cards() -> None:
    assert embedded("ollama") == ()
    assert embedded("nobody") == ()


def test_every_price_is_sane() -> None:
    for card in CARDS:
        if card.price is not None:
            assert Decimal(0) <= card.price.input <= Decimal(1000), card.id
            assert Decimal(0) <= card.price.output <= Decimal(2000), card.id
            assert card.price.cached_input is None or card.price.cached_input <= Decimal(1000), card.id


def test_every_number_of_tokens_is_sane() -> None:
    for card in CARDS:
        assert card.context is None or 256 <= card.context <= 100_000_000, card.id
        assert card.max_output is None or 1 <= card.max_output <= 100_000_000, card.id


def test_every_free_route_is_free_by_the_policy_of_its_providers_row() -> None:
    for card in CARDS:
        policy = SPECS[card.provider].free
        assert card.free == free_kind(policy, card.model, card.price) or card.price is None, card.id
        if card.costs_nothing:
            assert card.free == policy.kind
            assert policy.covers(card.model)
            assert card.terms is not None
            assert card.terms.basis


def test_a_price_of_zero_is_shown_only_where_a_route_is_free() -> None:
    zero = [c for c in CARDS if c.price is not None and c.price.zero]
    assert zero
    assert [c.id for c in zero if c.free in ("none", "unknown")] == []


def test_a_trial_credit_is_not_called_free() -> None:
    assert not any(card.costs_nothing for card in (*embedded("cohere"), *embedded("cerebras")))


def test_amazons_own_nova_is_there_and_free() -> None:
    nova = {card.model: card for card in embedded("nova")}
    assert set(nova) >= {"nova-2-lite-v1", "nova-2-pro-v1"}
    assert all(card.costs_nothing and card.context == 1_000_000 for card in nova.values())


def test_a_free_id_that_openrouter_no_longer_lists_is_retired_with_a_day_and_not_shown_as_alive() -> None:
    free = [card for card in embedded("openrouter") if card.model.endswith(":free")]
    gone = [card for card in free if card.retired]
    assert len(gone) >= 15
    assert len(free) - len(gone) >= 10
    for card in gone:
        assert card.lifecycle.retires_at is not None
        assert card.origin("lifecycle").source == "openrouter"


def test_nothing_is_only_for_batches() -> None:
    assert not [card.id for card in CARDS if card.model.endswith((":batch", "-batch"))]


def test_everything_gives_text_or_embeds() -> None:
    odd = [c for c in CARDS if c.outputs and "text" not in c.outputs and not c.capabilities.embeddings]
    assert [card.id for card in odd] == []


def test_who_says_what_is_told_with_a_day() -> None:
    for card in CARDS:
        assert card.source in ("models.dev", "provider row"), card.id
        for said in card.origins.values():
            assert said.source in ("models.dev", "openrouter", "vercel", "model-prices"), card.id
            assert said.as_of is not None
            assert 0 < said.confidence < 1
    priced = next(card for card in embedded("openrouter") if card.model == "openai/gpt-oss-120b")
    assert priced.origin("price").source == "openrouter"
    assert priced.origin("knowledge").source == "models.dev"


def test_the_sources_and_their_licences_are_named() -> None:
    assert date.fromisoformat(as_of()) >= date(2026, 11, 10)
    assert any(name.startswith("rates ") for name in sources())
    for name, text in sources().items():
        assert "MIT" in text or "Apache-2.0" in text, name
        assert "20" in text, name


def test_scores_say_where_they_are_from_and_when() -> None:
    scored = [score for card in CARDS for score in card.scores]
    assert {score.benchmark for score in scored} >= {"aider_polyglot", "bfcl_v4", "swe_bench_verified"}
    for score in scored:
        assert 0 <= score.value <= 100
        assert score.source
        assert date.fromisoformat(score.as_of) >= date(2024, 1, 1)
        assert "Artificial Analysis" not in score.source
        assert "LiveBench" not in score.source


def test_a_family_is_served_by_several_providers() -> None:
    by_family = sorted((str(c.family), c.provider) for c in CARDS if c.capabilities.chat)
    served = {family: {p for _, p in them} for family, them in groupby(by_family, key=lambda pair: pair[0])}
    assert len([family for family, them in served.items() if len(them) >= 5]) >= 80
    assert len(served["gpt-oss-120b"]) >= 12
    assert len(served["llama-3.3-70b"]) >= 8


@pytest.mark.parametrize("card", CARDS[::97], ids=lambda c: c.id)
def test_the_family_in_the_file_is_what_the_rules_say_today(card: ModelCard) -> None:
    assert family_of(card.model, card.name) == Family(str(card.family), card.variant)
