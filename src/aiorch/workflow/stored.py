"""What durable runs keep of effects: JSON that can be read back as what it was, and nothing else."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from aiorch.errors import NotStorable, WorkflowError
from aiorch.types.serial import adapter

T = TypeVar("T")

AGAIN = "!again"
"""Behind the key of a call that must not be repeated unasked: the name under which the person's decision is sent."""


def written(key: str, value: object, returns: Any) -> str:
    """A result as JSON.

    :raises NotStorable: where that is not possible, or it could not be read back as ``returns``.
    """
    try:
        text = adapter(returns).dump_json(value, warnings="error")
        adapter(returns).validate_json(text)
        return text.decode()
    except Exception as fault:  # also what a user's own serializer raises
        first, *more = str(fault).splitlines() or [type(fault).__name__]
        why = "not what its type says" if more else first  # what stands below quotes the value
        raise NotStorable(key, type(value).__name__, why) from None


def read(key: str, returns: type[T], text: str) -> T:
    """A result that was kept. :raises WorkflowError: where it does not fit its type any more."""
    try:
        return cast(T, adapter(returns).validate_json(text))
    except ValueError:  # which quotes the value
        raise WorkflowError(
            f"what was kept of {key!r} is not of type {getattr(returns, '__name__', returns)} any more: the code has "
            "changed since. Take a new run id, or run it with the code that began it"
        ) from None
