"""docs/plugins.md: followed from an empty folder to a wheel, as it stands there, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT, Block, blocks
from tests.examples import fresh

PIP = """#!/bin/sh
# What pip does with a network is done here with what is on this machine.
set -eu
uv() { {uv} --offline --quiet --no-config "$@"; }
case "$*" in
    "install $HOME/aiorch pytest") ;;  # both are there already
    "install --editable .") uv build --wheel --no-build-isolation --python {python} -o built .
        uv pip install --no-deps --python {place}/bin/python built/*.whl ;;
    "wheel --no-deps --wheel-dir dist .") uv build --wheel --no-build-isolation --python {python} -o dist . ;;
    "install --force-reinstall --no-deps dist/"*) shift 3
        uv pip install --reinstall --no-deps --python {place}/bin/python "$1" ;;
    *) echo "the page asks pip for something else: $*" >&2; exit 1 ;;
esac
"""


def test_who_follows_the_page_has_a_provider_that_answers_passes_its_suite_and_can_be_given_away(
    tmp_path: Path,
) -> None:
    place = fresh.environment(tmp_path, beside=("pytest",))
    pip = place / "bin" / "pip"
    uv = Path(sys.executable).with_name("uv")
    pip.write_text(
        PIP.replace("{uv}", str(uv)).replace("{python}", sys.executable).replace("{place}", str(place))
    )
    pip.chmod(0o755)
    page = blocks(ROOT / "docs" / "plugins.md")
    last = max(n for n, block in enumerate(page) if "pip wheel" in block.code)
    said = ""
    for block in page[: last + 1]:
        if block.title:
            path = tmp_path / block.title
            assert path.parent.is_dir(), f"{block.place}: the folder {path.parent.name} is not made before"
            path.write_text(block.code)
        elif block.language == "sh":
            said += _followed(block, tmp_path, place)
        elif block.language == "python":
            said += _shell(
                f"python - <<'END'\n{_awaiting(block.code)}\nEND", tmp_path / "aiorch-oracle", place
            )
    assert said.count("used  provider  oracle  oracle  aiorch-oracle 0.1.0\n") == 2, said
    assert "\nAsk again later.\n" in said
    assert "oracle/delphi Ask again later." in said
    assert " passed" in said
    assert "failed" not in said
    assert (tmp_path / "aiorch-oracle" / "dist" / "aiorch_oracle-0.1.0-py3-none-any.whl").is_file()


def _followed(block: Block, start: Path, place: Path) -> str:
    """The commands; the first block makes the folder in which all others are given."""
    inside = start / "aiorch-oracle"
    code = block.code.replace("python3 -m venv .venv\n", "").replace("source .venv/bin/activate\n", "")
    return _shell(code, inside if inside.exists() else start, place)


def _shell(code: str, folder: Path, place: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE", "COV_"))}
    more = {
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AIORCH_WEIGHTS_DIR": "/nowhere",
        "AIORCH_OFFLINE": "true",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["sh", "-euc", code], cwd=folder, env={**clean, **more}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout


def _awaiting(code: str) -> str:
    body = "\n".join(f"    {line}" for line in code.splitlines())
    return f"import asyncio\nasync def main():\n{body}\nasyncio.run(main())"
