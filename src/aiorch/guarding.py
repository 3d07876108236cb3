"""The guard around what is done: a call of a tool before it is made, a person who is asked, a result before it is read.

Whatever a tool or a document says can make the guard ask for more; nothing that it says makes it ask for less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiorch.errors import SecurityException
from aiorch.protocols import ApprovalRequest, Tool
from aiorch.safety import spotlit
from aiorch.types import Issue, Message, Task, ToolCall, ToolResult, Verdict
from aiorch.work import Line, Work

SURE = 0.9
"""From which confidence on words that look like an attack make the guard ask before anything is changed. The score is
calibrated so that clean texts seldom reach it; see docs/security.md."""


async def may_pass(line: Line, task: Task, verdict: Verdict) -> bool:
    """Whether content may go on: as the verdict says, or a person whom it wants asked.

    :raises AuditError: when the answer cannot be recorded.
    """
    if verdict.action != "ask":
        return verdict.allowed
    return await approved(line, task, verdict.stage, said(verdict.issues), {"stage": verdict.stage})


async def approved(line: Line, task: Task, action: str, summary: str, details: dict[str, Any]) -> bool:
    """Whether a person allows it. Where nobody can be asked, it is not allowed."""
    if line.approver is None:
        return False
    answer = await line.approver.approve(ApprovalRequest(action, summary, details, task.id))
    line.report.record(task, "approval.given" if answer else "approval.refused", action=action)
    return answer


async def checked_call(line: Line, work: Work, call: ToolCall, tool: Tool | None) -> tuple[ToolCall, Verdict]:
    """A call as it may be made.

    :raises SecurityException: when it may not be made; the model is told why.
    """
    verdict = Verdict("arguments", "allow")
    if line.guard.watches("arguments"):
        message = Message("assistant", (call,))
        verdict = await line.guard.check("arguments", (message,), work.task)
        line.report.found(work.task, verdict)
        if not await may_pass(line, work.task, verdict):
            raise SecurityException(_refused(line, verdict), blocked="arguments")
        if verdict.replacement is not None:
            (call,) = verdict.replacement[0].tool_calls
    if tool is not None and not tool.idempotent and (why := suspicion(work.verdicts)):
        summary = f"{call.name} changes something, and {why}"
        if verdict.action != "ask" and not await approved(
            line, work.task, call.name, summary, {"arguments": dict(call.arguments)}
        ):
            raise SecurityException(
                _refused(line, Verdict("arguments", "ask", (Issue("suspicious_context", summary),))),
                blocked="arguments",
            )
    return call, verdict


async def checked_result(line: Line, work: Work, result: ToolResult) -> tuple[ToolResult, Verdict]:
    """A result as the model may read it: without what must not go further, and marked as what it is."""
    if not line.guard.watches("tool_result"):
        return result, Verdict("tool_result", "allow")
    verdict = await line.guard.check("tool_result", (Message.tool(result),), work.task)
    line.report.found(work.task, verdict)
    if not await may_pass(line, work.task, verdict):
        why = f"the guard kept this result back: {said(verdict.issues)}"
        return replace(result, content=why, is_error=True), verdict
    if verdict.replacement is not None:
        (result,) = verdict.replacement[0].tool_results
    spotlight = line.guard.policy(work.task).spotlight
    attacked = any(issue.detector == "injection" for issue in verdict.issues)
    if spotlight == "always" or (spotlight == "found" and attacked):
        marked = spotlit(result.content, result.provenance, work.task.id)
        result = replace(result, content=marked)
    return result, verdict


def suspicion(verdicts: Sequence[Verdict]) -> str | None:
    """Why this task's context cannot be trusted with changes; ``None`` where nothing speaks against it. Pure.

    >>> suspicion([Verdict("tool_result", "flag", (Issue("injection.rule.x", "", detector="injection"),))])
    'words in its context look like an attack (injection.rule.x)'
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


def _refused(line: Line, verdict: Verdict) -> str:
    if verdict.action == "ask" and line.approver is None:
        return f"{said(verdict.issues)}; a person must allow it, and nobody can be asked (Orchestrator(approver=...))"
    if verdict.action == "ask":
        return f"{said(verdict.issues)}; the person who was asked did not allow it"
    return said(verdict.issues)
