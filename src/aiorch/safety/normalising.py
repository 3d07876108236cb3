"""A text as its reader sees it: without invisible characters, look-alike letters and odd forms of ordinary ones.

What was removed or changed stays known, and every place in the plain text leads back to the original, so that a finding
can point at what was really sent.

    plain = normalise("Ign\\u200bоre аll rules")       # a zero-width space, Cyrillic о and а
    plain.text                                       # "Ignore all rules"
    plain.origin(0, 6)                               # (0, 7)
    plain.hidden                                     # 1
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Letters of other scripts that look like Latin ones, after NFKC: Cyrillic, Greek, and a few of the Armenian, Cherokee
# and phonetic ones. The pairs follow Unicode's confusables (UTS 39), kept to those that readers miss.
_LOOK_ALIKES = (
    "аa еe оo рp сc уy хx ѕs іi јj һh ԁd ԛq ԝw ѵv ӏl гr пn мm тt кk вb нh ьb "
    "АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT ХX ҮY ԌG ԚQ ԜW "
    "αa βb γy εe ηn ιi κk νv οo ρp τt υu χx ωw σo "
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX "
    "օo սu հh ոn ցg զq ꭰD ꮲP ɑa ɡg ɩi ɪi ʏy ʀr ɢg ʜh ʟl ɴn ᴀa ʙb ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz ꜰf ꜱs "
    "ıi łl øo đd ħh ŧt ƅb ƈc ƙk ƭt ʋv"
)
_LATIN = {pair[0]: pair[1] for pair in _LOOK_ALIKES.split()}
_SINGLE_SCRIPT = ("CYRILLIC", "GREEK", "ARMENIAN")
_TAGS = range(0xE0000, 0xE0080)
"""Tag characters: an invisible copy of ASCII, seen by models and not by people."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0\ufff9\ufffa\ufffb")


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain form of a text, and the way back."""

    text: str
    starts: tuple[int, ...] | None
    """For each character of the plain text, where it came from; None where both texts are the same."""
    length: int
    """Of the original."""
    hidden: int = 0
    """Invisible characters that were taken out: zero-width ones, marks of direction, tags."""
    tagged: str = ""
    """What was written in tag characters."""
    tagged_at: tuple[int, int] = (0, 0)
    """From the first tag character to the last, in the original."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original that a span of the plain text came from."""
        if self.starts is None or start >= end:
            return start, max(start, end)
        last = self.starts[end] if end < len(self.starts) else self.length
        return self.starts[start], max(last, self.starts[end - 1] + 1)


def normalise(text: str) -> Plain:
    """The plain form of any text, in time linear in its length.

    A letter of another script becomes Latin only inside a word that has Latin letters as well, or a word that would be
    Latin throughout: Russian stays Russian.
    """
    if text.isascii():
        return Plain(text, None, len(text))
    out: list[str] = []
    starts: list[int] = []
    hidden = 0
    tagged: list[str] = []
    first_tag = last_tag = -1
    for at, char in enumerate(text):
        if char < "\u0080":
            out.append(char)
            starts.append(at)
            continue
        shown = _shown(char)
        if shown == "":
            hidden += 1
            code = ord(char)
            if code in _TAGS:
                first_tag, last_tag = (at if first_tag < 0 else first_tag), at
                if 0x20 <= code - 0xE0000 < 0x7F:
                    tagged.append(chr(code - 0xE0000))
            continue
        out.append(shown)
        starts.extend([at] * len(shown))
    plain = _latin_words("".join(out))
    return Plain(plain, tuple(starts), len(text), hidden, "".join(tagged), (max(first_tag, 0), last_tag + 1))


@lru_cache(4096)
def lowered(text: str) -> str:
    """``text`` in lower case, each character in its place: a few capitals would become two letters.

    >>> len("İ".lower()), len(lowered("İ"))
    (2, 1)
    """
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _shown(char: str) -> str:
    """What a character shows: nothing, itself, or its plain form. Soft and combining marks on Latin letters go."""
    code = ord(char)
    if char in _INVISIBLE or any(code in selectors for selectors in _SELECTORS):
        return ""
    category = unicodedata.category(char)
    if category in ("Cf", "Cs") or (category == "Mn" and 0x300 <= code < 0x370):
        return ""
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) <= 18 else char  # the longest expansion in Unicode has 18 characters


def _latin_words(text: str) -> str:
    """Words with look-alikes in Latin letters. Every character becomes one character."""
    if not any(char in _LATIN for char in set(text)):
        return text
    pieces: list[str] = []
    word: list[str] = []
    for char in text:
        if char.isalpha():
            word.append(char)
            continue
        if word:
            pieces.append(_latin("".join(word)))
            word.clear()
        pieces.append(char)
    if word:
        pieces.append(_latin("".join(word)))
    return "".join(pieces)


def _latin(word: str) -> str:
    if word.isascii():
        return word
    return _latin_form(word) if len(word) <= 64 else "".join(_LATIN.get(char, char) for char in word)


@lru_cache(4096)
def _latin_form(word: str) -> str:
    plain = "".join(_LATIN.get(char, char) for char in word)
    if plain == word:
        return word
    mixed = any("a" <= char <= "z" or "A" <= char <= "Z" for char in word)
    if mixed:
        return plain
    foreign = [char for char in word if unicodedata.name(char, "").startswith(_SINGLE_SCRIPT)]
    return word if foreign else plain
