"""The attempt loop's decisions: whom to ask next, when to wait, when to stop. Pure: no clock, no I/O, no randomness.

A provider makes exactly one attempt; everything that happens after a failure is decided here, under one deadline
and one number of attempts for the whole request. So no retry can hide below a fallback, and a sick deployment
never keeps a healthy one waiting.

    loop = begin(candidates, attempts=8)
    step = choose(loop, now, deadline)              # Ask(candidate) | Wait(until) | GiveUp(why)
    loop = after(asked(loop, candidate), candidate, failure, now)   # what a failure condemns, and for how long

There may be hundreds of candidates, of which a request asks one or two: only those are written about that something
is known of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from aiorch.types import Candidate, Decision, Deployment, Failure, FailureKind, ModelCard
from aiorch.types.quick import quick

NEVER = math.inf
"""``not_before`` of a candidate that is not asked again in this request."""

PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before a deployment in trouble is asked again, twice as long each time, and at most: the steps that provider
SDKs use."""

SPREAD = 0.5
"""By how much of its length a pause may vary, so that many requests do not come back at the same moment."""

HOST_PAUSE = 2.0
"""The same for a host that cannot be reached: nothing on it answers sooner, and others are asked meanwhile."""

UNTOLD_MINUTE = 15.0
"""Seconds that a per-minute limit is taken to last when the provider does not say: a quarter of its window."""

TOLD = 1.0
"""Seconds from which on a told wait is believed as it is. Whoever says "now" and refuses again is left alone for longer
each time."""

UNREACHABLE = frozenset({"proxy", "dns", "tls", "refused", "unreachable", "connect_timeout", "url"})
"""Codes of failures before anything was sent: what cannot be connected to answers for none of its models."""

_ASKED_AT_MOST: Mapping[FailureKind, float] = MappingProxyType(
    {
        FailureKind.OVERLOADED: math.inf,
        FailureKind.TRANSPORT: math.inf,
        FailureKind.TIMEOUT: math.inf,
        FailureKind.TRUNCATED: math.inf,
        FailureKind.MALFORMED: 2,  # a captive portal and a fault in a plugin do not pass within a request
    }
)
"""The passing troubles, and how often one deployment is asked in one request that has them."""

HOST_ASKED_AT_MOST = 2
"""The same for everything behind a host that cannot be reached."""

_RATE = frozenset({FailureKind.RATE_MINUTE, FailureKind.RATE_DAY})
_OF_THE_REQUEST = frozenset({FailureKind.BAD_REQUEST, FailureKind.POLICY, FailureKind.EMPTY})
"""Kinds that speak of the request, whatever scope a provider gives them."""
_FINAL = frozenset({FailureKind.BAD_REQUEST, FailureKind.POLICY, FailureKind.CANCELLED})


@quick
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


@quick
@dataclass(frozen=True, slots=True)
class Loop:
    """One request's state between two attempts."""

    candidates: tuple[Candidate, ...]
    """In the order of preference."""
    attempts_left: int
    noted: Mapping[int, Standing] = field(default_factory=dict[int, Standing])
    """By place: those of whom something is known. All others have never been asked and are free."""
    opinions: tuple[tuple[FailureKind, str], ...] = ()
    """The ambiguous failures so far: what, and of what (see :func:`condemned`). What two agree on is believed."""
    unreached: Mapping[str, int] = field(default_factory=dict[str, int])
    """Providers whose host could not be reached, and how often that was tried."""
    final: str | None = None
    """Why nobody is asked any more, once that is decided."""

    @property
    def standings(self) -> tuple[Standing, ...]:
        """All of them, in the order of preference."""
        return tuple(self.noted.get(i) or Standing(c) for i, c in enumerate(self.candidates))


@quick
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
    them = tuple(candidates)
    if not benched:
        return Loop(them, attempts)
    found = ((i, c, benched.get(c.deployment.id)) for i, c in enumerate(them))
    return Loop(them, attempts, {i: Standing(c, 0, *bar) for i, c, bar in found if bar is not None})


