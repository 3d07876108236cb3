"""What is kept of a workflow's version: how its tasks depend on each other, for whoever forks a run later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from aiorch.workflow.durable.records import insert_once
from aiorch.workflow.durable.tables import specifications

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.workflow.graph import Graph


def remember(db: Connection, graph: Graph) -> None:
    """Keep it, once."""
    if needs_of(db, graph.version) is None:
        names = [node.name for node in graph.nodes]
        needs = {name: [names[i] for i in before] for name, before in zip(names, graph.needs, strict=True)}
        row = {"version": graph.version, "workflow": graph.name, "needs": json.dumps(needs)}
        db.execute(insert_once(db, specifications).values(row))


def needs_of(db: Connection, version: str) -> Mapping[str, Sequence[str]] | None:
    """For each task those that come before it; ``None`` of a version that nobody submitted or served."""
    text = db.scalar(select(specifications.c.needs).where(specifications.c.version == version))
    return None if text is None else json.loads(text)
