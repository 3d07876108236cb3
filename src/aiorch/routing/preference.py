"""Who is asked before whom, and who is whose equal, by what is known of models. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from aiorch.types import Candidate, ModelCard

_ROUTE_ORDER = ("zero_price", "free_quota", "local", "anonymous", "trial", "none", "unknown")
"""Free by price before free by allowance, then what runs on this machine, then what is shared with strangers, then what
costs later or now."""

_PREFERRED = ("nova", "openrouter")
"""Amazon's own API serves its Nova models at no charge: first wherever its key is present. OpenRouter's free
models come before other free ones: the widest choice behind one key."""

UNMEASURED = 0.5
"""The share of right answers that is expected of a model which was never measured here."""


def worth(
    card: ModelCard, priors: Mapping[str, float] | None = None
) -> tuple[int, int, int, int, Decimal, int, float, float]:
    """Smaller is asked earlier, by what is known already: route, price, what was measured here, size, age.
    A demo comes last.

    >>> worth(ModelCard("nova", "lite", free="zero_price")) < worth(ModelCard("groq", "llama-70b", free="free_quota"))
    True
    """
    size = card.parameters or 0
    return (
        0 if card.provider == _PREFERRED[0] and card.costs_nothing else 1,
        1 if card.demo else 0,
        _ROUTE_ORDER.index(card.free),
        0 if card.provider in _PREFERRED and card.costs_nothing else 1,
        Decimal(0) if card.costs_nothing or card.price is None else card.price.output,
        -round(
            10 * (priors or {}).get(card.id, UNMEASURED)
        ),  # by tenths: more a short suite cannot tell apart
        -round(math.log2(size + 1)),  # by powers of two: 27B and 32B are alike, 8B and 70B are not
        -(card.created or 0.0),
    )


def by_worth(
    candidates: Sequence[Candidate], priors: Mapping[str, float] | None = None
) -> tuple[list[Candidate], list[int]]:
    """Best first. Equals are those of one provider whose routes and prices are alike, so mixing is for whoever
    recovers only.
    """
    ordered = sorted(candidates, key=lambda c: worth(c.card, priors))
    return ordered, _numbered([worth(c.card, priors)[:5] for c in ordered])


def shared_out(
    candidates: Sequence[Candidate], priors: Mapping[str, float] | None = None
) -> tuple[list[Candidate], list[int]]:
    """For work that is spread over providers: the best model of each is the equal of the others' best, their second
    best the next tier, and so on; who serves a family stands where the family's best place is.

    Free routes of all clouds are alike here; what runs on this machine, is shared with strangers, or costs comes after
    them, and a demo last.
    """
    ordered = sorted(candidates, key=lambda c: worth(c.card, priors))
    models: dict[tuple[tuple[int, int], str], dict[str, int]] = {}
    best: dict[tuple[tuple[int, int], str], int] = {}
    places: list[tuple[tuple[int, int], str, int]] = []
    for candidate in ordered:
        card = candidate.card
        kind = (1 if card.demo else 0, max(1, _ROUTE_ORDER.index(card.free)))
        mine = models.setdefault((kind, card.provider), {})
        place = mine.setdefault(card.id, len(mine))
        kin = card.family or card.id
        best[kind, kin] = min(place, best.get((kind, kin), place))
        places.append((kind, kin, place))
    keys = [(kind, best[kind, kin]) for kind, kin, _ in places]
    order = sorted(range(len(ordered)), key=keys.__getitem__)
    return [ordered[i] for i in order], _numbered([keys[i] for i in order])


def _numbered(keys: Sequence[object]) -> list[int]:
    """0, 0, 1, 2, 2 ... for a, a, b, c, c ..."""
    tiers = [0] if keys else []
    for before, key in pairwise(keys):
        tiers.append(tiers[-1] + (key != before))
    return tiers
