"""Equal questions at the same time are asked once, and nobody pays for another's bad luck."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import anyio
import pytest

from aiorch.errors import AllAttemptsFailed, BudgetExceeded, DeadlineExceeded
from aiorch.routing.single_flight import SingleFlight


def plenty() -> float:
    return 10.0


class Upstream:
    """Answers when it is told to, and counts."""

    def __init__(self, *failures: Exception | None) -> None:
        self.asked = 0
        self.at_once = self.most = 0
        self.failures = list(failures)
        self.go = anyio.Event()

    async def __call__(self) -> str:
        self.asked += 1
        mine = self.asked
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.go.wait()
            await anyio.sleep(0)
            failure = self.failures.pop(0) if self.failures else None
            if failure is not None:
                raise failure
            return f"answer {mine}"
        finally:
            self.at_once -= 1


Got = list[tuple[str, bool] | BaseException]


async def ask(
    flights: SingleFlight[str],
    upstream: Callable[[], Awaitable[str]],
    got: Got,
    key: str = "k",
    patience: Callable[[], float] = plenty,
) -> None:
    try:
        got.append(await flights.run(key, upstream, patience=patience))
    except Exception as failed:
        got.append(failed)


@pytest.mark.anyio
async def test_equal_questions_at_the_same_time_are_asked_once() -> None:
    flights, upstream, got = SingleFlight[str](), Upstream(), Got()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        upstream.go.set()
    assert upstream.asked == 1
    assert sorted(got, key=str) == [("answer 1", False)] * 19 + [("answer 1", True)]


@pytest.mark.anyio
async def test_other_questions_and_later_ones_are_asked() -> None:
    flights, upstream, got = SingleFlight[str](), Upstream(), Got()
    async with anyio.create_task_group() as group:
        group.start_soon(ask, flights, upstream, got, "one")
        group.start_soon(ask, flights, upstream, got, "two")
        await anyio.wait_all_tasks_blocked()
        upstream.go.set()
    assert upstream.asked == 2
    await ask(flights, upstream, got, "one")
    assert upstream.asked == 3
    assert all(isinstance(one, tuple) and one[1] for one in got)


@pytest.mark.anyio
async def test_when_the_leader_is_cancelled_one_of_the_others_takes_over() -> None:
    flights, upstream, got = SingleFlight[str](), Upstream(), Got()
    async with anyio.create_task_group() as group:
        leader = anyio.CancelScope()

        async def lead() -> None:
            with leader:
                await ask(flights, upstream, got)

        group.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        for _ in range(5):
            group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        assert upstream.asked == 1
        leader.cancel()
        await anyio.wait_all_tasks_blocked()
        assert upstream.asked == 2
        upstream.go.set()
    assert (upstream.asked, upstream.most) == (2, 1)
    assert sorted(got, key=str) == [("answer 2", False)] * 4 + [("answer 2", True)]


@pytest.mark.anyio
async def test_a_follower_that_is_cancelled_cancels_nobody_else() -> None:
    flights, upstream, got = SingleFlight[str](), Upstream(), Got()
    async with anyio.create_task_group() as group:
        group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01):
            await ask(flights, upstream, got)
        assert got == []
        upstream.go.set()
    assert got == [("answer 1", True)]


@pytest.mark.anyio
async def test_after_one_failure_one_other_asks_again_for_all() -> None:
    failed = AllAttemptsFailed(())
    flights, upstream, got = SingleFlight[str](), Upstream(failed), Got()
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        upstream.go.set()
    assert (upstream.asked, upstream.most) == (2, 1)
    assert got.count(failed) == 1
    assert sorted((one for one in got if one is not failed), key=str) == [("answer 2", False)] * 3 + [
        ("answer 2", True)
    ]


@pytest.mark.anyio
async def test_after_two_failures_everybody_asks_for_themselves() -> None:
    failures = [AllAttemptsFailed(()) for _ in range(2)]
    flights, upstream, got = SingleFlight[str](), Upstream(*failures), Got()
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        upstream.go.set()
    assert (upstream.asked, upstream.most) == (5, 3)
    assert sum(isinstance(one, Exception) for one in got) == 2


@pytest.mark.parametrize("own", [DeadlineExceeded(1.0, ()), BudgetExceeded("0 USD")])
@pytest.mark.anyio
async def test_who_is_out_of_time_or_money_says_nothing_about_the_question(own: Exception) -> None:
    flights, upstream, got = SingleFlight[str](), Upstream(own, own, own), Got()
    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        upstream.go.set()
    assert (upstream.asked, upstream.most) == (4, 1)
    assert got.count(own) == 3


@pytest.mark.anyio
async def test_a_follower_waits_no_longer_than_it_may() -> None:
    flights, upstream, got = SingleFlight[str](), Upstream(), Got()
    async with anyio.create_task_group() as group:
        group.start_soon(ask, flights, upstream, got)
        await anyio.wait_all_tasks_blocked()
        await ask(flights, upstream, got, patience=lambda: 0.01)
        await ask(flights, upstream, got, patience=lambda: -1.0)
        assert [type(one) for one in got] == [TimeoutError, TimeoutError]
        upstream.go.set()
    assert upstream.asked == 1
    assert got[2:] == [("answer 1", True)]


def test_loops_share_nothing_and_do_not_disturb_each_other() -> None:
    flights = SingleFlight[str]()
    asked: list[int] = []
    both = threading.Barrier(2, timeout=10)
    got: list[tuple[str, bool]] = []

    async def upstream() -> str:
        asked.append(threading.get_ident())
        await anyio.to_thread.run_sync(both.wait)  # both loops are asking now
        return "answer"

    async def main() -> None:
        got.append(await flights.run("k", upstream, patience=plenty))

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(asked)) == 2
    assert got == [("answer", True)] * 2
