"""docs/routing.md and docs/benchmark.md: what they show can be run, offline and without keys."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiorch.cli import app
from aiorch.errors import NoModelAvailable
from aiorch.routing.rules_file import read_rules

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    lines = (line for block in blocks(page, "sh") for line in block.splitlines())
    return [line.partition("  #")[0].strip() for line in lines]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIORCH_OFFLINE", "true")
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "none"))


@pytest.mark.parametrize("block", blocks("routing.md", "python"))
def test_python_runs(block: str) -> None:
    exec(compile(block, "page", "exec"), {"__name__": "page"})


@pytest.mark.parametrize("block", blocks("benchmark.md", "python"))
def test_a_benchmark_without_any_model_says_what_to_do(block: str) -> None:
    with pytest.raises(NoModelAvailable, match="aiorch local install"):
        exec(compile(block, "page", "exec"), {"__name__": "page"})


def test_the_rules_are_understood() -> None:
    (text,) = blocks("routing.md", "toml")
    large, nights = read_rules(text)
    assert (large.name, large.min_tokens, large.only) == ("large code", 4_000, False)
    assert (nights.pool, nights.zone, len(nights.days), nights.only) == ("small", "Europe/Berlin", 5, True)


@pytest.mark.parametrize("command", commands("routing.md"))
def test_routes_are_explained_also_where_nobody_can_be_asked(command: str) -> None:
    done = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="aiorch")
    assert done.exit_code == 1
    assert "profile" in done.stdout
    assert "nobody may be asked" in done.stderr


@pytest.mark.parametrize("command", [c for c in commands("benchmark.md") if "groq" not in c])
def test_benchmarks_without_anybody_to_measure_say_so(command: str) -> None:
    done = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="aiorch")
    assert done.exit_code in (0, 1), done.stderr
    assert done.stderr
