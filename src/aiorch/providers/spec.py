"""What has to be known of a provider to use it: a row of facts, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from string import Formatter
from typing import Any, Literal

from aiorch.errors import ConfigurationError
from aiorch.types import FailureScope, FreeKind, FreeTerms, Limit

DialectName = Literal["openai", "openrouter", "anthropic", "gemini", "cohere", "ollama", "bedrock", "watsonx"]
"""Which of :mod:`aiorch.providers.dialects` speaks to it."""
SignerName = Literal["aws", "ibm", "google"]
"""Which of :mod:`aiorch.providers.signing` makes the headers of each call, where a key in a header is not enough."""
PriceUnit = Literal["usd_per_token", "usd_per_million", "hundredth_cents_per_million"]
"""What a number in its list of models means; the last is 1/10,000 USD per million tokens, so 3900 is 0.39 USD."""
DayReset = Literal["told", "UTC", "America/Los_Angeles"]
"""When a day's allowance comes back: whenever its headers say, or at midnight there whatever its headers say."""


@dataclass(frozen=True, slots=True)
class FreePolicy:
    """Which of its models cost nothing, why, and who says so."""

    kind: FreeKind
    """What the models that match are."""
    models: tuple[str, ...] = ("*",)
    """Patterns of ids (``*`` matches anything); what no pattern matches has to be paid."""
    zero_price: bool = False
    """True where the list must also show a price of zero."""
    listed: tuple[str, str | bool] | None = None
    """A field of its list and what that holds where a model is free; ``None`` where the list has no such field."""
    basis: str = ""
    as_of: str = ""
    """The day, month or year of the source."""
    limits: tuple[Limit, ...] = ()
    """What holds for every free model."""
    model_limits: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict[str, tuple[Limit, ...]])
    """What holds for those whose id matches a pattern, in place of ``limits``; the first that matches counts."""

    def terms(self, model: str) -> FreeTerms:
        """The conditions under which ``model`` costs nothing."""
        own = (limits for pattern, limits in self.model_limits.items() if fnmatchcase(model, pattern))
        return FreeTerms(self.basis, next(own, self.limits), self.as_of)

    def covers(self, model: str) -> bool:
        """True when a pattern matches ``model``."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class Window:
    """The headers of one allowance."""

    remaining: str
    """What is left of it; 0 on a 429 says that this one is used up."""
    reset: str
    """When it comes back, in any format that :func:`~aiorch.providers.resets.reset_at` reads."""
    per: Literal["minute", "day"]


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where its OpenAI dialect differs. The defaults are what most take."""

    max_tokens: str = "max_tokens"
    """The field that limits the answer."""
    seed: str | None = "seed"
    """The field of the seed; ``None`` where there is none."""
    stop: bool = True
    """True where stop texts are taken."""
    required_tool: str = "required"
    """How ``tool_choice`` says that a tool must be called."""
    tool_choice: bool = True
    """False where any ``tool_choice`` is refused, so that the model alone decides."""
    parallel_tools: bool | None = None
    """Sent as ``parallel_tool_calls`` when tools are; ``None`` leaves it out."""
    schema: Literal["json_schema", "json_object", "prompt"] = "json_schema"
    """How an answer's shape is asked for; the last two also say it in words."""
    closed_schemas: bool = False
    """True where ``strict`` is refused for schemas with optional or additional properties."""
    stream_usage: bool = True
    """True where ``stream_options.include_usage`` is taken."""
    no_sampling: tuple[str, ...] = ()
    """Patterns of ids that refuse temperature, top_p and stop (reasoning models)."""
    greedy_top_p: bool = True
    """False where temperature 0 is refused beside a ``top_p``; it has no effect there, so it is left out."""
    reasoning_back: Literal["never", "tool_turns"] = "never"
    """Whether a model's thinking goes back to it: never, or in turns that call tools."""
    strip_id: str = ""
    """A prefix that its list puts before ids and its chat does not take."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A part of a provider's addresses or requests that is its user's own: an account, a region, a project."""

    name: str
    """``{name}`` in addresses and in the values of ``body``; a value of ``body`` without it is left out."""
    env: tuple[str, ...]
    """Names of environment variables that conventionally hold it, best first."""
    default: str | None = None
    optional: bool = False
    """True where the provider can do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """One provider.

    >>> ProviderSpec(id="acme", name="Acme", base_url="https://api.acme.example/v1", env=("ACME_API_KEY",)).chat_path
    '/chat/completions'
    """

    id: str
    """Short, lower case, unique."""
    name: str
    """What people call it."""
    base_url: str
    """May hold ``{name}`` of a variable, as every path may."""
    variables: tuple[Variable, ...] = ()
    env: tuple[str, ...] = ()
    """Names of environment variables that conventionally hold its key, best first."""
    url_env: tuple[str, ...] = ()
    """Names of environment variables that conventionally hold its address (local servers)."""
    auth: str | None = "Authorization: Bearer {key}"
    """The header that carries the key."""
    needs_key: bool = True
    signer: SignerName | None = None
    """Who makes the headers of each call where no key of ``env`` is set."""
    signer_env: tuple[str, ...] = ()
    """Names of the environment variables that the signer reads; any of them that is set configures the provider."""
    local: bool = False
    """True for a server on the user's own machine or network."""
    dialect: DialectName = "openai"
    chat_path: str = "/chat/completions"
    """For the dialects whose chats have one address; ``{model}`` is the model's id."""
    list_path: str | None = "/models"
    """``None`` where it has no list: its models are the ``unlisted`` ones. A whole URL where it is on another host."""
    more_lists: tuple[str, ...] = ()
    """Further lists whose models are added."""
    list_is_public: bool = False
    """True where the list needs no key, so that it says nothing about one."""
    unlisted: tuple[str, ...] = ()
    """Ids that it serves and its list, if it has one, leaves out."""
    chat_types: tuple[str, ...] = ("chat", "llm", "vlm")
    """What its list calls the type of a model that chats."""
    embeddings_path: str | None = None
    """``None`` where it has none."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with every call."""
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Sent in every chat request."""
    price_unit: PriceUnit | None = None
    """``None`` where its list shows no prices."""
    free: FreePolicy = FreePolicy("none")
    anonymous: FreePolicy | None = None
    """Which models answer without any key, where some do: asked only when the settings allow it."""
    key_check: str | None = None
    """A path that answers 401 or 403 to a bad key and costs nothing; ``None`` = the list, where that is not public."""
    limit_scope: FailureScope = "key_model"
    """What a 429 that does not say more condemns."""
    windows: tuple[Window, ...] = ()
    idempotency_header: str | None = None
    """The header under which it takes an idempotency key, so that a question that was answered and got lost is not paid
    twice; ``None`` where it takes none.

    None of our rows has one: OpenAI's own client never sends the header (openai-python, ``_idempotency_header``),
    Anthropic's maintainers say that their service does not honour it (anthropic-sdk-typescript, pull request 1144,
    August 2026), and no other provider documents it for chats. Some gateways do.
    """
    told_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers of an answer, in lower case, that go into ``Response.details``, and their names there."""
    day_reset: DayReset = "told"
    quirks: Quirks = Quirks()
    trains_on_free: bool | None = None
    """True where prompts on the free tier may be used for training; ``None`` = not established."""
    verified: bool = True
    """False where a fact of this row was not confirmed by a source."""
    as_of: str = ""
    """When the facts were last read."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every environment variable that it reads."""
        own = (name for variable in self.variables for name in variable.env)
        return (*self.env, *self.url_env, *self.signer_env, *own)


