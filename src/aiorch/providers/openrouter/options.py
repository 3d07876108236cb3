"""All that a chat at OpenRouter can be asked for beside model and messages, typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from aiorch.errors import InputError
from aiorch.providers.openrouter.charges import NOTHING, agreed, charged
from aiorch.providers.openrouter.ids import costs_nothing
from aiorch.providers.openrouter.preferences import ProviderPreferences, names
from aiorch.providers.spec import ProviderSpec
from aiorch.types import OwnFields, Parameters

Effort = Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"]
CostTier = Literal["low", "medium", "high", "xhigh", "max"]
SearchEngine = Literal["auto", "native", "exa", "firecrawl", "parallel", "perplexity"]
Reader = Literal["cloudflare-ai", "native", "mistral-ocr"]

PROVIDER = "openrouter"
LONGEST_CACHE = 86_400
"""Seconds that a cached answer may be kept at most; 300 unless said otherwise."""
MOST_CATEGORIES = 2
_CATEGORY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much a model may think before it answers.

    :raises InputError: for both an effort and a number of tokens.
    """

    effort: Effort | None = None
    """A share of the longest answer, from about 95% (``max``) to 10% (``minimal``); ``none`` switches it off."""
    max_tokens: int | None = None
    """The same as a number of tokens."""
    exclude: bool | None = None
    """True: think, and keep it to yourself. It is charged all the same."""
    enabled: bool | None = None
    """True: as much as the model does by itself."""

    def __post_init__(self) -> None:
        if self.effort is not None and self.max_tokens is not None:
            raise InputError("Reasoning takes an effort or max_tokens, not both")
        if self.effort is not None and self.effort not in get_args(Effort):
            raise InputError(f"Reasoning(effort=...) knows {', '.join(get_args(Effort))}; not {self.effort}")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InputError(f"Reasoning(max_tokens={self.max_tokens}) is a number of tokens above 0")

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        told = {n: getattr(self, n) for n in ("effort", "max_tokens", "exclude", "enabled")}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One of OpenRouter's helpers; the functions below write those that are documented."""

    id: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {"id": self.id, **self.settings}


def context_compression(enabled: bool = True) -> Plugin:
    """Cut the middle out of prompts that are too long for a model; on by itself for those of up to 8,192 tokens."""
    return Plugin("context-compression", {"enabled": enabled})


def response_healing() -> Plugin:
    """Mend broken JSON before it is sent back."""
    return Plugin("response-healing")


def file_parser(engine: Reader) -> Plugin:
    """Read PDF files; ``mistral-ocr`` is charged by the page."""
    return Plugin("file-parser", {"pdf": {"engine": engine}})


def auto_router(
    *,
    allowed_models: tuple[str, ...] = (),
    excluded_models: tuple[str, ...] = (),
    cost_tier: CostTier | None = None,
) -> Plugin:
    """Whom ``openrouter/auto`` may choose: patterns of ids (``anthropic/*``), and how dear they may be."""
    told: dict[str, Any] = {
        "allowed_models": list(names("auto_router(allowed_models=...)", allowed_models)),
        "excluded_models": list(names("auto_router(excluded_models=...)", excluded_models)),
        "cost_tier": cost_tier,
    }
    return Plugin("auto-router", {name: value for name, value in told.items() if value})


