"""What tests of carrying out a workflow share: scripted services, journals that remember, listeners."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import anyio

from aiorch.events import Bus, Event
from aiorch.protocols import Journal, Tool
from aiorch.types import Message, Outcome, Task
from aiorch.workflow import Run, Services, Workflow, execute

T = TypeVar("T")


class Script:
    """Answers every task by a function of its prompt, and remembers what it was asked."""

    def __init__(self, answer: Callable[[str], Any] = str.upper) -> None:
        self.answer = answer
        self.asked: list[tuple[Task, Any, Sequence[Tool]]] = []

    async def __call__(
        self, task: Task, output: Any, tools: Sequence[Tool], journal: Journal, /
    ) -> Outcome[Any]:
        self.asked.append((task, output, tools))
        await anyio.lowlevel.checkpoint()

        async def answered() -> Any:
            return self.answer(task.text)

        value = await journal.once(f"{task.id}/model", answered, returns=object, ledger=True)
        return Outcome(value, str(value), task.id, model="script/1", messages=(Message.user(task.text),))


async def never(task: Task, output: Any, tools: Sequence[Tool], journal: Journal, /) -> Outcome[Any]:
    raise AssertionError("no model should be asked")


async def carry_out(flow: Workflow, inputs: dict[str, Any] | None = None, **more: Any) -> Run:
    """``execute`` with services named one by one; nobody is asked unless ``ask`` says whom."""
    words = [field.name for field in dataclasses.fields(Services)]
    named: dict[str, Any] = {"ask": never} | {word: more.pop(word) for word in words if word in more}
    services = Services(**named)
    return await execute(flow, inputs, services=services, **more)


def listening() -> tuple[Bus, list[Any]]:
    bus, events = Bus(), list[Event]()
    bus.subscribe(events.append)
    return bus, events


class Ledger:
    """A journal that remembers, as a durable engine's would; ``mail`` is what was sent."""

    def __init__(self, **mail: Any) -> None:
        self.kept: dict[str, Any] = {}
        self.types: dict[str, Any] = {}
        self.idempotent: dict[str, bool] = {}
        self.begun: list[str] = []
        self.mail = mail
        self.news = anyio.Event()

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        if key not in self.kept:
            self.begun.append(key)
            self.kept[key] = await effect()
        self.types[key], self.idempotent[key] = returns, idempotent
        return self.kept[key]

    async def receive(self, name: str) -> Any:
        while name not in self.mail:
            await self.news.wait()
        return self.mail[name]


class Durable:
    """An engine that remembers as long as it lives."""

    name = "ledger"
    durable = True

    def __init__(self, ledger: Any = None) -> None:
        self.ledger = ledger or Ledger()
        self.done: dict[str, Any] = {}
        self.versions: list[str] = []

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        self.versions.append(version)
        if run_id not in self.done:
            self.done[run_id] = await body(self.ledger)
        return self.done[run_id]
