"""Which model gets a task: the profile's own models first, then whatever is free, best guess first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from aiorch.catalog import Index, Successor, index, resolve
from aiorch.routing.complexity import judge
from aiorch.types import Candidate, ModelCard, PassedOver, Profile, Ranking, Task

_ROUTE_ORDER = ("zero_price", "free_quota", "local", "anonymous", "trial", "none", "unknown")
"""Free by price before free by allowance, then what runs on this machine, then what is shared with strangers, then what
costs later or now."""

_PREFERRED = ("nova", "openrouter")
"""Amazon's own API serves its Nova models at no charge: before all others wherever its key is present. OpenRouter's free
models come before other free ones: the widest choice behind one key."""


class ProfileMatcher:
    """The default :class:`~aiorch.protocols.Matcher`: profiles, complexity overrides, then a ranking by what is known.

    >>> ProfileMatcher().name
    'profile'
    """

    name = "profile"

    def __init__(self, successors: Mapping[str, Successor] | None = None) -> None:
        """:param successors: by dead id, looked at before the built-in ones (:attr:`Catalogue.learnt`)."""
        self._successors = successors

    async def match(self, task: Task, profile: Profile, candidates: Sequence[Candidate]) -> Ranking:
        """See :func:`rank`."""
        return rank(task, profile, candidates, self._successors)


def rank(
    task: Task,
    profile: Profile,
    candidates: Sequence[Candidate],
    successors: Mapping[str, Successor] | None = None,
) -> Ranking:
    """Candidates for ``task``, best first; those of the model that it names, where it names one."""
    known = index(candidates)
    judged = judge(task)
    if task.model is not None:
        asked = resolve(task.model, known, successors)
        return Ranking(
            asked.candidates, asked.passed_over, f"the task asks for {task.model}", judged.complexity
        )
    first, passed = _named(profile, judged.complexity, known, successors)
    rest = (
        sorted((c for c in candidates if c not in first), key=lambda c: worth(c.card))
        if profile.any_free
        else []
    )
    reason = f"profile {profile.name}, {judged.complexity} ({', '.join(judged.signs)})"
    if not first and profile.models(judged.complexity):
        reason += "; none of its own models can be used here, so the best of the others"
    return Ranking((*first, *rest), passed, reason, judged.complexity)


def _named(
    profile: Profile, complexity: str, known: Index, successors: Mapping[str, Successor] | None
) -> tuple[list[Candidate], tuple[PassedOver, ...]]:
    chosen: list[Candidate] = []
    passed: list[PassedOver] = []
    for name in profile.models(complexity):
        resolved = resolve(name, known, successors)
        chosen += [c for c in resolved.candidates if c not in chosen]
        passed += resolved.passed_over
    return chosen, tuple(passed)


def worth(card: ModelCard) -> tuple[int, int, int, int, Decimal, float, float]:
    """Smaller is asked earlier. By what a list tells without asking anybody: route, price, size, age; a demo last.

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
        -round(math.log2(size + 1)),  # by powers of two: 27B and 32B are alike, 8B and 70B are not
        -(card.created or 0.0),
    )
