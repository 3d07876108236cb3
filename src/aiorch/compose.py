"""The wiring: from settings and plugins to the objects that the line calls. Nothing is opened or asked here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from aiorch.catalog import Catalogue, key_names
from aiorch.catalog.lists import MIGRATIONS as CATALOG_TABLES
from aiorch.clock import Clock, SystemClock
from aiorch.errors import AiorchError, ConfigurationError
from aiorch.events import Bus
from aiorch.furnishing import (
    answer_cache,
    audit_log,
    beside,
    corrections,
    day_purses,
    day_tables,
    experience_of,
    fetcher,
    own_measurements,
    ranked_by,
    result_cache,
    rule_keeper,
    rulebook,
    similar_prompts,
    toolkit,
    traffic_control,
)
from aiorch.guarding import policies
from aiorch.journal import NullJournal
from aiorch.net import Transport
from aiorch.plugging import (
    CHECKERS,
    DETECTORS,
    ENGINES,
    PROVIDERS,
    TOOLS,
    VALIDATORS,
    Shelf,
    name_of,
    registered,
)
from aiorch.protocols import (
    Approver,
    Check,
    Engine,
    Journal,
    Matcher,
    Provider,
    RouteControl,
    StreamValidator,
    Tool,
    Validator,
)
from aiorch.providers import ProviderSpec
from aiorch.quality import CHECKS
from aiorch.reporting import Reporter
from aiorch.roster import (
    configured,
    heard_of,
    known_specs,
    on_this_machine,
    public_lists,
)
from aiorch.routing import Executor, ProfileMatcher, Profiles, Rules
from aiorch.routing.disk_cache import MIGRATIONS as ANSWER_TABLES
from aiorch.routing.traffic_store import MIGRATIONS as TRAFFIC_TABLES
from aiorch.safety import AuditLog, Detector, Guard, InputLimits, Inspection, Redactor, detectors
from aiorch.safety.arguments import ArgumentChecks
from aiorch.safety.log_redaction import redact_log
from aiorch.settings import Settings
from aiorch.spawning import Crew, Spawned, ended
from aiorch.store import FILE_NAME, Store
from aiorch.tools import ToolRunner
from aiorch.types import Profile
from aiorch.work import Line

if TYPE_CHECKING:
    from random import Random

    import httpx

    from aiorch.workflow.durable import Durable
    from aiorch.workflow.durable.administering import Runs
    from aiorch.workflow.services import ResultCache


log = logging.getLogger("aiorch")

FAREWELL = 12.0
"""Seconds that closing waits for runs in the background: a durable engine gives them 10 to write that they stopped."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the caller brings along in place of, or beside, what the settings give."""

    providers: tuple[Provider | str, ...] | None = None
    """Objects, and names of providers that the settings configure; ``None`` = whatever is configured."""
    profiles: Mapping[str, Profile | Mapping[str, Any]] | None = None
    matcher: Matcher | str | None = None
    """An object, or the name of an installed one."""
    validators: tuple[Validator, ...] = ()
    stream_validators: tuple[Callable[[], StreamValidator], ...] = ()
    detectors: tuple[Detector, ...] = ()
    checks: tuple[Check, ...] = ()
    tools: tuple[Tool, ...] = ()
    approver: Approver | None = None
    transport: httpx.AsyncBaseTransport | None = None
    clock: Clock | None = None
    rng: Random | None = None


