"""What tests of plugins and applications are built from.

For applications: a provider that answers from a script, a clock to turn, chance to foretell, a transport for respx.
For plugins: a conformance suite for each protocol, whose tests a test class inherits; these alone need pytest.

    class TestParrot(ProviderConformance):
        @pytest.fixture
        def provider(self):
            return Parrot()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiorch.testing.chance import FakeRandom
from aiorch.testing.clock import FakeClock
from aiorch.testing.scripted import Says, ScriptedProvider
from aiorch.testing.transport import respx_transport

if TYPE_CHECKING:
    from aiorch.testing.conformance import (
        CheckConformance,
        DurableEngineConformance,
        EngineConformance,
        Example,
        Failing,
        MatcherConformance,
        ProviderConformance,
        StreamValidatorConformance,
        ToolConformance,
        ValidatorConformance,
    )

_SUITES = frozenset(
    {
        "CheckConformance",
        "DurableEngineConformance",
        "EngineConformance",
        "Example",
        "Failing",
        "MatcherConformance",
        "ProviderConformance",
        "StreamValidatorConformance",
        "ToolConformance",
        "ValidatorConformance",
    }
)

__all__ = [
    "CheckConformance",
    "DurableEngineConformance",
    "EngineConformance",
    "Example",
    "Failing",
    "FakeClock",
    "FakeRandom",
    "MatcherConformance",
    "ProviderConformance",
    "Says",
    "ScriptedProvider",
    "StreamValidatorConformance",
    "ToolConformance",
    "ValidatorConformance",
    "respx_transport",
]


def __getattr__(name: str) -> Any:
    if name not in _SUITES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("aiorch.testing.conformance"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
