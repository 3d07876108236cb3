"""Conformance suites: what each protocol promises, as tests that a plugin's test class inherits. They need pytest.

Each suite asks for one fixture, the object under test; others let it look closer. A test that fails says what is wrong,
what the protocol promises, and how to mend it.

    class TestNoShouting(ValidatorConformance):
        @pytest.fixture
        def validator(self):
            return NoShouting()
"""

from aiorch.testing.conformance.check import CheckConformance
from aiorch.testing.conformance.durable import DurableEngineConformance
from aiorch.testing.conformance.engine import EngineConformance
from aiorch.testing.conformance.examples import Example
from aiorch.testing.conformance.matcher import MatcherConformance
from aiorch.testing.conformance.provider import Failing, ProviderConformance
from aiorch.testing.conformance.stream_validator import StreamValidatorConformance
from aiorch.testing.conformance.tool import ToolConformance
from aiorch.testing.conformance.validator import ValidatorConformance

__all__ = [
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
]
