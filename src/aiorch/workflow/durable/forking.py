"""What a forked run takes along: the results of every task that does not depend on the one it begins from again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from aiorch.errors import InputError, nearest

_END = re.compile(r"[\[/#:!]")
"""What may follow a task's name in a key: ``each[3]``, ``sub/facts``, ``polish#2/better``, ``draft:model``,
``pause!until``."""


def task_at_the_top(key: str) -> str:
    """The task of the run's own workflow to which a key of the journal belongs.

    >>> task_at_the_top("polish#2/better:round1/model")
    'polish'
    """
    return _END.split(key, maxsplit=1)[0]


def there_is(needs: Iterable[str], task: str) -> None:
    """:raises InputError: where there is no such task."""
    known = tuple(needs)
    if task not in known:
        near = nearest(task, known)
        offer = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"the run's workflow has no task {task!r}.{offer}")


def done_again(needs: Mapping[str, Sequence[str]], task: str) -> frozenset[str]:
    """``task`` and all that depend on it.

    :param needs: for each task those that come before it.
    :raises InputError: where there is no such task.
    """
    there_is(needs, task)
    found = {task}
    waiting = dict(needs)
    while True:
        more = {name for name, before in waiting.items() if name not in found and found.intersection(before)}
        if not more:
            return frozenset(found)
        found |= more


def taken_along(keys: Iterable[str], again: frozenset[str]) -> tuple[str, ...]:
    """The keys whose results the forked run begins with."""
    return tuple(key for key in keys if task_at_the_top(key) not in again)
