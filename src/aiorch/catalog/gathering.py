"""Lists as they are known now: in memory, in the store, asked for anew when they are too old.

A list is believed for as long as its source says (within bounds). For a day after that it is still used while its
source is asked: the question runs beside the others of the same call, and is given up after a moment. So nobody waits
long for news of a list that is good enough, and nothing runs on after the call: a background task would need a task
group that outlives it, which neither trio nor a notebook's cells allow. Whoever wants the news waits for it
(``patient``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio

from aiorch.catalog.sources import Source
from aiorch.clock import Clock
from aiorch.errors import AiorchError
from aiorch.types import Listing, ModelCard

if TYPE_CHECKING:
    from aiorch.catalog.lists import StoredList, StoredLists

log = logging.getLogger("aiorch")

SHORTEST, LONGEST = 300.0, 86_400.0
"""Seconds between which an answer's own word on how long it holds is taken."""
USABLE = 86_400.0
"""Seconds for which a list is used after that, while its source is asked."""
MOMENT = 1.0
"""Seconds that a call waits for news of a list that it can do without; four of five sources answer within that."""
ASK_AGAIN = 60.0
"""Seconds before a source whose list could not be had is asked for it again."""
ASK_LATER = 900.0
"""The same for one that took longer than a moment to bring mere news."""


@dataclass(frozen=True, slots=True)
class Known:
    """One source's list as it is known now."""

    listing: Listing
    """What it said; empty where it never did."""
    at: float | None
    """When the source last said so, epoch seconds; ``None`` = never, something else has to stand in."""
    ask_at: float
    """From when on its source is asked again, on the monotonic clock, as the next."""
    wait_at: float
    """From when on a call waits for the answer."""
    problem: str | None = None
    """Why it could not be had, and what is used instead."""

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """The models of the list."""
        return self.listing.cards


def believed(listing: Listing, holds: float | None, ttl: float) -> float:
    """Seconds for which a list is believed.

    >>> believed(Listing(max_age=5.0), None, 3600.0), believed(Listing(), None, 3600.0)
    (300.0, 3600.0)
    """
    if holds is not None:
        return holds
    return ttl if listing.max_age is None else min(max(listing.max_age, SHORTEST), LONGEST)


