"""A real kernel shows our types by itself, and an orchestrator lives from cell to cell."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_event_loop
from tests.net.raw_server import Came, RawServer, answer
from tests.views.pages import harmless
from tools.execute_notebooks import surroundings

from aiorch.views.notebook import LOOKS, drawer

PATIENCE = 50
"""Seconds for one cell on a busy machine."""

came_in = threading.Semaphore(0)
"""Released when a question arrives that is never answered."""


async def chat(came: Came, writer: asyncio.StreamWriter) -> bool:
    """Answers, but never to what asks for it."""
    if b"never" in came.body:
        came_in.release()
        await asyncio.Event().wait()
    said = {"role": "assistant", "content": "<b>Hello</b> <script>alert(1)</script>"}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    writer.write(answer(json.dumps({"id": "1", "model": "m", "choices": [choice], "usage": usage}).encode()))
    await writer.drain()
    return True


@dataclass
class Cell:
    """What came of one."""

    error: str = ""
    """The exception's name."""
    message: str = ""
    printed: str = ""
    shown: list[dict[str, Any]] = field(default_factory=list)
    """Outputs by MIME type: what was displayed, written over in place, and the value."""
    updates: int = 0

    @property
    def html(self) -> str:
        return self.shown[-1]["text/html"]

    @property
    def text(self) -> str:
        return self.shown[-1]["text/plain"]


