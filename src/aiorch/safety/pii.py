"""What identifies a person: addresses, numbers of phones, cards, accounts and papers, each confirmed by its own rules.

Only what has a structure is found. Names and postal addresses have none, and are not claimed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Final

from aiorch.safety.detection import Finding

LEAST: Final = 0.5
"""Findings below this confidence are not reported."""

_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@-])")
_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost|local"
    r"|png|jpe?g|gif|svg|webp|css|html?|json|ya?ml|txt|xml)$",  # the last are files: icon@2x.png
    re.I,
)

_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])", re.ASCII)
_VERSION = re.compile(
    r"(?:version|ver|release|build|v|section|sec\.|chapter|paragraph|clause|article|appendix|§)[\s:=]{0,3}$",
    re.I,
)

_PASSPORT = re.compile(
    r"passport(?:\s{1,3}(?:no|number|num|nr|#))?[.:#]?\s{0,3}(?:is\s{1,3}|=\s{0,3})?([A-Z]{0,2}\d{6,9})(?!\w)",
    re.I,
)
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)"
)
_BORN = re.compile(
    r"(?:\bdob|date of birth|birth ?date|born(?: on)?)\W{1,5}"
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\d{1,2} [A-Z][a-z]{2,8} \d{4}|[A-Z][a-z]{2,8} \d{1,2}, \d{4})(?!\w)",
    re.I,
)
_DIGIT = re.compile(r"\d")
_MAC = re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")


class PersonalData:
    """The detector of personal data.

    >>> [f.rule for f in PersonalData().scan("write to ann@mail.net or call +44 20 7946 0958")]
    ['pii.email', 'pii.phone']
    """

    name = "pii"

    def scan(self, text: str) -> Sequence[Finding]:
        """Everything found, without overlaps, in the order of the text."""
        from aiorch.safety.pii_numbers import cards, ibans, social_security
        from aiorch.safety.pii_phones import phones

        if not text:
            return []
        found = [*emails(text), *addresses(text), *ibans(text), *papers(text)]
        if _NUMBER.search(text):
            found += cards(text)
            found += social_security(text)
            found += phones(text)
        return _apart([f for f in found if f.confidence >= LEAST])


_NUMBER = re.compile(r"\d(?:[ ().\-/]{0,3}\d){6}")


def emails(text: str) -> Iterator[Finding]:
    """E-mail addresses; those of the domains that RFC 2606 reserves for examples belong to nobody."""
    at = text.find("@")
    while at >= 0:
        start = at
        while start and at - start < 64 and text[start - 1] in _LOCAL:
            start -= 1
        while start < at and text[start] in ".'`/=?&{}|":
            start += 1
        domain = _DOMAIN.match(text, at + 1) if start < at and text[at - 1] != "." else None
        if domain is not None and ".." not in text[start:at]:
            nobodys = _RESERVED.search(domain.group()) or text[start:at] == "git"
            confidence = 0.4 if nobodys else 0.97
            yield Finding("pii.email", (start, domain.end()), confidence, "an e-mail address")
        at = text.find("@", at + 1)


def addresses(text: str) -> Iterator[Finding]:
    """IP addresses that lead to somebody: not those of this machine, of private networks or of examples."""
    if text.count(".") >= 3:
        for match in _IPV4.finditer(text):
            if not _VERSION.search(text, max(0, match.start() - 12), match.start()):
                yield from _confirmed(match)
    if text.count(":") >= 2:
        for match in _IPV6.finditer(text):
            if _DIGIT.search(match.group()):  # without one it is a name in code: abcd::ef
                yield from _confirmed(match)
        for match in _MAC.finditer(text):
            yield Finding("pii.mac", match.span(), 0.7, "the hardware address of a device")


def _confirmed(match: re.Match[str]) -> Iterator[Finding]:
    try:
        address = ipaddress.ip_address(match.group())
    except ValueError:
        return
    somebodys = address.is_global and not address.is_multicast
    yield Finding("pii.ip", match.span(), 0.85 if somebodys else 0.3, "an IP address")


def papers(text: str) -> Iterator[Finding]:
    """Numbers of papers, and dates of birth, by the words before them."""
    for match in _PASSPORT.finditer(text):
        yield Finding("pii.passport", match.span(1), 0.8, "the number of a passport")
    for match in _NINO.finditer(text):
        yield Finding("pii.nino", match.span(), 0.75, "a British national insurance number")
    for match in _BORN.finditer(text):
        yield Finding("pii.birth_date", match.span(1), 0.8, "a date of birth")


def _apart(found: list[Finding]) -> list[Finding]:
    """The surest of those that overlap."""
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda f: (f.span[0], -f.span[1])):
        if not kept or finding.span[0] >= kept[-1].span[1]:
            kept.append(finding)
        elif finding.confidence > kept[-1].confidence:
            kept[-1] = finding
    return kept
