"""What a task of each kind does with its values, in one try."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast

import anyio
import anyio.to_thread

from aiorch.protocols import Journal, Mailbox
from aiorch.types import Message, Outcome, Task, Text
from aiorch.workflow.bindings import provenance
from aiorch.workflow.nesting import loop, sub
from aiorch.workflow.nodes import Approve, Ask, Call, Loop, Sleep, Sub, Use, WaitFor
from aiorch.workflow.stored import LeftBehind
from aiorch.workflow.units import Unit
from aiorch.workflow.values import checked_result, result_type
from aiorch.workflow.waiting import approve, sleep, wait_for

T = TypeVar("T")


async def ask(unit: Unit, work: Ask, values: dict[str, Any]) -> Any:
    """Ask a model; the outcome is committed, and every call behind it under keys that begin with the task's path."""
    task = _task(unit, work, values)
    effect = cast(
        "Callable[[], Awaitable[Outcome[Any]]]",
        partial(unit.house.services.ask, task, work.output, work.tools, _inner_journal(unit)),
    )
    policy = unit.node.policy
    unit.outcome = outcome = await unit.once(effect, Outcome[work.output], values, policy.idempotent)
    return outcome.value


def task_id(run: str, path: str) -> str:
    """The id of a task's question, the same when the run is resumed."""
    return hashlib.sha256(f"{run}/{path}".encode()).hexdigest()[:32]


def _task(unit: Unit, work: Ask, values: dict[str, Any]) -> Task:
    """An AI task, with its prompt filled in."""
    where = provenance(unit.at.graph, unit.node, unit.at.origins)
    said = Message("user", (Text(work.prompt.render(values), where),))
    return Task(
        (Message.system(work.system), said) if work.system else (said,),
        agent=work.agent,
        parameters=work.parameters,
        budget=work.budget,
        timeout=work.timeout,
        tags={"workflow": unit.house.run.workflow, "task": unit.row.task},
        id=unit.task_id or task_id(unit.house.run.id, unit.path),
    )


async def call(unit: Unit, work: Call, values: dict[str, Any]) -> Any:
    """Call a function."""
    if not unit.committed:
        return checked_result(unit.node, await _called(unit, work, values))

    async def effect() -> Any:
        return checked_result(unit.node, await _called(unit, work, values))

    policy = unit.node.policy
    return await unit.once(effect, result_type(unit.node), dict(values), policy.idempotent)


async def _called(unit: Unit, work: Call, values: dict[str, Any]) -> Any:
    positional = unit.at.bindings[unit.i].positional
    args = [values.pop(name) for name in positional] if positional else ()
    if work.is_async:
        return await work.function(*args, **values)
    if work.thread:
        return await _in_thread(unit, partial(work.function, *args, **values))
    value = work.function(*args, **values)
    return await value if inspect.isawaitable(value) else value


async def _in_thread(unit: Unit, function: Callable[[], Any]) -> Any:
    """Call a plain function beside the event loop.

    Nobody can stop a thread: one whose run is cancelled is waited for, one that outlasts its time-out is left behind.
    """
    seconds, threads = unit.node.policy.timeout, unit.house.threads
    if seconds is None:
        return await anyio.to_thread.run_sync(function, limiter=threads)
    with anyio.CancelScope(shield=True, deadline=anyio.current_time() + seconds):
        return await anyio.to_thread.run_sync(function, limiter=threads, abandon_on_cancel=True)
    raise LeftBehind(f"it took longer than {seconds:g} s; its thread goes on by itself")


async def use(unit: Unit, work: Use, values: dict[str, Any]) -> str:
    """Call a tool, with the checks that a model's calls pass."""
    services, tool, policy = unit.house.services, work.tool, unit.node.policy
    arguments = {**work.arguments, **values}
    if services.use is None:
        effect, idempotent = partial(tool.call, arguments), policy.idempotent and tool.idempotent
    else:  # it is the tool's own call that must not be repeated, and that goes through the journal by itself
        task = Task(
            (),
            tags={"workflow": unit.house.run.workflow, "task": unit.row.task},
            id=task_id(unit.house.run.id, unit.path),
        )
        effect = partial(services.use, tool, arguments, task, _inner_journal(unit))
        idempotent = policy.idempotent
    return await unit.once(effect, str, arguments, idempotent)


DOES: Mapping[type, Callable[[Unit, Any, dict[str, Any]], Awaitable[Any]]] = {
    Ask: ask,
    Call: call,
    Use: use,
    Sub: sub,
    Loop: loop,
    Approve: approve,
    WaitFor: wait_for,
    Sleep: sleep,
}
"""By the kind of work."""


# --- the journal inside of a task ----------------------------------------------------------------------------------


def _inner_journal(unit: Unit) -> Journal:
    """What a task's own effects go through: each try has keys of its own, or it would be answered as the one before."""
    journal, tries = unit.house.journal, (*unit.at.tries, unit.row.tries)
    prefix = f"{unit.path}:" if max(tries) == 1 else f"{unit.path}:try{'.'.join(map(str, tries))}/"
    if isinstance(journal, Mailbox):
        return _InnerMail(unit, journal, journal, prefix)
    return _Inner(unit, journal, prefix)


class _Inner:
    """A journal whose keys begin with a task's path."""

    __slots__ = ("_journal", "_prefix", "_unit")

    def __init__(self, unit: Unit, journal: Journal, prefix: str) -> None:
        self._unit = unit
        self._journal = journal
        self._prefix = prefix

    @property
    def keeps(self) -> bool:
        """What the journal says of itself."""
        return getattr(self._journal, "keeps", True)

    @property
    def prefix(self) -> str:
        """What all its keys begin with: the path, and which try it is."""
        return self._prefix

    def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> Awaitable[T]:
        made = self._journal.once(
            self._prefix + key, effect, returns=returns, idempotent=idempotent, ledger=ledger
        )
        return made if idempotent else self._unit.watched(made)


class _InnerMail(_Inner):
    __slots__ = ("_mailbox",)

    def __init__(self, unit: Unit, journal: Journal, mailbox: Mailbox, prefix: str) -> None:
        super().__init__(unit, journal, prefix)
        self._mailbox = mailbox

    def receive(self, name: str) -> Awaitable[Any]:
        return self._mailbox.receive(self._prefix + name)
