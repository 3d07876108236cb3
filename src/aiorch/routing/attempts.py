"""The attempt loop's decisions: whom to ask next, when to wait, when to stop. Pure: no clock, no I/O, no randomness.

A provider makes exactly one attempt; everything that happens after a failure is decided here, under one deadline
and one number of attempts for the whole request. So no retry can hide below a fallback, and a sick deployment
never keeps a healthy one waiting.

    loop = begin(candidates, attempts=8)
    step = choose(loop, now, deadline)          # Ask(candidate) | Wait(until) | GiveUp(why)
    loop = after(loop, candidate, failure, now) # what a failure condemns, and for how long
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiorch.types import Candidate, Decision, Deployment, Failure, FailureKind

NEVER = math.inf
"""``not_before`` of a candidate that is not asked again in this request."""

ASKED_TWICE = 2
"""A deployment with a passing trouble is asked at most this often in one request."""

PAUSE = 0.5
"""Seconds before a deployment in trouble is asked again. The first step that provider SDKs use."""

UNTOLD_MINUTE = 15.0
"""Seconds that a per-minute limit is taken to last when the provider does not say: a quarter of its window."""

SOONEST = 0.05
"""Seconds that a told wait lasts at least, so that a provider saying "now" cannot spin the loop."""

_TRANSIENT = frozenset(
    {
        FailureKind.OVERLOADED,
        FailureKind.TRANSPORT,
        FailureKind.TIMEOUT,
        FailureKind.MALFORMED,
        FailureKind.TRUNCATED,
    }
)
_RATE = frozenset({FailureKind.RATE_MINUTE, FailureKind.RATE_DAY})
_OF_THE_REQUEST = frozenset({FailureKind.BAD_REQUEST, FailureKind.POLICY, FailureKind.EMPTY})
"""Kinds that speak of the request, whatever scope a provider gives them."""
_FINAL = frozenset({FailureKind.BAD_REQUEST, FailureKind.POLICY, FailureKind.CANCELLED})


@dataclass(frozen=True, slots=True)
class Standing:
    """How one candidate stands in this request."""

    candidate: Candidate
    attempts: int = 0
    not_before: float = 0.0
    """Epoch seconds before which it is not asked; :data:`NEVER` = not in this request."""
    reason: str = ""
    """Why it is blocked."""
    doubts: int = 0
    """Failures of others that make its own likelier: it is asked after those with fewer."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One request's state between two attempts."""

    standings: tuple[Standing, ...]
    """In the order of preference."""
    attempts_left: int
    opinions: tuple[tuple[FailureKind, str], ...] = ()
    """The ambiguous failures so far: what, and of what (see :func:`condemned`). What two agree on is believed."""
    final: str | None = None
    """Why nobody is asked any more, once that is decided."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this one now."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Wait:
    """Everybody is blocked; the first one comes back then."""

    until: float
    """Epoch seconds."""
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody is left, or none in time."""

    why: str


Step = Ask | Wait | GiveUp


def begin(
    candidates: Sequence[Candidate], *, attempts: int, benched: Mapping[str, tuple[float, str]] | None = None
) -> Loop:
    """A fresh request. ``benched`` tells by deployment id who is blocked until when (epoch seconds) and why."""
    if not benched:  # nearly always, and there may be hundreds of candidates
        return Loop(tuple(map(Standing, candidates)), attempts)
    standings = tuple(Standing(c, 0, *benched.get(c.deployment.id, (0.0, ""))) for c in candidates)
    return Loop(standings, attempts)


def choose(loop: Loop, now: float, deadline: float) -> Step:
    """The next step. Never asks beyond the attempts or at the deadline, never waits past it.

    :param now: epoch seconds.
    :param deadline: epoch seconds.
    """
    if loop.final is not None:
        return GiveUp(loop.final)
    if not loop.standings:
        return GiveUp("nobody can be asked")
    if loop.attempts_left <= 0:
        return GiveUp("all attempts are used up")
    if now >= deadline:
        return GiveUp("the time is up")
    ready = [s for s in loop.standings if s.not_before <= now]
    if ready:
        best = min(ready, key=lambda s: (s.attempts, s.doubts))  # keeps the order of preference among equals
        return Ask(best.candidate)
    soonest = min(loop.standings, key=lambda s: s.not_before)
    if soonest.not_before == NEVER:
        return GiveUp("nobody is left to ask")
    if soonest.not_before >= deadline:
        return GiveUp(
            f"everybody is blocked; the first to come back is {soonest.candidate.deployment.id} in "
            f"{soonest.not_before - now:.0f} s ({soonest.reason}), which is past the deadline"
        )
    return Wait(soonest.not_before, soonest.reason)


def asked(loop: Loop, candidate: Candidate) -> Loop:
    """The loop after an attempt at ``candidate`` has begun."""
    standings = tuple(
        replace(s, attempts=s.attempts + 1) if s.candidate is candidate else s for s in loop.standings
    )
    return replace(loop, standings=standings, attempts_left=loop.attempts_left - 1)


