"""A workflow as boxes and arrows: what the graph says, turned into plain data that can be drawn or written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aiorch.views.describing import condition_text, hint, kind_of, many, note, type_name, values_of
from aiorch.views.drawing import STATES, Arrow, Box, BoxState, Picture
from aiorch.views.folding import between, folded, title
from aiorch.workflow import Graph, Node
from aiorch.workflow.nodes import Loop, Sub

MOST_TASKS, MOST_GROUPS = 120, 40
"""Tasks that have a box each, since a picture of more is read by nobody; and boxes of groups, where there are more."""
MOST_ARROWS = 400
"""Arrows between them; mermaid refuses a text with more than 500 in all, which is its setting ``maxEdges``."""
MOST_INPUTS = 24
"""Inputs that have a box each."""
MOST_NAMES = 99
"""Names in the hint of a box that stands for many."""
MOST_INSIDE, MOST_DEEP = 12, 3
"""Tasks of a nested workflow that is drawn within its box, and how deep."""
MOST_PICTURES = 20
"""Pictures of one workflow, with those of the workflows in it."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A workflow as a picture, and what there is besides."""

    picture: Picture
    grouped: int = 0
    """Tasks that share a box with others, because there are so many."""
    left: tuple[tuple[str, Graph], ...] = ()
    """Workflows in tasks that the picture does not show, with the paths of those tasks."""


def sketch(
    graph: Graph, deep: int = MOST_DEEP, *, states: Mapping[str, BoxState] | None = None, path: str = ""
) -> Sketch:
    """What is drawn of a workflow: each task, or, where there are too many, what looks alike as one.

    :param deep: how deep workflows in it are drawn within their boxes.
    :param states: how its tasks are, by path. :param path: of the task that it is in, with a slash.
    """
    states = states or {}
    nodes = graph.nodes
    edges = list(_edges(graph))
    pairs = [(arrow.source, arrow.target) for arrow in edges]
    if len(nodes) <= MOST_TASKS and len(edges) <= MOST_ARROWS:
        groups = [(i,) for i in range(len(nodes))]
    else:
        names, kinds = [node.name for node in nodes], [kind_of(node) for node in nodes]
        groups = folded(names, kinds, pairs, MOST_GROUPS, MOST_ARROWS)
    group_of = {member: number for number, group in enumerate(groups) for member in group}
    boxes: list[Box] = []
    left: list[tuple[str, Graph]] = []
    for group in groups:
        members = [nodes[i] for i in group]
        alone = len(members) == 1
        box = _box(members[0]) if alone else _summary(members)
        boxes.append(replace(box, state=_state([states.get(path + node.name) for node in members])))
        for node in members:
            if isinstance(node.work, Sub | Loop):
                below = partial(sketch, states=states, path=f"{path}{node.name}/")
                within = _within(node.work, deep, below) if alone else None
                if within is None:
                    left.append((path + node.name, node.work.graph))
                else:
                    boxes[-1] = replace(boxes[-1], inside=within.picture)
                    left += within.left
    arrows = [
        Arrow(source, target, edges[i].kind, edges[i].label)
        for (source, target), i in between(groups, pairs).items()
    ]
    handed, from_inputs = _inputs(graph, group_of, len(boxes))
    grouped = sum(len(group) for group in groups if len(group) > 1)
    drawn = Picture((*boxes, *handed), (*arrows, *from_inputs))
    return Sketch(drawn, grouped, tuple(left))


def sketches(graph: Graph, states: Mapping[str, BoxState] | None = None) -> Iterator[tuple[str, Sketch]]:
    """The picture of a workflow, with the path ``""``, and those of the workflows in it that it does not show."""
    waiting = [("", graph)]
    for _ in range(MOST_PICTURES):
        if not waiting:
            return
        path, inner = waiting.pop(0)
        found = sketch(inner, states=states, path=f"{path}/" if path else "")
        yield path, found
        waiting += found.left


def _edges(graph: Graph) -> Iterator[Arrow]:
    """From task to task, by number: each pair once, named by the most that is to say of it."""
    for i, node in enumerate(graph.nodes):
        taken, tests = values_of(node), {one.source: condition_text(one) for one in node.when}
        for name in dict.fromkeys((*node.reads, *node.after)):
            if name in graph.index:
                kind = "value" if name in taken else "when" if name in tests else "order"
                yield Arrow(graph.index[name], i, kind, tests.get(name, ""))


def _inputs(graph: Graph, group_of: Mapping[int, int], begin: int) -> tuple[list[Box], list[Arrow]]:
    """What is handed in, as boxes from number ``begin`` on, and the arrows to who takes it."""
    arrows: dict[tuple[str, int], Arrow] = {}
    for i, node in enumerate(graph.nodes):
        taken, tests = values_of(node), {one.source: condition_text(one) for one in node.when}
        for name in node.reads:
            if name not in graph.index:
                arrow = Arrow(0, group_of[i], "value" if name in taken else "when", tests.get(name, ""))
                arrows.setdefault((name, group_of[i]), arrow)
    names = dict.fromkeys(name for name, _ in arrows)
    known = [one for one in graph.inputs().values() if one.name in names]
    shown = known if len(known) <= MOST_INPUTS else known[: MOST_INPUTS - 1]
    boxes = [
        Box(one.name, "input", "" if one.required else "optional", f"input {one.name}: {type_name(one.type)}")
        for one in shown
    ]
    rest = [one.name for one in known[len(shown) :]]
    if rest:
        boxes.append(Box(title(rest), "input", many(len(rest), "input"), ", ".join(rest[:MOST_NAMES]), True))
    place = {one.name: begin + min(i, len(boxes) - 1) for i, one in enumerate(known)}
    drawn = {
        (place[name], target): replace(arrow, source=place[name])
        for (name, target), arrow in arrows.items()
        if name in place  # what the caller provides is nobody's input
    }
    return boxes, list(drawn.values())


def _box(node: Node) -> Box:
    mark = ", ".join(node.policy.resources)
    return Box(node.name, kind_of(node), note(node), hint(node), bool(node.mapped), mark)


def _summary(nodes: Sequence[Node]) -> Box:
    names = [node.name for node in nodes]
    return Box(title(names), kind_of(nodes[0]), many(len(nodes), "task"), ", ".join(names[:MOST_NAMES]), True)


def _state(states: Sequence[BoxState | None]) -> BoxState | None:
    """Of several, what matters most; nothing where some have not begun."""
    if len(states) > 1 and None in states and not {"waiting", "failed"} & set(states):
        return "running" if any(states) else None
    return next((state for state in STATES if state in states), None)


def _within(work: Sub | Loop, deep: int, drawn: Callable[[Graph, int], Sketch]) -> Sketch | None:
    """The picture of a small workflow, to be drawn within its box."""
    if deep < 1 or not 0 < len(work.graph.nodes) <= MOST_INSIDE:
        return None
    found = drawn(work.graph, deep - 1)
    if isinstance(work, Sub) or not work.carry:
        return found
    carried = [
        replace(box, note=f"then {work.carry[box.label]}")
        if box.kind == "input" and box.label in work.carry
        else box
        for box in found.picture.boxes
    ]
    return replace(found, picture=replace(found.picture, boxes=tuple(carried)))
