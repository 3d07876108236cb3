"""Carry out the notebooks of `examples/notebooks` anew: `python tools/execute_notebooks.py`.

They run on the embedded model, offline and without keys. What is written holds no path, no time and no version of this
machine beside what the cells themselves show.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
SECONDS = 120
"""For one cell; the first one loads the embedded model."""
OURS = re.compile(r"(?:_|^)(?:API_?KEY|TOKEN|SECRET)(?:_|$)")


def executed(path: Path, home: Path) -> Any:
    """The notebook with fresh outputs. :raises nbclient.exceptions.CellExecutionError: for a cell that fails.

    :param home: an empty folder, so that nobody's settings, keys and stores are used.
    """
    notebook: Any = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(home)}},
    )
    asyncio.run(client.async_execute(env=surroundings(home)))  # in a loop that is closed afterwards
    return plain(notebook)


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a kernel without keys, whose files all lie in ``home``; weights stay where they are."""
    import platformdirs

    weights = (
        os.environ.get("AIORCH_WEIGHTS_DIR")
        or platformdirs.user_data_path("aiorch", appauthor=False) / "models"
    )
    kept = {
        n: v
        for n, v in os.environ.items()
        if not OURS.search(n) and not n.startswith(("XDG_", "JUPYTER_", "AIORCH_"))
    }
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "AIORCH_WEIGHTS_DIR": str(weights),
    }


def plain(notebook: Any) -> Any:
    """Without what only this machine knows; cells are called by their number."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"
        cell.metadata = {}
    return notebook


def main() -> None:
    """Write all of them."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as home:
            notebook = executed(path, Path(home))
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
