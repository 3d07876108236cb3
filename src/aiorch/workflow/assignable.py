"""Whether a value of one annotated type may be handed to a parameter of another.

Generous: only what surely cannot be is refused. Annotations are promises of people, and a check before a run that cries
wolf would be switched off.
"""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, cast, get_args, get_origin

UNKNOWN: Any = Any
"""Stands for a type that nobody told."""

_PLAIN = (str, bytes, int, float, complex, bool, list, dict, set, frozenset, tuple, type(None))
"""What surely is no class, no function and no protocol of somebody's."""

_TOWER: Mapping[type, tuple[type, ...]] = {
    float: (int,),
    complex: (int, float),
    bytes: (bytearray, memoryview),
}
"""Types that stand for others in annotations too (PEP 484, "The numeric tower", and typing's ``bytes``)."""

FUNCTIONS: tuple[Any, ...] = (get_origin(collections.abc.Callable[..., Any]), type)
"""Functions and classes: what of them is handed on is no data."""

_MOST = 12
"""Depth of nested types that is looked into; recursive aliases end there."""


def may_fit(given: Any, wanted: Any) -> bool:
    """False only where no value of type ``given`` can be one of type ``wanted``.

    >>> may_fit(list[int], list[str]), may_fit(str | None, str), may_fit(Any, int)
    (False, True, True)
    """
    try:
        return _fits(given, wanted, _MOST)
    except (TypeError, AttributeError, RecursionError):  # an annotation that nobody foresaw is no mismatch
        return True


def item_of(kind: Any) -> Any | None:
    """The type of the items when a task is mapped over a value of this type; ``None`` where it surely is no list.

    >>> item_of(list[int]), item_of(str), item_of(Any)
    (<class 'int'>, None, typing.Any)
    """
    kind = _bare(kind)
    if _open(kind):
        return UNKNOWN
    members = _members(kind)
    if members is not None:
        found = [item for member in members if (item := item_of(member)) is not None]
        return found[0] if len(found) == 1 else UNKNOWN if found else None
    origin = _class(kind)
    if origin is None:
        return UNKNOWN
    if issubclass(origin, str | bytes | Mapping) or typing.is_typeddict(origin):
        return None
    if not issubclass(origin, collections.abc.Iterable):
        return None if origin in _PLAIN else UNKNOWN
    args = get_args(kind)
    if origin is tuple:
        kinds = set[Any](a for a in args if a is not Ellipsis) if all(map(_hashable, args)) else set[Any]()
        return kinds.pop() if len(kinds) == 1 else UNKNOWN
    return args[0] if len(args) == 1 else UNKNOWN


def holds(value: object, kind: Any) -> bool:
    """False only where ``value`` surely is none of type ``kind``.

    >>> holds("x", int), holds(1, float), holds([1], list[str])
    (False, True, False)
    """
    plain = type(value) in (str, int, bool, bytes)
    return may_fit(Literal[cast("Any", value)] if plain else _type_of(value, 3), kind)


def _type_of(value: object, depth: int) -> Any:
    """The type of a value, with what a list or mapping holds where that is one kind of thing."""
    own = cast("type[Any]", type(value))
    if depth and value and own in (list, set, frozenset):
        return types.GenericAlias(own, (_either(cast("Iterable[object]", value), depth),))
    if depth and value and own is dict:
        entries = cast("dict[object, object]", value)
        return dict[_either(entries, depth), _either(entries.values(), depth)]
    return own


def _either(values: Iterable[object], depth: int) -> Any:
    kinds = list(dict.fromkeys(_type_of(v, depth - 1) for v in values))
    return kinds[0] if len(kinds) == 1 else UNKNOWN


# --- one type against another ------------------------------------------------------------------------------------


def _fits(given: Any, wanted: Any, depth: int) -> bool:
    given, wanted = _bare(given), _bare(wanted)
    if given is wanted or not depth or _open(given) or _open(wanted):
        return True
    several = _members(given)
    if several is not None:
        return any(_fits(one, wanted, depth - 1) for one in several)
    several = _members(wanted)
    if several is not None:
        return any(_fits(given, one, depth - 1) for one in several)
    if get_origin(given) is Literal:
        return any(_literal_fits(value, wanted, depth) for value in get_args(given))
    if get_origin(wanted) is Literal:
        kind = _class(given)
        return kind is None or any(isinstance(v, kind) for v in get_args(wanted))
    return _classes(given, wanted, depth)


