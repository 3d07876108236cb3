from __future__ import annotations

from collections.abc import Callable

import pytest

from aiorch.testing.conformance.durable import DurableEngineConformance
from aiorch.workflow.durable import Durable


class TestConformance(DurableEngineConformance):
    """Over both databases: see conftest.py."""

    @pytest.fixture
    def engine(self, opened: Callable[[], Durable]) -> Durable:
        return opened()

    @pytest.fixture
    def reopened(self, opened: Callable[[], Durable]) -> Callable[[], Durable]:
        return opened
