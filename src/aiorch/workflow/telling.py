"""How a task is told of: in events, in the timeline, in displays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from aiorch.errors import AiorchError
from aiorch.types import Outcome
from aiorch.workflow.nodes import Node
from aiorch.workflow.runs import Row

_LABEL = 40
"""Characters of an item's label that displays get."""


def measures(outcome: Outcome[Any]) -> Outcome[Any]:
    """An outcome without anybody's words: what events may carry."""
    return dataclasses.replace(
        outcome,
        value=None,
        text="",
        messages=(),
        verdicts=tuple(dataclasses.replace(v, replacement=None) for v in outcome.verdicts),
    )


def label_of(node: Node, values: Mapping[str, Any]) -> str | None:
    """What displays call an item with these values; ``None`` where the task has no label, or it cannot be written."""
    if node.mapped is None or node.mapped.label is None:
        return None
    try:
        text = " ".join(node.mapped.label.render(values).split())
    except Exception:  # a label is for the eye: an item without one still runs
        return None
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def told(wrong: Exception) -> str:
    """An error in words; ours are written to be read alone, others need their kind beside them."""
    return str(wrong) if isinstance(wrong, AiorchError) else f"{type(wrong).__name__}: {wrong}"


def item_of(row: Row) -> str | None:
    """What events call an item: its number, which is unique, and its label."""
    if row.item is None:
        return None
    return str(row.item) if row.label is None else f"{row.item} {row.label}"
