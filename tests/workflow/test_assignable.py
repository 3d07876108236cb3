"""Only what surely does not fit is refused: a table of types."""

from __future__ import annotations

import collections.abc as abc
import datetime
import enum
import typing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NewType, Protocol, TypedDict, TypeVar

import pydantic
import pytest
from tests.workflow.naming import steady

from aiorch.workflow.assignable import UNKNOWN, holds, item_of, may_fit

T = TypeVar("T")
Name = NewType("Name", str)


class Animal: ...


class Dog(Animal): ...


class Stone: ...


class Shape(abc.Sized): ...


class Speaks(Protocol):
    def speak(self) -> str: ...


class Colour(str, enum.Enum):  # noqa: UP042
    RED = "red"


class Row(TypedDict):
    name: str


class Model(pydantic.BaseModel):
    name: str


@dataclass
class Box(Generic[T]):
    inside: T


FITS = [
    (int, int),
    (int, float),
    (float, int),  # a whole number is told to be a float, too (PEP 484)
    (bool, int),
    (int, bool),  # it may be one: bool is a kind of int
    (float, complex),
    (bytearray, bytes),
    (Dog, Animal),
    (Animal, Dog),  # what is told to be an animal may be a dog
    (Any, int),
    (int, Any),
    (int, object),
    (object, int),
    (int, T),
    ("Unresolved", int),
    (int, "Unresolved"),
    (typing.NoReturn, int),
    (str | None, str),
    (str, str | None),
    (None, None),
    (None, str | None),
    (type(None), typing.Optional[int]),  # noqa: UP045
    (int | str, list[int] | str),
    (Annotated[int, "years"], int),
    (str, Annotated[str, "a name"]),
    (Name, str),
    (str, Name),
    (Literal["a", "b"], str),
    (str, Literal["a"]),
    (Literal["a", "b"], Literal["b", "c"]),
    (Colour, str),
    (str, Colour),
    (list[int], list[int]),
    (list[int], list),
    (list, list[int]),
    (list[int], abc.Sequence[int]),
    (list[bool], abc.Iterable[int]),
    (abc.Sequence[int], list[int]),
    (abc.Iterable, abc.Sequence),
    (abc.Sized, abc.Iterable),  # a list is both
    (str, abc.Sequence[str]),
    (dict[str, int], abc.Mapping[str, float]),
    (tuple[int, str], tuple[int, str]),
    (tuple[int, ...], tuple[int, int]),
    (tuple[int, int], tuple[int, ...]),
    (tuple[int, int], abc.Sequence[int]),
    (tuple, tuple[int]),
    (abc.Sequence[int], tuple[int, ...]),
    (list[Any], list[int]),
    (list[int | str], list[str]),
    (dict[str, Any], Row),
    (Row, dict[str, str]),
    (Row, abc.Mapping[str, str]),
    (Dog, Speaks),
    (Animal, Shape),  # a class of both may be made
    (Box[int], Box[int]),
    (Box[int], Box[str]),  # what a class of somebody's does with its parameter is its business
    (abc.Callable[[], int], abc.Callable[..., Any]),
    (Animal, abc.Callable[..., Any]),
    (type[int], type[Any]),
    (datetime.datetime, datetime.date),
    (Path, Path),
    (list["Unresolved"], list[int]),  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
]

FITS_NOT = [
    (str, int),
    (int, str),
    (None, str),
    (str, None),
    (Dog, Stone),
    (str, Literal[1, 2]),
    (Literal["a"], Literal["b"]),
    (Literal["a"], int),
    (str, list[str]),
    (list[str], str),
    (int, list[int]),
    (list[int], list[str]),
    (list[int], abc.Sequence[str]),
    (abc.Iterable[int], list[str]),
    (list[list[int]], list[list[str]]),
    (dict[str, int], dict[int, int]),
    (dict[str, int], abc.Mapping[str, str]),
    (tuple[int, str], tuple[int, int]),
    (tuple[int, int], tuple[int, int, int]),
    (tuple[int, str], tuple[int, ...]),
    (tuple[str, ...], tuple[int, int]),
    (tuple[int, str], abc.Sequence[int]),
    (abc.Sequence[int], tuple[str, ...]),
    (list[int], tuple[int, ...]),
    (int | str, list[int]),
    (str, int | float),
    (Model, str),
    (dict[str, str], Model),
    (str, Row),
    (Row, int),
    (int, abc.Callable[..., Any]),
    (abc.Callable[..., Any], str),
    (int, abc.Sequence[int]),
    (abc.Sized, int),
    (Name, int),
    (Colour, int),
    (Path, str),
    (str, Path),
    (Decimal, int),
    (bytes, str),
    (Annotated[int, "years"], str),
]


@pytest.mark.parametrize(("given", "wanted"), FITS, ids=steady)
def test_what_may_fit_is_never_refused(given: Any, wanted: Any) -> None:
    assert may_fit(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), FITS_NOT, ids=steady)
def test_what_surely_does_not_fit_is_refused(given: Any, wanted: Any) -> None:
    assert not may_fit(given, wanted)


def test_an_annotation_that_nobody_foresaw_is_no_mismatch() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise TypeError

        __hash__ = None  # type: ignore[assignment]

    assert may_fit(Odd(), int)
    assert may_fit(int, Odd())
    assert may_fit(3, int)


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (list[int], int),
        (set[str], str),
        (tuple[int, ...], int),
        (tuple[int, int], int),
        (tuple[int, str], UNKNOWN),
        (abc.Iterable[Dog], Dog),
        (list[int] | None, int),
        (list[int] | tuple[str, ...], UNKNOWN),
        (list, UNKNOWN),
        (Any, UNKNOWN),
        (Animal, UNKNOWN),
        (Literal["a"], UNKNOWN),
        (str, None),
        (int, None),
        (dict[str, int], None),
        (Row, None),
        (None, None),
        (int | str, None),
    ],
    ids=steady,
)
def test_what_a_mapping_walks_over(kind: Any, item: Any) -> None:
    assert item_of(kind) is item


@pytest.mark.parametrize(
    ("value", "kind", "held"),
    [
        (1, float, True),
        ("x", int, False),
        (None, str, False),
        (None, str | None, True),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ([1, 2], list[str], False),
        ([1, "a"], list[str], True),  # not sure
        ([], list[str], True),
        ({"a": 1}, dict[str, str], False),
        ({}, dict[str, str], True),
        ([[1]], list[list[str]], False),
        (Dog(), Animal, True),
        (Stone(), Animal, False),
        (Colour.RED, Colour, True),
    ],
    ids=steady,
)
def test_what_a_value_is(value: Any, kind: Any, held: bool) -> None:
    assert holds(value, kind) is held
