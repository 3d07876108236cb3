"""Chance that does the same in every run, and what the test says first."""

from __future__ import annotations

from random import Random
from typing import Self


class FakeRandom(Random):
    """Gives the draws that it was told, then those of its seed: the same in every run.

    >>> chance = FakeRandom(0.99, 0.0)
    >>> chance.random(), chance.choice("abc"), 0 <= chance.random() < 1
    (0.99, 'a', True)
    """

    def __new__(cls, *draws: float, seed: int = 0) -> Self:
        """The generator underneath takes one seed and nothing else."""
        return super().__new__(cls)

    def __init__(self, *draws: float, seed: int = 0) -> None:
        if not all(0 <= draw < 1 for draw in draws):
            raise ValueError(f"draws are from 0 up to and without 1, not {draws}")
        self._told: list[float] = list(draws)
        super().__init__()
        self.seed(seed)

    # Alone overridden, everything else (choice, shuffle, uniform ...) is made of it.
    def random(self) -> float:
        """The next draw."""
        return self._told.pop(0) if self._told else super().random()
