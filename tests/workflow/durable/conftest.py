"""Engines over a file and over a real PostgreSQL, closed after each test: no thread and no file stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.workflow.durable.server import Server

from aiorch.workflow.durable import Durable

Open = Callable[[], Durable]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The suite over PostgreSQL runs under asyncio alone: that the loop does not matter is shown over a file."""
    here = Path(__file__).parent
    items[:] = [
        item for item in items if item.path.parent != here or not {"trio", "postgresql"} <= _variant(item)
    ]


def _variant(item: pytest.Item) -> set[str]:
    found = getattr(item, "callspec", None)
    return set() if found is None else set(found.id.split("-"))


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where runs are kept: a file, unless a module says otherwise."""
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server of our own, started when the first test needs it."""
    with Server.started() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Server) -> str:
    """One database for all tests that name their runs apart: to make its tables takes longer than most tests."""
    return postgres.database()


@pytest.fixture
def opened(url: str) -> Iterator[Open]:
    """Makes engines over ``url``."""
    made: list[Durable] = []

    def another() -> Durable:
        made.append(Durable(url))
        return made[-1]

    yield another
    for engine in made:
        engine.close()
