"""One HTML file that shows a run, a workflow, a plan: whole in itself, for whoever has no notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aiorch.errors import InputError, StorageError
from aiorch.views.markup import text

if TYPE_CHECKING:
    from aiorch.workflow import Graph, Workflow

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1.5em}"
    "h1{font-size:1.5em;margin:0 0 .2em}"
    "footer{margin-top:2em;opacity:.6;font-size:.85em}"
    ".aiorch table{font-size:.92em}"
    ".aiorch details{margin:1em 0}"
    ".aiorch summary{font-weight:600}"
    ".aiorch .facts{display:flex;flex-wrap:wrap;gap:.6em;margin:1em 0}"
    ".aiorch .facts div{border:1px solid rgba(128,128,128,.35);border-radius:6px;padding:.4em .9em}"
    ".aiorch .facts b{display:block;font-size:1.25em;font-variant-numeric:tabular-nums}"
    "@media print{details{break-inside:avoid}}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The browser runs no script and fetches nothing, whatever a text of a model contains."""


def save(value: Any, path: str | Path, *, flow: Workflow | Graph | None = None) -> Path:
    """Write one HTML file that shows ``value``: a run, a workflow, a plan, an estimate, a report, an outcome ...

        save(run, "run.html", flow=flow)

    It needs no network and no script, and every text in it, whoever wrote it, is shown as text.

    :param flow: what a run carried out; drawn with the state of each task.
    :raises InputError: for what has no picture. :raises StorageError: when the file cannot be written.
    """
    from aiorch.views.notebook import LOOKS, drawer
    from aiorch.views.runs import run_body
    from aiorch.workflow import Run

    kind = cast("type[object]", type(value))
    look = LOOKS.get((kind.__module__, kind.__qualname__))
    if look is None:
        names = ", ".join(sorted({name for _, name in LOOKS}))
        raise InputError(f"a {kind.__qualname__} has no picture; what has one: {names}")
    if isinstance(value, Run):
        title, body = value.workflow, run_body(value, flow)
    else:
        name = getattr(value, "name", None) or getattr(value, "workflow", None)
        title, body = str(name or kind.__qualname__), drawer(look.html)(value)
    path = Path(path)
    try:
        path.write_text(page(title, body), encoding="utf-8")
    except OSError as wrong:
        raise StorageError(f"{path} cannot be written: {wrong.strerror or wrong}") from wrong
    return path


def page(title: str, body: str) -> str:
    """HTML as a document of its own."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}<footer>written by aiorch</footer></body></html>\n"
    )
