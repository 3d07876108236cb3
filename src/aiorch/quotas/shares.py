"""All that one process holds of limits that it shares with others. Pure; times are those of the store's clock.

answer = shares.serve(demand, now)              # Lease | Full | None: the store has to be asked
exchange = shares.asking(demand)
changed = exchange.decide(rows, now)            # within the store's transaction, which has locked exchange.keys
answer = exchange.done()                        # after its commit; or exchange.failed()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aiorch.quotas.exchange import Exchange, Move
from aiorch.quotas.leases import Demand, Full, Lease, Unit, Use
from aiorch.quotas.ledger import SWEEP_ABOVE, Ledger, tightest
from aiorch.quotas.pool import BLOCK, Observation
from aiorch.quotas.share import Share
from aiorch.quotas.windows import rule
from aiorch.types import Limit
from aiorch.types.models import LimitPeriod

ASK_AGAIN = 0.25
"""Seconds for which a call is refused without asking the store again: others may have given back what they held."""


class Shares:
    """All that this process holds."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._defined: dict[str, tuple[tuple[Limit, ...], str]] = {}
        self._shares: dict[str, dict[tuple[Unit, LimitPeriod], Share]] = {}
        self._sweep_at = SWEEP_ABOVE

    def define(self, name: str, limits: Sequence[Limit], zone: str) -> None:
        """``name`` has these limits.

        :raises ConfigurationError: no such time zone.
        """
        definition = (tuple(limits), zone)
        if self._defined.get(name) == definition:
            return
        rule("day", zone)
        before = {(limit.unit, limit.per) for limit in self.definition(name)[0]}
        self._defined[name] = definition
        known = self._shares.get(name)
        if known is None:
            return
        wanted = self._new(name)
        for place, share in known.items():
            if place in wanted:
                share.limit, share.zone, share.full = wanted[place].limit, zone, None
            if place in wanted or place not in before:  # the latter are known from headers
                wanted[place] = share
        self._shares[name] = wanted

    def serve(self, demand: Demand, now: float) -> Lease | Full | None:
        """The answer, where it can be given without the store."""
        held: list[tuple[Share, int]] = []
        for share, asked in self._asked(demand):
            if share.fits(asked, now):
                share.take(asked)
                held.append((share, asked))
                continue
            for taken, amount in held:
                taken.put_back(amount)
            full = share.full
            return full if full and asked >= full.asked and share.full_for(ASK_AGAIN, now) else None
        return Lease(held)

    def full(self, names: Iterable[str], now: float) -> Full | None:
        """Why not even the smallest call fits, as far as is known here."""
        for name in names:
            for share in self._shares.get(name, {}).values():
                full = share.full
                if full and full.asked <= 1 and share.full_for(BLOCK, now) and not share.fits(1, now):
                    return full
        return None

    def observe(self, name: str, unit: Unit, per: LimitPeriod, observation: Observation, now: float) -> None:
        """What a response's headers say of one limit."""
        shares = self._known(name)
        share = shares.get((unit, per))
        if share is None:
            if not observation.limit or observation.limit < 0:
                return
            zone = self.definition(name)[1]
            share = shares[unit, per] = Share(name, Limit(observation.limit, unit, per), zone)
            self._shares[name] = shares
        share.observe(observation, now)

    def asking(self, demand: Demand) -> Exchange:
        """A visit to the store for what ``demand`` asks."""
        moves = [Move(share, asked) for share, asked in self._asked(demand)]
        return Exchange(self._owner, moves, asking=True, closing=False)

    def telling(self, now: float, *, closing: bool = False) -> Exchange | None:
        """A visit to the store with what is due to be told; with all of it when closing. ``None`` = nothing is."""
        due = [s for s in self._all() if s.holding and (closing or s.good_until <= now)]
        if not due:
            return None
        return Exchange(self._owner, [Move(share, 0) for share in due], asking=False, closing=closing)

    def due_at(self) -> float | None:
        """When something is due to be told; ``None`` while nothing is held."""
        return min((share.good_until for share in self._all() if share.holding), default=None)

    def definition(self, name: str) -> tuple[tuple[Limit, ...], str]:
        """The limits of ``name`` and the zone of its days, as they were defined."""
        return self._defined.get(name, ((), "UTC"))

    def unused(self, used: Iterable[Use]) -> Iterator[Use]:
        """The limits that were defined and are not among those used."""
        known = {(use.name, use.limit.unit, use.limit.per) for use in used}
        for name, (limits, _) in self._defined.items():
            for limit in tightest(limits):
                if (name, limit.unit, limit.per) not in known:
                    yield Use(name, limit, 0)

    def forked(self, owner: str) -> Shares:
        """The same limits for another process, which holds nothing."""
        mine = Shares(owner)
        mine._defined = dict(self._defined)
        return mine

    def alone(self, now: float) -> Ledger:
        """Books for a process that cannot reach the others: it takes what was left when it heard of them last."""
        books = Ledger()
        for name, shares in self._shares.items():
            books.define(name, *self.definition(name))
            for share in shares.values():
                if share.left is not None:
                    remaining = share.left + share.idle + share.coming
                    books.observe(name, share.unit, share.limit.per, now, remaining=remaining)
        return books

    def _asked(self, demand: Demand) -> Iterator[tuple[Share, int]]:
        for name in dict.fromkeys(demand.names):
            for share in (self._shares.get(name) or self._known(name)).values():
                asked: int = getattr(demand, share.unit)
                if asked:
                    yield share, asked

    def _known(self, name: str) -> dict[tuple[Unit, LimitPeriod], Share]:
        known = self._shares.get(name)
        if known is None:
            known = self._new(name)
            if known:
                if len(self._shares) >= self._sweep_at:
                    self._sweep()
                self._shares[name] = known
        return known

    def _new(self, name: str) -> dict[tuple[Unit, LimitPeriod], Share]:
        limits, zone = self.definition(name)
        return {(limit.unit, limit.per): Share(name, limit, zone) for limit in tightest(limits)}

    def _sweep(self) -> None:
        self._shares = {n: ss for n, ss in self._shares.items() if any(s.holding for s in ss.values())}
        self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._shares))

    def _all(self) -> Iterator[Share]:
        return (share for shares in self._shares.values() for share in shares.values())
