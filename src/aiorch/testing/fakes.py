"""What stands in for the tasks of a workflow in a test."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any

import anyio
import anyio.to_thread

from aiorch.errors import InputError, nearest
from aiorch.testing.virtual import VirtualClock
from aiorch.types import Message, Outcome, Task, to_json
from aiorch.types.serial import adapter
from aiorch.workflow import Graph
from aiorch.workflow.nodes import Approve, Ask, Call, Loop, Node, Sleep, Sub, WaitFor

EVERY_QUESTION = "*"
"""The name under which one fake answers every question that has none of its own."""


class InTurn:
    """A fake that does one thing after the other, and the last one for ever after.

    >>> InTurn(OSError("connection reset"), "three changes").next()
    OSError('connection reset')
    """

    def __init__(self, *does: Any) -> None:
        if not does:
            raise ValueError("InTurn() does nothing: name at least one value, exception or function")
        self._does = does
        self._asked = 0

    def next(self) -> Any:
        """What it does now."""
        self._asked += 1
        return self._does[min(self._asked, len(self._does)) - 1]

    def anew(self) -> InTurn:
        """The same from the beginning."""
        return InTurn(*self._does)


@dataclass(frozen=True, slots=True)
class Takes:
    """A fake that takes its time, in the run's own virtual seconds.

    >>> Takes(30, "three changes").seconds
    30
    """

    seconds: float
    then: Any = None
    """What it does then: a value, an exception, a function, or :class:`InTurn`."""


@dataclass(frozen=True)
class Fakes:
    """Everything that stands in, by the path of its task, and what it needs to do so."""

    does: Mapping[str, Any]
    clock: VirtualClock

    @classmethod
    def of(cls, graph: Graph, given: Mapping[str, Any], clock: VirtualClock) -> Fakes:
        """:raises InputError: for a name that no task has, and for a question that nobody answers."""
        kinds = dict(_tasks(graph))
        said = [_unknown(name, kinds) for name in given if name not in kinds and name != EVERY_QUESTION]
        said += [
            f"{path!r} is waited for, not carried out: say what comes with {cure}"
            for path, node in kinds.items()
            if path in given and (cure := _CURES.get(type(node.work)))
        ]
        inside = tuple(f"{path}/" for path in given)
        said += [
            f"{path!r} asks a model, and nothing answers: fakes={{{path!r}: ...}}, or {{'*': ...}} for all of them"
            for path, node in kinds.items()
            if isinstance(node.work, Ask)
            and not {path, EVERY_QUESTION} & given.keys()
            and not path.startswith(inside)
        ]
        if said:
            raise InputError(
                f"workflow {graph.name!r} cannot be tested so:" + "".join(f"\n  - {s}" for s in said)
            )
        fresh = {name: fake.anew() if isinstance(fake, InTurn) else fake for name, fake in given.items()}
        return cls(fresh, clock)

    def placed(self, graph: Graph, above: str = "") -> Graph:
        """The workflow with fakes in the places of functions, tools and whole workflows."""
        nodes = tuple(replace(node, work=self._work(node, f"{above}{node.name}")) for node in graph.nodes)
        return replace(graph, nodes=nodes)

    async def ask(self, task: Task, output: Any, *_: Any) -> Outcome[Any]:
        """Answers in place of a model."""
        path = re.sub(r"\[\d+\]|#\d+", "", task.tags["task"])
        value = await self.do(self.does.get(path, self.does.get(EVERY_QUESTION)), task.messages[-1].text)
        value, text = _answer(path, value, output)
        said = (*task.messages, Message.assistant(text))
        return Outcome(value, text, task.id, model="fake/model", messages=said, profile=task.agent)

    async def do(self, fake: Any, *args: Any, **values: Any) -> Any:
        """Do what a fake does."""
        match fake:
            case Takes():
                await self.clock.sleep(fake.seconds)
                return await self.do(fake.then, *args, **values)
            case InTurn():
                return await self.do(fake.next(), *args, **values)
            case Exception():
                raise fake
            case type() if issubclass(fake, Exception):
                raise fake()
            case _ if callable(fake) and not isinstance(fake, type):
                with self.clock.standing():
                    made = fake(*args, **values)
                    return await made if inspect.isawaitable(made) else made
            case _:
                return fake

    def _work(self, node: Node, path: str) -> Any:
        work = node.work
        if isinstance(work, Ask):
            return work
        if path in self.does:
            return Call(self._stand_in(work, self.does[path]), is_async=True)
        match work:
            case Call():
                return self._timed(work) if work.is_async or work.thread else work
            case Sub() | Loop():
                return replace(work, graph=self.placed(work.graph, f"{path}/"))
            case _:
                return work

    def _stand_in(self, work: Any, fake: Any) -> Callable[..., Awaitable[Any]]:
        async def stand_in(*args: Any, **values: Any) -> Any:
            return await self.do(fake, *args, **values)

        return _like(work.function, stand_in) if isinstance(work, Call) else stand_in

    def _timed(self, work: Call) -> Call:
        """A function that is carried out for real: no virtual time passes meanwhile, or its time-out would strike."""
        function = work.function

        async def timed(*args: Any, **values: Any) -> Any:
            with self.clock.standing():
                if work.is_async:
                    return await function(*args, **values)
                return await anyio.to_thread.run_sync(partial(function, *args, **values))

        return Call(_like(function, timed), is_async=True)


def _like(function: Callable[..., Any], other: Callable[..., Any]) -> Callable[..., Any]:
    """``other``, with the name, the parameters and the types of ``function``."""
    while isinstance(function, partial):
        function = function.func
    return wraps(function)(other)


def _answer(path: str, value: Any, output: Any) -> tuple[Any, str]:
    """What a question's fake says, in the type that was asked for, and as text."""
    if output is str and not isinstance(value, str):
        raise InputError(f"the fake of {path!r} gives {value!r:.60}, and a text was asked for")
    if output is str:
        return value, value
    try:
        kind = adapter(output)
        value = kind.validate_json(value) if isinstance(value, str | bytes) else kind.validate_python(value)
    except ValueError as wrong:
        raise InputError(
            f"the fake of {path!r} gives {value!r:.60}, which does not fit {output!r}: {wrong}"
        ) from wrong
    return value, to_json(value, output)


def _tasks(graph: Graph, above: str = "") -> Iterator[tuple[str, Node]]:
    """Every task by its path, those of workflows inside included; rounds of a loop share theirs."""
    for node in graph.nodes:
        yield f"{above}{node.name}", node
        if isinstance(node.work, Sub | Loop):
            yield from _tasks(node.work.graph, f"{above}{node.name}/")


def _unknown(name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    return f"there is no task {name!r}; " + (
        f"is it {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    )


_CURES: Mapping[type, str] = {
    Approve: "decisions={name: True}",
    WaitFor: "events={event: ...}",
    Sleep: "nothing: no real time passes",
}