def after(loop: Loop, candidate: Candidate, failure: Failure, now: float) -> Loop:
    """The loop after ``candidate`` failed: who is blocked by it, until when, and whether it is final."""
    if failure.kind is FailureKind.CONTEXT:
        return _block(loop, _no_larger(candidate), NEVER, failure)
    about = condemned(candidate, failure)
    if failure.ambiguous:
        opinion = (failure.kind, about)
        if opinion not in loop.opinions:
            loop = replace(loop, opinions=(*loop.opinions, opinion))
            return _doubt(_block(loop, _is(candidate), NEVER, failure), _same_model(candidate))
        if about == THE_REQUEST:
            return replace(loop, final=f"two agree: {failure.kind.value}: {failure.message}")
    if failure.kind in _FINAL:
        return replace(loop, final=f"{failure.kind.value}: {failure.message}")
    until = blocked_until(failure, now)
    if until is not None:
        return _block(loop, lambda c: about in names(c.deployment), until, failure)
    if failure.kind is FailureKind.TRANSPORT:
        # A host that cannot be reached cannot be reached for its other models either.
        loop = _doubt(loop, lambda c: c.deployment.provider == candidate.deployment.provider)
    return _pause(loop, candidate, failure, now)


def blocked_until(failure: Failure, now: float) -> float | None:
    """Until when (epoch seconds) a failure blocks what it condemns, whoever asks; ``None`` where it only blocks a
    moment.

    This is what one request may tell the next: limits that the provider stated, dead keys and dead models.
    """
    if failure.kind in _RATE:
        if failure.retry_at is not None:
            return max(failure.retry_at, now + SOONEST)
        return NEVER if failure.kind is FailureKind.RATE_DAY else now + UNTOLD_MINUTE
    if failure.kind in (FailureKind.AUTH, FailureKind.BILLING, FailureKind.MODEL_GONE):
        return NEVER
    if failure.retry_at is not None and failure.kind is FailureKind.OVERLOADED:
        return max(failure.retry_at, now + SOONEST)
    return None


THE_REQUEST = ""
"""What a failure is about that says nothing of any deployment."""


def condemned(candidate: Candidate, failure: Failure) -> str:
    """The name of what a failure of ``candidate`` speaks against: :data:`THE_REQUEST`, or one of :func:`names`.

    >>> from aiorch.types import Deployment, ModelCard
    >>> groq = Candidate(Deployment("groq", "qwen", "KEY"), ModelCard("groq", "qwen"))
    >>> condemned(groq, Failure(FailureKind.AUTH, "account", "wrong key"))
    'groq#KEY'
    """
    if failure.kind in _OF_THE_REQUEST:
        return THE_REQUEST
    account, model, deployment = names(candidate.deployment)
    match failure.scope:
        case "account":
            return account
        case "model":
            return model
        case "key_model" | "upstream":
            return deployment
        case "request":
            return THE_REQUEST if failure.ambiguous else deployment


def names(deployment: Deployment) -> tuple[str, str, str]:
    """What a deployment is part of, by name: everything behind its key, its model with any key, itself."""
    account = deployment.provider if deployment.key is None else f"{deployment.provider}#{deployment.key}"
    return account, f"{deployment.provider}/{deployment.model}", deployment.id


def label(asked_now: Candidate, step: Step) -> Decision:
    """The name of a decision, for the trail."""
    match step:
        case GiveUp():
            return "fail"
        case Wait():
            return "wait"
        case Ask(candidate):
            before, then = asked_now.deployment, candidate.deployment
            if then == before:
                return "same_again"
            same_model = (then.provider, then.model) == (before.provider, before.model)
            return "next_key" if same_model else "next_deployment"


# --- who is condemned --------------------------------------------------------------------------------------------

_Hit = Callable[[Candidate], bool]


def _is(candidate: Candidate) -> _Hit:
    return lambda c: c is candidate


def _no_larger(candidate: Candidate) -> _Hit:
    """Everybody whose context is known to be no larger than the one that was too small."""
    size = candidate.card.context
    if size is None:
        return _is(candidate)
    return lambda c: c is candidate or (c.card.context is not None and c.card.context <= size)


def _same_model(candidate: Candidate) -> _Hit:
    """The same model behind whatever key: a second opinion is another model's."""
    mine = candidate.deployment
    return lambda c: (c.deployment.provider, c.deployment.model) == (mine.provider, mine.model)


def _doubt(loop: Loop, hit: _Hit) -> Loop:
    standings = tuple(replace(s, doubts=s.doubts + 1) if hit(s.candidate) else s for s in loop.standings)
    return replace(loop, standings=standings)


def _block(loop: Loop, hit: _Hit, until: float, failure: Failure) -> Loop:
    reason = f"{failure.kind.value}: {failure.message}"
    standings = tuple(
        replace(s, not_before=max(s.not_before, until), reason=reason) if hit(s.candidate) else s
        for s in loop.standings
    )
    return replace(loop, standings=standings)


def _pause(loop: Loop, candidate: Candidate, failure: Failure, now: float) -> Loop:
    """A passing trouble: siblings first, then the same again after a pause, and no third time."""
    standing = next(s for s in loop.standings if s.candidate is candidate)
    passing = failure.kind in _TRANSIENT and standing.attempts < ASKED_TWICE
    until = now + PAUSE if passing else NEVER
    return _block(loop, _is(candidate), until, failure)
