"""The line: one task from top to bottom.

    admit -> match -> ( execute -> release -> tools )* -> assess -> accept | revise | escalate -> Outcome

:func:`run` is that picture as code. Each step is one function below it, in the order in which they happen, and
asks one room of the house. Only the middle repeats, under one budget and one deadline.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from itertools import takewhile
from typing import Any, TypeVar

from aiorch.answering import StreamEvent, execute, execute_stream, in_time, settle
from aiorch.choosing import completed, match, routed
from aiorch.errors import (
    BudgetExceeded,
    ExecutionError,
    LimitReached,
    OutputInvalid,
    QualityError,
    SecurityException,
)
from aiorch.events import Blocked
from aiorch.guarding import as_data, checked_call, checked_result, may_pass, noted, refusal
from aiorch.protocols import Journal, Tool
from aiorch.quality import Shape, meets, shape_of, shortfalls
from aiorch.quality import assess as checked
from aiorch.routing import Known, Resume
from aiorch.types import (
    Assessment,
    CheckResult,
    Issue,
    Message,
    ModelCard,
    Outcome,
    Task,
    ToolResult,
    Verdict,
)
from aiorch.work import Line, Move, Said, Work

T = TypeVar("T")


async def run(
    line: Line, task: Task, shape: Shape[T], tools: Mapping[str, Tool], journal: Journal
) -> Outcome[T]:
    """Carry out one task. What it raises is listed in :meth:`aiorch.Orchestrator.run`."""
    work, tools = await admit(line, task, tools)
    try:
        work = await match(line, work)
        while True:
            said, work = await execute(line, work, journal)
            said, work = await release(line, work, said)
            if said.answer.response.message.tool_calls and tools and work.rounds < work.profile.max_rounds:
                work = await use_tools(line, work, said, tools, journal)
                continue
            value, assessment, wrong = await assess(line, work, said, shape)
            move = next_move(assessment, wrong, work, said)
            line.report.assessed(task, assessment, move)
            if move == "revise":
                work = revise(work, said, wrong and line.guard.hidden(work.task, wrong))
            elif move == "escalate":
                work = escalate(work, said)
            else:
                return await conclude(line, work, said, value, assessment, wrong)
    except BaseException as error:
        line.report.erred(task, error)
        await unanswered(line, work, error)
        raise
    finally:
        line.guard.forget(work.task)


async def stream(
    line: Line,
    task: Task,
    tools: Mapping[str, Tool],
    journal: Journal,
    resume: Resume | None = None,
) -> AsyncGenerator[StreamEvent | Outcome[str], None]:
    """The same line while the answer is being written; the outcome comes last.

    What was shown stays shown, so an answer is assessed and marked, but neither revised nor escalated.
    """
    work, tools = await admit(line, task, tools)
    try:
        work = await match(line, work)
        while True:
            said: Said | None = None
            why: tuple[Issue, ...] = ()
            async with aclosing(execute_stream(line, work, resume)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Said):
                        said = piece
                        continue
                    if isinstance(piece, Blocked):
                        why = piece.issues
                        line.report.found(task, Verdict("output", "block", why))
                    yield piece
            if said is None:  # blocked by a validator: the event said so already
                raise SecurityException(why or "a stream validator stopped the answer", blocked="output")
            work = settle(work, said)
            said, work = await release(line, work, said)
            if said.answer.response.message.tool_calls and tools and work.rounds < work.profile.max_rounds:
                work = await use_tools(line, work, said, tools, journal)
                continue
            _, assessment, wrong = await assess(line, work, said, shape_of(str))
            text = line.guard.restored(work.task, said.answer.response.message).text
            outcome = await conclude(line, work, said, text, assessment, wrong)
            break
    except BaseException as error:
        line.report.erred(task, error)
        await unanswered(line, work, error)
        raise
    finally:
        line.guard.forget(work.task)
    yield outcome  # out here: whoever stops listening now has cancelled nothing


# --- admit: may this come in? ------------------------------------------------------------------------------------


async def admit(line: Line, task: Task, tools: Mapping[str, Tool]) -> tuple[Work, Mapping[str, Tool]]:
    """Find out which profile serves the task, complete it from that, check the input, write it down.

    :returns: with the tools of that profile.

    :raises SecurityException: when a validator blocks it. :raises AuditError: when it cannot be recorded.
    """
    now = line.clock.monotonic()
    asked = task
    task, tools, profile, route = await routed(line, task, tools)
    task = completed(task, profile, line.budget)
    try:
        verdict = await line.guard.check("input", task.messages, task)
        if verdict.replacement is not None:
            task = replace(task, messages=verdict.replacement)
        allowed = await may_pass(line, task, verdict, task.messages)
        line.report.admitted(task, verdict, allowed=allowed)
        if not allowed:
            raise SecurityException(refusal(line, verdict))
        task = as_data(line, task, verdict)
    except BaseException:  # nobody else will: it does not get as far as to be a task's work
        line.guard.forget(task)
        raise
    work = Work(
        task,
        asked,
        profile,
        started=now,
        deadline=now + (line.timeout if task.timeout is None else task.timeout),
        conversation=task.messages,
        verdicts=(verdict,) if verdict.issues else (),
        route=route,
    )
    return work, tools


# --- release: may this go out? -----------------------------------------------------------------------------------


async def release(line: Line, work: Work, said: Said) -> tuple[Said, Work]:
    """Let the guard look at the answer before anybody else does.

    :raises SecurityException: when a validator blocks it.
    """
    message = said.answer.response.message
    verdict = await line.guard.check("output", (message,), work.task)
    work = noted(line, work, verdict)
    if not await may_pass(line, work.task, verdict, (message,)):
        raise SecurityException(refusal(line, verdict), blocked="output")
    if verdict.replacement is not None:
        response = replace(said.answer.response, message=verdict.replacement[0])
        said = replace(said, answer=replace(said.answer, response=response))
    return said, work


# --- tools: what the model asked for -----------------------------------------------------------------------------


async def use_tools(line: Line, work: Work, said: Said, tools: Mapping[str, Tool], journal: Journal) -> Work:
    """Carry out the calls that the model asks for, and add call and results to the conversation.

    :raises ToolError: when a tool ends the task. :raises AuditError: when a call cannot be recorded; it is then not
        made.
    """
    message = said.answer.response.message
    results: list[Message] = []
    for asked in message.tool_calls:
        tool = tools.get(asked.name)
        call, result, work = await checked_call(line, work, asked, tool)
        if result is None:
            line.report.record(
                work.task, "tool.called", texts={"arguments": str(dict(call.arguments))}, tool=call.name
            )
            began = line.clock.monotonic()
            with in_time(line, work):
                result = await journal.once(
                    f"{work.task.id}/round/{work.rounds}/tool/{call.id}",
                    lambda call=call: line.tools.call(call, tools.values()),
                    returns=ToolResult,
                    idempotent=tool is None or tool.idempotent,
                )
            line.report.called(work.task, call.name, line.clock.monotonic() - began, ok=not result.is_error)
            result, work = await checked_result(line, work, result)
        results.append(Message.tool(result))
    return replace(work, conversation=(*work.conversation, message, *results))


# --- assess: how good is it? -------------------------------------------------------------------------------------


async def assess(
    line: Line, work: Work, said: Said, shape: Shape[T]
) -> tuple[T | None, Assessment, str | None]:
    """The value in the shape that was asked for, the checks' evidence, and what is wrong where it does not fit."""
    response = said.answer.response
    assessment = await checked(work.task, response, line.checks)
    if response.message.tool_calls and work.rounds >= work.profile.max_rounds:
        why = f"it still wants tools after {work.rounds} rounds, the most that its profile allows"
        assessment = replace(
            assessment, checks=(*assessment.checks, CheckResult("tools_finished", False, why))
        )
    text = line.guard.restored(work.task, response.message).text
    try:
        value = shape.parse(text)
    except OutputInvalid as unfit:
        return None, assessment, str(unfit)
    asked = work.profile.format
    if asked is None or response.message.tool_calls:
        return value, assessment, None
    from aiorch.safety.formats import faults  # only for those who ask for one

    return value, assessment, "; ".join(fault.message for fault in faults(text, asked)) or None


