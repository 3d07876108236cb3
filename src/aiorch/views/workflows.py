"""A workflow as a drawing, a run as a timeline and a table: what the graph and the run say, turned into plain data."""

from __future__ import annotations

from aiorch.views.answers import value_text
from aiorch.views.drawing import Arrow, Box, graph_svg
from aiorch.views.markup import clean, folded, framed, listed, table, text
from aiorch.views.tables import HEAD, NUMBERS, cells, run_rows, total
from aiorch.views.timeline import MOST, Bar, timeline_svg
from aiorch.workflow import Ask, Graph, Node, Run, Workflow
from aiorch.workflow.signature import called

MOST_TASKS = 120
"""Tasks that are drawn; a picture of more is read by nobody."""
MOST_ROWS = 200
"""Rows of a table, and lines of a text."""
MOST_PROMPT, MOST_RESULT = 300, 600
"""Characters of a prompt, and of a result, that are shown."""


def workflow_html(flow: Workflow | Graph) -> str:
    """A workflow as HTML: its tasks and inputs, drawn and listed, what they take from each other, what is wrong."""
    graph = flow if isinstance(flow, Graph) else flow.graph()
    count = len(graph.nodes)
    boxes, arrows = drawn(graph)
    cut = f"; drawn are the first {MOST_TASKS}" if count > MOST_TASKS else ""
    problems = () if isinstance(flow, Graph) else flow.problems()
    rows = [
        (node.name, _what(node), ", ".join(node.reads), ", ".join(node.after))
        for node in graph.nodes[:MOST_ROWS]
    ]
    return framed(
        f"<p><b>{text(graph.name)}</b>: {_tasks(count)}{cut}</p>",
        f"<p>{_many(len(problems), 'problem')}:</p>" if problems else "",
        listed(problems[:MOST_ROWS]),
        graph_svg(boxes, arrows),
        folded("tasks", table(("task", "does", "takes", "waits for"), rows)),
    )


def workflow_text(flow: Workflow) -> str:
    """A workflow in lines: what each task does and takes."""
    graph = flow.graph()
    inputs = ", ".join(f"{i.name}{'' if i.required else '?'}" for i in graph.inputs().values())
    lines = [f"{graph.name}: {_tasks(len(graph.nodes))}{f'; inputs: {inputs}' if inputs else ''}"]
    for node in graph.nodes[:MOST_ROWS]:
        takes = f"; takes {', '.join(node.reads)}" if node.reads else ""
        after = f"; after {', '.join(node.after)}" if node.after else ""
        lines.append(f"  {node.name}: {_what(node)}{takes}{after}")
    if len(graph.nodes) > MOST_ROWS:
        lines.append(f"  … and {len(graph.nodes) - MOST_ROWS:,} more")
    return clean("\n".join([*lines, *(f"  problem: {p}" for p in flow.problems()[:MOST_ROWS])]))


def drawn(graph: Graph) -> tuple[tuple[Box, ...], tuple[Arrow, ...]]:
    """What :func:`~aiorch.views.drawing.graph_svg` draws: the first tasks, and the inputs that they take."""
    nodes = graph.nodes[:MOST_TASKS]
    index = {name: i for name, i in graph.index.items() if i < len(nodes)}
    boxes = [_box(node) for node in nodes]
    taken = {name for node in nodes for name in node.reads}
    place = dict(index)
    for one in graph.inputs().values():
        if one.name in taken:
            place[one.name] = len(boxes)
            note = "" if one.required else "optional"
            boxes.append(Box(one.name, "input", note, f"input {one.name}: {_kind(one.type)}"))
    arrows = [
        *(Arrow(place[s], i) for i, n in enumerate(nodes) for s in n.reads if s in place),
        *(
            Arrow(index[s], i, "order")
            for i, n in enumerate(nodes)
            for s in n.after
            if s in index and s not in n.reads
        ),
    ]
    return tuple(boxes), tuple(arrows)


def run_html(run: Run) -> str:
    """A run as HTML: when what ran, who answered at what cost, what failed and what came of it."""
    rows = run_rows(run)
    bars, seconds = bars_of(run)
    last = total(rows, seconds)
    shown = [cells(row) for row in rows[:MOST_ROWS]]
    more = f"<p>{len(rows) - MOST_ROWS:,} more rows: run.to_records()</p>" if len(rows) > MOST_ROWS else ""
    unseen = f"<p>{len(bars) - MOST:,} more were not drawn.</p>" if len(bars) > MOST else ""
    results = [(name, clean(value_text(value), MOST_RESULT)) for name, value in run.results.items()]
    return framed(
        f"<p><b>{text(run.workflow)}</b>: {text(run.state)}, {seconds:.1f} s</p>",
        timeline_svg(bars, seconds),
        unseen,
        table(HEAD, [*shown, cells(last)], NUMBERS) if rows else "",
        more,
        '<p class="aside">checks: passed/failed/not assessed</p>' if last.attempts else "",
        folded("results", table(("task", "result"), results[:MOST_ROWS])),
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


def bars_of(run: Run) -> tuple[tuple[Bar, ...], float]:
    """What :func:`~aiorch.views.timeline.timeline_svg` draws, and how long the run took as far as it went."""
    bars: list[Bar] = []
    for row in run.timeline:
        name = row.task if row.item is None else f"{row.task} {row.label or f'#{row.item}'}"
        outcome = run.outcome(row)
        notes = (outcome.model if outcome else None, " ".join(row.error.split()) if row.error else None)
        running = row.state == "running"
        note = ", ".join(note for note in notes if note)
        bars.append(Bar(name, row.started, None if running else row.seconds, row.state, note))
    reached = max((bar.begin + (bar.seconds or 0.0) for bar in bars), default=0.0)
    return tuple(bars), max(run.seconds, reached)


def _box(node: Node) -> Box:
    work = node.work
    each = f"each of {', '.join(s for p in node.mapped.over for s in p.sources)}" if node.mapped else ""
    if isinstance(work, Ask):
        hint = f"{node.name}: {_what(node)}\n{clean(work.prompt.text, MOST_PROMPT)}"
        return Box(node.name, "model", each or work.agent, hint, bool(node.mapped))
    name = called(work.function)
    return Box(node.name, "function", each, f"{node.name}: {_what(node)} ({name})", bool(node.mapped))


def _what(node: Node) -> str:
    """What a task does, in words."""
    work = node.work
    if isinstance(work, Ask):
        output = "" if work.output is str else f" for {_kind(work.output)}"
        done = f"asks {work.agent}{output}"
    else:
        done = f"calls {called(work.function).rpartition('.')[2]}"
    return f"{done}, once for each" if node.mapped else done


def _kind(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)


def _tasks(count: int) -> str:
    return _many(count, "task")


def _many(count: int, name: str) -> str:
    return f"{count:,} {name if count == 1 else f'{name}s'}"
