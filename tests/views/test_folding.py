"""A graph that is too large to be seen becomes a small one with the same way through it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.views.folding import between, folded, title
from aiorch.views.layout import layers


def test_tasks_with_the_same_neighbours_stand_together() -> None:
    names = ["begin", *(f"w{i}" for i in range(1000)), "end"]
    edges = [(0, i) for i in range(1, 1001)] + [(i, 1001) for i in range(1, 1001)]
    groups = folded(names, ["f"] * 1002, edges, most=40, most_edges=400)
    assert [len(group) for group in groups] == [1, 1000, 1]
    assert [title([names[i] for i in group]) for group in groups] == ["begin", "w0 … w999", "end"]
    assert set(between(groups, edges)) == {(0, 1), (1, 2)}


def test_different_kinds_never_stand_together() -> None:
    groups = folded(["a1", "a2"], ["model", "person"], [], most=1, most_edges=0)
    assert groups == [(0,), (1,)]


def test_a_long_chain_becomes_pieces_of_it() -> None:
    count = 2000
    edges = [(i, i + 1) for i in range(count - 1)]
    groups = folded([f"n{i}" for i in range(count)], ["f"] * count, edges, most=40, most_edges=400)
    assert len(groups) == 40
    assert set(between(groups, edges)) == {(i, i + 1) for i in range(39)}


def test_a_connection_that_a_longer_way_makes_is_left_out_where_tasks_stand_together() -> None:
    edges = [(0, 2), (1, 2), (2, 3), (0, 3)]
    assert set(between([(0, 1), (2,), (3,)], edges)) == {(0, 1), (1, 2)}
    assert set(between([(0,), (1,), (2,), (3,)], edges)) == set(edges)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(1, 40))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    return count, [(min(p), max(p)) for p in draw(st.lists(pairs, max_size=80)) if p[0] != p[1]]


@settings(max_examples=60)
@given(graphs(), st.integers(1, 12), st.data())
def test_everybody_stands_in_one_group_and_who_could_be_reached_still_can(
    graph: tuple[int, list[tuple[int, int]]], most: int, data: st.DataObject
) -> None:
    count, edges = graph
    kinds = data.draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count))
    groups = folded([f"n{i}" for i in range(count)], kinds, edges, most, 1000)
    assert sorted(i for group in groups for i in group) == list(range(count))
    assert len(groups) <= max(most, 2)
    number = {i: n for n, group in enumerate(groups) for i in group}
    kept: dict[int, set[int]] = {}
    for source, target in between(groups, edges):
        kept.setdefault(source, set()).add(target)
    for source, target in edges:
        assert number[source] == number[target] or number[target] in reached(number[source], kept)


def reached(start: int, following: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    left = [start]
    while left:
        for target in following.get(left.pop(), ()):
            if target not in found:
                found.add(target)
                left.append(target)
    return found


@pytest.mark.parametrize(("edges", "found"), [([], [0, 0]), ([(0, 1)], [0, 1]), ([(0, 1), (1, 0)], [0, 1])])
def test_layers_are_the_longest_ways_whatever_goes_round_in_circles(
    edges: list[tuple[int, int]], found: list[int]
) -> None:
    assert layers(2, edges) == found
