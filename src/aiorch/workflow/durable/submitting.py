"""What is put into the queue: the order of a run, checked before anybody else sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiorch.errors import InputError, InvalidWorkflow
from aiorch.workflow.durable.leases import Served

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

    from aiorch.workflow.builder import Workflow
    from aiorch.workflow.durable.desk import Desk
    from aiorch.workflow.graph import Graph

PART = "::"
"""Between the id of a run and the path of a part that it spread."""
LONGEST = 300
"""Characters of a run id."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker has to know to carry out a run."""

    workflow: str
    version: str
    inputs: Mapping[str, Any]
    """JSON values."""
    path: str | None = None
    """Of a part: where in the workflow it belongs."""

    @property
    def served(self) -> Served:
        """Who can carry it out."""
        return Served(self.workflow, self.version)

    def to_json(self) -> dict[str, Any]:
        """As the queue keeps it."""
        text: dict[str, Any] = {
            "workflow": self.workflow,
            "version": self.version,
            "inputs": dict(self.inputs),
        }
        return text if self.path is None else {**text, "path": self.path}

    @classmethod
    def of(cls, stored: Any) -> Order | None:
        """Read it back from what DBOS keeps as a run's input; ``None`` of a run that nobody submitted."""
        given = cast("dict[str, Any]", stored).get("args") if isinstance(stored, dict) else None
        return cls.read(given[0]) if given else None

    @classmethod
    def read(cls, given: Any) -> Order | None:
        """Read it back from what DBOS hands to whoever carries it out."""
        if not isinstance(given, dict) or "workflow" not in given:
            return None
        kept = cast("dict[str, Any]", given)
        return cls(kept["workflow"], kept["version"], kept["inputs"], kept.get("path"))


def graph_of(flow: Workflow | Graph) -> Graph:
    """The frozen form of a workflow."""
    from aiorch.workflow.graph import Graph

    return flow if isinstance(flow, Graph) else flow.graph()


def order_of(flow: Workflow | Graph, inputs: Mapping[str, Any] | None) -> Order:
    """What to carry out, with its inputs as JSON.

    :raises InvalidWorkflow: with every problem found, inputs that are missing or of the wrong type among them.
    :raises InputError: for inputs that JSON cannot hold.
    """
    from aiorch.workflow.validation import problems
    from aiorch.workflow.values import checked_inputs

    graph = graph_of(flow)
    given = dict(inputs or {})
    found = problems(graph, given, durable=True)
    values, wrong = checked_inputs(graph, given)
    if found or wrong:
        raise InvalidWorkflow(graph.name, (*found, *wrong))
    return Order(graph.name, graph.version, {name: jsonable(name, values[name]) for name in values})


def jsonable(name: str, value: Any) -> Any:
    """A value as JSON. :raises InputError: for one that JSON cannot hold."""
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        plain = to_jsonable_python(value, inf_nan_mode="constants")
        json.dumps(plain, allow_nan=False)
    except (PydanticSerializationError, ValueError) as wrong:
        raise InputError(
            f"input {name!r} is of type {type(value).__name__}, which JSON cannot hold ({wrong}): a run that is "
            "submitted takes text, numbers, lists, dictionaries, dataclasses and pydantic models"
        ) from None
    return plain


def checked_id(run_id: str) -> str:
    """A run id that can be used. :raises InputError: otherwise."""
    if not isinstance(run_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"run id {run_id!r:.80} cannot be used: it is a text")
    if not run_id.strip() or len(run_id) > LONGEST or PART in run_id:
        raise InputError(
            f"run id {run_id[:80]!r} cannot be used: 1 to {LONGEST} characters, and no {PART!r}, which names parts"
        )
    return run_id


async def enqueue(
    desk: Desk,
    order: Order,
    run: str,
    *,
    priority: int = 0,
    delay: float | None = None,
    forked_from: str | None = None,
) -> None:
    """Put an order into its queue. One of that id that is there already stays as it is."""
    from aiorch.workflow.durable.life import NAME
    from aiorch.workflow.durable.queues import PARTS, RUNS, in_queue

    options: EnqueueOptions = {
        "queue_name": RUNS if order.path is None else PARTS,
        "workflow_name": NAME,
        "workflow_id": run,
        "app_version": order.version,
        "priority": in_queue(priority),
    }
    if delay is not None:
        options["delay_seconds"] = delay
    if forked_from is not None:
        options["attributes"] = {"forked_from": forked_from}

    def put(db: DBOSClient) -> None:
        db.enqueue(options, order.to_json())  # pyright: ignore[reportUnknownMemberType]

    await desk.dbos(put)