class House:
    """Everything that one orchestrator and its scopes share."""

    def __init__(
        self,
        settings: Settings,
        line: Line,
        *,
        store: Store,
        audit: AuditLog,
        transport: Transport,
        providers: Sequence[Provider],
        redact: Redactor,
        crew: Crew,
        shelf: Shelf,
        specs: Mapping[str, ProviderSpec],
        rng: Random | None = None,
    ) -> None:
        self.settings = settings
        self.line = line
        self.journal: Journal = NullJournal()
        self.redact = redact
        """Takes keys out of texts that are shown or kept."""
        self.audit = audit
        self.providers = tuple(providers)
        self._store = store
        self._crew = crew
        self._transport = transport
        self._shelf = shelf
        self.specs = specs
        """Every provider that is known, configured or not."""
        self.rng = rng
        """What chance comes from, in tests; ``None`` = the system."""
        self._engines: dict[str, Durable] = {}
        self._runs: dict[str, Runs] = {}
        self._results: ResultCache | None = None
        self._beside: list[Spawned[Any]] = []

    def engine(self, wanted: Engine | str | None) -> Engine | None:
        """The workflow engine of this name or address; ``None`` is the one in this process, called ``memory``.

        :param wanted: an object, ``sqlite:///file`` or ``postgresql://...``, or the name of a plugin's; ``None`` = as
            the setting ``engine`` says.
        :raises PluginError: where nobody gives one of that name. :raises MissingExtra: without what it needs.
        """
        name = self.settings.engine.get_secret_value() if wanted is None else wanted
        if not isinstance(name, str):
            if not isinstance(name, Engine):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"engine= takes an address, a name or an Engine, not {name!r:.60}")
            return name
        if name == "memory":
            return None
        if not any(mark in name for mark in (":", "/", ".db")):  # those are of addresses, and say more there
            return cast("Engine", self._shelf.named(ENGINES, name))
        if name not in self._engines:
            from aiorch.workflow.durable import Durable

            self._engines[name] = Durable(name, redact=self.redact, clock=self.line.clock)
        return self._engines[name]

    def runs(self, address: str | None) -> Runs:
        """The runs of a database. :raises ConfigurationError: for an address of something else."""
        name = address or self.settings.engine.get_secret_value()
        if name not in self._runs:
            from aiorch.workflow.durable.administering import Runs

            self._runs[name] = Runs(name)
        return self._runs[name]

    def results(self) -> ResultCache | None:
        """Where results of workflows' tasks are kept, if anywhere: as answers are."""
        if self._results is None:
            self._results = result_cache(self.settings, self.line.clock)
        return self._results

    def beside(self, work: Spawned[Any]) -> None:
        """Work in the background that must not outlive this."""
        self._beside = [one for one in self._beside if not one.done]
        self._beside.append(work)

    @property
    def control(self) -> RouteControl:
        """The one door through which alerts and people send work elsewhere."""
        return self.line.traffic()

    @property
    def keys(self) -> Mapping[str, tuple[str | None, ...]]:
        """By configured provider: the names of its keys, ``(None,)`` where it needs none."""
        return {provider.name: key_names(provider) for provider in self.providers}

    async def aclose(self) -> None:
        """Close providers and files; all of them, also when one fails at it. Copies that are under way end first."""
        await self._end_background()
        await self._crew.aclose()
        try:
            await self.line.executor.aclose()
        except AiorchError as broken:  # what calls taught about sick hosts is lost, nothing else
            log.warning("what was learnt about deployments could not be kept: %s", broken)
        try:
            await self.line.catalogue.aclose()
        except AiorchError as broken:  # what calls taught about dead models is lost, nothing else
            log.warning("what was learnt about models could not be kept: %s", broken)
        for provider in self.providers:
            try:
                await provider.aclose()
            except Exception:
                log.exception("provider %s could not be closed", provider.name)
        await self._transport.aclose()
        if self.line.days is not None:
            try:
                await self.line.days.book.aclose()
            except AiorchError as broken:  # the worst case stays counted
                log.warning("what calls have taken of the day's budget could not be written: %s", broken)
        await self._store.aclose()
        if (closes := getattr(self._results, "aclose", None)) is not None:
            await closes()
        self.audit.close()

    async def _end_background(self) -> None:
        """Stop the runs that go on beside, and then close the engines that were opened for their addresses."""
        running, self._beside = self._beside, []
        await ended(running, FAREWELL)
        opened = (*self._engines.values(), *self._runs.values())
        self._engines, self._runs = {}, {}
        for one in opened:
            try:
                await one.aclose()
            except Exception:
                log.exception("a database of runs could not be closed")

    def summary(self) -> str:
        """Which providers are configured."""
        return ", ".join(p.name for p in self.providers) or "no provider configured"


