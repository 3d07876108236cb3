"""What is known of models, of deployments and of a choice between them, as tables in cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aiorch.types import ModelCard, Ranking
from aiorch.views.markup import clean, folded, framed, table, text

if TYPE_CHECKING:
    from aiorch.benchmarking import Report
    from aiorch.discovering import DiscoveredModel
    from aiorch.routing.vitals import HealthReport

MOST = 200
"""Rows that are drawn."""
MOST_LINES = 20
"""Lines of a text."""


def records_html(records: Iterable[Mapping[str, object]], told: str = "") -> str:
    """Rows of plain values, as every ``to_records()`` gives them, as an HTML table.

    Columns that are empty in every row are left out.

    :param told: a sentence above it.
    """
    rows = list(records)
    heads = [
        h for h in dict.fromkeys(k for row in rows for k in row) if any(_known(row.get(h)) for row in rows)
    ]
    numbers = [h for h in heads if all(not _known(row.get(h)) or _is_number(row.get(h)) for row in rows)]
    cells = [[_cell(row.get(head)) for head in heads] for row in rows[:MOST]]
    more = f" Shown: the first {MOST:,} of {len(rows):,}." if len(rows) > MOST else ""
    return framed(f"<p>{text(told)}{more}</p>" if told or more else "", table(heads, cells, numbers))


def model_html(model: DiscoveredModel | ModelCard) -> str:
    """Everything that is known of one model."""
    card, facts = _facts(model)
    scores = [(s.benchmark, f"{s.value:g}", s.as_of, s.source) for s in card.scores]
    return framed(
        table(("fact", "value"), facts),
        folded("scores", table(("benchmark", "score", "as of", "source"), scores, {"score"})),
    )


def ranking_html(ranking: Ranking) -> str:
    """Who would be asked, best first, and who would not, and why."""
    rows = [
        (
            str(i),
            c.deployment.id,
            "" if c.card.context is None else f"{c.card.context:,}",
            c.card.free.replace("_", " "),
        )
        for i, c in enumerate(ranking.candidates[:MOST], 1)
    ]
    count, passed = len(ranking.candidates), ranking.passed_over
    return framed(
        f"<p>{count:,} {'candidate' if count == 1 else 'candidates'}; {text(ranking.reason)}</p>",
        table(("place", "deployment", "context", "free"), rows, {"place", "context"}),
        folded(
            f"passed over: {len(passed):,}",
            table(("model", "why"), [(p.id, p.reason) for p in passed[:MOST]]),
        ),
    )


def health_html(report: HealthReport) -> str:
    """How every deployment is that was asked."""
    sick = len(report.sick)
    return records_html(report.to_records(), f"{len(report):,} deployments, {sick:,} sick")


def benchmark_html(report: Report) -> str:
    """How the models did that were measured."""
    waiting = f"; {report.waiting:,} questions are left for another run" if report.waiting else ""
    return records_html(_flat(report), f"{report.asked:,} calls in this run, {report.spent} USD{waiting}")


def ranking_text(ranking: Ranking) -> str:
    """The first of a ranking in lines."""
    found = [f"  {i}. {c.deployment.id}" for i, c in enumerate(ranking.candidates[:MOST_LINES], 1)]
    more = len(ranking.candidates) - len(found)
    passed = len(ranking.passed_over)
    return clean(
        "\n".join(
            (
                f"{ranking.reason}:" if ranking.reason else "candidates:",
                *(found or ("  nobody",)),
                *((f"  … and {more:,} more",) if more else ()),
                *((f"passed over: {passed:,}",) if passed else ()),
            )
        )
    )


def model_text(model: DiscoveredModel | ModelCard) -> str:
    """What is known of a model in a few lines."""
    card, facts = _facts(model)
    lines = (f"  {name}: {value}" for name, value in facts if name not in ("id", "provider", "model"))
    return clean("\n".join((card.id, *lines)))


def records_text(records: Iterable[Mapping[str, object]]) -> str:
    """Rows of plain values, a line each; what is empty is left out."""
    rows = list(records)
    lines = [
        ", ".join(f"{name} {_cell(value)}" for name, value in row.items() if _known(value))
        for row in rows[:MOST_LINES]
    ]
    more = len(rows) - len(lines)
    return clean("\n".join((*(lines or ("nothing",)), *((f"… and {more:,} more",) if more else ()))))


def health_text(report: HealthReport) -> str:
    """:func:`health_html` in lines."""
    return records_text(report.to_records())


def benchmark_text(report: Report) -> str:
    """:func:`benchmark_html` in lines."""
    return records_text(_flat(report))


def _flat(report: Report) -> list[dict[str, object]]:
    """The report's rows without the measures inside measures, which ``to_records()`` has."""
    return [
        {name: value for name, value in row.items() if not isinstance(value, Mapping | list)}
        for row in report.to_records()
    ]


def _facts(model: DiscoveredModel | ModelCard) -> tuple[ModelCard, list[tuple[str, str]]]:
    """Name and value of each thing that is known; a card alone cannot tell whether it may be used."""
    from aiorch.discovering import DiscoveredModel, record

    alone = isinstance(model, ModelCard)
    facts = record(DiscoveredModel(model) if alone else model)
    skipped = ("usable_now", "why_not", "free") if alone else ()
    return model if alone else model.card, [
        (name.replace("_", " "), _cell(value))
        for name, value in facts.items()
        if _known(value) and name not in skipped
    ]


def _known(value: object) -> bool:
    return value is not None and value != ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return "" if value is None else str(value)
