"""Dataflow without barriers, under a limit, leaving nothing behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiorch.workflow.gates import Gates
from aiorch.workflow.scheduler import Again, Pool, Schedule, rank


def schedule(
    needs: Sequence[Sequence[int]],
    followers: Sequence[Sequence[int]],
    heights: Sequence[int],
    *,
    limit: int,
    unit: Callable[[int, int], Awaitable[bool | Again]],
    begin: Callable[[int], int] = lambda i: 1,
) -> Schedule:
    ranks = [rank(0, height) for height in heights]
    return Schedule(Pool(limit, Gates({}), anyio.sleep), needs, followers, ranks, begin=begin, unit=unit)


class Graph:
    """Needs, followers and heights from needs alone; ``items`` is how many items each task has."""

    def __init__(self, needs: Sequence[Sequence[int]], items: dict[int, int] | None = None) -> None:
        self.needs = needs
        self.items = items or {}
        self.followers = [[i for i, n in enumerate(needs) if j in n] for j in range(len(needs))]
        self.heights = [0] * len(needs)
        for i in reversed(range(len(needs))):
            self.heights[i] = 1 + max((self.heights[j] for j in self.followers[i]), default=0)
        self.started: list[tuple[int, int]] = []
        self.done: list[tuple[int, int]] = []
        self.most = 0
        self.busy = 0

    async def run(self, limit: int, fails: tuple[int, int] | None = None, pause: float | None = None) -> bool:
        async def unit(i: int, item: int) -> bool:
            self.started.append((i, item))
            self.busy += 1
            self.most = max(self.most, self.busy)
            try:
                for j in self.needs[i]:
                    assert sum(k == j for k, _ in self.done) == self.items.get(j, 1), (
                        "started before its needs were done"
                    )
                if pause is not None:
                    await anyio.sleep(pause)
                if (i, item) == fails:
                    return False
                self.done.append((i, item))
                return True
            finally:
                self.busy -= 1

        return await schedule(
            self.needs,
            self.followers,
            self.heights,
            limit=limit,
            begin=lambda i: self.items.get(i, 1),
            unit=unit,
        ).run()

    @property
    def all(self) -> list[tuple[int, int]]:
        return [(i, item) for i in range(len(self.needs)) for item in range(self.items.get(i, 1))]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    n = draw(st.integers(1, 14))
    needs = [draw(st.lists(st.integers(0, i - 1), unique=True, max_size=3)) if i else [] for i in range(n)]
    items = draw(st.dictionaries(st.integers(0, n - 1), st.integers(0, 4), max_size=4))
    return Graph(needs, items)


@given(graphs(), st.integers(1, 5), st.booleans(), st.sampled_from(["asyncio", "trio"]))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
def test_everything_runs_once_after_its_needs_within_the_limit(
    graph: Graph, limit: int, pausing: bool, backend: str
) -> None:
    async def main() -> bool:
        return await graph.run(limit, pause=0 if pausing else None)

    assert anyio.run(main, backend=backend)
    assert sorted(graph.done) == graph.all
    assert graph.most <= limit


@pytest.mark.anyio
async def test_ready_tasks_run_beside_each_other_up_to_the_limit() -> None:
    graph = Graph([[] for _ in range(10)])
    assert await graph.run(4, pause=0.01)
    assert graph.most == 4


@pytest.mark.anyio
async def test_items_of_a_mapped_task_run_beside_each_other() -> None:
    graph = Graph([[], [0]], {1: 6})
    assert await graph.run(3, pause=0.01)
    assert graph.most == 3


@pytest.mark.anyio
async def test_a_fast_branch_does_not_wait_for_a_slow_sibling() -> None:
    order: list[str] = []
    release = anyio.Event()
    names = ["slow", "fast", "after_fast"]

    async def unit(i: int, item: int) -> bool:
        if i == 0:
            await release.wait()
        if i == 2:
            release.set()
        order.append(names[i])
        return True

    found = schedule([[], [], [1]], [[], [2], []], [1, 2, 1], limit=8, unit=unit)
    with anyio.fail_after(5):
        assert await found.run()
    assert order == ["fast", "after_fast", "slow"]


@pytest.mark.anyio
async def test_the_longest_path_goes_first() -> None:
    graph = Graph([[], [], [], [2], [3]])
    assert await graph.run(1)
    assert graph.started[0] == (2, 0)


@pytest.mark.anyio
async def test_a_failure_cancels_what_runs_and_starts_nothing_more() -> None:
    graph = Graph([[], [], [0], [1]])

    async def main() -> bool:
        begun, stuck = anyio.Event(), anyio.Event()

        async def unit(i: int, item: int) -> bool:
            graph.started.append((i, item))
            if i == 1:
                begun.set()
                await stuck.wait()
            await begun.wait()
            return i != 0

        return await schedule(graph.needs, graph.followers, graph.heights, limit=8, unit=unit).run()

    with anyio.fail_after(5):
        assert not await main()
    assert sorted(graph.started) == [(0, 0), (1, 0)]


@pytest.mark.anyio
async def test_a_worker_that_never_waits_can_still_be_cancelled() -> None:
    graph = Graph([[] for _ in range(5000)])
    with anyio.CancelScope() as scope:

        async def unit(i: int, item: int) -> bool:
            graph.started.append((i, item))
            if len(graph.started) == 10:
                scope.cancel()
            return True

        await schedule(graph.needs, graph.followers, graph.heights, limit=4, unit=unit).run()
    assert scope.cancelled_caught
    assert len(graph.started) < 500


@pytest.mark.anyio
async def test_a_chain_of_empty_lists_is_done_without_running_anything() -> None:
    graph = Graph([[], [0], [1], [2]], {0: 0, 1: 0, 2: 0})
    assert await graph.run(2)
    assert graph.done == [(3, 0)]
