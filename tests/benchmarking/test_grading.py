"""Graders take right answers in their usual wrappings, and nothing else."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.benchmarking.grading import (
    NUMBER,
    PASSED,
    Fields,
    Pick,
    Program,
    Says,
    Sentence,
    last_line,
    number,
    same,
    stated,
    thought_only,
)
from aiorch.protocols import SandboxResult

WRAPPINGS = (
    "{}",
    "{}.",
    "**{}**",
    "`{}`",
    "```\n{}\n```",
    "```text\n{}\n```",
    "The answer is {}.",
    "The final answer is: {}",
    "Answer: {}",
    "**Answer:** {}",
    "Antwort: {}",
    "<think>Could it be 5? Or red? Or Tom?</think>\n\n{}",
    "Reading the template's tag back: 5 green</think>{}",
    "Let me think about it.\n\nThe answer is: **{}**.",
    "$\\boxed{{{}}}$",
    "So it must be\n\n{}",
    '"{}"',
    "  {}\n",
)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("value", [127, 0, -3, 1234567])
def test_a_number_is_found_in_its_wrapping(wrapping: str, value: int):
    assert number(value).accepts(wrapping.format(value))
    assert not number(value + 1).accepts(wrapping.format(value))


@pytest.mark.parametrize(
    "answer",
    [
        "6 × 24 = 144, 144 − 17 = 127",
        "6*24 = 144\n144-17 = 127\nSo 127 rolls are left.",
        "The baker packs 6 boxes with 24 rolls each, gives 17 away and has 127 left.",
        "127.0",
        "There were 144.\n\n127",
        "I first thought of 126 or 128.\nThe answer is 127",
    ],
)
def test_a_number_may_be_worked_out_before_it_is_said(answer: str):
    assert number(127, 6, 24, 17).accepts(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "", "   ", "127 or 128", "It is not 127.5", "1270", "-127", "12 7", "about 127 to 130",
        "the answer is 128, not 127", "<think>127", "<think>127</think>", "144 - 17", "127:30", "x127",
    ],
)  # fmt: skip
def test_a_number_that_is_not_said_or_not_alone_is_refused(answer: str):
    assert not number(127, 6, 24, 17).accepts(answer)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_a_number_is_right_when_it_is_equal_however_it_is_written(right: int, said: int):
    for text in (str(said), f"{said:,}", f"{said}.0", f"The answer is {said:,}."):
        assert number(right).accepts(text) is (right == said)


@given(st.text(max_size=80))
def test_no_text_breaks_a_grader(text: str):
    for grader in (
        number(7), Pick(("a",), r"\b[ab]\b"), Says(("x",)), Sentence(3, "rain", "e"), Fields({"a": 1}),
    ):  # fmt: skip
        assert grader.accepts(text) in (True, False)
    assert Program("f", "").files(text) is None or "def f" in text


def test_numbers_are_not_parts_of_words_or_times():
    import re

    assert re.findall(NUMBER, "B12 v2.0.1 21:47 3rd -4 5,000 6.5 7, 8.") == ["-4", "5,000", "6.5", "7", "8"]


BOXES = Pick(("green",), r"\b(?:red|green|blue)\b")


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_choice_is_found_in_its_wrapping(wrapping: str):
    assert BOXES.accepts(wrapping.format("green"))
    assert BOXES.accepts(wrapping.format("GREEN"))
    assert not BOXES.accepts(wrapping.format("blue"))


@pytest.mark.parametrize("answer", ["red or green", "not red, so green or blue", "evergreen", "grün", "{}"])
def test_two_choices_or_none_are_refused(answer: str):
    assert not BOXES.accepts(answer)


def test_the_last_line_decides_between_choices():
    assert BOXES.accepts("It is not in the red box, as then two would be true.\n\nGreen")
    assert not BOXES.accepts("Green is tempting.\nBut red is right.")


def test_what_the_question_names_may_be_repeated():
    time = Pick(("01:25",), r"\b\d{1,2}:\d\d\b", ("21:47",))
    assert time.accepts("Leaving at 21:47, it arrives at 1:25.")
    assert not time.accepts("Leaving at 21:47, it arrives at 1:35.")
    assert not time.accepts("21:47")


def test_a_spelling_of_another_language_is_right_too():
    saturday = Pick(("星期六", "周六"), r"(?:星期|周)[一二三四五六日]", ("星期三",))
    assert saturday.accepts("星期六")
    assert saturday.accepts("昨天是星期三，后天是周六。")
    assert saturday.accepts("答案：星期六")
    assert not saturday.accepts("星期五")


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_text_is_taken_letter_by_letter(wrapping: str):
    says = Says(("N-E-T",))
    assert says.accepts(wrapping.format("N-E-T"))
    for wrong in ("n-e-t", "N-E-T-S", "N E T", "T-E-N", "N-E-T, or so"):
        assert not says.accepts(wrapping.format(wrong))


@pytest.mark.parametrize("wrapping", ["{}", "{}.", '"{}"', "**{}**", "```\n{}\n```", "<think>hm</think>{}"])
def test_a_sentence_has_to_keep_every_rule(wrapping: str):
    rules = Sentence(5, "rain", "e")
    assert rules.accepts(wrapping.format("Rain taps on my roof"))
    assert rules.accepts(wrapping.format("Soft rain falls on us"))
    for wrong in (
        "Rain falls",  # too short
        "Rain falls on my old roof",  # too long
        "Rain comes down at night",  # an e
        "Snow falls on my roof",  # no rain
        "It is raining on us",  # another word
    ):
        assert not rules.accepts(wrapping.format(wrong))


RIGHT = {"city": "Oslo", "people": 3, "open": True, "tags": ["a", "b"], "phone": None}


@pytest.mark.parametrize(
    "wrapping", ["{}", "```json\n{}\n```", "Here it is:\n{}\nAnything else?", "<think>{{</think>{}"]
)
def test_json_is_found_in_its_wrapping(wrapping: str):
    assert Fields(RIGHT).accepts(wrapping.format(json.dumps(RIGHT)))
    assert Fields(RIGHT).accepts(wrapping.format(json.dumps(RIGHT, indent=2)))
    assert not Fields(RIGHT).accepts(wrapping.format(json.dumps({**RIGHT, "people": 4})))


@pytest.mark.parametrize(
    "change",
    [{"city": "Bergen"}, {"people": "3"}, {"people": True}, {"open": "true"}, {"open": 1}, {"tags": ["a"]},
     {"tags": ["a", "a"]}, {"tags": "a, b"}, {"tags": ["a", "b", "c"]}, {"phone": ""}, {"phone": "null"}, {"more": 1}],
)  # fmt: skip
def test_a_single_wrong_or_further_field_is_refused(change: dict[str, object]):
    assert not Fields(RIGHT).accepts(json.dumps({**RIGHT, **change}))


@pytest.mark.parametrize("answer", ["", "{", "[]", "null", '"Oslo"', '{"city": "Oslo"}', "I cannot do that."])
def test_what_is_no_such_object_is_refused(answer: str):
    assert not Fields(RIGHT).accepts(answer)


def test_letter_case_spaces_and_order_do_not_matter():
    assert Fields(RIGHT).accepts(
        '{"phone": null, "tags": ["B", " a"], "open": true, "people": 3.0, "city": "OSLO"}'
    )


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=8,
)


@given(JSONS)
def test_everything_is_the_same_as_itself(value: object):
    assert same(json.loads(json.dumps(value)), value)


def test_nothing_is_the_same_as_another_kind():
    values = (None, True, 1, "1", [1], {"1": 1}, 2.5, [])
    for one in values:
        assert [same(other, one) for other in values].count(True) == 1


# --- programs


DOUBLE = Program("double", "assert double(2) == 4\nassert double(-1) == -2")
CODE = "def double(n):\n    return n * 2"


@pytest.mark.parametrize(
    "wrapping",
    ["{}", "```python\n{}\n```", "```\n{}\n```", "<think>def</think>\n{}",
     "Sure:\n```python\n{}\n```\nCall `double(2)`.",
     "First try:\n```python\ndef double(n): return n + n + 1\n```\nBetter:\n```python\n{}\n```",
     "```python\n{}\n```\nUse it so:\n```python\nprint(double(2))\n```"],
)  # fmt: skip
def test_the_function_is_found_in_its_wrapping(wrapping: str):
    files = DOUBLE.files(wrapping.format(CODE))
    assert files is not None
    assert files["solution.py"].decode() == CODE + "\n"
    assert files["check.py"].decode().startswith("from solution import double\n")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot.",
        "```python\ndef triple(n): return n * 3\n```",
        "double = lambda n: 2 * n",
        "<think>" + CODE,
    ],
)
def test_an_answer_without_the_function_is_not_run(answer: str):
    assert DOUBLE.files(answer) is None


@pytest.mark.parametrize(
    ("result", "passed"),
    [
        (SandboxResult(0, f"{PASSED}\n", "", 0.1), True),
        (SandboxResult(0, f"debugging\n{PASSED}\n", "", 0.1), True),
        (SandboxResult(0, "", "", 0.1), False),
        (SandboxResult(1, f"{PASSED}\n", "AssertionError", 0.1), False),
        (SandboxResult(0, f"{PASSED}\n", "", 9.0, killed="time"), False),
        (SandboxResult(0, f"{PASSED}\nno, wait\n", "", 0.1), False),
    ],
)
def test_a_program_that_does_not_reach_the_end_of_its_tests_fails(result: SandboxResult, passed: bool):
    assert DOUBLE.judged(result) is passed


def test_thinking_without_an_end_is_no_answer():
    assert thought_only("<think>42")
    assert not thought_only("<think>4</think>2")
    assert not thought_only("42")
    assert stated("<think>42") == ""


def test_the_last_claim_counts():
    assert stated("The answer is 4. No: the answer is 5.") == "5."
    assert last_line("") == ""


def test_canonical_numbers_do_not_lose_digits():
    big = 10**30 + 1
    assert number(big).accepts(f"{Decimal(big):f}")
    assert not number(big).accepts(str(big - 1))
