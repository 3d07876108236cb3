"""Calls that hold up the event loop are found in a function's code; handing a function on is no call."""

from __future__ import annotations

import functools
import subprocess
import time
import urllib.request
from collections.abc import Callable
from time import sleep
from typing import Any

import anyio
import anyio.to_thread
import pytest

from aiorch.workflow import Workflow


async def sleeps(x: Any) -> None:
    time.sleep(1)


async def sleeps_by_name(x: Any) -> None:
    sleep(1)


async def opens(x: Any) -> str:
    with open(x) as file:  # noqa: PTH123
        return file.read()


async def fetches(x: Any) -> Any:
    return urllib.request.urlopen(x)


async def runs(x: Any) -> Any:
    return subprocess.run([x], check=True)


async def imports_first(x: Any) -> Any:
    import requests  # type: ignore[import-untyped,unused-ignore]

    return requests.get(x)


async def imports_a_name(x: Any) -> None:
    from time import sleep
    from time import sleep as nap  # noqa: F401

    sleep(x)


async def imports_below(x: Any) -> Any:
    import urllib.request

    return urllib.request.urlopen(x)


class Caller:
    async def __call__(self, x: Any) -> None:
        time.sleep(1)

    async def method(self, x: Any) -> None:
        time.sleep(1)


async def hands_on(x: Any) -> None:
    started = time.monotonic()
    await anyio.sleep(1)
    await anyio.to_thread.run_sync(time.sleep, 1)
    await anyio.to_thread.run_sync(sleep, time.monotonic() - started)
    sleep  # noqa: B018  # pyright: ignore[reportUnusedExpression]
    x.open().get(sleep=sleep)


async def opens_rightly(x: Any) -> str:
    async with await anyio.open_file(x) as file:
        return await file.read()


async def defines(x: Any) -> None:
    def wait() -> None:
        time.sleep(1)

    await anyio.to_thread.run_sync(wait)


def plain(x: Any) -> None:
    time.sleep(1)


def found(function: Callable[..., Any], **options: Any) -> list[str]:
    flow = Workflow("x")
    flow.add("a", function, **options)
    report = flow.validate(["x"])
    assert report.ok
    return [p.message.split(": ")[0].removeprefix("task 'a' calls ") for p in report.problems]


@pytest.mark.parametrize(
    ("function", "called"),
    [
        (sleeps, "time.sleep()"),
        (sleeps_by_name, "sleep()"),
        (opens, "open()"),
        (fetches, "urllib.request.urlopen()"),
        (runs, "subprocess.run()"),
        (imports_first, "requests.get()"),
        (imports_a_name, "sleep()"),
        (imports_below, "urllib.request.urlopen()"),
        (Caller(), "time.sleep()"),
        (Caller().method, "time.sleep()"),
        (functools.partial(sleeps), "time.sleep()"),
    ],
)
def test_calls_that_wait_are_found(function: Callable[..., Any], called: str) -> None:
    assert found(function) == [called]


@pytest.mark.parametrize("function", [hands_on, opens_rightly, defines, plain, len, print])
def test_what_holds_up_nobody_is_left_alone(function: Callable[..., Any]) -> None:
    flow = Workflow("x")
    flow.add("a", function)
    assert "blocking" not in flow.validate().codes


def test_a_plain_function_is_looked_at_where_it_runs_in_the_loops_thread() -> None:
    assert found(plain) == []
    assert found(plain, thread=False) == ["time.sleep()"]


def test_functions_in_workflows_inside_are_looked_at() -> None:
    inner = Workflow("inner")
    inner.add("waits", sleeps)
    flow = Workflow("x")
    flow.sub("down", inner)
    assert [p.task for p in flow.validate().problems] == ["down/waits"]
