"""How everybody is, joined for people to read: health, speed, limits, checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiorch.routing.outliers import HealthState

if TYPE_CHECKING:
    from aiorch.clock import Clock
    from aiorch.protocols import Provider
    from aiorch.quotas import Use
    from aiorch.routing.checks import Checked
    from aiorch.routing.experience import Experience
    from aiorch.routing.health import Health
    from aiorch.routing.loads import Loads
    from aiorch.types import Candidate

PRIORS = 8
"""Models of OpenRouter that it is asked about in one check: those that would be asked first."""

OPENROUTER = "openrouter"

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Vital:
    """How one deployment is."""

    id: str
    """``provider/model#KEY``, with the key's *name*."""
    state: HealthState = "healthy"
    until: float | None = None
    """When its ejection or its recovery ends, epoch seconds."""
    reason: str = ""
    """Why it was ejected last, or what its provider says of it (``blocked``)."""
    blocked: float | None = None
    """Until when a limit, a dead key or a dead model keeps it from being asked, epoch seconds."""
    in_flight: int = 0
    calls: int = 0
    """Outcomes within the window of health."""
    failures: int = 0
    """How many of them speak against it."""
    first_token: float | None = None
    """Seconds until the first token that are expected now; ``None`` where nobody has asked it."""
    p50: float | None = None
    """Seconds to the first token, the median of its model's recent calls; ``None`` = too few."""
    p95: float | None = None
    tokens_per_second: float | None = None

    @property
    def provider(self) -> str:
        """Whose it is."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How everybody was at one moment.

    What this process and earlier ones learnt from calls; nobody who was never asked is in it.
    """

    at: float
    """Epoch seconds."""
    deployments: tuple[Vital, ...]
    """Those that were asked, or are known to be sick or blocked, by id."""
    providers: tuple[Vital, ...]
    """Each configured provider as a whole, by name."""
    quotas: tuple[Use, ...] = ()
    """Every limit that is known, with what is used of it."""
    checks: Mapping[str, Checked] | None = None
    """The latest active check by provider."""

    @property
    def sick(self) -> tuple[Vital, ...]:
        """Deployments and providers that are ejected, or whose probe is awaited."""
        return tuple(v for v in (*self.providers, *self.deployments) if v.state in ("ejected", "probing"))

    def __iter__(self) -> Iterator[Vital]:
        return iter(self.deployments)

    def __len__(self) -> int:
        return len(self.deployments)

    def to_records(self) -> list[dict[str, Plain]]:
        """One flat row a deployment, for a data frame; seconds, and epoch seconds for moments."""
        return [record(vital) for vital in self.deployments]


def record(vital: Vital) -> dict[str, Plain]:
    """One row of plain values."""
    return {
        "id": vital.id,
        "provider": vital.provider,
        "state": vital.state,
        "until": vital.until,
        "reason": vital.reason or None,
        "blocked_until": vital.blocked,
        "in_flight": vital.in_flight,
        "calls": vital.calls,
        "failures": vital.failures,
        "first_token": vital.first_token,
        "first_token_p50": vital.p50,
        "first_token_p95": vital.p95,
        "tokens_per_second": vital.tokens_per_second,
    }


async def look(
    experience: Experience,
    providers: Sequence[Provider],
    clock: Clock,
    *,
    check: Sequence[Candidate] | None = None,
) -> HealthReport:
    """The report of now.

    :param check: ask every provider first, and OpenRouter about its models among these; ``None`` asks nobody.
    """
    await experience.ready()
    if check is not None:
        await _checked(experience, providers, clock, check)
    return vitals(
        (provider.name for provider in providers),
        experience.health,
        experience.loads,
        experience.bench.now(clock.now()),
        clock.now(),
        quotas=await experience.quotas.show(),
        checks=None if experience.checks is None else dict(experience.checks.last),
    )


async def _checked(
    experience: Experience, providers: Sequence[Provider], clock: Clock, candidates: Sequence[Candidate]
) -> None:
    from aiorch.routing.checks import priors

    if experience.checks is not None:
        await experience.checks.check()
    router = next((p for p in providers if p.name == OPENROUTER and getattr(p, "key_names", ())), None)
    if router is None:
        return
    first = [c.deployment for c in candidates if c.deployment.provider == OPENROUTER][:PRIORS]
    told = await priors(router, [deployment.model for deployment in first])
    for deployment in first:
        expected = told.get(deployment.model)
        if expected is not None:
            rate = expected.tokens_per_second
            experience.loads.prior(
                deployment.id,
                clock.now(),
                first=expected.first_token,
                per_token=1 / rate if rate else None,
                uptime=expected.success,
            )


def vitals(
    providers: Iterable[str],
    health: Health,
    loads: Loads,
    benched: Mapping[str, tuple[float, str]],
    now: float,
    *,
    quotas: tuple[Use, ...] = (),
    checks: Mapping[str, Checked] | None = None,
) -> HealthReport:
    """The report of this moment.

    :param benched: by name of a deployment, a model or an account: until when it is not asked, and why.
    """
    conditions = {c.name: c for c in health.conditions(now)}
    seen = loads.seen(now)
    ids = sorted({*seen, *(name for name in conditions if "/" in name), *(b for b in benched if "/" in b)})

    def one(id: str) -> Vital:
        condition, load = conditions.get(id), seen.get(id)
        spread = loads.spread(id, now) if load is not None else None
        bar = max((benched[name] for name in _parts(id) if name in benched), default=None)
        rate = load.per_token if load is not None else None
        return Vital(
            id,
            state="healthy" if condition is None else condition.state,
            until=None if condition is None else condition.until,
            reason=bar[1] if bar else "" if condition is None else condition.reason,
            blocked=None if bar is None else bar[0],
            in_flight=0 if load is None else load.in_flight,
            calls=0 if condition is None else condition.calls,
            failures=0 if condition is None else condition.failures,
            first_token=None if load is None else load.first,
            p50=None if spread is None else spread.p50,
            p95=None if spread is None else spread.p95,
            tokens_per_second=1 / rate if rate else None,
        )

    return HealthReport(now, tuple(map(one, ids)), tuple(map(one, sorted(providers))), quotas, checks)


def _parts(id: str) -> tuple[str, ...]:
    """The names under which a deployment may be blocked: itself, its model with any key, everything behind its key."""
    model, hash_, key = id.partition("#")
    return id, model, id.partition("/")[0] + hash_ + key
