"""Workflows are drawn, runs have a timeline: in cells and in lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.views.pages import harmless

from aiorch.types import Outcome, Task
from aiorch.views import Arrow, Bar, Box, graph_svg, run_html, timeline_svg, workflow_html
from aiorch.views.timeline import MOST, ticks
from aiorch.views.workflows import MOST_TASKS, bars_of, drawn, run_text, workflow_text
from aiorch.workflow import Row, Run, Services, Workflow, execute


def notes() -> Workflow:
    flow = Workflow("notes & <b>more</b>")
    flow.ask("facts", "List the changes in <i>:\n{log}", agent="analysis_agent", output=list[str])
    flow.ask("lines", "{fact} for {who}").map(fact="facts")

    @flow.task(after=["facts"])
    def save(lines: list[str], where: str = "x") -> str:
        return f"{where}: {len(lines)}"

    return flow


def test_a_workflow_is_drawn_with_its_inputs_and_edges() -> None:
    boxes, arrows = drawn(notes().graph())
    assert [(b.label, b.kind, b.note, b.many) for b in boxes] == [
        ("facts", "model", "analysis_agent", False),
        ("lines", "model", "each of facts", True),
        ("save", "function", "", False),
        ("log", "input", "", False),
        ("who", "input", "", False),
        ("where", "input", "optional", False),
    ]
    named = {(boxes[a.source].label, boxes[a.target].label, a.kind) for a in arrows}
    assert named == {
        ("log", "facts", "value"),
        ("who", "lines", "value"),
        ("facts", "lines", "value"),
        ("lines", "save", "value"),
        ("where", "save", "value"),
        ("facts", "save", "order"),
    }
    page = harmless(workflow_html(notes()))
    assert "notes & <b>more</b>" in page.texts
    assert "svg" in page.tags
    assert any("List the changes in <i>" in t for t in page.texts)


def test_a_workflow_in_lines() -> None:
    assert workflow_text(notes()).splitlines() == [
        "notes & <b>more</b>: 3 tasks; inputs: log, who, where?",
        "  facts: asks analysis_agent for list[str]; takes log",
        "  lines: asks general, once for each; takes who, facts",
        "  save: calls save; takes lines, where; after facts",
    ]


def test_a_broken_workflow_is_drawn_and_says_what_is_wrong() -> None:
    flow = Workflow("loop")
    flow.ask("a", "{b}")
    flow.ask("b", "{a}", after=["nobody"])
    page = harmless(workflow_html(flow))
    told = " ".join(page.texts)
    assert "nobody" in told
    assert "[cycle]" in told
    assert "svg" in page.tags
    assert "problem: [cycle]" in workflow_text(flow)


def test_a_huge_workflow_is_drawn_in_part_and_says_so() -> None:
    flow = Workflow("huge")
    for i in range(1000):
        flow.ask(f"n{i}", f"{{n{i - 1}}}" if i else "begin")
    html = workflow_html(flow)
    assert f"1,000 tasks; drawn are the first {MOST_TASKS}" in html
    assert html.count("<g><title>") == MOST_TASKS
    assert len(html) < 100_000
    assert "… and 800 more" in workflow_text(flow)


def test_nothing_is_drawn_of_nothing() -> None:
    assert graph_svg((), ()) == ""
    assert timeline_svg((), 1.0) == ""
    assert "svg" not in harmless(workflow_html(Workflow("empty"))).tags
    assert "svg" not in harmless(workflow_html(Workflow("empty").graph())).tags


async def ran() -> Run:
    flow = Workflow("digest")

    def read(x: str) -> str:
        if x == "bad":
            raise ValueError("<script>\n\x1b[31mno")
        return f"<{x}>"

    flow.add("read", read).map(x="xs", on_error="collect", label="{x}")
    flow.ask("said", "{x}").map(x="xs")

    async def ask(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        return Outcome("</td><script>x", "", task.id, model="groq/llama")

    return await execute(flow, {"xs": ["good", "bad"]}, services=Services(ask))


@pytest.mark.anyio
async def test_a_run_is_a_timeline_a_table_and_its_results() -> None:
    run = await ran()
    page = harmless(run_html(run))
    told = " ".join(page.texts)
    assert "svg" in page.tags
    assert "read bad" in told
    assert "</td><script>x" in told
    assert "groq/llama" in told
    text = run_text(run)
    assert text.startswith("digest: done in ")
    assert "\x1b" not in text
    assert "said #1" in text


def test_a_run_that_goes_on_has_open_bars() -> None:
    run = Run("w", state="running")
    run._rows.extend([Row("a", None, None, 0.0, 1.5, "done"), Row("b", None, None, 1.5)])
    bars, seconds = bars_of(run)
    assert [(b.label, b.seconds) for b in bars] == [("a", 1.5), ("b", None)]
    assert seconds == 1.5
    assert "still running" in run_html(run)


def test_long_runs_are_cut_and_say_so() -> None:
    run = Run("w", state="done", seconds=300.0)
    run._rows.extend(Row("t", i, None, float(i), 1.0, "done") for i in range(300))
    html = run_html(run)
    assert html.count("<g><title>") == MOST
    assert "220 more were not drawn." in html
    assert "100 more rows: run.to_records()" in html
    assert "<table>" not in run_html(Run("nothing"))


@settings(max_examples=40)
@given(st.text(st.characters()), st.text(), st.floats(0, 1e9))
def test_whatever_it_is_called_it_is_shown_as_text(label: str, note: str, seconds: float) -> None:
    harmless(graph_svg([Box(label, "input", note, note), Box(note, "model")], [Arrow(0, 1), Arrow(1, 1)]))
    harmless(timeline_svg([Bar(label, 0.0, seconds, note, note)], seconds))


@given(st.floats(1e-6, 1e7))
def test_the_axis_has_a_few_round_marks(end: float) -> None:
    marks = ticks(end)
    assert marks[0] == 0
    assert 2 <= len(marks) <= 9
    assert marks[-1] <= end * (1 + 1e-6)


def test_wide_letters_are_cut_by_columns() -> None:
    assert "漢" * 11 + "…" in graph_svg([Box("漢" * 40, "model")], [])
