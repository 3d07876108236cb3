"""Circles are found; tables, code and lists are left in peace."""

from __future__ import annotations

import hashlib
import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.quality.repetition import longest_loop

SENTENCE = "The quick brown fox jumps over the lazy dog. "
LOOPS = {
    "a sentence": SENTENCE * 12,
    "a sentence after a good beginning": "Back-pressure slows a sender down when its receiver cannot follow. "
    * 1
    + SENTENCE * 20,
    "cut off in the middle": (SENTENCE * 12)[:-17],
    "a paragraph of several sentences": (
        "First we look at it. Then we look at it again. Finally we are done. " * 6
    ),
    "a list with the same item": "\n".join(f"{n}. Use clear and simple language" for n in range(1, 40)),
    "a line of code": "def f():\n" + "    result = compute_the_value(result)\n" * 40,
    "a word": "very " * 120,
    "two words": "and then " * 80,
    "a syllable": "ha" * 400,
    "a figure": "3." + "3" * 900,
    "cells without end": "| value " * 300,
    "after a closed block": "```python\nx = 1\n```\n" + "I hope this helps you with your task! " * 25,
}
FAIR = {
    "a table": "| name | ok | count |\n|---|---|---|\n"
    + "\n".join(f"| item {n} | yes | 0 |" for n in range(60)),
    "a table with equal rows": "| a | b |\n|---|---|\n" + "| no | no |\n" * 9,
    "a matrix of zeros": "\n".join(" ".join(["0"] * 12) for _ in range(12)),
    "rules": "Title\n" + "=" * 400 + "\n\n" + "-" * 400 + "\n" + "* " * 60,
    "indented code": inspect.getsource(json.decoder),
    "closing brackets": "f(" * 3 + "x" + ")" * 3 + "\n" + "        }\n" * 9,
    "HTML": "<ul>\n" + "".join(f"  <li><a href='#{n}'>Item {n}</a></li>\n" for n in range(60)) + "</ul>",
    "skeleton of a table": "<tr><td></td><td></td></tr>\n" * 7,
    "a list that begins alike": "\n".join(
        f"- The {w} is a kind of animal." for w in ("cat", "dog", "cow", "pig")
    ),
    "a chorus": "We will, we will rock you!\n" * 3 + "Buddy, you're a boy, make a big noise\n" * 1,
    "JSON": json.dumps({"items": [{"name": f"n{n}", "ok": True, "tags": []} for n in range(80)]}, indent=2),
    "a JSON list of nulls": json.dumps([None] * 20),
    "hex": "deadbeef0123456789" * 5,
    "a checksum": hashlib.sha512(b"x").hexdigest(),
    "a long word that begins again once": "aab" * 2 + hashlib.sha512(b"y").hexdigest(),
    "a rule inside of a short answer": "yes\n----------------------------------------",
    "nothing": "",
    "white space": " \n\t ",
}


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS.keys())
def test_a_circle_is_found(text: str):
    loop = longest_loop(text)
    assert loop is not None
    assert loop.degenerate, loop


@pytest.mark.parametrize("text", FAIR.values(), ids=FAIR.keys())
def test_a_fair_text_is_no_circle(text: str):
    loop = longest_loop(text)
    assert loop is None or not loop.degenerate, loop


def test_what_is_told_of_a_circle():
    loop = longest_loop("Well, " + SENTENCE * 10)
    assert loop is not None
    assert (loop.unit, loop.times, loop.at_end) == (SENTENCE.strip(), 10, True)
    assert 0.9 < loop.share < 1
    ended = longest_loop(SENTENCE * 10 + "That was it, and now something else.")
    assert ended is not None
    assert not ended.at_end


WORDS = st.lists(st.sampled_from([f"repeat{n}" for n in range(500)]), min_size=4, max_size=12, unique=True)


@given(WORDS, st.integers(8, 30), st.lists(st.sampled_from(["alpha", "beta", "gamma"]), max_size=5))
def test_any_repeated_sentence_is_counted(words: list[str], times: int, before: list[str]):
    loop = longest_loop(" ".join(before + words * times))
    assert loop is not None
    assert loop.times in (times, times - 1)  # the beginning may belong to it by chance
    assert len(loop.unit.split()) == len(words)
    assert loop.degenerate


@given(st.lists(st.integers(), unique=True, max_size=300))
def test_what_never_repeats_is_no_circle(numbers: list[int]):
    loop = longest_loop(" ".join(f"w{n}x" for n in numbers))
    assert loop is None or not loop.degenerate


@given(st.text(max_size=2000))
def test_any_text_can_be_looked_at(text: str):
    loop = longest_loop(text)
    assert loop is None or (0 < loop.share <= 1 and loop.times >= 2)


@pytest.mark.parametrize("unit", ["a", "ab ", "x y ", ". ", "a a b ", "1. "])
def test_a_text_made_to_be_slow_is_not(unit: str):
    longest_loop(
        unit * 100_000
    )  # as the square of its length this would take hours; pytest ends it after a minute
