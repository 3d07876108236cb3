"""What is known of a workflow before it runs: what it would do, in which order, and what that takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from aiorch.views.describing import many
from aiorch.views.markup import clean, folded, framed, table, text
from aiorch.views.tables import money
from aiorch.workflow.estimate import Estimate, duration
from aiorch.workflow.planning import Plan

MOST_ROWS = 200
"""Rows of a table."""
MOST_NAMES = 40
"""Tasks of a group that are named."""
MOST_QUESTION = 600
"""Characters of a question that are shown."""


def estimate_html(estimate: Estimate) -> str:
    """An estimate as HTML: time, money, tokens; folded, task by task, and what it takes for granted."""
    return framed(f"<p><b>{text(estimate.workflow)}</b></p>", *_estimated(estimate))


def estimate_text(estimate: Estimate) -> str:
    """The same in lines."""
    return clean(str(estimate))


def plan_html(plan: Plan) -> str:
    """A plan as HTML: which tasks could run together, what the whole takes, who would be asked what."""
    critical = {path.partition("/")[0] for path in plan.critical}
    groups = (
        f'<tr><td class="number">{number}</td><td>{_named(group, critical)}</td></tr>'
        for number, group in enumerate(plan.groups[:MOST_ROWS], 1)
    )
    asked = (
        (one.task, one.agent, "?" if one.count is None else f"{one.count:,}", clean(one.text, MOST_QUESTION))
        for one in plan.asked[:MOST_ROWS]
    )
    more = [len(plan.groups) - MOST_ROWS, len(plan.asked) - MOST_ROWS]
    return framed(
        f"<p><b>{text(plan.workflow)}</b>: {many(len(plan.order), 'task')} in {many(len(plan.groups), 'group')}</p>",
        f"<table><tbody>{''.join(groups)}</tbody></table>" if plan.groups else "",
        f"<p>{more[0]:,} more groups are not listed.</p>" if more[0] > 0 else "",
        '<p class="aside">a group could run at the same time; bold: the critical path, which makes the run as long as '
        "it is</p>",
        *_estimated(plan.estimate),
        folded(
            "what would be asked",
            table(("task", "who", "times", "what"), asked, {"times"}),
            f"<p>{more[1]:,} more questions are not listed.</p>" if more[1] > 0 else "",
        ),
    )


def plan_text(plan: Plan) -> str:
    """The same in lines."""
    return clean(str(plan))


def _named(group: Sequence[str], bold: Collection[str]) -> str:
    shown = ", ".join(f"<b>{text(n)}</b>" if n in bold else text(n) for n in group[:MOST_NAMES])
    return f"{shown} and {len(group) - MOST_NAMES:,} more" if len(group) > MOST_NAMES else shown


def _number(value: int) -> str:
    return f"{value:,}"


def _usd(value: Decimal) -> str:
    return money(value) + " USD"


def _estimated(estimate: Estimate) -> Iterator[str]:
    size = estimate.complexity
    facts = [
        ("time", f"{duration(estimate.seconds_p50)}; 9 of 10 runs within {duration(estimate.seconds_p90)}"),
        (
            "at work at once",
            f"{estimate.parallelism:.1f} on average, {estimate.most_parallel:,} at most (limit {estimate.limit:,})",
        ),
        ("questions", estimate.calls.told(_number)),
        ("tokens", estimate.tokens.told(_number)),
        ("cost", estimate.cost.told(_usd)),
        (
            "complexity",
            f"{size.level}: {many(size.tasks, 'task')}, {many(size.edges, 'edge')}, {size.depth:,} deep, "
            f"{size.width:,} wide",
        ),
        ("critical path", " → ".join(estimate.critical[:MOST_NAMES])),
    ]
    yield table(("", ""), facts)
    rows = (
        (
            one.task,
            one.kind,
            one.count.told(_number),
            duration(one.seconds_p50),
            duration(one.seconds_p90),
            one.basis,
            one.agent or "",
            one.demand.usd.told(_usd) if one.agent else "",
        )
        for one in estimate.tasks[:MOST_ROWS]
    )
    heads = ("task", "kind", "times", "half within", "9 of 10 within", "from", "agent", "USD")
    yield folded("task by task", table(heads, rows, {"times", "half within", "9 of 10 within"}))
    yield folded("taken for granted", table(("",), ((one,) for one in estimate.assumed[:MOST_ROWS])))
