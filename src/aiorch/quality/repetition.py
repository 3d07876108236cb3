"""Answers that go round in circles: the same words over and over, up to the end of the tokens.

Small models do that. What must not be taken for it: tables with equal cells, rules made of dashes, indented code, lists
that begin alike, a chorus. So only *verbatim* repetition *without a gap* counts, and it must be long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TOKEN = re.compile(r"\w+|([^\w\s])\1*")
"""A word, or a run of one sign (a rule of dashes is one token). White space does not count."""
NUMBERING = re.compile(r"^[ \t]*\d{1,4}[.)][ \t]+", re.MULTILINE)
"""``17. `` before a list's item: the same item under new numbers is a circle too."""
WINDOW = 3
"""Tokens that must recur before a circle is suspected."""
LONG_WORD = 120
"""Characters of one token from which it is looked at by itself (``ahahahah...``)."""


@dataclass(frozen=True, slots=True)
class Loop:
    """The longest circle in a text."""

    unit: str
    """What is repeated."""
    times: int
    """How often it stands there."""
    share: float
    """The part of the text's tokens that it takes up, 0 to 1."""
    at_end: bool
    """Whether the text ends in it (perhaps in the middle of a repetition)."""

    @property
    def degenerate(self) -> bool:
        """Whether it is too much for an answer.

        The thresholds are ours. Of 12,812 published answers, of fifteen models and more, six reach them, each a real
        circle; of the 1,790 source files of Python 3.11's standard library, its own tests included, none does.
        """
        letters = sum(c.isalpha() for c in self.unit)
        if letters >= 20:  # a sentence or a line of code
            return (self.times >= 8 and self.share >= 0.3) or (self.times >= 4 and self.share >= 0.6)
        if letters >= 2:  # a word or two: a column of equal cells may be that long
            return self.times >= 25 and self.share >= 0.5
        return self.times >= 200 and self.share >= 0.6  # figures: a matrix of zeros is a fair answer


SHORTEST_CIRCLE = 50
"""Characters of the shortest text that :attr:`Loop.degenerate` can be true of: two letters, 25 times."""


def longest_loop(text: str) -> Loop | None:
    """The verbatim repetition that takes up most of ``text``; ``None`` when nothing is repeated.

    Takes time in proportion to the text's length.
    """
    plain = NUMBERING.sub("", text)
    spans = [m.span() for m in TOKEN.finditer(plain)]
    tokens = [plain[a:b].lower() for a, b in spans]
    runs = [_in_words(plain, spans, tokens), _in_one_word(tokens)]
    return max((r for r in runs if r), key=lambda r: r.share, default=None)


def _in_words(plain: str, spans: Sequence[tuple[int, int]], tokens: Sequence[str]) -> Loop | None:
    best_length, best_start, best_period = 0, 0, 1
    last_seen: dict[tuple[str, ...], int] = {}
    # Of the run that ends at this token: its period, and how many tokens equal the ones a period before.
    period, length = 0, 0
    for i, token in enumerate(tokens):
        if period and token == tokens[i - period]:
            length += 1
        else:
            period, length = 0, 0
        if i + 1 >= WINDOW:
            window = tuple(tokens[i + 1 - WINDOW : i + 1])
            if not period and window in last_seen:
                period, length = i - last_seen[window], WINDOW
            last_seen[window] = i
        if period and length >= period and length + period > best_length:
            best_length, best_start, best_period = length + period, i + 1 - length - period, period
    if not best_length:
        return None
    unit = plain[spans[best_start][0] : spans[best_start + best_period - 1][1]]
    return Loop(
        unit,
        best_length // best_period,
        best_length / len(tokens),
        best_start + best_length == len(tokens),
    )


def _in_one_word(tokens: Sequence[str]) -> Loop | None:
    """``hahaha...`` or ``0000...`` as one token; its smallest period is told by the KMP failure function."""
    word = max(tokens, key=len, default="")
    if len(word) < LONG_WORD or not word[0].isalnum():
        return None
    failure = [0] * len(word)
    k = 0
    for i in range(1, len(word)):
        while k and word[i] != word[k]:
            k = failure[k - 1]
        k += word[i] == word[k]
        failure[i] = k
    period = len(word) - failure[-1]
    if period * 2 > len(word):
        return None
    share = len(word) / sum(map(len, tokens))
    return Loop(word[:period], len(word) // period, share, tokens[-1] == word)
