"""What became of free ids that died, and which living free model does their work now.

A free id that is gone resolves to a free successor or to nothing with the reason; never to its paid twin. The table is
``data/successors.csv``: every id ending in ``:free`` that OpenRouter's list ever had and has no longer, and those that
it never had but people write down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

AS_OF = "2026-11-22"
"""When the table was last looked over. Its successors come closest first: some of them ended between 2026-09 and
2026-11 themselves and are passed over while they are gone, so each row has one that was in OpenRouter's list on
2026-11-10. Those elsewhere were free in public catalogues of 2026-08 and later.
"""

NEVER_LISTED = "never listed"


@dataclass(frozen=True, slots=True)
class Successor:
    """One id that people still write down, and who took its place."""

    id: str
    """The dead id."""
    seen: str
    """When it was free at OpenRouter, or :data:`NEVER_LISTED`; empty where its own provider said that it ended."""
    free: tuple[str, ...]
    """Free models in order of preference, as ``provider/model``; empty when there is none. What a provider names
    itself stands here unlooked at: whoever follows it takes only what costs nothing."""
    paid: str | None = None
    """The nearest paid id at OpenRouter, for whoever allows that; never chosen by itself."""
    why: str = ""
    """Why these, or why none."""

    @property
    def fate(self) -> str:
        """What became of it, in words."""
        if not self.seen:
            return "ended, says its provider"
        if self.seen == NEVER_LISTED:
            return "never listed as free at OpenRouter"
        return f"no longer free (it was at OpenRouter, {self.seen})"


class _Table(Mapping[str, Successor]):
    """The rows by dead id, read from the file when somebody first looks."""

    def __getitem__(self, name: str) -> Successor:
        return _rows()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_rows())

    def __len__(self) -> int:
        return len(_rows())


SUCCESSORS: Mapping[str, Successor] = _Table()
"""By the dead id, as it is written without a provider in front."""


def successor_of(name: str) -> Successor | None:
    """The row of a dead id, written with or without ``openrouter/`` in front.

    >>> successor_of("google/gemma-7b-it:free").free
    ('openrouter/google/gemma-4-26b-a4b-it:free',)
    """
    return SUCCESSORS.get(name) or SUCCESSORS.get(name.removeprefix("openrouter/"))


@cache
def _rows() -> dict[str, Successor]:
    import csv  # both only where an id has died, so not at the start
    from importlib.resources import files

    text = (files("aiorch.catalog") / "data" / "successors.csv").read_text("utf-8")
    return {row["id"]: _successor(row) for row in csv.DictReader(text.splitlines())}


def _successor(row: Mapping[str, str]) -> Successor:
    months = dict.fromkeys((row["first_seen"][:7], row["last_seen"][:7]))
    seen = " to ".join(months) if row["first_seen"] else NEVER_LISTED
    return Successor(row["id"], seen, tuple(row["free"].split()), row["paid"] or None, row["why"])
