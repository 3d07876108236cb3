"""Patterns of others: what they cost is known before they are used, and what could take long is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety import rule_patterns
from aiorch.safety.rule_patterns import LONGEST, STEPS, steps


@pytest.mark.parametrize(
    "pattern",
    [
        r"key-[a-z0-9]{8,40}\b",
        r"(?:\w{1,24}\W{1,6}){0,3}end",
        r"ignore\W{1,6}(?:all|any|the)\W{1,6}(?:rules|orders)\b",
        r"(?<![a-z])bird(?:s|ies)?(?! song)",
        r"x(?=.{0,50}y)z",
        r"a{1,50}+b(?>c{1,20}|cd)e",
        r"[^\n]{5,200}\n",
        r"привет\s{1,3}мир",
    ],
)
def test_what_people_write_is_taken(pattern: str) -> None:
    assert 0 < steps(pattern) <= STEPS


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a*b", "upper bound"),
        ("a+b", "upper bound"),
        ("a{2,}b", "upper bound"),
        ("(?:ab){300,600}", "upper bound"),
        ("(?:ab){0,21}c", "at most 20"),
        ("(?:a{1,20}){1,20}!", "more steps than can be counted"),
        ("(?:a|a){20}b", "steps at one place"),
        ("a{0,30}a{0,30}a{0,30}b", "steps at one place"),
        (r"\w{1,50}(?=.{0,300}q)y", "steps at one place"),
        ("s{0,40}ſ{0,40}S", "steps at one place"),
        (r"(x)\1", "refers back"),
        ("(x)?(?(1)y|z)", "refers back"),
        ("(?s:ab)", "sets flags for a part"),
        ("(?-i:ab)", "sets flags for a part"),
        ("(?a)ab", "sets flags: write"),
        ("x{0,3}", "where nothing is"),
        ("", "where nothing is"),
        ("(", "no regular expression"),
        ("x" * (LONGEST + 1), "characters"),
    ],
)
def test_what_could_take_long_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        steps(pattern)


# --- the count is an upper bound ---------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["a", "b", "c", "[ab]", "[^a]", r"\w", r"\W", "(?:ab)", "(?:a|ab|b)", "(?:a|b?c)", "(?=a)", r"\b"]
)
COUNTS = st.sampled_from(["", "?", "{0,3}", "{1,4}", "{2}", "{0,3}?", "{1,3}+"])


@st.composite
def patterns(draw: st.DrawFn, depth: int = 2) -> str:
    parts = [
        draw(PIECES) if depth == 0 or draw(st.booleans()) else f"(?:{draw(patterns(depth - 1))})"
        for _ in range(draw(st.integers(1, 3)))
    ]
    return "".join(part + ("" if part in ("(?=a)", r"\b") else draw(COUNTS)) for part in parts)


class Tried:
    """A plain backtracking matcher, which counts what it does."""

    def __init__(self, text: str) -> None:
        self.text, self.count = text, 0

    def run(self, items: list[Any], at: int, then: Callable[[int], bool]) -> bool:
        if not items:
            return then(at)
        kind, value, rest = str(items[0][0]), items[0][1], items[1:]
        self.count += 1
        if kind in ("LITERAL", "IN", "NOT_LITERAL", "ANY"):
            fits = at < len(self.text) and rule_patterns._takes(kind, value, self.text[at])
            return fits and self.run(rest, at + 1, then)
        if kind == "SUBPATTERN":
            return self.run(list(value[3]), at, lambda end: self.run(rest, end, then))
        if kind == "BRANCH":
            return any(self.run(list(way), at, lambda end: self.run(rest, end, then)) for way in value[1])
        if kind == "AT":
            return re.compile(r"\b").match(self.text, at) is not None and self.run(rest, at, then)
        if kind == "ASSERT":
            return self.run(list(value[1]), at, lambda _: True) and self.run(rest, at, then)
        least, most, inner = value
        if kind == "POSSESSIVE_REPEAT":
            done, ends = 0, [at]
            while done < most and self.run(list(inner), ends[-1], lambda end: not ends.append(end)):
                done += 1
            return done >= least and self.run(rest, ends[-1], then)

        def again(done: int, here: int) -> bool:
            def stop() -> bool:
                return done >= least and self.run(rest, here, then)

            def go() -> bool:
                return done < most and self.run(list(inner), here, lambda end: again(done + 1, end))

            return (stop() or go()) if kind == "MIN_REPEAT" else (go() or stop())

        return again(0, at)


@given(patterns(), st.text("abc-", max_size=14))
@settings(max_examples=60)
def test_no_text_takes_more_steps_than_were_counted(pattern: str, text: str) -> None:
    try:
        most = steps(pattern, ignore_case=False)
    except ValueError:
        return
    tried = Tried(text)
    tree = list(rule_patterns._TREE.parse(pattern))
    assert tried.run(tree, 0, lambda _: True) == (re.match(pattern, text) is not None)
    assert (
        tried.count <= 3 * most
    )  # entering a group and ending a repeat are counted by the one and not by the other
