"""Which models exist, where, at what price; what became of those that died.

Owns *listed*, *retired* and *successor*. Who is benched for now is routing's to know.
"""

from aiorch.catalog.catalogue import Catalogue, ListStore, Snapshot, key_names
from aiorch.catalog.names import NOBODY, Index, Resolved, index, require, resolve
from aiorch.catalog.seed import SEED
from aiorch.catalog.successors import SUCCESSORS, Successor, successor_of

__all__ = [
    "NOBODY",
    "SEED",
    "SUCCESSORS",
    "Catalogue",
    "Index",
    "ListStore",
    "Resolved",
    "Snapshot",
    "Successor",
    "index",
    "key_names",
    "require",
    "resolve",
    "successor_of",
]
