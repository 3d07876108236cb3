"""Copies of tasks that another profile does as well, unseen: what it would have answered is measured, never used.

A copy begins after the answer is there, waits for nobody and nobody waits for it, has its own budget, and shares
nothing with the answer but the providers' limits: of these it leaves half to the tasks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from aiorch.choosing import completed, ranked, serving
from aiorch.errors import AiorchError, NoModelAvailable
from aiorch.events import Mirrored
from aiorch.quality import assess, meets
from aiorch.quotas import account_name
from aiorch.routing import Terms, estimate_tokens, is_free
from aiorch.types import (
    Assessment,
    Budget,
    Candidate,
    PassedOver,
    Request,
    Task,
    ToolChoice,
    new_id,
)
from aiorch.work import Line, Work

if TYPE_CHECKING:
    from aiorch.diverting import Mirroring
    from aiorch.routing import Answer

log = logging.getLogger("aiorch")

PATIENCE = 60.0
"""Seconds for a copy, where the task's own time is not shorter."""

RESERVE = 0.5
"""The share of every limit that copies leave to the tasks."""

LOOK = 0.25
"""Seconds for which what is left is believed: about as long as a call takes."""

ATTEMPTS = 2
"""Calls for a copy: it should measure a profile, not insist."""


def mirror(line: Line, work: Work) -> None:
    """Begin the copies that this task's answer is to be compared with. Never waits and never raises."""
    try:
        control = line.traffic()
        for mirroring in control.mirrored(work.task):
            if mirroring.mirror.to == work.profile.name:
                continue
            if not control.crew.offer(lambda m=mirroring: _copied(line, work, m)):
                mirroring.tally.dropped += 1
    except Exception:  # whatever it is, the answer is there
        log.exception("a copy of task %s could not be begun; its answer goes on", work.task.id)


async def _copied(line: Line, work: Work, mirroring: Mirroring) -> None:
    """Do the copy, and tell what became of it. Raises nothing but cancellation."""
    began = line.clock.monotonic()
    profile, to = mirroring.mirror.profile, mirroring.mirror.to
    time = min(PATIENCE, line.timeout if work.asked.timeout is None else work.asked.timeout)
    try:
        with anyio.fail_after(time):
            answer, assessment = await shadowed(line, work, mirroring, time)
    except Exception as failed:
        if not isinstance(failed, AiorchError | TimeoutError):
            log.exception("a copy of task %s failed", work.task.id)
        mirroring.tally.failed += 1
        said = Mirrored(
            at=line.clock.now(),
            task_id=work.task.id,
            profile=profile,
            to=to,
            seconds=line.clock.monotonic() - began,
            error=type(failed).__name__,
        )
    else:
        mirroring.tally.done += 1
        said = Mirrored(
            at=line.clock.now(),
            task_id=work.task.id,
            profile=profile,
            to=to,
            seconds=line.clock.monotonic() - began,
            model=answer.candidate.card.id,
            accepted=meets(assessment, line.profiles[profile].minima),
            score=assessment.score,
            usage=answer.usage,
            cost=answer.cost,
        )
    line.bus.emit(said)


async def shadowed(line: Line, work: Work, mirroring: Mirroring, time: float) -> tuple[Answer, Assessment]:
    """What the other profile answers, and how good that is.

    :raises AuditError: when the copy could not be recorded; nothing was sent. :raises NoModelAvailable: when nobody
        may be asked. Otherwise what an executor raises.
    """
    purse = mirroring.purse
    profile = serving(line.profiles[mirroring.mirror.to], work.profile, None)
    task = completed(copy_of(work, purse.left if purse else None), profile, None)
    rules = line.rules if purse else replace(line.rules, allow_paid=False)
    ranking = await ranked(replace(line, rules=rules), task, profile)
    able, spared = await spare(line, ranking.candidates)
    if not able:
        raise NoModelAvailable(
            f"no model may be asked for a copy by {profile.name}", (*ranking.passed_over, *spared)
        )
    line.report.record(work.task, "task.mirrored", profile=profile.name)
    terms = Terms(
        task.id,
        deadline=line.clock.monotonic() + time,
        timeout=time,
        attempts=ATTEMPTS,
        prompt_tokens=estimate_tokens(task),
        free=frozenset(c.deployment.id for c in able if is_free(c.card, rules)),
        budget=task.budget,
        purse=purse,
    )
    request = Request(task.messages, task.parameters, task.schema, metadata=task.tags)
    answer = await line.shadow().complete(request, able, terms)
    return answer, await assess(task, answer.response, line.checks)


async def spare(line: Line, candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[PassedOver]]:
    """Whom copies may ask, and why not the others: who is sick or has little left to give is left to the tasks.

    :raises StorageError: when nobody can tell what is left.
    """
    known, now = line.executor.experience, line.clock.now()
    low = await used_up(line)
    able: list[Candidate] = []
    spared: list[PassedOver] = []
    for candidate in candidates:
        deployment = candidate.deployment
        if known.scarce(candidate):
            why = "its allowance for a day is too small for copies"
        elif low and not low.isdisjoint((account_name(deployment.provider, deployment.key), deployment.id)):
            why = f"what is left of its limits, {RESERVE:.0%} or less, is kept for tasks"
        elif known.bench.bar(deployment, now) or known.health.state(deployment.id, now) != "healthy":
            why = "it is not well, or limited, now"
        else:
            able.append(candidate)
            continue
        spared.append(PassedOver(deployment.id, why))
    return able, spared


async def used_up(line: Line) -> frozenset[str]:
    """Accounts and deployments with a limit of which no more than the reserve is left. Looked up now and then: it is
    dearer than all the rest of a copy.
    """
    control, now = line.traffic(), line.clock.monotonic()
    looked_at, low = control.low
    if now - looked_at >= LOOK:
        uses = await line.executor.experience.quotas.show()
        low = frozenset(use.name for use in uses if use.left <= use.limit.amount * RESERVE)
        control.low = now, low
    return low


def copy_of(work: Work, budget: Budget | None) -> Task:
    """The task as it was asked, for another profile: under an id of its own, without tools. Pure.

    What the guard replaced stays replaced: then the copy has the messages that were sent, the system text included.
    """
    task = work.asked
    if completed(task, work.profile, None).messages != work.task.messages:
        task = replace(task, messages=work.task.messages)
    return replace(task, id=new_id(), budget=budget, tools=(), tool_choice=ToolChoice())