class Kernel:
    """Cells, one after the other."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager, self._client = manager, client

    def run(self, code: str, interrupt: threading.Semaphore | None = None) -> Cell:
        """:param interrupt: the cell is interrupted as soon as this is released."""
        cell, places = Cell(), dict[str, int]()

        def take(message: Any) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    cell.printed += content["text"]
                case "error":
                    cell.error, cell.message = content["ename"], content["evalue"]
                case "display_data" | "execute_result":
                    name = content.get("transient", {}).get("display_id")
                    if name:
                        places[name] = len(cell.shown)
                    cell.shown.append(content["data"])
                case "update_display_data":
                    cell.shown[places[content["transient"]["display_id"]]] = content["data"]
                    cell.updates += 1

        if interrupt is not None:
            threading.Thread(target=self._interrupt, args=(interrupt,)).start()
        self._client.execute_interactive(code, timeout=PATIENCE, output_hook=take, allow_stdin=False)
        return cell

    def _interrupt(self, when: threading.Semaphore) -> None:
        provisioner: Any = self._manager.provisioner
        if when.acquire(timeout=PATIENCE):
            os.kill(provisioner.pid, signal.SIGINT)  # as a notebook's stop button does


@pytest.fixture(scope="module")
def server() -> Generator[RawServer, None, None]:
    with RawServer({"/v1/chat/completions": chat}) as running:
        yield running


@pytest.fixture(scope="module")
def kernel(server: RawServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Kernel, None, None]:
    home = tmp_path_factory.mktemp("kernel")
    manager = KernelManager(kernel_name="python3", connection_file=str(home / "kernel.json"))
    manager.start_kernel(env=surroundings(home), cwd=str(home), stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        running = Kernel(manager, client)
        setup = running.run(
            "import aiorch\n"
            f"box = aiorch.endpoint('box', '{server.url}/v1', models=['m'])\n"
            "ai = await aiorch.Orchestrator(providers=[box], offline=False, cache='off').__aenter__()"
        )
        assert setup.error == "", setup.message
        yield running
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        ensure_event_loop().close()  # the one that the blocking client made for itself


def test_an_orchestrator_is_entered_in_one_cell_and_used_in_the_next(kernel: Kernel) -> None:
    cell = kernel.run("outcome = await ai.run('Hi'); outcome")
    assert cell.error == "", cell.message
    assert "<b>Hello</b> <script>alert(1)</script>" in harmless(cell.html).texts
    assert cell.text.splitlines()[0] == "<b>Hello</b> <script>alert(1)</script>"
    assert "box/m, 1 attempt" in cell.text
    assert kernel.run("[outcome]").text.startswith("[Outcome(value=")


def test_workflows_runs_and_choices_are_shown_by_themselves(kernel: Kernel) -> None:
    flow = "flow = aiorch.Workflow('w'); flow.ask('a', '{x}'); flow.ask('b', '{a}')\n"
    assert "<svg" in kernel.run(f"{flow}flow").html
    cell = kernel.run("run = await ai.execute(flow, x='<i>'); run")
    assert cell.error == "", cell.message
    assert "svg" in harmless(cell.html).tags
    assert cell.text.startswith("w: done in")
    assert "no problem found" in kernel.run("flow.validate()").html
    plan = kernel.run("flow.plan(x='<i>')")
    assert "2 groups" in plan.html
    assert plan.text.startswith("w: ")
    assert "critical path" in kernel.run("flow.plan().estimate").html
    assert "1 candidate" in kernel.run("await ai.route('Hi')").html
    assert "box/m" in kernel.run("await ai.health()").html
    assert "box/m" in kernel.run("(await ai.models())[0]").html
    assert "<form" in kernel.run("await ai.discover(only_configured=True)").html


def test_progress_is_one_output_that_is_written_over(kernel: Kernel) -> None:
    cell = kernel.run(
        "from aiorch.views import live, progress\n"
        "with progress(ai.on, 3):\n"
        "    values = [o.value async for o in ai.map(['a', 'b', 'c'])]\n"
    )
    assert cell.error == "", cell.message
    assert len(cell.shown) == 1
    assert cell.updates >= 1
    assert "3 of 3 done" in harmless(cell.html).texts[0]
    assert cell.printed == ""
    lively = kernel.run("with live(ai.on):\n    await ai.execute(flow, x='y')")
    assert len(lively.shown) == 1
    assert "w: 2 done" in lively.html
    assert lively.printed == ""


def test_run_sync_says_to_await(kernel: Kernel) -> None:
    cell = kernel.run("aiorch.run_sync('Hi')")
    assert cell.error == "ConfigurationError"
    assert "await" in cell.message


def test_an_interrupted_cell_leaves_the_orchestrator_usable(kernel: Kernel, server: RawServer) -> None:
    # ipykernel cancels a cell only when something wakes its loop (ipython/ipykernel#881): here the picture of progress
    cell = kernel.run("with progress(ai.on):\n    await ai.run('never')", interrupt=came_in)
    assert cell.error in ("KeyboardInterrupt", "CancelledError")
    assert "stopped: " in harmless(cell.html).texts[0]
    assert server.left.acquire(timeout=PATIENCE)  # the connection was let go, so nobody goes on writing
    assert kernel.run("(await ai.run('Hi')).value[:8]").text == "'<b>Hello'"


def test_it_is_left_in_another_cell_and_can_be_used_again(kernel: Kernel) -> None:
    assert kernel.run("await ai.aclose()").error == ""
    cell = kernel.run("(await ai.run('Hi')).model")
    assert (cell.error, cell.text) == ("", "'box/m'")
    assert kernel.run("await ai.aclose(); await ai.__aexit__(None, None, None)").error == ""


@pytest.mark.parametrize(("module", "name"), LOOKS)
def test_every_look_is_of_a_type_that_is_where_it_says(module: str, name: str) -> None:
    kind = getattr(import_module(module), name)
    assert (kind.__module__, kind.__name__) == (module, name)
    look = LOOKS[module, name]
    for drawn in filter(None, (look.html, look.text)):
        file, _, function = drawn.partition(":")
        assert callable(getattr(import_module(f"aiorch.views.{file}"), function))
    assert callable(drawer(look.html))


def ran(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_other_notebooks_are_told_and_programs_are_left_alone() -> None:
    show = "print([hasattr(aiorch.Outcome, '_repr_html_'), hasattr(aiorch.Workflow, '_repr_html_')])"
    marimo = "import sys, types; sys.modules['marimo'] = types.ModuleType('marimo')\nimport aiorch\n"
    assert (
        ran(marimo + show + "\nprint('<svg' in aiorch.Workflow('w')._repr_html_())") == "[True, True]\nFalse"
    )
    assert ran(f"import aiorch\n{show}") == "[False, False]"


def test_where_ipython_runs_importing_aiorch_stays_light() -> None:
    code = (
        "import sys, types\n"
        "class F(dict):\n"
        "    def for_type_by_name(self, module, name, draw): self[name] = draw\n"
        "html, text = F(), F()\n"
        "shell = types.SimpleNamespace(display_formatter=types.SimpleNamespace("
        "formatters={'text/html': html, 'text/plain': text}))\n"
        "sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: shell)\n"
        "import aiorch\n"
        "print('Outcome' in html and 'Run' in text, 'aiorch.types' in sys.modules, 'aiorch.workflow' in sys.modules)"
    )
    assert ran(code) == "True False False"