def next_move(assessment: Assessment, wrong: str | None, work: Work, said: Said) -> Move:
    """What happens to an answer. Pure.

    One that does not fit its type is sent back once with the reason, then given to another model. One that fails a
    check goes to another model where there is one, except when it was cut by the limit that the task itself set.
    """
    left = work.rounds < work.profile.max_rounds
    if wrong is not None:
        if not left:
            return "give_up"
        if not work.revised:
            return "revise"
        return "escalate" if others(work, said) else "give_up"
    failed = {c.name for c in assessment.failed}
    if said.answer.response.finish == "length" and work.task.parameters.max_tokens is not None:
        failed.discard("not_truncated")
    if not failed:
        return "accept"
    return "escalate" if left and not said.cached and others(work, said) else "give_up"


def others(work: Work, said: Said) -> bool:
    """True where another model than the one that answered may be asked."""
    return any(c.card.id != said.answer.candidate.card.id for c in work.candidates)


def revise(work: Work, said: Said, wrong: str | None) -> Work:
    """Ask again, with the answer and what is wrong with it in the conversation."""
    told = Message.user(
        f"That answer cannot be used: {wrong}\nAnswer again with the whole corrected answer and nothing else."
    )
    return replace(work, conversation=(*work.conversation, said.answer.response.message, told), revised=True)


