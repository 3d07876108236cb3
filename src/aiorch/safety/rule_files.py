"""Rules as rows of TOML files, which come and change without a release of aiorch.

    [[rule]]
    name = "bluebird"
    detector = "codenames"                   # or "injection", "secrets", "pii", "harmful": then it stands beside ours
    what = "the code name of a product that nobody has announced"
    keywords = ["bluebird"]                  # the pattern is tried where one of them begins, and nowhere else
    pattern = "bluebird[- ]?[0-9]{1,4}"
    confidence = 0.97

    [[example]]
    text = "Do not mention Bluebird 7 yet."
    rules = ["codenames.bluebird"]           # the rules of these files that hit it; [] for what must not be hit

A list ``drops`` at the top of a file names rules of aiorch that no longer count: those that the rows replace.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from aiorch.safety.rule_patterns import steps

MOST_RULES = 500
MOST_KEYWORDS = 20
"""Of one rule."""
SHORTEST_KEYWORD = 3
MOST_EXAMPLES = 2_000

ARGUMENTS: Final = frozenset({"sql", "shell", "path", "url", "code"})
"""Detectors that look at what a tool declares, and at no other text."""

_DETECTOR, _NAME = re.compile(r"[a-z][a-z0-9_]{0,30}"), re.compile(r"[a-z][a-z0-9_]{0,60}")
_FULL = re.compile(r"[a-z][a-z0-9_]{0,30}(?:\.[a-z][a-z0-9_]{0,60}){1,3}")
_ROW: Final = frozenset({"name", "detector", "what", "keywords", "pattern", "confidence", "case"})


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule of a file."""

    detector: str
    name: str
    what: str
    """For the person who meets it: what was found."""
    keywords: tuple[str, ...]
    """With one of these a match begins; in lower case, unless ``case``."""
    pattern: str
    confidence: float
    case: bool = False
    """Whether upper and lower case are told apart."""
    steps: int = 0
    """What trying it at one place costs at most."""

    @property
    def rule(self) -> str:
        """The name that findings have and policies use."""
        return (
            f"injection.rule.{self.name}" if self.detector == "injection" else f"{self.detector}.{self.name}"
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A text, and which rules of the files hit it."""

    text: str
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What files of rules say together."""

    rows: tuple[RuleRow, ...] = ()
    examples: tuple[Example, ...] = ()
    drops: frozenset[str] = frozenset()
    """Rules of aiorch that no longer count."""


def read_rules(files: Mapping[str, str]) -> Rules:
    """The rules of these files, by name their text.

    :raises ValueError: for everything that is wrong with them, a line each.
    """
    wrong: list[str] = []
    rows: list[RuleRow] = []
    examples: list[Example] = []
    drops: set[str] = set()
    for file, text in files.items():
        try:
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as fault:
            wrong.append(f"{file} is no TOML: {fault}")
            continue
        unknown = sorted(table.keys() - {"rule", "example", "drops"})
        wrong += [
            f"{file}: {key!r} is unknown here; there is [[rule]], [[example]] and drops" for key in unknown
        ]
        rows += _rows(table.get("rule", []), file, wrong)
        examples += _examples(table.get("example", []), file, wrong)
        drops.update(_drops(table.get("drops", []), file, wrong))
    wrong = wrong or _together(rows, examples)
    if wrong:
        raise ValueError("\n".join(wrong))
    return Rules(tuple(rows), tuple(examples), frozenset(drops))


# --- one file ----------------------------------------------------------------------------------------------------


def _rows(said: object, file: str, wrong: list[str]) -> list[RuleRow]:
    rows: list[RuleRow] = []
    tables = _tables(said, f"{file}: rule", wrong)
    if len(tables) > MOST_RULES:
        wrong.append(f"{file} has {len(tables):,} rules, at most {MOST_RULES:,} are used")
        return rows
    for number, row in enumerate(tables, 1):
        where = f"{file}, rule {row.get('name', number)!r}"
        try:
            rows.append(_row(row))
        except ValueError as fault:
            wrong += [f"{where}: {line}" for line in str(fault).splitlines()]
    return rows


def _row(row: Mapping[str, Any]) -> RuleRow:
    wrong = [
        f"{key!r} is unknown here; there is {', '.join(sorted(_ROW))}" for key in sorted(row.keys() - _ROW)
    ]
    name, detector, what = row.get("name"), row.get("detector"), row.get("what")
    pattern, confidence, case = row.get("pattern"), row.get("confidence"), row.get("case", False)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wrong.append("name must be a word of a-z, 0-9 and _")
    if not isinstance(detector, str) or not _DETECTOR.fullmatch(detector):
        wrong.append(
            "detector must be a word of a-z, 0-9 and _: injection, secrets, pii, harmful, or one of your own"
        )
    elif detector in ARGUMENTS:
        wrong.append(f"the detector {detector} looks at arguments that a tool declares, and takes no rules")
    if not isinstance(what, str) or not what.strip() or len(what) > 200:
        wrong.append("what must say in up to 200 characters what was found")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence <= 1:
        wrong.append("confidence must be a number above 0, and at most 1")
    if not isinstance(case, bool):
        wrong.append("case must be true or false")
    keywords = _words(row.get("keywords"), wrong, lower=case is not True)
    needed = 0
    try:
        if not isinstance(pattern, str):
            raise ValueError("it must be a regular expression")
        needed = steps(pattern, ignore_case=case is not True)
    except ValueError as fault:
        wrong.append(f"pattern: {fault}")
    if wrong:
        raise ValueError("\n".join(wrong))
    return RuleRow(
        str(detector),
        str(name),
        str(what),
        keywords,
        str(pattern),
        float(cast("float", confidence)),
        bool(case),
        needed,
    )


def _words(said: object, wrong: list[str], *, lower: bool) -> tuple[str, ...]:
    words = cast("list[object]", said) if isinstance(said, list) else []
    if not 0 < len(words) <= MOST_KEYWORDS or not all(
        isinstance(word, str) and SHORTEST_KEYWORD <= len(word) <= 100 for word in words
    ):
        wrong.append(
            f"keywords must be a list of 1 to {MOST_KEYWORDS} texts of at least {SHORTEST_KEYWORD} characters: "
            "how a match begins"
        )
        return ()
    return tuple(dict.fromkeys(str(word).lower() if lower else str(word) for word in words))


def _examples(said: object, file: str, wrong: list[str]) -> list[Example]:
    examples: list[Example] = []
    for number, row in enumerate(_tables(said, f"{file}: example", wrong), 1):
        text, rules = row.get("text"), row.get("rules")
        fits = isinstance(text, str) and isinstance(rules, list) and set(row) == {"text", "rules"}
        if not fits or not all(isinstance(rule, str) for rule in cast("list[object]", rules)):
            wrong.append(f"{file}, example {number}: it has a text, and rules: the list of those that hit it")
            continue
        examples.append(Example(str(text), frozenset(cast("list[str]", rules))))
    return examples


def _drops(said: object, file: str, wrong: list[str]) -> Sequence[str]:
    names = cast("list[object]", said) if isinstance(said, list) else [said]
    bad = [name for name in names if not isinstance(name, str) or not _FULL.fullmatch(name)]
    wrong += [f"{file}: drops names {name!r}, which is no rule such as secrets.some_key" for name in bad]
    return [] if bad else cast("list[str]", names)


def _tables(said: object, where: str, wrong: list[str]) -> list[Mapping[str, Any]]:
    tables = cast("list[object]", said) if isinstance(said, list) else [said]
    if all(isinstance(table, Mapping) for table in tables):
        return cast("list[Mapping[str, Any]]", tables)
    wrong.append(f"{where} must be written as [[{where.rpartition(' ')[2]}]]")
    return []


# --- all files ---------------------------------------------------------------------------------------------------


def _together(rows: Sequence[RuleRow], examples: Sequence[Example]) -> list[str]:
    """What is wrong although each row is right."""
    from aiorch.safety.rule_patterns import STEPS

    wrong: list[str] = []
    if len(rows) > MOST_RULES:
        wrong.append(f"there are {len(rows):,} rules, at most {MOST_RULES:,} are used")
        return wrong
    if len(examples) > MOST_EXAMPLES:
        wrong.append(f"there are {len(examples):,} examples, at most {MOST_EXAMPLES:,} are tried")
    names = {row.rule for row in rows}
    for rule in sorted({rule for example in examples for rule in example.rules} - names):
        wrong.append(f"an example names {rule!r}, and these files have no such rule")
    shown = {rule for example in examples for rule in example.rules}
    wrong += [f"{rule} has no example: give a text that it hits" for rule in sorted(names - shown)]
    at_once: dict[str, int] = {}
    for row in rows:  # of one place, by its first letters: all rules that may be tried there
        for start in {keyword[:SHORTEST_KEYWORD].lower() for keyword in row.keywords}:
            at_once[start] = at_once.get(start, 0) + row.steps
    wrong += [
        f"the rules whose keywords begin with {start!r} can take {cost:,} steps at one place together, at most "
        f"{STEPS:,} are allowed: give them longer keywords that differ sooner, or simpler patterns"
        for start, cost in sorted(at_once.items())
        if cost > STEPS
    ]
    return wrong
