"""Secrets in an answer while it is written: held back until it is certain that they are none.

The text is taken word by word. A word that could be a secret is looked at when it is complete, with what stood before
it; all others pass at once. So what is shown does not depend on how a provider cuts its answer into pieces.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from aiorch.safety.detection import Detector, Finding
from aiorch.safety.policy import issue_of
from aiorch.safety.redaction import REDACTED
from aiorch.types import Action, Issue, StreamVerdict

HELD = 4096
"""Characters of one word that are held back at most; of a longer one the first half passes when this much is there."""
BLOCK_HELD = 12_000
"""Characters of a private key that are held back at most."""
BEFORE = 240
"""Characters of what was shown that are looked at again with a word, since they may make it a secret."""

_END = re.compile(r"[\s\"'`<>,;]")
_HEAD = "-----BEGIN "
_PRIVATE = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY")
_UNDECIDED = re.compile(r"[A-Z0-9 ]{0,56}")


class SecretStream:
    """A stream validator that takes secrets out of an answer, or stops it at the first one.

    >>> from aiorch.safety.secrets import Secrets
    >>> stream = SecretStream(Secrets())
    >>> key = "sk-or-" + "v1-" + "0123456789abcdef" * 4
    >>> shown = [stream.feed(p).release for p in ("It is ", key[:20], key[20:], " now")]
    >>> "".join(shown) + stream.close().release
    'It is [redacted] now'
    """

    def __init__(
        self, detector: Detector, action: Literal["redact", "block"] = "redact", *, least: float = 0.5
    ) -> None:
        """:param least: findings below this confidence pass."""
        self._detector = detector
        self._blocks = action == "block"
        self._least = least
        self._held = ""
        self._shown = ""  # the end of what was decided, as it was before anything was taken out
        self._blocked = False
        self._at = 0  # where in the answer ``_held`` begins

    def feed(self, piece: str) -> StreamVerdict:
        """Take one more piece; what is sure to hold no secret is released. Nothing is after a block."""
        if self._blocked:
            return StreamVerdict("", blocked=True)
        self._held += piece
        return self._decide(closed=False)

    def close(self) -> StreamVerdict:
        """The answer is complete; the rest is looked at and released."""
        if self._blocked:
            return StreamVerdict("", blocked=True)
        return self._decide(closed=True)

    def _decide(self, *, closed: bool) -> StreamVerdict:
        released: list[str] = []
        issues: list[Issue] = []
        start = 0
        while (end := _unit(self._held, start, closed=closed)) > start:
            # A word too long to hold is cut: then what follows is looked at too, and the cut gives way to a secret.
            cut = end - start == HELD // 2 and _END.search(self._held, start, end + 1) is None
            found = self._found(start, end, min(len(self._held), start + HELD) if cut and not closed else end)
            at = start
            for finding in found:
                low, high = finding.span
                released += [self._held[at:low], REDACTED]
                at = high
                issues.append(_issue(finding, self._at, "block" if self._blocks else "redact"))
            end = max(end, at)
            released.append(self._held[at:end])
            if issues and self._blocks:
                self._held, self._blocked = "", True
                return StreamVerdict("", tuple(issues), blocked=True)
            self._shown = (self._shown + self._held[start:end])[-BEFORE:]
            start = end
        self._held = self._held[start:]
        self._at += start
        return StreamVerdict("".join(released), tuple(issues))

    def _found(self, start: int, end: int, last: int) -> list[Finding]:
        """Secrets that begin between ``start`` and ``end`` and end by ``last``, in characters of what is held."""
        unit = self._held[start:last]
        if not _telling(unit):
            return []
        before = self._shown
        if len(before) >= BEFORE:  # its first word may be half of one
            whole = _END.search(before)
            before = before[whole.end() :] if whole else before[-1:]
        offset = start - len(before)
        found: list[Finding] = []
        at = start
        for finding in sorted(
            self._detector.scan(before + unit + self._held[last : last + 1]), key=lambda f: f.span
        ):
            low, high = finding.span[0] + offset, min(last, finding.span[1] + offset)
            if finding.confidence >= self._least and at <= low < end and low < high:
                found.append(Finding(finding.rule, (low, high), finding.confidence, finding.what))
                at = high
        return found


def _telling(unit: str) -> bool:
    """False for what is no secret whatever stands before it: short words, and words of letters only."""
    word = unit.strip(" \t\r\n\"'`<>,;.!?:()[]{}*")
    return len(word) >= 5 and not (len(word) < 16 and word.isalpha())


def _unit(text: str, start: int, *, closed: bool) -> int:
    """Where the unit that begins at ``start`` ends: a word without what ends it, what ends a word, or a private key.
    ``start`` when more must be known first. Depends on the text alone, never on how much of it has come so far.
    """
    if start >= len(text):
        return start
    if _END.match(text, start):
        return start + 1
    found = _END.search(text, start, start + HELD)
    if found is not None:
        end = found.start()
        # The word is complete. Does a private key begin with it?
        if found.group() == " " and text.endswith(_HEAD.rstrip(), start, end):
            return _block(text, start, end - len(_HEAD) + 1, end, closed=closed)
        return end
    if len(text) - start > HELD:
        return start + HELD // 2
    return len(text) if closed else start


def _block(text: str, start: int, head: int, word: int, *, closed: bool) -> int:
    """The end of the private key whose head begins at ``head``; the end of the first word, where it is none."""
    if _PRIVATE.match(text, head) is None:
        undecided = _UNDECIDED.fullmatch(text, head + len(_HEAD)) is not None
        return start if undecided and not closed else word
    last = head + BLOCK_HELD
    tail = text.find("-----END", head, last)
    if tail >= 0:
        return tail
    if len(text) > last:
        return last
    return len(text) if closed else start


def _issue(finding: Finding, at: int, action: Action) -> Issue:
    low, high = finding.span
    return issue_of(replace(finding, span=(at + low, at + high)), action)