def escalate(work: Work, said: Said) -> Work:
    """Ask anew, without the model that just answered."""
    tiers = work.tiers or range(len(work.candidates))
    left = [
        (c, tier)
        for c, tier in zip(work.candidates, tiers, strict=True)
        if c.card.id != said.answer.candidate.card.id
    ]
    rest, tiers = tuple(c for c, _ in left), tuple(tier for _, tier in left)
    return replace(work, candidates=rest, tiers=tiers, conversation=work.task.messages, revised=False)


# --- the end -----------------------------------------------------------------------------------------------------


async def conclude(
    line: Line, work: Work, said: Said, value: T | None, assessment: Assessment, wrong: str | None
) -> Outcome[T]:
    """The outcome: kept, recorded, told.

    :raises OutputInvalid: when no answer fitted the type that was asked for.
    :raises QualityError: when it is below its minima and ``require_quality`` is on.
    """
    task, answer = work.task, said.answer
    accepted = wrong is None and meets(assessment, work.profile.minima)
    card = answer.candidate.card
    messages = (*work.conversation, answer.response.message)
    shown = tuple([line.guard.restored(task, message) for message in messages])
    text = shown[-1].text
    outcome: Outcome[Any] = Outcome(
        value=value if wrong is None else text,
        text=text,
        task_id=task.id,
        model=card.id,
        served_model=answer.response.model,
        finish=answer.response.finish,
        usage=work.spent.usage,
        cost=work.spent.usd,
        assessment=assessment,
        accepted=accepted,
        verdicts=work.verdicts,
        attempts=work.attempts,
        rounds=work.rounds,
        messages=shown,
        cached=said.cached or said.shared,
        similarity=said.similarity,
        demo=card.demo,
        degraded=stood_in(work, card),
        seconds=line.clock.monotonic() - work.started,
        profile=work.profile.name,
        route=work.route.why if work.route else "",
    )
    if accepted and said.key and line.cache and not said.cached:
        await line.cache.put(said.key, Known(answer.response, card.id, card.demo, line.clock.now()))
        if said.like and line.similar and not said.shared:
            await line.similar.keep(said.like, said.key)
    line.report.finished(task, outcome)
    if work.route is not None and not said.cached:
        await line.traffic().ended(work.route, failed=False, assessment=assessment, fits=wrong is None)
    if wrong is not None:
        raise OutputInvalid(f"{card.id} gave no answer that fits: {wrong}", outcome, assessment)
    if not accepted and line.require_quality:
        below = "; ".join(shortfalls(assessment, work.profile.minima))
        raise QualityError(f"the answer of {card.id} is not good enough: {below}", outcome, assessment)
    if said.answer.attempts and line.traffic().mirrors:  # nobody was asked: nothing to compare with
        from aiorch.mirroring import mirror  # only for those who have any

        mirror(line, work)
    return outcome


async def unanswered(line: Line, work: Work, error: BaseException) -> None:
    """Let a shift know that the profile that served a task gave nothing that could be shown.

    Cancellation, a budget or limit that is too small and mistakes of our own say nothing about a profile.
    """
    if work.route is None or isinstance(error, BudgetExceeded | LimitReached | QualityError):
        return
    if isinstance(error, SecurityException) and error.blocked == "output":
        await line.traffic().ended(work.route, failed=False, fits=False)
    elif isinstance(error, ExecutionError):
        await line.traffic().ended(work.route, failed=True)


def stood_in(work: Work, card: ModelCard) -> bool:
    """True when a model on this machine answered because nobody better could. Pure.

    That is so when a model elsewhere was preferred to it or failed before it, or when a demo model answered while a
    configured provider could not even list its models.
    """
    if card.free != "local":
        return False
    preferred = takewhile(lambda c: c.card.id != card.id, work.candidates)
    return (
        any(c.card.free != "local" for c in preferred)
        or any(a.deployment.provider != card.provider for a in work.attempts)
        or (card.demo and work.silent)
    )
