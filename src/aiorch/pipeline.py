"""The line: one task from top to bottom.

    admit -> match -> ( execute -> release -> tools )* -> assess -> accept | revise | escalate -> Outcome

:func:`run` is that picture as code. Each step is one function below it, in the order in which they happen, and
asks one room of the house. Only the middle repeats, under one budget and one deadline.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from aiorch.answering import (
    StreamEvent,
    answered,
    in_time,
    replayed,
    settle,
    shown_whole,
    streamed,
)
from aiorch.choosing import completed, match, routed, without_those
from aiorch.committing import round_key, tool_key
from aiorch.errors import (
    BudgetExceeded,
    ExecutionError,
    LimitReached,
    OutputInvalid,
    QualityError,
    SecurityException,
    ToolError,
)
from aiorch.events import Blocked
from aiorch.guarding import as_data, checked_call, checked_result, drawn, may_pass, noted, refusal
from aiorch.journal import keeps
from aiorch.protocols import Journal, Tool
from aiorch.quality import Shape, meets, shape_of, shortfalls
from aiorch.quality import assess as checked
from aiorch.routing import Known, Resume
from aiorch.types import (
    Assessment,
    CheckResult,
    Issue,
    Message,
    Outcome,
    Provenance,
    Task,
    ToolCall,
    ToolResult,
    Verdict,
)
from aiorch.work import Line, Move, Returned, Said, Work

T = TypeVar("T")


async def run(
    line: Line, task: Task, shape: Shape[T], tools: Mapping[str, Tool], journal: Journal
) -> Outcome[T]:
    """Carry out one task. What it raises is listed in :meth:`aiorch.Orchestrator.run`."""
    work, tools = await admit(line, task, tools, journal)
    try:
        while True:
            said, work = await execute(line, work, journal)
            said, work = await release(line, work, said, journal)
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
    work, tools = await admit(line, task, tools, journal)
    try:
        while True:
            said: Said | None = None
            why: tuple[Issue, ...] = ()
            async with aclosing(execute_stream(line, work, journal, resume)) as pieces:
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
            said, work = await release(line, work, said, journal)
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


async def admit(
    line: Line, task: Task, tools: Mapping[str, Tool], journal: Journal
) -> tuple[Work, Mapping[str, Tool]]:
    """Find out which profile serves the task, complete it from that, check the input, write it down.

    :returns: with the tools of that profile.

    :raises SecurityException: when a validator blocks it. :raises AuditError: when it cannot be recorded.
    """
    now = line.clock.monotonic()
    asked = task
    task, tools, profile, route = await routed(line, task, tools)
    task = completed(task, profile, line.budget)
    try:
        await named(line, task, journal)
        verdict = await line.guard.check("input", task.messages, task)
        if verdict.replacement is not None:
            task = replace(task, messages=verdict.replacement)
        allowed = await may_pass(line, task, verdict, task.messages, journal, f"{task.id}/input")
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


async def named(line: Line, task: Task, journal: Journal) -> None:
    """Pseudonyms that mean in every process what they meant in the one that asked, where the task may get some."""
    if keeps(journal) and line.guard.may_rename(task):
        line.guard.name(task, await journal.once(f"{task.id}/names", drawn, returns=str))


# --- execute: who answers ----------------------------------------------------------------------------------------


async def execute(line: Line, work: Work, journal: Journal) -> tuple[Said, Work]:
    """The answer of this round: the one that an earlier process committed, else of whoever may be asked now."""
    said = await replayed(line, work, journal)
    if said is None:
        if not work.candidates:
            work = await match(line, work)
        said = await answered(line, work, journal)
    return said, settle(work, said)


async def execute_stream(
    line: Line, work: Work, journal: Journal, resume: Resume | None
) -> AsyncGenerator[StreamEvent | Said, None]:
    """The same in pieces."""
    said = await replayed(line, work, journal)
    if said is not None:
        for event in shown_whole(line, work, said):
            yield event
        return
    if not work.candidates:
        work = await match(line, work)
    async with aclosing(streamed(line, work, journal, resume)) as pieces:
        async for piece in pieces:
            yield piece


# --- release: may this go out? -----------------------------------------------------------------------------------


async def release(line: Line, work: Work, said: Said, journal: Journal) -> tuple[Said, Work]:
    """Let the guard look at the answer before anybody else does.

    :raises SecurityException: when a validator blocks it.
    """
    message = said.answer.response.message
    verdict = await line.guard.check("output", (message,), work.task)
    work = noted(line, work, verdict)
    place = f"{round_key(work.task, work.rounds)}/output"
    if not await may_pass(line, work.task, verdict, (message,), journal, place):
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
    for number, asked in enumerate(message.tool_calls):
        place = tool_key(work.task, work.rounds, number)
        call, result, work = await checked_call(line, work, asked, tools.get(asked.name), journal, place)
        if result is None:
            result = await called(line, work, call, tools, journal, place)
            result, work = await checked_result(line, work, result, journal, place)
        results.append(Message.tool(result))
    return replace(work, conversation=(*work.conversation, message, *results))


async def called(
    line: Line, work: Work, call: ToolCall, tools: Mapping[str, Tool], journal: Journal, place: str
) -> ToolResult:
    """What a call gives, which is recorded before it is made; one that an earlier process made is not made again."""
    tool = tools.get(call.name)
    idempotent = tool is None or tool.idempotent

    async def effect() -> Returned:
        line.report.record(
            work.task, "tool.called", texts={"arguments": str(dict(call.arguments))}, tool=call.name
        )
        began = line.clock.monotonic()
        result = await line.tools.call(call, tools.values())
        line.report.called(work.task, call.name, line.clock.monotonic() - began, ok=not result.is_error)
        return Returned(result.content, result.is_error)

    with in_time(
        line, work
    ):  # around the journal: what is cut off has not failed, nobody knows how far it came
        gave = await journal.once(
            place, effect, returns=Returned, idempotent=idempotent, ledger=not idempotent
        )
    return ToolResult(call.id, gave.content, gave.is_error, Provenance("tool", call.name))


async def use(line: Line, task: Task, tool: Tool, arguments: Mapping[str, Any], journal: Journal) -> str:
    """One call of a tool that no model asked for, under the guard that a model's calls are under.

    :raises ToolError: when it fails, or when the guard or a person refuses it.
    :raises AuditError: when it cannot be recorded; it is then not made.
    """
    profile, now = line.profiles[task.agent], line.clock.monotonic()
    patience = line.timeout if task.timeout is None else task.timeout
    work = Work(task, task, profile, started=now, deadline=now + patience, rounds=1)
    name = tool.spec.name
    place = tool_key(task, 1, 0)
    call, result, work = await checked_call(
        line, work, ToolCall(f"{task.id}-0", name, arguments), tool, journal, place
    )
    if result is None:
        result = await called(line, work, call, {name: tool}, journal, place)
        result, work = await checked_result(line, work, result, journal, place, mark=False)
    if result.is_error:
        raise ToolError(result.content)
    return result.content


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
        return "give_up" if said.taken.alone else "escalate"
    failed = {c.name for c in assessment.failed}
    if said.answer.response.finish == "length" and work.task.parameters.max_tokens is not None:
        failed.discard("not_truncated")
    if not failed:
        return "accept"
    return "escalate" if left and not said.taken.cached and not said.taken.alone else "give_up"


def revise(work: Work, said: Said, wrong: str | None) -> Work:
    """Ask again, with the answer and what is wrong with it in the conversation."""
    told = Message.user(
        f"That answer cannot be used: {wrong}\nAnswer again with the whole corrected answer and nothing else."
    )
    return replace(work, conversation=(*work.conversation, said.answer.response.message, told), revised=True)


def escalate(work: Work, said: Said) -> Work:
    """Ask anew, without the model that just answered."""
    work = replace(
        work,
        left_out=work.left_out | {said.answer.candidate.card.id},
        conversation=work.task.messages,
        revised=False,
    )
    return without_those(work)


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
        cached=said.taken.cached or said.taken.shared,
        similarity=said.taken.similarity,
        demo=card.demo,
        degraded=stood_in(work, said),
        seconds=line.clock.monotonic() - work.started,
        profile=work.profile.name,
        route=work.route.why if work.route else "",
    )
    if accepted and said.key and line.cache and not said.taken.cached:
        await line.cache.put(said.key, Known(answer.response, card.id, card.demo, line.clock.now()))
        if said.like and line.similar and not said.taken.shared:
            await line.similar.keep(said.like, said.key)
    line.report.finished(task, outcome)
    if work.route is not None and not (said.taken.cached or said.replayed):
        await line.traffic().ended(work.route, failed=False, assessment=assessment, fits=wrong is None)
    if wrong is not None:
        raise OutputInvalid(f"{card.id} gave no answer that fits: {wrong}", outcome, assessment)
    if not accepted and line.require_quality:
        below = "; ".join(shortfalls(assessment, work.profile.minima))
        raise QualityError(f"the answer of {card.id} is not good enough: {below}", outcome, assessment)
    if (
        said.answer.attempts and not said.replayed and line.traffic().mirrors
    ):  # else there is nothing to compare with
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


def stood_in(work: Work, said: Said) -> bool:
    """True when a model on this machine answered because nobody better could. Pure.

    That is so when a model elsewhere was preferred to it or failed before it, or when a demo model answered while a
    configured provider could not even list its models.
    """
    card = said.answer.candidate.card
    if card.free != "local":
        return False
    return said.taken.behind or any(a.deployment.provider != card.provider for a in work.attempts)
