"""On whose behalf work is done, and out of whose purse."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from aiorch.errors import ExecutionError
from aiorch.types import Attempt, Budget, Outcome, Task, Usage

T = TypeVar("T")


class Purse:
    """What a scope may still spend, over all its tasks; part of the purse of the scope around it, where that has
    one.
    """

    def __init__(self, budget: Budget, outer: Purse | None = None) -> None:
        self._budget = budget
        self._outer = outer
        self._usd = Decimal(0)
        self._tokens = 0
        self._attempts = 0

    def left(self, asked: Budget | None) -> Budget:
        """What one more task may spend: the least of what is left here, further out, and what it asks for itself."""
        mine = Budget(
            usd=_less(self._budget.usd, self._usd),
            tokens=_less(self._budget.tokens, self._tokens),
            attempts=_less(self._budget.attempts, self._attempts),
        )
        least = _least(mine, asked) if asked else mine
        return self._outer.left(least) if self._outer else least

    def pay(self, usage: Usage, usd: Decimal, attempts: int) -> None:
        """Take out what a task has spent."""
        self._usd += usd
        self._tokens += usage.total
        self._attempts += attempts
        if self._outer:
            self._outer.pay(usage, usd, attempts)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work it is, how it is labelled, and what it may spend in all."""

    user: str | None = None
    tenant: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    purse: Purse | None = None

    def narrowed(
        self, *, user: str | None, tenant: str | None, budget: Budget | None, tags: Mapping[str, str]
    ) -> Scope:
        """A scope within this one."""
        purse = Purse(budget, self.purse) if budget else self.purse
        return Scope(user or self.user, tenant or self.tenant, {**self.tags, **tags}, purse)

    def applied(self, task: Task) -> Task:
        """The task under this scope."""
        if self.purse is None and self.user is None and self.tenant is None and not self.tags:
            return task
        return replace(
            task,
            user=task.user or self.user,
            tenant=task.tenant or self.tenant,
            tags={**self.tags, **task.tags},
            budget=self.purse.left(task.budget) if self.purse else task.budget,
        )

    @contextmanager
    def paying(self) -> Generator[Till]:
        """Settle what is spent inside: an outcome by :meth:`Till.pay`, a failure by its attempts."""
        try:
            yield Till(self.purse)
        except ExecutionError as failed:
            attempts: tuple[Attempt, ...] = getattr(failed, "attempts", ())
            if self.purse and attempts:
                usage = sum((a.usage for a in attempts), Usage())
                self.purse.pay(usage, sum((a.cost for a in attempts), Decimal(0)), len(attempts))
            raise


@dataclass(frozen=True, slots=True)
class Till:
    """Where outcomes are paid for."""

    purse: Purse | None

    def pay(self, outcome: Outcome[T]) -> Outcome[T]:
        """Take what it cost out of the purse, where there is one."""
        if self.purse:
            self.purse.pay(outcome.usage, outcome.cost, len(outcome.attempts))
        return outcome


def _less(limit: Any, spent: Any) -> Any:
    return None if limit is None else max(type(spent)(0), limit - spent)


def _least(one: Budget, other: Budget) -> Budget:
    def least(a: Any, b: Any) -> Any:
        return b if a is None else a if b is None else min(a, b)

    return Budget(
        least(one.usd, other.usd), least(one.tokens, other.tokens), least(one.attempts, other.attempts)
    )
