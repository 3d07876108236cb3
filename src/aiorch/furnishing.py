"""What the house is furnished with: each part that the line calls, made from the settings. Nothing is opened here."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from aiorch.catalog import Catalogue, require
from aiorch.clock import Clock
from aiorch.errors import AiorchError, ConfigurationError, MissingExtra, SettingsError
from aiorch.events import Bus, Warned
from aiorch.net import Reply, Transport
from aiorch.plugging import LOCAL, MATCHERS, Shelf, registered
from aiorch.protocols import Matcher, Provider, Tool
from aiorch.providers import ProviderSpec
from aiorch.routing import AnswerCache, MemoryCache, ProfileMatcher, Profiles, RuleBook
from aiorch.routing.disk_cache import DiskCache
from aiorch.safety import AuditLog, Redactor, detectors
from aiorch.settings import Settings
from aiorch.spawning import Crew
from aiorch.store import FILE_NAME, Migration, Store
from aiorch.types import Limit

if TYPE_CHECKING:
    from random import Random

    from aiorch.catalog.overrides import Overrides
    from aiorch.catalog.sources import Fetch
    from aiorch.diverting import Control
    from aiorch.routing.day_purse import DayPurses
    from aiorch.routing.experience import Experience
    from aiorch.routing.semantic_cache import SemanticCache
    from aiorch.safety.rule_keeping import RuleKeeper
    from aiorch.workflow.services import ResultCache

log = logging.getLogger("aiorch")


def audit_log(settings: Settings, redact: Redactor, clock: Clock | None = None) -> AuditLog:
    """The record of what is done."""
    return AuditLog(
        settings.data_dir / "audit",
        mode=settings.audit,
        retention=settings.retention,
        redact=redact,
        clock=clock,
        key=None if settings.audit_key is None else settings.audit_key.get_secret_value(),
        anchor=settings.audit_anchor,
    )


def own_measurements(store: Store) -> Callable[[], Awaitable[Mapping[str, float]]]:
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


def counts_days(settings: Settings) -> bool:
    """True where somebody has a budget of the day."""
    allowances = (*settings.tenants.values(), *settings.users.values())
    ours = settings.budget_day_usd, settings.budget_day_tokens
    return any(v is not None for v in (*ours, *(v for a in allowances for v in (a.usd_day, a.tokens_day))))


def day_tables(settings: Settings) -> tuple[Migration, ...]:
    """The tables of budgets a day, where there are any."""
    if not counts_days(settings):
        return ()
    from aiorch.routing.day_rows import MIGRATIONS

    return MIGRATIONS


def day_purses(settings: Settings, store: Store, clock: Clock) -> DayPurses | None:
    """The day's budgets: everybody's, each tenant's, each user's."""
    if not counts_days(settings):
        return None
    from aiorch.routing.day_purse import DayBook, DayLimit, DayPurses
    from aiorch.routing.day_rows import SharedDays, StoreDays

    def limit_of(name: str) -> DayLimit | None:
        own = settings.allowance(name)
        if own is None or (own.usd_day is None and own.tokens_day is None):
            return None
        return DayLimit(own.usd_day, own.tokens_day)

    everybody = settings.budget_day_usd, settings.budget_day_tokens
    limit = None if everybody == (None, None) else DayLimit(*everybody)
    elsewhere = settings.shared_database
    if elsewhere is None:
        return DayPurses(DayBook(StoreDays(store, clock), clock), limit, limit_of)
    from aiorch.quotas import PostgresRows

    return DayPurses(DayBook(SharedDays(PostgresRows(elsewhere.get_secret_value())), clock), limit, limit_of)


def experience_of(
    settings: Settings,
    specs: Mapping[str, ProviderSpec],
    clock: Clock,
    rng: Random | None,
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
        rng=rng,
        quotas=SharedQuotas(clock, rows),
        keeper=lambda health: HealthStore(store, health, clock),
        zones=zones(specs),
        limits=limits,
        closes=store.aclose,
    )
    named = {provider.name: provider for provider in providers}
    experience.checks = Checks(named, experience.health, clock, beside=crew.offer, redact=redact)
    return experience


def beside(experience: Experience, specs: Mapping[str, ProviderSpec], clock: Clock) -> Experience:
    """Of an executor whose failures must not be held against anybody: the same limits and nothing else."""
    from aiorch.routing.experience import Experience

    return Experience(clock, quotas=experience.quotas, zones=zones(specs))


def zones(specs: Mapping[str, ProviderSpec]) -> Mapping[str, str]:
    """By provider: where its days end."""
    return {s.id: s.day_reset for s in specs.values() if s.day_reset != "told"}


def toolkit(profiles: Profiles, own: Iterable[Tool]) -> Callable[[str, Sequence[Tool]], dict[str, Tool]]:
    """Finds the tools of a task among all that there are; they are looked at when a profile first names one."""

    @cache
    def everybodys() -> dict[str, Tool]:
        return {tool.spec.name: tool for tool in own}

    def kit(agent: str, tools: Sequence[Tool]) -> dict[str, Tool]:
        """The tools of a task by name: those handed in, and those that the agent's profile names.

        :raises ConfigurationError: when the profile names a tool that nobody has, or two tools have one name.
        """
        named = profiles[agent].tools
        if not named and not tools:
            return {}
        made: dict[str, Tool] = {}
        known = everybodys() if named else {}
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


def traffic_control(
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


def rule_keeper(
    settings: Settings, transport: Transport, clock: Clock, audit: AuditLog, bus: Bus
) -> RuleKeeper | None:
    """The further rules of the guard, which are looked for when the first text comes.

    :raises SettingsError: for an address without the hash of what is there.
    """
    source = settings.guard_rules
    if source is None:
        return None
    if isinstance(source, str) and settings.guard_rules_sha256 is None:
        raise SettingsError(
            f"guard_rules = {source!r} needs guard_rules_sha256: the SHA-256 of its rules.json"
        )
    from aiorch.safety.rule_keeping import RuleKeeper, Told

    async def get(url: str, most: int) -> bytes:
        async with transport.stream(transport.prepare("GET", url)) as reply:
            if reply.status != 200:
                raise ConfigurationError(f"{url} answered with status {reply.status}")
            return await reply.read(most)

    def tell(told: Told) -> None:
        if not told.refused:
            audit.append("guard.rules", source=told.source, version=told.version, sha256=told.sha256)
            return
        which = (
            f"the rules {told.version} stay in force" if told.version else "only aiorch's own are in force"
        )
        log.warning("guard_rules = %s: %s; %s", told.source, told.refused, which)
        bus.emit(Warned(at=clock.now(), code="guard_rules", message=f"{told.refused}; {which}"))

    return RuleKeeper(
        source,
        sha256=settings.guard_rules_sha256,
        file=settings.data_dir / "guard-rules.json",
        get=None if settings.offline else get,
        clock=clock,
        ours=detectors,
        tell=tell,
    )


def corrections(settings: Settings, specs: Iterable[str]) -> Overrides | None:
    """:raises SettingsError: for corrections that cannot be understood."""
    if settings.model_overrides is None:
        return None
    from aiorch.catalog.overrides import load

    return load(settings.model_overrides, (*specs, LOCAL))


def rulebook(settings: Settings) -> RuleBook | None:
    """:raises ConfigurationError: for rules that cannot be understood."""
    if settings.routing_rules is None:
        return None
    from aiorch.routing.rules_file import load_rules

    return RuleBook(load_rules(settings.routing_rules), str(settings.routing_rules))


def answer_cache(settings: Settings, store: Store, clock: Clock) -> AnswerCache | None:
    """Where answers to repeated requests are kept, if anywhere."""
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


def result_cache(settings: Settings, clock: Clock) -> ResultCache | None:
    """Where results of workflows' tasks are kept, if anywhere. Made for the first workflow."""
    if settings.cache == "off":
        return None
    from aiorch.workflow.result_cache import MIGRATIONS, DiskResults, MemoryResults

    if settings.cache == "memory":
        return MemoryResults(clock, entries=settings.cache_entries, size=settings.cache_bytes)
    store = Store(settings.data_dir / FILE_NAME, MIGRATIONS, clock=clock)
    return DiskResults(store, clock, entries=settings.cache_entries, size=settings.cache_bytes)


def similar_prompts(settings: Settings, store: Store, clock: Clock) -> SemanticCache | None:
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


def ranked_by(wanted: Matcher | str | None, shelf: Shelf, usual: Callable[[], Matcher]) -> Matcher:
    """Who ranks models: whom code hands in or names, else the one that a plugin gives, else the usual one.

    :raises PluginError: for a name that nobody has. :raises ConfigurationError: for what is no matcher.
    """
    if isinstance(wanted, str):
        made: Matcher = usual() if wanted == ProfileMatcher.name else shelf.named(MATCHERS, wanted)
        return made
    if wanted is not None:
        registered(MATCHERS, (wanted,))
        return wanted
    plugged: tuple[Matcher, ...] = shelf.values(MATCHERS)
    return plugged[0] if plugged else usual()
