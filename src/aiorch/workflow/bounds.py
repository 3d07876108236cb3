"""What does not fit: waits into times, tries into deadlines, tasks into limits, questions into reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiorch.workflow.conditions import in_order
from aiorch.workflow.facts import Thresholds
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import PLAIN, Ask, Loop, Node, Retry, Sleep, Sub
from aiorch.workflow.report import Problem, told


def tag_limits(graph: Graph, limits: Mapping[str, int]) -> Iterator[Problem]:
    """Tags that are limited to nothing, and limits of tags that no task has."""
    users: dict[str, str] = {}
    for node in _everywhere(graph):
        for tag in node.policy.tags:
            users.setdefault(tag, node.name)
    for tag, most in limits.items():
        if tag not in users:
            said = f"the limit of {tag!r} limits nothing: no task has that tag"
            yield told("tag-limit", said, cure="Mend its name, or leave it out.", severity="warning")
        elif most < 1:
            yield told("tag-limit", f"{tag!r} is limited to {most}, so {users[tag]!r} never runs", users[tag])


def _everywhere(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        yield node
        if isinstance(node.work, Sub | Loop):
            yield from _everywhere(node.work.graph)


# --- time --------------------------------------------------------------------------------------------------------


def times(graph: Graph) -> Iterator[Problem]:
    """Tasks that wait longer than they may take, and tries that cannot fit or should not be."""
    for node in graph.nodes:
        policy, work = node.policy, node.work
        if policy is PLAIN:
            continue
        if isinstance(work, Sub | Loop) and policy.timeout is not None:
            yield from _sleeps(node, work, policy.timeout)
        retry = policy.retry
        if retry is None or retry.attempts < 2:
            continue
        if isinstance(work, Ask) and work.timeout is not None:
            waits = _waits(retry)
            if waits >= work.timeout:
                yield told(
                    "retry",
                    f"the waits between the {retry.attempts} tries of task {node.name!r} take {_seconds(waits)}, "
                    f"and its timeout for everything is {_seconds(work.timeout)}",
                    node.name,
                )
        if not policy.idempotent:
            yield told(
                "retry",
                f"task {node.name!r} is not idempotent, and is tried {retry.attempts} times when it fails",
                node.name,
                cure="Take out retry=, or say idempotent=True where a second time does no harm.",
            )


def _waits(retry: Retry) -> float:
    """Seconds between the tries, as they are on average."""
    longest = sum(
        min(retry.longest, retry.delay * retry.factor**n) for n in range(min(retry.attempts, 1_000) - 1)
    )
    return longest / 2 if retry.jitter else longest


def _sleeps(node: Node, work: Sub | Loop, timeout: float) -> Iterator[Problem]:
    rounds = work.most if isinstance(work, Loop) and work.until is None else 1
    least = rounds * sleep(work.graph)
    if least > timeout:
        yield told(
            "too-short",
            f"the workflow {work.graph.name!r} in task {node.name!r} sleeps at least {_seconds(least)}, and the "
            f"task may take {_seconds(timeout)}",
            node.name,
        )


def sleep(graph: Graph) -> float:
    """Seconds that a workflow sleeps at the least, on the longest way through it, where nothing is left out."""
    ends = [0.0] * len(graph.nodes)
    for i in in_order(graph):
        node = graph.nodes[i]
        work = node.work
        own = work.seconds if isinstance(work, Sleep) and not node.when else 0.0
        if isinstance(work, Sub | Loop) and not node.when and node.mapped is None:
            own = sleep(work.graph)
        ends[i] = own + max((ends[j] for j in graph.needs[i]), default=0.0)
    return max(ends, default=0.0)


def _seconds(value: float) -> str:
    return f"{value:g} s"


# --- how often ---------------------------------------------------------------------------------------------------


def fan_out(graph: Graph, thresholds: Thresholds) -> Iterator[Problem]:
    """Mappings without a bound, and questions that mappings in mappings multiply beyond reason."""
    for node in graph.nodes:
        mapped, work = node.mapped, node.work
        if mapped is not None and mapped.most is None:
            said = f"task {node.name!r} runs once per item of a list of any length (most=None)"
            yield told("unbounded", said, node.name)
        if mapped is None and not isinstance(work, Sub | Loop):
            continue
        most = _questions(node)
        inner = work.graph.nodes if isinstance(work, Sub | Loop) else ()
        if most > thresholds.questions and all(_questions(n) <= thresholds.questions for n in inner):
            said = f"task {node.name!r} may ask {most:,} questions, as far as its mappings and loops go"
            yield told("unbounded", said, node.name)


def _questions(node: Node) -> int:
    """How many questions a task asks at the most; a mapping without a bound counts as one, for it is told anyhow."""
    times = node.mapped.most or 1 if node.mapped else 1
    if isinstance(node.work, Loop):
        times *= max(1, node.work.most)
    if isinstance(node.work, Sub | Loop):
        return times * sum(map(_questions, node.work.graph.nodes))
    return times if isinstance(node.work, Ask) else 0


# --- for nothing -------------------------------------------------------------------------------------------------


def unused(graph: Graph, used: frozenset[str] | None = None) -> Iterator[Problem]:
    """Questions whose answers nobody takes, where it is said what the workflow gives. Tools may have effects.

    :param used: tasks of a workflow inside another whose values are taken from outside.
    """
    if graph.given is None and used is None:
        return
    kept = used or frozenset()
    for node in graph.nodes:
        asks = isinstance(node.work, Ask) and not node.work.tools
        taken = graph.followers[graph.index[node.name]]
        if asks and not taken and node.name not in kept and node.name != graph.gives:
            yield told("unused", f"nobody takes the answer of task {node.name!r}", node.name)
