"""From a name that somebody wrote to models that exist: exact, then by successor, then the nearest names.

Pure: what exists is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiorch.catalog.successors import Successor, successor_of
from aiorch.errors import UnknownModel
from aiorch.types import Candidate, PassedOver


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name stands for now."""

    name: str
    candidates: tuple[Candidate, ...]
    """The deployments that serve it; empty when nobody here does."""
    note: str = ""
    """Why it is another model than the one named, or nobody."""

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """The name itself with the note, where nobody serves it or somebody else does."""
        return (PassedOver(self.name, self.note),) if self.note else ()


Index = Mapping[str, tuple[Candidate, ...]]
"""Candidates by every name they answer to."""


def index(candidates: Iterable[Candidate]) -> Index:
    """By ``provider/model`` and by the bare model id, in the order given."""
    found: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        for name in {candidate.card.id, candidate.card.model}:
            found.setdefault(name, []).append(candidate)
    return {name: tuple(them) for name, them in found.items()}


def resolve(name: str, known: Index, successors: Mapping[str, Successor] | None = None) -> Resolved:
    """Who answers to ``name``.

    A retired free id gives its first free successor that is known here. An id ending in ``:free`` never gives anything
    that costs.

    :param successors: further rows by dead id (learnt at run time), looked at before the built-in ones.
    """
    found = known.get(name, ())
    if name.endswith(":free"):
        found = tuple(c for c in found if c.card.costs_nothing)
    alive = tuple(c for c in found if not c.card.retired)
    if alive:
        return Resolved(name, alive)
    row = (successors or {}).get(name) or successor_of(name)
    if row is not None:
        return _succeeded(name, row, known)
    if found:
        return Resolved(name, (), "retired by its provider, and no successor is known")
    return Resolved(name, (), "not served by any provider that can be used here")


def _succeeded(name: str, row: Successor, known: Index) -> Resolved:
    gone = row.fate
    for successor in row.free:
        alive = tuple(c for c in known.get(successor, ()) if c.card.costs_nothing and not c.card.retired)
        if alive:
            return Resolved(name, alive, f"{gone}; its successor {successor} is used instead")
    if not row.free:
        return Resolved(name, (), f"{gone}; it has no free successor")
    whom = " or ".join(row.free)
    return Resolved(
        name, (), f"{gone}; its successor {whom} is not served by a provider that can be used here"
    )


def require(name: str, known: Index, successors: Mapping[str, Successor] | None = None) -> Resolved:
    """As :func:`resolve`, for a model that somebody asked for by name.

    :raises UnknownModel: when nobody has ever heard of it; the nearest known names are offered.
    """
    resolved = resolve(name, known, successors)
    heard_of = name in known or name in (successors or {}) or successor_of(name) is not None
    if not resolved.candidates and not heard_of:
        raise UnknownModel(name, known, hint="" if known else NOBODY)
    return resolved


NOBODY = (
    "No provider can be used: set a key (OPENROUTER_API_KEY, GROQ_API_KEY, GEMINI_API_KEY ...; see .env.example), "
    "or install the embedded demo model with `aiorch local install`."
)
"""What to do when there is no provider at all."""
