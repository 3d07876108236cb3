"""How values look in a notebook: which of our types is drawn by what.

Types know nothing of it, and nobody is imported for it: a notebook is told the names, and what draws a type is loaded
when the first one is shown. ``import aiorch`` calls :func:`register` where a notebook runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Look:
    """What draws a type: functions by module and name."""

    html: str
    text: str | None = None
    """For what cannot show HTML; ``None`` = its ``repr``."""


LOOKS: Mapping[tuple[str, str], Look] = {
    ("aiorch.types.tasks", "Outcome"): Look("answers:outcome_html", "answers:outcome_text"),
    ("aiorch.discovering.discovery", "Discovery"): Look("models:models_html"),
    ("aiorch.discovering.discovery", "DiscoveredModel"): Look("catalogue:model_html", "catalogue:model_text"),
    ("aiorch.types.models", "ModelCard"): Look("catalogue:model_html", "catalogue:model_text"),
    ("aiorch.types.models", "Ranking"): Look("catalogue:ranking_html", "catalogue:ranking_text"),
    ("aiorch.routing.vitals", "HealthReport"): Look("catalogue:health_html", "catalogue:health_text"),
    ("aiorch.benchmarking.benchmark", "Report"): Look("catalogue:benchmark_html", "catalogue:benchmark_text"),
    ("aiorch.workflow.builder", "Workflow"): Look("workflows:workflow_html", "workflows:workflow_text"),
    ("aiorch.workflow.graph", "Graph"): Look("workflows:workflow_html", "workflows:workflow_text"),
    ("aiorch.workflow.runs", "Run"): Look("runs:run_html", "runs:run_text"),
    ("aiorch.workflow.report", "Report"): Look("problems:report_html", "problems:report_text"),
    ("aiorch.workflow.estimate", "Estimate"): Look("plans:estimate_html", "plans:estimate_text"),
    ("aiorch.workflow.planning", "Plan"): Look("plans:plan_html", "plans:plan_text"),
}
"""By module and name of a type, so that the type need not be there."""


def register() -> None:
    """Tell the notebook that runs here; does nothing when none does. Telling it twice does no harm."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    formatter: Any = getattr(shell, "display_formatter", None)
    if formatter is not None:
        for (module, name), look in LOOKS.items():
            formatter.formatters["text/html"].for_type_by_name(module, name, drawer(look.html))
            if look.text:
                formatter.formatters["text/plain"].for_type_by_name(module, name, _printed(drawer(look.text)))
    if "marimo" in sys.modules:  # it takes methods only, so the types have to be there
        for (module, name), look in LOOKS.items():
            getattr(import_module(module), name)._repr_html_ = drawer(look.html)


def drawer(name: str) -> Callable[[Any], str]:
    """The function of that name in this room, imported when it is called first."""
    module, _, function = name.partition(":")

    def draw(value: Any) -> str:
        return getattr(import_module(f"aiorch.views.{module}"), function)(value)

    return draw


def _printed(draw: Callable[[Any], str]) -> Callable[[Any, Any, bool], None]:
    """As IPython's printer calls it: ``(value, printer, cycle)``. Inside a list or tuple the ``repr`` is shorter."""

    def show(value: Any, printer: Any, cycle: bool) -> None:
        printer.text(repr(value) if len(printer.stack) > 1 else draw(value))

    return show
