"""What two prompts have to agree in, word for word, before their likeness counts for anything. Pure.

Vectors do not tell *enable* from *disable*, 403 from 404, or miles to kilometres from kilometres to miles: near-misses
score as high as true paraphrases. So nothing is left to them but what a short table lists
(:mod:`aiorch.routing.guard_words`): every other word has to be there in both, in the same order. Numbers, units,
dates, negations, names, comparatives, quotations and identifiers need no rules of their own for that.
"""

from __future__ import annotations

import re
import unicodedata

from aiorch.routing.guard_words import (
    CASED,
    CONTRACTIONS,
    ENGLISH,
    FILLER,
    FOREIGN,
    NUMBERS,
    SAME,
    SHARED,
)

LONGEST = 64
"""Words of a prompt that is compared at all. In a longer one a word that matters moves the vector too little."""

_STRAIGHT = str.maketrans("\u2018\u2019\u201b\u201c\u201d\u201e", "'''\"\"\"")

_TOKEN = re.compile(
    r"""
      (?P<quoted> "[^"]*" | `[^`]*` | (?<!\w)'[^']+'(?!\w) )
    | (?P<code>   \w+ (?: [_@/\\:.\#] | -> )+ (?=\w) [\w@/\\:.\#-]* \w
                | \w* [a-z] [A-Z] \w* | \w*_\w* | \w+ (?=\() )
    | (?P<number> (?<![\w.]) [-+]? (?: \d+ (?: ,\d{3} )* (?: \.\d+ )? | \.\d+ ) )
    | (?P<word>   [^\W\d_]+ (?: ' [^\W\d_]{2,} | '[a-z]\b )? )
    | (?P<mark>   [^\s\w.,;:!?'"-] | \d+
                | (?<![^\W\d_]) -            # a minus, no hyphen
                | (?<=[\d)]) ["'!] | (?<=\b\w) ['!] | (?<![\w)\]"'`]) [?!] )
    """,
    re.VERBOSE,
)
_FORMULA = re.compile(r"[=+*/^<>|~\\$%]")

# What may stand around a question, and the several forms of one.
_GREETING = re.compile(r"^(?:(?:hi|hello|hey|please)\b[\s,!.]*)+", re.I)
_THANKS = re.compile(r"[\s,.!]*(?P<mark>\?*)[\s,.!]*\b(?:please|thanks|thank you)[\s.!?]*$", re.I)
_ASKING = re.compile(
    r"""^(?: (?:can|could|would|will)\ you\ (?:please\ |kindly\ )? (?=(?:tell|show|teach|explain|describe)\b)
           | i\ (?:want|need|would\ like|'d\ like)\ to\ know[\s:,]+
           | (?:do\ you\ know|i\ wonder|i\ was\ wondering)\ (?=wh|how)
           | (?:tell|show|teach|explain\ to)\ me[:,]?\ (?=wh|how)
           | explain\ (?=wh|how) )""",
    re.IGNORECASE | re.VERBOSE,
)
_WHAT_LATER = re.compile(r"^what\b(?=.*\b(?:is|are)[?.!\s]*$)", re.I)
_YEAR = re.compile(r"\b(?:in )?(?:what|which) year\b", re.I)
_FRONT = re.compile(
    r"^(?P<where>(?:in|for|with|using|on) (?:\w+ ?){1,3}), (?P<rest>.+?)(?P<end>[?.!\s]*)$", re.I
)
_MEAN = re.compile(r"^what (?:does|do) (?P<it>.+) mean(?P<end>[?.!\s]*)$", re.I)
_HOW = re.compile(
    r"\bhow (?:do|can|could|would) (?:i|you|we|one|people|someone|somebody)\b|\bhow to\b", re.IGNORECASE
)
_WHETHER = re.compile(r"^(?:is|are|do|does)\b", re.I)
_WHAT = re.compile(
    r"^(?:what(?: is|'s| are) (?:the )?(?:meaning|definition) of\b"
    r"|what(?: is|'s|'re| are)\b|which (?:is|are)\b|define\b)",
    re.IGNORECASE,
)


