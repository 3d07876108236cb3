"""The wiring: from settings and plugins to the objects that the line calls. Nothing is opened or asked here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from aiorch.catalog import Catalogue, key_names
from aiorch.catalog.lists import MIGRATIONS as CATALOG_TABLES
from aiorch.clock import Clock, SystemClock
from aiorch.errors import AiorchError, ConfigurationError, PluginError
from aiorch.events import Bus
from aiorch.journal import NullJournal
from aiorch.net import Reply, Transport
from aiorch.plugins import discover
from aiorch.protocols import Check, Journal, Matcher, Provider, StreamValidator, Tool, Validator
from aiorch.providers import ProviderSpec
from aiorch.quality import CHECKS
from aiorch.reporting import Reporter
from aiorch.roster import LOCAL, configured, known_specs, not_used, public_lists
from aiorch.routing import AnswerCache, Executor, MemoryCache, ProfileMatcher, Profiles, RuleBook, Rules
from aiorch.routing.disk_cache import MIGRATIONS as ANSWER_TABLES
from aiorch.routing.disk_cache import DiskCache
from aiorch.safety import AuditLog, Guard, InputLimits, Redactor
from aiorch.settings import Settings
from aiorch.store import FILE_NAME, Store
from aiorch.tools import ToolRunner
from aiorch.types import Profile
from aiorch.work import Line

if TYPE_CHECKING:
    import httpx

    from aiorch.catalog.overrides import Overrides
    from aiorch.catalog.sources import Fetch

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
        tools: Iterable[Tool],
        redact: Redactor,
    ) -> None:
        self.settings = settings
        self.line = line
        self.journal: Journal = NullJournal()
        self.redact = redact
        """Takes keys out of texts that are shown or kept."""
        self.audit = audit
        self.providers = tuple(providers)
        self._store = store
        self._transport = transport
        self._tools = {tool.spec.name: tool for tool in tools}

    def kit(self, agent: str, tools: Sequence[Tool]) -> dict[str, Tool]:
        """The tools of a task by name: those handed in, and those that the agent's profile names.

        :raises ConfigurationError: when the profile names a tool that nobody has, or two tools have one name.
        """
        named = self.line.profiles[agent].tools
        if not named and not tools:
            return {}
        kit: dict[str, Tool] = {}
        for name in named:
            if name not in self._tools:
                raise ConfigurationError(
                    f"profile {agent!r} names the tool {name!r}, which nobody has: pass it as Orchestrator(tools=[...])"
                )
            kit[name] = self._tools[name]
        for tool in tools:
            if kit.setdefault(tool.spec.name, tool) is not tool:
                raise ConfigurationError(
                    f"two tools are called {tool.spec.name!r}: a model could not tell them apart"
                )
        return kit

    @property
    def keys(self) -> Mapping[str, tuple[str | None, ...]]:
        """By configured provider: the names of its keys, ``(None,)`` where it needs none."""
        return {provider.name: key_names(provider) for provider in self.providers}

    async def aclose(self) -> None:
        """Close providers and files; all of them, also when one fails at it."""
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
        await self._store.aclose()

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
    store = Store(settings.data_dir / FILE_NAME, (*CATALOG_TABLES, *ANSWER_TABLES), clock=clock)
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
    catalogue = Catalogue(
        providers,
        clock=clock,
        store=None if given else store,  # what somebody made may have any name
        ttl=settings.catalog_ttl,
        offline=settings.offline,
        redact=redact,
        public=lambda: public_lists(settings, specs, transport, clock),
        fetch=fetcher(transport),
        overrides=_overrides(settings, specs),
    )
    line = Line(
        profiles=Profiles(parts.profiles),
        rules=Rules(settings.allow_paid, frozenset(settings.billed), _excluded(settings, specs)),
        catalogue=catalogue,
        matcher=parts.matcher
        or _first(plugged("aiorch.matchers"))
        or ProfileMatcher(catalogue.learnt, _measured(store)),
        rulebook=_rulebook(settings),
        executor=Executor(
            {p.name: p for p in providers}, clock=clock, bus=bus, timeouts=settings.timeouts, redact=redact
        ),
        guard=Guard((InputLimits(settings.input_limit), *parts.validators, *plugged("aiorch.validators"))),
        stream_validators=parts.stream_validators,
        tools=ToolRunner(redact=redact),
        checks=(*CHECKS, *parts.checks, *plugged("aiorch.checks")),
        cache=_cache(settings, store, clock),
        report=Reporter(audit, bus, clock),
        bus=bus,
        clock=clock,
        timeout=settings.timeout,
        attempts=settings.max_attempts,
        budget=settings.budget,
        require_quality=settings.require_quality,
    )
    tools = (*parts.tools, *plugged("aiorch.tools"))
    return House(
        settings,
        line,
        store=store,
        audit=audit,
        transport=transport,
        providers=providers,
        tools=tools,
        redact=redact,
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
            return MemoryCache(entries=settings.cache_entries, ttl=settings.cache_ttl, clock=clock)
        case "disk":
            return DiskCache(store, entries=settings.cache_entries, ttl=settings.cache_ttl, clock=clock)


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
