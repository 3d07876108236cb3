"""Deployments of one upstream behind one orchestrator, and what a call of it came to."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
from tests.faults.sickness import FIRST_BYTE
from tests.faults.upstream import Heart, Upstream

import aiorch
from aiorch.net import Transport


@dataclass(frozen=True)
class Said:
    """What one call came to."""

    seconds: float
    text: str | None = None
    """The whole answer; ``None`` where there is none."""
    by: str = ""
    """Who gave it."""
    finish: str = ""
    error: aiorch.AiorchError | None = None
    shown: str = ""
    """What a stream had shown."""


Ask = Callable[..., Awaitable[Said]]


@asynccontextmanager
async def orchestrated(
    upstream: Upstream,
    data_dir: Path,
    profiles: Mapping[str, Sequence[str]],
    *,
    urls: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncGenerator[aiorch.Orchestrator, None]:
    """An orchestrator whose profiles ask these deployments in this order; afterwards nothing of it may be left.

    :param urls: addresses by deployment, where one is elsewhere.
    :param more: what else is in each profile.
    """
    elsewhere = urls or {}
    before = len(anyio.get_running_tasks())
    transport = Transport()
    names = dict.fromkeys(name for deployments in profiles.values() for name in deployments)
    ai = aiorch.Orchestrator(
        providers=[
            aiorch.endpoint(
                name,
                elsewhere.get(name) or upstream.url(name),
                key="k",
                models=["m"],
                free="zero_price",
                transport=transport,
            )
            for name in names
        ],
        profiles={
            profile: {
                "primary": f"{deployments[0]}/m",
                "fallbacks": [f"{d}/m" for d in deployments[1:]],
                "any_free": False,
                **(more or {}),
            }
            for profile, deployments in profiles.items()
        },
        data_dir=data_dir,
        **{
            "timeout": 5.0,
            "first_byte_timeout": FIRST_BYTE,
            "idle_timeout": FIRST_BYTE,
            "connect_timeout": FIRST_BYTE,
            "cache": "off",
            "audit": "off",
            **settings,
        },
    )
    try:
        yield ai
        await _idle(ai)
    finally:
        await ai.aclose()
        await transport.aclose()
    patient = anyio.current_time() + 0.5
    with anyio.move_on_after(2.0):
        while upstream.open or len(anyio.get_running_tasks()) > before:
            await anyio.sleep(0.005)
            if anyio.current_time() > patient:
                gc.collect()  # on trio, httpcore leaves a cancelled TLS handshake to the garbage collector
    left = [str(task) for task in anyio.get_running_tasks()]
    assert upstream.open == 0, f"{upstream.open} connections are still open"
    assert len(left) <= before, f"tasks that are still running: {left}"


async def _idle(ai: aiorch.Orchestrator) -> None:
    """No lease is held and nobody counts as busy once every call has ended."""
    experience = ai._house.line.executor.experience
    assert dict(experience.loads.busy) == {}
    assert [use for use in await experience.quotas.show() if use.reserved] == []


async def call(ai: aiorch.Orchestrator, agent: str, prompt: str = "hi", **more: Any) -> Said:
    """Ask for a whole answer."""
    began = monotonic()
    try:
        outcome = await ai.run(prompt, agent=agent, **more)
    except aiorch.AiorchError as error:
        return Said(monotonic() - began, error=error)
    return _said(began, outcome)


async def stream(ai: aiorch.Orchestrator, agent: str, prompt: str = "hi", **more: Any) -> Said:
    """Ask for a stream, and hear it to its end."""
    began = monotonic()
    shown: list[str] = []
    try:
        async with ai.stream(prompt, agent=agent, **more) as pieces:
            async for event in pieces:
                if isinstance(event, aiorch.TextDelta):
                    shown.append(event.text)
                elif event.type == "restarted":
                    shown.clear()
            outcome = await pieces.outcome()
    except aiorch.AiorchError as error:
        return Said(monotonic() - began, error=error, shown="".join(shown))
    assert outcome.text == "".join(shown), "what was shown is not what the outcome says"
    return _said(began, outcome)


def _said(began: float, outcome: aiorch.Outcome[str]) -> Said:
    by = (outcome.model or "").partition("/")[0]
    return Said(monotonic() - began, outcome.text, by, outcome.finish)


STALL = 0.05
"""Seconds. Where the machine stood still for longer, what came of short time limits says nothing about aiorch."""


@asynccontextmanager
async def watched(upstream: Upstream) -> AsyncGenerator[Callable[[float], bool], None]:
    """Yields whether the machine has stalled since a monotonic second, here or at the upstream."""
    here = Heart()

    async def beat() -> None:
        while True:
            await anyio.sleep(here.rhythm)
            here.beat()

    def stalled(since: float) -> bool:
        here.beat()
        return max(here.stalled(since), upstream.heart.stalled(since)) > STALL

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat)
        try:
            yield stalled
        finally:
            tasks.cancel_scope.cancel()


async def together(count: int, ask: Callable[[], Awaitable[Said]]) -> list[Said]:
    """So many calls beside each other."""
    said: list[Said] = []

    async def one() -> None:
        said.append(await ask())

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(one)
    return said
