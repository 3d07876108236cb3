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
    from aiorch.views.drawing import Arrow, Box, graph_svg
    from aiorch.views.models import models_html
    from aiorch.views.tables import TaskRow, outcome_line, run_rows, run_table, total
    from aiorch.views.tally import Tally
    from aiorch.views.timeline import Bar, timeline_svg
    from aiorch.views.watching import live
    from aiorch.views.workflows import run_html, workflow_html

_FILES = {
    "answers": ("outcome_html",),
    "board": ("Board", "Entry"),
    "catalogue": ("benchmark_html", "health_html", "model_html", "ranking_html", "records_html"),
    "cells": ("progress",),
    "drawing": ("Arrow", "Box", "graph_svg"),
    "models": ("models_html",),
    "tables": ("TaskRow", "outcome_line", "run_rows", "run_table", "total"),
    "tally": ("Tally",),
    "timeline": ("Bar", "timeline_svg"),
    "watching": ("live",),
    "workflows": ("run_html", "workflow_html"),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}

__all__ = [
    "Arrow",
    "Bar",
    "Board",
    "Box",
    "Entry",
    "Tally",
    "TaskRow",
    "benchmark_html",
    "graph_svg",
    "health_html",
    "live",
    "model_html",
    "models_html",
    "outcome_html",
    "outcome_line",
    "progress",
    "ranking_html",
    "records_html",
    "run_html",
    "run_rows",
    "run_table",
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
