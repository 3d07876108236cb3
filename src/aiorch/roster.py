"""Which providers can be used here: those with a key, an address, a signer's credentials, or none needed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiorch.catalog.here import is_local
from aiorch.clock import Clock
from aiorch.errors import ConfigurationError, LocalModelError, MissingExtra, UnknownProvider
from aiorch.net import Transport
from aiorch.plugging import LOCAL, PROVIDERS, Shelf
from aiorch.protocols import Provider
from aiorch.providers import RETIRED, SPECS, ProviderSpec
from aiorch.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr


def known_specs(shelf: Shelf | None = None) -> dict[str, ProviderSpec]:
    """Every row of facts: those that aiorch brings along, and those of plugins."""
    return {**SPECS, **(shelf or Shelf()).rows()}


def configured(
    settings: Settings,
    specs: Mapping[str, ProviderSpec],
    shelf: Shelf,
    transport: Transport,
    clock: Clock,
) -> tuple[Provider, ...]:
    """The providers that have what they need, and the embedded model where it is installed.

    :raises UnknownProvider: when the settings name one that nobody knows. :raises PluginError: when they name a
        plugin's that cannot be used.
    :raises ConfigurationError: when they ask for one that lacks something.
    """
    plugged: tuple[Provider | ProviderSpec, ...] = shelf.values(PROVIDERS)
    own = {p.name: p for p in plugged if not isinstance(p, ProviderSpec)}
    for name in settings.providers or ():
        if name not in specs and name not in own:
            shelf.not_refused(PROVIDERS, name)
    heard_of((*(settings.providers or ()), *settings.keys, *settings.base_urls), (*specs, *own))
    found: list[Provider] = []
    for spec in specs.values():
        if settings.providers is None or spec.id in settings.providers:
            provider = _networked(settings, spec, transport, clock)
            if provider is not None:
                found.append(provider)
    found += (p for name, p in own.items() if settings.providers is None or name in settings.providers)
    if settings.providers is None or LOCAL in settings.providers:
        local = embedded(settings, clock)
        if local is not None:
            found.append(local)
    return tuple(found)


def heard_of(names: Iterable[str], specs: Iterable[str]) -> None:
    """:raises UnknownProvider: for the first name that is no provider's."""
    known = (*specs, LOCAL)
    for name in names:
        if name not in known:
            fate = RETIRED.get(name, "")
            raise UnknownProvider(name, () if fate else known, fate)


def public_lists(
    settings: Settings, specs: Mapping[str, ProviderSpec], transport: Transport, clock: Clock
) -> tuple[Provider, ...]:
    """Providers that tell anybody which models they have, those that cannot be used here included. Only for looking:
    asked without a key, they would refuse every other call.
    """
    from aiorch.providers import HTTPProvider

    return tuple(
        HTTPProvider(spec, transport, keys={}, clock=clock)
        for spec in specs.values()
        if spec.list_is_public
        and not spec.local
        and spec.list_path is not None
        and not spec.variables
        and (settings.providers is None or spec.id in settings.providers)
    )


def lacking(settings: Settings, spec: ProviderSpec) -> str | None:
    """What keeps a provider from being used, in a few words; ``None`` where nothing does."""
    if settings.offline and not spec.local:
        return "offline"
    names = _wanted(settings, spec)
    return f"no {names[0]}" if names else None


def _wanted(settings: Settings, spec: ProviderSpec) -> tuple[str, ...]:
    """The names of which one has to be set before it can be used; empty where nothing is missing."""
    asked_for = settings.providers is not None and spec.id in settings.providers
    if not spec.needs_key and not asked_for and _host(settings, spec) is None:
        return (*spec.url_env, f"base_urls.{spec.id}")
    # A signer may find credentials where no variable tells of them (a role, a file): believed when asked for by name.
    signs = _can_sign(settings, spec) or (asked_for and spec.signer is not None and spec.auth is not None)
    if spec.needs_key and not (_keys(settings, spec) or signs or _anonymous(settings, spec)):
        return (*spec.env, f"keys.{spec.id}")
    if _host(settings, spec) is not None:  # a whole address holds what it needs
        return ()
    there = _variables(settings, spec)
    needed = (v for v in spec.variables if v.default is None and not v.optional and v.name not in there)
    return next((v.env for v in needed), ())


