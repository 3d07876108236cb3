"""One answer of two deployments: how the second is asked to go on, and where the two texts meet. Pure.

Most dialects want a conversation to end with the user (Claude 4.6 and later refuse any other with status 400), so the
next one is told to go on in words; it often says again what was said last, or begins anew. What is said twice is
taken out.
"""

from __future__ import annotations

from dataclasses import replace

from aiorch.types import Message, Request

PREFILLING = frozenset({"ollama", "llamacpp"})
"""Providers whose servers go on with a conversation's last message where that is the model's: they leave the turn open
in the model's own template, whatever the model."""

ENOUGH = 12
"""Characters from which on a repetition is no coincidence. Shorter ones are left alone: better a word twice than one
lost."""

_GO_ON = (
    "Your answer was cut off. Go on exactly where it stops, with the very next character. Repeat nothing of it, say "
    "nothing about this, and add nothing before or around it."
)


def may_go_on(request: Request) -> bool:
    """False where an answer of two parts could not be trusted: a tool call or an object half written by each."""
    return not request.tools and request.schema is None


def going_on(request: Request, partial: str, provider: str) -> Request:
    """The request that asks ``provider`` for the rest of an answer."""
    said: tuple[Message, ...] = (Message.assistant(partial),)
    if provider not in PREFILLING:
        said += (Message.user(_GO_ON),)
    return replace(request, messages=(*request.messages, *said))


class Joint:
    """Where a second text meets the first. Feed it the second one; it gives what is new.

    >>> joint = Joint("The cat sat on the")
    >>> joint.feed("cat sat on the mat"), joint.close()
    (' mat', '')
    """

    __slots__ = ("_before", "_held", "_open", "_places")

    def __init__(self, before: str) -> None:
        self._before = before
        self._held = ""
        self._open = bool(before)
        self._places: list[int] | None = None
        """Where in the first text the second may be a repetition of the rest of it."""

    def feed(self, text: str) -> str:
        """What may be shown; nothing while it could still be a repetition."""
        if not self._open or not text:
            return text
        held = self._held = self._held + text
        before = self._before
        if self._places is None:
            self._places = [i for i, c in enumerate(before) if c == held[0]]
        self._places = [i for i in self._places if _agree(before, i, held)]
        if any(len(before) - i > len(held) for i in self._places):
            return ""  # it may yet become a longer one
        return self.close()

    def close(self) -> str:
        """The rest, when no more comes."""
        if not self._open:
            return ""
        self._open = False
        held, self._held = self._held, ""
        ends = [len(self._before) - i for i in self._places or () if len(self._before) - i <= len(held)]
        whole = len(self._before)
        said_again = max((n for n in ends if n >= ENOUGH or n == whole), default=0)
        return held[said_again:]


def _agree(before: str, at: int, held: str) -> bool:
    """True where the texts say the same from there on, as far as both go."""
    rest = len(before) - at
    return before.startswith(held, at) if len(held) <= rest else held.startswith(before[at:])
