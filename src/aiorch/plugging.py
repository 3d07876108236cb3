"""What each group of plugins has to be, whose names are taken, and which plugins are used: decided here, for the line
and for whoever shows it.

Names are those of the objects, since profiles, routes and assessments show these. What aiorch brings along keeps its
names; what code registers comes before a plugin; of two plugins the one whose distribution is first in the alphabet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, overload

from aiorch.errors import ConfigurationError, PluginError, nearest
from aiorch.plugins import GROUPS, Plugin, declared, imported, lacking, made
from aiorch.plugins.entries import folded
from aiorch.plugins.making import no_such
from aiorch.protocols import Check, Engine, Matcher, Provider, Tool, Validator
from aiorch.providers import SPECS, ProviderSpec
from aiorch.quality import CHECKS
from aiorch.safety import Detector
from aiorch.types import Stage, ToolSpec

if TYPE_CHECKING:
    from aiorch.settings import Settings

T = TypeVar("T")

log = logging.getLogger("aiorch")

LOCAL = "local"
"""The name of the embedded provider."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the plugins of a group are."""

    protocol: type
    what: str
    taken: frozenset[str] = frozenset()
    """Names of what aiorch brings along."""
    also: type | None = None
    """A class whose instances will do as well."""
    instead: bool = False
    """True where one that code hands in takes the place of aiorch's own, so that it may have its name."""


PROVIDERS, MATCHERS, VALIDATORS = "aiorch.providers", "aiorch.matchers", "aiorch.validators"
DETECTORS = "aiorch.detectors"
CHECKERS, TOOLS, ENGINES = "aiorch.checks", "aiorch.tools", "aiorch.engines"

KINDS = {
    PROVIDERS: Kind(Provider, "provider", frozenset({*SPECS, LOCAL}), ProviderSpec, instead=True),
    MATCHERS: Kind(Matcher, "matcher", frozenset({"profile"}), instead=True),
    VALIDATORS: Kind(Validator, "validator", frozenset({"input_limits", "argument_checks", "inspection"})),
    DETECTORS: Kind(
        Detector,
        "detector",
        frozenset({"secrets", "pii", "harmful", "injection", "sql", "shell", "path", "url", "code"}),
    ),
    CHECKERS: Kind(Check, "check", frozenset(check.name for check in CHECKS)),
    TOOLS: Kind(Tool, "tool"),
    ENGINES: Kind(Engine, "engine", frozenset({"memory"})),
}
"""By group. One that is not here is read and served by nobody yet."""

STAGES: frozenset[str] = frozenset(get_args(Stage))

UNSERVED = "this version of aiorch has no use for plugins of this group yet"


