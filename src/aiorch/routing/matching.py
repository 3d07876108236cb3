"""Which model gets a task: the profile's own models first, then whatever is free, best guess first."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from aiorch.catalog import Index, Successor, index, resolve
from aiorch.routing.complexity import judge
from aiorch.types import Candidate, ModelCard, PassedOver, Profile, Ranking, Task

_ROUTE_ORDER = ("zero_price", "free_quota", "local", "anonymous", "trial", "none", "unknown")
"""Free by price before free by allowance, then what runs on this machine, then what is shared with strangers, then what
costs later or now."""

_PREFERRED = ("nova", "openrouter")
"""Amazon's own API serves its Nova models at no charge: first wherever its key is present. OpenRouter's free
models come before other free ones: the widest choice behind one key."""


class ProfileMatcher:
    """The default :class:`~aiorch.protocols.Matcher`: profiles, complexity overrides, then a ranking by what is known.

    >>> ProfileMatcher().name
    'profile'
    """

    name = "profile"

    def __init__(
        self,
        successors: Mapping[str, Successor] | None = None,
        priors: Callable[[], Awaitable[Mapping[str, float]]] | None = None,
    ) -> None:
        """
        :param successors: by dead id, looked at before the built-in ones (:attr:`Catalogue.learnt`).
        :param priors: gives the scores that were measured here, 0 to 1 by ``provider/model``; asked once.
        """
        self._successors = successors
        self._ask_priors = priors
        self._priors: Mapping[str, float] = {}

    async def match(self, task: Task, profile: Profile, candidates: Sequence[Candidate]) -> Ranking:
        """See :func:`rank`."""
        if self._ask_priors is not None:
            ask, self._ask_priors = self._ask_priors, None
            self._priors = await ask()
        return rank(task, profile, candidates, self._successors, self._priors)


def rank(
    task: Task,
    profile: Profile,
    candidates: Sequence[Candidate],
    successors: Mapping[str, Successor] | None = None,
    priors: Mapping[str, float] | None = None,
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
        sorted((c for c in candidates if c not in first), key=lambda c: worth(c.card, priors))
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
