"""Engines over a file and over a real PostgreSQL, closed after each test: no thread and no file stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.workflow.durable.server import Server

from aiorch.workflow.durable import Durable

Open = Callable[[], Durable]


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture(scope="session")
def postgres():
    """A server of our own, started when the first test needs it."""
    with Server.started() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    return postgres.database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """One promise, both databases."""
    return request.getfixturevalue("file_url" if request.param == "sqlite" else "postgres_url")


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
