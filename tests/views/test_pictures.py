"""Every kind of task and edge has its look; workflows in workflows are drawn; large ones are summed up."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.views.every_kind import every_kind
from tests.views.pages import harmless

from aiorch.views import graph_svg
from aiorch.views.describing import condition_text, does, duration, how
from aiorch.views.drawing import Box, Picture
from aiorch.views.pictures import MOST_GROUPS, MOST_INPUTS, MOST_PICTURES, sketch, sketches
from aiorch.views.workflows import conditions, workflow_html, workflow_text
from aiorch.workflow import Workflow
from aiorch.workflow.nodes import Condition


def test_every_kind_of_task_has_its_look_and_its_words() -> None:
    graph = every_kind().graph()
    drawn = sketch(graph).picture
    assert {box.label: (box.kind, box.note) for box in drawn.boxes} == {
        "kind": ("model", "analysis_agent"),
        "time": ("tool", "now"),
        "reply": ("model", "general"),
        "short": ("model", "general"),
        "final": ("loop", "until good, at most 3 rounds"),
        "checked": ("workflow", "2 tasks"),
        "ok": ("person", "a person decides, 1 d at most"),
        "paid": ("event", "payment"),
        "pause": ("time", "90 s"),
        "send": ("function", ""),
        "letter": ("input", ""),
        "zone": ("input", ""),
        "urgent": ("input", ""),
    }
    assert next(box.mark for box in drawn.boxes if box.label == "send") == "printer"
    told = {node.name: does(node) for node in graph.nodes}
    assert told == {
        "kind": "asks analysis_agent",
        "time": "uses the tool now",
        "reply": "asks general",
        "short": "asks general",
        "final": "repeats polish (until good, at most 3 rounds)",
        "checked": "carries out claims (2 tasks)",
        "ok": "asks a person, 1 d at most",
        "paid": "waits for the event payment",
        "pause": "waits 90 s",
        "send": "calls send",
    }


def test_values_order_and_conditions_are_different_arrows() -> None:
    drawn = sketch(every_kind().graph()).picture
    name = [box.label for box in drawn.boxes]
    arrows = {(name[a.source], name[a.target]): (a.kind, a.label) for a in drawn.arrows}
    assert arrows["time", "reply"] == ("value", "")
    assert arrows["kind", "reply"] == ("when", "= question")
    assert arrows["reply", "short"] == ("value", "if is_long")  # it takes the value that decides
    assert arrows["ok", "send"] == ("order", "")
    assert arrows["paid", "pause"] == ("order", "")
    assert arrows["urgent", "short"] == ("when", "if not")
    svg = graph_svg(drawn.boxes, drawn.arrows)
    assert svg.count("stroke-dasharray") == 5
    assert "= question" in svg


def test_small_workflows_are_drawn_within_their_boxes() -> None:
    drawn = sketch(every_kind().graph()).picture
    [loop] = [box.inside for box in drawn.boxes if box.label == "final"]
    assert loop is not None
    assert [(box.label, box.note) for box in loop.boxes] == [
        ("better", "general"),
        ("good", "general"),
        ("draft", "then better"),
    ]
    page = harmless(graph_svg(drawn.boxes, drawn.arrows))
    assert {"better", "holds", "found"} <= set(page.texts)


def test_a_box_is_large_enough_for_what_is_drawn_in_it() -> None:
    inside = Picture((Box("a" * 20, "model"), Box("b", "function")), ())
    small = graph_svg([Box("outer", "workflow")], [])
    large = graph_svg([Box("outer", "workflow", inside=inside)], [])
    assert _width(large) > _width(graph_svg(inside.boxes, ())) > _width(small)


def _width(svg: str) -> float:
    return float(svg.partition('width="')[2].partition('"')[0])


def test_large_or_deep_workflows_have_folded_pictures_of_their_own() -> None:
    inner = Workflow("inner")
    for i in range(30):
        inner.ask(f"n{i}", "x")
    outer = Workflow("outer")
    outer.sub("big", inner)
    found = dict(sketches(outer.graph()))
    assert list(found) == ["", "big"]
    assert found[""].picture.boxes[0].inside is None
    html = workflow_html(outer)
    assert "the workflow in big" in harmless(html).texts
    assert html.count("<svg") == 2
    flow = inner
    for i in range(5):
        above = Workflow(f"above {i}")
        above.sub(f"sub{i}", flow)
        flow = above
    assert [name for name, _ in sketches(flow.graph())] == [
        "",
        "sub4/sub3/sub2/sub1",
        "sub4/sub3/sub2/sub1/sub0",
    ]
    many = Workflow("many")
    for i in range(200):
        many.sub(f"s{i}", inner)
    assert len(list(sketches(many.graph()))) == MOST_PICTURES


def test_ten_thousand_tasks_are_a_small_picture_that_says_so() -> None:
    flow = Workflow("wide")
    flow.ask("begin", "{x}")
    for i in range(9_998):
        flow.ask(f"w{i}", "{begin}")
    flow.add("end", len, uses={"obj": [f"w{i}" for i in range(9_998)]})
    found = sketch(flow.graph())
    assert [(box.label, box.note) for box in found.picture.boxes] == [
        ("begin", "general"),
        ("w0 … w9997", "9,998 tasks"),
        ("end", ""),
        ("x", ""),
    ]
    assert found.grouped == 9_998
    html = workflow_html(flow.graph())
    assert "9,998 tasks that look alike are drawn together" in html
    assert len(html) < 100_000
    assert "… and 9,800 more" in workflow_text(flow)


def test_many_inputs_have_one_box() -> None:
    flow = Workflow("inputs")
    for i in range(100):
        flow.ask(f"t{i}", f"{{in{i}}}")
    boxes = sketch(flow.graph()).picture.boxes
    assert Counter(box.kind for box in boxes) == {"model": 100, "input": MOST_INPUTS}
    assert (boxes[-1].label, boxes[-1].note) == (f"in{MOST_INPUTS - 1} … in99", "77 inputs")


def test_a_thicket_is_summed_up_too() -> None:
    flow = Workflow("thicket")
    for i in range(60):
        flow.ask(f"t{i}", "x", after=[f"t{j}" for j in range(i)])
    found = sketch(flow.graph()).picture
    assert len(found.boxes) <= MOST_GROUPS
    assert len(found.arrows) <= MOST_GROUPS


def test_how_a_task_is_carried_out_is_said_in_words() -> None:
    graph = every_kind().graph()
    told = {node.name: how(node) for node in graph.nodes if how(node)}
    assert told == {
        "kind": "3 attempts",
        "reply": "cached for 1 h",
        "send": "a failure skips who needs it; alone with printer; tags out; never twice",
    }
    flow = Workflow("w")
    flow.ask("a", "x", fallback=[], priority=3)
    flow.add("b", len, uses={"obj": "a"}, timeout=5, on_error="continue").map(obj="a", most=None)
    flow.ask("c", "{x}").map(x="a", most=7)
    a, b, c = flow.graph().nodes
    assert how(a) == "a failure gives []; priority 3"
    assert how(b) == "5 s each; a failure is passed over"
    assert does(b) == "calls len, once for each, any number"
    assert does(c) == "asks general, once for each, at most 7"
    assert conditions(graph.nodes[3]) == "reply if is_long and urgent if not"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (True, "if true"),
        (False, "if not"),
        (len, "if len"),
        (lambda x: x, "if …"),
        (3, "= 3"),
        ("a\x1bb", "= a�b"),
    ],
)
def test_a_condition_is_said_in_words(wanted: object, said: str) -> None:
    assert condition_text(Condition("x", wanted)) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.5, "0.5 s"), (60, "1 min"), (90, "90 s"), (150, "2.5 min"), (86_400, "1 d")]
)
def test_seconds_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
