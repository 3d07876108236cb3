"""Answers while they are written, and conversations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from aiorch.answering import StreamEvent
from aiorch.errors import AiorchError, ExecutionError
from aiorch.events import Blocked
from aiorch.types import Message, Outcome, as_messages

if TYPE_CHECKING:
    from aiorch.protocols import Tool


class Stream(AbstractAsyncContextManager["Stream"]):
    """An answer while it is being written: iterate over its events, then ask for the outcome.

    ``async with`` ends the request when it is left early.
    """

    def __init__(self, source: AsyncGenerator[StreamEvent | Outcome[str], None]) -> None:
        self._source = source
        self._done: Callable[[Outcome[str]], None] | None = None
        self._outcome: Outcome[str] | None = None
        self._error: AiorchError | None = None
        self._blocked = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._source.aclose()

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        return self

    async def __anext__(self) -> StreamEvent:
        """The next event.

        :raises StreamInterrupted: when the answer breaks off; otherwise what :meth:`Orchestrator.run` raises.
        """
        try:
            event = await anext(self._source)
        except AiorchError as failed:
            self._error = failed
            if self._blocked:  # the event said so; whoever wants the error asks for the outcome
                raise StopAsyncIteration from failed
            raise
        if isinstance(event, Outcome):
            self._outcome = event
            if self._done is not None:
                self._done(event)
            raise StopAsyncIteration
        self._blocked = self._blocked or isinstance(event, Blocked)
        return event

    def then(self, done: Callable[[Outcome[str]], None]) -> Self:
        """Call ``done`` with the outcome once there is one."""
        self._done = done
        return self

    async def outcome(self) -> Outcome[str]:
        """The outcome; reads what is left of the stream first. :raises AiorchError: what ended it, where something
        did.
        """
        if self._outcome is None and self._error is None:
            async for _ in self:
                pass
        if self._outcome is None:
            raise self._error or ExecutionError("the stream was closed before it was finished")
        return self._outcome


class Answering(Protocol):
    """Whom a chat asks: an orchestrator."""

    async def run(
        self,
        prompt: Sequence[Message],
        /,
        *,
        agent: str | None = None,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
    ) -> Outcome[str]:
        """Answer a conversation."""
        ...

    def stream(
        self,
        prompt: Sequence[Message],
        /,
        *,
        agent: str | None = None,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
    ) -> Stream:
        """The same while the answer is being written."""
        ...


class Chat:
    """A conversation. ``messages`` is all that was said; edit it freely between two turns."""

    def __init__(self, ai: Answering, system: str | None, agent: str | None, tools: tuple[Tool, ...]) -> None:
        self._ai = ai
        self._agent = agent
        self._tools = tools
        self.messages: list[Message] = [Message.system(system)] if system else []

    async def send(self, text: str | Message, *, timeout: float | None = None) -> Outcome[str]:
        """Say something, get the answer. A turn that fails leaves the conversation as it was. Raises what ``run``
        does.
        """
        turn = [*self.messages, *as_messages(text)]
        outcome = await self._ai.run(turn, agent=self._agent, tools=self._tools, timeout=timeout)
        self._remember(outcome)
        return outcome

    def stream(self, text: str | Message, *, timeout: float | None = None) -> Stream:
        """The same while the answer is being written; the conversation grows when it is complete."""
        turn = [*self.messages, *as_messages(text)]
        said = self._ai.stream(turn, agent=self._agent, tools=self._tools, timeout=timeout)
        return said.then(self._remember)

    def _remember(self, outcome: Outcome[str]) -> None:
        self.messages = list(outcome.messages)

    def __repr__(self) -> str:
        return f"<aiorch.Chat: {len(self.messages)} messages>"
