"""Phone numbers: candidates by their look, confirmed by Google's tables (``phonenumbers``) or by the words beside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from aiorch.safety.detection import Finding

_CANDIDATE = re.compile(
    r"(?:(?<![\w.:=#@$€£%+-])(?<!\d[/ ,])|(?<=[A-Za-z][:=])(?=\+))(\+ ?)?\(?\d(?:[ ().\-/]{0,3}\d){6,16}+"
    r"(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w%]|[-.,/:]\d)",
    re.ASCII | re.I,
)
_SAYS_PHONE = re.compile(
    r"phone|\btel\b|telephone|mobile|\bcell\b|\bfax\b|\bcall(?:s|ed|ing|er)?\b|\bdial|whatsapp|\bsms\b"
    r"|\btext(?:ed|ing)? (?:me|us|him|her|them)|answering|messages? to"
    r"|reach (?:me|us|him|her|them|out)|\bring\b|contact|hotline|helpline|registered|\bt:|\bm:|\bp:"
    r"|\b(?:my|his|her|their|our) (?:\w{3,6} )?number\b",
    re.I,
)
_SAYS_SO_AFTER = re.compile(r"\W{0,3}(?:office|fax|mobile|cell|home|work|phone|tel)\b", re.I)
_SAYS_OTHERWISE = re.compile(
    r"(?:\bid|order|invoice|tracking|ticket|account|card|version|serial|isbn|issn|ssn"
    r"|reference|ref|sku|zip|postal|pin|code|amount|iban|case|no\.?)"
    r"\W{0,3}(?:number|no\.?|#|is)?\W{0,3}$",
    re.I,
)
_NORTH_AMERICAN = re.compile(
    r"(?:\+?1[ .-]?)?\(?[2-9]\d\d\)?[ .-]?[2-9]\d\d[ .-]\d{4}(?!\d)|\([2-9]\d\d\) ?[2-9]\d\d-?\d{4}(?!\d)"
)
_NO_PHONE = re.compile(
    r"\(?(?:19|20)\d\d([-/. ])\d\d?\1\d\d?(?!\d)|\d\d?([-/. ])\d\d?\2(?:19|20)\d\d(?!\d)|\d{4}-\d{4}$|\d{3}-\d\d-\d{4}$"
)
_AREA = re.compile(r"8? ?\(\d{2,4}\) ?\d{3,5}[ -]\d")
"""An area code in brackets, with the 8 that is dialled before it in Russia."""
_REGIONS = (
    "US",
    "GB",
    "DE",
    "FR",
    "IN",
    "ES",
    "IT",
    "NL",
    "BR",
    "AU",
    "JP",
    "MX",
    "PL",
    "CH",
    "SE",
    "ZA",
    "RU",
)
"""Where a number without a country code is looked up: those with most speakers on the net."""
_NEAR = 48


def phones(text: str) -> Iterator[Finding]:
    """Phone numbers, the surer the more says so."""
    for match in _CANDIDATE.finditer(text):
        written = match.group()
        start, end = match.span()
        number = re.split(r"\s?(?:x|ext)", written, maxsplit=1, flags=re.I)[0]
        opened, closed = number.count("("), number.count(")")
        if opened != closed or opened > 1:
            continue
        digits = re.sub(r"\D", "", number)
        if not 7 <= len(digits) <= 15 or len(set(digits)) < 3 or _NO_PHONE.match(number):
            continue
        groups = re.findall(r"\d+", number)
        if max(map(len, groups)) > 11 or len([g for g in groups if len(g) == 1]) > 2 or len(groups) > 6:
            continue
        confidence = _confidence(text, start, end, number, digits, len(groups), bool(match[1]))
        if confidence:
            yield Finding("pii.phone", (start, end), confidence, "a phone number")


def _confidence(text: str, start: int, end: int, number: str, digits: str, groups: int, plus: bool) -> float:
    before = text[max(0, start - _NEAR) : start]
    said = _SAYS_PHONE.search(before) is not None or _SAYS_SO_AFTER.match(text, end) is not None
    if plus or number.startswith("00"):
        known = possible(digits if plus else digits[2:])
        return 0.95 if known == "valid" else 0.8 if known == "possible" or said else 0.0
    if _SAYS_OTHERWISE.search(before) or ("." in number and groups == 2):
        return 0.0
    if said:
        return 0.75 if len(digits) <= 12 else 0.0
    if _NORTH_AMERICAN.fullmatch(number):
        return 0.8
    if groups >= 3 and 9 <= len(digits) <= 11 and digits.startswith("0") and "/" not in number:
        return 0.65 if somewhere(digits) else 0.0
    if _AREA.match(number) and 9 <= len(digits) <= 11:
        return 0.65 if somewhere(digits) else 0.0
    return 0.0


@lru_cache(maxsize=256)
def possible(digits: str) -> str:
    """``valid``, ``possible`` or an empty string, for a number with its country code."""
    import phonenumbers

    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.is_valid_number(number):
        return "valid"
    return "possible" if phonenumbers.is_possible_number(number) else ""


@lru_cache(maxsize=256)
def somewhere(digits: str) -> bool:
    """True when the number, as it is dialled within a country, is valid in one of the large ones."""
    import phonenumbers

    for region in _REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(digits, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False