class Shelf:
    """The plugins that one orchestrator may use: found once, imported a group at a time, on first use.

    :param settings: for the plugins that want them, and ``disabled_plugins``; without any, only rows of facts are used.
    :param redact: takes keys out of what plugins say when they break.
    :param tells: say in the log what is refused; for whoever does not show it otherwise.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        redact: Callable[[str], str] | None = None,
        *,
        tells: bool = False,
    ) -> None:
        self._tells = tells
        self._settings = settings
        self._redact = redact or str
        self._imported: dict[str, tuple[Plugin, ...]] = {}
        self._told: set[tuple[str, str, str]] = set()

    # --- what there is -------------------------------------------------------------------------------------------

    @cached_property
    def declared(self) -> tuple[Plugin, ...]:
        """All that is installed; those that are switched off, or that nobody serves, are marked."""
        off = {folded(name): name for name in (self._settings.disabled_plugins if self._settings else ())}
        found: list[Plugin] = []
        met: set[str] = set()
        for plugin in declared():
            names = {folded(plugin.name), folded(plugin.distribution)} & off.keys()
            met |= names
            if plugin.error is None and names:
                plugin = replace(plugin, idle="switched off by the setting disabled_plugins")
            elif plugin.error is None and plugin.group not in KINDS:
                plugin = replace(plugin, idle=UNSERVED)
            found.append(plugin)
        for name in off.keys() - met if self._tells else ():
            log.warning(
                "the setting disabled_plugins names %s, and nothing of that name is installed", off[name]
            )
        return tuple(found)

    def imported(self, group: str) -> tuple[Plugin, ...]:
        """The plugins of a group, imported or refused."""
        if group not in self._imported:
            mine = [imported(p) for p in self.declared if p.group == group]
            self._imported[group] = tuple(map(self._shown, mine))
        return self._imported[group]

    def ready(self, group: str, taken: Collection[str] = ()) -> tuple[Plugin, ...]:
        """The plugins of a group with what they make, or why they are refused or left alone; rows of facts come first.

        :param taken: names that code has registered, which come first.
        """
        kind = KINDS[group]
        given = dict.fromkeys(taken, "")
        done: list[Plugin] = []
        for plugin in sorted(self.imported(group), key=lambda p: not isinstance(p.value, ProviderSpec)):
            plugin = self._shown(made(plugin, kind.protocol, kind.also, self._settings))
            if plugin.state == "used":
                plugin = _placed(plugin, group, kind, given)
            if plugin.state == "used":
                given[plugin.gives] = plugin.source
            done.append(plugin)
        return tuple(done)

    def everything(self) -> tuple[Plugin, ...]:
        """All plugins, as an orchestrator of these settings would use them."""
        known = [p for group in KINDS for p in _alone(group, self.ready(group))]
        order = {group: number for number, group in enumerate(GROUPS)}
        others = [p for p in self.declared if p.group not in KINDS]
        return tuple(sorted((*known, *others), key=lambda p: order.get(p.group, len(order))))

    # --- what is used --------------------------------------------------------------------------------------------

    def values(self, group: str, taken: Collection[str] = ()) -> tuple[Any, ...]:
        """What the plugins of a group give; whichever is refused is told of, once."""
        found = _alone(group, self.ready(group, taken))
        self._tell(found)
        return tuple(p.value for p in found if p.state == "used")

    def rows(self) -> dict[str, ProviderSpec]:
        """Rows of facts that plugins add to those of aiorch; what has to be made is left for later."""
        given: dict[str, str] = {}
        rows: dict[str, ProviderSpec] = {}
        for plugin in self.imported(PROVIDERS):
            if plugin.state == "used" and isinstance(plugin.value, ProviderSpec):
                plugin = _placed(plugin, PROVIDERS, KINDS[PROVIDERS], given)
                if plugin.state == "used":
                    given[plugin.gives] = plugin.source
                    rows[plugin.gives] = plugin.value
            self._tell((plugin,))
        return rows

    def joined(self, own: tuple[T, ...], group: str, taken: Collection[str]) -> Sequence[T]:
        """``own`` and what the plugins of a group give, which are imported when somebody looks for the first time."""
        if not any(p.group == group for p in self.declared):
            return own
        return Later(lambda: (*own, *self.values(group, taken)))

    def named(self, group: str, name: str) -> Any:
        """What the plugin gives that is called ``name``.

        :raises PluginError: where there is none, or it cannot be used.
        """
        kind, found = KINDS[group], self.ready(group)
        for plugin in found:
            if name in (plugin.gives, plugin.name) and plugin.state == "used":
                return plugin.value
        self.not_refused(group, name)
        known = (*kind.taken, *(p.gives for p in found if p.state == "used"))
        near = nearest(name, known)
        offer = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known))}"
        raise PluginError(
            f"no {kind.what} is called {name!r}; {offer} (`aiorch plugins` shows what is installed)"
        )

    def not_refused(self, group: str, name: str) -> None:
        """:raises PluginError: where a plugin of that name is installed, and cannot be used."""
        for plugin in self.ready(group):
            if name in (plugin.gives, plugin.name) and plugin.state != "used":
                why = plugin.error or plugin.idle
                raise PluginError(
                    f"the {KINDS[group].what} {name!r} of {plugin.source} cannot be used: {why}"
                )

    def unserved(self) -> None:
        """Tell of plugins that nobody will ever ask for."""
        self._tell(p for p in self.declared if p.group not in KINDS)

    def _shown(self, plugin: Plugin) -> Plugin:
        return plugin if plugin.error is None else replace(plugin, error=self._redact(plugin.error))

    def _tell(self, plugins: Iterable[Plugin]) -> None:
        for plugin in plugins:
            why = plugin.error or (plugin.idle if plugin.idle == UNSERVED else None)
            key = plugin.group, plugin.name, plugin.source
            if self._tells and why is not None and key not in self._told:
                self._told.add(key)
                log.warning(
                    "plugin %s of %s (%s) cannot be used: %s", plugin.name, plugin.source, plugin.group, why
                )


class Later(Sequence[T]):
    """A sequence that is made when somebody looks into it for the first time."""

    def __init__(self, make: Callable[[], tuple[T, ...]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> tuple[T, ...]:
        return self._make()

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._made[index]

    def __len__(self) -> int:
        return len(self._made)


def registered(group: str, objects: Iterable[Any]) -> tuple[Any, ...]:
    """What code registers, held to the same rules as plugins.

    :raises ConfigurationError: for what is not of its kind, and for a name that is taken.
    """
    kind, argument = KINDS[group], group.removeprefix("aiorch.")
    seen: set[str] = set()
    given = tuple(objects)
    for value in given:
        if isinstance(value, type):
            raise ConfigurationError(
                f"{argument}= takes objects; {value.__name__} is a class: pass {value.__name__}(...)"
            )
        lacks = lacking(value, kind.protocol)
        if lacks:
            raise ConfigurationError(f"{argument}=: {no_such(value, kind.protocol, lacks)}")
        name = name_of(group, value)
        wrong = _unfit(name) or _unfit_for(group, value)
        if wrong:
            raise ConfigurationError(f"{argument}=: an object of {type(value).__name__} {wrong}")
        if name in seen or (name in kind.taken and not kind.instead):
            whose = f"another {kind.what}" if name in seen else f"aiorch's own {kind.what}"
            raise ConfigurationError(
                f"two {kind.what}s are called {name!r}: {whose} has that name, give each one of its own"
            )
        seen.add(name)
    return given


def name_of(group: str, value: Any) -> Any:
    """What an object of that group calls itself; a plugin's may be anything."""
    if isinstance(value, ProviderSpec):
        return value.id
    return value.spec.name if group == TOOLS else value.name


