"""The wiring: from settings and plugins to the objects that the line calls. Nothing is opened or asked here."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from aiorch.catalog import Catalogue, key_names, require
from aiorch.catalog.lists import MIGRATIONS as CATALOG_TABLES
from aiorch.clock import Clock, SystemClock
from aiorch.errors import AiorchError, ConfigurationError, MissingExtra, PluginError
from aiorch.events import Bus
from aiorch.journal import NullJournal
from aiorch.net import Reply, Transport
from aiorch.plugins import discover
from aiorch.protocols import Check, Journal, Matcher, Provider, RouteControl, StreamValidator, Tool, Validator
from aiorch.providers import ProviderSpec
from aiorch.quality import CHECKS
from aiorch.reporting import Reporter
from aiorch.roster import (
    LOCAL,
    configured,
    heard_of,
    known_specs,
    not_used,
    on_this_machine,
    public_lists,
)
from aiorch.routing import AnswerCache, Executor, MemoryCache, ProfileMatcher, Profiles, RuleBook, Rules
from aiorch.routing.disk_cache import MIGRATIONS as ANSWER_TABLES
from aiorch.routing.disk_cache import DiskCache
from aiorch.routing.traffic_store import MIGRATIONS as TRAFFIC_TABLES
from aiorch.safety import AuditLog, Guard, InputLimits, Redactor
from aiorch.settings import Settings
from aiorch.spawning import Crew
from aiorch.store import FILE_NAME, Migration, Store
from aiorch.tools import ToolRunner
from aiorch.types import Limit, Profile
from aiorch.work import Line

if TYPE_CHECKING:
    import httpx

    from aiorch.catalog.overrides import Overrides
    from aiorch.catalog.sources import Fetch
    from aiorch.diverting import Control
    from aiorch.routing.day_purse import DayPurses
    from aiorch.routing.experience import Experience
    from aiorch.routing.semantic_cache import SemanticCache

log = logging.getLogger("aiorch")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the caller brings along in place of, or beside, what the settings give."""

    providers: tuple[Provider | str, ...] | None = None
    """Objects, and names of providers that the settings configure; ``None`` = whatever is configured."""
    profiles: Mapping[str, Profile | Mapping[str, Any]] | None = None
    matcher: Matcher | None = None
    validators: tuple[Validator, ...] = ()
    stream_validators: tuple[Callable[[], StreamValidator], ...] = ()
    checks: tuple[Check, ...] = ()
    tools: tuple[Tool, ...] = ()
    transport: httpx.AsyncBaseTransport | None = None
    clock: Clock | None = None


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
                await self.line.days.book.write()
            except AiorchError as broken:  # the worst case stays counted
                log.warning("what calls have taken of the day's budget could not be written: %s", broken)
        await self._store.aclose()
        self.audit.close()

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
    bus = Bus(redact)
    store = Store(
        settings.data_dir / FILE_NAME,
        (*CATALOG_TABLES, *ANSWER_TABLES, *TRAFFIC_TABLES, *_day_tables(settings)),
        clock=clock,
    )
    audit = AuditLog(
        settings.data_dir / "audit",
        mode=settings.audit,
        retention=settings.retention,
        redact=redact,
        clock=clock,
    )
    transport = Transport(parts.transport)
    specs, provider_plugins = known_specs()
    providers = given
    if named or parts.providers is None:
        providers += configured(settings, specs, provider_plugins, transport, clock)
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
        overrides=_overrides(settings, specs),
    )
    profiles = Profiles(parts.profiles)
    crew = Crew()
    kit = _kit(profiles, (*parts.tools, *plugged("aiorch.tools")))
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
        matcher=parts.matcher
        or _first(plugged("aiorch.matchers"))
        or ProfileMatcher(catalogue.learnt, _measured(store), mixing=settings.balancing != "preference"),
        rulebook=_rulebook(settings),
        mixing=settings.balancing != "preference",
        executor=Executor(
            {p.name: p for p in providers},
            clock=clock,
            bus=bus,
            timeouts=settings.timeouts,
            redact=redact,
            experience=lambda: _experience(settings, specs, clock, providers, crew, redact),
            strategy=settings.balancing,
            rotation=settings.rotation,
            weights=settings.weights,
        ),
        guard=Guard((InputLimits(settings.input_limit), *parts.validators, *plugged("aiorch.validators"))),
        stream_validators=parts.stream_validators,
        tools=ToolRunner(redact=redact),
        checks=(*CHECKS, *parts.checks, *plugged("aiorch.checks")),
        cache=_cache(settings, store, clock),
        similar=_similar(settings, store, clock),
        report=Reporter(audit, bus, clock),
        bus=bus,
        clock=clock,
        resume=settings.resume,
        timeout=settings.timeout,
        attempts=settings.max_attempts,
        budget=settings.budget,
        require_quality=settings.require_quality,
        days=_days(settings, store, clock),
        traffic=_traffic(profiles, audit, bus, clock, store, catalogue, kit, crew, redact),
        kit=kit,
        shadow=cache(
            lambda: Executor(
                {p.name: p for p in providers},
                clock=clock,
                bus=Bus(),  # whoever counts attempts counts those of tasks
                timeouts=settings.timeouts,
                redact=redact,
                experience=lambda: _beside(line.executor.experience, specs, clock),
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
    )


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
    return tuple(names), tuple(objects)


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


# --- the rest ----------------------------------------------------------------------------------------------------


def _measured(store: Store) -> Callable[[], Awaitable[Mapping[str, float]]]:
    """Reads the scores of one's own benchmark runs, where there are any."""

    async def read() -> Mapping[str, float]:
        try:
            if not await store.fetch(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'benchmarks'"
            ):
                return {}
            from aiorch.benchmarking import own_scores

            return {model: score.value for model, score in (await own_scores(store)).items()}
        except AiorchError as broken:  # an order that is a little worse is no reason to fail
            log.warning("what was measured of models could not be read: %s", broken)
            return {}

    return read


def _counts_days(settings: Settings) -> bool:
    """True where somebody has a budget of the day."""
    allowances = (*settings.tenants.values(), *settings.users.values())
    ours = settings.budget_day_usd, settings.budget_day_tokens
    return any(v is not None for v in (*ours, *(v for a in allowances for v in (a.usd_day, a.tokens_day))))


def _day_tables(settings: Settings) -> tuple[Migration, ...]:
    if not _counts_days(settings):
        return ()
    from aiorch.routing.day_purse import MIGRATIONS

    return MIGRATIONS


def _days(settings: Settings, store: Store, clock: Clock) -> DayPurses | None:
    """The day's budgets: everybody's, each tenant's, each user's."""
    if not _counts_days(settings):
        return None
    from aiorch.routing.day_purse import DayBook, DayLimit, DayPurses

    def limit_of(name: str) -> DayLimit | None:
        own = settings.allowance(name)
        if own is None or (own.usd_day is None and own.tokens_day is None):
            return None
        return DayLimit(own.usd_day, own.tokens_day)

    everybody = settings.budget_day_usd, settings.budget_day_tokens
    limit = None if everybody == (None, None) else DayLimit(*everybody)
    return DayPurses(DayBook(store, clock), limit, limit_of)


def _experience(
    settings: Settings,
    specs: Mapping[str, ProviderSpec],
    clock: Clock,
    providers: Iterable[Provider],
    crew: Crew,
    redact: Redactor,
) -> Experience:
    """What attempts teach each other, kept for the next process. Made at the first request: starting is quick."""
    from aiorch.quotas import MIGRATIONS as QUOTA_TABLES
    from aiorch.quotas import PostgresRows, SharedQuotas, StoreRows
    from aiorch.routing.checks import Checks
    from aiorch.routing.experience import Experience
    from aiorch.routing.health_store import MIGRATIONS as HEALTH_TABLES
    from aiorch.routing.health_store import HealthStore

    def limits(name: str) -> tuple[Limit, ...]:
        own = settings.allowance(name)
        return () if own is None else own.limits

    store = Store(settings.data_dir / FILE_NAME, (*HEALTH_TABLES, *QUOTA_TABLES), clock=clock)
    elsewhere = settings.shared_database
    rows = PostgresRows(elsewhere.get_secret_value()) if elsewhere else StoreRows(store, clock)
    experience = Experience(
        clock,
        quotas=SharedQuotas(clock, rows),
        keeper=lambda health: HealthStore(store, health, clock),
        zones=_zones(specs),
        limits=limits,
        closes=store.aclose,
    )
    named = {provider.name: provider for provider in providers}
    experience.checks = Checks(named, experience.health, clock, beside=crew.offer, redact=redact)
    return experience


def _beside(experience: Experience, specs: Mapping[str, ProviderSpec], clock: Clock) -> Experience:
    """Of an executor whose failures must not be held against anybody: the same limits and nothing else."""
    from aiorch.routing.experience import Experience

    return Experience(clock, quotas=experience.quotas, zones=_zones(specs))


def _zones(specs: Mapping[str, ProviderSpec]) -> Mapping[str, str]:
    """By provider: where its days end."""
    return {s.id: s.day_reset for s in specs.values() if s.day_reset != "told"}


def _kit(profiles: Profiles, own: Iterable[Tool]) -> Callable[[str, Sequence[Tool]], dict[str, Tool]]:
    known = {tool.spec.name: tool for tool in own}

    def kit(agent: str, tools: Sequence[Tool]) -> dict[str, Tool]:
        """The tools of a task by name: those handed in, and those that the agent's profile names.

        :raises ConfigurationError: when the profile names a tool that nobody has, or two tools have one name.
        """
        named = profiles[agent].tools
        if not named and not tools:
            return {}
        made: dict[str, Tool] = {}
        for name in named:
            if name not in known:
                raise ConfigurationError(
                    f"profile {agent!r} names the tool {name!r}, which nobody has: pass it as Orchestrator(tools=[...])"
                )
            made[name] = known[name]
        for tool in tools:
            if made.setdefault(tool.spec.name, tool) is not tool:
                raise ConfigurationError(
                    f"two tools are called {tool.spec.name!r}: a model could not tell them apart"
                )
        return made

    return kit


def _traffic(
    profiles: Profiles,
    audit: AuditLog,
    bus: Bus,
    clock: Clock,
    store: Store,
    catalogue: Catalogue,
    kit: Callable[[str, Sequence[Tool]], object],
    crew: Crew,
    redact: Redactor,
) -> Callable[[], Control]:
    """What moves work between profiles, made when it is first asked for."""

    async def known(model: str) -> None:
        require(model, (await catalogue.snapshot()).index, catalogue.learnt)

    @cache
    def control() -> Control:
        from aiorch.diverting import Control
        from aiorch.routing.traffic_store import TrafficStore

        kept = TrafficStore(store)
        return Control(
            profiles=profiles,
            audit=audit,
            bus=bus,
            clock=clock,
            store=kept,
            known=known,
            usable=lambda profile: kit(profile, ()),
            crew=crew,
            redact=redact,
        )

    return control


def fetcher(transport: Transport) -> Fetch:
    """Gets public addresses for the catalogue, which speaks no HTTP itself."""

    async def fetch(url: str, headers: Mapping[str, str]) -> Reply:
        return await transport.send(transport.prepare("GET", url, headers))

    return fetch


def _overrides(settings: Settings, specs: Iterable[str]) -> Overrides | None:
    """:raises SettingsError: for corrections that cannot be understood."""
    if settings.model_overrides is None:
        return None
    from aiorch.catalog.overrides import load

    return load(settings.model_overrides, (*specs, LOCAL))


def _rulebook(settings: Settings) -> RuleBook | None:
    """:raises ConfigurationError: for rules that cannot be understood."""
    if settings.routing_rules is None:
        return None
    from aiorch.routing.rules_file import load_rules

    return RuleBook(load_rules(settings.routing_rules), str(settings.routing_rules))


def _cache(settings: Settings, store: Store, clock: Clock) -> AnswerCache | None:
    match settings.cache:
        case "off":
            return None
        case "memory":
            return MemoryCache(
                entries=settings.cache_entries,
                ttl=settings.cache_ttl,
                clock=clock,
                size=settings.cache_bytes,
            )
        case "disk":
            return DiskCache(
                store,
                entries=settings.cache_entries,
                ttl=settings.cache_ttl,
                clock=clock,
                size=settings.cache_bytes,
            )


def _similar(settings: Settings, store: Store, clock: Clock) -> SemanticCache | None:
    """:raises ConfigurationError: without an exact cache, which has the answers. :raises MissingExtra: likewise."""
    if not settings.cache_semantic:
        return None
    if settings.cache == "off":
        raise ConfigurationError(
            "cache_semantic = true needs a cache to find answers in: set cache to memory or disk"
        )
    if importlib.util.find_spec("onnxruntime") is None:
        raise MissingExtra("embeddings", "cache_semantic = true")
    from aiorch.providers.local.embedder import LocalEmbedder
    from aiorch.routing.semantic_cache import SemanticCache

    return SemanticCache(
        LocalEmbedder(),
        threshold=settings.cache_similarity,
        entries=settings.cache_entries,
        ttl=settings.cache_ttl,
        clock=clock,
        store=store if settings.cache == "disk" else None,
    )


def plugged(group: str) -> tuple[Any, ...]:
    """What the plugins of a group make: classes and functions are called, anything else is used as it is."""
    made: list[Any] = []
    for plugin in discover(group):
        if plugin.error is not None:
            not_used(plugin)
            continue
        try:
            made.append(plugin.value() if isinstance(plugin.value, type) else plugin.value)
        except Exception as broken:
            not_used(replace(plugin, error=f"{type(broken).__name__}: {broken}"))
    return tuple(made)


def _first(found: Sequence[Matcher]) -> Matcher | None:
    if len(found) > 1:
        names = ", ".join(m.name for m in found)
        raise PluginError(
            f"several matchers are installed ({names}): choose one by Orchestrator(matcher=...)"
        )
    return found[0] if found else None
