"""How runs, answers, models and workflows look to people: in a terminal, and in a notebook.

What is shown is worked out from events, runs and graphs without either (:class:`Board`, :class:`Tally`,
:func:`run_rows`); rich only draws it on terminals. Notebooks show our types by themselves
(:mod:`aiorch.views.notebook`); the functions that end in ``_html`` give the same to whoever wants it elsewhere.
Names are fetched from their files when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiorch.views.answers import outcome_html
    from aiorch.views.board import Board, Entry
    from aiorch.views.catalogue import benchmark_html, health_html, model_html, ranking_html, records_html
    from aiorch.views.cells import progress
    from aiorch.views.diagrams import mermaid, timeline_mermaid
    from aiorch.views.drawing import Arrow, Box, Picture, graph_svg
    from aiorch.views.models import models_html
    from aiorch.views.pages import save
    from aiorch.views.plans import estimate_html, plan_html
    from aiorch.views.problems import report_html
    from aiorch.views.runs import run_html
    from aiorch.views.tables import TaskRow, outcome_line, run_rows, run_table, total
    from aiorch.views.tally import Tally
    from aiorch.views.timeline import Bar, timeline_svg
    from aiorch.views.watching import live
    from aiorch.views.workflows import workflow_html

_FILES = {
    "answers": ("outcome_html",),
    "board": ("Board", "Entry"),
    "catalogue": ("benchmark_html", "health_html", "model_html", "ranking_html", "records_html"),
    "cells": ("progress",),
    "diagrams": ("mermaid", "timeline_mermaid"),
    "drawing": ("Arrow", "Box", "Picture", "graph_svg"),
    "models": ("models_html",),
    "pages": ("save",),
    "plans": ("estimate_html", "plan_html"),
    "problems": ("report_html",),
    "runs": ("run_html",),
    "tables": ("TaskRow", "outcome_line", "run_rows", "run_table", "total"),
    "tally": ("Tally",),
    "timeline": ("Bar", "timeline_svg"),
    "watching": ("live",),
    "workflows": ("workflow_html",),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}

__all__ = [
    "Arrow",
    "Bar",
    "Board",
    "Box",
    "Entry",
    "Picture",
    "Tally",
    "TaskRow",
    "benchmark_html",
    "estimate_html",
    "graph_svg",
    "health_html",
    "live",
    "mermaid",
    "model_html",
    "models_html",
    "outcome_html",
    "outcome_line",
    "plan_html",
    "progress",
    "ranking_html",
    "records_html",
    "report_html",
    "run_html",
    "run_rows",
    "run_table",
    "save",
    "timeline_mermaid",
    "timeline_svg",
    "total",
    "workflow_html",
]


def __getattr__(name: str) -> Any:
    file = _FILE_OF.get(name)
    if file is None:
        raise AttributeError(f"module 'aiorch.views' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"aiorch.views.{file}"), name)
    return value
