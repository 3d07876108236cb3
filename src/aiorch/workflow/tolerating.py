"""Failures that a run went on in spite of, over restarts: whoever resumes it keeps the decision."""

from __future__ import annotations

from aiorch.errors import WorkflowError
from aiorch.journal import committed
from aiorch.protocols import Journal
from aiorch.workflow.stored import clean


class FailedBefore(WorkflowError):
    """What failed before the run was resumed: its words are all that is left of it."""


async def keep(journal: Journal, path: str, told: str) -> None:
    """Write down that the task failed and that the run goes on."""

    async def failed() -> str:
        return clean(told)

    await journal.once(f"{path}!failed", failed, returns=str)


async def recall(journal: Journal, path: str) -> None:
    """Nothing, where nothing was written down. :raises FailedBefore: otherwise."""
    told = await committed(journal, f"{path}!failed", str)
    if told is not None:
        raise FailedBefore(told)
