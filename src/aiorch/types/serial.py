"""To JSON and back, for every type of this package.

pydantic does the work, and is imported only when something is written or read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


@lru_cache(maxsize=512)
def adapter(kind: Any) -> TypeAdapter[Any]:
    """The validator and serializer of a type, made once."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(value: object, kind: Any = None) -> str:
    """``value`` as JSON text.

    >>> from aiorch.types import Usage
    >>> to_json(Usage(1, 2))
    '{"input_tokens":1,"output_tokens":2,"reasoning_tokens":0,"cached_tokens":0,"estimated":false}'
    """
    return adapter(kind or type(value)).dump_json(value).decode()


def to_plain(value: object, kind: Any = None) -> Any:
    """``value`` as dictionaries, lists, strings and numbers that any JSON writer takes."""
    return adapter(kind or type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], text: str | bytes) -> T:
    """The value of type ``kind`` that ``text`` holds.

    :raises pydantic.ValidationError: when it holds something else.
    """
    return cast(T, adapter(kind).validate_json(text))
