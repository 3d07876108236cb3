"""The models that can be asked now, and every model that is known of: put together of all that speak of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import anyio

from aiorch.catalog.names import Index, index
from aiorch.catalog.successors import Successor
from aiorch.clock import Clock
from aiorch.protocols import Provider
from aiorch.types import Candidate, Deployment, Failure, PassedOver

if TYPE_CHECKING:
    from aiorch.catalog.audit import Audit
    from aiorch.catalog.cards import Cards
    from aiorch.catalog.discovered import Discovered
    from aiorch.catalog.gathering import Gatherer, Known
    from aiorch.catalog.liveness import Liveness, Probes, Probing
    from aiorch.catalog.overrides import Overrides
    from aiorch.catalog.sources import Fetch, Source
    from aiorch.catalog.tombstones import Graveyard
    from aiorch.store import Store


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be asked at one moment."""

    candidates: tuple[Candidate, ...]
    index: Index
    problems: tuple[PassedOver, ...] = ()
    """Providers whose list could not be had, and what is used in its place."""


class Catalogue:
    """Which models exist, over the configured providers and all others.

    A failing provider never fails the question: its earlier list is used, else the embedded one, and the answer says
    so. Nothing is loaded, opened or asked before the first question.

        snapshot = await catalogue.snapshot()             # the configured providers: what can be asked
        found = await catalogue.discover()                # everybody
        (await catalogue.audit()).exceeds(0.20)           # is the embedded snapshot too old?
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        clock: Clock,
        store: Store | None = None,
        ttl: float = 3600.0,
        offline: bool = False,
        redact: Callable[[str], str] = str,
        public: Callable[[], Iterable[Provider]] = tuple,
        fetch: Fetch | None = None,
        overrides: Overrides | None = None,
    ) -> None:
        """
        :param providers: the configured ones.
        :param store: where lists, tombstones and probes survive the process.
        :param ttl: seconds that a list is believed whose provider does not say for how long.
        :param offline: ask only what is local.
        :param redact: takes secrets out of what failing providers say; it is logged and shown.
        :param public: makes the providers whose list may be asked for without a key; called when somebody discovers.
        :param fetch: gets models.dev's list; ``None`` = do without.
        :param overrides: the user's corrections.
        """
        self._providers = {p.name: p for p in providers}
        self._clock = clock
        self._store = store
        self._ttl = ttl
        self._offline = offline
        self._redact = redact
        self._public = public
        self._fetch = fetch
        self._overrides = overrides
        self._at_work: _AtWork | None = None
        self._graves: Graveyard | None = None
        self._probes: Probes | None = None
        self._learnt: dict[str, Successor] = {}
        self._snapshot: Snapshot | None = None
        self._asking = anyio.Lock()
        self._looking = anyio.Lock()

    @property
    def learnt(self) -> Mapping[str, Successor]:
        """Successors that providers named when a model turned out to be gone. Some may cost money."""
        return self._learnt

    # --- what can be asked ---------------------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        """What can be asked now; asks those providers whose list is missing or old, all at once."""
        at_work = self._at_work
        if at_work is None or at_work.gatherer.due(at_work.mine):
            async with self._asking:
                at_work = await self._ready()
                if at_work.gatherer.due(at_work.mine):
                    await at_work.gatherer.gather(at_work.mine)
                    self._heard(at_work, at_work.mine)
        await at_work.graves.write()
        if self._snapshot is None:
            self._snapshot = self._build(at_work)
        return self._snapshot

    def at_hand(self) -> Snapshot | None:
        """The same as :meth:`snapshot` where that has nobody to ask and nothing to write; ``None`` where it has."""
        at_work = self._at_work
        if at_work is None or at_work.graves.unwritten or at_work.gatherer.due(at_work.mine):
            return None
        return self._snapshot

    async def callable(self) -> Mapping[str, Liveness]:
        """What earlier probing has found out for the accounts that are set up here, by card id. Asks nobody."""
        async with self._asking:
            at_work = await self._ready()
        return await self._probing(at_work).known()

    def retire(self, deployment: Deployment, failure: Failure) -> None:
        """Learn from a failure that a model is gone, and from the provider who takes its place.

        Until the provider lists it anew, also for the next process. A failure that is ambiguous, or speaks of one
        account, teaches nothing.
        """
        from aiorch.catalog.tombstones import tombstone

        stone = tombstone(deployment, failure, self._clock.now())
        if stone is not None:
            self._graveyard().bury(stone)
            self._snapshot = None

    async def aclose(self) -> None:
        """Write down what calls have taught since the last question."""
        if self._graves is not None:
            await self._graves.write()

    def _build(self, at_work: _AtWork) -> Snapshot:
        candidates: list[Candidate] = []
        problems: list[PassedOver] = []
        known = at_work.gatherer.known
        for source in at_work.mine:
            problem = known[source.name].problem
            if problem:
                problems.append(PassedOver(source.name, problem))
            keys = key_names(self._providers[source.name])
            candidates += [
                Candidate(Deployment(source.name, card.model, key), card)
                for card in at_work.graves.seen(at_work.cards.of(source.name, known, source.complete))
                for key in keys
            ]
        return Snapshot(tuple(candidates), index(candidates), tuple(problems))

    # --- everybody -----------------------------------------------------------------------------------------------

    async def discover(self, *, refresh: bool = False, probe: Probing | None = None) -> Discovered:
        """Every known model: of configured providers, of those whose list is public, and whatever else is known.

        :param refresh: ask for every list anew, also where one is still believed.
        :param probe: ask models for one token to see who answers, within these bounds.
        """
        from aiorch.catalog.discovered import Discovered
        from aiorch.catalog.embedded import as_of, embedded_all
        from aiorch.catalog.sources import MODELS_DEV

        at_work, sources = await self._look(refresh)
        probes = self._probing(at_work)
        if probe is not None:
            candidates = (await self.snapshot()).candidates
            gone = await probes.run(candidates, self._providers, probe)
            for deployment, failure in gone.values():
                self.retire(deployment, failure)
            await at_work.graves.write()
        lists = at_work.gatherer.known
        named = (s.name for s in sources if s.name in self._providers or lists[s.name].at is not None)
        others = dict.fromkeys((*named, *embedded_all(), *at_work.cards.told(lists)))
        whole = {source.name: source.complete for source in sources}
        cards = tuple(
            card
            for name in others
            if name != MODELS_DEV
            for card in at_work.graves.seen(at_work.cards.of(name, lists, whole.get(name, True)))
        )
        problems = [PassedOver(s.name, why) for s in sources if (why := lists[s.name].problem)]
        if self._overrides is not None:
            problems += self._overrides.strangers(card.id for card in cards)
        return Discovered(
            cards,
            frozenset(self._providers),
            tuple(problems),
            await probes.known(),
            {s.name: at for s in sources if (at := lists[s.name].at) is not None},
            as_of(),
        )

    async def audit(self, *, refresh: bool = True) -> Audit:
        """What became of the embedded snapshot, by the lists of all providers that answer.

        :param refresh: ask for every list anew.
        """
        from aiorch.catalog.audit import audit
        from aiorch.catalog.embedded import as_of, embedded_all

        at_work, sources = await self._look(refresh)
        snapshot, lists = embedded_all(), at_work.gatherer.known
        live = {
            source.name: lists[source.name].cards
            for source in sources
            if source.complete and source.name in snapshot
            if lists[source.name].at is not None and lists[source.name].problem is None
        }
        return audit(snapshot, live, as_of())

    async def _look(self, anew: bool) -> tuple[_AtWork, tuple[Source, ...]]:
        """Ask for every list that there is: at once, and with patience."""
        async with self._asking:
            at_work = await self._ready()
        others = at_work.others()

        async def here() -> None:
            async with self._asking:
                await at_work.gatherer.gather(at_work.mine, patient=True, anew=anew)

        async def elsewhere() -> None:
            async with self._looking:
                await at_work.gatherer.gather(others, patient=True, anew=anew, quiet=True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(here)
            tasks.start_soon(elsewhere)
        sources = (*at_work.mine, *others)
        self._heard(at_work, sources)
        return at_work, sources

    def _heard(self, at_work: _AtWork, sources: Iterable[Source]) -> None:
        """Lists may have changed: models that they have anew are alive again."""
        self._snapshot = None
        for source in sources:
            known = at_work.gatherer.known[source.name]
            if known.at is not None:
                at_work.graves.listed(source.name, known.at, known.cards)

    # --- what every question needs -------------------------------------------------------------------------------

    def _graveyard(self) -> Graveyard:
        from aiorch.catalog.tombstones import Graveyard

        if self._graves is None:
            self._graves = Graveyard(self._store, self._learnt)
        return self._graves

    def _probing(self, at_work: _AtWork) -> Probes:
        from aiorch.catalog.liveness import Probes

        if self._probes is None:
            accounts = {source.name: source.account for source in at_work.mine}
            self._probes = Probes(self._store, self._clock, self._redact, accounts)
        return self._probes

    async def _ready(self) -> _AtWork:
        """Everything that the first question loads."""
        if self._at_work is None:
            from aiorch.catalog.cards import Cards
            from aiorch.catalog.embedded import embedded
            from aiorch.catalog.gathering import Gatherer
            from aiorch.catalog.lists import StoredLists
            from aiorch.catalog.sources import MODELS_DEV, of_provider

            graves = self._graveyard()
            await graves.remember()
            mine = tuple(of_provider(p) for p in self._providers.values())
            cards = Cards(self._overrides.cards if self._overrides else {}, self._clock)

            def heard(source: Source, news: Known) -> None:
                if source.name != MODELS_DEV:
                    cards.of(source.name, {**gatherer.known, source.name: news}, source.complete)

            gatherer = Gatherer(
                clock=self._clock,
                store=StoredLists(self._store) if self._store is not None else None,
                ttl=self._ttl,
                offline=self._offline,
                redact=self._redact,
                stands_in=lambda name: name == MODELS_DEV or bool(embedded(name)),
                heard=heard,
            )
            self._at_work = _AtWork(mine, gatherer, graves, cards, lru_cache(self._elsewhere))
        return self._at_work

    def _elsewhere(self) -> tuple[Source, ...]:
        """The lists of providers that are not configured, and models.dev's."""
        from aiorch.catalog.sources import MODELS_DEV, models_dev, of_provider

        found = {p.name: of_provider(p) for p in self._public() if p.name not in self._providers}
        if self._fetch is not None:
            found[MODELS_DEV] = models_dev(self._fetch, self._clock)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _AtWork:
    """What is made when somebody asks first."""

    mine: tuple[Source, ...]
    """The configured providers' lists."""
    gatherer: Gatherer
    graves: Graveyard
    cards: Cards
    others: Callable[[], tuple[Source, ...]]
    """Everybody else's lists; made when somebody discovers."""


def key_names(provider: Provider) -> tuple[str | None, ...]:
    """The names of a provider's keys; ``(None,)`` where it needs none."""
    names: tuple[str, ...] = tuple(getattr(provider, "key_names", ()))
    return names or (None,)