def _networked(settings: Settings, spec: ProviderSpec, transport: Transport, clock: Clock) -> Provider | None:
    """The provider of a row, when it has what it needs."""
    if settings.offline and not spec.local:
        return None
    wanted = _wanted(settings, spec)
    if wanted:
        if settings.providers is None:
            return None
        raise ConfigurationError(
            f"provider {spec.id!r} is asked for, and something is missing: set {' or '.join(wanted)} "
            "(environment, .env or aiorch.toml)"
        )
    from aiorch.providers import HTTPProvider

    keys, host = _keys(settings, spec), _host(settings, spec)
    variables = _variables(settings, spec)
    signer = None
    if spec.signer is not None:
        from aiorch.providers.signing import signer_for

        found = dict(pair for name in spec.signer_env if (pair := settings.secret(name)))
        signer = signer_for(spec, found, variables, transport, clock)
    return HTTPProvider(
        spec,
        transport,
        keys=keys,
        base_url=address(host, spec.base_url) if host else None,
        variables=variables,
        signer=signer,
        anonymous=not keys and _anonymous(settings, spec),
        clock=clock,
    )


def _keys(settings: Settings, spec: ProviderSpec) -> dict[str, SecretStr]:
    """Its keys by the names that deployments and trails call them: those given, else those in the variables."""
    given = settings.keys.get(spec.id, ())
    if not given:
        return dict(settings.secrets(*spec.env))
    return {f"keys.{spec.id}" + (f"_{n}" if n > 1 else ""): key for n, key in enumerate(given, 1)}


def _host(settings: Settings, spec: ProviderSpec) -> str | None:
    return settings.base_urls.get(spec.id) or settings.variable(*spec.url_env)


def _can_sign(settings: Settings, spec: ProviderSpec) -> bool:
    """True where a signer has credentials of its own, beside any key."""
    return spec.signer is not None and settings.variable(*spec.signer_env) is not None


def _anonymous(settings: Settings, spec: ProviderSpec) -> bool:
    return settings.allow_anonymous and spec.anonymous is not None


def on_this_machine(provider: Provider) -> bool:
    """True where what is sent to it stays on this machine: it runs in this process, or its address is the machine's
    own. A server in the same network is another machine.
    """
    if not is_local(provider):
        return False
    address: str | None = getattr(getattr(provider, "spec", None), "base_url", None)
    if address is None:
        return True
    host = (urlsplit(address).hostname or "").removesuffix(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _variables(settings: Settings, spec: ProviderSpec) -> dict[str, str]:
    """The values of the row's variables that are set."""
    return {v.name: value for v in spec.variables if (value := settings.variable(*v.env)) is not None}


def address(host: str, usual: str) -> str:
    """A base URL from what people set: a whole URL, or only a host as ``OLLAMA_HOST`` has it; port and path as usual.

    >>> address("127.0.0.1", "http://localhost:11434/v1")
    'http://127.0.0.1:11434/v1'
    >>> address("https://models.example/api/v1", "http://localhost:11434/v1")
    'https://models.example/api/v1'
    """
    known = urlsplit(usual)
    if not known.path:  # an address of before, with the path of another dialect of the same server
        host = host.rstrip("/").removesuffix("/v1")
    parts = urlsplit(host if "://" in host else f"{known.scheme}://{host}")
    port = "" if parts.port or parts.scheme != known.scheme or not known.port else f":{known.port}"
    path = parts.path.rstrip("/") or known.path
    return f"{parts.scheme}://{parts.netloc}{port}{path}"


def embedded(settings: Settings, clock: Clock) -> Provider | None:
    """The embedded model, where its engine and its weights are installed.

    :raises LocalModelError: when the settings name weights that are not there.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        if settings.local_model is not None:
            raise MissingExtra("local", f"the embedded model {settings.local_model}")
        return None
    from aiorch.providers.local import DEFAULT, LocalProvider, locate

    wanted = settings.local_model or DEFAULT
    path = locate(wanted, weights_folder(settings))
    if path is None:
        if settings.local_model is not None:
            raise LocalModelError(
                f"the weights of the embedded model {wanted} are not installed: run `aiorch local install {wanted}`"
            )
        return None
    name = wanted.stem if isinstance(wanted, Path) else wanted
    return LocalProvider(path, model_id=name, threads=settings.local_threads, clock=clock)


def weights_folder(settings: Settings) -> Path:
    """Where the weights of embedded models are kept."""
    elsewhere = settings.variable("AIORCH_WEIGHTS_DIR")
    return Path(elsewhere) if elsewhere else settings.data_dir / "models"
