"""Is an answer right? Pure, the same for every model, and no model is asked to judge.

A grader takes an answer with what models usually put around one (thinking, a code fence, "The answer is ...", bold
print) and is strict about the rest: an answer that names two solutions is wrong, as is one that names none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, cast

from aiorch.protocols import SandboxResult
from aiorch.quality.answers import NoJSON, fenced, json_in

THINKING = re.compile(r".*</think>", re.DOTALL)
FENCE_LINE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^`\n]*$", re.MULTILINE)
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
DECORATION = str.maketrans("", "", "*`$\\")
QUOTES = "\"'“”„«»‘’「」『』 \t"
SAYS_SO = re.compile(
    r"(?:\banswer|\bantwort|\brespuesta|\bréponse|答案)\s*(?:is|ist|es|est|是|:|：|=)+\s*", re.IGNORECASE
)
NUMBER = r"(?<![\w.,:])[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w:])|(?<![\w.,:])[-−]?\d+(?:\.\d+)?(?![\w:])"


class Grader(Protocol):
    """Tells right answers from wrong ones."""

    def accepts(self, answer: str) -> bool:
        """True when ``answer`` is right."""
        ...


@dataclass(frozen=True, slots=True)
class Pick:
    """The right one of all that could be an answer: a number, a name of a few, a time.

    >>> weekday = Pick(("Friday",), r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day")
    >>> weekday.accepts("The answer is **Friday**."), weekday.accepts("Friday or Sunday")
    (True, False)
    """

    right: tuple[str, ...]
    """The spellings of the right one."""
    like: str
    """A regular expression that finds everything which could be meant as an answer."""
    given: tuple[str, ...] = ()
    """What of that kind the question names itself: it may be repeated on the way to the answer."""

    def accepts(self, answer: str) -> bool:
        """True when the right one is named, and no other."""
        said = stated(answer)
        for where in (said, said.rpartition("=")[2], last_line(said)):
            found = self._named(where)
            if len(found) == 1:
                return found <= self._names(self.right)
        left = self._named(said) - self._names(self.given)
        return bool(left) and left <= self._names(self.right)

    def _named(self, text: str) -> set[str]:
        return self._names(re.findall(self.like, text, re.IGNORECASE))

    def _names(self, found: Sequence[str]) -> set[str]:
        return {_canonical(one) for one in found}


def number(right: int, *given: int) -> Pick:
    """The grader of a question whose answer is a number.

    >>> number(127, 6, 24, 17).accepts("6 x 24 = 144, and 144 - 17 = 127.")
    True

    :param given: the numbers that the question names.
    """
    return Pick((str(right),), NUMBER, tuple(map(str, given)))


@dataclass(frozen=True, slots=True)
class Says:
    """Exactly this text, alone or on the last line.

    >>> Says(("N-E-T",)).accepts("Here it is:\\n`N-E-T`")
    True
    """

    right: tuple[str, ...]

    def accepts(self, answer: str) -> bool:
        """True when the answer is one of the texts, letter by letter."""
        said = stated(answer)
        return any(_trimmed(text) in self.right for text in (said, last_line(said)))


@dataclass(frozen=True, slots=True)
class Sentence:
    """Any one sentence that keeps to rules.

    >>> Sentence(words=3, containing="rain", without="e").accepts("Rain falls softly.")
    True
    """

    words: int
    """So many words."""
    containing: str
    """This word among them."""
    without: str
    """This letter nowhere."""

    def accepts(self, answer: str) -> bool:
        """True when every rule is kept."""
        said = _trimmed(_plain(answer)).casefold()
        words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", said)
        return len(words) == self.words and self.containing in words and self.without not in said


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object with exactly these values.

    Letter case, white space and the order of a list do not matter; types do: ``"3"`` is not 3.

    >>> Fields({"city": "Oslo", "people": 3}).accepts('```json\\n{"people": 3, "city": "oslo"}\\n```')
    True
    """

    right: Mapping[str, Any]

    def accepts(self, answer: str) -> bool:
        """True when the object holds these values, all of them and no others."""
        try:
            return same(json_in(_after_thinking(answer)), self.right)
        except NoJSON:
            return False


@dataclass(frozen=True, slots=True)
class Program:
    """A Python function that passes tests. Foreign code: it is judged by what a sandbox says of it."""

    function: str
    tests: str
    """Statements that fail (``assert``) where the function is wrong; it is imported before them."""

    command: tuple[str, ...] = ("python3", "check.py")

    def files(self, answer: str) -> Mapping[str, bytes] | None:
        """What to run :attr:`command` among; ``None`` where the answer holds no such function."""
        source = self.source(answer)
        if source is None:
            return None
        check = f"from solution import {self.function}\n\n{self.tests}\nprint({PASSED!r})\n"
        return {"solution.py": source.encode("utf-8", "replace"), "check.py": check.encode()}

    def source(self, answer: str) -> str | None:
        """The code in an answer: the last block that defines the function, or all of it where nothing is fenced."""
        said = _after_thinking(answer)
        defines = re.compile(rf"^(?:async )?def {re.escape(self.function)}\b", re.MULTILINE)
        blocks = [block for block in fenced(said) or [said] if defines.search(block)]
        return f"{blocks[-1].strip()}\n" if blocks else None

    def judged(self, result: SandboxResult) -> bool:
        """True when every test was passed: a program that ends itself early has not said so."""
        return (
            result.exit_code == 0
            and result.killed is None
            and last_line(result.stdout.strip()).strip() == PASSED
        )


PASSED = "all tests passed"


def same(found: Any, right: Any) -> bool:
    """Whether a value of JSON is the expected one.

    >>> same(["b", "A "], ["a", "B"]), same(3.0, 3), same("3", 3), same(True, 1)
    (True, True, False, False)
    """
    if isinstance(right, Mapping):
        wanted = cast("Mapping[str, Any]", right)
        if not isinstance(found, Mapping):
            return False
        there = cast("Mapping[str, Any]", found)
        return there.keys() == wanted.keys() and all(same(there[key], wanted[key]) for key in wanted)
    if isinstance(right, list | tuple):
        return isinstance(found, list) and _same_items(cast("list[Any]", found), cast("Sequence[Any]", right))
    if isinstance(right, bool) or right is None or isinstance(found, bool):
        return found is right
    if isinstance(right, str):
        return isinstance(found, str) and _folded(found) == _folded(right)
    return isinstance(found, int | float) and found == right


def _same_items(found: list[Any], right: Sequence[Any]) -> bool:
    left = list(found)
    for wanted in right:
        match = next((i for i, one in enumerate(left) if same(one, wanted)), None)
        if match is None:
            return False
        del left[match]
    return not left


# --- what an answer says -----------------------------------------------------------------------------------------


def thought_only(answer: str) -> bool:
    """True where thinking was begun and never ended, so that there is no answer behind it."""
    return answer.lstrip().startswith("<think>") and "</think>" not in answer


def stated(answer: str) -> str:
    """The part of an answer that says the solution: a box, what follows "the answer is", or all of it.

    >>> stated("Let me see. The answer is: **42**.")
    '42.'
    """
    said = _after_thinking(answer)
    if boxed := BOXED.findall(said):
        return str(boxed[-1])
    said = _plain(said)
    *_, behind = SAYS_SO.split(said)
    return behind.strip() or said


def last_line(text: str) -> str:
    """The last line with something on it.

    >>> last_line("one\\ntwo\\n")
    'two'
    """
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _after_thinking(answer: str) -> str:
    return "" if thought_only(answer) else THINKING.sub("", answer)


def _plain(answer: str) -> str:
    """Without thinking, fences and decoration."""
    return FENCE_LINE.sub("", _after_thinking(answer)).translate(DECORATION).strip()


def _trimmed(text: str) -> str:
    """Without quotes around it and the full stop behind it."""
    return text.strip().strip(QUOTES).rstrip(".。").strip(QUOTES)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _canonical(text: str) -> str:
    """One spelling of a number, a time or a name."""
    folded = _folded(text).replace("−", "-").replace(",", "")
    if re.fullmatch(r"-?\d+(?:\.\d+)?", folded):
        plain = f"{Decimal(folded):f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return folded.removeprefix("0") if re.fullmatch(r"0\d:\d\d", folded) else folded
