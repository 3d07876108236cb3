"""Keys, tokens, passwords and private keys in a text.

Three layers, each linear in the text's length. Formats: keys that say themselves whose they are, found anywhere.
Blocks: private keys, JSON web tokens, addresses with a password. Context: values that only their surroundings make a
secret, held to entropy and shape. What begins like a known format and breaks off is no key; no context makes it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
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

    begins = _beginnings()
    for run in _LONG.finditer(text):
        start, end = run.span()
        done = start
        for hit in begins.finditer(text, start, end):
            at = hit.start()
            if at < done:
                continue
            some, broken, numbers = _root(hit.group())
            if some.match(text, at) is None:
                malformed = broken.match(text, at) if broken is not None else None
                if malformed is not None:
                    yield Finding(
                        "secrets.malformed", malformed.span(), 0.0, "what begins like a key and is none"
                    )
                    done = malformed.end()
                continue
            for number in numbers:
                form, pattern = _format(number)
                match = pattern.match(text, at)
                if match is None:
                    continue
                key = match.group()
                if entropy(key[match.end(1) - at :]) < form.entropy or placeholder(key[match.end(1) - at :]):
                    continue
                certain = bool(form.checksum) and CHECKSUMS[form.checksum](key)
                yield Finding(
                    f"secrets.{form.name}", match.span(), 0.99 if certain else form.confidence, form.what
                )
                done = match.end()
                break
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
            if finding.confidence <= kept[-1].confidence:
                continue
            kept.pop()
        kept.append(finding)
        end = max(end, finding.span[1])
    return kept


@cache
def _beginnings() -> re.Pattern[str]:
    """One expression for where a key may begin."""
    # An escaped line end and a percent-encoded sign end a word as well as the signs themselves.
    return re.compile(r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F][0-9A-F]))" + _trie(_roots()))


@cache
def _roots() -> Sequence[str]:
    """The beginnings that no other beginning is a part of."""
    from aiorch.safety.secret_rules import FORMATS

    starts = sorted({s for form in FORMATS for s in form.starts.split()})
    return [s for s in starts if not any(s != root and s.startswith(root) for root in starts)]


@cache
def _root(root: str) -> tuple[re.Pattern[str], re.Pattern[str] | None, Sequence[int]]:
    """Does any format fit here; what only begins like one; and which formats to try, those that say most first."""
    from aiorch.safety.secret_rules import FORMATS

    starts = {n: [s for s in form.starts.split() if s.startswith(root)] for n, form in enumerate(FORMATS)}
    numbers = sorted((n for n in starts if starts[n]), key=lambda n: -max(map(len, starts[n])))
    some = re.compile("|".join(f"(?:{_format(n)[1].pattern})" for n in numbers), re.ASCII)
    sure = sorted(
        {s for n in numbers if FORMATS[n].sure for s in starts[n] if len(s) > 3}, key=len, reverse=True
    )
    # A sign of equality ends it: CLOJARS_TOKEN= is a name that begins like a key.
    broken = f"(?:{'|'.join(map(re.escape, sure))})[A-Za-z0-9_.+/~-]{{0,600}}(?:={{1,3}}(?![A-Za-z0-9]))?"
    return some, re.compile(broken) if sure else None, numbers


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
def _format(number: int) -> tuple[Format, re.Pattern[str]]:
    from aiorch.safety.secret_rules import FORMATS, written_out

    form = FORMATS[number]
    starts = "|".join(re.escape(s) for s in sorted(form.starts.split(), key=len, reverse=True))
    return form, re.compile(f"({starts})(?:{written_out(form.body)})(?![A-Za-z0-9_-])", re.ASCII)


@cache
def _marked_pattern(number: int) -> re.Pattern[str]:
    from aiorch.safety.secret_rules import MARKED, written_out

    return re.compile(
        rf"(?<![A-Za-z0-9_-])(?:{written_out(MARKED[number].pattern)})(?![A-Za-z0-9_-])", re.ASCII
    )
