"""The settings: what each is called, what it does, in which unit, and what it is when nobody sets it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self
from urllib.parse import urlsplit

from platformdirs import user_config_path, user_data_path
from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict

from aiorch.errors import SettingsError
from aiorch.settings.allowances import EVERYBODY, Allowance, Amount, Dollars
from aiorch.settings.defaults import DEFAULTS, PROGRAM
from aiorch.settings.faults import bad_values
from aiorch.settings.sources import (
    Layer,
    from_arguments,
    from_toml,
    from_variables,
    read_env_file,
    unknown_names,
)
from aiorch.settings.variables import Variables
from aiorch.types import Budget, Timeouts
from aiorch.types.profiles import RoutePolicy

# --- how values may be written -----------------------------------------------------------------------------------


def _none_word(value: object) -> object:
    """``none`` in a place that has no null of its own (a variable, TOML)."""
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


def _listed(value: object) -> object:
    """``groq, gemini`` as two names."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _paired(value: object) -> object:
    """``ollama=http://a, vllm=http://b``, or the same as a JSON object."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value  # not a dictionary: refused as one
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {k.strip(): v.strip() for k, _, v in pairs} if all(eq for _, eq, _ in pairs) else value


def _users(folder: Callable[..., Path]) -> Path:
    """The user's own folder of this kind. Who has no home (a container's unknown user) has none: its name is refused
    by :func:`_full_path` where the folder is needed, and nothing is read from it.
    """
    try:
        return folder("aiorch", appauthor=False)
    except RuntimeError:
        return Path("~/aiorch")


_TABLES = ("keys", "base_urls", "weights", "tenants", "users")


def _full_path(value: Path) -> Path:
    try:
        return value.expanduser().absolute()
    except RuntimeError:
        raise ValueError("a path in a home that exists") from None


def _model_or_path(value: object) -> object:
    """A path as a path (it has a slash or ends in ``.gguf``), a name as a name."""
    if isinstance(value, str) and (value.lower().endswith(".gguf") or any(c in value for c in ("/", os.sep))):
        return Path(value)
    return value


def _one_or_more(value: object) -> object:
    """One key as a list of one."""
    return [value] if isinstance(value, str | SecretStr) else value


def _stripped_keys(value: dict[str, tuple[SecretStr, ...]]) -> dict[str, tuple[SecretStr, ...]]:
    """Without white space, empty ones, and those given twice."""
    stripped = {
        provider: dict.fromkeys(text for key in keys if (text := key.get_secret_value().strip()))
        for provider, keys in value.items()
    }
    return {provider: tuple(map(SecretStr, keys)) for provider, keys in stripped.items() if keys}


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < 16:
        raise ValueError("a secret of at least 16 characters")
    return value


def _folder_or_https(value: object) -> object:
    """An address as an address, everything else as a path. What comes decides what is stopped, so no plain HTTP."""
    if not isinstance(value, str) or "://" not in value:
        return Path(value) if isinstance(value, str) else value
    if not value.startswith("https://"):
        raise ValueError("a folder, or an address that begins with https://")
    return _plain_url(value)


def _sha256(value: str) -> str:
    value = value.strip().lower()
    if len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError("a SHA-256: 64 hexadecimal digits")
    return value


def _plain_url(value: str) -> str:
    value = value.strip()
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        usable = False
    if not usable:
        raise ValueError("a URL that begins with http:// or https://")
    if "@" in urlsplit(value).netloc:
        raise ValueError("a URL without a user name and password (addresses are shown; give the key in keys)")
    return value.rstrip("/")


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PerhapsSeconds = Annotated[Seconds | None, BeforeValidator(_none_word)]
Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Folder = Annotated[Path, AfterValidator(_full_path)]


MOST_KEYS = 9
"""Keys of one provider that are looked for in the environment: ``GROQ_API_KEY``, ``GROQ_API_KEY_2`` ... ``_9``."""


class Settings(BaseSettings):
    """How one orchestrator is set up; it does not change afterwards.

    >>> Settings(cache="off", timeout=30).timeout
    30.0

    :raises SettingsError: when a setting is unknown, has a value that cannot be used, or a file cannot be read. All
        problems are named at once, each with the place that it was found in.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # --- what may be used
    allow_paid: bool = False
    """Whether models that cost money may be used, within the budget."""
    budget_usd: Annotated[Annotated[Decimal, Field(ge=0)] | None, BeforeValidator(_none_word)] = None
    """The most that one task may cost, in USD. ``None`` sets no limit; what is free needs none."""
    budget_tokens: Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_none_word)] = None
    """The most tokens (input and output, all attempts) of one task."""
    budget_day_usd: Annotated[Dollars | None, BeforeValidator(_none_word)] = None
    """The most that all tasks of one day (UTC) may cost together, in USD, whoever asks on this machine."""
    budget_day_tokens: Annotated[Amount | None, BeforeValidator(_none_word)] = None
    """The most tokens that all tasks of one day (UTC) may take together."""
    tenants: Annotated[dict[str, Allowance], BeforeValidator(_paired)] = Field(
        default_factory=dict[str, Allowance]
    )
    """What each tenant may use, by a table for each; the one called ``*`` is for those that have none."""
    users: Annotated[dict[str, Allowance], BeforeValidator(_paired)] = Field(
        default_factory=dict[str, Allowance]
    )
    """The same for each user."""
    providers: Annotated[Names | None, BeforeValidator(_none_word)] = None
    """Only these; ``None`` = every provider that a key was found for, and the embedded model."""
    billed: Names = ()
    """Providers whose key is billed: their free allowance does not apply, so their models count as paid."""
    exclude_training: bool = False
    """Leave out providers that train on what is sent to their free tier."""
    allow_anonymous: bool = False
    """Use providers that answer without a key, where there is none: shared by address, and prompts may be kept."""
    offline: bool = False
    """Use the network for nothing: only models that run on this machine answer."""
    policy: RoutePolicy = "free"
    """Where work may go: free routes in their usual order, this machine before all others, this machine after all
    others, or this machine and no other (no prompt leaves it)."""

    # --- who is asked first among equals
    balancing: Literal["preference", "round_robin", "weighted", "least_busy", "lowest_cost", "fastest"] = (
        "preference"
    )
    """How work is shared out among equals: all to the preferred one, in turn over providers, at random by weight, to
    the one with the fewest calls under way, to the cheapest, or to the quicker of two."""
    rotation: Names = ()
    """Providers whose turn comes in this order in ``round_robin``; others follow."""
    weights: Annotated[dict[str, Weight], BeforeValidator(_paired)] = Field(default_factory=dict[str, float])
    """Shares for ``weighted``, by provider, ``provider/model`` or a deployment's whole id; 1 where nothing is said."""

    # --- keys and addresses
    keys: Annotated[
        dict[str, Annotated[tuple[SecretStr, ...], BeforeValidator(_one_or_more)]],
        BeforeValidator(_paired),
        AfterValidator(_stripped_keys),
    ] = Field(default_factory=dict[str, tuple[SecretStr, ...]])
    """Keys by provider, one or a list, for those that are not in the environment under their usual names."""
    base_urls: Annotated[dict[str, Annotated[str, AfterValidator(_plain_url)]], BeforeValidator(_paired)] = (
        Field(default_factory=dict[str, str])
    )
    """Addresses by provider, where one is reached somewhere else than usual."""

    # --- patience
    timeout: Seconds = 120.0
    """Seconds for a whole task, waits and rounds included."""
    connect_timeout: PerhapsSeconds = 10.0
    """Seconds for name look-up, TCP and TLS of one attempt; ``None`` waits for ever."""
    first_byte_timeout: PerhapsSeconds = 60.0
    """Seconds from the request sent to the response's first byte; ``None`` waits for ever."""
    idle_timeout: PerhapsSeconds = 30.0
    """The longest silence, in seconds, between two pieces of an answer; ``None`` waits for ever."""
    first_token_timeout: PerhapsSeconds = None
    """Seconds to the first content of a stream, and between two pieces of it, or to a whole answer; ``None`` = the two
    before together."""
    resume: Literal["interrupt", "continue", "restart"] = "interrupt"
    """What happens when a stream breaks after something was shown: it ends with an error that carries what came, the
    next model goes on where it broke, or begins again."""
    max_attempts: Count = 8
    """The most calls to providers for one task."""

    # --- the embedded model
    local_model: Annotated[
        Folder | str | None, BeforeValidator(_model_or_path), BeforeValidator(_none_word)
    ] = None
    """The embedded model: a name that ``aiorch local`` knows, or the path of a GGUF file; ``None`` = the default."""
    local_threads: Annotated[Count | None, BeforeValidator(_none_word)] = None
    """Threads that the embedded model computes with; ``None`` = as many as there are cores for it."""

    disabled_plugins: Names = ()
    """Plugins that are not used, by their own name or that of the package they come from."""

    # --- what machines share
    shared_database: Annotated[SecretStr | None, BeforeValidator(_none_word)] = None
    """The address of a PostgreSQL database through which several machines share limits and budgets of a day:
    ``postgresql://user:password@host/name``. ``None`` shares them between the processes of this machine."""

    # --- where runs of workflows live
    engine: SecretStr = SecretStr("memory")
    """Where runs of workflows live: ``memory`` forgets them with the process; ``sqlite:///runs.db`` and
    ``postgresql://user:password@host/name`` keep them, so that they can be carried on; or the name of a plugin's
    engine."""

    # --- what is kept
    data_dir: Folder = Field(default_factory=lambda: _users(user_data_path))
    """The folder of the database, the audit log and the weights."""
    cache: Literal["off", "memory", "disk"] = "memory"
    """Where answers to repeated requests are kept."""
    cache_ttl: Seconds = 86_400.0
    """Seconds for which a kept answer is used again."""
    cache_entries: Count = 10_000
    """The most answers that are kept."""
    cache_bytes: Annotated[ByteSize, Field(gt=0)] = ByteSize(67_108_864)
    """The most that all kept answers may take together, in bytes."""
    cache_semantic: bool = False
    """Whether an answer may also serve a prompt that asks the same in slightly other words (extra ``embeddings``)."""
    cache_similarity: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The least cosine similarity of two such prompts, for the embedded embedding model."""
    model_overrides: Annotated[Folder | None, BeforeValidator(_none_word)] = None
    """A TOML file that corrects what is known of models; it is believed before anybody else."""
    routing_rules: Annotated[Folder | None, BeforeValidator(_none_word)] = None
    """A TOML file of rules that send work to pools of models: by task type, agent, tenant, size or time."""
    catalog_ttl: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 3_600.0
    """Seconds for which a provider's list of models is believed; 0 asks each time."""
    retention: Literal["none", "hashes", "text"] = "hashes"
    """What is kept of prompts and answers: sizes only, SHA-256 hashes and sizes, or the text too."""
    audit: Literal["required", "best_effort", "off"] = "required"
    """What happens when an action cannot be recorded: it is not done, or a warning once; or nothing is recorded."""
    audit_key: Annotated[
        Annotated[SecretStr, AfterValidator(_long_enough)] | None, BeforeValidator(_none_word)
    ] = None
    """What the audit log's records are signed with; ``None`` = a key that is made once and kept in ``data_dir``."""
    audit_anchor: Annotated[Folder | None, BeforeValidator(_none_word)] = None
    """A file, best on another disk, that is told how far the audit log goes; ``None`` = one in ``data_dir``."""

    # --- what may come in, and how good an answer must be
    input_limit: Annotated[ByteSize, Field(gt=0)] = ByteSize(102_400)
    """The most that a task's texts may hold, in bytes of UTF-8 (pictures have a limit of their own)."""
    guard: str = "balanced"
    """What the guard does about what it finds: ``strict``, ``balanced``, ``permissive``, ``off``, or the path of a TOML
    file with a policy of its own."""
    guard_rules: Annotated[
        Folder | str | None, BeforeValidator(_folder_or_https), BeforeValidator(_none_word)
    ] = None
    """Further rules of the guard: a folder that ``aiorch guard rules seal`` has sealed, or one's https:// address."""
    guard_rules_sha256: Annotated[
        Annotated[str, AfterValidator(_sha256)] | None, BeforeValidator(_none_word)
    ] = None
    """The SHA-256 of their ``rules.json``: these and no others. An address needs one."""
    require_quality: bool = False
    """Raise :class:`~aiorch.errors.QualityError` for an answer below its profile's minima instead of marking it."""

    _variables: Variables = PrivateAttr()

    def __init__(self, **arguments: Any) -> None:
        env_file = Path(".env")
        environment, filed = dict(os.environ), read_env_file(env_file)
        layers = (
            from_arguments(arguments),
            from_variables("the environment", environment),
            from_variables(str(env_file.absolute()), filed),
            from_toml(Path("aiorch.toml")),
            from_toml(_users(user_config_path) / "aiorch.toml"),
            Layer(PROGRAM, dict(DEFAULTS)),
        )
        problems = list(unknown_names(layers, type(self).model_fields))
        try:
            super().__init__(_build_sources=(tuple(self.source_of(layer) for layer in layers), {}))
        except ValidationError as invalid:
            problems += bad_values(invalid, layers)
        if problems:  # outside of the handler: the chained error would show values
            raise SettingsError(_said(problems))
        self._variables = Variables(environment, filed)

    @classmethod
    def load(cls, **arguments: Any) -> Self:
        """The settings that hold here and now; ``arguments`` come first.

        :raises SettingsError: see :class:`Settings`.
        """
        return cls(**arguments)

    @classmethod
    def source_of(cls, layer: Layer) -> InitSettingsSource:
        """What one place gives, as pydantic reads it."""
        known = {k: v for k, v in layer.values.items() if k in cls.model_fields}
        # Tables are joined entry by entry, so one that a variable writes as text has to be a table already.
        return InitSettingsSource(cls, {k: _paired(v) if k in _TABLES else v for k, v in known.items()})

    # --- what was found beside the settings

    def secret(self, *names: str) -> tuple[str, SecretStr] | None:
        """The first of these variables that is set, with its value; ``None`` when none is.

        >>> Settings().secret("NOBODY_SETS_THIS_KEY") is None
        True
        """
        found = self._variables.first(names)
        return None if found is None else (found[0], SecretStr(found[1]))

    def secrets(self, *names: str) -> tuple[tuple[str, SecretStr], ...]:
        """The first of these variables that is set, and those of the same name with ``_2`` to ``_9`` behind it: one
        provider's keys, each with its name. Of equal ones the first.

        >>> Settings().secrets("NOBODY_SETS_THIS_KEY")
        ()
        """
        for name in names:
            found: dict[str, str] = {}
            for numbered in (name, *(f"{name}_{number}" for number in range(2, MOST_KEYS + 1))):
                value = self._variables.first((numbered,))
                if value is not None:
                    found.setdefault(value[1], numbered)
            if found:
                return tuple((numbered, SecretStr(value)) for value, numbered in found.items())
        return ()

    def variable(self, *names: str) -> str | None:
        """The value of the first of these variables that is set: addresses, accounts, regions. Not for keys."""
        found = self._variables.first(names)
        return None if found is None else found[1]

    def all_secrets(self) -> tuple[str, ...]:
        """Every value that must never be shown: the given keys, and all variables named like a secret."""
        given = (key.get_secret_value() for keys in self.keys.values() for key in keys)
        shared = () if self.shared_database is None else (self.shared_database.get_secret_value(),)
        engine = self.engine.get_secret_value()
        kept = (engine,) if "@" in engine else ()  # a user, and so perhaps a password
        signing = () if self.audit_key is None else (self.audit_key.get_secret_value(),)
        return tuple(dict.fromkeys((*given, *shared, *kept, *signing, *self._variables.secrets())))

    # --- settings that are used together

    def allowance(self, name: str) -> Allowance | None:
        """What ``tenant:acme`` or ``user:u1`` may use: their own table, else everybody's; ``None`` for no limit.

        >>> Settings(users={"*": {"requests_minute": 20}}).allowance("user:u1").requests_minute
        20
        """
        kind, _, one = name.partition(":")
        table = self.tenants if kind == "tenant" else self.users
        return table.get(one) or table.get(EVERYBODY)

    @property
    def timeouts(self) -> Timeouts:
        """The patience of one attempt."""
        return Timeouts(
            self.connect_timeout, self.first_byte_timeout, self.idle_timeout, self.first_token_timeout
        )

    @property
    def budget(self) -> Budget | None:
        """The limit of one task; ``None`` where no limit is set."""
        if self.budget_usd is None and self.budget_tokens is None:
            return None
        return Budget(usd=self.budget_usd, tokens=self.budget_tokens)

    def __getstate__(self) -> NoReturn:
        raise TypeError("settings hold keys and are not pickled; call Settings.load() where they are needed")


def set_default(name: str, value: object) -> None:
    """A setting's default for all settings that are loaded from now on in this process; ``None`` is one where the
    setting allows it. Whatever people set themselves comes before it.

    :raises SettingsError: for a setting that does not exist, or a value that cannot be used.
    """
    layer = Layer(PROGRAM, {name: value})
    problems = list(unknown_names((layer,), Settings.model_fields))
    if not problems:
        try:
            only: tuple[tuple[InitSettingsSource], dict[str, Any]] = ((Settings.source_of(layer),), {})
            BaseSettings.__init__(Settings.__new__(Settings), _build_sources=only)
        except ValidationError as invalid:
            problems += bad_values(invalid, (layer,))
    if problems:
        raise SettingsError(_said(problems))
    DEFAULTS[name] = value


def _said(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} settings cannot be used:" + "".join(f"\n  - {p}" for p in problems)
