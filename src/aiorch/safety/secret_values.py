"""Could this value be a secret? Its entropy, shape and checksum, without looking at what stands around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from math import log2
from typing import Literal
from zlib import crc32

Shape = Literal["uuid", "hex", "digits", "mixed", "plain", "words"]
"""``mixed`` switches between digits and letters, or between cases, as often as chance does; ``plain`` has digits and
letters but is more orderly than chance; ``words`` is what people and programs write."""

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UUID = re.compile(r"[0-9A-Za-z]{8}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{12}")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+|[0-9a-fA-F]+")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_PART = re.compile(r"[^-_./+~=:]+")
_PLACEHOLDER = re.compile(
    r"x{4}|\*{3}|\.{3}|0{8}|(?<![a-z0-9])(?:your|my|insert|replace|enter|put|some)[-_ .]"
    r"|your[-_]?(?:api|key|token|secret|pass)|example|placeholder|changeme|change[-_](?:me|this)|redacted|dummy|sample"
    r"|fake|<[^>]{0,80}>|here[-_]?$|lorem|foobar|not[-_]?(?:set|real|needed|required|a[-_]?real)|to[-_]?be[-_]"
    r"|(?:secret|key)[-_]?here|todo|undefined|(?:^|[-_])none$",
    re.I,
)
_EXPRESSION = re.compile(r"[{}()<>\[\]`|]|::|->|^[$@&!%\\#*]|\$\w*$|%[sd]|\\$|%\w+%")
_STOCK_WORDS = """
admin administrator anonymous auth bar basic bearer baz blank changeit credential credentials default demo disabled
empty enabled false foo guest hidden hunter2 key letmein login mypass mypassword mysecret nil no none null off on open
optional pass passphrase passwd password password1 password123 private prompt public pw pwd qwerty required root s3cret
secret secrets string test test123 testing text token true undefined unknown user username value xxx xyz yes yyy 123456
12345678 1234 12345 secretkey apikey api_key secret_key access_key example
"""
_STOCK = frozenset(_STOCK_WORDS.split())
"""What stands where a secret would, in documentation and in defaults."""


def entropy(value: str) -> float:
    """Shannon's measure in bits a character; 0 for the empty string.

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    size = len(value)
    counts = [value.count(c) for c in set(value)]
    return sum(n * log2(size / n) for n in counts) / size if size else 0.0


def shape(value: str) -> Shape:
    """What kind of string this is.

    >>> shape("x9Kd02mVq81LzR47"), shape("get_token_from_header"), shape("c0ffee00c0ffee00")
    ('mixed', 'words', 'hex')
    """
    if value.isdigit():
        return "digits"
    if len(value) == 36 and _UUID.fullmatch(value):
        return "uuid"
    if _HEX.fullmatch(value):
        return "hex" if any(c.isdigit() for c in value) else "words"
    size, turns = _turns(value)
    if not size:
        return "words"
    parts = _PART.findall(value)
    long = max(parts, key=len)
    # Random base36 turns at .40 of its places, base62 at .50; identifiers, file names and versions at less than .2.
    if turns >= 0.24 * size and len(long) >= 8:
        return "mixed"
    if 2 <= sum(c.isdigit() for c in long) < len(long) and len(long) >= max(10.0, 0.6 * size):
        return "plain"
    return "words"


def _turns(value: str) -> tuple[int, int]:
    """How many letters and digits, and how often one run of a kind follows another; a capitalised word is one run."""
    size = turns = 0
    for part in _PART.findall(value):
        size += len(part)
        turns += max(0, len(_RUN.findall(part)) - 1)
    return size, turns


def placeholder(value: str) -> bool:
    """True for what only stands in for a secret.

    >>> placeholder("YOUR_API_KEY"), placeholder("changeme"), placeholder("x9Kd02mVq81LzR47")
    (True, True, False)
    """
    return (
        value.lower() in _STOCK
        or len(set(value)) < 4
        or _PLACEHOLDER.search(value) is not None
        or _sequence(value)
    )


def expression(value: str) -> bool:
    """True for code and templates: a variable, a call, a format string.

    >>> expression("${PASSWORD}"), expression("hunter42!")
    (True, False)
    """
    return _EXPRESSION.search(value) is not None


def _sequence(value: str) -> bool:
    """``abcdefgh...`` and ``12345678...`` through and through."""
    steps = [ord(b) - ord(a) for a, b in pairwise(value.lower())]
    return len(steps) > 6 and sum(s == 1 for s in steps) >= 0.9 * len(steps)


def github_crc32(token: str) -> bool:
    """Tokens of GitHub and npm end in six base62 digits of the CRC-32 of what stands between prefix and them.

    Source: github.blog, "Behind GitHub's new authentication token formats" (2021).
    """
    body = token[4:]
    number, digits = crc32(body[:-6].encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits == body[-6:]


CHECKSUMS: Mapping[str, Callable[[str], bool]] = {"crc32": github_crc32}
"""By the name that a format gives."""
