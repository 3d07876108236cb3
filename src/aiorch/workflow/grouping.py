"""Which tasks could run at the same time: groups, each after those before it. A view only: the scheduler knows none."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence


def groups(needs: Sequence[Sequence[int]], resources: Sequence[Collection[str]]) -> list[list[int]]:
    """Tasks, by number, in the first group that comes after all they need and in which nobody has their resources.

    >>> groups([[], [], [0, 1]], [(), (), ()])
    [[0, 1], [2]]
    >>> groups([[], []], [("gpu",), ("gpu",)])
    [[0], [1]]

    :returns: without tasks of circles, and those behind them.
    """
    found: list[list[int]] = []
    held: list[set[str]] = []
    place = [0] * len(needs)
    for i in in_topological_order(needs):
        at = max((place[j] + 1 for j in needs[i]), default=0)
        wanted = resources[i]
        while wanted and at < len(held) and not held[at].isdisjoint(wanted):
            at += 1
        if at == len(found):
            found.append([])
            held.append(set())
        place[i] = at
        found[at].append(i)
        held[at].update(wanted)
    return [sorted(group) for group in found]


def in_topological_order(needs: Sequence[Sequence[int]]) -> list[int]:
    """Each after what it needs, those of lower number first; without tasks of circles and those behind them."""
    followers: list[list[int]] = [[] for _ in needs]
    left = [len(set(n)) for n in needs]
    for i, needed in enumerate(needs):
        for j in set(needed):
            followers[j].append(i)
    ready = [i for i, n in enumerate(left) if n == 0]
    found: list[int] = []
    while ready:
        i = heapq.heappop(ready)
        found.append(i)
        for j in followers[i]:
            left[j] -= 1
            if left[j] == 0:
                heapq.heappush(ready, j)
    return found
