"""How many questions of an agent make sense at once, from what those who are asked can do at the same time.

A question that waits in a workflow costs nothing; one that waits for the embedded model's only slot uses up its time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from aiorch.choosing import completed, ranked
from aiorch.errors import AiorchError
from aiorch.protocols import Provider
from aiorch.routing import is_free
from aiorch.types import Candidate, Deployment, Message, Task
from aiorch.work import Line

NEUTRAL = (Message.user("?"),)
"""What is ranked in place of a question that is not known yet."""


class Places:
    """The :class:`~aiorch.workflow.services.Capacity` of a run.

    :param agents: for each agent its candidates, each with the most questions that it answers at once; ``None`` =
        nobody knows of a limit. :param barred: the ids of those deployments that are left alone for now.
    """

    def __init__(
        self,
        agents: Mapping[str, Sequence[tuple[Deployment, int | None]]],
        barred: Callable[[Sequence[Deployment]], Collection[str]],
    ) -> None:
        self._agents = agents
        self._barred = barred

    def room(self, agent: str) -> int | None:
        """How many questions of this agent may be under way together now; ``None`` = any number."""
        known = self._agents.get(agent)
        if known is None:
            return None
        barred = self._barred([deployment for deployment, _ in known])
        found = 0
        for deployment, most in known:
            if barred and deployment.id in barred:
                continue
            if most is None:
                return None
            found += most
        return found or None  # where all are left alone, whoever asks waits for the first of them anyway


async def places(line: Line, agents: Iterable[str], providers: Sequence[Provider]) -> Places | None:
    """What is known of these agents now; ``None`` where nobody has a limit. Asks no model, and fails for nobody.

    It is looked at once, when a run begins: who comes or goes later is not known to it.
    """
    at_once = {p.name: most for p in providers if (most := getattr(p, "at_once", None)) is not None}
    if not at_once and all(_unlimited(p) for p in providers):
        return None
    found: dict[str, Sequence[tuple[Deployment, int | None]]] = {}
    for agent in agents:
        try:
            candidates = await _candidates(line, agent)
        except AiorchError:  # the question will say what is wrong
            continue
        most = [(c.deployment, at_once.get(c.deployment.provider) or _limit(line, c)) for c in candidates]
        if any(limit is not None for _, limit in most):
            found[agent] = most
    return Places(found, line.executor.barred) if found else None


async def _candidates(line: Line, agent: str) -> Sequence[Candidate]:
    profile = line.profiles[agent]
    task = completed(Task(NEUTRAL, agent), profile, line.budget)
    return (await ranked(line, task, profile)).candidates


def _limit(line: Line, candidate: Candidate) -> int | None:
    """What its free route allows at once."""
    terms = candidate.card.terms
    if terms is None or not is_free(candidate.card, line.rules):
        return None
    return min((x.amount for x in terms.limits if x.per == "at once" and x.unit == "requests"), default=None)


def _unlimited(provider: Provider) -> bool:
    """True where a provider's row says nothing of questions at once."""
    spec = getattr(provider, "spec", None)
    if spec is None:
        return True
    limits = (*spec.free.limits, *(x for own in spec.free.model_limits.values() for x in own))
    return all(limit.per != "at once" for limit in limits)