def choose(
    loop: Loop, now: float, deadline: float, barred: Mapping[str, tuple[float, str]] | None = None
) -> Step:
    """The next step. Never asks beyond the attempts or at the deadline, never waits past it.

    :param now: epoch seconds.
    :param deadline: epoch seconds.
    :param barred: by deployment id, who should not be asked as things are now whatever this request knows: until when,
        and why.
    """
    if loop.final is not None:
        return GiveUp(loop.final)
    if not loop.candidates:
        return GiveUp("nobody can be asked")
    if loop.attempts_left <= 0:
        return GiveUp("all attempts are used up")
    if now >= deadline:
        return GiveUp("the time is up")
    best: Standing | None = None
    least = (math.inf, math.inf, math.inf)
    soonest = _NOBODY
    for place, candidate in enumerate(loop.candidates):
        standing = loop.noted.get(place)
        until = 0.0 if standing is None else standing.not_before
        if barred and (bar := barred.get(candidate.deployment.id)) is not None and bar[0] > until:
            standing = replace(standing or Standing(candidate), not_before=bar[0], reason=bar[1])
            until = bar[0]
        if until > now:
            if until < soonest.not_before and standing is not None:
                soonest = standing
            continue
        if standing is None:
            if not loop.unreached or candidate.deployment.provider not in loop.unreached:
                if least > _FRESH:
                    return Ask(candidate)
                break
            standing = Standing(candidate)
        record = (
            loop.unreached.get(candidate.deployment.provider, 0),
            standing.attempts,
            standing.doubts,
        )
        if record < least:  # keeps the order of preference among equals
            best, least = standing, record
    if best is not None:
        return Ask(best.candidate)
    if soonest is _NOBODY:
        return GiveUp("nobody is left to ask")
    if soonest.not_before >= deadline:
        return GiveUp(
            f"everybody is blocked; the first to come back is {soonest.candidate.deployment.id} in "
            f"{soonest.not_before - now:.0f} s ({soonest.reason}), which is past the deadline"
        )
    return Wait(soonest.not_before, soonest.reason)


_NOBODY = Standing(Candidate(Deployment("", ""), ModelCard("", "")), not_before=NEVER)
_FRESH = (0, 0, 0)
"""The record of somebody who was never asked and is not doubted: nobody has a better one."""


def still_open(loop: Loop, deadline: float) -> list[str]:
    """Ids of those that this request could still ask before its deadline (epoch seconds)."""
    return [
        c.deployment.id
        for place, c in enumerate(loop.candidates)
        if (standing := loop.noted.get(place)) is None or standing.not_before < deadline
    ]


def asked(loop: Loop, candidate: Candidate) -> Loop:
    """The loop after an attempt at ``candidate`` has begun."""
    place = _place(loop, candidate)
    standing = loop.noted.get(place)
    standing = (
        Standing(candidate, 1) if standing is None else replace(standing, attempts=standing.attempts + 1)
    )
    # Written out, since every call comes by here, and replace() takes as long as the rest of the decision.
    return Loop(
        loop.candidates,
        loop.attempts_left - 1,
        {**loop.noted, place: standing},
        loop.opinions,
        loop.unreached,
        loop.final,
    )


def after(loop: Loop, candidate: Candidate, failure: Failure, now: float, *, chance: float = 0.5) -> Loop:
    """The loop after ``candidate`` failed: who is blocked by it, until when, and whether it is final.

    :param chance: 0 to 1, drawn at random: by it a pause is a little shorter or longer.
    """
    said = f"{failure.kind.value}: {failure.message}"
    if failure.kind is FailureKind.CONTEXT:
        return _doubt(_block(loop, _no_larger(candidate), NEVER, said), _of_unknown_size)
    about = condemned(candidate, failure)
    if failure.ambiguous:
        opinion = (failure.kind, about)
        if opinion not in loop.opinions:
            loop = replace(loop, opinions=(*loop.opinions, opinion))
            return _doubt(_block(loop, _is(candidate), NEVER, said), _same_model(candidate))
        if about == THE_REQUEST:
            return replace(loop, final=f"two agree: {said}")
    if failure.kind in _FINAL:
        return replace(loop, final=said)
    standing = loop.noted[_place(loop, candidate)]
    until = blocked_until(failure, now, standing.attempts)
    if until is not None:
        return limited(loop, about, until, said)
    if unreachable(failure):
        return _unreached(loop, candidate.deployment.provider, now, chance, said)
    if failure.kind is FailureKind.TRANSPORT:
        # A connection that broke may be the host's trouble, not this model's alone.
        loop = _doubt(loop, lambda c: c.deployment.provider == candidate.deployment.provider)
    again = standing.attempts < _ASKED_AT_MOST.get(failure.kind, 1)
    until = now + _varied(pause(standing.attempts), chance) if again else NEVER
    return _block(loop, _is(candidate), until, said)


