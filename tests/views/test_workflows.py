"""A workflow in a cell and in lines: drawn, listed, and what is wrong with it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.views.every_kind import every_kind
from tests.views.pages import harmless

from aiorch.views import Arrow, Bar, Box, graph_svg, report_html, timeline_svg, workflow_html
from aiorch.views.problems import problems_table, report_text
from aiorch.views.workflows import workflow_text
from aiorch.workflow import Workflow


def notes() -> Workflow:
    flow = Workflow("notes & <b>more</b>")
    flow.ask("facts", "List the changes in <i>:\n{log}", agent="analysis_agent", output=list[str])
    flow.ask("lines", "{fact} for {who}").map(fact="facts")

    @flow.task(after=["facts"])
    def save(lines: list[str], where: str = "x") -> str:
        return f"{where}: {len(lines)}"

    return flow


def broken() -> Workflow:
    flow = Workflow("loop")
    flow.ask("a", "{b}")
    flow.ask("b", "{a}", after=["nobody"])
    return flow


def test_a_workflow_is_drawn_listed_and_escaped() -> None:
    page = harmless(workflow_html(notes()))
    assert "notes & <b>more</b>" in page.texts
    assert "svg" in page.tags
    assert any("List the changes in <i>" in t for t in page.texts)
    assert "each of facts" in page.texts


def test_a_workflow_in_lines() -> None:
    assert workflow_text(notes()).splitlines() == [
        "notes & <b>more</b>: 3 tasks; inputs: log, who, where?",
        "  facts: asks analysis_agent for list[str]; takes log",
        "  lines: asks general, once for each; takes who, facts",
        "  save: calls save; takes lines, where; after facts",
    ]
    assert workflow_text(every_kind().graph()).splitlines()[1:] == [
        "  kind: asks analysis_agent; takes letter; 3 attempts",
        "  time: uses the tool now; takes zone",
        "  reply: asks general; takes letter, time; only kind = question; cached for 1 h",
        "  short: asks general; takes reply; only reply if is_long and urgent if not",
        "  final: repeats polish (until good, at most 3 rounds); takes letter",
        "  checked: carries out claims (2 tasks); takes final",
        "  ok: asks a person, 1 d at most; takes final",
        "  paid: waits for the event payment",
        "  pause: waits 90 s; after paid",
        "  send: calls send; takes final, short; after ok, pause; a failure skips who needs it; alone with printer; "
        "tags out; never twice",
    ]


def test_a_broken_workflow_is_drawn_and_says_what_is_wrong() -> None:
    page = harmless(workflow_html(broken()))
    told = " ".join(page.texts)
    assert "nobody" in told
    assert "cycle" in page.texts
    assert "svg" in page.tags
    assert "error: [cycle]" in workflow_text(broken())


def test_a_report_lists_problems_with_their_place_and_cure() -> None:
    report = broken().validate()
    page = harmless(report_html(report))
    assert "b" in page.texts  # where
    assert report.problems[0].cure in page.texts
    assert "[cycle]" in report_text(report)
    assert f"{len(report.problems) - 1:,} more problems" in problems_table(report, most=1)
    assert "no problem found" in report_html(notes().validate())


def test_a_workflow_of_nothing_says_so_without_a_picture() -> None:
    assert graph_svg((), ()) == ""
    assert timeline_svg((), 1.0) == ""
    assert "svg" not in harmless(workflow_html(Workflow("empty"))).tags
    assert "svg" not in harmless(workflow_html(Workflow("empty").graph())).tags


def test_a_box_shows_how_its_task_is() -> None:
    svg = graph_svg([Box("a", "model", state="done"), Box("b", "person", state="skipped")], [])
    assert ">✓<" in svg
    assert 'opacity=".5"' in svg


@settings(max_examples=40)
@given(st.text(st.characters()), st.text(), st.floats(0, 1e9))
def test_whatever_it_is_called_it_is_shown_as_text(label: str, note: str, seconds: float) -> None:
    arrows = [Arrow(0, 1, "when", note), Arrow(1, 1)]
    harmless(graph_svg([Box(label, "input", note, note, mark=note), Box(note, "model")], arrows))
    harmless(timeline_svg([Bar(label, 0.0, seconds, note, note, lost=0.5)], seconds))


def test_wide_letters_are_cut_by_columns() -> None:
    assert "漢" * 11 + "…" in graph_svg([Box("漢" * 40, "model")], [])
