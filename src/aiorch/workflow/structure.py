"""What is wrong with how a workflow hangs together: names, edges, circles, inputs, workflows inside of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from string import ascii_letters

from aiorch.errors import nearest
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import REQUIRED, Approve, Ask, Call, Loop, Node, Sleep, Sub, WaitFor
from aiorch.workflow.provided import is_provided, match
from aiorch.workflow.report import Problem, told

_NAME = re.compile(r"[^\W\d][\w-]*\Z")
_WAITING = (Sleep, Approve, WaitFor)
_CODED = re.compile(r"\[(?P<code>[\w-]+)\] (?P<message>.*)\Z", re.DOTALL)


def nodes_themselves(graph: Graph) -> Iterator[Problem]:
    """Names, and what was found while a task was described."""
    if not graph.nodes:
        yield told("empty", "it has no task")
    elif graph.gives not in graph.index:
        said = f"it gives the value of {graph.gives!r}, and no task is called that."
        cure = "Mend the name in gives()."
        yield told("unknown-task", said + _offer(graph.gives or "", graph.index), cure=cure)
    seen: set[str] = set()
    fits = _NAME.match
    for node in graph.nodes:
        name = node.name
        if name in seen:
            yield told("duplicate", f"two tasks are called {name!r}", name)
        seen.add(name)
        if not fits(name):
            yield told("name", f"{name!r} cannot name a task", name)
        for text in node.problems:
            found = _CODED.match(text)
            code, message = (found["code"], found["message"]) if found else ("policy", text)
            yield told(code, message, name, cure="")  # they say themselves what helps
        if type(node.work) in _WAITING:
            yield from _waits(node)


def _waits(node: Node) -> Iterator[Problem]:
    if isinstance(node.work, Sleep):
        if node.work.seconds < 0:
            yield told("policy", f"task {node.name!r} sleeps {node.work.seconds} seconds", node.name)
    elif isinstance(node.work, Approve | WaitFor):
        timeout = node.work.timeout
        if timeout is not None and timeout <= 0:
            yield told("policy", f"task {node.name!r} has the timeout {timeout}", node.name)


def edges(graph: Graph) -> Iterator[Problem]:
    """Tasks to wait for that are not there, and circles."""
    index = graph.index
    for node in graph.nodes:
        for name in node.after:
            if name not in index:
                said = (
                    f"task {node.name!r} is to run after {name!r}, which does not exist.{_offer(name, index)}"
                )
                yield told("unknown-task", said, node.name)
    if any(h == 0 for h in graph.heights):
        yield from _circles(graph)


def _circles(graph: Graph) -> Iterator[Problem]:
    inside: set[str] = set()
    for circle in cycles(graph):
        inside.update(circle)
        yield told("cycle", f"{' -> '.join(circle)}: tasks cannot wait for each other", circle[0])
    stuck = [n for n in behind(graph, inside) if n not in inside]
    if stuck:
        names = ", ".join(map(repr, stuck[:5])) + (f" and {len(stuck) - 5} more" if len(stuck) > 5 else "")
        never = "never runs: it waits" if len(stuck) == 1 else "never run: they wait"
        yield told(
            "unreachable", f"{names} {never} for tasks in a circle", stuck[0], cure="Break the circle."
        )


def behind(graph: Graph, names: Iterable[str]) -> list[str]:
    """Those of these names, and whoever waits for one of them, in the order of the tasks."""
    todo = [graph.index[name] for name in names]
    seen = set(todo)
    while todo:
        for j in graph.followers[todo.pop()]:
            if j not in seen:
                seen.add(j)
                todo.append(j)
    return [graph.nodes[i].name for i in sorted(seen)]


def cycles(graph: Graph) -> Iterator[list[str]]:
    """Circles of waiting, each as the path that closes it; none that shares a task with one already told."""
    left = {i: set(needed) for i, needed in enumerate(graph.needs)}
    while True:
        free = [i for i, needed in left.items() if not needed]
        while free:
            i = free.pop()
            del left[i]
            for j in graph.followers[i]:
                if j in left:
                    left[j].discard(i)
                    if not left[j]:
                        free.append(j)
        if not left:
            return
        walk: dict[int, None] = {}
        i = min(left)
        while i not in walk:  # everyone left waits for somebody left, so the walk must meet itself
            walk[i] = None
            i = min(left[i])
        path = list(walk)
        circle = path[path.index(i) :]
        yield [graph.nodes[j].name for j in (i, *reversed(circle[1:]), i)]  # the way the values would go
        for j in circle:
            for waiting in graph.followers[j]:
                if waiting in left:
                    left[waiting].discard(j)
            left.pop(j)


# --- where values come from --------------------------------------------------------------------------------------


def inputs(graph: Graph, given: Collection[str], handed: Iterable[str | type]) -> Iterator[Problem]:
    """What was not handed in, and what nobody takes."""
    index = graph.index
    wanted = graph.inputs(handed)
    asked = conditions_on_inputs(graph)
    for name, one in wanted.items():
        if not one.required or name in given:
            continue
        if name in asked and not one.declared and not _taken_as_value(graph, name):
            continue
        users = ", ".join(map(repr, one.used_by[:5])) + (", ..." if len(one.used_by) > 5 else "")
        by = one.used_by[0] if one.used_by else ""
        prompts = not one.declared and _only_prompts(graph, one.used_by)
        meant = misspelt(name, index) if prompts else None
        if meant is not None:
            said = f"the prompt of {users} uses {name!r}, which nothing gives. Did you mean {meant!r}?"
            yield told("prompt-variable", said, by)
        else:
            near = _offer(name, (*index, *(g for g in given if g not in wanted)))
            yield told("missing-input", f"{name!r} (for {users}) is neither a task nor handed in.{near}", by)
    for name, by in asked.items():
        if name not in given and name in wanted and wanted[name].required and not wanted[name].declared:
            near = _offer(name, (*index, *given))
            said = f"task {by!r} runs when {name!r} says so, which is neither a task nor handed in.{near}"
            yield told("when-source", said, by)
    for name in given:
        if name in index:
            said = f"{name!r} was handed in, but a task of that name gives the value"
            yield told("unknown-input", said, cure="Rename one.")
        elif name not in wanted:
            known = f"The workflow takes {', '.join(map(repr, wanted)) or 'none'}."
            near = _offer(name, wanted) or " " + known
            yield told("unknown-input", f"{name!r} was handed in, but no task takes it.{near}", cure="")


def suspicions(graph: Graph) -> Iterator[Problem]:
    """Without knowing what is handed in: inputs that look like misspelt tasks."""
    index = graph.index
    asked = conditions_on_inputs(graph)
    for name, one in graph.inputs().items():
        declared = one.declared or name in asked
        if not declared and one.required and _only_prompts(graph, one.used_by):
            meant = misspelt(name, index)
            if meant is not None:
                said = f"the prompt of {one.used_by[0]!r} takes an input {name!r}. Did you mean the task {meant!r}?"
                yield told("prompt-variable", said, one.used_by[0], severity="warning")
    stated = {one.name for one in graph.declared}
    for name, by in asked.items():
        meant = misspelt(name, index)
        if meant is not None and name not in stated:
            said = f"task {by!r} runs when an input {name!r} says so. Did you mean the task {meant!r}?"
            yield told("when-source", said, by, severity="warning")


def objects(graph: Graph, given: Collection[str], handed: Iterable[str | type]) -> Iterator[Problem]:
    """Objects of the caller's that functions ask for and that nobody hands in."""
    index = graph.index
    for node in graph.nodes:
        if not isinstance(node.work, Call):
            continue
        for port in node.ports:
            named = port.source in index or port.source in given or port.default is not REQUIRED
            if named or match(node.work.function, port, handed) is not None:
                continue
            if is_provided(node.work.function, port):
                said = f"task {node.name!r} asks for {port.name}: {port.kind}; nobody provides one here"
                yield told("not-provided", said, node.name)


