"""An answer in a cell is text: what a model wrote never becomes markup."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.views.pages import harmless

from aiorch.types import (
    Assessment,
    Attempt,
    CheckResult,
    Deployment,
    Failure,
    FailureKind,
    Issue,
    Outcome,
    Usage,
    Verdict,
)
from aiorch.views import outcome_html
from aiorch.views.answers import MOST, outcome_text, value_text
from aiorch.views.markup import clean, framed, table, text


def outcome(value: Any, **more: Any) -> Outcome[Any]:
    failure = Failure(FailureKind.OVERLOADED, "model", "<busy>")
    told: dict[str, Any] = {
        "model": "groq/llama",
        "usage": Usage(100, 20),
        "cost": Decimal("0.0004"),
        "assessment": Assessment(
            (CheckResult("schema", True), CheckResult("facts", None, "nobody <b>looked"))
        ),
        "attempts": (
            Attempt(Deployment("groq", "llama"), 1, 0.0, 1.0, "next_deployment", failure),
            Attempt(Deployment("x", "y"), 2, 0.0, 1.0, "accept"),
        ),
        "verdicts": (Verdict("output", "flag", (Issue("code", "<i>found", "warning"),)),),
    }
    return Outcome(value, str(value), "t", **{**told, **more})


@settings(max_examples=60)
@given(st.text(st.characters()))
def test_whatever_a_model_writes_is_shown_as_text(said: str) -> None:
    page = harmless(outcome_html(outcome(f"<script>alert(1)</script><img src=x onerror=y>{said}")))
    assert any("<script>alert(1)</script><img src=x onerror=y>" in t for t in page.texts)


def test_how_it_came_about_is_told() -> None:
    told = harmless(outcome_html(outcome("Hello", accepted=False))).texts
    for part in (
        "Hello",
        "not accepted",
        "overloaded: <busy>",
        "answered",
        "not assessed",
        "nobody <b>looked",
    ):
        assert part in told
    assert "<i>found" in told
    assert "details" not in harmless(outcome_html(Outcome("x", "x", "t"))).tags


def test_long_answers_are_cut_and_say_so() -> None:
    html = outcome_html(outcome("x" * (MOST + 5)))
    assert "… (5 more characters)" in html
    assert len(html) < MOST + 5_000


def test_an_answer_in_lines_steers_no_terminal() -> None:
    assert outcome_text(outcome("a\x1b[31mb", attempts=())).splitlines() == [
        "a\ufffd[31mb",
        "",
        "groq/llama, 0 attempts, 0.0 s, 120 tokens, 0.0004 USD; checks: 1 passed, 1 not assessed",
    ]


@dataclass
class Person:
    name: str


class Odd:
    def __str__(self) -> str:
        return "odd"


def test_values_are_shown_as_json_or_as_they_say() -> None:
    assert value_text(Person("Ø")) == '{\n  "name": "Ø"\n}'
    assert value_text([1, 2]) == "[\n  1,\n  2\n]"
    assert value_text(Odd()) == "odd"


def test_texts_lose_only_what_is_none() -> None:
    assert clean("a\tb\nc\ud800\x00é😀") == "a\tb\nc\ufffd\ufffdé😀"
    assert text("'") == "&#x27;"


def test_outputs_are_small_and_tables_without_rows_are_nothing() -> None:
    assert table(("a",), ()) == ""
    assert len(framed()) < 2_000
