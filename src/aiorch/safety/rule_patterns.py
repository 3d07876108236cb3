"""Is a regular expression of somebody else's quick on every text? Decided by looking at it, the same on every machine.

Every repeat must have an upper bound, and the ways in which the expression can be tried at one place, counted from its
parse tree, must be few. So the work on a text is at most that number times the places where it is tried.

    steps("key-[a-z0-9]{8,40}\\b")      # 83: what trying it at one place costs at most
    steps("(?:a{1,20}){1,20}!")         # raises ValueError: millions
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final, cast

LONGEST = 2_000
"""Characters of an expression."""
REACH = 1_000
"""Characters that a match may be long."""
STEPS = 1_000
"""Steps at one place, at most. At about 10 ns a step (CPython 3.11, measured) a text of 100 KB made of nothing but a
keyword of three letters takes a third of a second; other texts take next to nothing.
"""
GROUP_REPEATS = 20
"""How often a group may be repeated; single characters may be repeated up to :data:`REACH` times."""

_TREE: Final = import_module(
    "re._parser"
)  # the parser of the standard library; nothing else reads its language
_KINDS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_SAMPLE = frozenset(chr(n) for n in range(128)) | frozenset("é²٣中 \u2028\U0001f600")
"""Characters that stand for all others of their kind."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """What an expression does from some point of it to its end."""

    first: frozenset[str]
    """With which characters it can go on."""
    steps: int
    """What trying all of its ways costs at most."""
    opening: int
    """The same where the next character is none of ``first``."""
    empty: bool
    """Whether it can end there without another character."""


_END = _Rest(frozenset(), 1, 1, empty=True)


def steps(pattern: str, *, ignore_case: bool = True) -> int:
    """The most steps that trying ``pattern`` at one place takes.

    >>> steps("bluebird[- ]?[0-9]{1,4}")
    19

    :raises ValueError: when it is no regular expression, repeats something without a bound, refers back to what it
        matched, or needs more than :data:`STEPS`.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"it has {len(pattern):,} characters, at most {LONGEST:,} are read")
    flags = re.IGNORECASE if ignore_case else 0
    try:
        re.compile(pattern, flags)
        tree = _TREE.parse(pattern, flags)
        if tree.state.flags & ~re.UNICODE != flags:
            raise ValueError(
                "it sets flags: write `case = true` in its row where case counts, and nothing else"
            )
    except (re.error, RecursionError, OverflowError) as wrong:
        raise ValueError(f"it is no regular expression: {wrong}") from None
    low, high = tree.getwidth()
    if high > REACH:
        raise ValueError(
            f"it can match more than {REACH:,} characters: every repeat needs an upper bound, such as {{0,40}}"
        )
    if low == 0:
        raise ValueError("it matches where nothing is")
    needed = _Counter(_alphabet(tree)).sequence(list(tree), _END).steps
    if needed > STEPS:
        raise ValueError(
            f"it can take {_many(needed)} steps at one place, at most {STEPS:,} are allowed: let what follows a repeat "
            "begin with something that it does not repeat, or lower its upper bound"
        )
    return needed


