"""What a workflow would do and take, shown before it runs."""

from __future__ import annotations

from tests.views.every_kind import every_kind
from tests.views.pages import harmless

from aiorch.views import estimate_html, plan_html
from aiorch.views.plans import estimate_text, plan_text
from aiorch.workflow import Workflow


def test_a_plan_shows_groups_questions_and_what_it_takes() -> None:
    plan = every_kind().plan(letter="Dear <b>all</b>", zone="UTC", urgent=False)
    page = harmless(plan_html(plan))
    told = " ".join(page.texts)
    assert "What is Dear <b>all</b>?" in page.texts
    assert "critical path" in page.texts
    assert "checked/found" in told
    assert "b" in page.tags
    assert plan_text(plan).startswith("letters: ")


def test_an_estimate_says_what_it_takes_for_granted() -> None:
    estimate = every_kind().plan(letter="x").estimate
    page = harmless(estimate_html(estimate))
    assert "taken for granted" in page.texts
    assert estimate.assumed[0] in page.texts
    assert "tokens" in page.texts
    assert estimate_text(estimate).startswith("letters: ")


def test_a_large_plan_is_cut_and_says_so() -> None:
    flow = Workflow("large")
    for i in range(300):
        flow.ask(f"a{i}", "x")
    for i in range(250):
        flow.ask(f"n{i}", f"{{n{i - 1}}}" if i else "go")
    html = plan_html(flow.plan())
    told = harmless(html).texts
    assert "50 more groups are not listed." in told
    assert "350 more questions are not listed." in told
    assert any("and 261 more" in text for text in told)
