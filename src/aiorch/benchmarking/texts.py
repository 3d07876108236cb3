"""The longer texts that lookups are asked about: made by a rule, the same every time."""

from __future__ import annotations

from collections.abc import Iterator

GOODS = (
    "blue tiles", "honey", "wool", "lamp oil", "dried figs", "copper wire",
    "sailcloth", "paper", "tea", "clay pots", "rope",
)  # fmt: skip
PEOPLE = ("Nora", "Emil", "Wanda", "Idris", "Petra", "Joost", "Signe", "Malik")
SHEDS = "ABCDEF"


def shelf(crate: int) -> str:
    """Where a crate stands."""
    return f"{SHEDS[(crate * 7 + crate // 6) % len(SHEDS)]}{(crate * 5 + crate // 9) % 9 + 1}"


def checker(crate: int) -> str:
    """Who checked a crate."""
    return PEOPLE[(crate * 3 + crate // 8) % len(PEOPLE)]


def register(first: int, crates: int, note: str = "", after: int = 0) -> str:
    """The register of a warehouse, one line a crate.

    :param note: a line that stands behind the line of crate ``after``.
    """
    return "\n".join(_lines(first, crates, note, after))


def _lines(first: int, crates: int, note: str, after: int) -> Iterator[str]:
    for crate in range(first, first + crates):
        units = crate * 11 % 48 + 2
        goods = GOODS[crate * 4 % len(GOODS)]
        yield f"Crate {crate}: {units} units of {goods}, shelf {shelf(crate)}, checked by {checker(crate)}."
        if note and crate == after:
            yield note
