"""All checks on one answer, and whether that is good enough."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import cast

from aiorch.protocols import Check
from aiorch.types import Assessment, CheckResult, Response, Task

log = logging.getLogger("aiorch")


async def assess(task: Task, response: Response, checks: Iterable[Check]) -> Assessment:
    """Make every check, in their order. One that raises has found nothing out: its result is ``None`` and says why."""
    results: list[CheckResult] = []
    for check in checks:
        try:
            result = await check.check(task, response)
            if not isinstance(cast("object", result), CheckResult):  # a plugin may give back anything
                raise TypeError(f"it gave {type(result).__name__}, not a CheckResult")
            results.append(result)
        except Exception as broken:
            log.exception("the check %r failed; its result is left open", check.name)
            why = f"the check failed: {type(broken).__name__}: {broken}"
            results.append(CheckResult(check.name, None, why))
    return Assessment(tuple(results))


def meets(assessment: Assessment, minima: Mapping[str, float]) -> bool:
    """Whether the answer is good enough; see :func:`shortfalls`.

    >>> meets(Assessment((CheckResult("schema", False),)), {})
    False
    >>> meets(Assessment(), {"accuracy": 0.9})
    True
    """
    return not shortfalls(assessment, minima)


def shortfalls(assessment: Assessment, minima: Mapping[str, float]) -> tuple[str, ...]:
    """Why the answer is not good enough, a line each; nothing when it is.

    Every check that was made must hold, unless ``minima["score"]`` asks for a smaller share of them. A dimension counts
    where it was measured: what nobody measured is no reason to refuse an answer, and none to believe it.
    """
    share = minima.get("score", 1.0)
    below: list[str] = []
    if assessment.score is not None and assessment.score < share:
        below += [f"{c.name}: {c.detail or 'does not hold'}" for c in assessment.failed]
    for name, least in minima.items():
        measured = assessment.dimensions.get(name)
        if measured is not None and measured < least:
            below.append(f"{name}: {measured:.2f} is below {least:.2f}")
    return tuple(below)
