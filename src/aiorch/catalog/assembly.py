"""From what every source says to one card a model. Pure.

A provider whose own list is at hand has the models of that list; any other has those that the embedded snapshot and
models.dev know. Benchmark scores belong to a model, not to who serves it: those that one provider's list shows are
given to all deployments of the same family and variant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from aiorch.catalog.embedded import embedded
from aiorch.catalog.merge import merge, only
from aiorch.catalog.scores import scores_of
from aiorch.types import ModelCard, Score

Scores = Mapping[tuple[str, str | None], tuple[Score, ...]]
"""By family and variant."""

OVERLAY = frozenset({"openrouter", "vercel"})
"""What the snapshot has of providers' own lists counts before models.dev's copies of them."""


@dataclass(frozen=True, slots=True)
class Said:
    """What there is to go by for one provider."""

    provider: str
    listed: tuple[ModelCard, ...] | None = None
    """Its own list; ``None`` where it could not be had."""
    complete: bool = True
    """False where its own list leaves models out."""
    models_dev: tuple[ModelCard, ...] = ()
    """What models.dev says of it now."""


def assemble(said: Said, mine: Mapping[str, ModelCard], now: float) -> tuple[ModelCard, ...]:
    """The provider's models, each with all that is known of it.

    :param mine: the user's corrections by card id.
    """
    known = {card.model: card for card in embedded(said.provider)}
    there = {card.model: card for card in said.models_dev}
    listed = {card.model: card for card in said.listed or ()}
    models = dict.fromkeys(listed)
    if said.listed is None or not said.complete:
        models |= dict.fromkeys(known) | dict.fromkeys(there)
    cards: list[ModelCard] = []
    for model in models:
        live = listed.get(model)
        claims = list(_claims(mine.get(f"{said.provider}/{model}"), live, there.get(model), known.get(model)))
        card = merge(claims)
        cards.append(_rounded(card if live is not None else _due(card, now)))
    return tuple(cards)


def _claims(
    mine: ModelCard | None, live: ModelCard | None, told: ModelCard | None, kept: ModelCard | None
) -> Iterator[ModelCard]:
    """Most trusted first."""
    if mine is not None:
        yield mine
    if live is not None:
        yield live
    if kept is not None and told is not None:
        yield from only(kept, OVERLAY)
    if told is not None:
        yield told
    if kept is not None:
        yield kept
    elif (best := live or told) is not None and _leaves_open(best):  # the snapshot has its guesses already
        from aiorch.catalog.guesses import guess  # like families below: the snapshot needs neither

        yield guess(best)


def _leaves_open(card: ModelCard) -> bool:
    """True where an id might tell what the card does not. Sizes, and who embeds, lists are read for already."""
    can = card.capabilities
    return can.chat is None or can.vision is None or can.reasoning is None


def _due(card: ModelCard, now: float) -> ModelCard:
    """A model whose last day has passed since that was written down, and that no list shows, is gone."""
    life = card.lifecycle
    if life.state != "deprecated" or life.retires_at is None or life.retires_at > now:
        return card
    return replace(card, lifecycle=replace(life, state="retired"))


def _rounded(card: ModelCard) -> ModelCard:
    """The card with its family, and the embedded scores of that."""
    family, variant = card.family, card.variant
    if family is None:
        from aiorch.catalog.families import family_of

        kin = family_of(card.model, card.name)
        family, variant = kin.family, card.variant or kin.variant
    kept = scores_of(family, variant)
    if kept:
        there = {score.benchmark for score in card.scores}
        kept = tuple(score for score in kept if score.benchmark not in there)
    if not kept and family == card.family and variant == card.variant:
        return card
    return replace(card, family=family, variant=variant, scores=(*card.scores, *kept))


def scores_in(lists: Iterable[Sequence[ModelCard]]) -> Scores:
    """The scores that lists show, by the model that they speak of."""
    scored = [card for cards in lists for card in cards if card.scores]
    if not scored:
        return {}
    from aiorch.catalog.families import family_of

    found: dict[tuple[str, str | None], tuple[Score, ...]] = {}
    for card in scored:
        kin = family_of(card.model, card.name)
        found.setdefault((kin.family, kin.variant), card.scores)
    return found


def with_scores(cards: tuple[ModelCard, ...], shared: Scores) -> tuple[ModelCard, ...]:
    """The cards with what lists show of the same models elsewhere: before what is embedded, after their own."""
    if not shared:
        return cards
    found: list[ModelCard] = []
    for card in cards:
        told = shared.get((card.family or "", card.variant))
        if told:
            scores = {score.benchmark: score for score in (*card.scores, *told)}
            scores |= {score.benchmark: score for score in card.scores if score.source == "live"}
            card = replace(card, scores=tuple(scores.values()))
        found.append(card)
    return tuple(found)
