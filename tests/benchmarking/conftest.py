"""What the tests of measuring share: a sandbox that is a process, cards, and a little suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from aiorch.benchmarking.grading import Program, Says
from aiorch.benchmarking.records import Record
from aiorch.benchmarking.suite import Item, Part, Suite
from aiorch.protocols import SandboxResult
from aiorch.types import Candidate, Deployment, FailureKind, ModelCard, Request

NOW = 1_800_000_000.0
"""Where the clock of the tests stands."""


class ProcessSandbox:
    """Runs code of this repository's own tests in a process of its own. It holds nothing back: for nobody else's."""

    level = "process"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.runs = 0

    async def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        files: Mapping[str, bytes] | None = None,
        timeout: float = 10.0,
        memory: int = 0,
    ) -> SandboxResult:
        self.runs += 1
        place = self._folder / str(self.runs)
        place.mkdir()
        for name, content in (files or {}).items():
            (place / name).write_bytes(content)
        argv = [sys.executable if part == "python3" else part for part in command]

        def work() -> SandboxResult:
            done = subprocess.run(
                argv, cwd=place, capture_output=True, text=True, timeout=timeout, check=False
            )
            return SandboxResult(done.returncode, done.stdout, done.stderr, 0.0)

        return await anyio.to_thread.run_sync(work)


@pytest.fixture
def sandbox(tmp_path: Path) -> ProcessSandbox:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    return ProcessSandbox(folder)


def card(provider: str = "acme", model: str = "small", **known: Any) -> ModelCard:
    """A free model of which little is known."""
    return ModelCard(provider, model, **{"free": "zero_price", **known})


def candidate(
    provider: str = "acme", model: str = "small", key: str | None = None, **known: Any
) -> Candidate:
    """One deployment of it."""
    return Candidate(Deployment(provider, model, key), card(provider, model, **known))


def record(item: str = "one", passed: bool | None = True, at: float = NOW, **more: Any) -> Record:
    """A stored answer."""
    base = Record("mini", "acme", "small", item, at, passed, 1.0)
    if passed is None:
        more.setdefault("failure", FailureKind.OVERLOADED.value)
    return replace(base, **more)


def item(name: str, part: Part = "exact", **more: Any) -> Item:
    """A question whose right answer is its own name in capital letters."""
    return Item(name, part, f"Say {name.upper()}.", Says((name.upper(),)), **{"max_tokens": 50, **more})


CODE = Item("code", "code", "Write one().", Program("one", "assert one() == 1"), 60)
MINI = Suite(
    "mini", (item("one"), item("two"), item("three"), CODE, item("long", "lookup", max_tokens=9_000))
)
"""Three short questions, one of code, one that needs 9,000 tokens."""


def right(request: Request) -> str:
    """What a model says that knows everything of :data:`MINI`."""
    text = request.messages[-1].text
    return "def one():\n    return 1" if "Write" in text else text.removeprefix("Say ").removesuffix(".")
