"""Rankings that are the same for many tasks, kept for as long as what they were made of stays the same.

A ranking goes over every model that can be asked, hundreds of them. What it depends on of a task is little: which
models its profile names, how hard it is, what it needs. So tasks that are alike in that share one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from aiorch.routing.complexity import judge
from aiorch.types import Candidate, Image, Profile, Ranking, Task

MOST = 256
"""Rankings that are kept at a time."""


Ranked = tuple[Ranking, frozenset[str]]
"""A ranking, and the ids of those of its deployments whose calls cost nothing."""


class Rankings:
    """What was ranked so far, one shelf at a time."""

    __slots__ = ("_made_of", "_shelf")

    def __init__(self) -> None:
        self._made_of: tuple[object, ...] = ()
        self._shelf = Shelf(())

    def shelf(self, candidates: Sequence[Candidate], *others: object) -> Shelf:
        """The shelf for rankings of these candidates: a new one where these, or the others, are not the same objects
        as before.

        :param others: whatever else rankings are made of.
        """
        made_of = (candidates, *others)
        before = self._made_of
        if len(made_of) != len(before) or any(
            new is not old for new, old in zip(made_of, before, strict=True)
        ):
            self._made_of = made_of
            self._shelf = Shelf(candidates)
        return self._shelf


class Shelf:
    """Rankings of the same candidates by the same rules."""

    __slots__ = ("_kept", "_smallest")

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        # A longer prompt is ranked for itself: some models cannot read it.
        self._smallest = min(
            (c.card.context for c in candidates if c.card.context is not None), default=float("inf")
        )
        self._kept: dict[Hashable, tuple[Profile, Ranked]] = {}

    def key(self, task: Task, profile: Profile, tokens: int) -> Hashable | None:
        """What the task's ranking depends on; ``None`` where it has to be ranked for itself.

        :param tokens: of its messages and schemas, estimated.
        """
        if tokens > self._smallest:
            return None
        judged = judge(task)
        return (
            id(profile),  # which stays its own: it is kept as well
            task.model,
            task.type,
            task.agent,
            judged.complexity,
            judged.signs,
            bool(task.tools),
            task.schema is not None,
            _shows_pictures(task),
            task.budget is None or task.budget.usd is None,
        )

    def get(self, key: Hashable | None) -> Ranked | None:
        """What is kept under a key."""
        kept = None if key is None else self._kept.get(key)
        return None if kept is None else kept[1]

    def put(self, key: Hashable | None, profile: Profile, ranked: Ranked) -> None:
        """Keep it."""
        if key is None:
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = profile, ranked


def _shows_pictures(task: Task) -> bool:
    for message in task.messages:
        for part in message.parts:
            if type(part) is Image:
                return True
    return False