def resolved(spec: ProviderSpec, values: Mapping[str, str], base_url: str | None = None) -> ProviderSpec:
    """The row with its variables filled in.

    :param base_url: instead of the row's.
    :raises ConfigurationError: when one that has no default has no value.
    """
    address = (base_url or spec.base_url).rstrip("/")
    if not spec.variables:
        return spec if address == spec.base_url else replace(spec, base_url=address)
    known = {v.name: values.get(v.name) or v.default for v in spec.variables}
    used = _used(spec, address)
    missing = [v for v in spec.variables if not v.optional and known[v.name] is None and v.name in used]
    if missing:
        wanted = ", ".join(" or ".join(v.env) for v in missing)
        raise ConfigurationError(f"provider {spec.id!r} needs {wanted}: set it in the environment or .env")
    there = {name: value for name, value in known.items() if value is not None}
    return replace(
        spec,
        base_url=_filled(address, there),
        list_path=_filled(spec.list_path, there) if spec.list_path else None,
        more_lists=tuple(_filled(path, there) for path in spec.more_lists),
        chat_path=_filled(spec.chat_path, there),
        embeddings_path=_filled(spec.embeddings_path, there) if spec.embeddings_path else None,
        body={
            name: _filled(value, there) if isinstance(value, str) else value
            for name, value in spec.body.items()
            if not isinstance(value, str) or _names(value) <= there.keys()
        },
        variables=(),
    )


def _used(spec: ProviderSpec, address: str) -> set[str]:
    """The names that the row's addresses and requests hold: an address of the user's own may need none of them."""
    paths = (address, spec.list_path or "", *spec.more_lists, spec.chat_path, spec.embeddings_path or "")
    texts = (*paths, *(value for value in spec.body.values() if isinstance(value, str)))
    return {name for text in texts for name in _names(text)}


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template with the values that it names; other braces stay as they are (``{model}``)."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template
