"""What it costs to look at a workflow before it runs: milliseconds of CPU.

    python benchmarks/workflow_validation.py [--tasks 5000]

A layered graph of 50 layers and four edges a task, half questions and half annotated functions, with conditions,
retries and resources; and a wide one of functions without edges, which is what running is measured with. "Refusal" is
what every run begins with, "report" adds the doubts; both begin with a graph of which nothing is derived yet.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from random import Random

from aiorch.workflow import Graph, Workflow, estimate
from aiorch.workflow.planning import plan
from aiorch.workflow.validation import problems, validate

LAYERS = 50
ROUNDS = 7


def joined(parts: list[str]) -> str:
    """What stands for a function of the user's."""
    return "".join(parts)


def layered(tasks: int) -> Workflow:
    """``tasks`` tasks and four edges for each."""
    rng = Random(1)
    width = max(1, tasks // LAYERS)
    flow = Workflow("layered")
    flow.ask("bug", "Is {x} a bug?", output=bool)
    for i in range(tasks):
        layer = i // width
        before = range((layer - 1) * width, layer * width) if layer else range(0)
        needs = [f"n{j}" for j in rng.sample(before, min(4, len(before)))]
        if i % 2:
            step = flow.ask(f"n{i}", "Sum up: " + " ".join(f"{{{n}}}" for n in needs), retry=2)
            if i % 20 == 1:
                step.when("bug")
        else:
            flow.add(f"n{i}", joined, uses={"parts": needs}, resources="file" if i % 10 == 0 else ())
    return flow


def wide(tasks: int) -> Workflow:
    """``tasks`` tasks without an edge."""
    flow = Workflow("wide")
    for i in range(tasks):
        flow.add(f"n{i}", lambda: 1, thread=False)
    return flow


def fresh(graph: Graph) -> Graph:
    """The same workflow, of which nothing is derived yet."""
    return Graph(graph.name, graph.nodes, graph.given)


def cpu(graph: Graph, look: Callable[[Graph], object]) -> tuple[float, float]:
    """Milliseconds of CPU: median and best."""
    took: list[float] = []
    for _ in range(ROUNDS):
        one = fresh(graph)
        began = time.process_time()
        look(one)
        took.append((time.process_time() - began) * 1e3)
    return statistics.median(took), min(took)


def main(tasks: int) -> None:
    """Measure and print the table."""
    print(f"{'CPU ms':34}{'median':>8}{'min':>8}{'us/task':>9}   {ROUNDS} runs")
    for flow in (layered(tasks), wide(2 * tasks)):
        graph = flow.graph()
        report = validate(graph, ["x"], ())
        size = f"{len(graph.nodes):,} tasks, {sum(map(len, graph.needs)):,} edges"
        rows: dict[str, Callable[[Graph], object]] = {
            "refusal": lambda g: problems(g, ["x"] if g.name == "layered" else [], ()),
            "report": lambda g: validate(g, ["x"] if g.name == "layered" else [], ()),
            "estimate": estimate,
            "plan": plan,
        }
        print(f"{flow.name}: {size}; found: {', '.join(report.codes) or 'nothing'}")
        for name, look in rows.items():
            median, best = cpu(graph, look)
            print(f"  {name:32}{median:8.1f}{best:8.1f}{median * 1e3 / len(graph.nodes):9.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=5_000)
    main(parser.parse_args().tasks)
