"""docs/execution.md: what it shows can be run, offline and without keys, and its numbers are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiorch.cli import app
from aiorch.routing import attempts, checks, hedging, outliers
from aiorch.settings import Settings

PAGE = (Path(__file__).parent.parent / "docs" / "execution.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs_and_says_what_the_page_says(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "page", "exec"), {"__name__": "page"})
    said = capsys.readouterr().out.splitlines()
    for told in re.findall(r"print\(.*\)  # (.*)", block):
        assert told in said


COMMANDS = [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIORCH_OFFLINE", "true")
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "none"))
    done = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="aiorch")
    assert done.exit_code == 0, done.output


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    settings = Settings()
    for name in ("connect_timeout", "first_byte_timeout", "idle_timeout", "timeout"):
        assert re.search(rf"\| `{name}` \|[^|]*\| {getattr(settings, name):g} s \|", PAGE), name
    assert re.search(rf"\| `max_attempts` \|[^|]*\| {settings.max_attempts} \|", PAGE)
    assert settings.resume == "interrupt"
    assert outliers.CONSECUTIVE == 3
    assert outliers.VOLUME == 10
    assert outliers.WINDOW == 120
    assert 0.5 < outliers.RATE < 0.7
    assert f"nobody asks it for {outliers.EJECTION:.0f} s" in text
    assert f"up to {outliers.LONGEST:.0f} s" in text
    assert outliers.RAMP == 60
    assert f"at most each {checks.EVERY:.0f} s and {checks.BUDGET} times an hour" in text
    assert f"after {attempts.PAUSE:g} s, 1 s, 2 s" in text
    assert f"{attempts.UNTOLD_MINUTE:.0f} s where nobody says" in text
    assert f"At most {100 * hedging.SHARE:.0f} % extra" in text
    assert hedging.BURST == 10
