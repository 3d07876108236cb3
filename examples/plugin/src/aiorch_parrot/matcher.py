"""Who is asked first: the model that has the most room."""

from __future__ import annotations

from collections.abc import Sequence

from aiorch.types import Candidate, Profile, Ranking, Task


class Roomiest:
    """Ranks by context length. Whom it is given has been found free and fit for the task already."""

    name = "roomiest"

    async def match(self, task: Task, profile: Profile, candidates: Sequence[Candidate]) -> Ranking:
        """The largest context first; one that nobody knows comes last."""
        ranked = sorted(candidates, key=lambda candidate: candidate.card.context or 0, reverse=True)
        return Ranking(tuple(ranked), reason="the largest context first")
