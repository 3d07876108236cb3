"""Boxes in layers: everybody below what it needs, nobody on top of a neighbour."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.views.layout import GAP, MOST_LANES, layout

SIZES = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(10, 200), min_size=n, max_size=n),
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=25),
    )
)


@settings(max_examples=60)
@given(SIZES)
def test_boxes_of_a_layer_do_not_touch_and_all_are_inside(
    given: tuple[list[float], list[tuple[int, int]]],
) -> None:
    widths, edges = given
    found = layout(widths, edges)
    for layer in set(found.layer):
        row = sorted((found.x[i], widths[i]) for i in range(len(widths)) if found.layer[i] == layer)
        for (left, a), (right, b) in pairwise(row):
            assert right - left >= (a + b) / 2 + GAP - 1e-6
    for x, wide in zip(found.x, widths, strict=True):
        assert wide / 2 - 1e-6 <= x <= found.width - wide / 2 + 1e-6
    assert len(found.bends) == len(edges)


@settings(max_examples=60)
@given(SIZES)
def test_without_cycles_every_edge_leads_down(given: tuple[list[float], list[tuple[int, int]]]) -> None:
    widths, edges = given
    down = [(min(e), max(e)) for e in edges if e[0] != e[1]]
    found = layout(widths, down)
    for (source, target), bends in zip(down, found.bends, strict=True):
        passed = [layer for _, layer in bends]
        assert passed == list(range(found.layer[source] + 1, found.layer[target]))
        assert found.layer[source] < found.layer[target]


def test_a_cycle_is_opened_and_still_has_layers() -> None:
    found = layout([50.0] * 3, [(0, 1), (1, 2), (2, 0)])
    assert found.layer == (0, 1, 2)


def test_crossed_lines_are_uncrossed() -> None:
    found = layout([50.0] * 4, [(0, 3), (1, 2)])
    assert (found.x[0] < found.x[1]) == (found.x[3] < found.x[2])


def test_what_needs_nothing_stands_right_above_who_takes_it() -> None:
    found = layout([50.0] * 4, [(0, 1), (1, 2), (3, 2)])
    assert found.layer == (0, 1, 2, 1)


def test_nothing_is_no_picture_and_a_full_one_has_straight_lines() -> None:
    assert layout([], []).layers == 0
    chain = [(i, i + 1) for i in range(60)] + [(0, i) for i in range(2, 60)]
    assert sum(i - 1 for i in range(2, 60)) > MOST_LANES
    assert not any(layout([50.0] * 61, chain).bends)
