"""What a run would do: groups of tasks, the critical path, what would be asked; nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiorch.types import Price
from aiorch.workflow.estimate import Estimate
from aiorch.workflow.estimating import estimate, kind_of
from aiorch.workflow.graph import Graph
from aiorch.workflow.grouping import groups, in_topological_order
from aiorch.workflow.history import Past
from aiorch.workflow.nodes import REQUIRED, Approve, Ask, Loop, Node, Sub
from aiorch.workflow.template import Field, Template, TemplateError
from aiorch.workflow.validation import validate

_MOST = 20
"""Prompts, groups and names in a group that are printed."""
_WIDTH = 200
"""Characters of a prompt that are printed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model, or a person, would be asked."""

    task: str
    """Its path."""
    agent: str
    """Who; ``a person`` of an approval."""
    text: str
    """As far as it is known; the rest stands as ``{name}``."""
    unknown: tuple[str, ...]
    """Whose values only the run tells."""
    system: str | None = None
    count: int | None = 1
    """How often; ``None`` = only the run tells. Of a mapped task ``text`` is the first item's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    For example:

        plan = flow.plan(log=text)
        print(plan)
        assert plan.snapshot() == Path("plan.txt").read_text()
    """

    workflow: str
    groups: tuple[tuple[str, ...], ...]
    """Tasks that could run at the same time, each group after those before it; tasks with a resource in common are in
    different ones. The scheduler waits for no group: a task begins when those it needs are done."""
    order: tuple[str, ...]
    """One order in which the tasks could run one by one."""
    asked: tuple[Asked, ...]
    estimate: Estimate
    kinds: Mapping[str, str]
    """By task, what it is: ``ask``, ``call``, ``loop`` ..."""

    @property
    def critical(self) -> tuple[str, ...]:
        """The tasks of the longest way, in time."""
        return self.estimate.critical

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "workflow": self.workflow,
            "groups": [list(group) for group in self.groups],
            "order": list(self.order),
            "critical": list(self.critical),
            "asked": [
                {
                    "task": one.task,
                    "agent": one.agent,
                    "system": one.system,
                    "text": one.text,
                    "unknown": list(one.unknown),
                    "count": one.count,
                }
                for one in self.asked
            ],
            "estimate": self.estimate.to_dict(),
        }

    def snapshot(self) -> str:
        """What would be done and asked, in lines that change only with the workflow and its inputs: for tests."""
        lines = [f"workflow {self.workflow}"]
        for number, group in enumerate(self.groups, 1):
            lines += [f"group {number}", *(f"  {name}: {self.kinds[name]}" for name in group)]
        for one in self.asked:
            lines.append(f"{one.task} asks {one.agent}{_often(one.count)}")
            lines += [f"  | {line}" for text in (one.system, one.text) if text for line in text.splitlines()]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        lines = [str(self.estimate), "  groups:"]
        for number, group in enumerate(self.groups[:_MOST], 1):
            more = f" and {len(group) - _MOST:,} more" if len(group) > _MOST else ""
            lines.append(f"    {number}. {', '.join(group[:_MOST])}{more}")
        if len(self.groups) > _MOST:
            lines.append(f"    and {len(self.groups) - _MOST:,} more")
        for one in self.asked[:_MOST]:
            text = " ".join(one.text.split())
            short = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
            lines.append(f"  {one.task} asks {one.agent}{_often(one.count)}: {short}")
        if len(self.asked) > _MOST:
            lines.append(f"  and {len(self.asked) - _MOST:,} more questions")
        return "\n".join(lines)


def plan(
    graph: Graph,
    inputs: Mapping[str, Any] | None = None,
    *,
    limit: int = 64,
    limits: Mapping[str, int] | None = None,
    history: Past | None = None,
    prices: Mapping[str, Price | Sequence[Price]] | None = None,
) -> Plan:
    """What a run of ``graph`` would do. Parameters as of :func:`~aiorch.workflow.estimating.estimate`.

    :raises InvalidWorkflow: with every problem, where it cannot run whatever the inputs.
    """
    validate(graph, limits=limits).raise_for_errors()
    given = inputs or {}
    resources = [node.policy.resources for node in graph.nodes]
    names = [node.name for node in graph.nodes]
    return Plan(
        graph.name,
        tuple(tuple(names[i] for i in group) for group in groups(graph.needs, resources)),
        tuple(names[i] for i in in_topological_order(graph.needs)),
        tuple(_asked(graph, "", given, 1)),
        estimate(graph, inputs=given, history=history, limit=limit, limits=limits, prices=prices),
        {node.name: _told(node) for node in graph.nodes},
    )


def _told(node: Node) -> str:
    over = f" for each of {', '.join(p.sources[0] for p in node.mapped.over)}" if node.mapped else ""
    alone = f", alone with {', '.join(node.policy.resources)}" if node.policy.resources else ""
    return kind_of(node) + over + alone + (", perhaps" if node.when else "")


# --- what would be asked -----------------------------------------------------------------------------------------


def _asked(graph: Graph, prefix: str, given: Mapping[str, Any], times: int | None) -> Iterator[Asked]:
    """Every question of a workflow, and of those inside of it."""
    defaults = {n: one.default for n, one in graph.inputs().items() if one.default is not REQUIRED}
    values = {n: v for n, v in {**defaults, **given}.items() if n not in graph.index}
    for i in in_topological_order(graph.needs):
        node = graph.nodes[i]
        work, path = node.work, prefix + node.name
        count, known = _items(node, values)
        often = None if count is None or times is None else count * times
        if isinstance(work, Ask):
            text, unknown = _written(work.prompt, known)
            yield Asked(path, work.agent, text, unknown, work.system, often)
        elif isinstance(work, Approve):
            text, unknown = _written(work.question, known)
            yield Asked(path, "a person", text, unknown, None, often)
        elif isinstance(work, Sub | Loop):
            inner = {
                p.name: known[p.source] for p in node.ports if isinstance(p.source, str) and p.source in known
            }
            for port in node.mapped.over if node.mapped else ():
                if port.name in known:
                    inner[port.name] = known[port.name]
            if isinstance(work, Loop):  # what is told is the first round
                often = often if work.most == 1 or (work.until is None and often is not None) else None
                often = often * work.most if often is not None else None
            yield from _asked(work.graph, f"{path}/", inner, often)


def _items(node: Node, values: Mapping[str, Any]) -> tuple[int | None, Mapping[str, Any]]:
    """How many items a task has, and the values of its first one."""
    if node.mapped is None:
        return 1, values
    known = {name: v for name, v in values.items() if all(name != p.name for p in node.mapped.over)}
    count: int | None = None
    for port in node.mapped.over:
        items = values.get(port.sources[0])
        if isinstance(items, list | tuple):
            several = cast("Sequence[Any]", items)
            count = len(several)
            if several:
                known[port.name] = several[0]
    return count, known


def _written(template: Template, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A template filled in as far as its values are known, and the names of the others."""
    text: list[str] = []
    unknown: dict[str, None] = {}
    for piece in template.pieces:
        if not isinstance(piece, Field):
            text.append(piece)
        elif piece.name in values:
            try:
                text.append(Template("", (piece,)).render(values))
            except TemplateError as wrong:
                text.append(f"{{{piece.name}: {wrong}}}")
        else:
            unknown[piece.name] = None
            inside = "".join(f".{s}" if isinstance(s, str) else f"[{s}]" for s in piece.path)
            text.append(f"{{{piece.name}{inside}}}")
    return "".join(text), tuple(unknown)


def _often(count: int | None) -> str:
    return "" if count == 1 else " several times" if count is None else f" {count:,} times"