@dataclass(frozen=True, slots=True)
class WebSearch:
    """Lets the model search the web while it answers. Every search is charged, also for free models."""

    engine: SearchEngine | None = None
    max_results: int | None = None
    """Results of one search, 1 to 25; 5 unless said otherwise."""
    max_uses: int | None = None
    """Searches in one answer."""
    max_total_results: int | None = None
    search_context_size: Literal["low", "medium", "high"] | None = None
    allowed_domains: tuple[str, ...] = ()
    excluded_domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, most in (("max_results", 25), ("max_uses", None), ("max_total_results", None)):
            value: int | None = getattr(self, name)
            if value is not None and (value < 1 or (most is not None and value > most)):
                raise InputError(
                    f"WebSearch({name}={value}) is a number from 1{f' to {most}' if most else ''}"
                )
        for name in ("allowed_domains", "excluded_domains"):
            object.__setattr__(self, name, names(f"WebSearch({name}=...)", getattr(self, name)))

    def body(self) -> dict[str, Any]:
        """As it is sent: a tool that OpenRouter itself carries out."""
        told: dict[str, Any] = {
            "engine": self.engine,
            "max_results": self.max_results,
            "max_uses": self.max_uses,
            "max_total_results": self.max_total_results,
            "search_context_size": self.search_context_size,
            "allowed_domains": list(self.allowed_domains),
            "excluded_domains": list(self.excluded_domains),
        }
        settings = {name: value for name, value in told.items() if value}
        return {"type": "openrouter:web_search", **({"parameters": settings} if settings else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRouterOptions:
    """Everything that is OpenRouter's own in a request.

        options = OpenRouterOptions(models=("z-ai/glm-5.2:free",), reasoning=Reasoning(effort="low"), cache=600)
        parameters = options.parameters("qwen/qwen3.8-27b:free")  # for a task that names a model of OpenRouter
        spec = options.applied(SPECS["openrouter"])               # for every task, and sent to OpenRouter alone

    Nothing in them costs money unless ``allow_paid`` says that it may. Parameters go to whoever is asked, and other
    providers refuse fields that they do not know; so a task that any of them may get is better served by a row.

    :raises InputError: for values that OpenRouter would refuse, or drop without a word.
    """

    provider: ProviderPreferences | None = None
    models: tuple[str, ...] = ()
    """Whom to ask when the model fails, in this order; whoever answers is charged, and told in ``Response.model``."""
    plugins: tuple[Plugin, ...] = ()
    reasoning: Reasoning | None = None
    web_search: WebSearch | None = None
    cache: bool | int | None = None
    """Answer the same request again from OpenRouter's cache, at no charge: True for five minutes, or a number of
    seconds; False also where a preset of the account says otherwise."""
    refresh_cache: bool = False
    """Ask anew and cache that answer instead."""
    metadata: bool = False
    """Tell how the request was routed, in ``Response.details``."""
    session: str | None = None
    """Requests of one session stay with one host while it can serve them."""
    referer: str | None = None
    """The address of one's own application: it appears under it in OpenRouter's rankings."""
    title: str | None = None
    """The name of one's own application."""
    categories: tuple[str, ...] = ()
    """Of the application, at most two: ``cli-agent``, ``general-chat`` ..."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", names("OpenRouterOptions(models=...)", self.models))
        object.__setattr__(self, "categories", names("OpenRouterOptions(categories=...)", self.categories))
        if len(set(self.models)) < len(self.models):
            raise InputError("OpenRouterOptions(models=...) names a model twice")
        if (
            self.cache is not None
            and not isinstance(self.cache, bool)
            and not 1 <= self.cache <= LONGEST_CACHE
        ):
            raise InputError(
                f"OpenRouterOptions(cache={self.cache}) is a number of seconds, 1 to {LONGEST_CACHE}"
            )
        if self.refresh_cache and not self.cache:
            raise InputError("OpenRouterOptions(refresh_cache=True) needs cache=True or a number of seconds")
        if len(self.categories) > MOST_CATEGORIES:
            raise InputError(f"OpenRouterOptions(categories=...) takes at most {MOST_CATEGORIES}")
        wrong = [c for c in self.categories if len(c) > 30 or not _CATEGORY.fullmatch(c)]
        if wrong:
            raise InputError(f"{wrong[0]!r} is no category: lower case, hyphens, at most 30 characters")
        if (self.categories or self.title) and self.referer == "":
            raise InputError("OpenRouterOptions(referer='') is no address")

    def parameters(self, asked: str | None = None, *, allow_paid: bool = False) -> Parameters:
        """For ``Task.parameters`` or a profile's: fields of the request and headers that only OpenRouter is sent.

        :param asked: the model that they go with, where it is one.
        :param allow_paid: that they may cost money; without it, no host that charges anything is asked.
        :raises InputError: when something in them costs and that is not allowed, or is allowed beside a free model
            without a ``max_price``.
        """
        body = self.body()
        if allow_paid:
            why = charged(body) if asked is not None and costs_nothing(asked) else None
            if why and not agreed(body):
                how = "provider=ProviderPreferences(max_price=MaxPrice(...))"
                raise InputError(f"{asked} is free and {why}: say how much may be charged with {how}")
            return _told_there(body, self.headers())
        if asked is not None and not costs_nothing(asked):
            raise InputError(f"{asked} costs money, and allow_paid is off")
        why = charged(body)
        if why:
            raise InputError(f"{why}, and allow_paid is off")
        body["provider"] = {**body.get("provider", {}), "max_price": dict(NOTHING)}
        return _told_there(body, self.headers())

    def applied(self, spec: ProviderSpec, *, allow_paid: bool = False) -> ProviderSpec:
        """The row of a provider that sends them with every request, and to nobody else.

        :raises InputError: as :meth:`parameters`.
        """
        own = self.parameters(allow_paid=allow_paid).at(PROVIDER)
        return replace(spec, body={**spec.body, **own.extra}, headers={**spec.headers, **own.headers})

    def body(self) -> dict[str, Any]:
        """The fields of the request, whatever they cost."""
        told: dict[str, Any] = {
            "models": list(self.models),
            "provider": self.provider.body() if self.provider else {},
            "plugins": [plugin.body() for plugin in self.plugins],
            "reasoning": self.reasoning.body() if self.reasoning else {},
            "tools": [self.web_search.body()] if self.web_search else [],
            "session_id": self.session,
        }
        return {name: value for name, value in told.items() if value}

    def headers(self) -> dict[str, str]:
        """The headers beside it."""
        told: dict[str, str | None] = {
            "X-OpenRouter-Cache": None if self.cache is None else "true" if self.cache else "false",
            "X-OpenRouter-Cache-TTL": None
            if self.cache is None or isinstance(self.cache, bool)
            else str(self.cache),
            "X-OpenRouter-Cache-Clear": "true" if self.refresh_cache else None,
            "X-OpenRouter-Metadata": "enabled" if self.metadata else None,
            "HTTP-Referer": self.referer,
            "X-OpenRouter-Title": self.title,
            "X-OpenRouter-Categories": ",".join(self.categories) or None,
        }
        return {name: value for name, value in told.items() if value is not None}


def _told_there(body: Mapping[str, Any], headers: Mapping[str, str]) -> Parameters:
    return Parameters(by_provider={PROVIDER: OwnFields(body, headers)})
