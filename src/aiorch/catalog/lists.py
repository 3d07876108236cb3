"""Lists of models in the store, so that the next process need not ask again.

One row a source and account, replaced as a whole in a transaction: whoever is killed while writing leaves the earlier
row. An account is told by a fingerprint; no key is ever stored.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiorch.store import Migration, Store
from aiorch.types import Listing, ModelCard, adapter, from_json

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger("aiorch")

MIGRATIONS = (
    Migration(
        "catalog",
        1,
        "CREATE TABLE catalog_lists (provider TEXT PRIMARY KEY, fetched_at REAL NOT NULL, cards TEXT NOT NULL)",
    ),
    Migration(
        "catalog",
        2,
        """
        DROP TABLE catalog_lists;
        CREATE TABLE catalog_lists (
            source TEXT NOT NULL, account TEXT NOT NULL, read_as INTEGER NOT NULL, fetched_at REAL NOT NULL,
            etag TEXT, last_modified TEXT, max_age REAL, cards TEXT NOT NULL, PRIMARY KEY (source, account)
        );
        CREATE TABLE catalog_tombstones (
            provider TEXT NOT NULL, model TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL,
            successors TEXT NOT NULL, PRIMARY KEY (provider, model)
        );
        CREATE TABLE catalog_probes (
            id TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL, detail TEXT NOT NULL,
            seconds REAL, PRIMARY KEY (id, account)
        )
        """,
    ),
)

READ_AS = 1
"""Raised whenever lists are read otherwise than before: one that its source calls unchanged would stay as it was read
then."""
MOST_LISTS = 200
"""Rows; those that were fetched longest ago go first."""
MOST_BYTES = 8 * 1024 * 1024
"""Of one list; the longest known, models.dev's, takes a quarter of it."""


@dataclass(frozen=True, slots=True)
class StoredList:
    """What a source said, and when it last said so."""

    at: float
    """Epoch seconds."""
    listing: Listing


class StoredLists:
    """Lists in the database. A row that can no longer be read counts as missing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, source: str, account: str = "", after: float = 0.0) -> StoredList | None:
        """What ``source`` said to this account later than ``after`` (epoch seconds).

        :raises StorageError: when the file cannot be used.
        """
        row = await self._store.fetch_one(
            "SELECT fetched_at, etag, last_modified, max_age, cards FROM catalog_lists"
            " WHERE source = ? AND account = ? AND read_as = ? AND fetched_at > ?",
            (source, account, READ_AS, after),
        )
        if row is None:
            return None
        at, etag, last_modified, max_age, cards = row
        try:
            return StoredList(
                float(at), Listing(from_json(tuple[ModelCard, ...], cards), etag, last_modified, max_age)
            )
        except ValueError:  # written by another version, or damaged: asked for anew
            return None

    async def save(self, source: str, account: str, told: StoredList) -> None:
        """Keep a list in place of an earlier one. :raises StorageError: when the file cannot be written."""
        cards = adapter(tuple[ModelCard, ...]).dump_json(told.listing.cards, exclude_defaults=True)
        if len(cards) > MOST_BYTES:
            log.warning("%s: its list of models is too long to be kept (%d bytes)", source, len(cards))
            return
        listing = told.listing
        row = (
            source,
            account,
            READ_AS,
            told.at,
            listing.etag,
            listing.last_modified,
            listing.max_age,
            cards.decode(),
        )

        def write(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO catalog_lists VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            db.execute(
                "DELETE FROM catalog_lists WHERE rowid NOT IN"
                " (SELECT rowid FROM catalog_lists ORDER BY fetched_at DESC LIMIT ?)",
                (MOST_LISTS,),
            )

        await self._store.transaction(write)
