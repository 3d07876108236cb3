"""The models that can be asked now: every provider's own list, kept for a while, with something to go by when one
is silent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import anyio

from aiorch.catalog.names import Index, index
from aiorch.catalog.seed import SEED
from aiorch.catalog.successors import Successor
from aiorch.clock import Clock
from aiorch.errors import AiorchError
from aiorch.protocols import Provider
from aiorch.types import Candidate, Deployment, Failure, Lifecycle, ModelCard, PassedOver

log = logging.getLogger("aiorch")

LIST_TIMEOUT = 10.0
"""Seconds that a provider may take to list its models; most answer within one, NVIDIA was seen to take eleven."""
SLOW_LISTS = {"nvidia": 30.0}

_RETIRED = Lifecycle("retired")

ASK_AGAIN = 60.0
"""Seconds before a provider whose list could not be had is asked for it again."""


class ListStore(Protocol):
    """Where lists survive the process."""

    async def load(self, provider: str) -> tuple[float, tuple[ModelCard, ...]] | None:
        """When it was fetched (epoch seconds) and what it said."""
        ...

    async def save(self, provider: str, at: float, cards: Sequence[ModelCard]) -> None:
        """Keep a list in place of an earlier one."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be asked at one moment."""

    candidates: tuple[Candidate, ...]
    index: Index
    problems: tuple[PassedOver, ...] = ()
    """Providers whose list could not be had, and what is used in its place."""


@dataclass(frozen=True, slots=True)
class _List:
    cards: tuple[ModelCard, ...]
    fresh_until: float
    problem: str | None = None


