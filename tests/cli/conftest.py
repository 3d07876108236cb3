"""The program in this process and as a process of its own, with a scripted provider where one is wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aiorch.cli import app

SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture(autouse=True)
def _no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers unless a test says who."""
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "no-weights"))
    monkeypatch.setenv("NO_COLOR", "1")
    # Public lists and models.dev are on the network.
    monkeypatch.setattr("aiorch.catalog.catalogue.Catalogue._elsewhere", lambda self: ())


@pytest.fixture
def aiorch() -> Callable[..., Result]:
    """The program in this process: ``aiorch("ask", "hi").exit_code``."""
    runner = CliRunner()

    def call(*args: str, input: str | bytes | None = None) -> Result:
        return runner.invoke(app, args, input=input, prog_name="aiorch")

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The program as a process: ``start("run", "flow.py")``. Whatever still runs afterwards is ended."""
    running: list[subprocess.Popen[str]] = []

    def begin(*args: str, **environment: str) -> subprocess.Popen[str]:
        path = os.pathsep.join([*environment.pop("PYTHONPATH", "").split(os.pathsep), SOURCE]).lstrip(
            os.pathsep
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "aiorch", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a plugin whose provider answers from a script: ``scripted("'Hello.'", delay="1.0")``.

    Everything is given as code of a module that has ``aiorch.types`` and ``Decimal``.

    :returns: the folder that it lies in, for the ``PYTHONPATH`` of a process.
    """

    def install(script: str = "'Hello there.'", **arguments: str) -> Path:
        folder = tmp_path / "plugin"
        info = folder / "parrot-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[aiorch.providers]\nparrot = parrot:make\n")
        given = "".join(f", {name}={value}" for name, value in arguments.items())
        (folder / "parrot.py").write_text(
            "from decimal import Decimal\nfrom aiorch.testing import ScriptedProvider\n"
            "from aiorch.types import *\n"
            f"def make(settings): return ScriptedProvider([{script}], name='parrot'{given})\n"
        )
        sys.modules.pop("parrot", None)
        monkeypatch.syspath_prepend(str(folder))
        return folder

    yield install
    sys.modules.pop("parrot", None)


class Answers(ThreadingHTTPServer):
    """Somebody's OpenAI-compatible server."""

    daemon_threads = True
    status = 200
    models: tuple[str, ...] = ("llama-3.3-70b", "gpt-oss-20b")
    echo_key = False
    """Repeat the key in error messages, as some providers do."""
    seen: list[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has left in the middle, as the program does when its time is up: not a word on its stderr."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Answers  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._answer(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]}
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer({})

    def _answer(self, body: dict[str, Any]) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        if self.server.status != 200:
            key = self.headers.get("authorization", "") if self.server.echo_key else "a key"
            body = {
                "error": {
                    "message": f"Invalid API Key: {key}",
                    "type": "invalid_request_error",
                    "code": "invalid_api_key",
                }
            }
        data = json.dumps(body).encode()
        self.send_response(self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[Answers]:
    """A provider on this machine; point one at it with ``AIORCH_BASE_URLS=groq=<server.url>``."""
    answers = Answers(("127.0.0.1", 0), _Handler)
    answers.seen = []
    thread = threading.Thread(target=answers.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield answers
    answers.shutdown()
    thread.join()
    answers.server_close()


@pytest.fixture
def flow(tmp_path: Path) -> Callable[[str], str]:
    """Write a workflow file: ``flow("@flow.task\\ndef one() -> int: return 1")``. Returns its path."""

    def write(tasks: str, name: str = "flow.py") -> str:
        path = tmp_path / name
        head = "import aiorch, time\nfrom pathlib import Path\nflow = aiorch.Workflow('test')\n"
        path.write_text((head if name.endswith(".py") else "") + tasks)
        return str(path)

    return write
