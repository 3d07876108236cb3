"""From a name that somebody wrote to models that exist: exact, then by successor, then the nearest that is free.

Pure: what exists is handed in. A name ending in ``:free`` never gives anything that costs, whoever names a successor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from aiorch.catalog.successors import AS_OF, Successor, successor_of
from aiorch.errors import UnknownModel, nearest
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

    A free id that is gone gives the first of its successors that is known here and costs nothing: those that its
    provider named, then those of the table. One that no row helps gives the free model that is nearest by line,
    purpose and size (:func:`~aiorch.catalog.kinship.nearest_free`), if any is near. The note says which and why.

    :param successors: further rows by dead id (learnt at run time), looked at before the built-in ones.
    """
    found = known.get(name, ())
    if name.endswith(":free"):
        found = tuple(c for c in found if c.card.costs_nothing)
    alive = tuple(c for c in found if not c.card.retired)
    if alive:
        return Resolved(name, alive)
    rows = [row for row in ((successors or {}).get(name), successor_of(name)) if row is not None]
    for row in rows:
        for successor in row.free:
            them = _living(known.get(successor, ()))
            if them:
                why = f" ({row.why}; as of {AS_OF})" if row.why else ""
                return Resolved(name, them, f"{row.fate}; its successor {successor} is used instead{why}")
    lost = _lost(rows, known) if rows else _unheard_of(bool(found))
    if name.endswith(":free") and all(
        row.free for row in rows
    ):  # not where the table says that there is none
        from aiorch.catalog.kinship import nearest_free  # seldom needed, so not loaded before

        everybody = {c.deployment.id: c for them in known.values() for c in them}  # each has two names
        near = nearest_free(name, everybody.values())
        if near is not None:
            note = f"{lost}; {near.candidates[0].card.id}, the nearest that is free ({near.why}), is used instead"
            return Resolved(name, near.candidates, note)
    return Resolved(name, (), lost)


def _living(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(c for c in candidates if c.card.costs_nothing and not c.card.retired)


def _lost(rows: Iterable[Successor], known: Index) -> str:
    """What became of an id, and why none of its successors can be used."""
    *_, row = rows
    if not row.free:
        return f"{row.fate}; it has no free successor{f': {row.why}' if row.why else ''}"
    whom = " or ".join(row.free)
    if any(not c.card.retired for successor in row.free for c in known.get(successor, ())):
        return f"{row.fate}; its successor {whom} costs money, and is asked only by that name"
    return f"{row.fate}; its successor {whom} is not served by a provider that can be used here"


def _unheard_of(retired: bool) -> str:
    if retired:
        return "retired by its provider, and no successor is known"
    return "not served by any provider that can be used here"


def require(name: str, known: Index, successors: Mapping[str, Successor] | None = None) -> Resolved:
    """As :func:`resolve`, for a model that somebody asked for by name.

    :raises UnknownModel: when nobody has ever heard of it, or it looks like a slip of the pen; the nearest known names
        are offered.
    """
    resolved = resolve(name, known, successors)
    heard_of = name in known or name in (successors or {}) or successor_of(name) is not None
    if not heard_of and (not resolved.candidates or _misspelt(name, known)):
        raise UnknownModel(name, known, hint="" if known else NOBODY)
    return resolved


SLIP = 0.9
"""From this likeness on, a name with the same numbers in it is a known one with a letter wrong."""
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


def _misspelt(name: str, known: Index) -> bool:
    """True where a known name differs in letters alone: another number is another version, which may have ended."""
    return any(
        _NUMBERS.findall(name) == _NUMBERS.findall(near)
        and SequenceMatcher(None, name.casefold(), near.casefold()).ratio() >= SLIP
        for near in nearest(name, known)
    )


NOBODY = (
    "No provider can be used: set a key (OPENROUTER_API_KEY, GROQ_API_KEY, GEMINI_API_KEY ...; see .env.example), "
    "or install the embedded demo model with `aiorch local install`."
)
"""What to do when there is no provider at all."""
