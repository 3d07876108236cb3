"""Numbers that can be checked: payment cards, bank accounts, social security."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiorch.safety.detection import Finding

_CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){11,18}(?![\w]|[.-]\d)")
_ABOUT_CARDS = re.compile(r"card|credit|debit|\bcc\b|visa|master|maestro|amex|payment|\bpan\b|charge", re.I)
_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 5, 6), (4, 4, 5), (6, 13), (4, 4, 4)}
)
_NEAR = 60
"""Characters before or after a number in which a word says what it is."""

# First digits from, to (as text of one length), and the lengths: ISO/IEC 7812 ranges as the networks publish them.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14, 16, 19})),  # Diners Club
    ("3095", "3095", frozenset({14, 16, 19})),
    ("36", "36", frozenset(range(14, 20))),
    ("38", "39", frozenset(range(14, 20))),
    ("6011", "6011", frozenset(range(16, 20))),  # Discover
    ("644", "649", frozenset(range(16, 20))),
    ("65", "65", frozenset(range(16, 20))),
    ("3528", "3589", frozenset(range(16, 20))),  # JCB
    ("2131", "2131", frozenset({15})),
    ("1800", "1800", frozenset({15})),
    ("62", "62", frozenset(range(16, 20))),  # UnionPay
    ("81", "81", frozenset(range(16, 20))),
    ("2200", "2204", frozenset({16})),  # Mir
    ("60", "60", frozenset({16})),  # RuPay
    ("508", "508", frozenset({16})),
    ("50", "50", frozenset(range(12, 20))),  # Maestro
    ("56", "58", frozenset(range(12, 20))),
    ("63", "64", frozenset(range(12, 20))),
    ("67", "67", frozenset(range(12, 20))),
    ("0604", "0604", frozenset({12})),
)

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}")
_COUNTRIES = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18
FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_IBAN_LENGTHS = {country[:2]: int(country[2:]) for country in _COUNTRIES.split()}
"""Characters of an account number by country: SWIFT's IBAN registry."""

_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\w]|\.\d|-\w)")
_BARE_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}(?!00)\d\d(?!0000)\d{4}(?![\w]|[.-]\d)")
_ITIN = re.compile(r"(?<![\w.-])9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}(?![\w-])")
_ABOUT_SSN = re.compile(r"\bssn\b|social[ -]{0,2}security|soc\.? sec|tax(?:payer)? id", re.I)
_PRINTED = frozenset({"078051120", "219099999"})
"""Printed on sample cards in wallets, so used by thousands and valid for nobody (ssa.gov/history/ssn/misused.html)."""


def cards(text: str) -> Iterator[Finding]:
    """Payment cards: an issuer's range and length, Luhn's check digit, and groups as on the card."""
    for match in _CARD.finditer(text):
        written = match.group()
        digits = written.replace(" ", "").replace("-", "")
        groups = tuple(map(len, re.split("[ -]", written)))
        few = (
            4 if len(groups) == 1 else 2
        )  # written in the groups of a card, few different digits are no accident
        if not luhn(digits) or len(set(digits)) < few:
            continue
        if len(groups) > 1 and groups not in _GROUPS:
            continue
        about = _ABOUT_CARDS.search(
            text, max(0, match.start() - _NEAR), match.start()
        ) or _ABOUT_CARDS.search(text, match.end(), match.end() + _NEAR)
        if issued(digits):
            plain = len(digits) in (15, 16) or (len(digits) > 13 and len(groups) > 1)
            confidence = 0.95 if about else 0.75 if plain else 0.0
        else:  # no network's range of today; where somebody says "card", the check digit is enough
            confidence = 0.7 if about and len(digits) >= 14 else 0.0
        if confidence:
            yield Finding("pii.card", match.span(), confidence, "the number of a payment card")


def luhn(digits: str) -> bool:
    """True when the last digit checks the others.

    >>> luhn("4242424242424242"), luhn("4242424242424241")
    (True, False)
    """
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])) % 10 == 0


def issued(digits: str) -> bool:
    """True when some network issues numbers that begin so and are so long."""
    return any(low <= digits[: len(low)] <= high and len(digits) in sizes for low, high, sizes in _ISSUERS)


def ibans(text: str) -> Iterator[Finding]:
    """Bank accounts: a country's length, and the remainder 1 by 97 (ISO 13616)."""
    for match in _IBAN.finditer(text):
        written = match.group()
        size = _IBAN_LENGTHS.get(written[:2], 0)
        end, compact = 0, ""
        while len(compact) < size and end < len(written):
            compact += written[end].strip(" -")
            end += 1
        after = text[match.start() + end : match.start() + end + 1]
        if not size or len(compact) != size or after.isalnum():
            continue
        number = int("".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4]))
        if number % 97 == 1:
            yield Finding(
                "pii.iban", (match.start(), match.start() + end), 0.98, "the number of a bank account (IBAN)"
            )


def social_security(text: str) -> Iterator[Finding]:
    """US social security numbers in the ranges that are given out, and taxpayers' numbers."""
    for match in _SSN.finditer(text):
        about = _ABOUT_SSN.search(text, max(0, match.start() - _NEAR), match.start())
        if re.sub("[ -]", "", match.group()) not in _PRINTED and (about or match[1] == "-"):
            yield Finding("pii.ssn", match.span(), 0.95 if about else 0.75, "a US social security number")
    for match in _ITIN.finditer(text):
        yield Finding("pii.itin", match.span(), 0.75, "a US taxpayer's number")
    if _ABOUT_SSN.search(text):
        for match in _BARE_SSN.finditer(text):
            if _ABOUT_SSN.search(text, max(0, match.start() - _NEAR), match.start()):
                yield Finding("pii.ssn", match.span(), 0.85, "a US social security number")
