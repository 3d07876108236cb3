"""What became of the snapshot: told by provider, only of those that answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.audit import TOO_MANY_GONE, Audit, Change, audit
from aiorch.types import ZERO_PRICE, Capabilities, Lifecycle, ModelCard, Price


def card(model: str, **said: Any) -> ModelCard:
    return ModelCard("p", model, **said)


def free(model: str, **said: Any) -> ModelCard:
    return card(model, **{"free": "zero_price", "price": ZERO_PRICE, **said})


def test_what_is_new_and_what_is_gone_is_told_of_those_that_answered() -> None:
    found = audit(
        {"p": [card("a"), card("b")], "silent": [ModelCard("silent", "x")]},
        {"p": [card("b"), card("c")], "newcomer": [ModelCard("newcomer", "y")]},
        "2026-11-01",
    )
    assert [c.id for c in found.new] == ["p/c", "newcomer/y"]
    assert [c.id for c in found.retired] == ["p/a"]
    assert found.changed == ()
    assert (found.as_of, found.providers) == ("2026-11-01", ("p", "newcomer"))


def test_what_a_list_calls_retired_is_gone_and_what_was_gone_before_is_no_news() -> None:
    dead = Lifecycle("retired")
    found = audit({"p": [card("a"), card("b", lifecycle=dead)]}, {"p": [card("a", lifecycle=dead)]})
    assert [c.id for c in found.retired] == ["p/a"]
    again = audit({"p": [card("a", lifecycle=dead)]}, {"p": [card("a")]})
    assert [c.id for c in again.new] == ["p/a"]


def test_a_change_says_what_was_and_what_is() -> None:
    before = card(
        "a",
        context=8_192,
        price=Price(Decimal("0.50"), Decimal(1)),
        free="none",
        capabilities=Capabilities(tools=True),
    )
    after = card(
        "a",
        context=131_072,
        price=Price(Decimal("0.6"), Decimal("1.0")),
        free="trial",
        capabilities=Capabilities(tools=False),
    )
    assert audit({"p": [before]}, {"p": [after]}).changed == (
        Change("p/a", "context", "8,192", "131,072"),
        Change("p/a", "price", "0.5 in, 1 out", "0.6 in, 1 out"),
        Change("p/a", "free", "none", "trial"),
        Change("p/a", "tools", "yes", "no"),
    )


def test_what_one_side_does_not_say_is_no_change() -> None:
    known = card(
        "a",
        context=1,
        price=Price(Decimal(1), Decimal(1)),
        free="none",
        capabilities=Capabilities(tools=True),
    )
    assert audit({"p": [known]}, {"p": [card("a")]}).changed == ()
    assert audit({"p": [card("a")]}, {"p": [known]}).changed == ()


def test_a_free_id_is_gone_when_it_ended_or_costs_money_now() -> None:
    found = audit(
        {"p": [free("ended"), free("costs"), free("lives"), free("untold"), card("paid", free="none")]},
        {"p": [card("costs", free="none"), free("lives"), card("untold")]},
    )
    assert found.free == 4
    assert found.free_gone == ("p/ended", "p/costs")
    assert found.share_gone == 0.5


def test_a_fifth_may_be_gone_and_no_more() -> None:
    known = {"p": [free(str(i)) for i in range(10)]}
    assert TOO_MANY_GONE == 0.20
    assert not audit(known, {"p": [free(str(i)) for i in range(2, 10)]}).exceeds()
    assert audit(known, {"p": [free(str(i)) for i in range(3, 10)]}).exceeds()
    assert audit(known, {"p": [free(str(i)) for i in range(2, 10)]}).exceeds(0.19)


def test_where_nobody_answered_nothing_is_gone() -> None:
    found = audit({"p": [free("a")]}, {})
    assert (found.free, found.share_gone, found.exceeds(0.0)) == (0, 0.0, False)


cards = st.lists(
    st.builds(card, st.sampled_from("abcd"), free=st.sampled_from(["none", "zero_price", "unknown"])),
    unique_by=lambda c: c.model,
)


@given(cards, cards)
def test_every_model_is_new_gone_or_still_there(before: list[ModelCard], after: list[ModelCard]) -> None:
    found: Audit = audit({"p": before}, {"p": after})
    new, gone = {c.model for c in found.new}, {c.model for c in found.retired}
    assert new == {c.model for c in after} - {c.model for c in before}
    assert gone == {c.model for c in before} - {c.model for c in after}
    assert 0.0 <= found.share_gone <= 1.0
    assert audit({"p": before}, {"p": before}) == Audit("", ("p",), free=found.free)
