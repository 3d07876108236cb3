"""What a unit has to pass beside the run's limit: resources, tags, a mapping's own limit, room for questions.

A unit takes all its gates at once or none, so tasks that hold one never wait for another. One that finds a gate full is
kept there and holds up nobody; whoever leaves wakes the best of those kept. One that needs several gates and was passed
over too often is let by next: what it needs is kept for it as it becomes free.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping

from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import PLAIN, Ask, Loop, Node, Sub
from aiorch.workflow.services import Capacity

_PATIENCE = 32
"""Units that leave gates while one with several waits, before those are kept for it."""


class Gate:
    """So many at once."""

    __slots__ = ("kept", "limit", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self.kept: list[int] = []
        """Units that found it full."""

    def room(self) -> bool:
        """Whether one more may pass now."""
        return self.taken < self.limit


class AgentGate(Gate):
    """As many questions as those who ask models say; one is always let through, or nobody would ask again."""

    __slots__ = ("agent", "capacity")

    def __init__(self, agent: str, capacity: Capacity) -> None:
        super().__init__(1)
        self.agent = agent
        self.capacity = capacity

    def room(self) -> bool:
        """Asks each time: providers' limits change with the hour."""
        most = self.capacity.room(self.agent)
        return most is None or self.taken < max(1, most)


class Gates:
    """All gates of a run.

    :param limits: by tag how many at once; other tags have no gate.
    """

    def __init__(self, limits: Mapping[str, int], capacity: Capacity | None = None) -> None:
        self._tags = {tag: Gate(limit) for tag, limit in limits.items()}
        self._resources: dict[str, Gate] = {}
        self._agents: dict[str, AgentGate] = {}
        self._capacity = capacity
        self._left = 0
        """Units that have left gates so far."""
        self._waiting: dict[int, tuple[int, tuple[Gate, ...]]] = {}
        """Units with several gates that wait, the longest first: how many had left before, and its gates."""
        self._elder: _Elder | None = None
        self._push: Callable[[int], None]
        self._alive: Callable[[int], bool]

    @property
    def asks(self) -> bool:
        """Whether questions have gates."""
        return self._capacity is not None

    def attach(self, push: Callable[[int], None], alive: Callable[[int], bool]) -> None:
        """Say how a unit is queued again, and whether it still may run."""
        self._push, self._alive = push, alive

    def tag(self, name: str) -> Gate | None:
        """The gate of a tag, where it is limited."""
        return self._tags.get(name)

    def resource(self, name: str) -> Gate:
        """The gate of what only one may have."""
        return self._resources.setdefault(name, Gate(1))

    def agent(self, name: str) -> Gate | None:
        """The gate of questions to an agent, where somebody knows how many make sense."""
        if self._capacity is None:
            return None
        if name not in self._agents:
            self._agents[name] = AgentGate(name, self._capacity)
        return self._agents[name]

    def admit(self, key: int, gates: tuple[Gate, ...]) -> bool:
        """Let a unit through all of these, or keep it at one that is full."""
        elder = self._elder
        if elder is not None and elder.key == key:
            return self._admit_elder(elder)
        full: Gate | None = None
        for gate in gates:
            if not gate.room():
                full = gate
                break
        if full is None:
            for gate in gates:
                gate.taken += 1
            if self._waiting:
                self._waiting.pop(key, None)
        else:
            heapq.heappush(full.kept, key)
            if len(gates) > 1:
                self._waiting.setdefault(key, (self._left, gates))
        for gate in gates:
            if gate is not full and gate.kept:
                self._offer(gate)
        return full is None

    def release(self, gates: tuple[Gate, ...]) -> None:
        """A unit has ended: whoever was kept at its gates may try again."""
        self._left += 1
        if self._waiting and self._elder is None:
            self._choose_elder()
        asked = False
        for gate in gates:
            gate.taken -= 1
            self._offer(gate)
            asked = asked or isinstance(gate, AgentGate)
        if asked:  # what one agent's question used up, or freed, may be another's too
            for gate in self._agents.values():
                if gate.kept:
                    self._offer(gate)

    def rouse(self) -> None:
        """Units of a graph that ended are gone: look at all gates again."""
        if self._elder is not None and not self._alive(self._elder.key):
            held, self._elder = self._elder.held, None
            for gate in held:
                gate.taken -= 1
        for gate in (*self._tags.values(), *self._resources.values(), *self._agents.values()):
            if gate.kept:
                self._offer(gate)

    def _offer(self, gate: Gate) -> None:
        """Wake the best of those kept at a gate that has room."""
        elder = self._elder
        if elder is not None and gate in elder.wants and gate not in elder.held and gate.room():
            gate.taken += 1
            elder.held.append(gate)
            if len(elder.held) == len(elder.wants):
                for other in elder.wants:
                    if elder.key in other.kept:
                        other.kept.remove(elder.key)
                        heapq.heapify(other.kept)
                        self._push(elder.key)
        while gate.kept and gate.room():
            key = heapq.heappop(gate.kept)
            if self._alive(key):
                self._push(key)
                return

    def _choose_elder(self) -> None:
        """For who needs several gates and has waited too long they are kept, for one unit of a run at a time."""
        key, (left, gates) = next(iter(self._waiting.items()))
        if not self._alive(key):
            del self._waiting[key]
        elif self._left - left > _PATIENCE:
            self._elder = _Elder(key, gates)
            for gate in gates:
                if gate.room():
                    gate.taken += 1
                    self._elder.held.append(gate)

    def _admit_elder(self, elder: _Elder) -> bool:
        for gate in elder.wants:
            if gate in elder.held:
                continue
            if not gate.room():
                heapq.heappush(gate.kept, elder.key)
                return False
            gate.taken += 1
            elder.held.append(gate)
        self._elder = None
        self._waiting.pop(elder.key, None)
        return True


