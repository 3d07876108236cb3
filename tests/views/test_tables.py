"""The table that ends a run, and the line below an answer."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from aiorch.types import Assessment, Attempt, CheckResult, Deployment, Outcome, Task, Usage
from aiorch.views import TaskRow, outcome_line, run_rows, run_table, total
from aiorch.views.columns import fit
from aiorch.workflow import Run, Services, Workflow, execute

pytestmark = pytest.mark.anyio

CHECKS = Assessment(
    (
        CheckResult("schema", True),
        CheckResult("repetition", False),
        CheckResult("facts", None),
        CheckResult("x", None),
    )
)


def answer(task: Task, **more: Any) -> Outcome[Any]:
    attempts = (Attempt(Deployment("groq", "llama"), 1, 0.0, 1.0, "accept"),)
    told: dict[str, Any] = {
        "model": "groq/llama",
        "usage": Usage(100, 20),
        "cost": Decimal("0.0004"),
        "assessment": CHECKS,
        "attempts": attempts,
        "seconds": 1.25,
    }
    return Outcome("text", "text", task.id, **{**told, **more})


async def finished() -> Run:
    flow = Workflow("digest")

    def read(x: str) -> str:
        if x == "bad":
            raise ValueError("no\ngood")
        return x

    flow.add("read", read).map(x="xs", on_error="collect", label="{x}")
    flow.ask("said", "{x}").map(x="xs")

    async def ask(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        return answer(task, cached=task.text == "good", demo=True)

    return await execute(flow, {"xs": ["good", "bad"]}, services=Services(ask))


async def test_rows_tell_who_answered_and_what_was_checked() -> None:
    rows = run_rows(await finished())
    first, second = (r for r in rows if r.task.startswith("said"))
    assert first.task == "said #0"
    assert (first.model, first.attempts, first.tokens, first.cost) == (
        "groq/llama",
        1,
        120,
        Decimal("0.0004"),
    )
    assert (first.passed, first.failed, first.not_assessed) == (1, 1, 2)
    assert first.marks == ("cached", "demo")
    assert second.marks == ("demo",)
    bad = next(r for r in rows if r.task == "read bad")
    assert (bad.state, bad.marks, bad.model) == ("tolerated", (), None)
    assert bad.error == "ValueError: no good"


async def test_the_total_adds_up() -> None:
    rows = run_rows(await finished())
    last = total(rows, 9.0)
    assert (last.seconds, last.attempts, last.tokens, last.cost) == (9.0, 2, 240, Decimal("0.0008"))
    assert (last.passed, last.failed, last.not_assessed) == (2, 2, 4)
    assert "3 done" in last.state
    assert "1 tolerated" in last.state


async def test_the_table_shows_it_all() -> None:
    run = await finished()
    run.skipped = {"never": "the run was cancelled"}
    out = Console(file=io.StringIO(), width=160, color_system=None)
    out.print(run_table(run))
    assert isinstance(out.file, io.StringIO)
    drawn = out.file.getvalue()
    for expected in (
        "digest: done",
        "read good",
        "groq/llama",
        "0.0004",
        "skipped",
        "ValueError: no good",
        "total",
        "0.0008",
        "2/2/4",
        "cached, demo",
        "answered by groq/llama",
    ):
        assert expected in drawn


@pytest.mark.parametrize("width", [40, 80, 120])
async def test_the_table_fits_and_keeps_its_numbers_whole(width: int) -> None:
    run = await finished()
    out = Console(file=io.StringIO(), width=width, color_system=None)
    out.print(run_table(run))
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().splitlines()
    if width >= 80:
        assert len(lines) == 9
        assert max(map(len, lines)) <= width
    assert [line for line in lines if "0.0008" in line and "2/2/4" in line] or width < 80


@given(st.lists(st.integers(0, 90), min_size=1, max_size=4), st.integers(0, 200))
def test_columns_fit_where_they_can(wanted: list[int], room: int) -> None:
    widths = fit(wanted, room)
    assert all(w <= want for w, want in zip(widths, wanted, strict=True))
    assert sum(widths) <= room or all(w <= 6 for w in widths)
    assert sum(widths) == min(sum(wanted), room) or all(w <= 6 for w in widths)


def test_nothing_asked_costs_nothing() -> None:
    last = total((TaskRow("a", "done", 1.0),), 1.0)
    assert (last.attempts, last.cost, last.marks) == (0, Decimal(0), ())


def test_an_answer_in_a_line() -> None:
    task = Task.of("q")
    assert outcome_line(answer(task)) == (
        "groq/llama, 1 attempt, 1.2 s, 120 tokens, 0.0004 USD; "
        "checks: 1 passed, failed: repetition, 2 not assessed"
    )
    bare = answer(
        task,
        model=None,
        attempts=(),
        cost=Decimal(0),
        usage=Usage(1, 1, estimated=True),
        assessment=Assessment(),
        cached=True,
        degraded=True,
        accepted=False,
    )
    assert outcome_line(bare) == (
        "nobody, 0 attempts, 1.2 s, about 2 tokens, 0 USD, cached, stand-in, not accepted; not checked"
    )
    assert "1.50 USD" in outcome_line(answer(task, cost=Decimal("1.5")))
