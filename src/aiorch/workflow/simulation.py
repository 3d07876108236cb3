"""A run without the work: units that take so long, started as the scheduler starts them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Place(IntEnum):
    """Whether a unit takes one of the places under the limit."""

    TAKES = 0
    FREE = 1
    """It waits for a person or the time, or only stands for those inside of it."""


@dataclass(slots=True)
class Network:
    """Units, by number, and what each waits for."""

    followers: list[list[int]] = field(default_factory=list[list[int]])
    needed: list[int] = field(default_factory=list[int])
    """How many each waits for."""
    ranks: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """Lowest first."""
    places: list[Place] = field(default_factory=list[Place])
    gates: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    limits: dict[str, int] = field(default_factory=dict[str, int])
    """By gate: how many at once."""

    def add(
        self,
        needs: Sequence[int],
        *,
        rank: tuple[int, int] = (0, 0),
        place: Place = Place.TAKES,
        gates: Sequence[str] = (),
    ) -> int:
        """One more unit. :param rank: who is lower goes first; equals in the order in which they were added."""
        number = len(self.needed)
        self.followers.append([])
        self.needed.append(len(needs))
        self.ranks.append((*rank, number))
        self.places.append(place)
        self.gates.append(tuple(g for g in gates if g in self.limits))
        for other in needs:
            self.followers[other].append(number)
        return number

    def __len__(self) -> int:
        return len(self.needed)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a run without the work."""

    seconds: float
    most: int
    """Units at work at once, at the most."""
    work: float
    """Seconds of all units that take a place."""


def simulate(network: Network, seconds: Sequence[float], limit: int) -> Simulated:
    """Greedy list scheduling: whenever there is room, the best ready unit begins.

    :param seconds: how long each unit takes.
    :param limit: units at work at once.
    """
    left = list(network.needed)
    taken = dict.fromkeys(network.limits, 0)
    kept: dict[str, list[int]] = {gate: [] for gate in network.limits}
    ready: list[tuple[tuple[int, int, int], int]] = []
    running: list[tuple[float, int]] = []
    now = work = 0.0
    busy = most = 0

    def begin(unit: int) -> None:
        """It is ready: queue it, or let it begin where it takes no place."""
        if network.places[unit] is Place.FREE and not network.gates[unit]:
            heapq.heappush(running, (now + seconds[unit], unit))
        else:
            heapq.heappush(ready, (network.ranks[unit], unit))

    for unit, needed in enumerate(left):
        if needed == 0:
            begin(unit)
    while ready or running:
        while ready and busy < limit:
            _, unit = heapq.heappop(ready)
            full = next((g for g in network.gates[unit] if taken[g] >= network.limits[g]), None)
            if full is not None:
                kept[full].append(unit)
                continue
            for gate in network.gates[unit]:
                taken[gate] += 1
            if network.places[unit] is Place.TAKES:
                busy += 1
                most = max(most, busy)
                work += seconds[unit]
            heapq.heappush(running, (now + seconds[unit], unit))
        if not running:
            break  # a gate of no places: what is kept there never begins
        now, unit = heapq.heappop(running)
        if network.places[unit] is Place.TAKES:
            busy -= 1
        for gate in network.gates[unit]:
            taken[gate] -= 1
            for waiting in kept[gate]:
                heapq.heappush(ready, (network.ranks[waiting], waiting))
            kept[gate].clear()
        for follower in network.followers[unit]:
            left[follower] -= 1
            if left[follower] == 0:
                begin(follower)
    return Simulated(now, most, work)


def longest(network: Network, seconds: Sequence[float]) -> tuple[float, tuple[int, ...]]:
    """The critical path: its seconds, and its units in order. What is added later never comes before."""
    ends = [0.0] * len(network)
    came: list[int] = [-1] * len(network)
    last = -1
    for unit in range(len(network)):
        ends[unit] += seconds[unit]
        if last < 0 or ends[unit] > ends[last]:
            last = unit
        for follower in network.followers[unit]:
            if ends[unit] > ends[follower] or came[follower] < 0:
                ends[follower] = ends[unit]
                came[follower] = unit
    path: list[int] = []
    unit = last
    while unit >= 0:
        path.append(unit)
        unit = came[unit]
    return (ends[last] if last >= 0 else 0.0), tuple(reversed(path))
