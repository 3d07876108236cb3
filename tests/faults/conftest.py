"""The upstream of a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A, B and C are well until a test says otherwise."""
    with Upstream() as running:
        yield running
