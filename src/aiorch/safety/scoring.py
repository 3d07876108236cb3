"""A small linear model over hashed features: how likely is it that a text is of one kind.

The model is a table of 8-bit weights in a package data file, read on first use; nothing but the standard library is
needed to score. A text is cut into tokens and the tokens into overlapping windows; a window's score is logistic in

    bias + words + pairs + classes

where words are the distinct words and the pieces of words in the window, pairs are neighbours and next-but-one
neighbours, and classes are ordered pairs and triples of words that the model's own lexicon puts into one class
("ignore", "disregard", "forget"). A text scores as its highest window does, less a little for every doubling of the
number of windows: who reads more finds more. Work and memory are linear in the text's length.

    model = HashedModel.read("injection")          # safety/data/injection.model
    model.score("What is the capital of France?")  # 0.02: 0.5 is the threshold that the model ships with
"""

from __future__ import annotations

import json
import math
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from operator import itemgetter

FORMAT = 1
"""Of model files. A file of another format is refused."""

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # scripts without spaces: every sign is a token
    r"|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,40}(?:['\u2019][^\W\d_]{1,3})?"
    r"|\d{1,40}|\n{1,40}|[^\w\s]{1,3}|_{1,40}"
)
_BITS32 = 0xFFFFFFFF
_MIX_NEXT, _MIX_SKIP, _MIX_CLASS = 0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35  # odd constants of the usual hash mixers
_CLASS_REACH = 6  # tokens between two words of a class pair, at most
_CLASS_NEAR = 2
_REMEMBERED = 8192  # tokens whose pieces are not hashed again


@dataclass(frozen=True, slots=True)
class Token:
    """What the features of a token need, computed once for each different token."""

    hash: int
    """32 bits, of the lower-case text; all numbers of equal length are one."""
    slots: tuple[int, ...]
    """Where its own weight and those of its pieces stand; the first is its own."""
    kind: int
    """The number of its class in the lexicon, or 0."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text, in characters, and its score."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Shape:
    """How texts become features: what training and scoring must agree upon."""

    bits: int = 17
    """The table has 2**bits weights, a byte each."""
    window: int = 64
    """Tokens in a window."""
    stride: int = 32
    """Tokens from one window's start to the next."""
    class_value: float = 0.25
    """The value of a class feature. Word and pair features share a length of 1 in each window."""
    lexicon: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Class name to its words, in lower case."""

    def __post_init__(self) -> None:
        kinds = {word: n for n, words in enumerate(self.lexicon.values(), 1) for word in words}
        object.__setattr__(self, "_kinds", kinds)
        object.__setattr__(self, "token", lru_cache(_REMEMBERED)(self._token))

    def _token(self, text: str) -> Token:
        word = text.lower()
        if word[0].isdecimal():
            word = "0" * min(len(word), 4)
        elif word[0] == "\n":
            word = "\n" * min(len(word), 2)
        own = zlib.crc32(word.encode("utf-8", "replace"))
        return Token(own, (own & self.mask, *self._pieces(word)), self._kinds.get(word, 0))  # pyright: ignore
