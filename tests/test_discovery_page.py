"""docs/discovery.md: what it shows can be run, offline and without keys."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiorch.catalog import overrides
from aiorch.cli import app
from aiorch.providers import SPECS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "discovery.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]
FAILS_OFFLINE = {"aiorch models audit"}
"""There is nobody to compare with."""


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIORCH_OFFLINE", "true")


def test_the_page_has_what_is_tested_here() -> None:
    assert len(COMMANDS) >= 9
    assert len(blocks("python")) == 3
    assert len(blocks("toml")) == 1


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block: str) -> None:
    exec(compile(block, "docs/discovery.md", "exec"), {"__name__": "page"})


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("aiorch ")])
def test_commands_run(command: str) -> None:
    words = shlex.split(command.split(" > ")[0])
    done = CliRunner().invoke(app, words[1:], prog_name="aiorch")
    assert done.exit_code == (1 if command in FAILS_OFFLINE else 0), done.stderr
    assert done.stdout or command in FAILS_OFFLINE


def test_the_guides_module_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = (c for c in COMMANDS if not c.startswith("aiorch "))
    assert command == "python -m discover_all_models"
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("discover_all_models", run_name="__main__")
    assert ended.value.code == 0
    assert '"usable_now": ' in capsys.readouterr().out


def test_the_corrections_are_understood() -> None:
    (text,) = blocks("toml")
    found = overrides.read(text, "overrides.toml", SPECS)
    assert found.cards["groq/llama-3.3-70b-versatile"].context == 65_536
    assert found.cards["openrouter/some/model:free"].retired