def conditions_on_inputs(graph: Graph) -> dict[str, str]:
    """Inputs that conditions ask about, each with the first task that does."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        for condition in node.when:
            if condition.source not in graph.index:
                found.setdefault(condition.source, node.name)
    return found


def _taken_as_value(graph: Graph, name: str) -> bool:
    return any(
        name in port.sources
        for node in graph.nodes
        for port in (*node.ports, *(node.mapped.over if node.mapped else ()))
    )


def _only_prompts(graph: Graph, users: Sequence[str]) -> bool:
    return bool(users) and all(isinstance(graph.nodes[graph.index[u]].work, Ask | Approve) for u in users)


def misspelt(name: str, known: Container[str]) -> str | None:
    """The known name that ``name`` surely is a misspelling of: two letters swapped, or one left out or too much inside.

    Other letters make other names (``part_a`` and ``part_b``), and one more at an end is a plural or a number.

    >>> misspelt("fatcs", ["facts"]), misspelt("sumary", ["summary"]), misspelt("letter", ["letters"])
    ('facts', 'summary', None)
    """
    found = (other for other in _spellings(name) if other in known)
    return next((other for other in found if _swapped(name, other) or _one_more(name, other)), None)


def _spellings(name: str) -> Iterator[str]:
    """Everything that could be meant: to look these up takes no longer where there are ten thousand tasks."""
    for i in range(1, len(name)):
        yield name[: i - 1] + name[i] + name[i - 1] + name[i + 1 :]
    for i in range(len(name)):
        yield name[:i] + name[i + 1 :]
    for letter in dict.fromkeys(ascii_letters + name):
        for i in range(1, len(name)):
            yield name[:i] + letter + name[i:]


def _swapped(a: str, b: str) -> bool:
    if len(a) != len(b) or len(a) < 4 or a == b:
        return False
    differ = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(differ) != 2 or differ[1] != differ[0] + 1:
        return False
    i, j = differ
    return a[i] == b[j] and a[j] == b[i] and not (a[i] + a[j]).isdecimal()


def _one_more(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    if len(long) != len(short) + 1 or len(short) < 6:
        return False
    same = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    return 0 < same < len(short) and short[same:] == long[same + 1 :] and long[same].isalpha()


# --- workflows inside --------------------------------------------------------------------------------------------


def loops(node: Node, work: Loop) -> Iterator[Problem]:
    """A loop whose ``until`` or ``carry`` names nothing, or that makes no round."""
    name, inner = node.name, work.graph
    if work.most < 1:
        yield told("loop", f"loop {name!r} makes {work.most} rounds", name)
    if work.until is not None and work.until not in inner.index:
        said = f"loop {name!r} ends on {work.until!r}, which is no task of {inner.name!r}."
        yield told("loop", said + _offer(work.until, inner.index), name)
    wanted = inner.inputs()
    for into, source in work.carry.items():
        if into not in wanted:
            said = f"loop {name!r} carries a value into {into!r}, which is no input of {inner.name!r}."
            yield told("loop", said + _offer(into, wanted), name)
        if source not in inner.index:
            said = f"loop {name!r} carries the value of {source!r}, which is no task of {inner.name!r}."
            yield told("loop", said + _offer(source, inner.index), name)
    if work.until is None and not work.carry and work.most > 1:
        said = f"loop {name!r} does the same {work.most} times: nothing is carried from round to round"
        cure = "Say carry= or until=."
        yield told("loop", said, name, cure=cure, severity="warning")


def taken_inside(node: Node, work: Sub | Loop) -> Iterator[Problem]:
    """Values for inputs that the inner workflow has not got."""
    wanted = work.graph.inputs()
    for port in (*node.ports, *(node.mapped.over if node.mapped else ())):
        if port.name not in wanted:
            near = _offer(port.name, wanted) or f" It takes {', '.join(map(repr, wanted)) or 'none'}."
            said = f"task {node.name!r}: the workflow {work.graph.name!r} has no input {port.name!r}.{near}"
            yield told("parameter", said, node.name)


def _offer(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
