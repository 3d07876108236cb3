"""Asks the questions, one at a time of each provider, and writes down every answer when it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import anyio

from aiorch.benchmarking.allowances import pauses
from aiorch.benchmarking.measuring import measure
from aiorch.benchmarking.plan import Call, Means, Moment, Plan, plan
from aiorch.benchmarking.progress import Answered, Asking, Planned, Progress, SetAside, Waiting
from aiorch.benchmarking.records import Records
from aiorch.benchmarking.suite import Suite
from aiorch.clock import Clock
from aiorch.errors import AiorchError
from aiorch.protocols import Provider, Sandbox
from aiorch.routing.attempts import NEVER, blocked_until, condemned, names
from aiorch.routing.budgets import cost_of
from aiorch.safety import AuditLog
from aiorch.types import Candidate, Deployment, Failure, FailureKind

IN_A_ROW = 3
"""Failures of a model, or of connections to a provider, after which it is left alone for this run."""

LONGEST_WAIT = 3_600.0
"""Seconds that are waited for whoever is limited, at most: a day's allowance is not waited for."""

OF_THE_QUESTION = frozenset(
    {FailureKind.BAD_REQUEST, FailureKind.CONTEXT, FailureKind.POLICY, FailureKind.TRUNCATED}
)
"""Kinds that say nothing about the next question."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to."""

    asked: int
    """Calls that were made."""
    plan: Plan
    """What was left at the end."""
    aside: Mapping[str, tuple[float, str]]
    """Who was set aside: until when (epoch seconds; infinite = for this run), and why."""
    spent: Decimal
    """USD."""


@dataclass(slots=True)
class Runner:
    """One run of a suite over some models.

    :raises StorageError: from :meth:`run`, when a result cannot be kept. :raises AuditError: when a call cannot be
        recorded; it is not made then.
    """

    candidates: Sequence[Candidate]
    providers: Mapping[str, Provider]
    records: Records
    suite: Suite
    means: Means
    kept_since: float
    clock: Clock
    sandbox: Sandbox | None = None
    wait: bool = False
    tell: Callable[[Progress], None] = lambda _: None
    redact: Callable[[str], str] = str
    audit: AuditLog | None = None
    _asked: int = 0
    _spent: Decimal = Decimal(0)
    _tried: set[tuple[str, str, int]] = field(default_factory=set[tuple[str, str, int]])
    _aside: dict[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    _in_a_row: dict[str, int] = field(default_factory=dict[str, int])
    _next: dict[str, float] = field(default_factory=dict[str, float])
    """By what shares a limit, the earliest moment of the next call, on the clock that never jumps."""
    _to_replan: set[str] = field(default_factory=set[str])
    """Models that turned out to think: their next calls need room for it, which the next round gives them."""
    _broken: AiorchError | None = None

    async def run(self) -> Done:
        """Ask until everything is answered, the means are used up, or nobody is left who may be asked.

        In rounds: what a provider that was set aside leaves over goes to the others in the next one.
        """
        while True:
            todo = await self._plan()
            if todo.calls:
                self._to_replan.clear()
                self.tell(Planned(todo.calls))
                await self._round(todo.calls)
            elif not await self._waited(todo):
                return Done(self._asked, todo, dict(self._aside), self._spent)

    async def _plan(self) -> Plan:
        left = replace(
            self.means,
            calls=self.means.calls - self._asked,
            usd=max(Decimal(0), self.means.usd - self._spent),
        )
        moment = Moment(self.clock.now(), self.kept_since, dict(self._aside), frozenset(self._tried))
        return plan(self.candidates, self.suite, await self.records.of(self.suite.name), left, moment)

    async def _waited(self, todo: Plan) -> bool:
        """Wait for the first of those that are limited, where that is wanted and of use."""
        if not self.wait or not todo.waiting or self._asked >= self.means.calls:
            return False
        now = self.clock.now()
        back = min((until for until, _ in self._aside.values() if until > now), default=NEVER)
        if back - now > LONGEST_WAIT:
            return False
        self.tell(Waiting(back))
        await self.clock.sleep(back - now)
        return True

    async def _round(self, calls: Iterable[Call]) -> None:
        by_provider: dict[str, list[Call]] = {}
        for call in calls:
            by_provider.setdefault(call.candidate.deployment.provider, []).append(call)
        async with anyio.create_task_group() as tasks:
            for name, mine in by_provider.items():
                tasks.start_soon(self._work, self.providers[name], mine, tasks.cancel_scope)
        if self._broken is not None:
            raise self._broken

    async def _work(self, provider: Provider, calls: Sequence[Call], everything: anyio.CancelScope) -> None:
        try:
            for call in calls:
                if call.card.id not in self._to_replan and not self._is_aside(call.candidate.deployment):
                    await self._pace(call)
                    await self._one(provider, call)
        except AiorchError as broken:  # raised behind the group, which would wrap it
            self._broken = self._broken or broken
            everything.cancel()

    def _is_aside(self, deployment: Deployment) -> bool:
        now = self.clock.now()
        return any(name in self._aside and self._aside[name][0] > now for name in names(deployment))

    async def _pace(self, call: Call) -> None:
        """As slowly as the limits want it."""
        gaps = pauses(call.candidate, call.tokens)
        due = max((self._next.get(who, 0.0) for who in gaps), default=0.0)
        if (left := due - self.clock.monotonic()) > 0:
            await self.clock.sleep(left)
        for who, gap in gaps.items():
            self._next[who] = self.clock.monotonic() + gap

    async def _one(self, provider: Provider, call: Call) -> None:
        deployment = call.candidate.deployment
        if self.audit is not None:
            self.audit.append(
                "benchmark.asked", suite=self.suite.name, item=call.item.id, deployment=deployment.id
            )
        self._asked += 1
        self.tell(Asking(call))
        found = await measure(provider, call, suite=self.suite.name, clock=self.clock, sandbox=self.sandbox)
        self._spent += cost_of(call.card, found.usage, free=call.free)
        record = found.record
        if record.thought and not call.thinks:
            self._to_replan.add(call.card.id)
        if found.failure is not None:
            failure = replace(found.failure, message=self.redact(found.failure.message))
            record = replace(record, failure=failure.kind.value, note=failure.message)
            self._learn(call, failure)
        else:
            for who in names(deployment):
                self._in_a_row.pop(who, None)
        with anyio.CancelScope(shield=True):  # what was answered is kept, whoever gives up now
            await self.records.keep(record)
        self.tell(Answered(record))

    def _learn(self, call: Call, failure: Failure) -> None:
        """What not to ask again, and whom not for now."""
        candidate = call.candidate
        until = blocked_until(failure, self.clock.now())
        if until is not None and not failure.ambiguous and failure.scope != "request":
            self._put_aside(condemned(candidate, failure), until, f"{failure.kind.value}: {failure.message}")
            return
        self._tried.add((call.card.id, call.item.id, call.allowed))
        if failure.kind in OF_THE_QUESTION:
            return
        account, _, mine = names(candidate.deployment)
        who = account if failure.kind is FailureKind.TRANSPORT else mine
        self._in_a_row[who] = self._in_a_row.get(who, 0) + 1
        if self._in_a_row[who] >= IN_A_ROW:
            why = f"{IN_A_ROW} failures in a row, the last {failure.kind.value}: {failure.message}"
            self._put_aside(who, NEVER, why)

    def _put_aside(self, who: str, until: float, reason: str) -> None:
        self._aside[who] = (until, reason)
        self.tell(SetAside(who, until, reason))
