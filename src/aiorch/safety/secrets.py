"""Keys, tokens, passwords and private keys in a text.

Three layers, each linear in the text's length. Formats: keys that say themselves whose they are, found anywhere. Blocks:
private keys, JSON web tokens, addresses with a password. Context: values that only their surroundings make a secret, held
to entropy and shape. What begins like a known format and breaks off is not a key, and no context makes it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from aiorch.safety.detection import Finding

if TYPE_CHECKING:
    from aiorch.safety.secret_rules import Format

LEAST = 0.5
"""Findings below this confidence are not reported."""

_LONG = re.compile(r"[^\s\"'`<>,;]{16,}")
"""What could hold a key: nothing shorter is one without its context."""


class Secrets:
    """The detector of secrets.

    >>> [f.rule for f in Secrets().scan("use AKIA" + "QWERTZ2345ASDFGH" + " for it")]
    ['secrets.aws_access_key']
    """

    name = "secrets"

    def scan(self, text: str) -> Sequence[Finding]:
        """Every secret, the surest where several rules see the same one; in the order of the text."""
        from aiorch.safety.secret_blocks import blocks
        from aiorch.safety.secret_context import in_context

        found = [*formats(text), *blocks(text)]
        taken = [f.span for f in found]
        found += in_context(text, taken)
        return _surest([f for f in found if f.confidence >= LEAST])

    def formats(self, text: str) -> Sequence[Finding]:
        """Only what says itself whose key it is: sure, and quick enough for every log line."""
        return _surest([f for f in formats(text) if f.confidence >= 0.9])


def formats(text: str) -> Iterator[Finding]:
    """Keys of known formats, wherever they stand; and, with confidence 0, what begins like one and is none."""
    from aiorch.safety.secret_values import CHECKSUMS, entropy, placeholder

    begins, by_root = _beginnings()
    for run in _LONG.finditer(text):
        start, end = run.span()
        done = start
        for hit in begins.finditer(text, start, end):
            at = hit.start()
            if at < done:
                continue
            malformed = None
            for number in by_root[hit.group()]:
                form, pattern, sure = _format(number)
                match = pattern.match(text, at)
                if match is None:
                    if sure is not None and malformed is None:
                        malformed = sure.match(text, at)
                    continue
                key = match.group()
                body = key[match.end(1) - at :]
                if entropy(body) < form.entropy or placeholder(body):
                    continue
                certain = bool(form.checksum) and CHECKSUMS[form.checksum](key)
                confidence = 0.99 if certain else form.confidence
                yield Finding(f"secrets.{form.name}", match.span(), confidence, form.what)
                done = match.end()
                break
            else:
                if malformed is not None:
                    yield Finding("secrets.malformed", malformed.span(), 0.0, "what begins like a key and is none")
                    done = malformed.end()
        yield from _marked(text, start, end)


def _marked(text: str, start: int, end: int) -> Iterator[Finding]:
    from aiorch.safety.secret_rules import MARKED
    from aiorch.safety.secret_values import entropy, placeholder

    for number, form in enumerate(MARKED):
        if text.find(form.mark, start, end) < 0:
            continue
        for match in _marked_pattern(number).finditer(text, start, end):
            key = match.group()
            if entropy(key) >= form.entropy and not placeholder(key):
                yield Finding(f"secrets.{form.name}", match.span(), form.confidence, form.what)


def _surest(found: list[Finding]) -> list[Finding]:
    """Without findings that overlap a surer one."""
    kept: list[Finding] = []
    end = -1
    for finding in sorted(found, key=lambda f: (f.span[0], -f.span[1])):
        if kept and finding.span[0] < end:
            if finding.confidence > kept[-1].confidence:
                kept[-1] = finding
                end = max(end, finding.span[1])
            continue
        kept.append(finding)
        end = finding.span[1]
    return kept


@lru_cache(maxsize=1)
def _beginnings() -> tuple[re.Pattern[str], dict[str, list[int]]]:
    """One expression for where a key may begin, and which formats to try there."""
    from aiorch.safety.secret_rules import FORMATS

    starts = sorted({s for form in FORMATS for s in form.starts.split()})
    roots = [s for s in starts if not any(s.startswith(r) and s != r for r in starts)]
    by_root: dict[str, list[int]] = {root: [] for root in roots}
    for number, form in enumerate(FORMATS):
        for root in roots:
            if any(s.startswith(root) for s in form.starts.split()):
                by_root[root].append(number)
    for numbers in by_root.values():  # the longest beginning says most
        numbers.sort(key=lambda n: -max(map(len, FORMATS[n].starts.split())))
    # An escaped line end and a percent-encoded sign end a word as well as the signs themselves.
    before = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F][0-9A-F]))"
    return re.compile(before + _trie(roots)), by_root


def _trie(words: Sequence[str]) -> str:
    """An expression for ``words`` that looks at each character once, where an alternation would look at it per word."""
    branches: dict[str, list[str]] = {}
    for word in words:
        branches.setdefault(word[:1], []).append(word[1:])
    if "" in branches:
        return ""
    parts = [re.escape(first) + _trie(rest) for first, rest in sorted(branches.items())]
    return parts[0] if len(parts) == 1 else "(?:" + "|".join(parts) + ")"


@cache
def _format(number: int) -> tuple["Format", re.Pattern[str], re.Pattern[str] | None]:
    from aiorch.safety.secret_rules import FORMATS, written_out

    form = FORMATS[number]
    starts = "|".join(re.escape(s) for s in sorted(form.starts.split(), key=len, reverse=True))
    pattern = re.compile(f"({starts})(?:{written_out(form.body)})(?![A-Za-z0-9_-])", re.ASCII)
    unmistakable = "|".join(re.escape(s) for s in form.starts.split() if len(s) > 3)
    sure = re.compile(f"(?:{unmistakable})[A-Za-z0-9_.+/=~-]{{0,600}}") if form.sure and unmistakable else None
    return form, pattern, sure


@cache
def _marked_pattern(number: int) -> re.Pattern[str]:
    from aiorch.safety.secret_rules import MARKED, written_out

    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{written_out(MARKED[number].pattern)})(?![A-Za-z0-9_-])", re.ASCII)
