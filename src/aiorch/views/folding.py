"""A large graph as a small one: tasks that look alike stand together, as few or as many as a picture can hold.

Pure: numbers in, numbers out. Tasks of the same layer, and of layers side by side, stand together before others do, so
the small graph flows from top to bottom as the large one does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain

from aiorch.views.layout import Edge, layers

_NUMBERS = re.compile(r"\d+")


def folded(
    names: Sequence[str], kinds: Sequence[str], edges: Sequence[Edge], most: int, most_edges: int
) -> list[tuple[int, ...]]:
    """Who stands together, in order of the first of each group.

        >>> folded(["a1", "a2", "b"], ["f", "f", "f"], [(0, 2), (1, 2)], most=2, most_edges=9)
        [(0, 1), (2,)]

    :param names: those that differ by numbers only are taken for alike.
    :param kinds: never stand together where they differ.
    :param most: groups at the most, where kinds allow it. :param most_edges: connections between them.
    """
    found: list[tuple[int, ...]] = [(i,) for i in range(len(names))]
    for key in _coarser(names, kinds, edges, most):
        groups: dict[object, list[int]] = {}
        for i in range(len(names)):
            groups.setdefault(key(i), []).append(i)
        found = [tuple(group) for group in groups.values()]
        if len(found) <= most and len(between(found, edges)) <= most_edges:
            break
    return found


def between(groups: Sequence[Sequence[int]], edges: Sequence[Edge]) -> dict[Edge, int]:
    """The connections of groups, by the groups' numbers, each with the number of an edge that makes it.

    Where tasks stand together, those that a longer way makes as well are left out.
    """
    group_of = {member: number for number, group in enumerate(groups) for member in group}
    found: dict[Edge, int] = {}
    for i, (source, target) in enumerate(edges):
        pair = group_of[source], group_of[target]
        if pair[0] != pair[1]:
            found.setdefault(pair, i)
    if len(groups) == len(group_of):
        return found
    needed = _needed(len(groups), found)
    return {pair: i for pair, i in found.items() if pair in needed}


def _needed(count: int, edges: Collection[Edge]) -> set[Edge]:
    """The edges that no longer way replaces."""
    layer = layers(count, list(edges))
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        after[source].append(target)
    reached = [0] * count  # a bit for each that can be reached from here
    kept: set[Edge] = set()
    for source in sorted(range(count), key=lambda i: -layer[i]):
        for target in sorted(after[source], key=lambda i: layer[i]):
            if not reached[source] >> target & 1:
                kept.add((source, target))
            reached[source] |= reached[target] | 1 << target
    return kept


def title(names: Sequence[str]) -> str:
    """What a group is called.

    >>> title(["read"]), title(["w0", "w1", "w2"]), title(["cut", "glue"])
    ('read', 'w0 … w2', 'cut … glue')
    """
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _coarser(
    names: Sequence[str], kinds: Sequence[str], edges: Sequence[Edge], most: int
) -> Iterator[Callable[[int], object]]:
    """Ways to tell tasks apart, each coarser than the one before."""
    before: list[list[int]] = [[] for _ in names]
    after: list[list[int]] = [[] for _ in names]
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    stems = [_NUMBERS.sub("#", name) for name in names]
    yield lambda i: (kinds[i], stems[i], frozenset(before[i]), frozenset(after[i]))
    layer = layers(len(names), edges)
    yield lambda i: (layer[i], kinds[i], stems[i])
    yield lambda i: (layer[i], kinds[i])
    deepest = max(chain(layer, (0,))) + 1
    bands = max(1, most // max(1, len(set(kinds))))
    yield lambda i: (layer[i] * bands // deepest, kinds[i])
