"""An estimate is held against what the scheduler really takes, in virtual time; and it says what it stands on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from aiorch.testing.virtual import VirtualClock
from aiorch.types import Outcome, Parameters, Price, Task, Usage
from aiorch.workflow import Workflow
from aiorch.workflow.assumptions import ANSWER, DURATIONS, ITEMS
from aiorch.workflow.estimate import Estimate, duration
from aiorch.workflow.estimating import estimate
from aiorch.workflow.execution import execute
from aiorch.workflow.history import History, Sample
from aiorch.workflow.runs import Row, Run
from aiorch.workflow.services import Services
from aiorch.workflow.spans import Span, exactly, quantile

pytestmark = pytest.mark.anyio


@dataclass
class Known:
    """A past in which each task always took as long as it says."""

    seconds: dict[str, list[float]]

    def samples(self, workflow: str, task: str) -> list[Sample]:
        return [Sample(s) for s in self.seconds.get(task, ())]

    def counts(self, workflow: str, task: str) -> list[int]:
        return []


async def nobody(*_: Any) -> Any:
    raise AssertionError("nobody is to be asked")


async def measured(build: Callable[[VirtualClock], Workflow], limit: int, **more: Any) -> float:
    """Seconds that a run really takes, in virtual time."""
    async with VirtualClock() as clock:
        flow = build(clock)
        await execute(
            flow, more.pop("inputs", {}), services=Services(nobody, clock=clock), limit=limit, **more
        )
        return clock.passed


# --- against the scheduler ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 4, 8, 64])
@pytest.mark.parametrize("seed", range(3))
async def test_known_durations_give_the_makespan_of_the_scheduler(seed: int, limit: int) -> None:
    rng = Random(seed)
    size = 60
    took = {f"n{i}": [rng.uniform(0.1, 5.0)] for i in range(size)}
    needs = [rng.sample(range(max(0, i - 10), i), min(i, rng.choice((0, 1, 1, 2, 3)))) for i in range(size)]
    resources = [rng.choice(((), (), (), ("gpu",), ("gpu", "file"))) for _ in range(size)]
    tags = [rng.choice(((), ("slow",))) for _ in range(size)]

    def build(clock: VirtualClock | None) -> Workflow:
        flow = Workflow("dag")
        for i in range(size):

            async def work(ins: list[int], i: int = i) -> int:
                assert clock is not None
                await clock.sleep(took[f"n{i}"][0])
                return i

            uses = {"ins": [f"n{j}" for j in needs[i]]}
            flow.add(f"n{i}", work, uses=uses, resources=resources[i], tags=tags[i], priority=i % 3)
        return flow

    took_really = await measured(build, limit, limits={"slow": 3})
    expected = estimate(build(None).graph(), history=Known(took), limit=limit, limits={"slow": 3})
    assert expected.seconds_p50 == pytest.approx(took_really, rel=0.2)
    assert expected.seconds_p90 == expected.seconds_p50  # nothing was drawn
    assert expected.most_parallel <= limit
    assert expected.assumed == ()


@pytest.mark.parametrize("seed", range(2))
async def test_drawn_durations_give_the_median_and_the_tail_of_many_runs(seed: int) -> None:
    rng = Random(seed)
    size = 30
    took = {f"n{i}": [rng.lognormvariate(0, 0.6) for _ in range(30)] for i in range(size)}
    needs = [rng.sample(range(max(0, i - 6), i), min(i, rng.choice((0, 1, 2)))) for i in range(size)]

    def build(clock: VirtualClock | None) -> Workflow:
        flow = Workflow("dag")
        for i in range(size):

            async def work(ins: list[int], i: int = i) -> int:
                assert clock is not None
                await clock.sleep(rng.choice(took[f"n{i}"]))
                return i

            flow.add(f"n{i}", work, uses={"ins": [f"n{j}" for j in needs[i]]})
        return flow

    runs = sorted([await measured(build, 6) for _ in range(20)])
    expected = estimate(build(None).graph(), history=Known(took), limit=6)
    assert expected.seconds_p50 == pytest.approx(quantile(runs, 0.5), rel=0.2)
    assert expected.seconds_p90 == pytest.approx(quantile(runs, 0.9), rel=0.2)
    assert expected.seconds_p90 > expected.seconds_p50


async def test_mappings_workflows_inside_and_sleeps_are_followed() -> None:
    took = {
        "each": [2.0],
        "down/first": [3.0],
        "down/second": [1.0],
        "many/first": [0.5],
        "many/second": [0.5],
    }

    def build(clock: VirtualClock | None) -> Workflow:
        async def wait(seconds: float) -> None:
            assert clock is not None
            await clock.sleep(seconds)

        async def two(piece: int) -> int:
            await wait(2.0)
            return piece

        def inner(first: float, second: float) -> Workflow:
            async def one(topic: Any) -> Any:
                await wait(first)
                return topic

            async def other(first: Any) -> Any:
                await wait(second)
                return first

            flow = Workflow("inner")
            flow.add("first", one)
            flow.add("second", other)
            return flow

        flow = Workflow("mixed")
        flow.add("each", two).map(piece="pieces", limit=3)
        flow.sub("down", inner(3.0, 1.0), uses={"topic": "each"})
        flow.sub("many", inner(0.5, 0.5), uses={"topic": "topic"}).map(topic="each")
        flow.sleep("nap", 7.5, after=["down"])
        return flow

    inputs = {"pieces": list(range(10))}
    took_really = await measured(build, 4, inputs=inputs)
    expected = estimate(build(None).graph(), inputs=inputs, history=Known(took), limit=4)
    assert expected.seconds_p50 == pytest.approx(took_really, rel=0.2)
    assert {t.task: t.count.likely for t in expected.tasks} == {
        "each": 10,
        "down": 1,
        "down/first": 1,
        "down/second": 1,
        "many": 10,
        "many/first": 10,
        "many/second": 10,
        "nap": 1,
    }
    assert expected.critical == ("each", "down/first", "down/second", "nap")


def test_many_items_are_put_together_and_take_as_long() -> None:
    flow = Workflow("wide")
    flow.add("each", lambda x: x).map(x="xs", most=None)
    inner = Workflow("inner")
    inner.add("each", lambda x: x).map(x="xs")
    flow.sub("nested", inner, uses={"xs": "each"}).map(xs="lists")
    known = Known({"each": [1.0], "nested/each": [1.0]})
    found = estimate(
        flow.graph(), inputs={"xs": [0] * 100_000, "lists": [[0]] * 300}, history=known, limit=10
    )
    alone = Workflow("wide")
    alone.add("each", lambda x: x).map(x="xs", most=None)
    assert estimate(
        alone.graph(), inputs={"xs": [0] * 100_000}, history=known, limit=10
    ).seconds_p50 == pytest.approx(10_000, rel=0.01)
    assert found.seconds_p50 == pytest.approx(10_000 + 30 * 10, rel=0.05)


def test_items_that_are_put_together_vary_as_much_as_they_do() -> None:
    flow = Workflow("wide")
    flow.add("each", lambda x: x).map(x="xs", most=None)
    flow.ask("asked", "On {x}").map(x="xs", most=None)
    xs = [0] * 60_000
    found = estimate(flow.graph(), inputs={"xs": xs}, history=Known({"each": [1.0, 3.0]}), limit=100)
    asked = next(t for t in found.tasks if t.task == "asked")
    assert asked.basis == "assumed"
    mean = 6.8  # of a log-normal distribution with the median 4 and 15 that 9 of 10 do not exceed
    assert found.seconds_p50 == pytest.approx(600 * (2.0 + mean), rel=0.1)


# --- what it stands on -------------------------------------------------------------------------------------------


def told(build: Callable[[Workflow], object], **known: Any) -> Estimate:
    flow = Workflow("x")
    build(flow)
    return estimate(flow.graph(), **known)


def test_what_is_assumed_is_said() -> None:
    inner = Workflow("polish")
    inner.ask("better", "Improve {draft}")
    inner.ask("good", "Good? {better}", output=bool)
    flow = Workflow("x")
    flow.ask("facts", "List {log}")
    flow.add("parts", lambda facts: [facts])
    flow.ask("each", "On {part}").map(part="parts")
    flow.loop("final", inner, most=5, until="good", carry={"draft": "better"}, uses={"draft": "facts"})
    flow.approve("ok", "{final}?")
    flow.ask("perhaps", "{final}").when("ok")
    found = estimate(flow.graph())
    said = "\n".join(found.assumed)
    assert "each: 10 items (1 to 100)" in said
    assert "final: 3 rounds (1 to 5)" in said
    assert "ok: the time that people and events take is not counted" in said
    assert "perhaps: conditional tasks run" in said
    assert "general: models cost nothing, where no price is known" in said
    assert "4 s each, 9 of 10 within 15 s (questions)" in said
    assert {t.task: t.basis for t in found.tasks} == {
        "facts": "assumed",
        "parts": "assumed",
        "each": "assumed",
        "final": "known",
        "final/better": "assumed",
        "final/good": "assumed",
        "ok": "not counted",
        "perhaps": "assumed",
    }
    assert found.calls == Span(1 + 1 + 2 * 1, 1 + 10 + 2 * 3 + 1, 1 + 100 + 2 * 5 + 1)
    assert found.cost == Span(Decimal(0), Decimal(0), Decimal(0))
    assert found.seconds_p90 > found.seconds_p50 > DURATIONS["ask"].p50
    assert json.loads(json.dumps(found.to_dict()))["critical"] == list(found.critical)
    assert "9 of 10 runs within" in str(found)
    assert estimate(flow.graph()) == found  # the same facts, the same estimate


def test_inputs_tell_how_many_and_how_long() -> None:
    def build(flow: Workflow) -> None:
        flow.ask("each", "On {part}").map(part="parts")
        flow.ask("twice", "Again {one}").map(one="each")

    found = told(build, inputs={"parts": ["x" * 4_000] * 7})
    assert [t.count for t in found.tasks] == [exactly(7), exactly(7)]
    each, twice = found.tasks
    assert each.demand.tokens.low == 7 * (1_000 + 1 + ANSWER.low)
    assert twice.demand.tokens.low < each.demand.tokens.low


def test_an_empty_list_takes_no_time() -> None:
    found = told(lambda f: f.ask("each", "On {part}").map(part="parts"), inputs={"parts": []})
    assert (found.seconds_p90, found.calls, found.critical) == (0.0, exactly(0), ())
    assert "0 s" in str(found)


def test_a_bound_of_a_mapping_bounds_what_is_assumed() -> None:
    found = told(lambda f: f.ask("each", "On {part}").map(part="parts", most=4))
    assert found.calls == Span(1, 4, 4)
    unbounded = told(lambda f: f.ask("each", "On {part}").map(part="parts", most=None))
    assert unbounded.calls == ITEMS


def test_defaults_of_functions_are_known_inputs() -> None:
    def walk(words: tuple[str, ...] = ("a", "b", "c")) -> int:
        return len(words)

    def build(flow: Workflow) -> None:
        flow.add("walk", walk)
        flow.ask("each", "On {word}").map(word="words")

    assert told(build).calls.likely == ITEMS.likely  # mapped over, so it has to be handed in
    assert told(build, inputs={"words": ("a", "b")}).calls == exactly(2)


def test_prices_give_a_range_of_cost_from_the_cheapest_to_the_dearest() -> None:
    def build(flow: Workflow) -> None:
        flow.ask("a", "x" * 400, agent="paid", parameters=Parameters(max_tokens=100))
        flow.ask("b", "free")

    cheap, dear = Price(Decimal(1), Decimal(10)), Price(Decimal(2), Decimal(20), request=Decimal("0.01"))
    found = told(build, prices={"paid": [cheap, dear]})
    prompt = 101
    assert found.cost == Span(
        (prompt + 50 * Decimal(10)) / 1_000_000,
        (prompt + 100 * Decimal(10)) / 1_000_000,
        Decimal("0.01") + (prompt * 2 + 100 * Decimal(20)) / 1_000_000,
    )
    assert found.agents["paid"].usd == found.cost
    assert told(build, prices={"paid": cheap}).cost.high == found.cost.likely
    assert "USD to" in str(found)


def test_questions_with_tools_are_several() -> None:
    import aiorch

    @aiorch.tool
    def look(what: str) -> str:
        """Look."""
        return what

    found = told(lambda f: f.ask("a", "Look", tools=[look]))
    assert found.calls == Span(1, 3, 8)
    assert any("it has tools" in one for one in found.assumed)


def test_at_least_one_task_must_be_allowed() -> None:
    with pytest.raises(ValueError, match="limit=0"):
        told(lambda f: f.ask("a", "x"), limit=0)


def test_tasks_that_were_added_before_what_they_need_are_followed() -> None:
    def build(flow: Workflow) -> None:
        flow.ask("last", "{first}")
        flow.ask("first", "Say")

    found = told(build, history=Known({"first": [1.0], "last": [2.0]}))
    assert (found.seconds_p50, found.critical) == (3.0, ("first", "last"))


# --- history -----------------------------------------------------------------------------------------------------


def test_a_history_of_runs_replaces_assumptions() -> None:
    def run(items: int, rounds: int) -> Run:
        run = Run("x")
        rows = [Row("each", i, None, 0.0, 2.0, "done") for i in range(items)]
        rows += [Row(f"final#{r}/better", None, None, 0.0, 3.0, "done") for r in range(1, rounds + 1)]
        rows.append(Row("each", items, None, 0.0, 99.0, "failed"))
        run._rows.extend(rows)
        answered = Outcome("", "", "t", usage=Usage(10, 5), cost=Decimal("0.5"), rounds=2)
        run.outcomes["each"] = [answered] * items + [None]
        return run

    history = History.of([run(4, 1), run(6, 2), run(8, 2)])
    assert len(history.samples("x", "each")) == 18
    assert history.samples("x", "each")[0] == Sample(2.0, 15, 2, Decimal("0.5"))
    assert sorted(history.counts("x", "each")) == [4, 6, 8]
    assert sorted(history.counts("x", "final")) == [1, 2, 2]
    assert history.samples("other", "each") == history.counts("other", "each") == ()

    inner = Workflow("polish")
    inner.ask("better", "Improve {draft}")
    flow = Workflow("x")
    flow.ask("each", "On {part}").map(part="parts")
    flow.loop("final", inner, most=5, until="better", uses={"draft": "each"}, carry={"draft": "better"})
    found = estimate(flow.graph(), history=history)
    each, final, better = found.tasks
    assert (each.basis, each.count, each.seconds_p90) == ("history", Span(4, 6, 8), 2.0)
    assert each.demand.calls == Span(8, 12, 16)
    assert each.demand.usd.likely == Decimal(3)
    assert (better.task, better.count, better.basis) == ("final/better", Span(1, 2, 2), "history")
    assert (final.kind, final.basis) == ("loop", "known")
    assert found.seconds_p50 == 2.0 + 2 * 3.0


async def test_a_real_run_is_a_history() -> None:
    async with VirtualClock() as clock:

        async def wait(x: int) -> int:
            await clock.sleep(4.0)
            return x

        async def ask(task: Task, *_: Any) -> Outcome[Any]:
            await clock.sleep(6.0)
            return Outcome("ok", "ok", task.id, usage=Usage(100, 20), cost=Decimal("0.1"))

        inner = Workflow("inner")
        inner.ask("question", "On {x}")
        flow = Workflow("x")
        flow.add("each", wait).map(x="xs")
        flow.sub("down", inner, uses={"x": "each"})
        run = await execute(flow, {"xs": [1, 2, 3]}, services=Services(ask, clock=clock))
    found = estimate(flow.graph(), history=History.of([run]))
    assert found.seconds_p50 == pytest.approx(10.0)
    assert found.calls == exactly(1)
    assert found.tokens == exactly(120)
    assert {t.basis for t in found.tasks} == {"history", "known"}


# --- small things ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.25, "0.25 s"), (12.3, "12 s"), (90, "1 min 30 s"), (7300, "2 h 1 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.1, 1), (0.5, 5), (0.9, 9), (1.0, 10)])
def test_quantiles_are_by_nearest_rank(share: float, value: int) -> None:
    assert quantile(list(range(1, 11)), share) == value
