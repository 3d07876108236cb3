"""How runs, answers and models look to people: a live display while a workflow runs, and tables afterwards.

What is shown is worked out from events and runs without a terminal (:class:`Board`, :func:`run_rows`); rich only draws
it, and is imported when something is drawn.
"""

from aiorch.views.board import Board, Entry
from aiorch.views.live import live
from aiorch.views.models import models_html
from aiorch.views.tables import TaskRow, outcome_line, run_rows, run_table, total

__all__ = [
    "Board",
    "Entry",
    "TaskRow",
    "live",
    "models_html",
    "outcome_line",
    "run_rows",
    "run_table",
    "total",
]
