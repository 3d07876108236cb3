"""Which models are measured: those that were named, else the most promising of each provider. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from aiorch.catalog import Successor, index, require
from aiorch.routing import Rules, is_free
from aiorch.types import Candidate, ModelCard, PassedOver

TOP = 10
"""Models of one provider that are measured unless somebody says otherwise."""

FREE_ONLY = Rules()
"""What holds unless somebody says otherwise."""

ROUTERS = ("openrouter/",)
"""Ids that begin so name no model but whichever one a router picks, another each time."""


def choose(
    candidates: Sequence[Candidate],
    *,
    names: Sequence[str] = (),
    provider: str | None = None,
    top: int = TOP,
    rules: Rules = FREE_ONLY,
    learnt: Mapping[str, Successor] | None = None,
) -> tuple[tuple[Candidate, ...], tuple[PassedOver, ...]]:
    """Whom to measure, in the order of interest, one deployment a model; and who was passed over, and why.

    :param names: exactly these models, in this order, by ``provider/model`` or by their id alone.
    :param provider: only models of this one.
    :param rules: who may be asked: paid models only with ``allow_paid``.
    :param learnt: further successors, for names of models that died.
    :raises UnknownModel: for a name that nobody has heard of.
    """
    there = [c for c in candidates if provider is None or c.deployment.provider == provider]
    if not names:
        fit = [c for c in one_each(there) if unfit(c.card, rules) is None and not _is_router(c.card)]
        return best(fit, top), ()
    known = index(there)
    chosen: list[Candidate] = []
    passed: list[PassedOver] = []
    for name in names:
        resolved = require(name, known, learnt)
        passed += resolved.passed_over
        for candidate in one_each(resolved.candidates):
            if why := unfit(candidate.card, rules):
                passed.append(PassedOver(candidate.card.id, why))
            else:
                chosen.append(candidate)
    return one_each(chosen), tuple(passed)


def unfit(card: ModelCard, rules: Rules) -> str | None:
    """Why a model is not measured; ``None`` when it may be."""
    can = card.capabilities
    if card.provider in rules.excluded:
        return "its provider is excluded by the settings"
    if card.retired:
        return "retired by its provider"
    if can.chat is False or (can.chat is None and can.embeddings):
        return "not a chat model"
    if card.outputs is not None and "text" not in card.outputs:
        return f"it answers in {' and '.join(card.outputs) or 'nothing'}, not in text"
    if not is_free(card, rules):
        if not rules.allow_paid:
            return "not known to be free, and paid models are not allowed"
        if card.price is None:
            return "its price is not known, so no budget can hold it"
    return None


def best(candidates: Sequence[Candidate], top: int) -> tuple[Candidate, ...]:
    """The ``top`` of each provider; the first of every provider, then the second of every one, and so on."""
    standing = standings([c.card for c in candidates])
    ordered = sorted(candidates, key=lambda c: _promise(c.card, standing))
    by_provider: dict[str, list[Candidate]] = {}
    for candidate in ordered:
        by_provider.setdefault(candidate.deployment.provider, []).append(candidate)
    rounds = zip_longest(*(of[:top] for of in by_provider.values()))
    return tuple(c for round_ in rounds for c in round_ if c is not None)


def standings(cards: Sequence[ModelCard]) -> Mapping[str, float]:
    """By card id, which share of the others it beats in public benchmarks, on average over those that know it.

    Scores of two benchmarks cannot be compared, places can. Models that nobody scored are left out.
    """
    tables: dict[str, dict[str, float]] = {}
    for card in cards:
        for score in card.scores:
            tables.setdefault(score.benchmark, {})[card.id] = score.value
    places: dict[str, list[float]] = {}
    for table in tables.values():
        for name, value in table.items():
            below = sum(other < value for other in table.values())
            level = sum(other == value for other in table.values())
            places.setdefault(name, []).append((below + level / 2) / len(table))
    return {name: sum(of) / len(of) for name, of in places.items()}


def one_each(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The first deployment of every model: another key measures the same again."""
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.card.id, candidate)
    return tuple(first.values())


def _promise(card: ModelCard, standing: Mapping[str, float]) -> tuple[float, int, int, str]:
    """Best first: by public scores (unknown is taken for the middle), then by size, then by context."""
    return (-standing.get(card.id, 0.5), -(card.parameters or 0), -(card.context or 0), card.id)


def _is_router(card: ModelCard) -> bool:
    return card.provider == "openrouter" and card.model.startswith(ROUTERS)
