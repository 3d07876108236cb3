"""What goes into a workflow and what its tasks give, held to the types that were said.

pydantic decides, and is imported only for a value that is not plainly of its type already.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import AsyncIterable, Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Union, cast

from aiorch.errors import ResultInvalid
from aiorch.workflow.nodes import REQUIRED, Approve, Ask, Call, Loop, Node, Sleep, Sub, Use, WaitFor
from aiorch.workflow.signature import BUILTIN, resolved, returned

if TYPE_CHECKING:
    from pydantic import ValidationError

    from aiorch.workflow.graph import Graph

_LAZY = (Iterator, Iterable, Generator, AsyncIterable, Awaitable)
"""What these hold is not looked at: looking would use it up."""


_MODULES = re.compile(r"\b(?:[\w<>]+\.)+(?=\w)")


class Mismatch(ValueError):
    """A value is not of the type; says where inside, and never quotes the value, which may be a secret."""


# --- of which type -----------------------------------------------------------------------------------------------


def type_of(node: Node) -> Any:
    """The type of a task's value, where that is said anywhere; ``Any`` otherwise. Of a mapped task a list."""
    kind = result_type(node)
    return list[kind] if node.mapped else kind


def result_type(node: Node) -> Any:
    """The same for one item of a mapped task."""
    work = node.work
    if isinstance(work, Call):
        kind = resolved(work.function, returned(work.function))
        return Any if kind is None or isinstance(kind, str) else kind
    if isinstance(work, Ask):
        return work.output
    if isinstance(work, Use):
        return str
    if isinstance(work, Approve):
        return bool
    if isinstance(work, WaitFor):
        return Any if work.output is None else work.output
    if isinstance(work, Sleep):
        return type(None)
    return graph_type(work.graph)


def graph_type(graph: Graph) -> Any:
    """The type of what a workflow gives."""
    place = graph.index.get(graph.gives or "")
    return Any if place is None else type_of(graph.nodes[place])


# --- held to it --------------------------------------------------------------------------------------------------


def checked_inputs(
    graph: Graph, given: Mapping[str, Any], handed: Iterable[str | type] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The inputs' values as their types want them, declared defaults filled in; and what is wrong with them.

    An input has the type that was declared, or that the first annotated parameter which takes it has. What only prompts
    take may be anything. Names that nobody takes, and inputs that are missing, are not looked at here.

    :param handed: names and types of objects that the caller provides.
    """
    values = dict(given)
    found: list[str] = []
    for name, one in graph.inputs(handed).items():
        if name not in values and one.declared and one.default is not REQUIRED:
            values[name] = one.default
        if name in values and one.sure:
            try:
                values[name] = fitted(one.type, values[name])
            except Mismatch as wrong:
                found.append(f"[input] {name!r} should be {named(one.type)}: {wrong}")
    return values, tuple(found)


def checked_result(node: Node, value: Any) -> Any:
    """What a task gave, as its type wants it; for a mapped task what one item gave.

    Looked at are values of functions and events, and of a workflow in a workflow that may have come from elsewhere; an
    answer was held to its type when it came, and tools give text.

    :raises ResultInvalid: naming the task, its type and what came.
    """
    work = node.work
    if isinstance(work, Call):
        kind = returned(work.function)
        if kind is None or kind is type(value) or (type(kind) is str and BUILTIN.get(kind) is type(value)):
            return value
        kind = resolved(work.function, kind)
        if isinstance(kind, str):  # known to the type checker only
            return value
    elif isinstance(work, WaitFor | Sub | Loop):
        kind = result_type(node)
    else:
        return value
    try:
        return fitted(kind, value)
    except Mismatch as wrong:
        raise ResultInvalid(node.name, named(kind), type(value).__name__, str(wrong)) from None


def fitted(kind: Any, value: Any) -> Any:
    """``value`` where it is of type ``kind``, or what pydantic makes of it: ``"3"`` is an ``int``, a ``dict`` a model.

    A type that pydantic cannot describe, such as a protocol, is not looked at.

    :raises Mismatch: where it is something else.
    """
    if type(value) is kind or _already(kind, value):
        return value
    check = _checker(kind)
    if check is None:
        return value
    from pydantic import ValidationError

    try:
        return check(value)
    except ValidationError as wrong:
        raise Mismatch(_told(wrong)) from None


def named(kind: Any) -> str:
    """A type as people call it, with its article.

    >>> named(int), named(list[str]), named(int | None)
    ('an int', 'a list[str]', 'an int | None')
    """
    if kind is type(None):
        return "None"
    name = kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)
    if typing.get_origin(kind) is not Literal:
        name = _MODULES.sub("", name)
    name = name.removeprefix("typing.")
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


# --- quickly -----------------------------------------------------------------------------------------------------


def _already(kind: Any, value: Any) -> bool:
    """True where ``value`` is of that type beyond doubt, so that nobody has to be asked. It stays what it is.

    >>> _already(list[int], [1, 2]), _already(int | None, None), _already(list[int], ["1"])
    (True, True, False)
    """
    if kind is Any or kind is object or type(value) is kind:
        return True
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is None:
        return isinstance(kind, type) and kind in type(value).__mro__
    if origin is Union or origin is types.UnionType:
        return any(_already(one, value) for one in args)
    if origin is Literal:
        return any(type(one) is type(value) and one == value for one in args)
    if type(value) is not origin:
        return origin in _LAZY and isinstance(value, origin)
    if origin is list or origin is set or origin is frozenset:
        return _all(args[0], cast("Iterable[Any]", value))
    if origin is dict:
        pairs = cast("dict[Any, Any]", value)
        return _all(args[0], pairs) and _all(args[1], pairs.values())
    return False


def _all(kind: Any, values: Iterable[Any]) -> bool:
    if kind is Any or kind is object:
        return True
    if isinstance(kind, type):
        return set(map(type, values)) <= {kind}
    return all(_already(kind, value) for value in values)


def _checker(kind: Any) -> Callable[[Any], Any] | None:
    try:
        return _made(kind)
    except TypeError:  # a type that cannot be hashed, for what its Annotated holds
        return _make(kind)


def _make(kind: Any) -> Callable[[Any], Any] | None:
    """Pydantic's validator; for a class that it does not know whether a value is an instance."""
    from pydantic import ConfigDict, TypeAdapter

    if typing.get_origin(kind) in _LAZY:
        kind = typing.get_origin(kind)
    for config in (None, ConfigDict(arbitrary_types_allowed=True)):
        try:
            return TypeAdapter(kind, config=config).validate_python
        except Exception:
            continue
    return None


_made = lru_cache(maxsize=1024)(_make)


def _told(wrong: ValidationError) -> str:
    errors = wrong.errors(include_url=False, include_context=False, include_input=False)
    said = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" if e["loc"] else e["msg"] for e in errors[:5]]
    more = len(errors) - 5
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")
