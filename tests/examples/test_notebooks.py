"""The notebooks do what they show: every cell runs on the embedded model, offline and without keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tools.execute_notebooks import NOTEBOOKS, executed, plain

NAMES = ("build-a-workflow", "explore-models")


def kinds(notebook: Any) -> list[list[Any]]:
    """For each cell with code its outputs by kind: what they are, not what they say."""
    return [
        [(o.output_type, sorted(o.get("data", {})) or o.get("name")) for o in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.weights
@pytest.mark.parametrize("name", NAMES)
def test_every_cell_runs_and_shows_what_the_page_shows(name: str, tmp_path: Path) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    assert kinds(executed(path, tmp_path)) == kinds(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed_was_carried_out_in_order_and_tells_nothing_of_a_machine(name: str) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "error" not in {o.output_type for cell in code for o in cell.outputs}
    assert "stderr" not in {o.get("name") for cell in code for o in cell.outputs}
    raw = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|root|tmp|Users|work)/|https?://(?!127)|<script", raw)
    assert len(raw) < 60_000
    assert plain(nbformat.read(path, as_version=4)) == notebook


def test_every_notebook_is_tested() -> None:
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(NAMES)
