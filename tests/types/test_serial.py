"""Everything goes to JSON and back. What is tried is made from the types, so a new field is covered by itself."""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from decimal import Decimal

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aiorch.types
from aiorch.routing import Answer, Known, Spent
from aiorch.types import (
    Attempt,
    Budget,
    Delta,
    Deployment,
    Failure,
    FailureKind,
    Image,
    Message,
    Outcome,
    Part,
    Price,
    Ranking,
    StreamPart,
    Task,
    Usage,
    from_json,
    to_json,
    to_plain,
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)

LEAVES: dict[object, st.SearchStrategy] = {
    str: st.text(max_size=12),
    int: st.integers(min_value=0, max_value=2**63),
    float: st.floats(min_value=0, allow_nan=False, allow_infinity=False),  # JSON has neither of the two
    bool: st.booleans(),
    bytes: st.binary(max_size=12),
    Decimal: st.decimals(min_value=0, allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    typing.Any: JSON_VALUES,
    Image: st.builds(Image, url=st.text(max_size=12))
    | st.builds(Image, data=st.binary(max_size=12), media_type=st.sampled_from(["image/png", "image/jpeg"])),
}


def values_of(kind: object) -> st.SearchStrategy:
    """Values of a type, made from its annotations."""
    if kind in LEAVES:
        return LEAVES[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values_of(a) for a in args))
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple:
        if args[1:] == (Ellipsis,):
            return st.lists(values_of(args[0]), max_size=2).map(tuple)
        return st.tuples(*(values_of(a) for a in args))
    if origin is Mapping:
        return st.dictionaries(values_of(args[0]), values_of(args[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    cls = typing.cast(type, origin or kind)
    bound = dict(zip(getattr(cls, "__parameters__", ()), args, strict=True))
    hints = typing.get_type_hints(cls)
    fields = {f.name: values_of(bound.get(hints[f.name], hints[f.name])) for f in dataclasses.fields(cls)}
    if cls is Ranking:  # a tier for each candidate
        del fields["tiers"]
        return st.builds(cls, **fields).flatmap(
            lambda made: st.sampled_from([(), tuple(range(len(made.candidates)))]).map(
                lambda tiers: dataclasses.replace(made, tiers=tiers)
            )
        )
    return st.builds(cls, **fields)


def same(one: object, other: object) -> bool:
    """Equal, and of the same types all the way down (1 is not True, a tuple is no list)."""
    return one == other and repr(one) == repr(other)


PLAIN = [
    kind
    for name in aiorch.types.__all__
    if isinstance(kind := getattr(aiorch.types, name), type)
    and dataclasses.is_dataclass(kind)
    and kind is not Outcome
]


def test_no_type_is_forgotten() -> None:
    assert {Task, Attempt, Failure, Price, Message, Image} <= set(PLAIN)
    assert len(PLAIN) >= 35


@pytest.mark.parametrize("kind", [*PLAIN, Answer, Known, Spent], ids=lambda k: k.__name__)
def test_every_type_comes_back_from_json_as_it_went(kind: type) -> None:
    @settings(max_examples=25, deadline=None)
    @given(values_of(kind))
    def comes_back(value: object) -> None:
        assert same(from_json(kind, to_json(value)), value)
        assert same(from_json(kind, json.dumps(to_plain(value))), value)

    comes_back()


@pytest.mark.parametrize("union", [Part, Delta, StreamPart], ids=["Part", "Delta", "StreamPart"])
def test_a_member_of_a_union_comes_back_as_that_member(union: object) -> None:
    @settings(max_examples=60, deadline=None)
    @given(values_of(union))
    def comes_back(value: object) -> None:
        assert same(from_json(typing.cast(type, union), to_json(value, union)), value)

    comes_back()


class Person(pydantic.BaseModel):
    name: str
    born: int | None = None


@settings(max_examples=40, deadline=None)
@given(values_of(Outcome[str]))
def test_an_outcome_of_text_comes_back(outcome: Outcome[str]) -> None:
    assert same(from_json(Outcome[str], to_json(outcome, Outcome[str])), outcome)


def test_an_outcome_of_a_pydantic_model_comes_back_with_the_model() -> None:
    outcome = Outcome(Person(name="Ada", born=1815), '{"name": "Ada"}', "t1", cost=Decimal("0.0000001"))
    back = from_json(Outcome[Person], to_json(outcome, Outcome[Person]))
    assert same(back, outcome)
    assert isinstance(back.value, Person)


def test_an_outcome_is_written_without_naming_its_type() -> None:
    assert json.loads(to_json(Outcome(Person(name="Ada"), "", "t1")))["value"] == {
        "name": "Ada",
        "born": None,
    }


def test_bytes_of_an_image_are_base64_in_json() -> None:
    raw = bytes(range(256))
    image = Image(data=raw, media_type="image/png")
    assert base64.urlsafe_b64decode(json.loads(to_json(image))["data"]) == raw
    assert from_json(Image, to_json(image)).data == raw


def test_money_keeps_every_digit() -> None:
    price = Price(Decimal("0.10"), Decimal("1234567890.123456789012345678901234567890"))
    assert repr(from_json(Price, to_json(price))) == repr(price)


def test_failures_are_written_by_their_plain_names() -> None:
    failure = Failure(FailureKind.RATE_DAY, "account", "enough for today", retry_at=1.5)
    assert to_plain(failure)["kind"] == "rate_day"
    assert from_json(Failure, to_json(failure)).kind is FailureKind.RATE_DAY


def test_what_is_no_such_type_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError):
        from_json(Usage, '{"input_tokens": "many"}')
    with pytest.raises(pydantic.ValidationError):
        from_json(Image, "{}")
    with pytest.raises(pydantic.ValidationError):
        from_json(Failure, '{"kind": "tired", "scope": "account", "message": "?"}')
    with pytest.raises(pydantic.ValidationError):
        from_json(Budget, '{"tokens": -1}')


def test_reading_ignores_what_a_later_version_added() -> None:
    assert from_json(Deployment, '{"provider": "groq", "model": "m", "region": "eu"}') == Deployment(
        "groq", "m"
    )
