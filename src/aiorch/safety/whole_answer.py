"""An answer that is shown only once all of it was looked at."""

from __future__ import annotations

from collections.abc import Callable

from aiorch.types import StreamVerdict


class WholeAnswer:
    """A stream validator that shows nothing before the answer is complete and all of it was looked at.

    >>> held = WholeAnswer(lambda text: StreamVerdict(text.upper()))
    >>> held.feed("all ").release + held.feed("at once").release + held.close().release
    'ALL AT ONCE'
    """

    def __init__(self, look: Callable[[str], StreamVerdict]) -> None:
        """:param look: is given the whole text once."""
        self._look = look
        self._held: list[str] = []

    def feed(self, piece: str) -> StreamVerdict:
        """Take one more piece, and hold it back."""
        self._held.append(piece)
        return StreamVerdict("")

    def close(self) -> StreamVerdict:
        """The answer is complete."""
        text, self._held = "".join(self._held), []
        return self._look(text) if text else StreamVerdict("")