class _Elder:
    """A unit for which gates are kept."""

    __slots__ = ("held", "key", "wants")

    def __init__(self, key: int, wants: tuple[Gate, ...]) -> None:
        self.key = key
        self.wants = wants
        self.held: list[Gate] = []


# --- which gates a task has to pass --------------------------------------------------------------------------------

Name = tuple[str, str]
"""``("resource", "printer")``."""


def claims_of(graph: Graph, gates: Gates, held: Mapping[Name, Gate]) -> list[dict[Name, Gate]] | None:
    """For each task the gates that it has to pass; ``None`` where nobody has any.

    :param held: gates that belong to the task that this graph is the inside of: its share of what it holds.
    """
    none: dict[Name, Gate] = {}
    found = [none if _free(node, gates) else _claims(node, gates, held) for node in graph.nodes]
    return found if any(found) else None


def inside(held: Mapping[Name, Gate], claims: Mapping[Name, Gate]) -> dict[Name, Gate]:
    """What tasks inside of one that passed ``claims`` find instead of those gates: its one place, for one of them."""
    own = {name: Gate(1) for name in claims if name[0] in ("resource", "tag")}
    return {**held, **own}


def _free(node: Node, gates: Gates) -> bool:
    """What most tasks are, told quickly."""
    return node.policy is PLAIN and node.mapped is None and (not gates.asks or not isinstance(node.work, Ask))


def _claims(node: Node, gates: Gates, held: Mapping[Name, Gate]) -> dict[Name, Gate]:
    found: dict[Name, Gate] = {}
    names = set(_names(node, gates))
    if names and isinstance(node.work, Sub | Loop):
        # Whoever holds something and then waits for more may wait for one who waits for it: all at once, or nothing.
        names |= set(_within(node.work.graph, gates))
    for kind, name in sorted(names):
        gate = held.get((kind, name)) or (gates.tag(name) if kind == "tag" else gates.resource(name))
        if gate is not None:
            found[kind, name] = gate
    if isinstance(node.work, Ask) and (room := gates.agent(node.work.agent)) is not None:
        found["agent", node.work.agent] = room
    if node.mapped is not None and node.mapped.limit is not None:
        found["map", node.name] = Gate(node.mapped.limit)
    return found


def _names(node: Node, gates: Gates) -> Iterator[Name]:
    if node.policy is not PLAIN:
        yield from (("resource", name) for name in node.policy.resources)
        yield from (("tag", name) for name in node.policy.tags if gates.tag(name) is not None)


def _within(graph: Graph, gates: Gates) -> Iterator[Name]:
    for node in graph.nodes:
        yield from _names(node, gates)
        if isinstance(node.work, Sub | Loop):
            yield from _within(node.work.graph, gates)
