"""What a run commits of a task, and finds committed when it is resumed: the line's side of the journal.

Keys name a place on the line and nothing else, so they are the same whatever caches, catalogue and routing say by then:

    <task id>/names                     what pseudonyms have in common
    <task id>/round/1                   an answer, asked or remembered
    <task id>/round/1/tool/0            the result of its first call
    <task id>/<place>/asked/<digest>    what a person said to just that
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, TypeVar

from aiorch.journal import keeps
from aiorch.protocols import Journal
from aiorch.types import Task

T = TypeVar("T")


def round_key(task: Task, number: int) -> str:
    """Where the answer of a round is kept; 1 is the first."""
    return f"{task.id}/round/{number}"


def tool_key(task: Task, number: int, place: int) -> str:
    """Where the result of a call is kept, by its place: not every provider gives every call an id of its own."""
    return f"{task.id}/round/{number}/tool/{place}"


def question_key(journal: Journal, place: str) -> str | None:
    """What tells a provider that it was asked this before; ``None`` where that cannot be.

    The same in every process that carries the run on, and another one in the next try of a workflow's task, which wants
    another answer.
    """
    if not keeps(journal):
        return None
    return sha256((getattr(journal, "prefix", "") + place).encode()).hexdigest()[:32]


def decision_key(place: str, action: str, details: Mapping[str, Any]) -> str:
    """Where a person's answer is kept: it counts at this place of the line, for just what the person was shown."""
    shown = json.dumps((action, details), sort_keys=True, default=str)
    return f"{place}/asked/{sha256(shown.encode()).hexdigest()[:16]}"


async def decided(
    journal: Journal, place: str, action: str, details: Mapping[str, Any], ask: Callable[[], Awaitable[bool]]
) -> bool:
    """What a person says, who is asked once. :param place: on the line, beginning with the task's id."""
    if not keeps(journal):
        return await ask()
    return await journal.once(decision_key(place, action, details), ask, returns=bool)
