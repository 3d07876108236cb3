"""Names of keys: which ones are nearly one that is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_KEYISH = re.compile(r"(?:KEY|KEYS|TOKEN|SECRET)$", re.IGNORECASE)


def mistyped(names: Iterable[str], known: Iterable[str]) -> Mapping[str, str]:
    """The names that look like a known one but are not, each with the one that was probably meant.

    >>> mistyped(["GROQ_APIKEY", "GORQ_API_KEY", "PATH", "GITHUB_TOKEN"], ["GROQ_API_KEY", "HF_TOKEN"])
    {'GROQ_APIKEY': 'GROQ_API_KEY', 'GORQ_API_KEY': 'GROQ_API_KEY'}
    """
    proper = tuple(known)
    present = tuple(names)
    found: dict[str, str] = {}
    for name in present:
        if name in proper or not _KEYISH.search(name):
            continue
        meant = next((k for k in proper if _stem(k) == _stem(name)), None)
        meant = meant or next(
            (k for k in proper if len(_stem(k)) >= 4 and _one_slip(_stem(name), _stem(k))), None
        )
        if meant is not None and meant not in present:
            found[name] = meant
    return found


def _stem(name: str) -> str:
    """What is left of a name without the words that every key's name has: ``groq``."""
    rest = name.upper()
    while True:
        shorter = re.sub(r"[_\-. ]*(?:API|KEYS?|TOKEN|SECRET)$", "", rest)
        if shorter == rest or not shorter:
            return re.sub(r"[_\-. ]", "", rest)
        rest = shorter


def _one_slip(a: str, b: str) -> bool:
    """True when one typing mistake lies between two words: a letter too many, too few, wrong, or two exchanged."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    )
