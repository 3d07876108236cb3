"""docs/cache.md: what it shows can be run, offline and without keys."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from aiorch import Settings

PAGE = (Path(__file__).parent.parent / "docs" / "cache.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "none"))


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs_and_prints_what_it_says(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "page", "exec"), {"__name__": "page"})
    for promised in re.findall(r"print\(.*\)  # (.*)$", block, re.MULTILINE):
        assert promised in capsys.readouterr().out


def test_the_settings_are_settings() -> None:
    (block,) = blocks("toml")
    shown = Settings(**tomllib.loads(block))
    assert shown.cache_semantic
    assert shown.cache_similarity == Settings().cache_similarity
