from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from aiorch.providers.local.calls import Call

OnChunk = Callable[[dict[str, Any]], bool]


def counts(to: int) -> Callable[[Any], None]:
    def work(on_chunk: OnChunk) -> None:
        for n in range(to):
            if on_chunk({"n": n}):
                return

    return work


def until_stopped(ended: threading.Event) -> Callable[[Any], None]:
    def work(on_chunk: OnChunk) -> None:
        while not on_chunk({}):
            time.sleep(0.005)
        ended.set()

    return work


@pytest.mark.anyio
async def test_chunks_arrive_in_order_and_then_the_end() -> None:
    call = Call(counts(50))
    got = []
    while (chunk := await call.next(5)) is not None:
        got.append(chunk["n"])
    await call.stop()
    assert got == list(range(50))


@pytest.mark.anyio
async def test_what_the_work_raises_arrives_after_its_chunks() -> None:
    def work(on_chunk: OnChunk) -> None:
        on_chunk({"n": 1})
        raise LookupError("gone")

    call = Call(work)
    assert await call.next(5) == {"n": 1}
    with pytest.raises(LookupError, match="gone"):
        await call.next(5)
    await call.stop()


@pytest.mark.anyio
async def test_silence_is_a_timeout_and_the_call_can_still_be_stopped() -> None:
    go = threading.Event()

    def work(on_chunk: OnChunk) -> None:
        go.wait(10)
        on_chunk({})

    call = Call(work)
    with pytest.raises(TimeoutError):
        await call.next(0.01)
    go.set()
    await call.stop()
    call.join()


@pytest.mark.anyio
async def test_stopping_waits_for_the_thread_even_when_cancelled() -> None:
    ended = threading.Event()
    call = Call(until_stopped(ended))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await call.stop()
    assert ended.is_set()
    assert call.cancelled


@pytest.mark.anyio
async def test_a_cancelled_reader_can_stop_the_work() -> None:
    ended = threading.Event()
    go = threading.Event()

    def work(on_chunk: OnChunk) -> None:
        go.wait(10)
        until_stopped(ended)(on_chunk)

    call = Call(work)
    with anyio.move_on_after(0.02):
        try:
            await call.next(None)
        finally:
            go.set()
            await call.stop()
    assert ended.is_set()


def test_work_ends_when_its_event_loop_is_gone() -> None:
    for backend in ("asyncio", "trio"):
        ended = threading.Event()
        calls: list[Call] = []

        async def main(ended: threading.Event = ended, calls: list[Call] = calls) -> None:
            calls.append(Call(until_stopped(ended)))
            await calls[0].next(5)

        anyio.run(main, backend=backend)
        assert ended.wait(5)
        calls[0].join()
