"""Whether a model that is listed answers: one token asked of it, within a budget of calls.

A list is no proof. What an answer proves is kept with its date; a failure that would pass proves nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio

from aiorch.clock import Clock
from aiorch.errors import AiorchError, AttemptFailed
from aiorch.protocols import Provider
from aiorch.types import (
    Candidate,
    Deployment,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Parameters,
    Request,
    Timeouts,
)

if TYPE_CHECKING:
    import sqlite3

    from aiorch.store import Store

log = logging.getLogger("aiorch")

LivenessState = Literal["callable", "refused", "retired", "unclear"]
"""It answered; this account may not call it; it is gone for everybody; the attempt proved neither."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """What came of asking one model for one token."""

    state: LivenessState
    at: float
    """Epoch seconds."""
    detail: str = ""
    """Why, in the provider's words, where it is not callable."""
    seconds: float | None = None
    """How long the answer took."""


@dataclass(frozen=True, slots=True)
class Probing:
    """How much may be asked to find out who answers.

    >>> Probing(calls=5).allow_paid
    False
    """

    calls: int = 20
    """The most calls of this run, over all providers."""
    allow_paid: bool = False
    """True to ask also models that cost; a call is a few words and one token."""
    models: tuple[str, ...] = ()
    """Only these ids (``provider/model``); empty = any."""
    max_age: float = 86_400.0
    """Seconds for which an earlier result is believed instead of asking again."""
    timeout: float = 30.0
    """Seconds that one model may take."""


QUESTION = Request((Message.user("Say yes."),), Parameters(max_tokens=1))
ANSWERED = frozenset({FailureKind.EMPTY, FailureKind.TRUNCATED})
"""One token leaves a model that thinks first nothing to show: it is there all the same."""
REFUSED = frozenset({FailureKind.AUTH, FailureKind.BILLING})
KEPT_FOR = 7 * 86_400.0
"""Seconds for which a result is told; within a week one free id in twenty ends."""


def judged(failure: Failure | None) -> LivenessState:
    """What one attempt proves; ``None`` = it was answered.

    >>> judged(Failure(FailureKind.RATE_MINUTE, "account", "slow down"))
    'unclear'
    """
    if failure is None or failure.kind in ANSWERED:
        return "callable"
    if failure.kind is FailureKind.MODEL_GONE:
        return "retired" if failure.scope == "model" and not failure.ambiguous else "refused"
    return "refused" if failure.kind in REFUSED else "unclear"


def chosen(
    candidates: Iterable[Candidate], known: Mapping[str, Liveness], probing: Probing, now: float
) -> Mapping[str, tuple[Candidate, ...]]:
    """Whom to ask, by provider: each model once, and each provider in turn until the calls are used up.

    At most half of what a provider allows its account in a minute, less what was asked of it within the last one.

    :param known: earlier results by card id.
    """
    waiting: dict[str, dict[str, Candidate]] = {}
    for candidate in candidates:
        card = candidate.card
        if _worth_asking(card, probing) and not _believed(known.get(card.id), probing, now):
            waiting.setdefault(card.provider, {}).setdefault(card.id, candidate)
    lines = [list(them.values())[: _room(name, them.values(), known, now)] for name, them in waiting.items()]
    taken: dict[str, list[Candidate]] = {}
    left = probing.calls
    for turn in range(max(map(len, lines), default=0)):
        for line in lines:
            if turn < len(line) and left > 0:
                taken.setdefault(line[turn].card.provider, []).append(line[turn])
                left -= 1
    return {name: tuple(them) for name, them in taken.items()}


def _worth_asking(card: ModelCard, probing: Probing) -> bool:
    if probing.models and card.id not in probing.models:
        return False
    chats = card.capabilities.chat is not False and not card.capabilities.embeddings
    return chats and not card.retired and (card.costs_nothing or probing.allow_paid)


def _believed(earlier: Liveness | None, probing: Probing, now: float) -> bool:
    return earlier is not None and earlier.state != "unclear" and now - earlier.at < probing.max_age


