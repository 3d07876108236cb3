"""Models that turned out to be gone, and whom their provider names instead: learnt from calls, kept for good.

A tombstone stands until the provider's list, asked after it was set, has the model again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from aiorch.catalog.successors import Successor
from aiorch.errors import AiorchError
from aiorch.types import Deployment, Failure, Lifecycle, ModelCard, Origin

if TYPE_CHECKING:
    import sqlite3

    from aiorch.store import Store

log = logging.getLogger("aiorch")

MOST = 5_000
"""Tombstones that are kept; the oldest go first. OpenRouter has ended fewer than 200 free ids in three years."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One model that is gone."""

    provider: str
    model: str
    at: float
    """When a call found out, epoch seconds."""
    reason: str = ""
    """The provider's words."""
    successors: tuple[str, ...] = ()
    """Ids at the same provider that it names instead, in its order. They may cost money: who follows them looks."""

    @property
    def id(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"


def tombstone(deployment: Deployment, failure: Failure, now: float) -> Tombstone | None:
    """What a failure proves of a model; ``None`` where it is ambiguous or speaks of one account. Pure.

    >>> from aiorch.types import FailureKind
    >>> tombstone(Deployment("p", "a"), Failure(FailureKind.MODEL_GONE, "model", "no such model"), 5.0).id
    'p/a'
    """
    if failure.ambiguous or failure.scope != "model":
        return None
    return Tombstone(deployment.provider, deployment.model, now, failure.message, failure.successors)


def buried(card: ModelCard, stone: Tombstone) -> ModelCard:
    """The card of a model that a call found gone. Pure."""
    life = card.lifecycle
    successor = stone.successors[0] if stone.successors else life.successor
    life = Lifecycle("retired", life.deprecated_at, life.retires_at, successor)
    return replace(card, lifecycle=life, origins={**card.origins, "lifecycle": Origin("call", stone.at)})


class Graveyard:
    """Who is gone, in this process and as earlier ones found out.

    :param learnt: gets the successors that providers name, by both names of the dead.
    """

    def __init__(self, store: Store | None, learnt: dict[str, Successor]) -> None:
        self._store = StoredTombstones(store) if store is not None else None
        self._learnt = learnt
        self._stones: dict[str, Tombstone] = {}
        self._new: dict[str, Tombstone] = {}
        self._revived: dict[str, Tombstone] = {}

    def bury(self, stone: Tombstone, *, new: bool = True) -> None:
        """From now on this model is gone."""
        self._stones[stone.id] = stone
        if new:
            self._new[stone.id] = stone
        if stone.successors:
            named = tuple(f"{stone.provider}/{model}" for model in stone.successors)
            self._learnt[stone.id] = self._learnt[stone.model] = Successor(stone.model, "", named)

    def listed(self, provider: str, at: float, cards: Iterable[ModelCard]) -> None:
        """A provider listed these at that moment: those that were gone before live again."""
        mine = [s for s in self._stones.values() if s.provider == provider and s.at < at]
        there = {card.model for card in cards} if mine else ()
        for stone in mine:
            if stone.model in there:
                del self._stones[stone.id]
                self._new.pop(stone.id, None)
                self._revived[stone.id] = stone

    def seen(self, cards: tuple[ModelCard, ...]) -> tuple[ModelCard, ...]:
        """The cards, with those that are gone marked so."""
        if not self._stones:
            return cards
        stones = self._stones
        return tuple(buried(card, stone) if (stone := stones.get(card.id)) else card for card in cards)

    async def remember(self) -> None:
        """Read what earlier processes found out."""
        if self._store is None:
            return
        try:
            stones = await self._store.load()
        except AiorchError as broken:  # a call finds out again
            log.warning("what is known of models that are gone could not be read: %s", broken)
            return
        for stone in stones.values():
            if stone.id not in self._stones:
                self.bury(stone, new=False)

    @property
    def unwritten(self) -> bool:
        """True where :meth:`write` has something to do."""
        return self._store is not None and bool(self._new or self._revived)

    async def write(self) -> None:
        """Keep what is new, and forget those that live again."""
        if self._store is None or not self.unwritten:
            return
        new, revived = dict(self._new), dict(self._revived)
        try:
            await self._store.save(new.values(), ((s.provider, s.model) for s in revived.values()))
        except AiorchError as broken:
            log.warning("what is known of models that are gone could not be kept: %s", broken)
            return
        for done, kept in ((new, self._new), (revived, self._revived)):
            for id, stone in done.items():
                if kept.get(id) is stone:
                    del kept[id]


class StoredTombstones:
    """Tombstones in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> Mapping[str, Tombstone]:
        """All of them by id, the oldest first. :raises StorageError: when the file cannot be used."""
        rows = await self._store.fetch(
            "SELECT provider, model, at, reason, successors FROM catalog_tombstones ORDER BY at"
        )
        stones = (Tombstone(p, m, at, reason, _names(named)) for p, m, at, reason, named in rows)
        return {stone.id: stone for stone in stones}

    async def save(self, set_up: Iterable[Tombstone], revived: Iterable[tuple[str, str]]) -> None:
        """Write new ones, and take away those of models that live again (provider and model).

        :raises StorageError: when the file cannot be written.
        """
        new = [(s.provider, s.model, s.at, s.reason, json.dumps(s.successors)) for s in set_up]
        again = list(revived)

        def write(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM catalog_tombstones WHERE provider = ? AND model = ?", again)
            db.executemany("INSERT OR REPLACE INTO catalog_tombstones VALUES (?, ?, ?, ?, ?)", new)
            db.execute(
                "DELETE FROM catalog_tombstones WHERE rowid NOT IN"
                " (SELECT rowid FROM catalog_tombstones ORDER BY at DESC LIMIT ?)",
                (MOST,),
            )

        await self._store.transaction(write)


def _names(text: str) -> tuple[str, ...]:
    """The successors of a row; none where it cannot be read."""
    try:
        told: object = json.loads(text)
    except ValueError:
        return ()
    names = cast("list[object]", told) if isinstance(told, list) else []
    return tuple(name for name in names if isinstance(name, str))
