"""What a function asks for: its parameters as ports, and their types where somebody needs them.

Annotations are resolved one by one and as late as possible: a name that exists only for the type checker must not make
a workflow unusable.
"""

from __future__ import annotations

import builtins
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, SimpleNamespace
from typing import Any

from aiorch.workflow.nodes import REQUIRED, Port

_KEYWORDS: dict[str, Any] = {}
_FORWARD: dict[str, Any] = {}
if sys.version_info >= (3, 14):  # annotations are evaluated on reading there, and a missing name would raise
    from annotationlib import Format  # pyright: ignore[reportMissingImports,reportUnknownVariableType]

    _KEYWORDS = {"annotation_format": Format.FORWARDREF}
    _FORWARD = {"format": Format.FORWARDREF}


BUILTIN: dict[str, Any] = {kind.__name__: kind for kind in vars(builtins).values() if isinstance(kind, type)}
"""Python's own types, by name."""

_NOTHING: Any = object()


def ports_of(
    function: Callable[..., Any], uses: Mapping[str, str | tuple[str, ...]]
) -> tuple[tuple[Port, ...], tuple[str, ...]]:
    """A function's parameters as ports, and what is wrong with them.

    :param uses: where a parameter takes its value from, when that is not called like the parameter.
    """
    try:
        ports = _plain(function, uses) if isinstance(function, FunctionType) else None
        ports = _inspected(function, uses) if ports is None else ports
    except (TypeError, ValueError):
        return (), (f"[function] the parameters of {called(function)} cannot be read; wrap it in a def",)
    if not uses:
        return ports, ()
    names = {port.name for port in ports}
    unknown = [name for name in uses if name not in names]
    return ports, tuple(
        f"[parameter] uses={{{u!r}: ...}}: the function has no parameter {u!r}" for u in unknown
    )


def _plain(function: FunctionType, uses: Mapping[str, str | tuple[str, ...]]) -> tuple[Port, ...] | None:
    """An undecorated function's parameters, from its code: ``inspect`` takes 7 us more, which 10,000 tasks feel."""
    own: dict[str, Any] = function.__dict__
    if sys.version_info >= (3, 14) or "__wrapped__" in own or "__signature__" in own:
        return None
    code = function.__code__
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    kinds = function.__annotations__
    defaults: dict[str, Any] = dict(function.__kwdefaults__ or {})
    given = function.__defaults__
    if given:
        defaults.update(zip(names[count - len(given) : count], given, strict=True))
    by_position = code.co_posonlyargcount
    return tuple(
        [
            Port(
                name, uses.get(name, name), kinds.get(name), defaults.get(name, REQUIRED), place < by_position
            )
            for place, name in enumerate(names)
        ]
    )


def _inspected(function: Callable[..., Any], uses: Mapping[str, str | tuple[str, ...]]) -> tuple[Port, ...]:
    return tuple(
        Port(
            p.name,
            uses.get(p.name, p.name),
            None if p.annotation is p.empty else p.annotation,
            REQUIRED if p.default is p.empty else p.default,
            p.kind is p.POSITIONAL_ONLY,
        )
        for p in inspect.signature(function, **_KEYWORDS).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)  # nothing is called like them, so they stay empty
    )


def called(function: Callable[..., Any]) -> str:
    """A function's name as people know it."""
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__qualname__", None) or repr(function)


def is_async(function: Callable[..., Any]) -> bool:
    """True for ``async def``, also inside a partial or behind ``__call__``."""
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, FunctionType):
        return bool(function.__code__.co_flags & inspect.CO_COROUTINE) or inspect.iscoroutinefunction(
            function
        )
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - which function it is matters, not whether it is one
    )


def returned(function: Callable[..., Any]) -> Any:
    """What a function says that it returns, unresolved; ``None`` where it says nothing. A class gives its own."""
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, type):
        return function
    if not isinstance(function, FunctionType | MethodType):
        function = getattr(type(function), "__call__", function)  # noqa: B004
    try:
        kinds: dict[str, Any] = getattr(function, "__annotations__", {})
    except (
        NameError
    ):  # Python 3.14 evaluates them on reading, and some names are known to the type checker only
        kinds = inspect.get_annotations(function, **_FORWARD)
    kind = kinds.get("return", _NOTHING)
    return type(None) if kind is None else None if kind is _NOTHING else kind


def resolved(function: Callable[..., Any], kind: Any) -> Any:
    """The type that an annotation means; the annotation's own text when its names are not known at run time.

    Looked up anew each time, since a notebook's cell may define a class again.
    """
    text = getattr(kind, "__forward_arg__", kind)
    if not isinstance(text, str):
        return kind
    names = _names(function)
    found: Any = names.get(text)  # a lone name is all that most annotations are
    if found is None and text in BUILTIN:
        found = BUILTIN[text]
    if found is None or isinstance(found, str):
        found = _evaluated(text, names)
    return found


def _names(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function's annotations may name."""
    while isinstance(function, partial):
        function = function.func
    if not isinstance(function, FunctionType) or "__wrapped__" in function.__dict__:
        function = inspect.unwrap(function)
        if not hasattr(function, "__globals__"):
            function = getattr(function, "__call__", function)  # noqa: B004
    return getattr(function, "__globals__", {})


def _evaluated(text: str, names: dict[str, Any]) -> Any:
    try:
        if "'" in text or '"' in text:  # a name inside may be written as text once more
            holder = SimpleNamespace(__annotations__={"it": text})
            return typing.get_type_hints(holder, globalns=names, include_extras=True)["it"]
        kind = eval(_compiled(text), names)
    except Exception:  # NameError under TYPE_CHECKING, or whatever evaluating a stranger's annotation raises
        return text
    return type(None) if kind is None else kind


@lru_cache(maxsize=1024)
def _compiled(text: str) -> CodeType:
    return compile(text.strip(), "<annotation>", "eval")
