"""For programs without an event loop: one question, one orchestrator, one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from aiorch.errors import ConfigurationError
from aiorch.orchestrator import Orchestrator, Prompt
from aiorch.types import Budget, Outcome

if TYPE_CHECKING:
    from aiorch.protocols import Tool

T = TypeVar("T")


def run_sync(
    prompt: Prompt,
    *,
    system: str | None = None,
    agent: str | None = None,
    output: type[T] = str,
    tools: Sequence[Tool] = (),
    timeout: float | None = None,
    budget: Budget | None = None,
    **arguments: Any,
) -> Outcome[T]:
    """:meth:`Orchestrator.run` without an event loop: one question, one orchestrator.

    For scripts:

        print(aiorch.run_sync("Explain back-pressure").value)

    :param arguments: what :class:`Orchestrator` takes.
    :raises ConfigurationError: inside a running event loop, where ``await`` is the way.
    """
    import anyio

    if in_event_loop():
        raise ConfigurationError(
            "run_sync() cannot run inside an event loop: write `await aiorch.Orchestrator().run(...)` instead "
            "(a notebook has a running loop, too)"
        )

    async def once() -> Outcome[T]:
        async with Orchestrator(**arguments) as ai:
            return await ai.run(
                prompt, system=system, agent=agent, output=output, tools=tools, timeout=timeout, budget=budget
            )

    return anyio.run(once)


def in_event_loop() -> bool:
    """True inside asyncio's or trio's event loop."""
    from anyio import NoEventLoopError
    from anyio.lowlevel import current_token

    try:
        current_token()
    except NoEventLoopError:
        return False
    return True
