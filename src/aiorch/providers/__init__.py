"""One provider each: exactly one attempt a call, every failure classified.

What is known of a provider is a row of :data:`SPECS`; :class:`OpenAICompatible` serves all that speak OpenAI's dialect.
Nothing here imports an HTTP client before the first call.
"""

from aiorch.providers.endpoint import Endpoint, endpoint
from aiorch.providers.failures import classify, from_net
from aiorch.providers.openai_compatible import OpenAICompatible
from aiorch.providers.redaction import Redactor
from aiorch.providers.rules import RULES, Rule
from aiorch.providers.spec import FreePolicy, ProviderSpec, Quirks, Window
from aiorch.providers.specs import RETIRED, SPECS

__all__ = [
    "RETIRED",
    "RULES",
    "SPECS",
    "Endpoint",
    "FreePolicy",
    "OpenAICompatible",
    "ProviderSpec",
    "Quirks",
    "Redactor",
    "Rule",
    "Window",
    "classify",
    "endpoint",
    "from_net",
]
