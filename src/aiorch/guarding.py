"""The guard around what is done: a call of a tool before it is made, a person who is asked, a result before it is read.

Whatever a tool or a document says can make the guard ask for more; nothing that it says makes it ask for less.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aiorch.committing import decided
from aiorch.errors import SettingsError
from aiorch.protocols import ApprovalRequest, Journal, Tool
from aiorch.routing import Profiles
from aiorch.safety import Policy, policy_of, spotlit
from aiorch.safety.places import places_of, rewritten
from aiorch.safety.spotlight import is_spotlit
from aiorch.types import Issue, Message, Task, ToolCall, ToolResult, Verdict
from aiorch.work import Line, Work

SURE = 0.9
"""From which confidence on words that look like an attack make the guard ask before anything is changed. Rules are
that sure; of the scores only the highest are.
"""


def policies(setting: str, profiles: Profiles) -> Callable[[Task], Policy]:
    """Which policy holds for a task: its profile's, or else the one of the setting.

    :raises SettingsError: when one of them does not exist or cannot be used, with the profile that names it.
    """
    usual = policy_of(setting)
    own: dict[str, Policy] = {}
    for name in profiles.names():
        if (named := profiles[name].policy) is not None:
            try:
                own[name] = policy_of(named)
            except SettingsError as wrong:
                raise SettingsError(f"profile {name!r}: {wrong}") from None
    if not own:
        return lambda task: usual
    return lambda task: own.get(task.agent or "", usual)


async def drawn() -> str:
    """What the pseudonyms of one task have in common: text of somebody else's must not be taken for one."""
    return secrets.token_hex(3)


async def may_pass(
    line: Line, task: Task, verdict: Verdict, content: Sequence[Message], journal: Journal, place: str
) -> bool:
    """Whether ``content`` may go on: as the verdict says, or a person whom it wants asked, who is shown what would.

    :param place: on the line, where a durable run keeps what the person said.
    :raises AuditError: when the answer cannot be recorded.
    """
    if verdict.action != "ask":
        return verdict.allowed
    now = content if verdict.replacement is None else verdict.replacement
    texts = [place.text for place in places_of(verdict.stage, now)]
    return await approved(line, task, verdict.stage, said(verdict.issues), {"texts": texts}, journal, place)


async def approved(
    line: Line,
    task: Task,
    action: str,
    summary: str,
    details: Mapping[str, Any],
    journal: Journal,
    place: str,
) -> bool:
    """Whether a person allows it, who is asked once. Where nobody can be asked, it is not allowed."""
    approver = line.approver
    if approver is None:
        return False

    async def ask() -> bool:
        answer = await approver.approve(ApprovalRequest(action, summary, details, task.id)) is True
        line.report.record(task, "approval.given" if answer else "approval.refused", action=action)
        return answer

    return await decided(journal, place, action, details, ask)


def as_data(line: Line, task: Task, verdict: Verdict) -> Task:
    """A task whose documents are marked as what they are, where its policy wants that."""
    spotlight = line.guard.policy(task).spotlight
    attacked = {issue.where for issue in verdict.issues if issue.detector == "injection"}
    if spotlight == "off" or (spotlight == "found" and not attacked):
        return task
    texts = {
        place.where: spotlit(place.text, place.provenance, task.id)
        for place in places_of("input", task.messages)
        if place.stage == "tool_result"
        and (spotlight == "always" or place.where in attacked)
        and not is_spotlit(place.text)
    }
    return replace(task, messages=rewritten(task.messages, texts)) if texts else task


