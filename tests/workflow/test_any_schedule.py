"""Any workflow, any failures, retries, conditions, limits and cancellation, in virtual time: what always holds."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import anyio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.running import never

from aiorch.errors import TaskFailed
from aiorch.workflow import Run, Services, Workflow, execute
from aiorch.workflow.nodes import Retry

FOR_EVER = 1e6
"""Virtual seconds: a run that is not over by then never ends."""


class Clock:
    """The event loop's own time, which the test turns."""

    def now(self) -> float:
        return anyio.current_time()

    def monotonic(self) -> float:
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


@dataclass(frozen=True)
class Spec:
    """One task, and how it will behave."""

    takes: tuple[tuple[int, str], ...] = ()
    """Whose value, and how: ``needs``, ``default`` or ``joins``."""
    after: tuple[int, ...] = ()
    when: tuple[int, bool] | None = None
    fails: int = 0
    """Tries that fail, of each item."""
    attempts: int = 1
    seconds: float = 0.0
    timeout: float | None = None
    on_error: str = "fail"
    resources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    priority: int = 0
    items: int | None = None
    collect: bool = False
    limit: int | None = None
    inside: bool = False
    """Whether it is done by a workflow of its own."""

    @property
    def fine(self) -> bool:
        """Whether it succeeds in the end."""
        return self.fails < self.attempts and (self.timeout is None or self.seconds < self.timeout)


@st.composite
def specs(draw: st.DrawFn) -> list[Spec]:
    found: list[Spec] = []
    for n in range(draw(st.integers(1, 9))):
        before = st.integers(0, n - 1)
        some = st.lists(before, unique=True, max_size=2) if n else st.just([])
        attempts = draw(st.integers(1, 3))
        items = draw(st.sampled_from([None, None, None, 0, 1, 3]))
        found.append(
            Spec(
                tuple((i, draw(st.sampled_from(["needs", "default", "joins"]))) for i in draw(some)),
                tuple(draw(some)),
                draw(st.none() | st.tuples(before, st.booleans())) if n else None,
                draw(st.sampled_from([0, 0, 0, 1, 2, 9])),
                attempts,
                draw(st.sampled_from([0.0, 0.0, 1.0, 2.0, 5.0])),
                draw(st.sampled_from([None, None, 3.0])),
                draw(st.sampled_from(["fail", "skip", "skip", "continue"])),
                tuple(draw(st.lists(st.sampled_from("rs"), unique=True, max_size=2))),
                tuple(draw(st.lists(st.sampled_from("tu"), unique=True, max_size=2))),
                draw(st.integers(-1, 1)),
                items,
                draw(st.booleans()),
                draw(st.sampled_from([None, 1, 2])),
                draw(st.booleans()),
            )
        )
    return found


@dataclass
class World:
    """What the tasks do, and what they see."""

    specs: list[Spec]
    limits: dict[str, int]
    limit: int
    run: Run = field(default_factory=lambda: Run("w"))
    calls: Counter[tuple[int, Any]] = field(default_factory=Counter[tuple[int, Any]])
    busy: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])

    def flow(self) -> Workflow:
        flow = Workflow("w")
        for n, spec in enumerate(self.specs):
            function = self.function(n, spec)
            uses: dict[str, Any] = {
                f"a{i}": [f"t{i}"] if kind == "joins" else f"t{i}" for i, kind in spec.takes
            }
            options: dict[str, Any] = {
                "uses": uses,
                "after": [f"t{i}" for i in spec.after],
                "retry": Retry(spec.attempts, delay=1.0),
                "timeout": spec.timeout,
                "on_error": spec.on_error,
                "resources": spec.resources,
                "tags": spec.tags,
                "priority": spec.priority,
            }
            if spec.inside:
                inner = Workflow("inner")
                inner.add("work", function, resources=spec.resources[:1], tags=spec.tags[:1])
                inner.add("handed_on", lambda work: work, thread=False)
                step: Any = flow.sub(f"t{n}", inner, **options)
            else:
                step = flow.add(f"t{n}", function, **options)
            if spec.items is not None:
                step.map(item=f"items{n}", on_error="collect" if spec.collect else "fail", limit=spec.limit)
            if spec.when:
                step.when(f"t{spec.when[0]}", spec.when[1])
        return flow

    def function(self, n: int, spec: Spec) -> Any:
        names = [(f"a{i}", kind) for i, kind in spec.takes]
        if spec.items is not None:
            names.append(("item", "needs"))

        async def work(**values: Any) -> bool:
            return await self.work(n, spec, values.get("item"))

        work.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=None if kind == "default" else inspect.Parameter.empty,
                )
                for name, kind in names
            ]
        )
        return work

    async def work(self, n: int, spec: Spec, item: Any) -> bool:
        self.calls[n, item] += 1
        ended = self.run.results.keys() | self.run.errors.keys() | self.run.skipped.keys()
        for i in needs(spec):
            if f"t{i}" not in ended and not any(key.startswith(f"t{i}[") for key in ended):
                self.wrong.append(f"t{n} began before t{i} had ended")
        taken = ["all", *spec.resources, *spec.tags, *([f"map{n}"] if spec.limit else [])]
        most = {"all": self.limit, "r": 1, "s": 1, f"map{n}": spec.limit, **self.limits}
        for name in taken:
            self.busy[name] += 1
            if name in most and self.busy[name] > most[name]:
                self.wrong.append(f"{self.busy[name]} of {name} at work at once")
        try:
            await anyio.sleep(spec.seconds)
        finally:
            for name in taken:
                self.busy[name] -= 1
        if self.calls[n, item] <= spec.fails:
            raise ValueError(f"try {self.calls[n, item]}")
        return True


