"""What the parts of a run at work share: the house that all its graphs live in, and one task being carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from aiorch.clock import SystemClock
from aiorch.events import Event
from aiorch.protocols import Journal
from aiorch.types import Outcome
from aiorch.workflow.caching import cached, result_key
from aiorch.workflow.nodes import Node
from aiorch.workflow.runs import Row, Run
from aiorch.workflow.scheduler import Pool
from aiorch.workflow.services import Services

if TYPE_CHECKING:
    from aiorch.workflow.carrying import Carrying

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class House:
    """What all graphs of one run share."""

    run: Run
    services: Services
    journal: Journal
    durable: bool
    """True where results are kept, so that those of functions go through the journal too."""
    pool: Pool
    threads: anyio.CapacityLimiter
    handed: Mapping[str | type, Any]
    """Objects for parameters of task functions."""
    zero: float
    """When the run began, on the monotonic clock."""

    def tell(self, event: type[Event], /, *, task_id: str | None = None, **facts: Any) -> None:
        """Emit an event, when anybody listens."""
        services = self.services
        if services.bus.active:
            made = event(at=services.clock.now(), task_id=task_id, run_id=self.run.id, **facts)  # pyright: ignore[reportCallIssue]
            services.bus.emit(made)

    def show(self) -> None:
        """Let whoever looks at a durable run from outside see what it is, and for what it waits."""
        show = getattr(self.journal, "show", None)
        if show is not None:
            show(self.run.workflow, self.run.waiting)


@dataclass(slots=True, eq=False)
class Unit:
    """One task, or one item of a mapped task, from its first try to its end."""

    at: Carrying
    """The graph that it is a task of."""
    house: House
    i: int
    item: int
    node: Node
    row: Row
    path: str
    """``facts``, ``each[3]``, ``sub/facts``, ``polish#2/better``."""
    begun: float
    """On the monotonic clock."""
    task_id: str | None = None
    """Of the AI task that it asks."""
    outcome: Outcome[Any] | None = None
    """What came of that."""
    culprit: str | None = None
    """The task inside of it that made it fail."""
    doubtful: bool = False
    """True once a call that must not happen twice was cut off: nobody knows how it ended, so no further try is made."""

    async def once(
        self, effect: Callable[[], Awaitable[Any]], returns: Any, values: Mapping[str, Any], idempotent: bool
    ) -> Any:
        """The task's result, or the cache's; committed under the task's path before anybody reads it."""
        effect = self.remembered(effect, returns, values)
        key = (
            self.key if idempotent else self.path
        )  # what must not happen twice does not, whoever tries again
        made = self.house.journal.once(key, effect, returns=returns, idempotent=idempotent)
        return await (made if idempotent else self.watched(made))

    async def watched(self, made: Awaitable[T]) -> T:
        """What a call that must not happen twice returns; one that is cut off leaves the task in doubt."""
        try:
            return await made
        except Exception:
            raise
        except BaseException:
            self.doubtful = True
            raise

    def remembered(
        self, effect: Callable[[], Awaitable[Any]], returns: Any, values: Mapping[str, Any]
    ) -> Callable[[], Awaitable[Any]]:
        """``effect``, made only where the cache has no result of the same task with the same values."""
        seconds, cache = self.node.policy.cache, self.house.services.cache
        key = None if seconds is None or cache is None else result_key(self.node.work, values)
        if seconds is None or cache is None or key is None:
            return effect
        return partial(cached, cache, key, seconds, returns, effect)

    @property
    def key(self) -> str:
        """Under what its result is committed: its path, and which tries it is inside of where one was not the first.

        A workflow inside that is tried again is carried out anew, with a durable engine and without.
        """
        tries = self.at.tries
        return self.path if not tries or max(tries) == 1 else f"{self.path}!in{'.'.join(map(str, tries))}"

    @property
    def committed(self) -> bool:
        """Whether a function's result has to go through :meth:`once` at all."""
        return self.house.durable or self.node.policy.cache is not None

    async def until(self, seconds: float) -> float:
        """When that much time is over, in epoch seconds, counted from the first time that this task asked."""
        clock = self.house.services.clock

        async def begin() -> float:
            return clock.now() + seconds

        return await self.house.journal.once(f"{self.key}!until", begin, returns=float)


async def within(house: House, seconds: float, work: Callable[[], Awaitable[Any]]) -> Any:
    """What ``work`` returns, if it takes no longer.

    :raises TimeoutError: if it does; it was cancelled.
    """
    clock = house.services.clock
    with anyio.CancelScope() as scope:
        if isinstance(clock, SystemClock):
            scope.deadline = anyio.current_time() + seconds
            return await work()
        return await _raced(clock.sleep, seconds, scope, work)
    raise TimeoutError(f"it took longer than {seconds:g} s")


async def _raced(
    sleep: Callable[[float], Awaitable[None]],
    seconds: float,
    scope: anyio.CancelScope,
    work: Callable[[], Awaitable[Any]],
) -> Any:
    """The same with a clock that is not the event loop's."""
    value: Any = None
    wrong: Exception | None = None

    async def strike() -> None:
        await sleep(seconds)
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(strike)
        try:
            value = await work()
        except Exception as error:  # not through the group, which would wrap it
            wrong = error
        group.cancel_scope.cancel()
    if wrong is not None:
        raise wrong
    return value
