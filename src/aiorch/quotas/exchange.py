"""One visit to the store: tell it what was used, ask for what a call needs. Pure.

An exchange may be repeated, and may overlap with another one: what a process holds is told as a whole and never as a
difference, and what it has used bears numbers, so the store counts nothing twice and never too little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiorch.quotas.leases import Full, Lease
from aiorch.quotas.pool import Pool, Report
from aiorch.quotas.share import Share

SILENCE = Report(0, 0)


@dataclass(slots=True)
class Move:
    """One share's part in an exchange."""

    share: Share
    asked: int
    report: Report = SILENCE
    """What the store was told."""
    kept: int = 0
    """What the call takes of what the process held already."""
    granted: int = 0


class Exchange:
    """One visit to the store. ``decide`` runs within its transaction, ``done`` or ``failed`` after it."""

    def __init__(self, owner: str, moves: Sequence[Move], *, asking: bool, closing: bool) -> None:
        self._owner = owner
        self._moves = moves
        self._asking = asking
        self._closing = closing
        self._full: Full | None = None
        self._now = 0.0

    @property
    def keys(self) -> tuple[str, ...]:
        """The rows it is about, in the one order in which everybody locks them."""
        return tuple(sorted(move.share.key for move in self._moves))

    def decide(self, rows: Mapping[str, str], now: float) -> dict[str, tuple[str, float]]:
        """The rows as they are to be, each with the moment from which it may be forgotten."""
        self._now = now
        pools: list[Pool] = []
        for move in self._moves:
            share, text = move.share, rows.get(move.share.key)
            pool = Pool.from_text(text) if text else Pool(share.name, share.limit, share.zone)
            pool.defined(share.limit, share.zone)
            move.report = share.report(now, closing=self._closing)
            pool.hear(self._owner, move.report, now)
            pools.append(pool)
        if self._asking:
            self._ask(pools, now)
        for move, pool in zip(self._moves, pools, strict=True):
            move.share.left = max(0, pool.left(now))
        return {m.share.key: (p.as_text(), p.until(now)) for m, p in zip(self._moves, pools, strict=True)}

    def done(self) -> Lease | Full:
        """The store has it: what was asked for, or why not."""
        for move in self._moves:
            share = move.share
            share.acknowledged(move.report, self._now)
            if self._asking and self._full is None:
                share.coming -= move.granted + move.kept
                share.idle += move.granted + move.kept
                share.take(move.asked)
                share.granted(move.granted)
        if self._full is not None:
            return self._full
        return Lease([(move.share, move.asked) for move in self._moves] if self._asking else ())

    def failed(self) -> None:
        """Nobody knows whether the store has it: what was granted is not used, what was told is told again."""
        for move in self._moves:
            move.share.coming -= move.granted + move.kept
            move.share.idle += move.kept

    def _ask(self, pools: Sequence[Pool], now: float) -> None:
        fulls: list[Full] = []
        for move, pool in zip(self._moves, pools, strict=True):
            need = move.asked - min(move.asked, move.share.idle)
            if pool.left(now) < need or move.asked > pool.limit.amount:
                full = pool.full(move.asked, need, now)
                move.share.full, move.share.full_at = full, now
                fulls.append(full)
        if fulls:
            self._full = max(fulls, key=lambda full: full.until)
            return
        for move, pool in zip(self._moves, pools, strict=True):
            share = move.share
            move.kept = min(move.asked, share.idle)
            move.granted = pool.grant(self._owner, move.asked - move.kept, share.wanted(now), now)
            share.idle -= move.kept
            share.coming += move.kept + move.granted
            share.full = None
