"""What a task function may ask for beside tasks and inputs: objects that the caller hands in, by type or name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiorch.workflow.nodes import Port
from aiorch.workflow.signature import resolved

_OURS = frozenset({"Orchestrator", "Run"})
"""Public classes of aiorch that a run hands in, by name: this room knows nothing of those above it."""


def is_provided(function: Callable[..., Any], port: Port, handed: Iterable[str | type] = ()) -> bool:
    """True when a parameter is the caller's to fill rather than an input.

    >>> def save(draft: str, ai: "aiorch.Orchestrator"): ...
    >>> is_provided(save, Port("ai", "ai", "aiorch.Orchestrator"))
    True
    """
    if port.kind is None:
        return port.name in handed
    return match(function, port, handed) is not None or _name(resolved(function, port.kind)) in _OURS


def match(function: Callable[..., Any], port: Port, handed: Iterable[str | type]) -> str | type | None:
    """The name or type under which the caller handed in what this parameter asks for; ``None`` when it did not."""
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
