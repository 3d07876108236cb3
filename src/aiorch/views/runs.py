"""A run in a cell, on a page and in lines: when what ran, who waits for whom, who answered, what came of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from aiorch.views.answers import value_text
from aiorch.views.describing import many, moment
from aiorch.views.drawing import STATES, BoxState
from aiorch.views.markup import clean, folded, framed, table, text
from aiorch.views.tables import HEAD, NUMBERS, cells, money, run_rows, total
from aiorch.views.timeline import MOST, Bar, timeline_svg
from aiorch.views.workflows import drawings
from aiorch.workflow import Graph, Run, Workflow
from aiorch.workflow.nodes import Approve, Loop, Sleep, Sub, WaitFor

MOST_ROWS = 200
"""Rows of a table."""
MANY = 40
"""Bars from which on the items of a mapped task have one together."""
MOST_RESULT, MOST_QUESTION = 600, 2000
"""Characters of a result, and of what a person is asked, that are shown."""
MOST_WAITING = 20
"""Waiting tasks that are shown with what they wait for."""


def run_html(run: Run, flow: Workflow | Graph | None = None) -> str:
    """A run as HTML: when what ran, who answered at what cost, what waits, failed or was skipped, what came of it.

    :param flow: what was carried out; drawn with the state of each task, where it is given.
    """
    return framed(f"<p><b>{text(run.workflow)}</b>: {text(headline(run))}</p>", *parts(run, flow))


def run_body(run: Run, flow: Workflow | Graph | None = None) -> str:
    """A run as a page of its own has it: its measures in large letters, everything below."""
    rows = run_rows(run)
    last = total(rows, run.seconds)
    counts = Counter(row.state for row in rows)
    facts = [(f"{n:,}", state) for state, n in sorted(counts.items(), key=lambda pair: -pair[1])]
    facts.append((f"{max(run.seconds, _reached(run)):.1f} s", "time"))
    if last.attempts:
        facts += [
            (f"{last.attempts:,}", "attempts"),
            (f"{last.tokens or 0:,}", "tokens"),
            (money(last.cost or Decimal(0)), "USD"),
        ]
    cards = "".join(f"<div><b>{text(number)}</b>{text(name)}</div>" for number, name in facts)
    return framed(
        f"<h1>{text(run.workflow)}</h1>",
        f'<p><span class="mark">{text(run.state)}</span><span class="aside">run {text(run.id)}</span></p>',
        f'<div class="facts">{cards}</div>',
        *parts(run, flow),
    )


def headline(run: Run) -> str:
    """How it is in a line: ``done, 12.3 s``."""
    waits = f", {many(len(run.waiting), 'task')} waiting" if run.waiting else ""
    return f"{run.state}, {max(run.seconds, _reached(run)):.1f} s{waits}"


def parts(run: Run, flow: Workflow | Graph | None = None) -> Iterator[str]:
    """Everything below the headline."""
    yield waiting_html(run)
    graph = flow if isinstance(flow, Graph) or flow is None else flow.graph()
    bars, seconds = bars_of(run, graph)
    yield timeline_svg(bars, seconds)
    if len(bars) > MOST:
        yield f'<p class="aside">{len(bars) - MOST:,} shorter ones are not drawn.</p>'
    if graph is not None:
        yield folded("workflow", *drawings(graph, states(run)), shown=True)
    yield folded("tasks", tasks_html(run, seconds), shown=True)
    yield folded("results", table(("task", "result"), _results(run)))
    yield folded("calls", table(("call", "began", "seconds", "state"), _calls(run), {"seconds"}))


def waiting_html(run: Run) -> str:
    """Who waits for a person or an event, what is asked, and how to answer."""
    drawn: list[str] = []
    for one in run.waiting[:MOST_WAITING]:
        until = "" if one.until is None else f", until {moment(one.until)}"
        person = one.kind == "approval"
        what = "waits for a person" if person else f"waits for the event {one.name}"
        how = f"await run.approve({one.name!r})" if person else f"await run.send({one.name!r}, value)"
        said = (
            f'<div class="said" dir="auto">{text(one.question, MOST_QUESTION)}</div>' if one.question else ""
        )
        drawn.append(
            f'<p><span class="mark">waiting</span><b>{text(one.task)}</b> {text(what + until)}</p>{said}'
            f'<p class="aside">answer: {text(how)}</p>'
        )
    return "".join(drawn)


def tasks_html(run: Run, seconds: float) -> str:
    """Each task and item in a table, with the totals below."""
    rows = run_rows(run)
    if not rows:
        return ""
    last = total(rows, seconds)
    more = len(rows) - MOST_ROWS
    return (
        table(HEAD, [*map(cells, rows[:MOST_ROWS]), cells(last)], NUMBERS)
        + (f"<p>{more:,} more rows: run.to_records()</p>" if more > 0 else "")
        + ('<p class="aside">checks: passed/failed/not assessed</p>' if last.attempts else "")
    )


def run_text(run: Run) -> str:
    """A run in lines, as on a terminal of 100 columns."""
    from io import StringIO

    from rich.console import Console

    from aiorch.views.tables import run_table

    console = Console(
        file=StringIO(), width=100, color_system=None, force_terminal=False, force_jupyter=False
    )
    with console.capture() as captured:
        console.print(run_table(run))
    return clean("\n".join(line.rstrip() for line in captured.get().splitlines()))


def bars_of(run: Run, graph: Graph | None = None) -> tuple[tuple[Bar, ...], float]:
    """What :func:`~aiorch.views.timeline.timeline_svg` draws, and how long the run took as far as it went.

    What is inside of a task stands below it. The items of a mapped task have one bar together where there are many.

    :param graph: what was carried out; it tells what only waited.
    """
    waits = {one.task for one in run.waiting}
    idle = set(_idle(graph, "")) if graph is not None else waits
    begun: dict[str, float] = {}
    bars: list[tuple[str, Bar]] = []
    items: dict[str, list[Bar]] = {}
    for row in run.timeline:
        name = row.task if row.item is None else f"{row.task} {row.label or f'#{row.item}'}"
        outcome = run.outcome(row)
        notes = (
            outcome.model if outcome else None,
            f"{row.tries} tries" if row.tries > 1 else None,
            " ".join(row.error.split()) if row.error else None,
        )
        state = "waiting" if row.key in waits else row.state
        over = row.state != "running"
        note = ", ".join(note for note in notes if note)
        hollow = plain_path(row.task) in idle
        bar = Bar(name, row.started, row.seconds if over else None, state, note, hollow)
        begun.setdefault(_outermost(row.task), row.started)
        bars.append((row.task, bar))
        if row.item is not None:
            items.setdefault(row.task, []).append(bar)
    if len(bars) > MANY:
        single = [pair for row, pair in zip(run.timeline, bars, strict=True) if row.item is None]
        bars = [*single, *((task, _together(task, found)) for task, found in items.items())]
    bars.sort(key=lambda pair: (begun[_outermost(pair[0])], _outermost(pair[0]), pair[1].begin))
    return tuple(bar for _, bar in bars), max(run.seconds, _reached(run))


def states(run: Run) -> dict[str, BoxState]:
    """How each task is, by path without items and rounds: of several the one that matters most."""
    waits = {one.task for one in run.waiting}
    found: dict[str, BoxState] = dict.fromkeys(map(plain_path, run.skipped), "skipped")
    for row in run.timeline:
        path, state = plain_path(row.task), "waiting" if row.key in waits else row.state
        if path not in found or _WEIGHT[state] > _WEIGHT[found[path]]:
            found[path] = state
    return found


def plain_path(path: str) -> str:
    """A path without items and rounds, as the workflow has it.

    >>> plain_path("each[3]/polish#2/better")
    'each/polish/better'
    """
    return _TIMES.sub("", path)


_TIMES = re.compile(r"(?:\[\d+\]|#\d+)(?=/|\Z)")
_WEIGHT: dict[BoxState, int] = {state: weight for weight, state in enumerate(reversed(tuple(STATES)))}


def _outermost(path: str) -> str:
    """The task of the run's own workflow that a path is inside of."""
    return plain_path(path.partition("/")[0])