async def checked_call(
    line: Line, work: Work, call: ToolCall, tool: Tool | None, journal: Journal, place: str
) -> tuple[ToolCall, ToolResult | None, Work]:
    """A call as it may be made; where it may not, what the model is told instead of a result.

    It is looked at with the values in place of pseudonyms: that is what the tool would be given.
    """
    (call,) = line.guard.restored(work.task, Message("assistant", (call,))).tool_calls
    asks = partial(may_be_made, line, work.task, journal, place)
    verdict = Verdict("arguments", "allow")
    if line.guard.watches("arguments"):
        verdict = await line.guard.check("arguments", (Message("assistant", (call,)),), work.task)
        work = noted(line, work, verdict)
        if verdict.replacement is not None:
            (call,) = verdict.replacement[0].tool_calls
        why = f"{call.name}: {said(verdict.issues)}"
        if not (verdict.allowed or (verdict.action == "ask" and await asks(call, why))):
            return call, refused(line, work, call, verdict), work
    if tool is None or tool.idempotent or verdict.action == "ask" or not (why := suspicion(work.verdicts)):
        return call, None, work
    doubtful = Issue("suspicious_context", f"{call.name} changes something, and {why}")
    asked = Verdict("arguments", "ask", (doubtful,))
    if await asks(call, doubtful.message):
        return call, None, work
    work = noted(line, work, asked)
    return call, refused(line, work, call, asked), work


async def may_be_made(line: Line, task: Task, journal: Journal, place: str, call: ToolCall, why: str) -> bool:
    """Whether a person allows this call. :raises AuditError: when the answer cannot be recorded."""
    return await approved(line, task, call.name, why, {"arguments": dict(call.arguments)}, journal, place)


async def checked_result(
    line: Line, work: Work, result: ToolResult, journal: Journal, place: str, *, mark: bool = True
) -> tuple[ToolResult, Work]:
    """A result as it may go on: without what must not go further.

    :param mark: for a model, which is shown that it is no order of anybody's.
    """
    if not line.guard.watches("tool_result"):
        return result, work
    content = (Message.tool(result),)
    verdict = await line.guard.check("tool_result", content, work.task)
    work = noted(line, work, verdict)
    if not await may_pass(line, work.task, verdict, content, journal, f"{place}/result"):
        why = f"the guard kept this result back: {said(refusal(line, verdict))}"
        return replace(result, content=why, is_error=True), work
    if verdict.replacement is not None:
        (result,) = verdict.replacement[0].tool_results
    if not mark:
        return result, work
    spotlight = line.guard.policy(work.task).spotlight
    attacked = any(issue.detector == "injection" for issue in verdict.issues)
    if spotlight == "always" or (spotlight == "found" and attacked):
        result = replace(result, content=spotlit(result.content, result.provenance, work.task.id))
    return result, work


def noted(line: Line, work: Work, verdict: Verdict) -> Work:
    """The work with what the guard found, which is told."""
    line.report.found(work.task, verdict)
    return replace(work, verdicts=(*work.verdicts, verdict)) if verdict.issues else work


def refused(line: Line, work: Work, call: ToolCall, verdict: Verdict) -> ToolResult:
    """What the model is told of a call that is not made, which is recorded."""
    codes = [issue.code for issue in verdict.issues]
    line.report.record(work.task, "tool.refused", tool=call.name, issues=codes)
    return ToolResult(call.id, f"{call.name} was not called: {said(refusal(line, verdict))}", is_error=True)


def suspicion(verdicts: Sequence[Verdict]) -> str | None:
    """Why this task's context cannot be trusted with changes; ``None`` where nothing speaks against it. Pure.

    >>> found = Issue("injection.rule.override", "", detector="injection", confidence=0.99)
    >>> suspicion([Verdict("tool_result", "flag", (found,))])
    'words in its context look like an attack (injection.rule.override)'
    """
    for verdict in verdicts:
        for issue in verdict.issues:
            sure = issue.confidence is None or issue.confidence >= SURE
            if issue.detector == "injection" and verdict.stage != "output" and sure:
                return f"words in its context look like an attack ({issue.code})"
    return None


def said(issues: Sequence[Issue]) -> str:
    """Findings in a sentence."""
    return "; ".join(dict.fromkeys(f"{issue.message} [{issue.code}]" for issue in issues))


def refusal(line: Line, verdict: Verdict) -> tuple[Issue, ...]:
    """Why something is refused: what was found, and that nobody allowed it where a person would have had to."""
    reasons = tuple([i for i in verdict.issues if i.action in (None, "ask", "block")]) or verdict.issues
    if verdict.action != "ask":
        return reasons
    if line.approver is None:
        why = "a person must allow it, and nobody can be asked: pass approver= to the Orchestrator"
        return (*reasons, Issue("nobody_to_ask", why))
    return (*reasons, Issue("not_approved", "the person who was asked did not allow it"))
