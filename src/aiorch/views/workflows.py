"""A workflow in a cell, on a page and in lines: drawn, listed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiorch.views.describing import condition_text, does, how, many, values_of
from aiorch.views.drawing import BoxState, graph_svg
from aiorch.views.markup import clean, folded, framed, table, text
from aiorch.views.pictures import Sketch, sketches
from aiorch.views.problems import problems_table
from aiorch.workflow import Graph, Node, Workflow
from aiorch.workflow.validation import validate

MOST_ROWS = 200
"""Rows of a table, and lines of a text."""
MOST_PROBLEMS = 50


def workflow_html(flow: Workflow | Graph) -> str:
    """A workflow as HTML: its tasks and inputs, drawn and listed, what they take from each other, what is wrong."""
    graph = flow if isinstance(flow, Graph) else flow.graph()
    report = validate(graph)
    return framed(
        f"<p><b>{text(graph.name)}</b>: {many(len(graph.nodes), 'task')}</p>",
        problems_table(report, MOST_PROBLEMS),
        *drawings(graph),
        folded("tasks", tasks_table(graph)),
    )


def drawings(graph: Graph, states: Mapping[str, BoxState] | None = None) -> Iterator[str]:
    """The picture of a workflow; folded, those of the workflows in it that have no room there.

    :param states: how its tasks are, by path.
    """
    for name, found in sketches(graph, states):
        drawn = _grouped(found) + graph_svg(found.picture.boxes, found.picture.arrows)
        yield folded(f"the workflow in {name}", drawn) if name else drawn


def tasks_table(graph: Graph) -> str:
    """What each task does, takes and waits for."""
    rows = [
        (
            node.name,
            does(node),
            ", ".join(values_of(node)),
            ", ".join(node.after),
            conditions(node),
            how(node),
        )
        for node in graph.nodes[:MOST_ROWS]
    ]
    heads = ["task", "does", "takes", "waits for", "only", "how"]
    kept = [i for i in range(len(heads)) if i < 3 or any(row[i] for row in rows)]
    more = len(graph.nodes) - MOST_ROWS
    return table([heads[i] for i in kept], [[row[i] for i in kept] for row in rows]) + (
        f"<p>{more:,} more are not listed.</p>" if more > 0 else ""
    )


def workflow_text(flow: Workflow | Graph) -> str:
    """A workflow in lines: what each task does and takes."""
    graph = flow if isinstance(flow, Graph) else flow.graph()
    inputs = ", ".join(f"{i.name}{'' if i.required else '?'}" for i in graph.inputs().values())
    lines = [f"{graph.name}: {many(len(graph.nodes), 'task')}{f'; inputs: {inputs}' if inputs else ''}"]
    for node in graph.nodes[:MOST_ROWS]:
        facts = (
            f"{node.name}: {does(node)}",
            f"takes {', '.join(values_of(node))}" if values_of(node) else "",
            f"after {', '.join(node.after)}" if node.after else "",
            f"only {conditions(node)}" if node.when else "",
            how(node),
        )
        lines.append(f"  {'; '.join(fact for fact in facts if fact)}")
    if len(graph.nodes) > MOST_ROWS:
        lines.append(f"  … and {len(graph.nodes) - MOST_ROWS:,} more")
    found = validate(graph).problems[:MOST_PROBLEMS]
    return clean("\n".join([*lines, *(f"  {p.severity}: {p}" for p in found)]))


def conditions(node: Node) -> str:
    """When a task is carried out at all: ``kind = question``."""
    return " and ".join(f"{condition.source} {condition_text(condition)}" for condition in node.when)


def _grouped(found: Sketch) -> str:
    if not found.grouped:
        return ""
    return f'<p class="aside">{found.grouped:,} tasks that look alike are drawn together.</p>'