def limited(loop: Loop, name: str, until: float, reason: str) -> Loop:
    """The loop with everybody blocked that is part of ``name`` (see :func:`names`), as by a limit: no attempt is used.

    :param until: epoch seconds.
    """
    return _block(loop, lambda c: name in names(c.deployment), until, reason)


def without(loop: Loop, candidate: Candidate, reason: str) -> Loop:
    """The loop with this one not asked any more."""
    return _block(loop, _is(candidate), NEVER, reason)


def unreachable(failure: Failure) -> bool:
    """True where the host could not be connected to, so that nothing was sent."""
    return failure.code in UNREACHABLE and failure.kind in (FailureKind.TRANSPORT, FailureKind.TIMEOUT)


def pause(times: int) -> float:
    """Seconds to wait after so many failures in a row.

    >>> [pause(n) for n in (1, 2, 3, 9)]
    [0.5, 1.0, 2.0, 8.0]
    """
    return min(LONGEST_PAUSE, PAUSE * 2.0 ** min(max(times, 1) - 1, 10))


def blocked_until(failure: Failure, now: float, times: int = 1) -> float | None:
    """Until when (epoch seconds) a failure blocks what it condemns, whoever asks; ``None`` where it only blocks a
    moment.

    This is what one request may tell the next: limits that the provider stated, dead keys and dead models.

    :param times: how often it has failed so in a row.
    """
    if failure.kind in _RATE:
        if failure.retry_at is not None:
            return _told(failure.retry_at, now, times)
        return NEVER if failure.kind is FailureKind.RATE_DAY else now + UNTOLD_MINUTE
    if failure.kind in (FailureKind.AUTH, FailureKind.BILLING, FailureKind.MODEL_GONE):
        return NEVER
    if failure.retry_at is not None and failure.kind is FailureKind.OVERLOADED:
        return _told(failure.retry_at, now, times)
    return None


def _told(retry_at: float, now: float, times: int) -> float:
    return retry_at if retry_at >= now + TOLD else max(retry_at, now + pause(times))


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


def _of_unknown_size(candidate: Candidate) -> bool:
    """Asked after those that are known to be larger."""
    return candidate.card.context is None


def _place(loop: Loop, candidate: Candidate) -> int:
    return next(i for i, c in enumerate(loop.candidates) if c is candidate)


def _unreached(loop: Loop, provider: str, now: float, chance: float, reason: str) -> Loop:
    """A host that cannot be reached: all others first, then it once more."""
    times = loop.unreached.get(provider, 0) + 1
    until = now + _varied(HOST_PAUSE, chance) if times < HOST_ASKED_AT_MOST else NEVER
    loop = replace(loop, unreached={**loop.unreached, provider: times})
    return _block(loop, lambda c: c.deployment.provider == provider, until, reason)


def _varied(seconds: float, chance: float) -> float:
    return seconds * (1.0 + SPREAD * (chance - 0.5))


def _doubt(loop: Loop, hit: _Hit) -> Loop:
    return _noted(loop, hit, lambda s: replace(s, doubts=s.doubts + 1))


def _block(loop: Loop, hit: _Hit, until: float, reason: str) -> Loop:
    return _noted(loop, hit, lambda s: replace(s, not_before=max(s.not_before, until), reason=reason))


def _noted(loop: Loop, hit: _Hit, change: Callable[[Standing], Standing]) -> Loop:
    changed = {
        place: change(loop.noted.get(place) or Standing(c))
        for place, c in enumerate(loop.candidates)
        if hit(c)
    }
    return replace(loop, noted={**loop.noted, **changed})
