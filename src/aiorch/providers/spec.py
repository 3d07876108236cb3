"""What has to be known of a provider to use it: a row of facts, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from aiorch.types import FailureScope, FreeKind

Dialect = Literal["openai"]
"""Which code speaks to it."""
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
    reasoning_back: Literal["never", "tool_turns", "signatures"] = "never"
    """Whether a model's thinking goes back to it: never, in turns that call tools, or its signatures beside calls."""
    strip_id: str = ""
    """A prefix that its list puts before ids and its chat does not take."""


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
    env: tuple[str, ...] = ()
    """Names of environment variables that conventionally hold its key, best first."""
    url_env: tuple[str, ...] = ()
    """Names of environment variables that conventionally hold its address (local servers)."""
    auth: str | None = "Authorization: Bearer {key}"
    """The header that carries the key."""
    needs_key: bool = True
    local: bool = False
    """True for a server on the user's own machine or network."""
    dialect: Dialect = "openai"
    chat_path: str = "/chat/completions"
    list_path: str | None = "/models"
    """``None`` where it has no list: its models are the ``unlisted`` ones."""
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
    limit_scope: FailureScope = "key_model"
    """What a 429 that does not say more condemns."""
    windows: tuple[Window, ...] = ()
    day_reset: DayReset = "told"
    quirks: Quirks = Quirks()
    trains_on_free: bool | None = None
    """True where prompts on the free tier may be used for training; ``None`` = not established."""
    verified: bool = True
    """False where a fact of this row was not confirmed by a source."""
    as_of: str = ""
    """When the facts were last read."""