def _placed(plugin: Plugin, group: str, kind: Kind, given: dict[str, str]) -> Plugin:
    """With its name, where that is free.

    :param given: names that are taken, and by which distribution; by code where that is empty.
    """
    try:
        name = name_of(group, plugin.value)
        wrong = _unfit(name) or _unfit_for(group, plugin.value)
    except Exception as broken:
        return replace(plugin, value=None, error=f"{type(broken).__name__}: {broken}")
    if wrong:
        return replace(plugin, value=None, error=f"it {wrong}")
    plugin = replace(plugin, gives=name)
    if name in kind.taken:
        return replace(plugin, value=None, error=f"aiorch has a {kind.what} {name!r} of its own")
    if name not in given:
        return plugin
    if given[name]:
        return replace(plugin, value=None, error=f"{given[name]} has a {kind.what} {name!r}, and comes first")
    return replace(plugin, value=None, idle=f"the program has registered a {kind.what} {name!r} itself")


def _unfit(name: object) -> str:
    """What is wrong with a name; empty where nothing is."""
    if not isinstance(name, str):
        return f"calls itself {name!r}, which is no text"
    if not name or name != name.strip() or any(c in "/#" or not c.isprintable() for c in name):
        return f"calls itself {name!r}: a name is a word without / and #"
    return ""


def _unfit_for(group: str, value: Any) -> str:
    """What is wrong with members that are read in the middle of a task; empty where nothing is."""
    if group == VALIDATORS:
        stages: object = value.stages
        if not isinstance(stages, set | frozenset) or not cast("frozenset[object]", stages) <= STAGES:
            return f"has the stages {stages!r}: they are a frozenset of {', '.join(sorted(STAGES))}"
    if group == TOOLS and not isinstance(value.spec, ToolSpec):
        return f"has a spec of {type(value.spec).__name__}: it is a ToolSpec"
    return ""


def _alone(group: str, found: tuple[Plugin, ...]) -> tuple[Plugin, ...]:
    """Work can be ranked by one matcher: where several are installed and nobody has chosen, none of them does it."""
    used = [p for p in found if p.state == "used"]
    if group != MATCHERS or len(used) < 2:
        return found
    names = ", ".join(p.gives for p in used)
    why = (
        f"several matchers are installed ({names}): choose by Orchestrator(matcher={used[0].gives!r}), "
        "or switch others off by the setting disabled_plugins"
    )
    return tuple(replace(p, error=why) if p.state == "used" else p for p in found)
