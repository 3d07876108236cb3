"""Which models exist, where, at what price; what became of those that died.

Owns *listed*, *callable*, *retired* and *successor*. Who is benched for now is routing's to know.

Several sources speak of a model: the user's own file, its provider's list, OpenRouter, models.dev, its name. Each field
of a :class:`~aiorch.types.ModelCard` is the word of the most trusted that says anything, and ``card.origin(field)``
tells whose.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiorch.catalog.catalogue import Catalogue, Snapshot, key_names
from aiorch.catalog.names import NOBODY, Index, Resolved, index, require, resolve
from aiorch.catalog.successors import SUCCESSORS, Successor, successor_of

if TYPE_CHECKING:
    from aiorch.catalog.audit import Audit, Change
    from aiorch.catalog.discovered import Discovered
    from aiorch.catalog.liveness import Liveness, Probing
    from aiorch.catalog.overrides import Overrides

_LATER = {
    "Audit": "audit",
    "Change": "audit",
    "Discovered": "discovered",
    "Liveness": "liveness",
    "Probing": "liveness",
    "Overrides": "overrides",
}
"""What only some questions need, and the file that has it: fetched when it is first used (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "NOBODY",
    "SUCCESSORS",
    "Audit",
    "Catalogue",
    "Change",
    "Discovered",
    "Index",
    "Liveness",
    "Overrides",
    "Probing",
    "Resolved",
    "Snapshot",
    "Successor",
    "index",
    "key_names",
    "require",
    "resolve",
    "successor_of",
]
