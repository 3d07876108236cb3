"""What stands in place of what was found: nothing, stars, a hash, or a pseudonym that the answer gives back.

names = Pseudonyms(rng)
asked = names.hide(text, detector.scan(text))        # "write to <EMAIL_1_k3x9>"
answer = names.restore(said)                         # the address again, wherever the model used its stand-in
"""

from __future__ import annotations

import hmac
import random
import re
import string
from collections.abc import Callable, Iterable

from aiorch.safety.detection import Finding
from aiorch.safety.redaction import REDACTED
from aiorch.types import StreamVerdict


def replaced(text: str, findings: Iterable[Finding], by: Callable[[Finding, str], str]) -> str:
    """``text`` with ``by(finding, value)`` in place of each finding; of those that overlap, the first and longest."""
    parts: list[str] = []
    at = 0
    for finding in sorted(findings, key=lambda f: (f.span[0], -f.span[1])):
        low, high = finding.span
        if low < at or high <= low:
            continue
        parts += [text[at:low], by(finding, text[low:high])]
        at = high
    return "".join([*parts, text[at:]]) if parts else text


def redact(text: str, findings: Iterable[Finding]) -> str:
    """``text`` with ``[redacted]`` for each finding."""
    return replaced(text, findings, lambda _, value: REDACTED)


def mask(text: str, findings: Iterable[Finding], keep: int = 4) -> str:
    """``text`` with stars for all but the last ``keep`` letters and digits; at most a quarter of a value stays.

    >>> mask("card 4242 4242 4242 4242", [Finding("pii.card", (5, 24), 1.0, "a card")])
    'card **** **** **** 4242'
    """
    return replaced(text, findings, lambda _, value: _masked(value, keep))


def _masked(value: str, keep: int) -> str:
    left = min(keep, sum(c.isalnum() for c in value) // 4)
    hidden: list[str] = []
    for sign in reversed(value):
        if sign.isalnum() and left:
            left -= 1
            hidden.append(sign)
        else:
            hidden.append("*" if sign.isalnum() else sign)
    return "".join(reversed(hidden))


def hashed(text: str, findings: Iterable[Finding], key: bytes) -> str:
    """``text`` with a keyed hash for each finding: equal values can be told to be equal, and nothing else.

    :param key: kept secret; without one, numbers of cards and phones are found again by trying them all.
    :raises ValueError: for an empty key.
    """
    if not key:
        raise ValueError(
            "hashing values needs a key: without one, short numbers are found again by trying them all"
        )

    def short(finding: Finding, value: str) -> str:
        return f"<{_kind(finding)}#{hmac.digest(key, value.encode('utf-8', 'surrogatepass'), 'sha256').hex()[:16]}>"

    return replaced(text, findings, short)


class Pseudonyms:
    """Stand-ins that one task uses consistently, and the way back. Lives as long as its task and is never stored.

    >>> names = Pseudonyms(random.Random(1))
    >>> hidden = names.hide("ann@mail.net", [Finding("pii.email", (0, 12), 1.0, "an address")])
    >>> hidden.startswith("<EMAIL_1_"), names.restore(f"Dear {hidden}!")
    (True, 'Dear ann@mail.net!')
    """

    def __init__(self, rng: random.Random | None = None, *, tag: str | None = None) -> None:
        """:param rng: makes the tag that nobody else's text can guess; by default the system's.
        :param tag: of an earlier process, whose pseudonyms are to mean the same here.
        """
        draw = rng or random.SystemRandom()
        self._tag = tag or "".join(draw.choices(string.ascii_lowercase + string.digits, k=4))
        self._by_value: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._beginnings: set[str] = set()
        self._shape = re.compile(rf"<[^<>]{{1,80}}_{self._tag}>")
        self._counts: dict[str, int] = {}

    def hide(self, text: str, findings: Iterable[Finding]) -> str:
        """``text`` with a stand-in for each finding; the same value always gets the same one."""
        return replaced(text, findings, lambda finding, value: self._stand_in(text, _kind(finding), value))

    def restore(self, text: str) -> str:
        """``text`` with the values back in place of their stand-ins."""
        if self._tag not in text:
            return text
        return self._shape.sub(lambda name: self._values.get(name[0], name[0]), text)

    def conceal(self, text: str) -> str:
        """``text`` with the stand-ins that there are, wherever one of their values stands in it."""
        for name, value in sorted(self._values.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(value, name)
        return text

    def restoring(self) -> Restoring:
        """A stream validator that restores while an answer is written."""
        return Restoring(self)

    def begins(self, text: str) -> bool:
        """Could ``text`` be the beginning of a stand-in?"""
        return text in self._beginnings

    def _stand_in(self, text: str, kind: str, value: str) -> str:
        name = self._by_value.get((kind, value))
        while name is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            made = f"<{kind}_{self._counts[kind]}_{self._tag}>"
            if made not in text:  # what is in the text already must not be taken for ours
                name = self._by_value[kind, value] = made
                self._values[made] = value
                self._beginnings.update(made[:end] for end in range(1, len(made) + 1))
        return name

    def __repr__(self) -> str:
        return f"<Pseudonyms for {len(self._values)} values>"


class Restoring:
    """Puts values back into an answer that comes in pieces; holds back what could still become a stand-in."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._held = ""

    def feed(self, piece: str) -> StreamVerdict:
        """Take one more piece."""
        text = self._held + piece
        opened = text.rfind("<")
        if opened >= 0 and ">" not in text[opened:] and self._names.begins(text[opened:]):
            self._held = text[opened:]
            text = text[:opened]
        else:
            self._held = ""
        return StreamVerdict(self._names.restore(text))

    def close(self) -> StreamVerdict:
        """Whatever is held back is no stand-in."""
        held, self._held = self._held, ""
        return StreamVerdict(held)


def _kind(finding: Finding) -> str:
    return finding.rule.rpartition(".")[2].upper()
