"""Which try a task is in, over restarts.

Each try of a question has keys of its own in the journal. A resumed run that began with the first one again could do a
second time what a later one did before the crash; so it goes on with the try that it was in.
"""

from __future__ import annotations

from aiorch.journal import committed
from aiorch.protocols import Journal


async def note(journal: Journal, path: str, outer: tuple[int, ...], number: int) -> None:
    """Write down that try ``number`` of a task begins. :param outer: which tries it is inside of."""

    async def begins() -> int:
        return number

    await journal.once(_key(path, outer, number), begins, returns=int)


async def reached(journal: Journal, path: str, outer: tuple[int, ...], most: int) -> int:
    """The try that the task was in: 1 where nothing was written down."""
    found = 1
    while found < most and await committed(journal, _key(path, outer, found + 1), int) is not None:
        found += 1
    return found


def _key(path: str, outer: tuple[int, ...], number: int) -> str:
    return f"{path}!try{'.'.join(map(str, (*outer, number)))}"