def needs(spec: Spec) -> set[int]:
    return {i for i, _ in spec.takes} | {*spec.after} | ({spec.when[0]} if spec.when else set())


def expected(specs: list[Spec]) -> tuple[dict[int, Any], set[int], set[int]]:
    """Who has which value, who is skipped, and who fails; as far as nothing ends the run."""
    values: dict[int, Any] = {}
    skipped: set[int] = set()
    failed: set[int] = set()
    omitted: set[int] = set()
    """Without a value, for no other reason than conditions."""
    for n, spec in enumerate(specs):
        lacking = [i for i, kind in spec.takes if kind == "needs" and i not in values]
        if spec.when and spec.when[0] not in values:
            lacking.append(spec.when[0])
        behind = [i for i in spec.after if i not in values and i not in omitted]
        if lacking or behind:
            skipped.add(n)
            if (lacking or behind)[0] in omitted:
                omitted.add(n)
        elif spec.when and bool(values[spec.when[0]]) is not spec.when[1]:
            skipped.add(n)
            omitted.add(n)
        elif spec.items == 0:
            values[n] = []
        elif spec.fine:
            values[n] = True if spec.items is None else [True] * spec.items
        else:
            failed.add(n)
            if spec.items is not None and spec.collect:
                values[n] = "failures"
            elif spec.on_error == "continue":
                values[n] = None if spec.items is None else [None] * spec.items
    return values, skipped, failed


def ends_the_run(spec: Spec) -> bool:
    return spec.on_error == "fail" and not (spec.items is not None and spec.collect)


async def carry_out(world: World, stop: float | None) -> None:
    inputs = {f"items{n}": list(range(s.items)) for n, s in enumerate(world.specs) if s.items is not None}
    services = Services(never, clock=Clock(), rng=Random(0))
    with anyio.fail_after(FOR_EVER), anyio.move_on_after(FOR_EVER if stop is None else stop):
        await execute(
            world.flow(), inputs, services=services, limit=world.limit, limits=world.limits, run=world.run
        )


@given(
    specs(),
    st.integers(1, 4),
    st.dictionaries(st.sampled_from("tu"), st.integers(1, 2)),
    st.none() | st.sampled_from([0.5, 2.5, 6.5]),
)
@settings(max_examples=60)
def test_whatever_happens(specs: list[Spec], limit: int, limits: dict[str, int], stop: float | None) -> None:
    world = World(specs, limits, limit)
    clock = trio.testing.MockClock(autojump_threshold=0)
    culprit: TaskFailed | None = None
    try:
        anyio.run(carry_out, world, stop, backend="trio", backend_options={"clock": clock})
    except TaskFailed as failed:
        culprit = failed
    run = world.run
    assert world.wrong == []
    assert not +world.busy, "something is left running"
    assert run.waiting == ()
    assert all(row.state != "running" for row in run.timeline)
    for (n, _), count in world.calls.items():
        assert count <= specs[n].attempts
    values, skipped, failed = expected(specs)
    done = run.results
    if run.state == "done":
        assert not any(ends_the_run(specs[n]) for n in failed)
        assert done.keys() == {f"t{n}" for n in values}
        assert {n for n in run.skipped if "/" not in n} == {f"t{n}" for n in skipped}
        for n, value in values.items():
            assert value == "failures" or done[f"t{n}"] == value
        assert {key.partition("/")[0].partition("[")[0] for key in run.errors} == {f"t{n}" for n in failed}
    else:
        assert done.keys() <= {f"t{n}" for n in values}
        assert run.state == ("failed" if culprit else "cancelled")
    if culprit is not None:
        assert any(ends_the_run(specs[n]) and f"t{n}" in {row.task for row in run.timeline} for n in failed)
        assert set(culprit.skipped) <= run.skipped.keys()
    begun = {row.task for row in run.timeline}
    for name, why in run.skipped.items():
        assert name not in begun or "/" in name  # a workflow inside may have got further in an earlier try
        assert true(why, run, stop), f"{name} was not skipped because {why}"


def true(why: str, run: Run, stop: float | None) -> bool:
    """Whether a reason for skipping a task is one."""
    if why == "the run was cancelled":
        return stop is not None
    name = why.split("'")[1]
    if why.endswith("did not pass"):
        return name in run.results
    if why.endswith("was left out"):
        return name in run.skipped
    if why.endswith("was cancelled"):
        return any(row.key == name and row.state in ("failed", "cancelled", "done") for row in run.timeline)
    return any(key == name or key.startswith(f"{name}[") for key in run.errors)