class Catalogue:
    """Models over the configured providers.

    A failing provider never fails the question: its earlier list is used, else the embedded one, and the snapshot
    says so.

        snapshot = await catalogue.snapshot()
        [c.card.id for c in snapshot.candidates]
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        clock: Clock,
        store: ListStore | None = None,
        ttl: float = 3600.0,
        offline: bool = False,
        redact: Callable[[str], str] = str,
    ) -> None:
        """
        :param ttl: seconds that a list is believed.
        :param offline: ask only what is local.
        :param redact: takes secrets out of what failing providers say; it is logged and shown.
        """
        self._providers = tuple(providers)
        self._clock = clock
        self._store = store
        self._ttl = ttl
        self._offline = offline
        self._redact = redact
        self._lists: dict[str, _List] = {}
        self._gone: dict[str, None] = {}
        self._learnt: dict[str, Successor] = {}
        self._snapshot: Snapshot | None = None
        self._asking = anyio.Lock()

    @property
    def learnt(self) -> Mapping[str, Successor]:
        """Successors that providers named when a model turned out to be gone."""
        return self._learnt

    async def snapshot(self) -> Snapshot:
        """What can be asked now; asks those providers whose list is missing or old, all at once."""
        if self._snapshot is not None and not self._stale():
            return self._snapshot
        async with self._asking:
            stale = self._stale()
            if stale:
                async with anyio.create_task_group() as tasks:
                    for provider in stale:
                        tasks.start_soon(self._refresh, provider)
            if stale or self._snapshot is None:
                self._snapshot = self._build()
            return self._snapshot

    def retire(self, deployment: Deployment, failure: Failure) -> None:
        """Learn from a failure that a model is gone, and from the provider who takes its place.

        Until the provider lists it anew. A failure that is ambiguous, or speaks of one account, teaches nothing.
        """
        if failure.ambiguous or failure.scope != "model":
            return
        gone = f"{deployment.provider}/{deployment.model}"
        self._gone[gone] = None
        if failure.successors:
            named = tuple(f"{deployment.provider}/{m}" for m in failure.successors)
            self._learnt[gone] = self._learnt[deployment.model] = Successor(deployment.model, "", named)
        self._snapshot = None

    def _stale(self) -> list[Provider]:
        now = self._clock.monotonic()
        return [
            p for p in self._providers if p.name not in self._lists or self._lists[p.name].fresh_until <= now
        ]

    async def _refresh(self, provider: Provider) -> None:
        may_ask = not self._offline or _is_local(provider)
        stored = await self._load(provider.name)
        if stored is not None:
            age = self._clock.now() - stored[0]
            if not may_ask or 0 <= age < self._ttl:
                left = self._ttl - age if may_ask else self._ttl
                self._lists[provider.name] = _List(stored[1], self._clock.monotonic() + left)
                return
        problem = await self._ask(provider) if may_ask else "offline"
        if problem is not None:
            self._lists[provider.name] = self._instead(provider.name, stored, problem)

    async def _ask(self, provider: Provider) -> str | None:
        """Fetch a list and keep it; why not, when that fails."""
        patience = SLOW_LISTS.get(provider.name, LIST_TIMEOUT)
        at = self._clock.now()
        try:
            with anyio.fail_after(patience):
                cards = tuple(replace(c, as_of=c.as_of or at) for c in await provider.models())
        except TimeoutError:
            return f"no answer within {patience:g} s"
        except AiorchError as said:  # AttemptFailed, and a local model that is not installed
            return self._redact(str(said))
        except Exception as broken:  # a plugin's fault must not take the others down
            return self._redact(f"{type(broken).__name__}: {broken}")
        listed = {c.id for c in cards}
        for again in listed & self._gone.keys():
            del self._gone[again]
        seeded = SEED.get(provider.name, ()) if provider.name in _UNLISTED else ()
        cards += tuple(c for c in seeded if c.id not in listed)
        self._lists[provider.name] = _List(cards, self._clock.monotonic() + self._ttl)
        await self._save(provider, at, cards)
        return None

    def _instead(self, name: str, stored: tuple[float, tuple[ModelCard, ...]] | None, problem: str) -> _List:
        """What to go by for a provider whose list cannot be had."""
        kept = self._lists.get(name)
        seeded = SEED.get(name, ())
        cards = kept.cards if kept else stored[1] if stored else seeded
        where = "the embedded list" if cards is seeded else "its earlier list"
        told = f"its list of models could not be had ({problem})" + (f"; {where} is used" if cards else "")
        if not self._offline:
            log.warning("%s: %s", name, told)
        return _List(cards, self._clock.monotonic() + ASK_AGAIN, told)

    async def _load(self, name: str) -> tuple[float, tuple[ModelCard, ...]] | None:
        if self._store is None:
            return None
        try:
            return await self._store.load(name)
        except AiorchError as broken:  # a list can be asked for again; nothing is lost without the store
            log.warning("%s: its kept list of models could not be read: %s", name, broken)
            return None

    async def _save(self, provider: Provider, at: float, cards: tuple[ModelCard, ...]) -> None:
        if self._store is None or _is_local(provider):
            return
        try:
            await self._store.save(provider.name, at, cards)
        except AiorchError as broken:
            log.warning("%s: its list of models could not be kept: %s", provider.name, broken)

    def _build(self) -> Snapshot:
        candidates: list[Candidate] = []
        problems: list[PassedOver] = []
        for provider in self._providers:
            listed = self._lists[provider.name]
            if listed.problem:
                problems.append(PassedOver(provider.name, listed.problem))
            for card in listed.cards:
                known = replace(card, lifecycle=_RETIRED) if card.id in self._gone else card
                candidates += [
                    Candidate(Deployment(provider.name, card.model, key), known)
                    for key in key_names(provider)
                ]
        return Snapshot(tuple(candidates), index(candidates), tuple(problems))


LOCAL_NAMES = frozenset({"local"})
"""Providers inside this process."""


def _is_local(provider: Provider) -> bool:
    """True for a provider on this machine, inside the process or beside it (those say so by ``local = True``).

    Its list costs nothing, changes whenever its user pulls a model, and is neither stored nor forbidden offline.
    """
    return provider.name in LOCAL_NAMES or getattr(provider, "local", False) is True


_UNLISTED = frozenset({"nova"})
"""Providers whose list is not known to be complete: embedded rows are added to it."""


def key_names(provider: Provider) -> tuple[str | None, ...]:
    """The names of a provider's keys; ``(None,)`` where it needs none."""
    names: tuple[str, ...] = tuple(getattr(provider, "key_names", ()))
    return names or (None,)
