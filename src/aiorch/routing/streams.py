"""Answers while they are written: nothing is shown before the first content, so that failing over before it is unseen.

After it, what is shown stays shown: the stream ends with what came, or the next deployment goes on or begins again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import anyio

from aiorch.routing.joints import Joint
from aiorch.routing.ring import NO_ANSWER, Ring, failure_of
from aiorch.routing.terms import Terms
from aiorch.routing.trail import Begun, Trail
from aiorch.types import (
    Delta,
    Failure,
    ReasoningDelta,
    Response,
    StreamPart,
    TextDelta,
)

HELD, HELD_CHARACTERS = 64, 4_096
"""Pieces without content, and their characters, that are held back at most. Bifrost bounds its start-up frames so."""


@dataclass(slots=True, eq=False)
class Opened:
    """A stream whose first content is there, or whose whole answer is."""

    begun: Begun
    pieces: AsyncGenerator[StreamPart, None]
    held: list[StreamPart]
    """What came so far."""


class Shown:
    """What the consumer of a stream has seen."""

    __slots__ = ("_joint", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._joint: Joint | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.texts)

    def going_on(self) -> None:
        """What comes now is somebody else's continuation."""
        self._joint = Joint(self.text)

    def void(self) -> None:
        """It begins again."""
        self.texts.clear()
        self._joint = None

    def piece(self, piece: Delta) -> Delta | None:
        """What is shown of a piece."""
        if not isinstance(piece, TextDelta):
            return piece
        if self._joint is not None:
            text = self._joint.feed(piece.text)
            if not text:
                return None
            piece = TextDelta(text)
        self.texts.append(piece.text)
        return piece

    def rest(self) -> TextDelta | None:
        """What was held back where the texts might have met."""
        text = "" if self._joint is None else self._joint.close()
        if not text:
            return None
        self.texts.append(text)
        return TextDelta(text)


async def opened(ring: Ring, trail: Trail, begun: Begun, terms: Terms) -> Opened | None:
    """The stream of one attempt at its first content; ``None`` where it failed before that."""
    held: list[StreamPart] = []
    size = 0
    pieces: AsyncGenerator[StreamPart, None] | None = None
    try:
        pieces = ring.provider(begun).stream(
            begun.candidate.deployment, begun.request, ring.patience(terms)
        )  # a plugin whose stream() is no generator may refuse at once
        patience = Patience(ring, terms, begun.monotonic)
        while True:
            piece = await patience.next(pieces)
            if isinstance(piece, Failure):
                failure = piece
                break
            held.append(piece)
            if isinstance(piece, Response):
                trail.won = trail.won or begun
                return Opened(begun, pieces, held)
            size += _length(piece)
            if not says_nothing(piece) or len(held) >= HELD or size >= HELD_CHARACTERS:
                begun.first = ring.clock.monotonic() - begun.monotonic
                if begun.lease is not None:
                    ring.experience.quotas.arrived(begun.lease)
                trail.won = trail.won or begun
                return Opened(begun, pieces, held)
    except Exception as broken:
        failure = failure_of(broken, ring.redact)
    except BaseException:
        if pieces is not None:
            await pieces.aclose()
        ring.cancelled(trail, begun, terms)
        raise
    if pieces is not None:
        await pieces.aclose()
    ring.failed(trail, begun, failure, terms)
    return None


def at_hand(pieces: AsyncGenerator[StreamPart, None]) -> Callable[[], StreamPart | None]:
    """How to ask a stream for what need not be waited for; most providers' streams do not tell."""
    return getattr(pieces, "at_hand", _nothing)


def _nothing() -> None:
    return None


class Patience:
    """How long to wait for the next piece: for content, and for the task as a whole."""

    __slots__ = ("_heard", "_ring", "_terms")

    def __init__(self, ring: Ring, terms: Terms, since: float) -> None:
        self._ring = ring
        self._terms = terms
        self._heard = since

    def heard(self) -> None:
        """Content came."""
        self._heard = self._ring.clock.monotonic()

    async def next(self, pieces: AsyncGenerator[StreamPart, None]) -> StreamPart | Failure:
        """The next piece, or why there is none. Raises what the provider does."""
        limit, late = self._ring.limit(self._terms, self._heard)
        # The scope opens and closes around one piece: none stays open while the consumer has the turn.
        with anyio.move_on_after(limit):
            piece = await anext(pieces, None)
            return NO_ANSWER if piece is None else piece
        return late


def says_nothing(piece: StreamPart) -> bool:
    """True for a piece without content, with which some providers begin: it commits to nothing."""
    return isinstance(piece, TextDelta | ReasoningDelta) and not piece.text.strip()


def _length(piece: Delta) -> int:
    return len(piece.text) if isinstance(piece, TextDelta | ReasoningDelta) else len(piece.arguments)