class Gatherer:
    """Keeps lists and asks for them. One that cannot be had never fails the others."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: StoredLists | None,
        ttl: float,
        offline: bool,
        redact: Callable[[str], str],
        stands_in: Callable[[str], bool],
        heard: Callable[[Source, Known], None] | None = None,
    ) -> None:
        """
        :param stands_in: whether something else is known of a source whose list could never be had.
        :param heard: called with each list as it comes, so that it is worked on while others are waited for. What it
            cannot work on (it raises) counts as a list that could not be had.
        """
        self._clock = clock
        self._store = store
        self._ttl = ttl
        self._offline = offline
        self._redact = redact
        self._stands_in = stands_in
        self._heard = heard
        self.known: dict[str, Known] = {}

    def due(self, sources: Sequence[Source]) -> bool:
        """True when one of them is to be asked (again)."""
        now = self._clock.monotonic()
        return any((known := self.known.get(s.name)) is None or known.ask_at <= now for s in sources)

    async def gather(
        self, sources: Sequence[Source], *, patient: bool = False, anew: bool = False, quiet: bool = False
    ) -> None:
        """Ask those whose list is missing or old, all at once.

        :param patient: wait for every answer, also where an older list would do.
        :param anew: ask also those whose list is still believed.
        :param quiet: do not log what cannot be had.
        """
        waited, beside = await self._asked(sources, patient, anew)
        if not waited and not beside:
            return
        late = {source.name for source in beside}
        answered = anyio.Event()

        async def refresh(source: Source) -> None:
            await self._refresh(source, quiet)
            late.discard(source.name)
            if not late:
                answered.set()

        async with anyio.create_task_group() as others:
            began = anyio.current_time()
            for source in beside:
                others.start_soon(refresh, source)
            async with anyio.create_task_group() as tasks:
                for source in waited:
                    tasks.start_soon(self._refresh, source, quiet)
            if late:
                with anyio.move_on_after(began + MOMENT - anyio.current_time()):
                    await answered.wait()
            others.cancel_scope.cancel()
        for name in late:
            self.known[name] = replace(self.known[name], ask_at=self._clock.monotonic() + ASK_LATER)

    async def _asked(
        self, sources: Sequence[Source], patient: bool, anew: bool
    ) -> tuple[list[Source], list[Source]]:
        """Whose answer is waited for, and who is asked beside; those that need no question are settled."""
        waited: list[Source] = []
        beside: list[Source] = []
        for source in sources:
            known = self.known.get(source.name)
            if known is not None and known.ask_at > self._clock.monotonic() and not anew:
                continue
            known = await self._recalled(source, known)
            if self._offline and not source.offline:
                self.known[source.name] = self._unasked(source, known)
                continue
            now = self._clock.monotonic()
            if known is not None:
                self.known[source.name] = known
                if known.ask_at > now and not anew:
                    continue
            (beside if known is not None and known.wait_at > now and not patient else waited).append(source)
        return waited, beside

    async def _recalled(self, source: Source, known: Known | None) -> Known | None:
        """What is known, or the list that another process has stored since."""
        stored = await self._load(source, 0.0 if known is None or known.at is None else known.at)
        if stored is None:
            return known
        age = self._clock.now() - stored.at
        if age < 0:  # a clock was turned: how old it is cannot be told
            age = believed(stored.listing, source.holds, self._ttl) + USABLE
        return self._as_known(source, stored.listing, stored.at, age)

    def _as_known(self, source: Source, listing: Listing, at: float, age: float) -> Known:
        fresh = believed(listing, source.holds, self._ttl) - age
        now = self._clock.monotonic()
        return Known(listing, at, now + fresh, now + fresh + USABLE)

    def _unasked(self, source: Source, known: Known | None) -> Known:
        """Offline a list is used however old it is."""
        if known is not None and known.at is not None:
            until = self._clock.monotonic() + self._ttl
            return replace(known, ask_at=until, wait_at=until)
        return self._without(source, None, "offline")

    # --- asking --------------------------------------------------------------------------------------------------

    async def _refresh(self, source: Source, quiet: bool) -> None:
        known = self.known.get(source.name)
        at = self._clock.now()
        try:
            with anyio.fail_after(source.patience):
                told = await source.ask(known.listing if known and known.at else None)
            news = self._as_known(source, _whole(told, known, source, at), at, 0.0)
            if self._heard is not None:
                self._heard(source, news)
        except TimeoutError:
            problem = f"no answer within {source.patience:g} s"
        except AiorchError as said:  # AttemptFailed, and a local model that is not installed
            problem = self._redact(str(said))
        except Exception as broken:  # a plugin's fault must not take the others down
            problem = self._redact(f"{type(broken).__name__}: {broken}")
        else:
            self.known[source.name] = news
            await self._save(source, at, news.listing)
            return
        failed = self._without(source, known, problem)
        self.known[source.name] = failed
        if not quiet:
            log.warning("%s: %s", source.name, failed.problem)

    def _without(self, source: Source, known: Known | None, problem: str) -> Known:
        """What to go by for a source whose list cannot be had."""
        had = known is not None and known.at is not None
        instead = "its earlier list" if had else "the embedded list" if self._stands_in(source.name) else ""
        told = f"its list of models could not be had ({problem})" + (
            f"; {instead} is used" if instead else ""
        )
        now = self._clock.monotonic()
        asks = now + ASK_AGAIN
        waits = now + USABLE if instead else asks
        if known is not None and had:
            return replace(known, ask_at=asks, wait_at=waits, problem=told)
        return Known(Listing(), None, asks, waits, told)

    # --- the store -----------------------------------------------------------------------------------------------

    async def _load(self, source: Source, after: float) -> StoredList | None:
        if self._store is None or not source.stored:
            return None
        try:
            return await self._store.load(source.name, source.account, after)
        except AiorchError as broken:  # a list can be asked for again; nothing is lost without the store
            log.warning("%s: its kept list of models could not be read: %s", source.name, broken)
            return None

    async def _save(self, source: Source, at: float, listing: Listing) -> None:
        if self._store is None or not source.stored:
            return
        from aiorch.catalog.lists import StoredList

        try:
            await self._store.save(source.name, source.account, StoredList(at, listing))
        except AiorchError as broken:
            log.warning("%s: its list of models could not be kept: %s", source.name, broken)


def _whole(told: Listing, known: Known | None, source: Source, at: float) -> Listing:
    """What a source said, with the cards that it said nothing new about.

    :raises AiorchError: when that is no list to go by.
    """
    if told.unchanged:
        if known is None or known.at is None:
            raise AiorchError("it says that nothing has changed since a list that nobody has")
        return replace(told, cards=known.cards, unchanged=False)
    cards = tuple(_dated(card, at) for card in told.cards)
    if not cards and source.stored and known is not None and known.cards:
        raise AiorchError("it lists no model at all, and had some before")
    return replace(told, cards=cards)


def _dated(card: ModelCard, at: float) -> ModelCard:
    """A provider's card says when it was learnt, and that a list says so."""
    if card.as_of is not None and card.source != "unknown":
        return card
    source = "live" if card.source == "unknown" else card.source
    return replace(card, as_of=card.as_of or at, source=source)
