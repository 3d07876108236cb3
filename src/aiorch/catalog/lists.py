"""Providers' lists of models in the store, so that the next process need not ask again."""

from __future__ import annotations

from collections.abc import Sequence

from aiorch.store import Migration, Store
from aiorch.types import ModelCard, from_json, to_json

MIGRATIONS = (
    Migration(
        "catalog",
        1,
        "CREATE TABLE catalog_lists (provider TEXT PRIMARY KEY, fetched_at REAL NOT NULL, cards TEXT NOT NULL)",
    ),
)


class StoredLists:
    """The :class:`~aiorch.catalog.ListStore` of the database. A row that can no longer be read counts as missing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, provider: str) -> tuple[float, tuple[ModelCard, ...]] | None:
        """When it was fetched (epoch seconds) and what it said."""
        row = await self._store.fetch_one(
            "SELECT fetched_at, cards FROM catalog_lists WHERE provider = ?", (provider,)
        )
        if row is None:
            return None
        try:
            return float(row[0]), from_json(tuple[ModelCard, ...], row[1])
        except ValueError:  # written by another version: asked for anew
            return None

    async def save(self, provider: str, at: float, cards: Sequence[ModelCard]) -> None:
        """Keep a list in place of an earlier one."""
        await self._store.execute(
            "INSERT OR REPLACE INTO catalog_lists VALUES (?, ?, ?)",
            (provider, at, to_json(tuple(cards), tuple[ModelCard, ...])),
        )
