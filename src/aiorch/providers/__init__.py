"""One provider each: exactly one attempt a call, every failure classified.

What is known of a provider is a row of :data:`SPECS`; :class:`HTTPProvider` serves all that speak OpenAI's dialect.
Rows are light; the code that speaks is fetched when a provider is made (PEP 562), and an HTTP client at its first call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiorch.providers.spec import FreePolicy, ProviderSpec, Quirks, Window
from aiorch.providers.specs import RETIRED, SPECS

if TYPE_CHECKING:
    from aiorch.providers.endpoints import Endpoint, endpoint
    from aiorch.providers.failures import classify, from_net
    from aiorch.providers.http import HTTPProvider
    from aiorch.providers.redaction import Redactor
    from aiorch.providers.rules import RULES, Rule

_FILES = {
    "Endpoint": "endpoints",
    "HTTPProvider": "http",
    "RULES": "rules",
    "Redactor": "redaction",
    "Rule": "rules",
    "classify": "failures",
    "endpoint": "endpoints",
    "from_net": "failures",
}

__all__ = [
    "RETIRED",
    "RULES",
    "SPECS",
    "Endpoint",
    "FreePolicy",
    "HTTPProvider",
    "ProviderSpec",
    "Quirks",
    "Redactor",
    "Rule",
    "Window",
    "classify",
    "endpoint",
    "from_net",
]


def __getattr__(name: str) -> Any:
    file = _FILES.get(name)
    if file is None:
        raise AttributeError(f"module 'aiorch.providers' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"aiorch.providers.{file}"), name)
    return value
