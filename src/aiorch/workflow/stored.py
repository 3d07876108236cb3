"""What durable runs keep of effects: JSON that can be read back as what it was, and nothing else."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from aiorch.errors import NotStorable, WorkflowError
from aiorch.types.serial import adapter

T = TypeVar("T")

AGAIN = "!again"
"""Behind the key of a call that must not be repeated unasked: the name under which the person's decision is sent."""


class LeftBehind(TimeoutError):
    """An effect took too long and could not be stopped: it may still come to its end, so it has not failed."""


def written(key: str, value: object, returns: Any) -> str:
    """A result as JSON.

    :raises NotStorable: where that is not possible, or it could not be read back as ``returns``: a resumed run would
        go on with something else than the one before. So a date, a tuple or a dataclass needs an annotation.
    """
    text, back = _there_and_back(key, value, returns)
    if is_open(returns) and back != value:
        raise NotStorable(
            key, type(value).__name__, "it would come back as something else: annotate what it gives"
        )
    return text


def written_whole(key: str, value: object, returns: Any) -> str:
    """The same for what is kept of a whole run, whose parts have types of their own."""
    return _there_and_back(key, value, returns)[0]


def is_open(kind: Any) -> bool:
    """Whether a type leaves open what is in it, so that JSON alone says what is read back.

    >>> is_open(Any), is_open(list[Any] | None), is_open(list), is_open(dict[str, int])
    (True, True, True, False)
    """
    if kind is Any or kind in (object, list, dict, tuple, set, frozenset):
        return True
    return get_origin(kind) in _HOLDERS and any(map(is_open, get_args(kind)))


_HOLDERS = (list, dict, tuple, set, frozenset, Union, UnionType, Annotated)


def _there_and_back(key: str, value: object, returns: Any) -> tuple[str, Any]:
    kind, why = adapter(returns), "it comes back as something else"
    for by_alias in (True, False):  # fields are read by their aliases, unless those are for writing only
        try:
            text = kind.dump_json(value, warnings="error", by_alias=by_alias)
            back = kind.validate_json(text)
            if back == value or kind.dump_json(back, by_alias=by_alias) == text:
                return text.decode(), back
        except Exception as fault:  # also what a user's own serializer raises
            first, *more = str(fault).splitlines() or [type(fault).__name__]
            why = "not what its type says" if more else first  # what stands below quotes the value
    raise NotStorable(key, type(value).__name__, why)


def clean(text: str) -> str:
    """A text as every database takes it: without zeros, which PostgreSQL refuses, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def read(key: str, returns: type[T], text: str) -> T:
    """A result that was kept. :raises WorkflowError: where it does not fit its type any more."""
    try:
        return cast(T, adapter(returns).validate_json(text))
    except ValueError:  # which quotes the value
        raise WorkflowError(
            f"what was kept of {key!r} is not of type {getattr(returns, '__name__', returns)} any more: the code has "
            "changed since. Take a new run id, or run it with the code that began it"
        ) from None
