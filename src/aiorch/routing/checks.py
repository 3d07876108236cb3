"""Does a provider answer at all? Its cheapest question, asked on demand and, while somebody cannot be reached, beside
the traffic.

A check only ever shortens an ejection: when a host that could not be reached answers again, its deployments are probed
at once instead of when their time is up. A check that fails ejects nobody: a list that is down says little of chats.

Background checks begin with a request, so an orchestrator that nobody uses asks nobody, and whoever does them beside
the traffic ends them with it. Each costs one request that no provider charges for, at most :data:`BUDGET` an hour and
host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import anyio

from aiorch.clock import Clock
from aiorch.errors import AttemptFailed, InputError
from aiorch.types import FailureKind

if TYPE_CHECKING:
    from aiorch.protocols import Provider
    from aiorch.providers.openrouter.api import Asks
    from aiorch.providers.openrouter.hosts import Prior
    from aiorch.routing.health import Health

PATIENCE = 8.0
"""Seconds that one check gets; all are asked at once."""

EVERY = 15.0
"""Seconds between two background checks of a host: half of the first ejection, so that a check can shorten it."""

BUDGET = 60
"""Background checks of a host within an hour: after a quarter of an hour without an answer they become rare."""

HOUR = 3_600.0

_NOT_THERE = frozenset({FailureKind.TRANSPORT, FailureKind.TIMEOUT})


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of asking one provider."""

    provider: str
    answered: bool | None
    """``None`` where it has nothing that can be asked for nothing."""
    seconds: float
    at: float
    """Epoch seconds."""
    detail: str = ""
    """What went wrong, in the provider's words without secrets."""


class Checks:
    """Asks providers whether they are there.

    :param health: learns of hosts that answer again.
    :param beside: does work beside the call that begins it, and ends it when all is closed; returns False where it has
        no room. Without it there are no background checks.
    :param redact: takes secrets out of what a provider raises besides classified failures.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        health: Health,
        clock: Clock,
        *,
        beside: Callable[[Callable[[], Awaitable[None]]], bool] | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._providers = providers
        self._health = health
        self._clock = clock
        self._beside = beside
        self._redact = redact
        self._last: dict[str, Checked] = {}
        self._begun: dict[str, list[float]] = {}
        """By host: when its background checks of the last hour began."""
        self._under_way: set[str] = set()
        self._look_at = 0.0

    @property
    def last(self) -> Mapping[str, Checked]:
        """The latest check of each provider that was checked."""
        return self._last

    async def check(self, names: Sequence[str] | None = None) -> tuple[Checked, ...]:
        """Ask these providers now, by default all of them; in their order."""
        wanted = tuple(self._providers) if names is None else tuple(names)
        async with anyio.create_task_group() as tasks:
            for name in wanted:
                tasks.start_soon(self._ask, name)
        return tuple(self._last[name] for name in wanted)

    def tend(self) -> None:
        """Begin whatever background check is due. Called by each request while somebody is ejected; costs nothing
        where nothing is due.
        """
        now = self._clock.now()
        if self._beside is None or now < self._look_at:
            return
        self._look_at = now + 1.0
        for name in self._health.unreachable(now):
            if name in self._providers and name not in self._under_way and self._due(name, now):
                self._begin(name, now, self._beside)

    # --- steps -------------------------------------------------------------------------------------------------

    def _due(self, name: str, now: float) -> bool:
        begun = self._begun[name] = [at for at in self._begun.get(name, ()) if at > now - HOUR]
        return len(begun) < BUDGET and (not begun or now >= begun[-1] + EVERY)

    def _begin(self, name: str, now: float, beside: Callable[[Callable[[], Awaitable[None]]], bool]) -> None:
        async def ask() -> None:
            try:
                await self._ask(name)
            finally:
                self._under_way.discard(name)

        if beside(ask):
            self._under_way.add(name)
            self._begun[name].append(now)

    async def _ask(self, name: str) -> None:
        provider = self._providers[name]
        began = self._clock.monotonic()
        answered: bool | None = False
        there = False
        detail = ""
        try:
            with anyio.fail_after(PATIENCE):
                answered = await _cheapest(provider)
            there = bool(answered)
        except TimeoutError:
            detail = f"no answer within {PATIENCE:g} s"
        except AttemptFailed as failed:
            failure = failed.failure
            there = failure.kind not in _NOT_THERE  # whoever refuses is there
            status = f" (HTTP {failure.status})" if failure.status else ""
            detail = f"{failure.kind.value}: {failure.message}{status}"
        except Exception as broken:  # a plugin's provider may raise anything; the others are still asked
            detail = self._redact(f"{type(broken).__name__}: {broken}")
        now = self._clock.now()
        if there:
            self._health.reached(name, now)
        self._last[name] = Checked(name, answered, self._clock.monotonic() - began, now, detail)


async def priors(provider: Provider, models: Sequence[str]) -> Mapping[str, Prior]:
    """What OpenRouter says of the hosts of these models, by model; of those that it tells about.

    :param provider: OpenRouter, with a key: without one it does not say how quick they are.
    """
    from aiorch.providers.openrouter import OpenRouterAPI, prior

    api = OpenRouterAPI(cast("Asks", provider))
    told: dict[str, Prior] = {}

    async def ask(model: str) -> None:
        with suppress(AttemptFailed, InputError), anyio.move_on_after(PATIENCE):
            told[model] = prior(await api.hosts(model))

    async with anyio.create_task_group() as tasks:
        for model in models:
            tasks.start_soon(ask, model)
    return told


async def _cheapest(provider: Provider) -> bool | None:
    """Ask what costs least and says most: about the key where there is such an address, else for the list.

    Asked for as it is, since an endpoint whose models were told knows them without asking.
    """
    spec: Any = getattr(provider, "spec", None)
    get: Any = getattr(provider, "get", None)
    if spec is None or get is None:
        await provider.models()
        return True
    key_check = spec.key_check if getattr(provider, "key_names", ()) else None
    path = key_check or spec.list_path
    if path is None:
        return None
    await get(path)
    return True
