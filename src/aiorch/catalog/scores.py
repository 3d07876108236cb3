"""What public benchmarks say of models: the scores that are in the wheel, facts with their day and source.

Only from sources whose licence permits to pass them on (``tools/benchmarks.csv`` names it for each); more can be
fetched at run time by whoever has a key.
"""

from __future__ import annotations

from aiorch.catalog.embedded import packed
from aiorch.types import Score


def scores_of(family: str, variant: str | None = None) -> tuple[Score, ...]:
    """The scores of a model's kind; of the model itself where ``variant`` is ``None``.

    A variant has its own: a score of ``qwen-3-235b-a22b`` thinking says nothing about it without.
    """
    return packed().scores(family, variant)
