"""From single answers to a score with the doubt that so few questions leave, and to how quick a model was. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from aiorch.benchmarking.records import Record, Records
from aiorch.benchmarking.suite import SUITE, Part, Suite
from aiorch.store import Store
from aiorch.types import Score

SOURCE = "aiorch benchmark"
"""What scores of one's own have as :attr:`Score.source`, so that they are never taken for public ones."""

FEWEST = 5
"""Answers that make a score. With fewer the interval covers nearly everything: 4 of 4 right is 0.51 to 1."""

CONFIDENT = 1.959964
"""The normal distribution's quantile of a two-sided 95% interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    right: int
    of: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One model at one provider, measured."""

    provider: str
    model: str
    suite: str
    right: int
    answered: int
    """Answers that could be told right or wrong; what failed or was left out is not among them."""
    interval: tuple[float, float]
    """Where its share of right answers lies, with 95% confidence, over questions like these."""
    parts: Mapping[Part, Share]
    first_token: float | None
    """Median seconds to the first piece."""
    tokens_per_second: float | None
    """Median."""
    seconds: float | None
    """Median seconds of a whole answer."""
    as_of: str
    """The day of the latest answer, UTC."""
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    """By kind, how many questions were asked and not answered."""
    served: tuple[str, ...] = ()
    """Ids that answered in its place."""

    @property
    def card(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"

    @property
    def score(self) -> Score | None:
        """The share of right answers, 0 to 1; ``None`` with fewer than :data:`FEWEST`."""
        if self.answered < FEWEST:
            return None
        return Score(self.suite, self.right / self.answered, self.as_of, SOURCE)

    def to_record(self) -> dict[str, Any]:
        """Plain values, for a table or JSON."""
        low, high = self.interval
        score = self.score
        return {
            "model": self.card,
            "suite": self.suite,
            "score": None if score is None else score.value,
            "low": low,
            "high": high,
            "right": self.right,
            "answered": self.answered,
            **{part: None if not of.of else of.right / of.of for part, of in self.parts.items()},
            "first_token": self.first_token,
            "tokens_per_second": self.tokens_per_second,
            "seconds": self.seconds,
            "failures": dict(self.failures),
            "served": list(self.served),
            "as_of": self.as_of,
        }


def measured(records: Iterable[Record], suite: Suite = SUITE) -> tuple[Measured, ...]:
    """Every model among ``records``, best score first. Questions that the suite does not have count nowhere."""
    parts: dict[str, Part] = {item.id: item.part for item in suite.items}
    by_model: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.suite == suite.name and record.item in parts:
            by_model.setdefault((record.provider, record.model), []).append(record)
    found = [_measured(provider, model, of, parts) for (provider, model), of in by_model.items()]
    return tuple(sorted(found, key=best_first))


def best_first(one: Measured) -> tuple[object, ...]:
    """The order of scores: those that are none come last."""
    return (one.score is None, -one.right / max(one.answered, 1), -one.answered, one.card)


async def own_scores(store: Store, suite: Suite = SUITE) -> Mapping[str, Score]:
    """The scores that were measured here, by ``provider/model``. Kept apart from public ones by their ``source``.

    :raises StorageError: when the database cannot be read.
    """
    found = measured(await Records(store).of(suite.name), suite)
    return {one.card: one.score for one in found if one.score is not None}


def wilson(right: int, of: int, quantile: float = CONFIDENT) -> tuple[float, float]:
    """The interval of a share by E. B. Wilson (Journal of the American Statistical Association 22, 1927, p. 209).

    Unlike the usual ``p ± z·s`` it stays within 0 and 1, and is honest where all or none of a few were right.

    >>> low, high = wilson(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    if of == 0:
        return 0.0, 1.0
    share, squared = right / of, quantile**2
    middle = (share + squared / (2 * of)) / (1 + squared / of)
    half = quantile / (1 + squared / of) * math.sqrt(share * (1 - share) / of + squared / (4 * of**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def day(at: float) -> str:
    """The date, UTC.

    >>> day(1_800_000_000)
    '2027-01-15'
    """
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _measured(provider: str, model: str, records: Sequence[Record], parts: Mapping[str, Part]) -> Measured:
    answers = [record for record in records if record.passed is not None]
    right = sum(record.passed is True for record in answers)
    shares: dict[Part, Share] = {}
    for part in dict.fromkeys(parts.values()):
        of = [record.passed for record in answers if parts[record.item] == part]
        shares[part] = Share(sum(passed is True for passed in of), len(of))
    return Measured(
        provider=provider,
        model=model,
        suite=records[0].suite,
        right=right,
        answered=len(answers),
        interval=wilson(right, len(answers)),
        parts=shares,
        first_token=_middle(record.first_token for record in answers),
        tokens_per_second=_middle(record.tokens_per_second for record in answers),
        seconds=_middle(record.seconds for record in answers),
        as_of=day(max(record.at for record in answers or records)),
        failures=Counter(record.failure for record in records if record.failure is not None),
        served=tuple(dict.fromkeys(record.served for record in answers if record.served)),
    )


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
