"""The providers that aiorch knows, a row each. Another OpenAI-compatible provider is another row."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aiorch.providers.spec import ProviderSpec
from aiorch.providers.specs.credit import CREDIT
from aiorch.providers.specs.free import FREE
from aiorch.providers.specs.local import LOCAL
from aiorch.providers.specs.paid import PAID

SPECS: Mapping[str, ProviderSpec] = MappingProxyType({row.id: row for row in (*FREE, *CREDIT, *PAID, *LOCAL)})
"""Every known provider by its id. The order is the order in which free routes are preferred, local servers last."""

RETIRED: Mapping[str, str] = MappingProxyType(
    {"github-models": "GitHub Models was shut down on 2026-07-30 and answers every call with HTTP 410 since."}
)
"""Providers that no longer serve, each with what became of it."""

__all__ = ["RETIRED", "SPECS"]
