"""Parts of a run that any worker may carry out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.workflow.durable.jobs import Model, ended, until, working
from tests.workflow.durable.server import Server

from aiorch.errors import WorkflowError
from aiorch.workflow import Memory, Services, Workflow, execute
from aiorch.workflow.durable import Runs
from aiorch.workflow.durable.spreading import part_of


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest, url: str) -> str:
    """One promise, both databases."""
    if request.param == "sqlite":
        return url
    server: Server = request.getfixturevalue("postgres")
    return server.database()


pytestmark = pytest.mark.anyio


def chapter() -> Workflow:
    flow = Workflow("chapter")
    flow.ask("outline", "outline {title}")
    flow.ask("text", "write {outline}")
    return flow


def book() -> Workflow:
    flow = Workflow("book")

    @flow.task
    def titles(count: int) -> list[str]:
        return [f"chapter {i}" for i in range(count)]

    flow.sub("chapters", chapter(), spread=True).map(title="titles")

    @flow.task
    def whole(chapters: list[str]) -> str:
        return " | ".join(chapters)

    return flow


async def test_each_part_is_a_run_of_its_own_and_the_parent_waits_for_them(either_url: str) -> None:
    model = Model()
    async with working(either_url, book(), model=model, concurrency=1), Runs(either_url) as runs:
        await runs.submit(book(), {"count": 3}, run_id="book")
        assert (await ended(runs, "book")).state == "done"
        details = await runs.show("book")
        assert {part.id for part in details.parts} == {f"book::chapters[{i}]" for i in range(3)}
        assert {part.part_of for part in details.parts} == {"book"}
        assert {part.state for part in details.parts} == {"done"}
        assert [one.id for one in await runs.list()] == ["book"]
        assert len(await runs.list(parts=True)) == 4
        assert len(model.asked) == 6
        assert await runs.delete("book") == 1
        assert await runs.list(parts=True) == ()


async def test_a_part_that_fails_fails_the_run_and_both_can_be_resumed(url: str) -> None:
    model = Model(fails={"outline chapter 1"})
    async with working(url, book(), model=model), Runs(url) as runs:
        await runs.submit(book(), {"count": 2}, run_id="book")
        failed = await ended(runs, "book")
        assert failed.state == "failed"
        assert failed.error is not None
        assert "chapters[1]" in failed.error
        model.fails.clear()
        await runs.resume("book")
        await until(runs, "book", lambda info: info.state == "done")
    assert model.asked.count("outline chapter 0") == 1


async def test_what_a_part_gives_has_its_type(url: str) -> None:
    def weighed() -> Decimal:
        return Decimal("1.50")

    inner, flow = Workflow("inner"), Workflow("outer")
    inner.add("weighed", weighed)
    flow.sub("part", inner, spread=True)
    flow.add("shown", lambda part: f"{part.normalize()} kg")
    async with working(url, flow), Runs(url) as runs:
        await runs.submit(flow, run_id="o")
        assert (await ended(runs, "o")).state == "done"


async def test_cancelling_a_run_cancels_its_parts(url: str) -> None:
    model = Model(seconds=60.0)
    async with working(url, book(), model=model), Runs(url) as runs:
        await runs.submit(book(), {"count": 2}, run_id="book")
        await until(runs, "book", lambda info: len(model.asked) == 2)
        await runs.cancel("book")
        assert {part.state for part in (await runs.show("book")).parts} == {"cancelled"}


async def test_without_workers_a_part_is_carried_out_in_place() -> None:
    model = Model()
    run = await execute(book(), {"count": 2}, services=Services(model.ask), engine=Memory())
    assert run.value.count("|") == 1
    assert "chapters[0]/outline" in run.finished


def test_a_part_is_found_by_its_place() -> None:
    shelf = Workflow("shelf")
    shelf.sub("book", book())
    graph = shelf.graph()
    assert part_of(graph, "book").name == "book"
    assert part_of(graph, "book/chapters[3]").name == "chapter"
    assert part_of(graph, "book/chapters[3]~2").name == "chapter"
    with pytest.raises(WorkflowError, match="no workflow at 'book/titles'"):
        part_of(graph, "book/titles")
    with pytest.raises(WorkflowError, match="no workflow at 'shop'"):
        part_of(graph, "shop")
