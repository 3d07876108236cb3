"""Keys out of texts: the ones we know by value, and whatever has the shape of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[redacted]"

SHORTEST = 8
"""Values with fewer characters are not looked for: replacing each ``test`` would garble more than it hides."""

PLACEHOLDERS = frozenset(
    {
        "anything",
        "changeme",
        "dummy-key",
        "lm-studio",
        "no-key-required",
        "not-needed",
        "not-required",
        "placeholder",
    }
)
"""What people put where a local server wants any key at all; no secrets, and words that occur in names."""

SHAPES: tuple[tuple[str, str], ...] = (
    # (a text without which the shape cannot occur, the shape); lengths from the providers' own keys, rounded down.
    ("sk-", r"sk-(?=[\w-]{0,64}?\d)[\w-]{16,}"),  # OpenAI, OpenRouter (sk-or-), Anthropic (sk-ant-), DeepSeek
    ("gsk_", r"gsk_\w{20,}"),  # Groq
    ("csk-", r"csk-\w{20,}"),  # Cerebras
    ("AIza", r"AIza[\w-]{30,}"),  # Google
    ("nvapi-", r"nvapi-[\w-]{20,}"),  # NVIDIA
    ("hf_", r"hf_[A-Za-z0-9]{30,}"),  # Hugging Face
    ("xai-", r"xai-\w{20,}"),  # xAI
    ("pplx-", r"pplx-\w{20,}"),  # Perplexity
    ("tgp_", r"tgp_v1_[\w-]{20,}"),  # Together
    ("fw_", r"fw_[A-Za-z0-9]{20,}"),  # Fireworks
    ("r8_", r"r8_\w{30,}"),  # Replicate
    ("gh", r"gh[pousr]_\w{30,}"),  # GitHub
    ("github_pat_", r"github_pat_\w{20,}"),
    ("AKIA", r"AKIA[0-9A-Z]{16}"),  # Amazon
    ("eyJ", r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"),  # a JSON web token
)
"""Shapes of keys. Each is one run of characters after a fixed beginning, so looking is linear in the text's length."""

AFTER_WORD = re.compile(r"(\bbearer\s{1,4}|api[-_]key[\"']?\s{0,4}[:=]\s{0,4}[\"']?)([\w.~+/=-]{8,})", re.I)
"""Keys without a shape of their own, told by the word before them."""
IN_ADDRESS = re.compile(r"(://[^\s/:@\"'\\]{0,256}:)[^\s/@\"'\\]{1,256}(?=@)")
"""The password of ``https://name:password@host``."""


class Redactor:
    """Replaces keys by ``[redacted]``; a text without any comes back as the same object.

    >>> Redactor(["the-key-of-groq"])("401 for the-key-of-groq")
    '401 for [redacted]'
    >>> Redactor()("Authorization: Bearer abcdefgh12345678")
    'Authorization: Bearer [redacted]'
    """

    __slots__ = ("__weakref__", "_known")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        worth = {s for s in secrets if len(s) >= SHORTEST and s.lower() not in PLACEHOLDERS}
        # As it is, as JSON writes it, and as a URL does. The longest first: one may contain another.
        written = {form for s in worth for form in (s, json.dumps(s)[1:-1], quote(s, safe=""))}
        self._known = tuple(sorted(written, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """``text`` without keys."""
        for value in self._known:
            if value in text:
                text = text.replace(value, REDACTED)
        for sign, shape in _COMPILED:
            if sign in text:
                text = shape.sub(REDACTED, text)
        if "@" in text and "://" in text:
            text = IN_ADDRESS.sub(rf"\1{REDACTED}", text)
        lowered = text.lower()
        if "bearer" in lowered or "key" in lowered:
            text = AFTER_WORD.sub(rf"\1{REDACTED}", text)
        return text

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._known)} known values>"


# A key begins where no word is going on: "risk-..." holds no "sk-...".
_COMPILED = tuple((sign, re.compile(rf"(?<![\w-]){shape}", re.ASCII)) for sign, shape in SHAPES)
