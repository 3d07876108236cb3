from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.complexity import LONG, SHORT, VERY_LONG, judge
from aiorch.types import Task, ToolSpec


@pytest.mark.parametrize(
    ("prompt", "complexity", "signs"),
    [
        ("What is the capital of Italy?", "simple", ("short, and nothing demanding in it",)),
        ("x" * SHORT, "simple", ("short, and nothing demanding in it",)),
        ("x" * (SHORT + 1), "moderate", ("nothing demanding in it",)),
        ("Compare tea and coffee.", "moderate", ("mentions compare",)),
        ("x" * LONG, "moderate", ("nothing demanding in it",)),
        ("x" * (LONG + 1), "moderate", ("long prompt",)),
        ("x" * VERY_LONG, "moderate", ("long prompt",)),
        ("x" * (VERY_LONG + 1), "moderate", ("very long prompt", "long prompt")),
        ("Fix:\n```\nx\n```", "moderate", ("contains code",)),
        ("Do:\n1. this\n2) that\n* more", "moderate", ("several requirements",)),
        ("Do:\n1. this\n2. that", "simple", ("short, and nothing demanding in it",)),
        (
            "Design a distributed cache, step by step. DESIGN it well.",
            "complex",
            ("mentions design", "mentions distributed", "mentions step by step"),
        ),
        (
            "Debug:\n```\nx\n```\n- keep the API\n- no new dependency\n- add a test",
            "complex",
            ("mentions debug", "several requirements", "contains code"),
        ),
        (
            "Analyse, compare, evaluate, plan and prove it.",
            "complex",
            ("mentions analyse", "mentions compare", "mentions evaluate"),
        ),
    ],
    ids=lambda v: v[:20] if isinstance(v, str) else None,
)
def test_a_task_is_judged_by_signs_that_can_be_read(
    prompt: str, complexity: str, signs: tuple[str, ...]
) -> None:
    judged = judge(Task.of(prompt))
    assert (judged.complexity, judged.signs) == (complexity, signs)


def test_a_task_knows_best() -> None:
    judged = judge(replace(Task.of("Prove it. Design it. Debug it."), complexity="simple"))
    assert (judged.complexity, judged.signs) == ("simple", ("set by the task",))


def test_tools_are_a_sign() -> None:
    task = replace(Task.of("What time is it?"), tools=(ToolSpec("now", "The time.", {}),))
    assert judge(task).signs == ("may use tools",)
    assert judge(task).complexity == "moderate"


def test_the_system_prompt_says_nothing_of_the_task() -> None:
    assert judge(Task.of("Hi", system="Design, prove and debug distributed systems.")).complexity == "simple"


def test_only_words_count_not_parts_of_them() -> None:
    assert judge(Task.of("An aeroplane, unplanned; a comparefunction.")).complexity == "simple"


@given(st.text(max_size=400))
def test_every_task_is_judged_with_a_reason_always_the_same(prompt: str) -> None:
    judged = judge(Task.of(prompt))
    assert judged.complexity in ("simple", "moderate", "complex")
    assert judged.signs
    assert judged == judge(Task.of(prompt))


def test_a_requirement_stands_on_one_line() -> None:
    """So looking for them is linear in the text: no blank line is looked at twice."""
    assert judge(Task.of("a\n-\n\nb\n-\n\nc\n-\n\nd")).signs == ("short, and nothing demanding in it",)
    assert judge(Task.of("a\n\n - b\n\n\t* c\n\n2.\td")).signs == ("several requirements",)
