"""What a run says while it goes on, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

from aiorch.benchmarking.plan import Call
from aiorch.benchmarking.records import Record


@dataclass(frozen=True, slots=True)
class Planned:
    """A round begins: these calls are going to be made."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """A question is sent."""

    call: Call


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, or a failure, was written down."""

    record: Record


@dataclass(frozen=True, slots=True)
class SetAside:
    """Somebody is not asked for a while, or any more."""

    who: str
    """An account, a model or a deployment."""
    until: float
    """Epoch seconds; infinite = not in this run."""
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Everybody that is left is limited; it goes on then."""

    until: float
    """Epoch seconds."""


Progress = Planned | Asking | Answered | SetAside | Waiting