def _idle(graph: Graph, prefix: str) -> Iterator[str]:
    """Paths of the tasks that only wait."""
    for node in graph.nodes:
        if isinstance(node.work, Approve | WaitFor | Sleep):
            yield prefix + node.name
        elif isinstance(node.work, Sub | Loop):
            yield from _idle(node.work.graph, f"{prefix}{node.name}/")


def _together(task: str, items: list[Bar]) -> Bar:
    """The bar of all items of a mapped task."""
    counts = Counter(bar.state for bar in items)
    begin = min(bar.begin for bar in items)
    open_ = any(bar.seconds is None for bar in items)
    end = max(bar.begin + (bar.seconds or 0.0) for bar in items)
    lost = counts["failed"] / len(items)
    state = next(s for s in ("waiting", "running", "cancelled", "done", "refused", "failed") if counts[s])
    told = ", ".join(f"{n:,} {state}" for state, n in counts.most_common())
    return Bar(f"{task} ×{len(items):,}", begin, None if open_ else end - begin, state, told, lost=lost)


def _reached(run: Run) -> float:
    return max((row.started + row.seconds for row in run.timeline), default=0.0)


def _results(run: Run) -> Iterable[tuple[str, str]]:
    for name, value in islice(run.results.items(), MOST_ROWS):
        yield name, clean(value_text(value), MOST_RESULT)


def _calls(run: Run) -> Iterable[tuple[str, str, str, str]]:
    for call in run.calls[:MOST_ROWS]:
        seconds = "" if call.ended is None else f"{call.ended - call.began:.1f}"
        yield call.key, moment(call.began), seconds, call.state
