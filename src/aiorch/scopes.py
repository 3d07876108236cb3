"""On whose behalf work is done, and out of whose purse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aiorch.routing import Purse, least, together
from aiorch.routing.spending import BudgetPurse
from aiorch.types import Budget, Task


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work it is, how it is labelled, and what it may spend in all."""

    user: str | None = None
    tenant: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    purses: tuple[BudgetPurse, ...] = ()
    """Its own, and those of the scopes around it: every attempt is paid from all of them."""

    @property
    def purse(self) -> Purse | None:
        """All of them as one; ``None`` where nothing limits it."""
        return together(*self.purses)

    def narrowed(
        self, *, user: str | None, tenant: str | None, budget: Budget | None, tags: Mapping[str, str]
    ) -> Scope:
        """A scope within this one."""
        purses = (BudgetPurse(budget), *self.purses) if budget else self.purses
        return Scope(user or self.user, tenant or self.tenant, {**self.tags, **tags}, purses)

    def applied(self, task: Task) -> Task:
        """The task under this scope. Its own budget is the least of what it asks for and what has not been spent; what
        tasks that run at the same time have reserved, the purse knows.
        """
        if not self.purses and self.user is None and self.tenant is None and not self.tags:
            return task
        budget = task.budget
        for purse in self.purses:
            budget = least(budget, purse.unspent)
        return replace(
            task,
            user=task.user or self.user,
            tenant=task.tenant or self.tenant,
            tags={**self.tags, **task.tags},
            budget=budget,
        )
