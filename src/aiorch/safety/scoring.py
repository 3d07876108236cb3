"""A small linear model over hashed features: how likely is it that a text is of one kind.

The model is a table of 8-bit weights in a package data file, read on first use; nothing but the standard library is
needed to score. A text is cut into tokens and the tokens into overlapping windows; a window's score is logistic in

    bias + words + pairs + classes

where words are the distinct words of the window with their pieces, pairs are its neighbours and next-but-one
neighbours, and classes are ordered pairs and triples of words that the model's own lexicon knows ("ignore",
"disregard" and "forget" are one class there). A text scores as its highest window does, less a little for every
doubling of the number of windows: who reads more finds more. Work and memory are linear in the text's length.

    model = HashedModel.read("injection")            # the file injection.model in safety/data
    model.score("What is the capital of France?")    # 0.5 is the threshold that a model ships with
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import chain, pairwise
from typing import cast

FORMAT = 1
"""Of model files. A file of another format is refused."""

_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # scripts without spaces: every sign is a token
    r"|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,40}(?:['\u2019][^\W\d_]{1,3})?"
    r"|\d{1,40}|\n{1,40}|[^\w\s]{1,3}|_{1,40}"
)
_NEXT, _SKIP, _SECOND, _THIRD = (
    0x9E3779B1,
    0x85EBCA6B,
    0xC2B2AE35,
    0x27D4EB2F,
)  # odd constants of usual hash mixers
_REACH = 7  # tokens from one word of a class pair to the next, at most
_NEAR = 2
_MANY = 32_768  # tokens from which windows no longer overlap: 100 KB of prose have 20,000
_REMEMBERED = 8192  # tokens whose pieces are not hashed again


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text, in characters, and its score from 0 to 1."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Shape:
    """How texts become features: what training and scoring must agree upon. Stored with the weights."""

    bits: int = 17
    """The table has 2**bits weights, a byte each."""
    window: int = 64
    """Tokens in a window."""
    stride: int = 32
    """Tokens from one window's start to the next."""
    class_value: float = 0.25
    """The value of a class feature. The words of a window share a length of 1, and so do its pairs."""
    lexicon: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Name of a class to its words, in lower case."""

    @property
    def mask(self) -> int:
        """What of a hash is a place in the table."""
        return (1 << self.bits) - 1

    def kinds(self) -> dict[str, int]:
        """The number of its class, from 1, for every word of the lexicon."""
        return {word: n for n, words in enumerate(self.lexicon.values(), 1) for word in words}

    def cuts(self, tokens: int) -> list[tuple[int, int]]:
        """The windows of a text of so many tokens. A text hardly longer than a window is one; in a text of very many
        tokens they do not overlap.
        """
        if tokens <= self.window + self.stride // 2:
            return [(0, tokens)]
        step = self.stride if tokens < _MANY else self.window
        starts = range(0, tokens - self.window + step, step)
        return [(start, min(start + self.window, tokens)) for start in starts]


def pieces(word: str) -> tuple[int, ...]:
    """Hashes of a word and of its pieces: three to five letters, or four and six bytes outside ASCII, where `<` and `>`
    are the word's ends.
    """
    own = zlib.crc32(word.encode("utf-8", "replace"))
    if len(word) < 3 or not word[0].isalpha():
        return (own,)
    marked = f"<{word}>".encode("utf-8", "replace")
    sizes = (3, 4, 5) if word.isascii() else (4, 6)
    crc = zlib.crc32
    return (own, *{crc(marked[i : i + n], n) for n in sizes for i in range(len(marked) - n + 1)})


def folded(token: str) -> str:
    """What a token counts as: in lower case, a number by its length, line ends as one or several."""
    first = token[0]
    if first == "\n":
        return token[:2]
    if first.isdecimal():
        return "0" * min(len(token), 4)
    return token.lower()


def pair_slots(hashes: Sequence[int], mask: int) -> tuple[list[int], list[int]]:
    """Places of each token with its neighbour, and with its next but one."""
    nexts = [(a * _NEXT ^ b) >> 3 & mask for a, b in pairwise(hashes)]
    skips = [(a * _SKIP ^ b) >> 3 & mask for a, b in zip(hashes, hashes[2:], strict=False)]
    return nexts, skips


def class_slots(kinds: Sequence[int], mask: int) -> list[tuple[int, tuple[int, ...]]]:
    """For each token of a class: its number, and the places of its pairs and triples with the ones just before it."""
    found: list[tuple[int, tuple[int, ...]]] = []
    before: list[tuple[int, int]] = []  # (token, class), the last three
    for at, kind in enumerate(kinds):
        if not kind:
            continue
        slots = [kind * _SECOND >> 3 & mask]
        for n, (there, other) in enumerate(before):
            if at - there <= _REACH:
                near = at - there <= _NEAR
                slots.append((other * _SECOND ^ kind * _THIRD ^ near) >> 2 & mask)
                if n and before[n - 1][0] >= there - _REACH:
                    first = before[n - 1][1]
                    slots.append((first * _NEXT ^ other * _SECOND ^ kind * _THIRD) >> 4 & mask)
        found.append((at, tuple(slots)))
        before = [*before[-2:], (at, kind)]
    return found


def features(text: str, shape: Shape) -> list[tuple[int, int, dict[int, float]]]:
    """For training: the features of each window of a text, place in the table to value, with the window's start and end
    in characters. What `HashedModel` does fast, done plainly; a test holds the two together.
    """
    matches = [(m.start(), m.end(), folded(m.group())) for m in _TOKEN.finditer(text)]
    kinds_of, mask = shape.kinds(), shape.mask
    hashed = [pieces(word) for _, _, word in matches]
    nexts, skips = pair_slots([own[0] for own in hashed], mask)
    classes = class_slots([kinds_of.get(word, 0) for _, _, word in matches], mask)
    out: list[tuple[int, int, dict[int, float]]] = []
    for a, b in shape.cuts(len(matches)):
        values: dict[int, float] = {}
        words = {own[0]: own for own in hashed[a:b]}
        for own in words.values():
            for n, slot in enumerate(own):
                value = 1.0 if n == 0 else 1.0 / math.sqrt(len(own) - 1)
                values[slot & mask] = values.get(slot & mask, 0.0) + value / math.sqrt(len(words))
        pairs = set(nexts[a : max(a, b - 1)]) | set(skips[a : max(a, b - 2)])
        for slot in pairs:
            values[slot] = values.get(slot, 0.0) + 1.0 / math.sqrt(len(pairs))
        for slot in {slot for at, slots in classes if a <= at < b for slot in slots}:
            values[slot] = values.get(slot, 0.0) + shape.class_value
        out.append((matches[a][0] if matches else 0, matches[b - 1][1] if matches else 0, values))
    return out


class HashedModel:
    """Weights with their shape.

    `bias` is added to every window, `breadth` is taken off a text's score for each doubling of its number of windows;
    both are in units of log odds.

    Raises `ValueError` where weights and shape do not fit.
    """

    def __init__(
        self,
        weights: bytes,
        *,
        scale: float,
        bias: float,
        shape: Shape,
        breadth: float = 0.0,
        version: str = "",
    ) -> None:
        if len(weights) != 1 << shape.bits:
            raise ValueError(
                f"a model of {shape.bits} bits has {1 << shape.bits} weights, not {len(weights)}"
            )
        self.shape, self.bias, self.scale, self.breadth, self.version = shape, bias, scale, breadth, version
        table = array("b")
        table.frombytes(weights)
        self._table = table
        self._kinds = shape.kinds()
        self._token = lru_cache(_REMEMBERED)(self._weigh)

    @classmethod
    def read(cls, name: str) -> HashedModel:
        """The model of that name that aiorch ships, from its package data."""
        return cls.loads((files("aiorch.safety") / "data" / f"{name}.model").read_bytes())

    @classmethod
    def loads(cls, data: bytes) -> HashedModel:
        """A model from its file's bytes: a line of JSON, then the weights, compressed.

        Raises `ValueError` if the bytes are no model of this format, or damaged.
        """
        head, _, body = data.partition(b"\n")
        try:
            said = cast("dict[str, object]", json.loads(head))
            weights = zlib.decompress(body)
            if said["format"] != FORMAT:
                raise ValueError(f"a model of format {said['format']}; this version reads {FORMAT}")
            if said["sha256"] != hashlib.sha256(weights).hexdigest():
                raise ValueError("the weights are not the ones that were written")
            shape = Shape(**cast("dict[str, int]", said["shape"]))  # pyright: ignore[reportArgumentType]
            numbers = cast("dict[str, float]", said)
            return cls(
                weights,
                scale=numbers["scale"],
                bias=numbers["bias"],
                breadth=numbers["breadth"],
                shape=shape,
                version=str(said["version"]),
            )
        except (KeyError, TypeError, zlib.error) as error:
            raise ValueError(f"no model that can be read: {error!r}") from error

    @property
    def weights(self) -> bytes:
        """The table, a signed byte each."""
        return self._table.tobytes()

    def dumps(self) -> bytes:
        """The bytes of its file."""
        weights = self.weights
        shape = self.shape
        said = {
            "format": FORMAT,
            "version": self.version,
            "sha256": hashlib.sha256(weights).hexdigest(),
            "scale": self.scale,
            "bias": self.bias,
            "breadth": self.breadth,
            "shape": {
                "bits": shape.bits,
                "window": shape.window,
                "stride": shape.stride,
                "class_value": shape.class_value,
                "lexicon": {name: list(words) for name, words in shape.lexicon.items()},
            },
        }
        return (
            json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
            + b"\n"
            + zlib.compress(weights, 9)
        )

    def score(self, text: str) -> float:
        """0 to 1 for the whole text: its highest window, less what many windows find by chance."""
        return self.highest(text).score

    def highest(self, text: str) -> Window:
        """The highest window of a text, with the score of the whole text."""
        logits = self._logits(text)
        start, end, most = max(logits, key=lambda window: window[2])
        return Window(start, end, logistic(most - self.breadth * math.log2(len(logits))))

    def windows(self, text: str) -> list[Window]:
        """Every window with the score that it would have alone."""
        return [Window(start, end, logistic(logit)) for start, end, logit in self._logits(text)]

    def _logits(self, text: str) -> list[tuple[int, int, float]]:
        starts, ends, hashes, weights, kinds = self._read(text)
        nexts, skips = pair_slots(hashes, self.shape.mask)
        classes = class_slots(kinds, self.shape.mask)
        table, scale, bias = self._table, self.scale, self.bias
        by_slot = table.__getitem__
        class_value = self.shape.class_value
        out: list[tuple[int, int, float]] = []
        first = 0
        for a, b in self.shape.cuts(len(hashes)):
            words = dict(zip(hashes[a:b], weights[a:b], strict=True))
            sum_ = sum(words.values()) / math.sqrt(len(words)) if words else 0.0
            pairs = set(nexts[a : max(a, b - 1)])
            pairs.update(skips[a : max(a, b - 2)])
            if pairs:
                sum_ += sum(map(by_slot, pairs)) / math.sqrt(len(pairs))
            while first < len(classes) and classes[first][0] < a:
                first += 1
            last = first
            while last < len(classes) and classes[last][0] < b:
                last += 1
            if last > first:
                slots = set(chain.from_iterable(slots for _, slots in classes[first:last]))
                sum_ += class_value * sum(map(by_slot, slots))
            out.append((starts[a] if starts else 0, ends[b - 1] if ends else 0, bias + scale * sum_))
        return out

    def _read(self, text: str) -> tuple[list[int], list[int], list[int], list[float], list[int]]:
        starts: list[int] = []
        ends: list[int] = []
        hashes: list[int] = []
        weights: list[float] = []
        kinds: list[int] = []
        token = self._token
        for match in _TOKEN.finditer(text):
            start, end = match.span()
            own, weight, kind = token(match.group())
            starts.append(start)
            ends.append(end)
            hashes.append(own)
            weights.append(weight)
            kinds.append(kind)
        return starts, ends, hashes, weights, kinds

    def _weigh(self, text: str) -> tuple[int, float, int]:
        """A token's hash, the weight of itself and its pieces, and its class."""
        word = folded(text)
        own, *rest = pieces(word)
        table, mask = self._table, self.shape.mask
        weight = float(table[own & mask])
        if rest:
            weight += sum(table[slot & mask] for slot in rest) / math.sqrt(len(rest))
        return own, weight, self._kinds.get(word, 0)


def logistic(logit: float) -> float:
    """Log odds as a probability, without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1.0 + odds)
