"""Where the boxes of a graph go: in layers from top to bottom, few lines crossing, straight where possible.

The way is the usual one for layered drawings (Sugiyama, Tagawa, Toda 1981): break cycles, layer by the longest path,
let long lines pass through places of their own, order each layer by its neighbours' middle, then move everything
towards its neighbours as far as the distances allow. Pure: numbers in, numbers out.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[int, int]

GAP = 24.0
"""Between neighbours of a layer."""
LANE = 14.0
"""Width of the place where a line passes a layer."""
MOST_LANES = 600
"""With more of them lines go straight: a drawing so full is not followed line by line."""
SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The middle of every box, its layer, and the points at which lines pass layers."""

    x: tuple[float, ...]
    layer: tuple[int, ...]
    bends: tuple[tuple[tuple[float, int], ...], ...]
    """For each edge the places (x, layer) between its ends."""
    width: float
    layers: int


def layout(widths: Sequence[float], edges: Sequence[Edge]) -> Layout:
    """Place boxes of these widths.

    >>> layout([50, 50, 50], [(0, 1), (1, 2), (0, 2)]).layer
    (0, 1, 2)
    """
    count = len(widths)
    if not count:
        return Layout((), (), tuple(() for _ in edges), 0.0, 0)
    kept = _acyclic(count, edges)
    layer = _layers(count, [edges[i] for i in kept])
    spans = {i: layer[edges[i][1]] - layer[edges[i][0]] for i in kept}
    lanes = sum(span - 1 for span in spans.values())
    size, at = list(widths), list(layer)
    chains: dict[int, list[int]] = {}
    links: list[Edge] = []
    for i in kept:
        source, target = edges[i]
        chain: list[int] = []
        if lanes <= MOST_LANES:
            chain = list(range(len(size), len(size) + spans[i] - 1))
            size += [LANE] * len(chain)
            at += range(layer[source] + 1, layer[target])
        chains[i] = chain
        way = [source, *chain, target]
        links += [pair for pair in pairwise(way) if at[pair[1]] - at[pair[0]] == 1]
    rows = _ordered(at, links)
    x = _moved(rows, size, links)
    least = min(x[i] - size[i] / 2 for i in range(len(size)))
    most = max(x[i] + size[i] / 2 for i in range(len(size)))
    x = [place - least for place in x]
    bends = tuple(tuple((x[j], at[j]) for j in chains.get(i, ())) for i in range(len(edges)))
    return Layout(tuple(x[:count]), tuple(layer), bends, most - least, len(rows))


def layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """For each the length of the longest way to it; cycles are opened where they close.

    >>> layers(3, [(0, 1), (1, 2), (0, 2)])
    [0, 1, 2]
    """
    return _layers(count, [edges[i] for i in _acyclic(count, edges)])


def _acyclic(count: int, edges: Sequence[Edge]) -> list[int]:
    """Numbers of the edges that are left when each cycle is opened where it closes."""
    following: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for i, (source, target) in enumerate(edges):
        following[source].append((i, target))
    state = [0] * count  # 1 while its followers are walked, 2 when they are done
    kept: list[int] = []
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(following[root]))]
        while stack:
            node, left = stack[-1]
            step = next(left, None)
            if step is None:
                state[node] = 2
                stack.pop()
                continue
            i, target = step
            if state[target] == 1:
                continue
            kept.append(i)
            if state[target] == 0:
                state[target] = 1
                stack.append((target, iter(following[target])))
    return sorted(kept)


def _layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """The longest way to each; what nothing leads to stands right above the first that it leads to."""
    following: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for source, target in edges:
        following[source].append(target)
        waits[target] += 1
    begins = [i for i in range(count) if not waits[i]]
    layer, ready = [0] * count, list(begins)
    while ready:
        node = ready.pop()
        for target in following[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    for node in begins:
        layer[node] = min((layer[target] for target in following[node]), default=1) - 1
    return layer


def _ordered(layer: Sequence[int], links: Sequence[Edge]) -> list[list[int]]:
    """Each layer from left to right; of all orders that the sweeps came by, the one with the fewest crossings."""
    rows: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    for node, at in enumerate(layer):
        rows[at].append(node)
    above: list[list[int]] = [[] for _ in layer]
    below: list[list[int]] = [[] for _ in layer]
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        for row in rows[1:] if down else rows[-2::-1]:
            beside = above if down else below
            place = {n: i for other in rows for i, n in enumerate(other)}
            middle = {
                n: sum(place[m] for m in beside[n]) / len(beside[n]) if beside[n] else float(place[n])
                for n in row
            }
            row.sort(key=lambda n: middle[n])
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(rows: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    count = 0
    for row, after in pairwise(rows):
        place = {n: i for i, n in enumerate(after)}
        seen: list[int] = []
        for node in row:
            ends = sorted(place[m] for m in below[node])
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _moved(rows: Sequence[Sequence[int]], size: Sequence[float], links: Sequence[Edge]) -> list[float]:
    """The middle of each: as near to its neighbours' as its own row lets it."""
    beside: list[list[int]] = [[] for _ in size]
    for source, target in links:
        beside[source].append(target)
        beside[target].append(source)
    x = [0.0] * len(size)
    for row in rows:
        for node, place in zip(row, _apart([0.0] * len(row), [size[n] for n in row]), strict=True):
            x[node] = place
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wished = [sum(x[m] for m in beside[n]) / len(beside[n]) if beside[n] else x[n] for n in row]
            for node, place in zip(row, _apart(wished, [size[n] for n in row]), strict=True):
                x[node] = place
    return x


def _apart(wished: Sequence[float], size: Sequence[float]) -> list[float]:
    """Places in this order, none nearer than their sizes and the gap allow, and least squares off what was wished."""
    offset = [0.0]
    for left, right in pairwise(size):
        offset.append(offset[-1] + (left + right) / 2 + GAP)
    blocks: list[tuple[float, int]] = []  # neighbours that touch move as one: the mean of their wishes
    for wish, off in zip(wished, offset, strict=False):
        mean, count = wish - off, 1
        while blocks and blocks[-1][0] > mean:
            other, more = blocks.pop()
            mean, count = (mean * count + other * more) / (count + more), count + more
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    return [place + off for place, off in zip(flat, offset, strict=False)]
