"""Which prompts may share an answer: none that differ in a word that matters."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.routing import like_prompts

from aiorch.routing.guard_words import FILLER, SAME
from aiorch.routing.lexical_guard import LONGEST, agree, signature

FOUND = 21
"""Pairs of the same question that the guard lets pass. It may become better, never worse."""


@pytest.mark.parametrize(("one", "other"), like_prompts.DIFFERENT)
def test_a_difference_that_matters_is_seen(one: str, other: str) -> None:
    assert not agree(one, other)
    assert not agree(other, one)


def test_the_same_question_in_slightly_other_words_is_known() -> None:
    found = [pair for pair in like_prompts.SAME if agree(*pair)]
    assert len(found) >= FOUND
    assert all(agree(other, one) for one, other in found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is 3-2 more?", "Is 3 2 more?"),
        ("What is 5!?", "What is 5?"),
        ("What is n! for me?", "What is n for me?"),
        ("What is 2*(3+4)?", "What is (2*3)+4?"),
        ("What is .5 plus 1?", "What is 5 plus 1?"),
        ("Sort [1,234]", "Sort [1234]"),
        ("Is a + b the same as b?", "Is + b the same as b?"),
        ("What is f'(x) here?", "What is f(x) here?"),
        ('Is 5" long?', "Is 5 long?"),
        ("How many spaces are in 'a  b'?", "How many spaces are in 'a b'?"),
        ("What is the ASCII code of A?", "What is the ASCII code?"),
        ("Is the sat on Monday?", "Is the SAT on Monday?"),
        ("Is US bigger than it?", "Is bigger than it?"),
        ("How old is Bill?", "How old is the bill?"),
        ("What does 3.11.2 change?", "What does 3.11.20 change?"),
        ("Why do they say it's over?", "Why do they say it was over?"),
        ("They're where?", "They were where?"),
        ("What'll he do with it?", "What did he do with it?"),
        ("Who is it? Who?", "Who is it! Who? ?"),
    ],
)
def test_small_marks_and_letters_matter_where_they_mean_something(one: str, other: str) -> None:
    assert not agree(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("They're where?", "They are where?"),
        ("You've been where?", "You have been where?"),
        ("He'll come when?", "He will come when?"),
        ("Why can't it fly?", "Why can not it fly?"),
        ("Why doesn't it fly?", "Why does not it fly?"),
        ("What is the France's capital of today", "what is the France's capital of today?"),
        ("I want to know: what is a mutex?", "What is a mutex?"),
        ("Please, can you tell me how to swim?", "How do I swim?"),
        ("Who wrote it — and why?", "Who wrote it — and why"),
        ("Who’s “Anna”?", 'Who\'s "Anna"?'),
        ("Was kostet die Fahrt?", "Was kostet die Fahrt"),
        ("Is it hot  in here?", "Is it hot in here?"),
    ],
)
def test_marks_and_spellings_without_meaning_do_not(one: str, other: str) -> None:
    assert agree(one, other)


@pytest.mark.parametrize(
    "text", ["", "  ", "?", "/*", "the", "one\ntwo", "one\rtwo", "word " * (LONGEST + 1)]
)
def test_what_is_empty_long_or_of_several_lines_is_compared_with_nothing(text: str) -> None:
    assert signature(text) is None
    assert not agree(text, text)


WORDS = st.sampled_from(
    sorted(
        set(re.findall(r"[a-z]+", " ".join(f"{a} {b}".lower() for a, b in like_prompts.SAME)))
        - FILLER
        - set(SAME)
        - {"how", "what", "which", "to"}
    )
)
NUMBERS = st.integers(0, 10**6).map(str)
SENTENCES = st.lists(WORDS | NUMBERS, min_size=2, max_size=12)


@given(SENTENCES, st.data())
def test_no_word_and_no_number_can_be_exchanged(words: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(WORDS | NUMBERS)
    assume(other != words[place])
    changed = [*words[:place], other, *words[place + 1 :]]
    assert not agree(f"Why {' '.join(words)}?", f"Why {' '.join(changed)}?")


@given(SENTENCES, st.data())
def test_no_word_can_be_left_out_or_moved(words: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(words))
    assume(shuffled != words)
    assert not agree(f"Why {' '.join(words)}?", f"Why {' '.join(shuffled)}?")
    assert not agree(f"Why {' '.join(words)}?", f"Why {' '.join(words[:-1])}?")


@given(SENTENCES, st.data())
def test_filler_can_stand_anywhere_in_a_question(words: list[str], data: st.DataObject) -> None:
    assume(words[-1] not in ("thanks", "please"))  # said last they are no part of the question
    place = data.draw(st.integers(0, len(words)))
    filler = data.draw(st.sampled_from(("the", "a", "really", "please")))
    padded = [*words[:place], filler, *words[place:]]
    assert agree(f"Why did {' '.join(words)}?", f"Why did {' '.join(padded)}?")


@given(st.text(alphabet=string.printable + "äß’“東é", max_size=60))
def test_any_text_agrees_with_itself_or_is_not_compared(text: str) -> None:
    words = signature(text)
    assert words == signature(text)
    assert agree(text, text) is (words is not None)
    assert words is None or all(words)
