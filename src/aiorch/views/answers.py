"""An answer in a cell: what was said, who said it and at what cost; folded, how it came about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiorch.types import Attempt, Outcome, to_plain
from aiorch.views.markup import clean, folded, framed, table, text
from aiorch.views.tables import outcome_line

MOST = 20_000
"""Characters of an answer that are shown."""


def outcome_html(outcome: Outcome[Any]) -> str:
    """An outcome as HTML. The answer is shown as text, whatever it contains."""
    found, issues = outcome.assessment, [i for v in outcome.verdicts for i in v.issues]
    mark = "" if outcome.accepted else '<span class="mark">not accepted</span>'
    checks = [
        (c.name, "not assessed" if c.passed is None else "passed" if c.passed else "failed", c.detail)
        for c in found.checks
    ]
    return framed(
        f'<div class="said" dir="auto">{text(value_text(outcome.value), MOST)}</div>',
        f'<p class="aside">{mark}{text(outcome_line(outcome))}</p>',
        folded(
            "how it came about",
            table(("check", "result", "detail"), checks),
            table(
                ("attempt", "asked", "seconds", "tokens", "came of it"),
                _attempts(outcome.attempts),
                {"attempt", "seconds", "tokens"},
            ),
            table(("guard", "found", "severity"), [(i.code, i.message, i.severity) for i in issues]),
        ),
    )


def outcome_text(outcome: Outcome[Any]) -> str:
    """An outcome for people: the answer, and below it :func:`outcome_line`."""
    return f"{clean(value_text(outcome.value), MOST)}\n\n{clean(outcome_line(outcome))}"


def value_text(value: object) -> str:
    """A value for people: a text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(to_plain(value), ensure_ascii=False, indent=2)
    except (
        Exception
    ):  # what JSON does not know: pydantic raises several kinds, a stranger's serializer anything
        return str(value)


def _attempts(attempts: Sequence[Attempt]) -> list[tuple[str, ...]]:
    return [
        (
            str(a.number),
            a.deployment.id,
            f"{a.seconds:.1f}",
            str(a.usage.total),
            "answered" if a.failure is None else f"{a.failure.kind.value}: {a.failure.message}",
        )
        for a in attempts
    ]
