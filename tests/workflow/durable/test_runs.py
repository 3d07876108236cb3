"""Submitting runs to workers, and looking after them."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
import sqlalchemy as sa
from tests.workflow.durable.jobs import Model, ended, job, until, working
from tests.workflow.durable.server import Server

from aiorch.errors import ConfigurationError, InputError, InvalidWorkflow
from aiorch.workflow import Services, Workflow, execute
from aiorch.workflow.durable import Durable, Limits, Runs, Schedule, records, serve, submit
from aiorch.workflow.durable.tables import workers


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # a worker's only loop; `Runs` itself is tried under trio below


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest, url: str) -> str:
    """One promise, both databases."""
    if request.param == "sqlite":
        return url
    server: Server = request.getfixturevalue("postgres")
    return server.database()


pytestmark = pytest.mark.anyio


async def test_a_submitted_run_is_carried_out_and_its_result_is_kept(either_url: str) -> None:
    async with Runs(either_url) as runs:
        run = await runs.submit(job(), {"n": "owls"}, run_id="owls")
        assert (await runs.get(run)).state == "queued"
        async with working(either_url, job()):
            info = await ended(runs, run)
    assert (info.state, info.workflow, info.attempts) == ("done", "job", 1)
    assert info.began is not None
    assert info.ended is not None
    assert info.ended >= info.began
    engine = Durable(either_url)
    found = await execute(job(), {"n": "owls"}, services=Services(_nobody), engine=engine, run=_run("owls"))
    assert found.value == "<think again about <think about owls>>"
    await engine.aclose()


async def test_submitting_twice_under_one_id_begins_one_run(url: str) -> None:
    model = Model()
    async with working(url, job(), model=model), Runs(url) as runs:
        for _ in range(2):
            assert await submit(job(), {"n": "owls"}, engine=url, run_id="once") == "once"
        await ended(runs, "once")
        await submit(job(), {"n": "owls"}, engine=url, run_id="once")
        assert len(await runs.list()) == 1
    assert len(model.asked) == 2


async def test_nothing_is_stored_of_a_run_that_cannot_run(url: str) -> None:
    async with Runs(url) as runs:
        with pytest.raises(InvalidWorkflow, match="n"):
            await runs.submit(job())
        with pytest.raises(InputError, match="JSON cannot hold"):
            await runs.submit(job(), {"n": object()})
        for wrong in ("", "a::b", "x" * 301):
            with pytest.raises(InputError, match="run id"):
                await runs.submit(job(), {"n": "owls"}, run_id=wrong)
        assert await runs.list() == ()
        with pytest.raises(InputError, match=r"no run 'owls'"):
            await runs.get("owls")


async def test_each_worker_takes_only_runs_of_the_version_it_holds(url: str) -> None:
    old, new = Model(), Model()
    async with Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="old")
        await runs.submit(job("ponder"), {"n": "owls"}, run_id="new")
        async with working(url, job(), model=old):
            await ended(runs, "old")
            waits = await runs.get("new")
            assert (waits.state, waits.served) == ("queued", False)
            assert waits.waits_for == (f"a worker that holds job@{job('ponder').graph().version}",)
            assert [one.serves[0].workflow for one in await runs.workers()] == ["job"]
        async with working(url, job("ponder"), model=new):
            assert (await ended(runs, "new")).served
    assert old.asked[0].startswith("think")
    assert new.asked[0].startswith("ponder")


async def test_a_failed_run_is_resumed_without_repeating_what_was_committed(either_url: str) -> None:
    model = Model(fails={"think again about <think about owls>"})
    async with working(either_url, job(), model=model), Runs(either_url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        failed = await ended(runs, "owls")
        assert failed.state == "failed"
        assert failed.error is not None
        assert "out of order" in failed.error
        model.fails.clear()
        await runs.resume("owls")
        done = await until(runs, "owls", lambda info: info.state == "done")
        assert done.attempts == 2
        assert model.asked.count("think about owls") == 1
        assert [call.state for call in await runs.calls("owls")] == ["committed", "failed", "committed"]
        with pytest.raises(InputError, match="is done: fork it"):
            await runs.resume("owls")


async def test_a_cancelled_run_stops_and_can_be_resumed(url: str) -> None:
    model = Model(seconds=30.0)
    async with working(url, job(), model=model), Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await until(runs, "owls", lambda info: info.state == "running")
        with anyio.fail_after(30):
            while not model.asked:
                await anyio.sleep(0.05)
        assert (await runs.cancel("owls")).state == "cancelled"
        model.seconds = 0.0
        await anyio.sleep(2.5)  # a sweep and more
        assert (await runs.get("owls")).state == "cancelled"
        await runs.resume("owls")
        assert (await ended(runs, "owls")).state == "done"
    assert model.asked.count("think about owls") == 2


async def test_a_queued_run_that_is_cancelled_never_begins(url: str) -> None:
    model = Model()
    async with Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await runs.cancel("owls")
        async with working(url, job(), model=model):
            await runs.submit(job(), {"n": "bats"}, run_id="bats")
            await ended(runs, "bats")
        assert (await runs.get("owls")).state == "cancelled"
    assert not any("owls" in prompt for prompt in model.asked)


async def test_a_fork_does_a_task_and_all_behind_it_again(url: str) -> None:
    model = Model()
    flow = job()
    flow.ask("aside", "say something else about {n}")
    async with working(url, flow, model=model), Runs(url) as runs:
        await runs.submit(flow, {"n": "owls"}, run_id="owls")
        await ended(runs, "owls")
        forked = await runs.fork("owls", "second", new_run_id="again")
        info = await ended(runs, forked)
        assert (info.id, info.state, info.forked_from) == ("again", "done", "owls")
        assert model.asked.count("think again about <think about owls>") == 2
        assert (
            model.asked.count("think about owls") == model.asked.count("say something else about owls") == 1
        )
        details = await runs.show("again")
        assert {task.name: task.state for task in details.tasks} == dict.fromkeys(
            ("first", "second", "aside"), "done"
        )
        with pytest.raises(InputError, match="no task 'secund'"):
            await runs.fork("owls", "secund")
        with pytest.raises(InputError, match="there is a run 'again'"):
            await runs.fork("owls", "second", new_run_id="again")


async def test_a_fork_does_not_repeat_a_call_that_nobody_knows_the_end_of(url: str) -> None:
    flow, paid = Workflow("pay"), list[int]()
    flow.add("pay", lambda: paid.append(1) or "paid", idempotent=False)
    flow.add("other", lambda: 1)
    async with working(url, flow), Runs(url) as runs:
        await runs.submit(flow, run_id="a", delay=3600)

        def began_and_died(db: Any) -> None:
            held = records.claim(db, "a", flow.graph().version, owner="x", token="t", gone=lambda *_: True)
            assert isinstance(held, records.Held)
            records.begin(db, held.claim, 0, "pay", guarded=True, at=0.0)

        await runs.desk.tables(began_and_died)
        forked = await runs.fork("a", "other")
        info = await ended(runs, forked)
        assert info.state == "failed"
        assert "pay!again" in str(info.error)
        assert (await ended(runs, await runs.fork("a", "pay"))).state == "done"  # which asks for it
    assert len(paid) == 1


async def test_what_a_run_waits_for_is_told_and_can_be_answered(url: str) -> None:
    flow = Workflow("payment")
    flow.approve("ok", "Pay {amount}?")
    flow.wait_for("paid", "paid", after="ok")
    flow.ask("receipt", "thank for {paid}")
    async with working(url, flow), Runs(url) as runs:
        await runs.submit(flow, {"amount": "3"}, run_id="p")
        waits = await until(runs, "p", lambda info: bool(info.waits_for))
        assert waits.waits_for == ("approval ok: Pay 3?",)
        assert (await runs.show("p")).tasks[0].state == "open"
        assert await runs.approve("p", "ok", by="ann")
        assert not await runs.approve("p", "ok", allowed=False)
        await until(runs, "p", lambda info: any("event paid" in one for one in info.waits_for))
        assert await runs.send("p", "paid", {"by": "card"})
        done = await ended(runs, "p")
        assert (done.state, done.waits_for) == ("done", ())
        assert set((await runs.show("p")).mail) == {"ok", "paid"}
        forked = await runs.fork("p", "receipt")
        assert (await ended(runs, forked)).state == "done"  # what was decided and sent is taken along
        asks = await runs.fork("p", "ok")
        await until(runs, asks, lambda info: info.waits_for == ("approval ok: Pay 3?",))
        with pytest.raises(InputError, match="JSON cannot hold"):
            await runs.send("p", "more", object())


async def test_runs_are_deleted_with_everything_that_was_kept(url: str) -> None:
    async with working(url, job()), Runs(url) as runs:
        for name in ("owls", "bats"):
            await runs.submit(job(), {"n": name}, run_id=name)
            await ended(runs, name)
        await runs.submit(job("ponder"), {"n": "owls"}, run_id="open")
        with pytest.raises(InputError, match="queued: cancel it first"):
            await runs.delete("open")
        with pytest.raises(InputError, match="one of them"):
            await runs.delete()
        assert await runs.delete("owls") == 1
        assert await runs.delete(older_than=3600) == 0
        assert await runs.delete(older_than=-1) == 1
        assert [one.id for one in await runs.list()] == ["open"]
        assert await runs.calls("owls") == ()


async def test_runs_are_listed_by_state_and_workflow(url: str) -> None:
    other = Workflow("other")
    other.ask("only", "say {n}")
    async with Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="a")
        await runs.submit(other, {"n": "owls"}, run_id="b", delay=3600)
        assert [one.id for one in await runs.list(state="delayed")] == ["b"]
        assert [one.id for one in await runs.list(workflow="job")] == ["a"]
        assert {one.id for one in await runs.list(state=("delayed", "queued"))} == {"a", "b"}
        assert len(await runs.list(limit=1)) == 1
        late = await runs.get("b")
        assert any("UTC" in one for one in late.waits_for)


async def test_a_delayed_run_begins_at_once_when_it_is_resumed(url: str) -> None:
    async with working(url, job()), Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="late", delay=3600)
        await runs.resume("late")
        assert (await ended(runs, "late")).state == "done"


async def test_the_more_urgent_run_goes_first(url: str) -> None:
    model = Model()
    async with Runs(url) as runs:
        for name, priority in (("low", -5), ("plain", 0), ("high", 5)):
            await runs.submit(job(), {"n": name}, run_id=name, priority=priority)
        async with working(url, job(), model=model, concurrency=1):
            await ended(runs, "low")
    firsts = [prompt for prompt in model.asked if prompt.startswith("think about")]
    assert firsts == ["think about high", "think about plain", "think about low"]


async def test_limits_over_all_workers_hold(either_url: str) -> None:
    model = _Counting(seconds=0.1)
    async with (
        working(either_url, job(), model=model, concurrency=4, limits=Limits(running=2)),
        Runs(either_url) as runs,
    ):
        for i in range(6):
            await runs.submit(job(), {"n": str(i)}, run_id=str(i))
        for i in range(6):
            await ended(runs, str(i))
    assert model.most == 2


async def test_no_more_runs_are_begun_in_a_period_than_allowed(url: str) -> None:
    model = Model()
    limits = Limits(starts=2, period=3600)
    async with working(url, job(), model=model, limits=limits), Runs(url) as runs:
        for i in range(4):
            await runs.submit(job(), {"n": str(i)}, run_id=str(i))
        for i in range(2):
            await ended(runs, str(i))
        await asyncio.sleep(1)
        assert [one.id for one in await runs.list(state="queued")] == ["3", "2"]


async def test_a_worker_that_is_stopped_hands_back_what_it_was_at(url: str) -> None:
    async with Runs(url) as runs:
        async with working(url, job(), model=Model(seconds=60.0)):
            await runs.submit(job(), {"n": "owls"}, run_id="owls")
            await until(runs, "owls", lambda info: info.state == "running" and info.attempts == 1)
        assert (await runs.get("owls")).state == "queued"
        assert await runs.workers() == ()
        async with working(url, job()):
            done = await ended(runs, "owls")
    assert (done.state, done.attempts) == ("done", 2)


async def test_a_scheduled_workflow_is_submitted_under_an_id_of_its_time(url: str) -> None:
    schedule = Schedule("job", "* * * * * *", {"n": "owls"})
    async with working(url, job(), schedules=[schedule]), Runs(url) as runs:
        with anyio.fail_after(30):
            while not (found := await runs.list(state="done")):
                await anyio.sleep(0.1)
    assert found[0].id.startswith("job@20")


async def test_a_worker_refuses_what_makes_no_sense(url: str) -> None:
    services = Services(Model().ask)
    refused: tuple[dict[str, Any], ...] = (
        {"concurrency": 0},
        {"lease": 0.5},
        {"grace": -1.0},
        {"poll": 0.0},
    )
    for how in refused:
        with pytest.raises(InputError):
            await serve([job()], services, engine=url, **how)
    with pytest.raises(InputError, match="at least one workflow"):
        await serve([], services, engine=url)
    with pytest.raises(InputError, match="exactly one workflow"):
        await serve([job()], services, engine=url, schedules=[Schedule("other", "0 2 * * *")])
    with pytest.raises(InvalidWorkflow):
        await serve([job()], services, engine=url, schedules=[Schedule("job", "0 2 * * *")])
    broken = Workflow("broken")
    broken.ask("a", "{b}")
    broken.ask("b", "{a}")
    with pytest.raises(InvalidWorkflow, match="cycle"):
        await serve([broken], services, engine=url)
    with pytest.raises(ConfigurationError):
        Runs("mysql://elsewhere")


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_runs_are_looked_after_under_trio_too(url: str, anyio_backend: str) -> None:
    async with Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        assert [one.id for one in await runs.list()] == ["owls"]
        assert (await runs.cancel("owls")).state == "cancelled"


class _Counting(Model):
    at_once = 0
    most = 0

    async def ask(self, task: Any, output: Any, tools: Any, journal: Any) -> Any:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            return await super().ask(task, output, tools, journal)
        finally:
            self.at_once -= 1


async def _nobody(*_: Any) -> Any:
    raise AssertionError("nothing is asked again")


def _run(name: str) -> Any:
    from aiorch.workflow import Run

    return Run("job", name)


async def test_a_worker_that_was_buried_gives_up_its_runs_and_goes_on_under_another_name(url: str) -> None:
    model = Model(seconds=60.0)
    async with working(url, job(), model=model, lease=2.0), Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await until(runs, "owls", lambda info: bool(model.asked))
        first = await runs.workers()
        await runs.desk.tables(lambda db: db.execute(sa.update(workers).values(buried=True)) and None)
        model.seconds = 0.0
        done = await ended(runs, "owls")
        second = await runs.workers()
    assert (done.state, done.attempts) == ("done", 2)
    assert done.worker == second[0].id != first[0].id
    assert len(second) == 1
    assert model.asked.count("think about owls") == 2


async def test_a_run_that_this_process_is_still_at_goes_back_to_the_queue(url: str) -> None:
    engine = Durable(url)
    engine.storage.busy.add("owls")
    async with working(url, job()), Runs(url) as runs:
        await runs.submit(job(), {"n": "owls"}, run_id="owls")
        await anyio.sleep(1.0)
        assert (await runs.get("owls")).state in ("queued", "running")
        engine.storage.busy.discard("owls")
        assert (await ended(runs, "owls")).state == "done"
    await engine.aclose()
