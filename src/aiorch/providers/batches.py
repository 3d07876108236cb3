"""A stream of parts that knows which of them are there already.

What comes over the network comes in chunks of several events. Whoever reads them one by one sets a limit of time for
each wait, which costs more than the part itself; so it is told what need not be waited for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Any

from aiorch.types import StreamPart


class Parts(AsyncGenerator[StreamPart, None]):
    """The parts of batches, one by one.

        async for part in Parts(batches): ...

    :param batches: each a part or more; closed with this.
    """

    __slots__ = ("_batches", "_here", "_next")

    def __init__(self, batches: AsyncGenerator[Sequence[StreamPart], None]) -> None:
        self._batches = batches
        self._here: Sequence[StreamPart] = ()
        self._next = 0

    def at_hand(self) -> StreamPart | None:
        """The next part where it is there already; it counts as read then."""
        at = self._next
        if at == len(self._here):
            return None
        self._next = at + 1
        return self._here[at]

    async def __anext__(self) -> StreamPart:
        """The next part. Raises what the batches do."""
        if self._next == len(self._here):
            self._here, self._next = await anext(self._batches), 0
        self._next += 1
        return self._here[self._next - 1]

    async def asend(self, value: None) -> StreamPart:
        """The same."""
        return await self.__anext__()

    async def athrow(
        self, typ: Any, val: BaseException | object = None, tb: TracebackType | None = None
    ) -> StreamPart:
        """Raise it where the batches are made."""
        self._here, self._next = (), 0
        return (await self._batches.athrow(typ, val, tb))[0]

    async def aclose(self) -> None:
        """End the stream; what is left is not read."""
        self._here, self._next = (), 0
        await self._batches.aclose()
