"""Several sources speak of one model: by field, the most trusted that says anything. Pure.

The order of trust is the user's own file, the provider's list, OpenRouter's list as the snapshot has it, models.dev,
and last what the id alone tells. Two fields follow rules of their own, since they decide what is spent and what is
called: whether a route is free (a less trusted source never makes free what a more trusted one prices) and whether a
model lives (the latest evidence counts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

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

CONFIDENCE: Mapping[str, float] = {
    "user": 1.0,
    "live": 1.0,
    "openrouter": 0.9,
    "models.dev": 0.8,
    "name": 0.3,
}
"""How far a source is believed that does not say so itself; any other one half."""

PLAIN = (
    *("name", "context", "max_output", "inputs", "outputs", "knowledge", "open_weights", "parameters"),
    "created",
)
"""Fields of which the first that is not ``None`` counts."""
FLAGS = tuple(Capabilities.__slots__)
"""What a model can do, one by one: a list that tells of tools need not tell of images."""

_NO_CHARGE = frozenset({"local", "zero_price"})
_TOLD_FREE = frozenset({"local", "zero_price", "free_quota", "anonymous", "trial"})

Found = Mapping[str, tuple[Any, int]]
"""By field: what it is, and the place of the claim that says so."""


def merge(claims: Sequence[ModelCard]) -> ModelCard:
    """One card of all that is said of one model at one provider.

    :param claims: most trusted first, all of the same ``provider`` and ``model``; at least one.

    ``origins`` names who says a field, where that is not the ``source`` of the whole card: the first claim that is
    not the user's.

        merge([live, embedded]).origin("context").source
    """
    if len(claims) == 1:
        return claims[0]
    found: dict[str, tuple[Any, int]] = {}
    for field in PLAIN:
        for place, claim in enumerate(claims):
            if (value := getattr(claim, field)) is not None:
                found[field] = (value, place)
                break
    found.update(_family(claims))
    found.update(_cost(claims))
    found["lifecycle"] = _life(claims)
    flags = _flags(claims)
    base = next((claim for claim in claims if claim.source != "user"), claims[0])
    return replace(
        base,
        capabilities=Capabilities(**{flag: value for flag, (value, _) in flags.items()}),
        scores=_scores(claims),
        demo=any(claim.demo for claim in claims),
        origins=_origins(
            claims, base, {**found, **{f"capabilities.{flag}": said for flag, said in flags.items()}}
        ),
        **{field: value for field, (value, _) in found.items()},
    )


def _flags(claims: Sequence[ModelCard]) -> Mapping[str, tuple[bool, int]]:
    found: dict[str, tuple[bool, int]] = {}
    for place, claim in enumerate(claims):
        can = claim.capabilities
        for flag in FLAGS:
            if flag not in found and (value := getattr(can, flag)) is not None:
                found[flag] = (value, place)
    return found


def _family(claims: Sequence[ModelCard]) -> Found:
    """The variant belongs to the family that it sets apart: not taken from a claim below the one that names that."""
    found: dict[str, tuple[Any, int]] = {"variant": (None, 0)}
    for place, claim in enumerate(claims):
        if claim.variant is not None and found["variant"][0] is None:
            found["variant"] = (claim.variant, place)
        if claim.family is not None:
            found["family"] = (claim.family, place)
            break
    return found


def _scores(claims: Sequence[ModelCard]) -> tuple[Score, ...]:
    """Of each benchmark the most trusted score."""
    found: dict[str, Score] = {}
    for claim in claims:
        for score in claim.scores:
            found.setdefault(score.benchmark, score)
    return tuple(found.values())


# --- what it costs -----------------------------------------------------------------------------------------------


def _cost(claims: Sequence[ModelCard]) -> Found:
    """Price, kind of free route and its terms: together, for a price that contradicts the kind would be spent."""
    free, says_free = _free(claims)
    price, says_price = _price(claims, free, says_free)
    found: dict[str, tuple[Any, int]] = {"free": (free, says_free), "price": (price, says_price)}
    found["terms"] = _terms(claims, free)
    return found


def _free(claims: Sequence[ModelCard]) -> tuple[FreeKind, int]:
    """Who says first whether it is free; not free where somebody who is trusted more shows a price.

    The list of a provider has been read with that provider's free policy in hand, so that what it leaves open stays
    open.
    """
    priced: int | None = None
    for place, claim in enumerate(claims):
        if claim.free != "unknown":
            if priced is not None and claim.free in _TOLD_FREE:
                return "none", priced
            return claim.free, place
        if claim.source == "live":
            return "unknown", place
        if priced is None and claim.price is not None and not claim.price.zero:
            priced = place
    return "unknown", 0


def _price(claims: Sequence[ModelCard], free: FreeKind, says_free: int) -> tuple[Price | None, int]:
    """The first price that fits the kind of route: zero where nothing is charged, not zero where it is paid."""
    for place, claim in enumerate(claims):
        if claim.price is None:
            continue
        if free in _NO_CHARGE and not claim.price.zero:
            return ZERO_PRICE, says_free
        if place != says_free and free == "none" and claim.price.zero:
            continue
        return claim.price, place
    return (ZERO_PRICE, says_free) if free == "zero_price" else (None, 0)


def _terms(claims: Sequence[ModelCard], free: FreeKind) -> tuple[FreeTerms | None, int]:
    """The first that speak of this kind of route, or of none in particular (the user's note)."""
    for place, claim in enumerate(claims):
        if claim.terms is not None and claim.free in (free, "unknown"):
            return claim.terms, place
    return None, 0


# --- whether it lives --------------------------------------------------------------------------------------------


def _life(claims: Sequence[ModelCard]) -> tuple[Lifecycle, int]:
    """The latest evidence, except that the user has the last word; a list that has a model shows that it lives."""
    said = [place for place, claim in enumerate(claims) if claim.lifecycle.state != "unknown"]
    mine = [place for place in said if claims[place].source == "user"]
    if mine:
        return claims[mine[0]].lifecycle, mine[0]

    def when(place: int) -> tuple[float, int]:
        return _learnt(claims[place]), -place

    listed = [p for p, claim in enumerate(claims) if claim.source == "live" and p not in said]
    if not said and not listed:
        return claims[0].lifecycle, 0
    latest = max((*said, *listed), key=when)
    if latest in said:
        return _with_successor(claims[latest].lifecycle, claims), latest
    alive = [place for place in said if claims[place].lifecycle.state != "retired"]
    if alive:
        best = max(alive, key=when)
        return claims[best].lifecycle, best
    return (Lifecycle("active") if said else claims[latest].lifecycle), latest


def _learnt(claim: ModelCard) -> float:
    origin = claim.origins.get("lifecycle")
    return (origin.as_of if origin else claim.as_of) or 0.0


def _with_successor(life: Lifecycle, claims: Sequence[ModelCard]) -> Lifecycle:
    if life.successor is not None or life.state not in ("deprecated", "retired"):
        return life
    named = next((c.lifecycle.successor for c in claims if c.lifecycle.successor), None)
    return replace(life, successor=named) if named else life


# --- who says so -------------------------------------------------------------------------------------------------


def _origins(claims: Sequence[ModelCard], base: ModelCard, found: Found) -> Mapping[str, Origin]:
    usual = Origin(base.source, base.as_of)
    own = [Origin(c.source, c.as_of, CONFIDENCE.get(c.source, 0.5)) for c in claims]
    origins: dict[str, Origin] = {}
    for field, (value, place) in found.items():
        if value is None:
            continue
        origin = claims[place].origins.get(field) or own[place]
        if origin != usual:
            origins[field] = origin
    return origins


def only(card: ModelCard, sources: frozenset[str]) -> Iterator[ModelCard]:
    """What these ``sources`` say in a merged card, as a claim of its own; nothing where they say nothing."""
    mine = {field: origin for field, origin in card.origins.items() if origin.source in sources}
    if not mine:
        return
    can = card.capabilities
    flags = {flag: getattr(can, flag) for flag in FLAGS if f"capabilities.{flag}" in mine}
    plain = {field: getattr(card, field) for field in mine if not field.startswith("capabilities.")}
    yield replace(
        ModelCard(card.provider, card.model, source=card.source, as_of=card.as_of, origins=mine),
        capabilities=Capabilities(**flags),
        **plain,
    )
