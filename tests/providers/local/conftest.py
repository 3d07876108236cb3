"""What the tests of the embedded model share."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import anyio
import pytest
from tests.providers.local.engine_double import Double
from tests.providers.local.gguf_files import gguf
from tests.providers.local.server import find_weights, needs_engine

from aiorch.providers.local import LocalProvider
from aiorch.providers.local import engine as engine_module


@pytest.fixture(scope="session")
def local_weights() -> Path:
    """The default model's file; skips the test where it is not installed."""
    needs_engine()
    return find_weights()


@pytest.fixture(scope="session")
def shared_model(local_weights: Path) -> Generator[LocalProvider]:
    """One loaded demo model for all tests, under one event loop after the other."""
    provider = LocalProvider(local_weights, context=1024)
    yield provider
    anyio.run(provider.aclose)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Double:
    """A scripted engine in place of the real one."""
    made = Double()
    monkeypatch.setattr(engine_module, "_import_engine", lambda: made)
    return made


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file with a chat model's header and no sense in it."""
    return gguf(tmp_path / "tiny.gguf")
