#!/usr/bin/env python3
"""Compare the embedded catalogue with a list of models as OpenRouter gives it: how many fields agree.

    .venv/bin/python tools/check_catalog.py models.json        # the body of GET /models, or a recording that holds it
    .venv/bin/python tools/check_catalog.py models.json --all  # every id that differs

The list must be one that the build did not use, and of about the same date: prices there change by a tenth a month.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from aiorch.catalog.embedded import as_of, embedded  # noqa: E402
from aiorch.providers import SPECS  # noqa: E402
from aiorch.providers.listing import read_models  # noqa: E402
from aiorch.types import ModelCard  # noqa: E402

GOALS = {"context": 0.99, "input price": 0.97, "tools": 0.95}
PRICE_DIFFERS = 1e-4
"""Relative: below it are roundings."""


@dataclass
class Field:
    """How one field agrees over the ids that both have."""

    common: int = 0
    differ: list[str] = field(default_factory=list[str])

    @property
    def share(self) -> float:
        """Of the common ones, how many agree."""
        return 1 - len(self.differ) / self.common if self.common else 0.0


def compared(ours: Iterable[ModelCard], theirs: Iterable[ModelCard]) -> tuple[Mapping[str, Field], int]:
    """The fields, and how many ids both have. Where their list says nothing, nothing is compared.

    A field that ours leaves open differs: what is not known is not accurate.
    """
    fields = {name: Field() for name in GOALS}
    known = {card.model: card for card in ours if not card.retired}
    both = [(known[card.model], card) for card in theirs if card.model in known]
    for mine, other in both:
        _add(fields["context"], mine.model, mine.context, other.context, mine.context == other.context)
        _add(
            fields["tools"],
            mine.model,
            mine.capabilities.tools,
            other.capabilities.tools,
            mine.capabilities.tools == other.capabilities.tools,
        )
        here = None if mine.price is None else float(mine.price.input)
        there = None if other.price is None else float(other.price.input)
        same = here is not None and there is not None and abs(here - there) <= PRICE_DIFFERS * there
        _add(fields["input price"], mine.model, here, there, same)
    return fields, len(both)


def _add(to: Field, model: str, mine: object, theirs: object, same: bool) -> None:
    if theirs is None:
        return
    to.common += 1
    if not same:
        to.differ.append(f"{model}: {mine} here, {theirs} there")


def listed(path: Path) -> Sequence[ModelCard]:
    """The cards of OpenRouter's list, read as a live one is."""
    held = json.loads(path.read_text(encoding="utf-8"))
    body = held.get("body", held) if isinstance(held, dict) else held
    return read_models(json.dumps(body).encode(), SPECS["openrouter"], 0.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 0 where all goals are reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("list", type=Path)
    parser.add_argument("--all", action="store_true", help="every id that differs, not the first eight")
    options = parser.parse_args(arguments)
    theirs = listed(options.list)
    fields, both = compared(embedded("openrouter"), theirs)
    print(f"{both} ids in both (theirs {len(theirs)}); embedded catalogue of {as_of()}")
    for name, found in fields.items():
        agree = found.common - len(found.differ)
        print(f"{name:12} {found.share:7.2%} of {found.common} ({agree} agree); goal {GOALS[name]:.0%}")
        for line in found.differ if options.all else found.differ[:8]:
            print(f"    {line}")
    return 0 if both and all(fields[name].share >= goal for name, goal in GOALS.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
