"""A server that was not written here: llama.cpp's own, in a process and on a port of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import pytest

from aiorch.providers.local import DEFAULT, locate

_DATA = platformdirs.user_data_path("aiorch", appauthor=False)
FOLDERS = tuple(
    Path(folder)
    for folder in (os.environ.get("AIORCH_WEIGHTS_DIR"), _DATA / "models", _DATA / "weights")
    if folder
)
"""Where weights may lie for the person who runs the tests; read before a fixture moves the home."""

_PROGRAM = """
import json, sys, xllamacpp
model, key, alias, context, slots = json.loads(sys.argv[1])
p = xllamacpp.CommonParams()
p.model.path, p.model_alias, p.port, p.api_keys = model, {alias}, 0, [key]
p.n_ctx, p.n_parallel, p.n_batch, p.warmup, p.verbosity, p.fit_params = context * slots, slots, 64, False, -1, False
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(p)
print(server.listening_address, flush=True)
sys.stdin.read()  # until the test lets go
"""


@dataclass(frozen=True)
class RunningServer:
    """Where it listens, and with what key."""

    url: str
    key: str = field(repr=False)
    model: str
    context: int


@contextmanager
def running_server(
    weights: Path, *, key: str = "server-key-for-tests", context: int = 1024, slots: int = 2
) -> Generator[RunningServer]:
    """Start the server; stop it at the end."""
    arguments = json.dumps([str(weights), key, DEFAULT, context, slots])
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the server did not start"
        yield RunningServer(url, key, DEFAULT, context)
    finally:
        process.communicate("")  # the end of its input ends it


def find_weights() -> Path:
    """The default model's weights; without them the test is skipped, or fails where everything was asked for."""
    for folder in FOLDERS:
        if found := locate(DEFAULT, folder):
            return found
    looked = ", ".join(map(str, FOLDERS))
    reason = f"the weights of {DEFAULT} are not installed: aiorch local install (looked in {looked})"
    if os.environ.get("AIORCH_TEST_FULL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def needs_engine() -> None:
    """Skip without the engine, or fail where everything was asked for."""
    try:
        import xllamacpp  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        if os.environ.get("AIORCH_TEST_FULL") == "1":
            pytest.fail("xllamacpp is not installed: pip install '.[local]'")
        pytest.skip("xllamacpp is not installed: pip install '.[local]'")
