"""A plan shows what would be done and asked, without doing or asking it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import InvalidWorkflow
from aiorch.workflow import Workflow
from aiorch.workflow.grouping import groups, in_topological_order


def release() -> Workflow:
    polish = Workflow("polish")
    polish.ask("better", "Improve:\n{draft}")
    polish.ask("good", "Is this good?\n{better}", output=bool)
    flow = Workflow("release")
    flow.ask("facts", "List the changes in:\n{log}\nfor {reader.name}", system="Be brief.")
    flow.ask("line", "One line on {part}").map(part="parts")
    flow.loop("final", polish, most=3, until="good", carry={"draft": "better"}, uses={"draft": "facts"})
    flow.add("save", lambda final, line: final, resources="file")
    flow.add("send", lambda final, to="all": final, resources="file")
    flow.approve("ok", "Send {final} to {to}?").when("facts")
    return flow


def test_the_snapshot_of_a_plan_is_what_would_be_done_and_asked() -> None:
    plan = release().plan({"log": "Retries wait."}, parts=["a", "b"], to="everybody")
    assert (
        plan.snapshot()
        == """\
workflow release
group 1
  facts: ask
  line: ask for each of parts
group 2
  final: loop
group 3
  save: call, alone with file
  ok: approve, perhaps
group 4
  send: call, alone with file
facts asks general
  | Be brief.
  | List the changes in:
  | Retries wait.
  | for {reader.name}
line asks general 2 times
  | One line on a
final/better asks general several times
  | Improve:
  | {draft}
final/good asks general several times
  | Is this good?
  | {better}
ok asks a person
  | Send {final} to everybody?
"""
    )


def test_a_plan_says_its_order_its_critical_path_and_what_it_takes() -> None:
    plan = release().plan(log="x", parts=[])
    assert plan.groups == (("facts", "line"), ("final",), ("save", "ok"), ("send",))
    assert plan.order == ("facts", "line", "final", "save", "send", "ok")
    assert plan.critical[:2] == ("facts", "final/better")
    facts = plan.asked[0]
    assert (facts.agent, facts.unknown, facts.count) == ("general", ("reader",), 1)
    assert plan.asked[1].count == 0
    document = json.loads(json.dumps(plan.to_dict()))
    assert document["groups"][0] == ["facts", "line"]
    assert document["asked"][0]["text"].endswith("for {reader.name}")
    assert document["estimate"]["limit"] == 64
    shown = str(plan)
    assert "1. facts, line" in shown
    assert "facts asks general: List the changes in: x for {reader.name}" in shown


def test_long_plans_are_cut_where_they_are_printed() -> None:
    flow = Workflow("long")
    for i in range(30):
        flow.ask(f"a{i}", "x" * 500)
    for i in range(1, 25):
        flow.add(f"b{i}", lambda ins: ins, uses={"ins": f"b{i - 1}" if i > 1 else "a0"})
    shown = str(flow.plan())
    assert "a19 and 10 more" in shown
    assert "and 5 more\n" in shown
    assert "x…" in shown
    assert shown.endswith("and 10 more questions")


def test_values_of_inputs_reach_prompts_of_workflows_inside() -> None:
    inner = Workflow("inner")
    inner.ask("on", "On {topic} and {word.text} for {reader}")
    flow = Workflow("flow")
    flow.sub("each", inner, uses={"reader": "who"}).map(word="words")
    flow.loop("twice", inner, most=2, carry={"word": "on"})
    flow.loop("once", inner, most=1, until="on")

    class Word:
        def __init__(self, text: str) -> None:
            self.text = text

    each, twice, once = flow.plan(topic="time", words=[Word("hour"), Word("day")], who="me", word="odd").asked
    assert (each.task, each.text, each.count) == ("each/on", "On time and hour for me", 2)
    assert twice.text == "On time and {word: 'word' gave a str, which has no 'text'} for {reader}"
    assert (twice.count, once.count) == (2, 1)


def test_how_often_is_known_only_where_it_is() -> None:
    inner = Workflow("inner")
    inner.ask("on", "On {topic}")
    flow = Workflow("flow")
    flow.add("make", lambda: ["a"])
    flow.sub("each", inner).map(topic="make")
    (asked,) = flow.plan().asked
    assert (asked.count, asked.unknown) == (None, ("topic",))


def test_what_cannot_run_has_no_plan() -> None:
    flow = Workflow("round")
    flow.ask("a", "{a}")
    with pytest.raises(InvalidWorkflow, match="cycle"):
        flow.plan()


# --- groups ------------------------------------------------------------------------------------------------------


@st.composite
def tasks(draw: st.DrawFn) -> tuple[list[list[int]], list[list[str]]]:
    n = draw(st.integers(0, 12))
    needs = [draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [] for i in range(n)]
    names = st.lists(st.sampled_from(["gpu", "file", "db"]), max_size=2)
    return needs, [draw(names) for _ in range(n)]


@given(tasks())
def test_groups_come_after_what_they_need_and_share_no_resource(made: tuple[Any, Any]) -> None:
    needs, resources = made
    found = groups(needs, resources)
    place = {i: at for at, group in enumerate(found) for i in group}
    assert sorted(place) == list(range(len(needs)))
    assert all(place[j] < place[i] for i, needed in enumerate(needs) for j in needed)
    for group in found:
        held = [name for i in group for name in set(resources[i])]
        assert len(held) == len(set(held))
        assert group
    for i, needed in enumerate(needs):  # nobody could have come earlier without sharing
        least = max((place[j] + 1 for j in needed), default=0)
        assert all(
            any(set(resources[i]) & set(resources[k]) for k in found[at]) for at in range(least, place[i])
        )


def test_tasks_of_circles_are_left_out_of_groups() -> None:
    assert groups([[1], [0], [], [0]], [()] * 4) == [[2]]
    assert in_topological_order([[1], []]) == [1, 0]
