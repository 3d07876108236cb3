"""Runs that survive their process: kept in a SQLite file or in PostgreSQL, carried on under the same id.

DBOS holds a run's life; what a run has done stands in tables of ours beside its own, committed before anybody reads
it. Needs the extra ``durable``. Nothing of it is loaded before it is used.

    run = await execute(flow, inputs, services=services, engine=Durable("sqlite:///runs.db"))   # in this process

    run_id = await submit(flow, inputs, engine=url)                # for whichever worker is free
    await serve([flow], services, engine=url)                      # such a worker
    async with Runs(url) as runs: await runs.list()                # for those who look after them
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiorch.workflow.durable.administering import Runs, submit
    from aiorch.workflow.durable.engine import Durable
    from aiorch.workflow.durable.leases import Served, Worker
    from aiorch.workflow.durable.queues import Limits
    from aiorch.workflow.durable.rows import RunDetails, RunInfo, TaskInfo
    from aiorch.workflow.durable.scheduling import Schedule
    from aiorch.workflow.durable.serving import serve

__all__ = [
    "Durable",
    "Limits",
    "RunDetails",
    "RunInfo",
    "Runs",
    "Schedule",
    "Served",
    "TaskInfo",
    "Worker",
    "serve",
    "submit",
]

_HOMES = {
    "Durable": "engine",
    "Limits": "queues",
    "RunDetails": "rows",
    "RunInfo": "rows",
    "Runs": "administering",
    "Schedule": "scheduling",
    "Served": "leases",
    "TaskInfo": "rows",
    "Worker": "leases",
    "serve": "serving",
    "submit": "administering",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
