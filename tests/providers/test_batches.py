"""Parts come one by one, in order, and those that are there are had without waiting."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from aiorch.providers.batches import Parts
from aiorch.types import StreamPart, TextDelta

pytestmark = pytest.mark.anyio
A, B, C = TextDelta("a"), TextDelta("b"), TextDelta("c")


class Source:
    def __init__(self, *batches: Sequence[StreamPart] | Exception) -> None:
        self.batches = batches
        self.closed = False

    async def __call__(self) -> AsyncGenerator[Sequence[StreamPart], None]:
        try:
            for batch in self.batches:
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        except KeyError:
            yield [C]
        finally:
            self.closed = True


async def test_parts_come_one_by_one_and_in_order():
    assert [part async for part in Parts(Source([A, B], [C])())] == [A, B, C]


async def test_what_is_there_is_had_without_waiting():
    parts = Parts(Source([A, B], [C])())
    assert parts.at_hand() is None
    assert await anext(parts) is A
    assert parts.at_hand() is B
    assert parts.at_hand() is None
    assert await parts.asend(None) is C
    with pytest.raises(StopAsyncIteration):
        await anext(parts)


async def test_what_came_before_a_failure_is_said_before_it():
    parts = Parts(Source([A], ValueError("broken"))())
    assert await anext(parts) is A
    with pytest.raises(ValueError, match="broken"):
        await anext(parts)


async def test_closing_ends_the_source_and_what_is_left_is_not_read():
    source = Source([A, B])
    async with aclosing(Parts(source())) as parts:
        assert await anext(parts) is A
    assert source.closed
    assert parts.at_hand() is None


async def test_what_is_thrown_in_arrives_at_the_source():
    parts = Parts(Source([A, B])())
    assert await anext(parts) is A
    assert await parts.athrow(KeyError()) is C
    assert parts.at_hand() is None
