"""Several sources, one card: who is believed about what, and that nothing becomes free that way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.merge import FLAGS, PLAIN, merge, only
from aiorch.types import (
    ZERO_PRICE,
    Capabilities,
    FreeKind,
    FreeTerms,
    Lifecycle,
    ModelCard,
    Origin,
    Price,
    Score,
)

PAID = Price(Decimal("0.5"), Decimal("1.5"))
GONE = Lifecycle("retired")


def card(source: str, as_of: float | None = None, **said: Any) -> ModelCard:
    return ModelCard("p", "m", source=source, as_of=as_of, **said)


# --- the most trusted that says anything -------------------------------------------------------------------------


def test_each_field_is_the_word_of_the_most_trusted_that_says_anything() -> None:
    live = card("live", 9.0, context=8_192)
    dev = card("models.dev", 5.0, context=131_072, max_output=4_096, knowledge="2025-06")
    merged = merge([live, dev, card("name", max_output=1, parameters=7)])
    assert (merged.context, merged.max_output, merged.knowledge, merged.parameters) == (
        8_192,
        4_096,
        "2025-06",
        7,
    )
    assert merged.source == "live"
    assert merged.as_of == 9.0


def test_the_card_tells_who_says_what() -> None:
    live = card("live", 9.0, context=8_192, capabilities=Capabilities(tools=True))
    dev = card("models.dev", 5.0, max_output=4_096, capabilities=Capabilities(tools=False, vision=True))
    merged = merge([card("user", name="Mine"), live, dev, card("name", parameters=7)])
    assert merged.origin("context") == Origin("live", 9.0)
    assert merged.origin("name") == Origin("user", None, 1.0)
    assert merged.origin("max_output") == Origin("models.dev", 5.0, 0.8)
    assert merged.origin("capabilities.tools") == Origin("live", 9.0)
    assert merged.origin("capabilities.vision") == Origin("models.dev", 5.0, 0.8)
    assert merged.origin("parameters") == Origin("name", None, 0.3)


def test_a_card_that_was_merged_before_keeps_its_origins() -> None:
    kept = card("embedded", 1.0, context=5, max_output=3, origins={"context": Origin("openrouter", 2.0, 0.9)})
    merged = merge([card("live", 9.0), kept])
    assert merged.origin("context") == Origin("openrouter", 2.0, 0.9)
    assert merged.origin("max_output") == Origin("embedded", 1.0, 0.5)


def test_abilities_are_merged_one_by_one() -> None:
    live = card("live", capabilities=Capabilities(tools=False))
    dev = card("models.dev", capabilities=Capabilities(tools=True, vision=True))
    assert merge([live, dev]).capabilities == Capabilities(tools=False, vision=True)


def test_what_nobody_says_stays_unsaid() -> None:
    assert merge([card("live"), card("name")]) == card("live")


def test_the_only_claim_is_taken_as_it_is() -> None:
    mine = card("live", context=1)
    assert merge([mine]) is mine


def test_a_variant_is_not_taken_from_below_the_family_that_it_sets_apart() -> None:
    merged = merge([card("user", family="mine"), card("name", family="other", variant="thinking")])
    assert (merged.family, merged.variant) == ("mine", None)
    merged = merge([card("user", variant="fp8"), card("name", family="other", variant="thinking")])
    assert (merged.family, merged.variant) == ("other", "fp8")


def test_of_each_benchmark_the_most_trusted_score_is_shown() -> None:
    live = card("live", scores=(Score("a", 1.0), Score("b", 2.0)))
    kept = card("embedded", scores=(Score("b", 9.0), Score("c", 3.0)))
    assert merge([live, kept]).scores == (Score("a", 1.0), Score("b", 2.0), Score("c", 3.0))


def test_a_demo_is_a_demo_whoever_says_so() -> None:
    assert merge([card("user", name="x"), card("live", demo=True)]).demo


# --- free, or not ------------------------------------------------------------------------------------------------


def test_what_is_kept_as_free_does_not_survive_a_list_that_shows_a_price() -> None:
    merged = merge(
        [card("live", price=PAID, free="none"), card("embedded", price=ZERO_PRICE, free="zero_price")]
    )
    assert (merged.free, merged.price, merged.costs_nothing) == ("none", PAID, False)


def test_a_less_trusted_source_never_makes_free_what_a_more_trusted_one_prices() -> None:
    merged = merge([card("models.dev", price=PAID), card("embedded", price=ZERO_PRICE, free="zero_price")])
    assert (merged.free, merged.price) == ("none", PAID)
    assert merged.origin("free").source == "models.dev"


def test_a_list_without_prices_leaves_its_providers_policy_in_force() -> None:
    live = card("live", free="free_quota", terms=FreeTerms("a plan"))
    merged = merge([live, card("models.dev", price=PAID, free="none")])
    assert (merged.free, merged.price, merged.terms) == ("free_quota", PAID, FreeTerms("a plan"))


@pytest.mark.parametrize("price", [None, ZERO_PRICE])
def test_what_a_live_list_leaves_open_stays_open(price: Price | None) -> None:
    live = card("live", price=price, free="unknown")
    merged = merge([live, card("embedded", price=ZERO_PRICE, free="zero_price", terms=FreeTerms("once"))])
    assert merged.free == "unknown"
    assert not merged.costs_nothing
    assert merged.terms is None


def test_a_route_that_is_paid_is_not_shown_at_a_price_of_zero_by_somebody_else() -> None:
    live = card("live", free="none")
    assert merge([live, card("models.dev", price=ZERO_PRICE)]).price is None
    assert merge([live, card("models.dev", price=ZERO_PRICE), card("embedded", price=PAID)]).price == PAID
    assert (
        merge([card("openrouter", price=ZERO_PRICE), card("models.dev", price=PAID, free="none")]).price
        == PAID
    )


def test_where_nothing_is_charged_the_price_is_zero() -> None:
    merged = merge([card("live", free="zero_price"), card("models.dev", price=PAID, free="none")])
    assert merged.price == ZERO_PRICE
    assert merge([card("user", free="zero_price"), card("live")]).price == ZERO_PRICE
    assert merge([card("user", free="local"), card("live")]).price is None


def test_the_user_has_the_last_word_on_what_is_free() -> None:
    live = card("live", price=PAID, free="none")
    assert merge([card("user", free="free_quota"), live]).free == "free_quota"
    assert merge([card("user", price=PAID), card("live", free="free_quota")]).free == "none"
    assert (
        merge([card("user", price=PAID, free="free_quota"), card("live", free="none")]).free == "free_quota"
    )


def test_a_note_of_the_user_stands_whatever_the_route_costs() -> None:
    note = FreeTerms("our contract")
    assert merge([card("user", terms=note), card("live", price=PAID, free="none")]).terms == note
    assert (
        merge([card("user", terms=note), card("live", free="free_quota", terms=FreeTerms("x"))]).terms == note
    )


SOURCES = ("user", "live", "openrouter", "models.dev", "embedded", "name")
SOME_PRICES = (None, None, ZERO_PRICE, PAID, Price(Decimal(2), Decimal(0)))
costs = st.builds(
    ModelCard,
    provider=st.just("p"),
    model=st.just("m"),
    price=st.sampled_from(SOME_PRICES),
    free=st.sampled_from(get_args(FreeKind)),
    terms=st.sampled_from((None, FreeTerms("x"), FreeTerms("y"))),
    source=st.sampled_from(SOURCES),
)
facts = st.builds(
    ModelCard,
    provider=st.just("p"),
    model=st.just("m"),
    context=st.sampled_from((None, 1, 2)),
    created=st.sampled_from((None, 1.0)),
    open_weights=st.sampled_from((None, True, False)),
    inputs=st.sampled_from((None, ("text",))),
    capabilities=st.builds(
        Capabilities, st.sampled_from((None, True, False)), st.just(None), st.sampled_from((None, True))
    ),
    lifecycle=st.sampled_from(
        (Lifecycle(), GONE, Lifecycle("active"), Lifecycle("deprecated", successor="s"))
    ),
    family=st.sampled_from((None, "f", "g")),
    variant=st.sampled_from((None, "v")),
    scores=st.sampled_from(((), (Score("a", 1.0),))),
    source=st.sampled_from(SOURCES),
    as_of=st.sampled_from((None, 1.0, 2.0)),
)
several = st.lists(costs, min_size=2, max_size=4)
claims = st.lists(facts, min_size=2, max_size=4)


@given(several)
def test_no_claim_makes_free_what_one_before_it_prices(all_: Sequence[ModelCard]) -> None:
    merged = merge(all_)
    if merged.costs_nothing or merged.free == "trial":
        says = next(i for i, c in enumerate(all_) if c.free != "unknown")
        assert all_[says].free == merged.free
        assert not any(c.price is not None and not c.price.zero for c in all_[:says])
        assert not any(c.source == "live" for c in all_[:says])


@given(several)
def test_a_price_never_contradicts_the_kind_of_route(all_: Sequence[ModelCard]) -> None:
    merged = merge(all_)
    if merged.free in ("zero_price", "local"):
        assert merged.price is None or merged.price.zero
    if merged.free == "none" and merged.price is not None and merged.price.zero:
        assert any(c.free == "none" and c.price is not None and c.price.zero for c in all_)
    if merged.price is not None:
        assert merged.price == ZERO_PRICE or merged.price in [c.price for c in all_]


@given(claims)
def test_every_field_is_somebodys_and_its_origin_says_whose(all_: Sequence[ModelCard]) -> None:
    merged = merge(all_)
    for field in PLAIN:
        said = [(getattr(c, field), c) for c in all_ if getattr(c, field) is not None]
        assert getattr(merged, field) == (said[0][0] if said else None)
        if said:
            assert merged.origin(field).source == said[0][1].source
    for flag in FLAGS:
        said = [(getattr(c.capabilities, flag), c) for c in all_ if getattr(c.capabilities, flag) is not None]
        assert getattr(merged.capabilities, flag) == (said[0][0] if said else None)
        if said:
            assert merged.origin(f"capabilities.{flag}").source == said[0][1].source


@given(claims)
def test_a_claim_that_says_nothing_changes_nothing(all_: Sequence[ModelCard]) -> None:
    all_ = [*all_, card("models.dev", as_of=1.0)]
    assert merge([*all_, ModelCard("p", "m", source="name")]) == merge(all_)


@given(claims)
def test_origins_speak_only_of_what_is_said(all_: Sequence[ModelCard]) -> None:
    merged = merge(all_)
    names = {f.name for f in fields(ModelCard)} | {f"capabilities.{flag}" for flag in FLAGS}
    assert merged.origins.keys() <= names
    for name in merged.origins:
        holder = merged.capabilities if name.startswith("capabilities.") else merged
        assert getattr(holder, name.rpartition(".")[2]) is not None


# --- whether it lives --------------------------------------------------------------------------------------------


def test_a_list_that_has_it_beats_an_older_word_that_it_is_gone() -> None:
    merged = merge([card("live", 9.0), card("embedded", 5.0, lifecycle=GONE)])
    assert merged.lifecycle == Lifecycle("active")
    assert merged.origin("lifecycle") == Origin("live", 9.0)


def test_a_later_word_that_it_is_gone_beats_a_list_that_had_it() -> None:
    merged = merge([card("live", 5.0), card("embedded", 9.0, lifecycle=GONE)])
    assert merged.retired
    assert merged.origin("lifecycle").source == "embedded"


def test_of_the_same_day_the_more_trusted_counts() -> None:
    assert merge(
        [card("live", 5.0, lifecycle=GONE), card("embedded", 5.0, lifecycle=Lifecycle("active"))]
    ).retired


def test_a_list_that_only_has_it_does_not_hide_when_it_ends() -> None:
    ending = Lifecycle("deprecated", retires_at=50.0, successor="next")
    merged = merge([card("live", 9.0), card("embedded", 5.0, lifecycle=ending)])
    assert merged.lifecycle == ending


def test_what_ended_tells_the_successor_that_anybody_named() -> None:
    merged = merge(
        [card("live", 9.0, lifecycle=GONE), card("embedded", 5.0, lifecycle=Lifecycle(successor="next"))]
    )
    assert merged.lifecycle == Lifecycle("retired", successor="next")


@pytest.mark.parametrize(("mine", "retired"), [("active", False), ("retired", True)])
def test_the_user_has_the_last_word_on_what_lives(mine: Any, retired: bool) -> None:
    others = [card("live", 9.0, lifecycle=GONE), card("embedded", 8.0, lifecycle=Lifecycle("active"))]
    assert merge([card("user", lifecycle=Lifecycle(mine)), *others]).retired is retired


def test_nobody_knows_whether_it_lives() -> None:
    assert merge([card("models.dev"), card("name")]).lifecycle == Lifecycle()


# --- a part of a merged card -------------------------------------------------------------------------------------


def test_a_part_of_a_card_holds_what_its_sources_say_and_nothing_else() -> None:
    origins = {"context": Origin("openrouter", 2.0), "capabilities.tools": Origin("openrouter", 2.0)}
    whole = card(
        "models.dev",
        1.0,
        context=9,
        max_output=8,
        capabilities=Capabilities(tools=True, vision=True),
        origins=origins,
    )
    (part,) = only(whole, frozenset({"openrouter"}))
    assert part == replace(
        card("models.dev", 1.0), context=9, capabilities=Capabilities(tools=True), origins=origins
    )
    assert list(only(whole, frozenset({"live"}))) == []
