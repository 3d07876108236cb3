"""Every call that was ever made for a run: what began, what was committed, what nobody knows the end of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CallState = Literal["begun", "committed", "failed"]
"""``begun``: under way, or its process died meanwhile; ``committed``: its result is kept; ``failed``: it raised."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that a run began. One that was repeated after a crash is there twice."""

    key: str
    """Its key in the journal: ``draft:round1/model``."""
    task: str
    """The path of the task that made it: ``draft``."""
    began: float
    """When, in seconds since 1970."""
    ended: float | None = None
    """When its result was committed or it failed, in seconds since 1970; ``None`` where neither happened."""
    state: CallState = "begun"
    worker: str = ""
    """Which process made it."""

    @property
    def seconds(self) -> float | None:
        """How long it took; ``None`` where its end is not known."""
        return None if self.ended is None else self.ended - self.began


def task_of(key: str) -> str:
    """The path of the task that a journal key belongs to.

    >>> task_of("polish#2/better:round1/model")
    'polish#2/better'
    """
    return key.partition(":")[0]
