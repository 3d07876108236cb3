"""What a durable engine keeps of a finished run, and the run that it makes again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from aiorch.errors import WorkflowError
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Node
from aiorch.workflow.runs import Run
from aiorch.workflow.stored import clean
from aiorch.workflow.values import Mismatch, fitted, result_type


def stored(run: Run, redact: Callable[[str], str]) -> dict[str, Any]:
    """A run's results, why tasks were skipped and what was tolerated; exceptions in lists stay empty places.

    :param redact: takes secrets out of what failed tasks said.
    """
    return {
        "results": {name: _without_errors(value) for name, value in run.results.items()},
        "skipped": dict(run.skipped),
        "errors": {
            path: clean(f"{type(wrong).__name__}: {redact(str(wrong))}") for path, wrong in run.errors.items()
        },
    }


def restore(run: Run, graph: Graph, kept: Mapping[str, Any]) -> None:
    """Fill in a run from what was kept, typed as far as the graph tells types; outcomes and the timeline are not."""
    run.errors.update({path: WorkflowError(told) for path, told in kept["errors"].items()})
    run.skipped.update(kept["skipped"])
    for node in graph.nodes:
        if node.name in kept["results"]:
            run.results[node.name] = _typed(node, kept["results"][node.name], run)
    run.value = run.results.get(graph.gives or "")
    run._end("done")  # pyright: ignore[reportPrivateUsage]


def _without_errors(value: Any) -> Any:
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [None if isinstance(item, Exception) else item for item in items]
    return value


def _typed(node: Node, value: Any, run: Run) -> Any:
    kind = result_type(node)
    if node.mapped is None:
        return _fitted(kind, value)
    items = cast("list[Any]", value)
    return [
        run.errors[path]
        if item is None and (path := f"{node.name}[{i}]") in run.errors
        else _fitted(kind, item)
        for i, item in enumerate(items)
    ]


def _fitted(kind: Any, value: Any) -> Any:
    """What a fallback or a skipped part put in a value's place need not be of its type."""
    try:
        return fitted(kind, value)
    except Mismatch:
        return value
