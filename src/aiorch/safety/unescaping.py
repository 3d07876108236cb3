"""The other ways in which a short text may be written and still be read the same by what receives it.

A web server undoes percent signs, a page undoes entities, a shell undoes ``\\x``: a detector that looks only
at the letters that it was given sees none of it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
ENTITY = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|lt|gt|amp|quot|apos|nbsp|copy|reg|sect|euro|pound|times|middot|hellip|[nm]dash);"
)
BACKSLASH = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([nrt0]))")
SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
MOST_LAYERS = 3
"""``%252527`` is undone; whoever wraps deeper finds no server that unwraps it."""


def readings(text: str) -> tuple[str, ...]:
    """``text``, and what it says once percent signs, entities and wide letters are undone, where that is
    something else.

    >>> readings("a%2527b")
    ('a%2527b', 'a%27b', "a'b")
    >>> readings("nothing to undo")
    ('nothing to undo',)
    """
    found = [text]
    now = text
    for _ in range(MOST_LAYERS):
        undone = _undone(now)
        if undone == now:
            break
        found.append(undone)
        now = undone
    return tuple(found)


def spaced(text: str) -> str:
    """A form's ``+`` as the space that it stands for, where no space says that it is a plus.

    >>> spaced("dir+c:"), spaced("1 + 1")
    ('dir c:', '1 + 1')
    """
    return text.replace("+", " ") if "+" in text and not re.search(r"[ \t]\S", text) else text


def escapes_undone(text: str) -> str:
    r"""``\x27``, ``\u0027`` and ``\n`` as the characters that they name.

    >>> escapes_undone(r"\x41\n")
    'A\n'
    """
    return BACKSLASH.sub(_character, text) if "\\" in text else text


def _undone(text: str) -> str:
    if "%" in text and PERCENT.search(text):
        try:
            return unquote(text, errors="strict")
        except UnicodeDecodeError:  # %A0 and its kin: bytes of an older encoding, a space among them
            return unquote(text, encoding="latin-1")
    if "&" in text and ENTITY.search(text):
        return html.unescape(text)
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _character(match: re.Match[str]) -> str:
    simple = match[3]
    return SIMPLE[simple] if simple else chr(int(match[1] or match[2], 16))
