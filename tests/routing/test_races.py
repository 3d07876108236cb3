"""A second request beside one that is late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from aiorch.routing.races import race

pytestmark = pytest.mark.anyio


class Runs:
    """Runners by name: seconds, then what comes; with what became of them."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def one(self, name: str, seconds: float, answer: str | None) -> Callable[[], Awaitable[str | None]]:
        async def run() -> str | None:
            try:
                await anyio.sleep(seconds)
            except BaseException:
                self.ended.append(f"{name} cancelled")
                raise
            self.ended.append(name)
            return answer

        return run


async def test_a_quick_one_has_no_second() -> None:
    runs, asked = Runs(), False

    async def second() -> Callable[[], Awaitable[str | None]] | None:
        nonlocal asked
        asked = True
        return None

    assert await race(runs.one("first", 0.0, "a"), second, 5.0, anyio.sleep) == ["a"]
    assert not asked


@pytest.mark.parametrize(
    ("first", "second", "came", "ended"),
    [
        ((5.0, "a"), (0.0, "b"), ["b"], ["second", "first cancelled"]),
        ((0.05, "a"), (5.0, "b"), ["a"], ["first", "second cancelled"]),
        ((0.05, None), (0.1, "b"), ["b"], ["first", "second"]),
        ((0.1, "a"), (0.0, None), ["a"], ["second", "first"]),
        ((0.05, None), (0.1, None), [], ["first", "second"]),
        ((0.05, None), None, [], ["first"]),
        ((0.05, "a"), None, ["a"], ["first"]),
    ],
)
async def test_whoever_is_first_wins_and_the_other_is_cancelled(
    first: tuple[float, str | None],
    second: tuple[float, str | None] | None,
    came: list[str],
    ended: list[str],
) -> None:
    runs = Runs()

    async def other() -> Callable[[], Awaitable[str | None]] | None:
        return None if second is None else runs.one("second", *second)

    assert await race(runs.one("first", *first), other, 0.01, anyio.sleep) == came
    assert runs.ended == ended


async def test_one_that_failed_at_once_is_not_followed_by_a_second() -> None:
    runs = Runs()

    async def second() -> Callable[[], Awaitable[str | None]] | None:
        raise AssertionError("the loop decides who is asked now")

    assert await race(runs.one("first", 0.0, None), second, 5.0, anyio.sleep) == []


async def test_cancelling_ends_both() -> None:
    runs = Runs()

    async def second() -> Callable[[], Awaitable[str | None]] | None:
        return runs.one("second", 60.0, "b")

    with anyio.move_on_after(0.05) as scope:
        await race(runs.one("first", 60.0, "a"), second, 0.01, anyio.sleep)
    assert scope.cancelled_caught
    assert sorted(runs.ended) == ["first cancelled", "second cancelled"]
