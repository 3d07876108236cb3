"""Whether a failed task is tried again, and when."""

from __future__ import annotations

from random import Random

from aiorch.errors import LeaseLost, NeedsPermission
from aiorch.workflow.nodes import Retry


def ends_the_run(wrong: Exception) -> bool:
    """True where another try would do what must not be done unasked, or is not this process's to do.

    Whatever the task's policy says, the run stops here.
    """
    return isinstance(wrong, NeedsPermission | LeaseLost)


def wait_before_next(retry: Retry | None, attempt: int, wrong: Exception, rng: Random) -> float | None:
    """Seconds until the next try after ``attempt`` failed with ``wrong``; ``None`` = it is not tried again.

    >>> wait_before_next(Retry(attempts=3, delay=1, factor=2, jitter=False), 2, ValueError(), Random())
    2.0

    :param attempt: which one that was, 1 for the first.
    """
    if retry is None or attempt >= retry.attempts or not isinstance(wrong, retry.on) or ends_the_run(wrong):
        return None
    try:
        full = min(retry.longest, retry.delay * retry.factor ** (attempt - 1))
    except OverflowError:
        full = retry.longest
    return rng.uniform(0, full) if retry.jitter else float(full)
