"""Tasks that wait: for a person, for an event, for the time.

They take no place under the run's limit. Deadlines are committed when the wait begins, so a restart does not begin it
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from aiorch.errors import WorkflowError
from aiorch.events import NodeWaiting
from aiorch.protocols import ApprovalRequest, Mailbox
from aiorch.workflow.missing import Lack
from aiorch.workflow.nodes import Approve, Sleep, WaitFor
from aiorch.workflow.runs import Waiting
from aiorch.workflow.units import Unit, within
from aiorch.workflow.values import checked_result


async def approve(unit: Unit, work: Approve, values: dict[str, Any]) -> bool | Lack:
    """A person's decision: True where allowed; a :class:`Lack`, or False, where not."""
    question = work.question.render(values)
    until = None if work.timeout is None else await unit.until(work.timeout)
    decide = partial(_decided, unit, question, until)
    decision = _decision(
        unit.path, await unit.house.journal.once(unit.key, decide, returns=cast("type[Any]", Any))
    )
    if decision["allowed"]:
        return True
    if work.refused == "continue":
        return False
    by, note = (str(decision.get(word) or "") for word in ("by", "note"))
    why = f"{unit.path!r} was refused{f' by {by}' if by else ''}{f': {note}' if note else ''}"
    return Lack("refused", unit.path, why)


async def _decided(unit: Unit, question: str, until: float | None) -> Any:
    """What a person says; silence beyond ``until`` is a refusal."""
    services = unit.house.services
    if services.approver is not None:
        details = {"workflow": unit.house.run.workflow, "run": unit.house.run.id}
        request = ApprovalRequest(unit.path, question, details, unit.task_id)
        ask = partial(services.approver.approve, request)
    else:
        ask = partial(_mailbox(unit, unit.path).receive, unit.path)
    try:
        answer = await _watched(unit, Waiting(unit.path, "approval", unit.path, question, until), ask)
    except TimeoutError:
        return {"allowed": False, "by": "", "note": "nobody answered in time"}
    return {"allowed": answer, "by": "", "note": ""} if isinstance(answer, bool) else answer


def _decision(path: str, said: Any) -> Mapping[str, Any]:
    """:raises WorkflowError: for what is no decision."""
    if isinstance(said, Mapping):
        decision = cast("Mapping[str, Any]", said)
        if isinstance(decision.get("allowed"), bool):
            return decision
    raise WorkflowError(
        f"what was sent to {path!r} is no decision: send {{'allowed': true}} or {{'allowed': false}}"
    )


async def wait_for(unit: Unit, work: WaitFor, values: dict[str, Any]) -> Any:
    """What somebody sends to the run."""
    until = None if work.timeout is None else await unit.until(work.timeout)
    receive = partial(_mailbox(unit, work.event).receive, work.event)
    try:
        sent = await _watched(unit, Waiting(unit.path, "event", work.event, "", until), receive)
    except TimeoutError:
        raise WorkflowError(f"nobody sent {work.event!r} within {work.timeout:g} s") from None
    return checked_result(unit.node, sent)


async def sleep(unit: Unit, work: Sleep, values: dict[str, Any]) -> None:
    """Nothing, until the time is over."""
    until = await unit.until(work.seconds)
    clock = unit.house.services.clock
    _tell(unit, "time", until)
    await clock.sleep(max(0.0, until - clock.now()))


async def _watched(unit: Unit, waiting: Waiting, ask: Any) -> Any:
    """Wait, and let whoever looks at the run see for what. :raises TimeoutError: when the time is over."""
    shown = unit.house.run._waiting  # pyright: ignore[reportPrivateUsage]
    shown[unit.path] = waiting
    unit.house.show()
    _tell(unit, waiting.kind, waiting.until, waiting.name)
    try:
        if waiting.until is None:
            return await ask()
        left = waiting.until - unit.house.services.clock.now()
        return await within(unit.house, max(0.0, left), ask)
    finally:
        shown.pop(unit.path, None)
        unit.house.show()


def _tell(unit: Unit, kind: str, until: float | None, name: str = "") -> None:
    item = None if unit.row.item is None else str(unit.row.item)
    unit.house.tell(NodeWaiting, node=unit.row.task, item=item, kind=kind, name=name, until=until)


def _mailbox(unit: Unit, name: str) -> Mailbox:
    journal = unit.house.journal
    if isinstance(journal, Mailbox):
        return journal
    raise WorkflowError(
        f"it waits for {name!r} to be sent, and this engine's journal has no mailbox: use another engine"
    )
