"""Merged cards by provider, put together anew only where something has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aiorch.catalog.assembly import Said, Scores, assemble, scores_in, with_scores
from aiorch.catalog.gathering import Known
from aiorch.catalog.sources import MODELS_DEV
from aiorch.clock import Clock
from aiorch.types import ModelCard

Told = Mapping[str, tuple[ModelCard, ...]]
"""What models.dev says, by provider."""


@dataclass(frozen=True, slots=True)
class _Made:
    listed: tuple[ModelCard, ...] | None
    told: tuple[ModelCard, ...]
    cards: tuple[ModelCard, ...]
    scores: Scores
    """Those of other lists that :attr:`scored` has and :attr:`cards` has not."""
    scored: tuple[ModelCard, ...]


class Cards:
    """Merging four hundred cards takes tens of milliseconds: an unchanged list is not merged twice."""

    def __init__(self, mine: Mapping[str, ModelCard], clock: Clock) -> None:
        """:param mine: the user's corrections by card id."""
        self._mine = mine
        self._clock = clock
        self._made: dict[str, _Made] = {}
        self._told: tuple[Sequence[ModelCard], Told] = ((), {})
        self._scores: dict[str, tuple[Sequence[ModelCard], Scores]] = {}

    def of(self, name: str, known: Mapping[str, Known], complete: bool = True) -> tuple[ModelCard, ...]:
        """One provider's models.

        :param known: every list at hand, its own among them or not.
        :param complete: False where its own list leaves models out.
        """
        own = known.get(name)
        listed = own.cards if own is not None and own.at is not None else None
        told = self.told(known).get(name, ())
        scores = self._shared(known)
        made = self._made.get(name)
        if made is None or made.listed is not listed or made.told is not told:
            said = Said(name, listed, complete, told)
            cards = assemble(said, self._mine, self._clock.now())
            made = self._made[name] = _Made(listed, told, cards, scores, with_scores(cards, scores))
        elif made.scores != scores:
            scored = with_scores(made.cards, scores)
            made = self._made[name] = replace(made, scores=scores, scored=scored)
        return made.scored

    def told(self, known: Mapping[str, Known]) -> Told:
        """What models.dev says, where its list is at hand."""
        whole = known[MODELS_DEV].cards if MODELS_DEV in known else ()
        if self._told[0] is not whole:
            grouped: dict[str, list[ModelCard]] = {}
            for card in whole:
                grouped.setdefault(card.provider, []).append(card)
            self._told = (whole, {name: tuple(cards) for name, cards in grouped.items()})
        return self._told[1]

    def _shared(self, known: Mapping[str, Known]) -> Scores:
        """The scores that any provider's list shows."""
        shared: Scores = {}
        for name, one in known.items():
            if name == MODELS_DEV:
                continue
            if name not in self._scores or self._scores[name][0] is not one.cards:
                self._scores[name] = (one.cards, scores_in([one.cards]))
            shared = {**self._scores[name][1], **shared} if self._scores[name][1] else shared
        return shared