class _Counter:
    """Counts from the end of an expression to its beginning, so what follows is known where it matters."""

    def __init__(self, alphabet: frozenset[str]) -> None:
        self.alphabet = alphabet

    def sequence(self, items: Sequence[Any], after: _Rest) -> _Rest:
        for kind, value in reversed(items):
            after = self.item(str(kind), value, after)
            if after.steps > sys.maxsize:  # it will be refused; no need to know by how much
                raise ValueError("it can take more steps than can be counted")
        return after

    def item(self, kind: str, value: Any, after: _Rest) -> _Rest:
        if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return _Rest(self.characters(kind, value), 1 + after.steps, 1, empty=False)
        if kind == "AT":
            return _Rest(after.first, 1 + after.steps, 1 + after.opening, after.empty)
        if kind in ("ASSERT", "ASSERT_NOT"):  # once it holds or not, it is not tried again
            looked = self.sequence(value[1], _END).steps
            return _Rest(after.first, looked + after.steps, looked + after.opening, after.empty)
        if kind == "SUBPATTERN":
            if value[1] or value[2]:
                raise ValueError("it sets flags for a part of it: write out what is meant")
            return self.sequence(value[3], after)
        if kind == "ATOMIC_GROUP":
            return self.atomic(self.sequence(value, _END), 1, after)
        if kind == "BRANCH":
            return self.branch([self.sequence(way, after) for way in value[1]])
        if kind in _KINDS:
            return self.repeat(kind, value, after)
        raise ValueError("it refers back to what it matched, which can take any time: write it out")

    def repeat(self, kind: str, value: tuple[int, int, Any], after: _Rest) -> _Rest:
        least, most, what = value
        inner = list(what)
        one = len(inner) == 1 and str(inner[0][0]) in ("LITERAL", "NOT_LITERAL", "ANY", "IN")
        if kind == "POSSESSIVE_REPEAT":
            body = self.sequence(inner, _END)
            return self.atomic(replace(body, empty=body.empty or least == 0), most, after)
        if one:
            own = self.characters(str(inner[0][0]), inner[0][1])
            first = own | after.first if least == 0 else own
            told_apart = not after.empty and not own & after.first
            # Where what follows begins with what is not repeated, it can go on from one place only.
            ends = most - least + 1
            further = ends * after.opening + after.steps if told_apart else ends * after.steps
            opening = 1 + after.opening if least == 0 else 1
            return _Rest(first, most + further, opening, least == 0 and after.empty)
        if most > GROUP_REPEATS:
            raise ValueError(f"it repeats a group up to {most} times, at most {GROUP_REPEATS} can be counted")
        rest = after
        for number in range(most, 0, -1):
            once = self.sequence(inner, rest)
            rest = once if number <= least else self.branch([once, after])
        return rest

    def atomic(self, body: _Rest, times: int, after: _Rest) -> _Rest:
        """What is not tried again once it has matched."""
        first = body.first | after.first if body.empty else body.first
        opening = body.opening + (after.opening if body.empty else 0)
        return _Rest(first, times * body.steps + after.steps, opening, body.empty and after.empty)

    def branch(self, ways: Sequence[_Rest]) -> _Rest:
        """One of several: only those cost that can begin with the character that is there."""
        first = frozenset[str]().union(*(way.first for way in ways))
        opening = sum(way.opening for way in ways)
        always = sum(way.steps for way in ways if way.empty)
        dearest = max((sum(w.steps for w in ways if not w.empty and c in w.first) for c in first), default=0)
        return _Rest(first, opening + always + dearest, opening, any(way.empty for way in ways))

    def characters(self, kind: str, value: Any) -> frozenset[str]:
        """Of the alphabet, what one item takes, in whatever case: rather too much than too little."""
        return frozenset(c for c in self.alphabet if any(_takes(kind, value, form) for form in _forms(c)))


def _forms(char: str) -> Iterable[str]:
    return {char, char.lower(), char.upper(), char.casefold()}


def _takes(kind: str, value: Any, char: str) -> bool:
    if len(char) != 1:  # a few capitals are two letters
        return False
    match kind:
        case "LITERAL":
            return ord(char) == value
        case "NOT_LITERAL":
            return ord(char) != value
        case "ANY":
            return True
        case "RANGE":
            return bool(value[0] <= ord(char) <= value[1])
        case "CATEGORY":
            return re.fullmatch(_CATEGORIES[str(value)], char) is not None
        case _:
            inner = [(str(k), v) for k, v in value]
            negated = inner[0][0] == "NEGATE"
            return negated != any(_takes(k, v, char) for k, v in inner[negated:])


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _alphabet(tree: Iterable[Any]) -> frozenset[str]:
    """The sample, with every character that the expression names."""
    named: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, int) and 0 <= value < sys.maxunicode:
            named.update((chr(value), chr(value + 1), chr(max(0, value - 1))))
        elif isinstance(value, tuple | list) or hasattr(value, "getwidth"):
            for inner in cast("Iterable[Any]", value):
                look(inner)

    look(list(tree))
    return _SAMPLE | frozenset(form for char in named for form in _forms(char) if len(form) == 1)


def _many(number: int) -> str:
    return f"{number:,}" if number < 10**9 else "billions of"
