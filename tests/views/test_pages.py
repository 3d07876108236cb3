"""One file that shows it all, with nothing from elsewhere and nothing that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.views.every_kind import every_kind
from tests.views.pages import harmless

from aiorch.errors import InputError, StorageError
from aiorch.types import Outcome
from aiorch.views import save
from aiorch.workflow import Row, Run, Workflow


def written(path: Path) -> str:
    html = path.read_text(encoding="utf-8")
    head, _, body = html.partition("<body>")
    assert "default-src 'none'; style-src 'unsafe-inline'" in head
    assert not re.search(r"<script|https?:|@import|url\(", html)
    harmless(body.partition("</body>")[0])
    return html


def test_a_run_is_saved_as_one_page(tmp_path: Path) -> None:
    run = Run("letters <script>", id="r1", state="done", seconds=61.0)
    run._rows.append(Row("kind", None, None, 0.0, 1.5, "done"))
    run._rows.append(Row("ok", None, None, 0.0, 1.5, "refused"))
    run.results["kind"] = "<img src=x onerror=alert(1)>"
    path = save(run, tmp_path / "run.html", flow=every_kind())
    html = written(path)
    assert "letters &lt;script&gt;" in html
    for part in (
        "run r1",
        "<b>61.0 s</b>",
        "<summary>workflow</summary>",
        "<summary>tasks</summary>",
        "refused",
    ):
        assert part in html


def test_whatever_has_a_look_is_saved(tmp_path: Path) -> None:
    flow = Workflow("w")
    flow.ask("a", "x")
    for value, said in (
        (flow, "1 task"),
        (flow.graph(), "1 task"),
        (flow.validate(), "no problem found"),
        (flow.plan(), "1 group"),
        (flow.plan().estimate, "critical path"),
        (Outcome("<i>", "", "t"), "&lt;i&gt;"),
    ):
        assert said in written(save(value, tmp_path / "x.html"))


def test_what_has_no_picture_is_refused_and_a_place_that_is_none_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a dict has no picture; what has one: .*Run"):
        save({}, tmp_path / "x.html")
    with pytest.raises(StorageError, match="cannot be written"):
        save(Run("w"), tmp_path / "no" / "x.html")