def _literal_fits(value: object, wanted: Any, depth: int) -> bool:
    if get_origin(wanted) is Literal:
        return any(value == other and type(value) is type(other) for other in get_args(wanted))
    return _fits(type(value), wanted, depth - 1)


def _classes(given: Any, wanted: Any, depth: int) -> bool:
    """Two types that are neither unions nor literals."""
    a, b = get_origin(given) or given, get_origin(wanted) or wanted
    if b in FUNCTIONS or a in FUNCTIONS:
        other = a if b in FUNCTIONS else b
        return other not in _PLAIN
    if not isinstance(a, type) or not isinstance(b, type):
        return True
    if typing.is_typeddict(a) or typing.is_typeddict(b):
        other = b if typing.is_typeddict(a) else a
        return typing.is_typeddict(other) or _of_class(dict, other) or other not in _PLAIN
    if not (_of_class(a, b) or _of_class(b, a)):
        return _loose(a, b) or _loose(b, a)
    return _arguments(a, get_args(given), b, get_args(wanted), depth)


def _arguments(a: type, given: Sequence[Any], b: type, wanted: Sequence[Any], depth: int) -> bool:
    """What two related generic types hold."""
    if not given or not wanted:
        return True
    if a is tuple:
        return _tuple(given, b, wanted, depth)
    if b is tuple:  # a Sequence[int] may turn out to be a tuple[int, str] no better than it may be a list
        kinds = [w for w in wanted if w is not Ellipsis]
        return len(given) != 1 or all(_fits(given[0], w, depth - 1) for w in kinds)
    if not (_holder(a) and _holder(b)):
        return True  # generics of somebody's: which of their parameters means which is not known
    if len(given) != len(wanted):
        return True
    return all(_fits(g, w, depth - 1) for g, w in zip(given, wanted, strict=True))


def _tuple(given: Sequence[Any], b: type, wanted: Sequence[Any], depth: int) -> bool:
    open_ended = len(given) == 2 and given[1] is Ellipsis
    items = given[:1] if open_ended else given
    if b is not tuple:
        return len(wanted) != 1 or all(_fits(g, wanted[0], depth - 1) for g in items)
    if len(wanted) == 2 and wanted[1] is Ellipsis:
        return all(_fits(g, wanted[0], depth - 1) for g in items)
    if open_ended:
        return all(_fits(given[0], w, depth - 1) for w in wanted)
    return len(given) == len(wanted) and all(
        _fits(g, w, depth - 1) for g, w in zip(given, wanted, strict=True)
    )


# --- what a type is ----------------------------------------------------------------------------------------------


def _bare(kind: Any) -> Any:
    """Without ``Annotated``, ``NewType`` and the names that ``type`` statements give; ``None`` is its type."""
    for _ in range(_MOST):
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            break
    return type(None) if kind is None else kind


def _open(kind: Any) -> bool:
    """True where anything might be meant."""
    return (
        kind in (Any, object, typing.NoReturn, typing.Never, _SELF, inspect.Parameter.empty)
        or isinstance(kind, str | ForwardRef | TypeVar)
        or (getattr(kind, "_is_protocol", False) is True and kind not in _ABSTRACT)
    )


_SELF: Any = vars(typing)["Self"]
_ABSTRACT: frozenset[Any] = frozenset(
    kind for kind in vars(collections.abc).values() if isinstance(kind, type)
)


def _members(kind: Any) -> tuple[Any, ...] | None:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else None


def _class(kind: Any) -> type[Any] | None:
    """The class behind a type; ``None`` where it is something else."""
    found = get_origin(kind) or kind
    return cast("type[Any]", found) if isinstance(found, type) else None


def _hashable(kind: Any) -> bool:
    return isinstance(kind, collections.abc.Hashable)


@lru_cache(maxsize=4096)
def _of_class(a: type, b: type) -> bool:
    """Whether every ``a`` is a ``b``, also where only annotations have it so."""
    return issubclass(a, b) or a in _TOWER.get(b, ())


def _holder(kind: type) -> bool:
    """True for the generics whose parameters are the types of what they hold, and for nothing else."""
    return kind in (list, set, frozenset, dict) or kind in _ABSTRACT


def _loose(a: type, b: type) -> bool:
    """True where ``a`` is abstract, so that some class might be both it and ``b``, which is none of Python's own."""
    return (inspect.isabstract(a) or a in _ABSTRACT) and b not in _PLAIN
