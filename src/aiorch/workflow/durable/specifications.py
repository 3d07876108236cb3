"""What is kept of a workflow's version: what a fork has to know of its tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from aiorch.workflow.durable.records import insert_once
from aiorch.workflow.durable.tables import specifications
from aiorch.workflow.nodes import Loop, Sub, WaitFor

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.workflow.graph import Graph
    from aiorch.workflow.nodes import Node

Names = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Specification:
    """How the tasks of a version hang together."""

    needs: Names
    """For each task those that come before it."""
    events: Names
    """For each task the events that it waits for, itself or inside."""


def remember(db: Connection, graph: Graph) -> None:
    """Keep it, once."""
    if read(db, graph.version) is None:
        names = [node.name for node in graph.nodes]
        needs = {name: [names[i] for i in before] for name, before in zip(names, graph.needs, strict=True)}
        events = {node.name: list(_events(node)) for node in graph.nodes}
        row = {"version": graph.version, "workflow": graph.name}
        row |= {"needs": json.dumps(needs), "events": json.dumps(events)}
        db.execute(insert_once(db, specifications).values(row))


def read(db: Connection, version: str) -> Specification | None:
    """That of a version; ``None`` of one that nobody submitted or served."""
    query = select(specifications.c.needs, specifications.c.events)
    row = db.execute(query.where(specifications.c.version == version)).first()
    return None if row is None else Specification(json.loads(row.needs), json.loads(row.events))


def _events(node: Node) -> Iterator[str]:
    if isinstance(node.work, WaitFor):
        yield node.work.event
    if isinstance(node.work, Sub | Loop):
        for inner in node.work.graph.nodes:
            yield from _events(inner)
