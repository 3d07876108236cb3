"""OpenRouter beyond a chat: options of a request, what its ids mean, its hosts, one's own key and past answers.

For one task, beside the model that it names:

    options = OpenRouterOptions(provider=ProviderPreferences(data_collection="deny"), reasoning=Reasoning(effort="low"))
    task = replace(Task.of("Explain DNS"), model="openrouter/z-ai/glm-5.2:free", parameters=options.parameters())

Facts are of its documentation of 2026-08-22. Whatever costs money is refused unless it is allowed. Names are loaded
when they are first used (PEP 562): a chat needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiorch.providers.openrouter.account import Credits, GenerationStats, KeyInfo, free_limits
    from aiorch.providers.openrouter.api import HostCompany, OpenRouterAPI
    from aiorch.providers.openrouter.charges import agreed, charged
    from aiorch.providers.openrouter.hosts import Host, Prior, Spread, prior, prior_of, read_hosts
    from aiorch.providers.openrouter.ids import ROUTERS, costs_nothing, split
    from aiorch.providers.openrouter.options import (
        OpenRouterOptions,
        Plugin,
        Reasoning,
        WebSearch,
        auto_router,
        context_compression,
        file_parser,
        response_healing,
    )
    from aiorch.providers.openrouter.preferences import MaxPrice, Percentiles, ProviderPreferences, Sort
    from aiorch.providers.openrouter.queries import ModelQuery
    from aiorch.providers.openrouter.variants import VARIANTS, Variant, with_variant

_FILES = {
    "ROUTERS": "ids",
    "VARIANTS": "variants",
    "Credits": "account",
    "GenerationStats": "account",
    "Host": "hosts",
    "HostCompany": "api",
    "KeyInfo": "account",
    "MaxPrice": "preferences",
    "ModelQuery": "queries",
    "OpenRouterAPI": "api",
    "OpenRouterOptions": "options",
    "Percentiles": "preferences",
    "Plugin": "options",
    "Prior": "hosts",
    "ProviderPreferences": "preferences",
    "Reasoning": "options",
    "Sort": "preferences",
    "Spread": "hosts",
    "Variant": "variants",
    "WebSearch": "options",
    "agreed": "charges",
    "auto_router": "options",
    "charged": "charges",
    "context_compression": "options",
    "costs_nothing": "ids",
    "file_parser": "options",
    "free_limits": "account",
    "prior": "hosts",
    "prior_of": "hosts",
    "read_hosts": "hosts",
    "response_healing": "options",
    "split": "ids",
    "with_variant": "variants",
}

__all__ = [
    "ROUTERS",
    "VARIANTS",
    "Credits",
    "GenerationStats",
    "Host",
    "HostCompany",
    "KeyInfo",
    "MaxPrice",
    "ModelQuery",
    "OpenRouterAPI",
    "OpenRouterOptions",
    "Percentiles",
    "Plugin",
    "Prior",
    "ProviderPreferences",
    "Reasoning",
    "Sort",
    "Spread",
    "Variant",
    "WebSearch",
    "agreed",
    "auto_router",
    "charged",
    "context_compression",
    "costs_nothing",
    "file_parser",
    "free_limits",
    "prior",
    "prior_of",
    "read_hosts",
    "response_healing",
    "split",
    "with_variant",
]


def __getattr__(name: str) -> Any:
    file = _FILES.get(name)
    if file is None:
        raise AttributeError(f"module 'aiorch.providers.openrouter' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"aiorch.providers.openrouter.{file}"), name)
    return value