def build(settings: Settings | None, arguments: Mapping[str, Any], parts: Parts) -> House:
    """Everything, from the settings.

    :raises SettingsError: for settings that do not exist or cannot be used. :raises UnknownProvider: likewise for
        providers.
    """
    named, given = _told_apart(parts.providers)
    if named:
        arguments = {**arguments, "providers": named}
    if settings is None:
        settings = Settings.load(**arguments)
    elif arguments:
        raise ConfigurationError(
            f"Orchestrator() got ready-made settings and {', '.join(sorted(arguments))}: put these into the settings"
        )
    clock = parts.clock or SystemClock()
    redact = Redactor(settings.all_secrets())
    redact_log(redact)
    bus = Bus(redact)
    store = Store(
        settings.data_dir / FILE_NAME,
        (*CATALOG_TABLES, *ANSWER_TABLES, *TRAFFIC_TABLES, *day_tables(settings)),
        clock=clock,
    )
    audit = audit_log(settings, redact, clock)
    transport = Transport(parts.transport)
    shelf = Shelf(settings, redact, tells=True)
    shelf.unserved()
    specs = known_specs(shelf)
    providers = given
    if named or parts.providers is None:
        providers += configured(settings, specs, shelf, transport, clock)
    _all_different(providers)
    shared_among = (*settings.rotation, *(name.partition("/")[0] for name in settings.weights))
    heard_of(shared_among, (*specs, *(p.name for p in providers)))
    catalogue = Catalogue(
        providers,
        clock=clock,
        store=None if given else store,  # what somebody made may have any name
        ttl=settings.catalog_ttl,
        offline=settings.offline or settings.policy == "private",
        redact=redact,
        public=lambda: public_lists(settings, specs, transport, clock),
        fetch=fetcher(transport),
        overrides=corrections(settings, specs),
    )
    profiles = Profiles(parts.profiles)
    crew = Crew()
    policy = policies(settings.guard, profiles)
    rules = rule_keeper(settings, transport, clock, audit, bus)
    plugged = _theirs(shelf, DETECTORS, (), parts.detectors)
    inspection = Inspection(
        lambda: detectors((*plugged, *rules.detectors), rules.drops) if rules else detectors(plugged),
        policy,
        rules.renew if rules else None,
    )
    guards = (InputLimits(settings.input_limit), ArgumentChecks(policy), inspection)
    validators = _theirs(shelf, VALIDATORS, guards, parts.validators)
    checks = _theirs(shelf, CHECKERS, CHECKS, parts.checks)
    kit = toolkit(profiles, _theirs(shelf, TOOLS, (), parts.tools))
    line = Line(
        profiles=profiles,
        rules=Rules(
            settings.allow_paid,
            frozenset(settings.billed),
            _excluded(settings, specs),
            settings.policy,
            frozenset(p.name for p in providers if on_this_machine(p)),
        ),
        catalogue=catalogue,
        matcher=ranked_by(
            parts.matcher,
            shelf,
            lambda: ProfileMatcher(
                catalogue.learnt, own_measurements(store), mixing=settings.balancing != "preference"
            ),
        ),
        rulebook=rulebook(settings),
        mixing=settings.balancing != "preference",
        executor=Executor(
            {p.name: p for p in providers},
            clock=clock,
            bus=bus,
            timeouts=settings.timeouts,
            redact=redact,
            experience=lambda: experience_of(settings, specs, clock, parts.rng, providers, crew, redact),
            strategy=settings.balancing,
            rotation=settings.rotation,
            weights=settings.weights,
        ),
        guard=Guard(validators, inspection),
        stream_validators=_makers(parts.stream_validators),
        tools=ToolRunner(redact=redact),
        checks=checks,
        cache=answer_cache(settings, store, clock),
        similar=similar_prompts(settings, store, clock),
        report=Reporter(audit, bus, clock),
        bus=bus,
        clock=clock,
        resume=settings.resume,
        timeout=settings.timeout,
        attempts=settings.max_attempts,
        budget=settings.budget,
        require_quality=settings.require_quality,
        approver=parts.approver,
        days=day_purses(settings, store, clock),
        traffic=traffic_control(profiles, audit, bus, clock, store, catalogue, kit, crew, redact),
        kit=kit,
        shadow=cache(
            lambda: Executor(
                {p.name: p for p in providers},
                clock=clock,
                bus=Bus(),  # whoever counts attempts counts those of tasks
                timeouts=settings.timeouts,
                redact=redact,
                experience=lambda: beside(line.executor.experience, specs, clock),
            )
        ),
    )
    return House(
        settings,
        line,
        store=store,
        audit=audit,
        transport=transport,
        providers=providers,
        redact=redact,
        crew=crew,
        shelf=shelf,
        specs=specs,
        rng=parts.rng,
    )


# --- what code and plugins add -----------------------------------------------------------------------------------


def _theirs(shelf: Shelf, group: str, ours: tuple[Any, ...], given: tuple[Any, ...]) -> Sequence[Any]:
    """Ours, those that code registers, those of plugins. :raises ConfigurationError: for what cannot be registered."""
    names = [name_of(group, one) for one in registered(group, given)]
    return shelf.joined((*ours, *given), group, names)


def _makers(given: tuple[Callable[[], StreamValidator], ...]) -> tuple[Callable[[], StreamValidator], ...]:
    """:raises ConfigurationError: for an object in place of what makes one."""
    for maker in given:
        if not callable(maker):
            raise ConfigurationError(
                f"stream_validators= takes what makes them, one a stream: pass {type(maker).__name__} itself"
            )
    return given


# --- providers ---------------------------------------------------------------------------------------------------


def _told_apart(given: Sequence[Provider | str] | None) -> tuple[tuple[str, ...], tuple[Provider, ...]]:
    """Names and objects. :raises ConfigurationError: for what is neither."""
    names: list[str] = []
    objects: list[Provider] = []
    for one in (given,) if isinstance(given, str) else given or ():
        if isinstance(one, str):
            names.append(one)
        elif isinstance(cast("object", one), type) or not hasattr(one, "complete"):
            raise ConfigurationError(
                f"providers= takes provider objects and names of configured ones; {one!r} is neither. "
                "aiorch.endpoint(name, url) makes a provider from an address"
            )
        else:
            objects.append(one)
    return tuple(names), registered(PROVIDERS, objects)


def _all_different(providers: Sequence[Provider]) -> None:
    """:raises ConfigurationError: when two have one name: routes and trails could not tell them apart."""
    names = [p.name for p in providers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"two providers are called {name!r}: give each a name of its own")


def _excluded(settings: Settings, specs: Mapping[str, ProviderSpec]) -> frozenset[str]:
    """Providers that train on free prompts, where the settings do not want them."""
    if not settings.exclude_training:
        return frozenset()
    return frozenset(spec.id for spec in specs.values() if spec.trains_on_free)
