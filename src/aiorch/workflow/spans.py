"""A quantity that is not known exactly: at least, most likely, at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Generic, TypeVar

N = TypeVar("N", int, Decimal)


@dataclass(frozen=True, slots=True)
class Span(Generic[N]):
    """A number between two others.

    >>> Span(1, 2, 4) + Span(1, 1, 1), Span(1, 2, 4) * Span(2, 2, 3)
    (Span(low=2, likely=3, high=5), Span(low=2, likely=4, high=12))
    """

    low: N
    likely: N
    high: N

    def __add__(self, other: Span[N]) -> Span[N]:
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, times: Span[int]) -> Span[N]:
        return Span(self.low * times.low, self.likely * times.likely, self.high * times.high)

    def told(self, write: Callable[[N], str]) -> str:
        """In words: one number where it is known, else from low to high."""
        if self.low == self.high:
            return write(self.low)
        return f"{write(self.low)} to {write(self.high)}, most likely {write(self.likely)}"


def exactly(value: int) -> Span[int]:
    """A number that is known."""
    return Span(value, value, value)


NONE: Span[int] = Span(0, 0, 0)
ONE: Span[int] = Span(1, 1, 1)
FREE: Span[Decimal] = Span(Decimal(0), Decimal(0), Decimal(0))


def observed(values: Sequence[N]) -> Span[N]:
    """What was measured: 1 in 10 was at most ``low``, half at most ``likely``, 9 in 10 at most ``high``."""
    ordered = sorted(values)
    return Span(quantile(ordered, 0.1), quantile(ordered, 0.5), quantile(ordered, 0.9))


V = TypeVar("V", int, float, Decimal)


def quantile(ordered: Sequence[V], share: float) -> V:
    """The value that this share of all does not exceed: nearest rank."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
