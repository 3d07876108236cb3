"""Answers to prompts that are not the same but ask the same. Opt-in, beside the exact cache.

A prompt has a bucket: a hash of everything else that shapes the answer (system prompt, parameters, schema, model,
tenant, profile) and of the words that the lexical guard holds it to. Only prompts of one bucket are compared, by the
cosine of their vectors; so looking costs one hash, and a vector only where there is something to compare it with. What
is kept is the bucket, the vector and where the exact cache has the answer; no prompt. (A vector does tell what a prompt
was about: it is kept as long as the answer, and no longer.)
"""

from __future__ import annotations

import hashlib
import json
import logging
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from operator import mul

from aiorch.clock import Clock
from aiorch.errors import AiorchError, StorageError
from aiorch.protocols import Embedder
from aiorch.routing.cache import key_of
from aiorch.routing.lexical_guard import signature
from aiorch.store import Store
from aiorch.types import Message, Request, Text

log = logging.getLogger("aiorch")

WIDTH = 16
"""Prompts of one bucket that are compared, the newest."""

SWEEP_EVERY = 256
"""Writes between two removals of what is too old or too much."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt that may be compared with others."""

    bucket: str
    """What all others have to share with it, as a hash."""
    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """An answer to a prompt that asks the same."""

    key: str
    """Where the exact cache has it."""
    similarity: float
    """Cosine of the two prompts' vectors, at most 1."""


def comparable(request: Request, *, model: str, tenant: str | None, agent: str) -> Asked | None:
    """The request as one that may be compared; ``None`` for a conversation, for tools, pictures and documents, and
    for texts that the guard does not compare. Pure.
    """
    *system, last = request.messages or (Message.user(""),)
    if request.tools or last.role != "user" or any(message.role != "system" for message in system):
        return None
    if not all(isinstance(part, Text) and part.provenance.trusted for part in last.parts):
        return None
    words = signature(last.text)
    if words is None:
        return None
    rest = replace(request, messages=tuple(system))
    shaped = [key_of(rest, model=model, tenant=tenant), agent, words]
    return Asked(hashlib.sha256(json.dumps(shaped).encode()).hexdigest(), last.text)


def nearest(vector: bytes, kept: Sequence[tuple[str, bytes]], threshold: float) -> tuple[Like, ...]:
    """Those that are at least so similar, best first. Pure."""
    likes = (Like(key, cosine(vector, other)) for key, other in kept)
    return tuple(
        sorted((like for like in likes if like.similarity >= threshold), key=lambda k: -k.similarity)
    )


def packed(vector: Sequence[float]) -> bytes:
    """A vector in one byte a dimension.

    >>> cosine(packed([0.6, 0.8]), packed([0.6, 0.8]))
    1.0
    """
    largest = max(map(abs, vector), default=0.0) or 1.0
    return array("b", (round(x / largest * 127) for x in vector)).tobytes()


def cosine(one: bytes, other: bytes) -> float:
    """Of two packed vectors; 0 where they cannot be compared."""
    a, b = array("b", one), array("b", other)
    lengths = sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    return sum(map(mul, a, b)) / lengths if lengths and len(a) == len(b) else 0.0


class SemanticCache:
    """Where answers to similar prompts are.

    What goes wrong here costs a call that could have been saved, and no answer; it is said once in the log.

    :param threshold: the least cosine. It belongs to the embedder: other models have other scales.
    :param entries: the most prompts kept. :param ttl: seconds that one is good for.
    :param store: with the tables of :mod:`aiorch.routing.disk_cache`; ``None`` keeps them in memory.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        threshold: float,
        entries: int,
        ttl: float,
        clock: Clock,
        store: Store | None = None,
    ) -> None:
        self._embedder = embedder
        self._threshold = threshold
        self._shelf = (
            _MemoryShelf(entries, ttl, clock) if store is None else _DiskShelf(store, entries, ttl, clock)
        )
        self._warned = False

    async def warm(self) -> None:
        """Make the embedder ready. :raises AiorchError: what it does."""
        await self._vector("ready")

    async def find(self, asked: Asked) -> tuple[Like, ...]:
        """Answers to prompts that ask the same, the most similar first."""
        try:
            kept = await self._shelf.take(asked.bucket)
            return nearest(await self._vector(asked.text), kept, self._threshold) if kept else ()
        except AiorchError as fault:
            self._without(fault)
            return ()

    async def keep(self, asked: Asked, key: str) -> None:
        """Remember that the exact cache has the answer to this prompt under ``key``."""
        try:
            await self._shelf.put(asked.bucket, key, await self._vector(asked.text))
        except AiorchError as fault:
            self._without(fault)

    async def _vector(self, text: str) -> bytes:
        (vector,) = await self._embedder.embed((text,))
        return packed(vector)

    def _without(self, fault: AiorchError) -> None:
        if not self._warned:
            self._warned = True
            what = "kept" if isinstance(fault, StorageError) else "compared"
            log.warning("similar prompts cannot be %s: %s", what, fault)


class _MemoryShelf:
    """By bucket, the keys, vectors and times of its prompts, oldest first."""

    def __init__(self, entries: int, ttl: float, clock: Clock) -> None:
        self._entries = entries
        self._ttl = ttl
        self._clock = clock
        self._kept: OrderedDict[str, tuple[str, bytes, float]] = OrderedDict()  # by key, oldest first
        self._buckets: dict[str, list[str]] = {}

    async def take(self, bucket: str) -> Sequence[tuple[str, bytes]]:
        self._sweep()
        return [(key, self._kept[key][1]) for key in self._buckets.get(bucket, ())[-WIDTH:]]

    async def put(self, bucket: str, key: str, vector: bytes) -> None:
        if key in self._kept:
            self._drop(key)
        self._kept[key] = (bucket, vector, self._clock.now())
        self._buckets.setdefault(bucket, []).append(key)
        self._sweep()

    def _sweep(self) -> None:
        oldest = self._clock.now() - self._ttl
        while self._kept:
            key, (_, _, at) = next(iter(self._kept.items()))
            if at > oldest and len(self._kept) <= self._entries:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        bucket, _, _ = self._kept.pop(key)
        self._buckets[bucket].remove(key)
        if not self._buckets[bucket]:
            del self._buckets[bucket]


class _DiskShelf:
    """The same in the database, found by the next process."""

    def __init__(self, store: Store, entries: int, ttl: float, clock: Clock) -> None:
        self._store = store
        self._entries = entries
        self._ttl = ttl
        self._clock = clock
        self._writes = 0

    async def take(self, bucket: str) -> Sequence[tuple[str, bytes]]:
        rows = await self._store.fetch(
            "SELECT key, vector FROM likenesses WHERE bucket = ? AND at > ? ORDER BY at DESC LIMIT ?",
            (bucket, self._clock.now() - self._ttl, WIDTH),
        )
        return [(str(key), bytes(vector)) for key, vector in rows]

    async def put(self, bucket: str, key: str, vector: bytes) -> None:
        row = (key, bucket, self._clock.now(), vector)
        await self._store.execute("INSERT OR REPLACE INTO likenesses VALUES (?, ?, ?, ?)", row)
        if self._writes % SWEEP_EVERY == 0:
            await self._sweep()
        self._writes += 1

    async def _sweep(self) -> None:
        await self._store.execute("DELETE FROM likenesses WHERE at <= ?", (self._clock.now() - self._ttl,))
        await self._store.execute(
            "DELETE FROM likenesses WHERE key NOT IN (SELECT key FROM likenesses ORDER BY at DESC LIMIT ?)",
            (self._entries,),
        )
