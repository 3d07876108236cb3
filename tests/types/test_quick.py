"""Frozen dataclasses that are made quickly."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

import pytest

import aiorch
from aiorch import types
from aiorch.types import CheckResult, Message, Outcome, Parameters, Task, Text, Usage
from aiorch.types.quick import quick
from aiorch.types.serial import from_json, to_json

T = TypeVar("T")


def _body(cls: type[Any]) -> type[Any]:
    return dataclass(frozen=True, slots=True)(cls)


def _make() -> type[Any]:
    class Point(Generic[T]):
        x: float
        y: float = 0.0
        names: Mapping[str, int] = field(default_factory=dict[str, int])

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError("left of everything")
            object.__setattr__(self, "y", self.y + 1)

    return _body(Point)


ORDINARY, QUICK = _make(), quick(_make())


def test_it_is_made_as_an_ordinary_one_is() -> None:
    for args, named in [((1,), {}), ((1, 2.0), {}), ((1,), {"names": {"a": 1}}), ((), {"x": 3, "y": 4.0})]:
        slow, fast = ORDINARY(*args, **named), QUICK(*args, **named)
        assert (fast.x, fast.y, fast.names) == (slow.x, slow.y, slow.names)
        assert repr(fast) == repr(slow)
    assert str(inspect.signature(QUICK)) == str(inspect.signature(ORDINARY))
    assert QUICK(1).names is not QUICK(1).names
    for args in ((), (1, 2, {}, 4), (-1,)):
        with pytest.raises((TypeError, ValueError)) as slow_error:
            ORDINARY(*args)
        with pytest.raises(slow_error.type):
            QUICK(*args)


def test_it_stays_frozen() -> None:
    point = QUICK(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert type(point) is QUICK
    assert not hasattr(point, "__dict__")


def test_a_subclass_may_add_what_it_likes() -> None:
    class Mine(Message):
        pass

    mine = Mine("user", (Text("hi"),))
    assert type(mine) is Mine
    assert mine.text == "hi"
    with pytest.raises(FrozenInstanceError):
        mine.role = "system"  # type: ignore[misc]


def test_the_types_of_every_call_are_equal_hashed_copied_pickled_and_written_as_ever() -> None:
    message = Message.user("hi")
    things = (
        Text("a"),
        message,
        Usage(1, 2),
        CheckResult("a", None),
        Parameters(seed=1),
        Task((message,), id="1"),
    )
    for thing in (*things, Outcome("a", "a", "1", cost=Decimal("0.1"), messages=(message,))):
        same = type(thing)(**{f.name: getattr(thing, f.name) for f in fields(thing)})
        assert same == thing
        assert copy.deepcopy(thing) == pickle.loads(pickle.dumps(thing)) == replace(thing) == thing
        assert from_json(type(thing), to_json(thing)) == thing
    assert len({Text("a"), Text("a"), Text("b")}) == 2
    assert aiorch.Message is types.Message