def signature(text: str) -> tuple[str, ...] | None:
    """The words that decide, in their order; ``None`` for a text that is not compared: empty, several lines, or more
    than :data:`LONGEST` words. Two prompts may share an answer only where this is the same.

    >>> signature("What's the capital of France?") == signature("please tell me what the capital of France is")
    True
    >>> signature("Is 404 an error?") == signature("Is 403 an error?")
    False
    """
    text = unicodedata.normalize("NFC", text).translate(_STRAIGHT).strip()
    if "\n" in text or "\r" in text or len(text.split()) > LONGEST:
        return None
    if not any(c in text for c in "\"'`"):  # white space in a quotation may be what is asked about
        text = re.sub(r"\s+", " ", text)
    words = _tokens(*_plain(text)) if _understood(text) else text.rstrip("?.! ").split(" ")
    return tuple(words) if any(c.isalnum() for word in words for c in word) else None


def agree(one: str, other: str) -> bool:
    """True where two prompts differ in nothing that could change the answer."""
    mine = signature(one)
    return mine is not None and mine == signature(other)


def _understood(text: str) -> bool:
    """True for English without formulas: in ``a + b`` even the word ``a`` counts."""
    if _FORMULA.search(text):
        return False
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", text)]
    english = sum(word in ENGLISH and word not in SHARED for word in words)
    foreign = sum(word in FOREIGN for word in words)
    # A few words of no language in particular ("France's capital"): the table takes nothing from them.
    return english > foreign or not any(word in SHARED or word in FOREIGN for word in words)


def _plain(text: str) -> tuple[str, bool]:
    """The sentence in one of its several forms, and whether its first word is still the first."""
    short = _THANKS.sub(r"\g<mark>", _GREETING.sub("", text))
    asked = _without_asking(short)
    if asked != short:  # "tell me what the capital is": the verb went to the end
        asked = _WHAT_LATER.sub("", asked)
    asked = _YEAR.sub("when", asked)
    asked = _FRONT.sub(r"\g<rest> \g<where>\g<end>", asked)
    asked = _MEAN.sub(r"\g<it>\g<end>", asked)
    asked = _HOW.sub("how", asked)
    if _WHETHER.match(asked):
        return f"whether {asked}", False
    asked = _WHAT.sub("", asked).strip()
    return asked, text.startswith(asked.split(" ")[0])


def _without_asking(text: str) -> str:
    shorter = _ASKING.sub("", text)
    return text if shorter == text else _without_asking(shorter)


def _tokens(text: str, whole: bool) -> list[str]:
    """The words that count, and the marks, numbers, quotations and identifiers among them as they are."""
    found: list[str] = []
    owner: str | None = None  # the X of "X's Y", which is the Y of X where X is one word
    alone = True
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match.lastgroup != "word":
            kept = [token]
        elif alone and token.lower().endswith("'s") and token.lower() not in CONTRACTIONS:
            (owner, *_), alone = (*_word(token[:-2], first=False), token), False
            continue
        else:
            kept = _word(token, first=whole and match.start() == 0)
        alone = not kept
        found += kept
        if kept and owner is not None:
            found.append(owner)
            owner = None
    return found


def _word(token: str, *, first: bool) -> list[str]:
    """What is kept of a word: itself, what it stands for, or nothing."""
    low = token.lower()
    if low in CONTRACTIONS or low.endswith(("n't", "'re", "'ll", "'ve")):
        return [part for word in _spelt_out(low).split() for part in _word(word, first=False)]
    shouted = token.isupper() and not first and low != "i"
    if low == "us" and shouted:
        return ["us"]  # the country; the pronoun is filler
    if shouted and (len(token) == 1 or low in ENGLISH):  # the letter A, the WHO
        return [token]
    if low in CASED and not first and token != low:
        return [token]
    if low in FILLER:
        return []
    return [SAME.get(low, NUMBERS.get(low, low))]


def _spelt_out(contraction: str) -> str:
    if contraction in CONTRACTIONS:
        return CONTRACTIONS[contraction]
    if contraction.endswith("n't"):
        return f"{contraction[:-3]} not"
    return f"{contraction[:-3]} {({'re': 'are', 'll': 'will', 've': 'have'})[contraction[-2:]]}"