def _room(provider: str, them: Iterable[Candidate], known: Mapping[str, Liveness], now: float) -> int:
    """How many calls fit into this minute; what limits each model by itself does not count."""
    told = [
        limit.amount
        for candidate in them
        if candidate.card.terms
        for limit in candidate.card.terms.limits
        if limit.unit == "requests" and limit.per == "minute" and limit.scope == "account"
    ]
    if not told:
        return 1_000
    lately = sum(1 for id, was in known.items() if id.startswith(f"{provider}/") and now - was.at < 60.0)
    return max(0, max(1, min(told) // 2) - lately)


async def probe(
    line: Mapping[str, Sequence[Candidate]],
    providers: Mapping[str, Provider],
    probing: Probing,
    clock: Clock,
    redact: Callable[[str], str] = str,
) -> tuple[Mapping[str, Liveness], Mapping[str, Failure]]:
    """Ask them: providers at the same time, the models of one after each other.

    A failure that speaks of the whole account ends its provider's turn: the next model would meet it too.

    :returns: what came of each by card id, and the failures that say that a model is gone.
    """
    found: dict[str, Liveness] = {}
    gone: dict[str, Failure] = {}

    async def ask(provider: Provider, candidates: Sequence[Candidate]) -> None:
        for candidate in candidates:
            began = clock.monotonic()
            failure = await _attempt(provider, candidate, probing.timeout)
            state = judged(failure)
            if state == "callable":
                told = Liveness(state, clock.now(), seconds=clock.monotonic() - began)
            else:
                told = Liveness(state, clock.now(), redact(failure.message) if failure else "")
            found[candidate.card.id] = told
            if failure is not None and state == "retired":
                gone[candidate.card.id] = failure
            if failure is not None and failure.scope == "account":
                return

    async with anyio.create_task_group() as tasks:
        for name, candidates in line.items():
            tasks.start_soon(ask, providers[name], candidates)
    return found, gone


async def _attempt(provider: Provider, candidate: Candidate, patience: float) -> Failure | None:
    """The failure, or nothing where it was answered."""
    try:
        with anyio.fail_after(patience):
            await provider.complete(candidate.deployment, QUESTION, Timeouts(first_byte=patience))
    except AttemptFailed as failed:
        return failed.failure
    except TimeoutError:
        return Failure(FailureKind.TIMEOUT, "model", f"no answer within {patience:g} s")
    except Exception as broken:  # a plugin's fault must not end the others' turns
        return Failure(FailureKind.MALFORMED, "model", f"{type(broken).__name__}: {broken}")
    return None


class Probes:
    """What probing has found out, in this process and in earlier ones."""

    def __init__(
        self, store: Store | None, clock: Clock, redact: Callable[[str], str], accounts: Mapping[str, str]
    ) -> None:
        """:param accounts: the fingerprint of each configured provider's account, by its name."""
        self._store = StoredProbes(store) if store is not None else None
        self._clock = clock
        self._redact = redact
        self._accounts = accounts
        self._found: dict[tuple[str, str], Liveness] = {}

    async def known(self) -> Mapping[str, Liveness]:
        """What came of it for the accounts that are set up here, by card id; nothing that is a week old."""
        since = self._clock.now() - KEPT_FOR
        if self._store is not None:
            try:
                self._found = {**await self._store.load(since), **self._found}
            except AiorchError as broken:
                log.warning("what came of earlier probing could not be read: %s", broken)
        return {
            id: was
            for (id, account), was in self._found.items()
            if was.at >= since and self._accounts.get(id.partition("/")[0]) == account
        }

    async def run(
        self, candidates: Iterable[Candidate], providers: Mapping[str, Provider], probing: Probing
    ) -> Mapping[str, tuple[Deployment, Failure]]:
        """Ask within these bounds, and keep what comes of it. :returns: models that are gone for everybody, by id."""
        now = self._clock.now()
        line = chosen(candidates, await self.known(), probing, now)
        found, gone = await probe(line, providers, probing, self._clock, self._redact)
        news = {(id, self._accounts.get(id.partition("/")[0], "")): was for id, was in found.items()}
        self._found |= news
        if self._store is not None and news:
            try:
                await self._store.save(news, now - KEPT_FOR)
            except AiorchError as broken:
                log.warning("what came of probing could not be kept: %s", broken)
        asked = {c.card.id: c.deployment for them in line.values() for c in them}
        return {id: (asked[id], failure) for id, failure in gone.items()}


class StoredProbes:
    """Results in the database: by model and by the account that asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, since: float) -> Mapping[tuple[str, str], Liveness]:
        """Results not older than ``since`` (epoch seconds) by card id and account."""
        rows = await self._store.fetch(
            "SELECT id, account, state, at, detail, seconds FROM catalog_probes WHERE at >= ?", (since,)
        )
        return {(id, account): Liveness(state, at, detail, s) for id, account, state, at, detail, s in rows}

    async def save(self, found: Mapping[tuple[str, str], Liveness], forget_before: float) -> None:
        """Keep results in place of earlier ones."""
        rows = [(*key, was.state, was.at, was.detail, was.seconds) for key, was in found.items()]

        def write(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM catalog_probes WHERE at < ?", (forget_before,))
            db.executemany("INSERT OR REPLACE INTO catalog_probes VALUES (?, ?, ?, ?, ?, ?)", rows)

        await self._store.transaction(write)
