"""What a task function may ask for beside tasks and inputs: objects that the caller hands in, by type or name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiorch.workflow.nodes import Node, Port
from aiorch.workflow.signature import resolved

_OURS = frozenset({"Orchestrator", "Run"})
"""Public classes of aiorch that a run hands in, by name: this room knows nothing of those above it."""


def is_provided(function: Callable[..., Any], port: Port, handed: Iterable[str | type] = ()) -> bool:
    """True when a parameter is the caller's to fill rather than an input.

    >>> def save(draft: str, ai: "aiorch.Orchestrator"): ...
    >>> is_provided(save, Port("ai", "ai", "aiorch.Orchestrator"))
    True
    """
    return _match(function, port, handed) is not None or _name(resolved(function, port.kind)) in _OURS


def find(node: Node, function: Callable[..., Any], port: Port, handed: Mapping[str | type, Any]) -> Any:
    """The object for this parameter.

    :raises LookupError: when the caller handed in nothing that fits.
    """
    key = _match(function, port, handed)
    if key is None:
        raise LookupError(
            f"task {node.name!r} asks for {port.name}: {port.kind}; nothing of the kind was handed in"
        )
    return handed[key]


def _match(function: Callable[..., Any], port: Port, handed: Iterable[str | type]) -> str | type | None:
    if port.kind is None and port.name not in handed:
        return None
    kind = resolved(function, port.kind)
    for key in handed:
        if key == port.name or key is kind:
            return key
        if isinstance(key, type) and (
            (isinstance(kind, type) and issubclass(key, kind) and kind is not object)
            or _name(kind) == key.__name__
        ):
            return key
    return None


def _name(kind: Any) -> str | None:
    """The last word of a type's name: of the class in our own package, or of an annotation that stayed a string."""
    if isinstance(kind, str):
        return kind.strip().rpartition(".")[2]
    if isinstance(kind, type) and kind.__module__.split(".")[0] == "aiorch":
        return kind.__name__
    return None
