"""Values that cannot be written as JSON and read back as what they were, told from their types.

pydantic is imported when somebody asks.
"""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from aiorch.workflow.assignable import FUNCTIONS, UNKNOWN
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Call
from aiorch.workflow.report import Problem, told
from aiorch.workflow.types_of import Types

_ONCE = (
    collections.abc.Iterator,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncGenerator,
    collections.abc.Awaitable,
)
"""What can be taken from once only, and is gone then."""


def not_storable(graph: Graph, types: Types) -> Iterator[Problem]:
    """Functions whose annotated results a durable engine cannot keep."""
    known: dict[int, str | None] = {}
    for node in graph.nodes:
        if not isinstance(node.work, Call):  # what models, tools and people give is JSON to begin with
            continue
        kind = types.one(node)
        if kind is UNKNOWN:
            continue
        if id(kind) not in known:
            known[id(kind)] = why_not(kind)
        why = known[id(kind)]
        if why is not None:
            yield told("not-storable", f"task {node.name!r} gives {_named(kind)}: {why}", node.name)


def why_not(kind: Any) -> str | None:
    """Why values of this type cannot be kept; ``None`` where they can, or where that cannot be told.

    >>> why_not(list[int]), why_not(typing.Iterator[int])
    (None, 'it can be read only once')
    """
    origin = get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, _ONCE):
        return "it can be read only once"
    if origin in FUNCTIONS:
        return "a function or class is no data"
    if kind in (Any, object, typing.NoReturn, typing.Never):
        return None
    if origin is typing.Union or type(kind).__name__ == "UnionType":
        return next(filter(None, map(why_not, get_args(kind))), None)
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

    try:
        TypeAdapter(kind).json_schema(mode="serialization")
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
        return "pydantic cannot write it as JSON and read it back"
    except (PydanticUserError, NameError):  # names that exist for type checkers only
        return None
    return None


def _named(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
