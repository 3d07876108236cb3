"""What the line writes down and tells: audit records for what was done, events for who listens.

Recording comes before doing: :func:`record` raises where an action cannot be written down. Once an answer is there,
a failing record is told as an event and the answer goes on.
"""

from __future__ import annotations

from typing import Any

from aiorch.clock import Clock
from aiorch.errors import AiorchError, LimitReached, QualityError, SecurityException
from aiorch.events import (
    Bus,
    GuardFound,
    RoundAssessed,
    TaskErred,
    TaskFinished,
    TaskStarted,
    ToolCalled,
    Warned,
)
from aiorch.safety import AuditLog
from aiorch.types import Assessment, Outcome, Ranking, Task, Verdict


class Reporter:
    """Audit log and bus of one orchestrator."""

    __slots__ = ("_audit", "_bus", "_clock")

    def __init__(self, audit: AuditLog, bus: Bus, clock: Clock) -> None:
        self._audit = audit
        self._bus = bus
        self._clock = clock

    def record(
        self, task: Task, event: str, *, texts: dict[str, str] | None = None, **measures: object
    ) -> None:
        """One audit record. :raises AuditError: when it cannot be written; what it announces must then not be done."""
        self._audit.append(
            event,
            texts=texts,
            task_id=task.id,
            agent=task.agent,
            user=task.user,
            tenant=task.tenant,
            **measures,
        )

    def admitted(self, task: Task, verdict: Verdict, *, allowed: bool) -> None:
        """The input was looked at. :raises AuditError: see :meth:`record`."""
        event = "task.admitted" if allowed else "task.refused"
        issues = [issue.code for issue in verdict.issues] or None
        self.record(task, event, texts={"prompt": task.text}, issues=issues)
        self.found(task, verdict)

    def found(self, task: Task, verdict: Verdict) -> None:
        """The guard found something."""
        if verdict.issues and self._bus.active:
            codes = tuple(i.code for i in verdict.issues)
            self._bus.emit(
                GuardFound(
                    at=self._clock.now(),
                    task_id=task.id,
                    stage=verdict.stage,
                    action=verdict.action,
                    codes=codes,
                )
            )

    def started(self, task: Task, ranking: Ranking, profile: str = "", route: str = "") -> None:
        """It is known who will be asked. :param route: why ``profile`` serves it."""
        if self._bus.active:
            self._bus.emit(
                TaskStarted(
                    at=self._clock.now(),
                    task_id=task.id,
                    agent=task.agent,
                    complexity=ranking.complexity,
                    user=task.user,
                    tenant=task.tenant,
                    profile=profile,
                    route=route,
                )
            )

    def called(self, task: Task, tool: str, seconds: float, *, ok: bool) -> None:
        """A tool was called."""
        if self._bus.active:
            self._bus.emit(
                ToolCalled(at=self._clock.now(), task_id=task.id, tool=tool, seconds=seconds, ok=ok)
            )

    def assessed(self, task: Task, assessment: Assessment, move: Any) -> None:
        """An answer was looked at, and this happens to it."""
        if self._bus.active:
            self._bus.emit(
                RoundAssessed(at=self._clock.now(), task_id=task.id, assessment=assessment, verdict=move)
            )

    def finished(self, task: Task, outcome: Outcome[Any]) -> None:
        """A task has its outcome."""
        self._recorded_late(
            task,
            "task.finished",
            texts={"answer": outcome.text},
            model=outcome.model,
            profile=outcome.profile if outcome.route else None,
            accepted=outcome.accepted,
            issues=[i.code for v in outcome.verdicts for i in v.issues] if outcome.verdicts else None,
            cached=outcome.cached,
            attempts=len(outcome.attempts),
            tokens=outcome.usage.total,
            usd=str(outcome.cost),
            seconds=round(outcome.seconds, 6),
        )
        if self._bus.active:
            self._bus.emit(
                TaskFinished(
                    at=self._clock.now(),
                    task_id=task.id,
                    model=outcome.model,
                    accepted=outcome.accepted,
                    cached=outcome.cached,
                    usage=outcome.usage,
                    cost=outcome.cost,
                    seconds=outcome.seconds,
                    attempts=len(outcome.attempts),
                    profile=outcome.profile,
                )
            )

    def erred(self, task: Task, error: BaseException) -> None:
        """A task ended with an error or was cancelled. One with an outcome was recorded with it."""
        if isinstance(error, QualityError):
            return
        name = type(error).__name__ if isinstance(error, Exception) else "Cancelled"
        held = error if isinstance(error, LimitReached) else None
        whose = {} if held is None else {"limited": held.name, "limit": str(held.limit)}
        found = [issue.code for issue in error.issues] if isinstance(error, SecurityException) else None
        self._recorded_late(task, "task.erred", error=name, issues=found, **whose)
        if self._bus.active:
            self._bus.emit(TaskErred(at=self._clock.now(), task_id=task.id, error=name, message=str(error)))

    def _recorded_late(self, task: Task, event: str, **measures: Any) -> None:
        try:
            self.record(task, event, **measures)
        except AiorchError as unwritten:
            self._bus.emit(
                Warned(at=self._clock.now(), task_id=task.id, code="audit", message=str(unwritten))
            )
