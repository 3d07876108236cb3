"""What is wrong with a workflow: each problem with its place and what helps."""

from __future__ import annotations

from aiorch.views.describing import many
from aiorch.views.markup import clean, framed, table, text
from aiorch.workflow.report import Report

MOST = 200
"""Problems that are listed."""


def report_html(report: Report) -> str:
    """A validation's report as HTML, errors first."""
    found = f"{many(len(report.errors), 'error')}, {many(len(report.warnings), 'warning')}"
    said = found if report.problems else "no problem found"
    return framed(f"<p><b>{text(report.workflow)}</b>: {said}</p>", problems_table(report))


def report_text(report: Report) -> str:
    """The same in lines."""
    return clean(str(report))


def problems_table(report: Report, most: int = MOST) -> str:
    """The problems alone; nothing where there is none."""
    rows = ((p.severity, p.code, p.task, p.message, p.cure) for p in report.problems[:most])
    more = len(report.problems) - most
    return table(("", "code", "task", "what is wrong", "what helps"), rows) + (
        f"<p>{more:,} more problems: flow.validate().to_records()</p>" if more > 0 else ""
    )
