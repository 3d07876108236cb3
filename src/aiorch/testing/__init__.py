"""What tests of plugins and applications are built from.

For applications: a provider that answers from a script, a clock to turn, chance to foretell, a transport for respx.
For workflows: carried out with fakes, in virtual time, and killed where it hurts.
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
from aiorch.testing.virtual import VirtualClock

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
    from aiorch.testing.fakes import InTurn, Takes
    from aiorch.testing.kept import KeptRun, KeptRuns
    from aiorch.testing.workflows import Crash, carry_out, crash_everywhere

_LATER = {
    "Crash": "workflows",
    "InTurn": "fakes",
    "KeptRun": "kept",
    "KeptRuns": "kept",
    "Takes": "fakes",
    "carry_out": "workflows",
    "crash_everywhere": "workflows",
}
"""Names that need the room of workflows; the suites are in ``conformance`` and need pytest."""

__all__ = [
    "CheckConformance",
    "Crash",
    "DurableEngineConformance",
    "EngineConformance",
    "Example",
    "Failing",
    "FakeClock",
    "FakeRandom",
    "InTurn",
    "KeptRun",
    "KeptRuns",
    "MatcherConformance",
    "ProviderConformance",
    "Says",
    "ScriptedProvider",
    "StreamValidatorConformance",
    "Takes",
    "ToolConformance",
    "ValidatorConformance",
    "VirtualClock",
    "carry_out",
    "crash_everywhere",
    "respx_transport",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"aiorch.testing.{_LATER.get(name, 'conformance')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
