"""A run is a timeline, a table, a drawing with states, and a diagram: while it goes on and when it has ended."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.views.every_kind import every_kind
from tests.views.pages import harmless

from aiorch.errors import TaskFailed
from aiorch.types import Outcome, Task
from aiorch.views import mermaid, run_html, run_rows, run_table, timeline_mermaid, timeline_svg
from aiorch.views.runs import MANY, bars_of, plain_path, run_text, states
from aiorch.views.timeline import MOST, Bar, longest, mark_text, ticks
from aiorch.workflow import Row, Run, Services, Workflow, execute
from aiorch.workflow.nodes import Retry
from aiorch.workflow.runs import Waiting

pytestmark = pytest.mark.anyio


async def ask(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
    value: Any = True if output is bool else ["a claim"] if output == list[str] else "</td><script>x"
    return Outcome(value, "", task.id, model="groq/llama")


async def ran() -> Run:
    flow = Workflow("digest")

    def read(x: str) -> str:
        if x == "bad":
            raise ValueError("<script>\n\x1b[31mno")
        return f"<{x}>"

    flow.add("read", read).map(x="xs", on_error="collect", label="{x}")
    flow.ask("said", "{x}").map(x="xs")
    return await execute(flow, {"xs": ["good", "bad"]}, services=Services(ask))


async def test_a_run_is_a_timeline_a_table_and_its_results() -> None:
    run = await ran()
    page = harmless(run_html(run))
    told = " ".join(page.texts)
    assert "svg" in page.tags
    assert "read bad" in told
    assert "tolerated" in page.texts
    assert "</td><script>x" in told
    assert "groq/llama" in told
    text = run_text(run)
    assert text.startswith("digest: done in ")
    assert "\x1b" not in text
    assert "said #1" in text


async def letters(*, allowed: bool) -> Run:
    """A run of every kind of task, with a person who decides."""
    run = Run("letters")

    async def answers() -> None:
        async for _ in run:
            for one in run.waiting:
                if one.kind == "approval":
                    assert one.question == "Send this?\n</td><script>x"
                    assert "Send this?" in run_html(run)
                    assert "await run.approve(&#x27;ok&#x27;)" in run_html(run)
                    await run.approve(one.name, allowed)
                else:
                    assert "await run.send(&#x27;payment&#x27;, value)" in run_html(run)
                    await run.send(one.name, {"amount": 3})

    flow = every_kind()
    inputs = {"letter": "hello", "zone": "UTC", "urgent": False}
    from aiorch.testing import FakeClock

    async with anyio.create_task_group() as beside:
        beside.start_soon(answers)
        await anyio.lowlevel.checkpoint()
        await execute(flow, inputs, services=Services(ask, clock=FakeClock()), run=run)
    return run


async def test_what_waited_was_refused_and_skipped_is_told_and_drawn() -> None:
    run = await letters(allowed=False)
    rows = {row.task: row for row in run_rows(run)}
    assert rows["ok"].state == "refused"
    assert (rows["send"].state, rows["send"].error) == ("skipped", "'ok' was refused")
    assert rows["reply"].state == "skipped"
    found = states(run)
    assert (found["ok"], found["send"], found["final"], found["final/better"]) == (
        "refused",
        "skipped",
        "done",
        "done",
    )
    html = run_html(run, every_kind())
    page = harmless(html)
    assert "final#1/better" in page.texts
    assert page.texts.count("✗") == 1
    assert 'opacity=".5"' in html
    bars, _ = bars_of(run, every_kind().graph())
    assert {bar.label for bar in bars if bar.hollow} == {"ok", "paid", "pause"}
    labels = [bar.label for bar in bars]
    assert labels[labels.index("final") :][:3] == ["final", "final#1/better", "final#1/good"]


async def test_tries_are_told() -> None:
    tried: list[int] = []

    def busy() -> int:
        tried.append(1)
        if len(tried) < 3:
            raise OSError("busy")
        return 1

    flow = Workflow("w")
    flow.add("busy", busy, retry=Retry(3, delay=0.0))
    run = await execute(flow, services=Services(ask))
    [row] = run_rows(run)
    assert (row.state, row.marks) == ("done", ("3 tries",))
    assert "3 tries" in run_html(run)


async def test_a_failed_run_shows_what_was_not_started() -> None:
    flow = Workflow("w")

    def wrong() -> int:
        raise ValueError("no")

    flow.add("wrong", wrong)
    flow.add("later", len, uses={"obj": "wrong"})
    run = Run("w")
    with pytest.raises(TaskFailed):
        await execute(flow, services=Services(ask), run=run)
    assert {row.task: row.state for row in run_rows(run)} == {"wrong": "failed", "later": "skipped"}
    assert "failed" in harmless(run_html(run, flow)).texts


async def test_a_run_that_goes_on_has_open_bars() -> None:
    run = Run("w", state="running")
    run._rows.extend(
        [Row("a", None, None, 0.0, 1.5, "done"), Row("b", None, None, 1.5), Row("c", None, None, 1.0)]
    )
    run._waiting["b"] = Waiting("b", "event", "news", until=0.0)
    bars, seconds = bars_of(run)
    assert [(b.label, b.seconds, b.state) for b in bars] == [
        ("a", 1.5, "done"),
        ("c", None, "running"),
        ("b", None, "waiting"),
    ]
    assert seconds == 1.5
    html = run_html(run)
    assert "still waiting" in html
    assert "waits for the event news, until 19" in html
    assert [(row.state, row.seconds) for row in run_rows(run)] == [
        ("done", 1.5),
        ("waiting", None),
        ("running", None),
    ]
    assert "b :active, b2, " in timeline_mermaid(run)


async def test_items_of_a_long_list_have_one_bar_and_long_runs_are_cut() -> None:
    run = Run("w", state="done", seconds=300.0)
    run._rows.extend(Row("t", i, None, float(i), 1.0, "failed" if i < 30 else "done") for i in range(300))
    [bar], _ = bars_of(run)
    assert (bar.label, bar.begin, bar.seconds, bar.state, bar.note) == (
        "t ×300", 0.0, 300.0, "done", "270 done, 30 failed",
    )  # fmt: skip
    assert bar.lost == 0.1
    assert "100 more rows: run.to_records()" in run_html(run)
    run._rows.extend(Row(f"s{i}", None, None, float(i), float(i), "done") for i in range(100))
    html = run_html(run)
    assert html.count("<g><title>") == MOST
    assert "21 shorter ones are not drawn." in html
    assert timeline_mermaid(run).count("\n  ") == MOST + 3
    assert "<table>" not in run_html(Run("nothing"))
    few = Run("w", state="done")
    few._rows.extend(Row("t", i, None, float(i), 1.0, "done") for i in range(MANY))
    assert len(bars_of(few)[0]) == MANY


async def test_ten_thousand_rows_make_a_page_of_bounded_size() -> None:
    run = Run("w", state="done", seconds=300.0)
    run._rows.extend(Row(f"t{i}", None, None, float(i), 1.0, "done") for i in range(10_000))
    run.results.update((f"t{i}", i) for i in range(10_000))
    assert len(run_html(run)) < 200_000


async def test_a_run_is_a_gantt_chart() -> None:
    run = Run("w: x", state="failed", seconds=2.0)
    run._rows.extend([Row("click", None, None, 0.0, 1.5, "done"), Row("b;c", None, None, 1.5, 0.5, "failed")])
    assert timeline_mermaid(run) == (
        "gantt\n  title w#58; x failed, 2#46;0 s\n  dateFormat YYYY-MM-DD HH:mm:ss.SSS\n  axisFormat %S.%L\n"
        "  #99;lick :done, b0, 2000-01-01 00:00:00.000, 2000-01-01 00:00:01.500\n"
        "  b#59;c :crit, b1, 2000-01-01 00:00:01.500, 2000-01-01 00:00:02.000\n"
    )
    assert "flowchart" in mermaid(every_kind())


async def test_a_table_tells_what_waits_and_why_something_was_skipped() -> None:
    run = Run("w", state="running")
    run._rows.append(Row("ok", None, None, 0.0))
    run._waiting["ok"] = Waiting("ok", "approval", "ok", "Send?")
    run.skipped["b"] = "the value of 'a' did not pass"
    from rich.console import Console

    out = Console(width=120, color_system=None)
    with out.capture() as captured:
        out.print(run_table(run))
    drawn = captured.get()
    assert "waiting" in drawn
    assert "the value of 'a' did not pass" in drawn


@pytest.mark.parametrize(
    ("path", "plain"),
    [("a", "a"), ("each[3]/polish#2/better", "each/polish/better"), ("a#1", "a"), ("a#b", "a#b")],
)
async def test_a_path_without_items_and_rounds_is_the_workflows_own(path: str, plain: str) -> None:
    assert plain_path(path) == plain


@given(st.floats(1e-6, 1e7))
def test_the_axis_has_a_few_round_marks(end: float) -> None:
    marks = ticks(end)
    assert marks[0] == 0
    assert 2 <= len(marks) <= 9
    assert marks[-1] <= end * (1 + 1e-6)
    assert len({mark_text(mark, end) for mark in marks}) == len(marks)


def test_what_goes_on_is_drawn_before_what_ended() -> None:
    bars = [Bar("a", 0, 9.0), Bar("b", 1, None), Bar("c", 2, 1.0), Bar("d", 3, 5.0)]
    assert [bar.label for bar in longest(bars, 3)] == ["a", "b", "d"]
    assert "…" + "x" * 27 + "/y" in timeline_svg([Bar("x" * 60 + "/y", 0, 1.0)], 1.0)
