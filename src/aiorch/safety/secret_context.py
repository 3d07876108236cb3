"""Values that only what stands before them makes a secret: ``API_KEY=...``, ``Authorization: Bearer ...``.

Two ways to look. From the value: a long token, then the words before it on its line. From the word: a password, a
secret or a key that is set, then its value, however short.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Literal

from aiorch.safety.detection import Finding
from aiorch.safety.secret_lengths import misshapen
from aiorch.safety.secret_values import entropy, expression, placeholder, shape

Tie = Literal["set", "said", "near"]
"""How a word is tied to a value: set (``key=value``), said (``key value``) or only near (a service's name)."""

_TOLD = "a key or token, told by the words before it"
WINDOW = 80
"""Characters before a value in which a word may make it a secret."""

_TOKEN = re.compile(r"[A-Za-z0-9_\-+/.~]{16,}={0,2}")
_GLUED = re.compile(
    r"[A-Za-z][A-Za-z_.-]{0,40}?(?:[kK]ey|KEY|[tT]oken|TOKEN|[sS]ecret|SECRET|ACCESS|[aA]ccess|PRIVATE"
    r"|[pP]rivate)[_.-]{1,2}(?=[A-Za-z0-9]{8})"
)
_BEFORE = frozenset(" \t\r\n\"'`=:,;([{<>|&@/\\")
_AFTER = frozenset(" \t\r\n\"'`,;)]}<>|&\\:#")
_DIGIT = re.compile(r"[0-9]")

_WORD = re.compile(
    r"secret|token|passphrase|passw(?:or)?d|passwd|pwd|credentials?|creds|authorization|bearer|basic|auth|private|access"
    r"|api[-_ ]?key|apikey|key|psk|\bsas\b|\bpat\b|\bsso\b|ssws",
    re.I,
)
_GOES_ON = re.compile(
    r"(?:[-_. ]?(?:key|token|secret|pass(?:word|wd)?|value|string|code|val|hex|str|base64|b64|env|pat)s?){0,4}"
    r"(?![a-z])",
    re.I,
)
_JOINED = re.compile(
    r"(?:api|access|secret|private|app|auth|client|master|shared|service|account|storage|licen[sc]e|encryption|signing|consumer"
    r"|admin|deploy|project|site|server|ssh|rsa|pre|user|write|read|ingest|integration|org|team|x|bot|web|id|my|oauth|refresh"
    r"|bearer|personal|jwt|db|root|ftp|smtp|mail|aws|gcp|hmac|session|crypto)$",
    re.I,
)
_TAIL = re.compile(
    r"[\w.\-]{0,24}[\"'`\])]{0,3}\s{0,4}(?:=>|:=|={1,3}|:|,|\(|->|~>|-|/|>|\bis\b|\bas\b|\bof\b)?\s{0,4}"
    r"(?:\\?[\"'`(\[{<>]\s?){0,3}"
    r"(?:value\s?=\s?[\"']|(?:bearer|token|basic|key|apikey|string>|default[=:(]) ?[\"']?|[A-Za-z_.]{2,24}\([\"'])?",
    re.I,
)
_SET = re.compile(r"=|:|\(|\"|'|`|>|,")
_NO_SECRET = re.compile(
    r"public|pub[-_]?key|(?<![a-z])id$|ids?$|csrf|xsrf|nonce|next|page|continu|cursor|foreign|primary|cache|sort|partition|idempot"
    r"|hash|sha-?\d|md5|digest|checksum|chksum|integrity|commit|fingerprint|thumbprint|etag|uuid|guid|checkout|revision|srcrev"
    r"|name$|path$|file$|filename$|url$|uri$|type$|size$|length$|len$|count$|index$|version$|vault|keyring|issuer|audience"
    r"|endpoint|host$|domain$|arn$|algorithm|alg$|format|pattern|regex|chars?$|charset|alphabet|src$|href|image|location",
    re.I,
)
_PUBLIC = re.compile(r"public\s$", re.I)
_NAME = re.compile(r"[\w.\-$\[\]\"' ]{0,40}$")
_HASHES = re.compile(
    r"sha\d|md5|sha-\d|integrity|checksum|digest|commit|blob|fingerprint|etag|rev\b|base64,", re.I
)

_SETS = re.compile(
    r"(?:[sS]ecret|SECRET|[tT]oken|TOKEN|[pP]ass(?:w(?:or)?d|wd|phrase)?|PASS(?:W(?:OR)?D|WD|PHRASE)?|[pP][wW][dD]|PWD|[kK]ey|KEY|[cC]redential|CREDENTIAL|PAT)"
    r"(?=([\w\-.]{0,20}\\?[\"'`\]]{0,2}[ \t]{0,8}(?:=>|:=|={1,2}|:|,|<=)[ \t]{0,8}(?:\r?\n[ \t]{0,12}(?=[\"'`]))?))\1"
    r"(?:(\\?[\"'`])([^\"'`\n]{4,160})(?<!\\)(?:\\?[\"'`])|([^\s\"'`;,&<>(){}\[\]]{6,120}))"
)
_NO_TOKEN = re.compile(r"[^A-Za-z0-9_\-+/=.~:|]")
_PASSWORD = re.compile(r"pass|pwd", re.I)
_CODE = re.compile(
    r"[A-Za-z_]\w{0,60}(?:(?:\.|->)[A-Za-z_]\w{0,60})+|[A-Za-z_]+\d{0,2}|\d+(?:[.,:/-]\d+)*|[\w-]+(?:/[\w.-]+)+|[\w.-]{1,80}=.*|.*://.*"
)
"""Names, numbers, paths and addresses: what code sets a variable to, other than a secret."""


def in_context(text: str, taken: Sequence[tuple[int, int]] = ()) -> Iterator[Finding]:
    """Secrets by their surroundings, outside of the spans that are ``taken``."""
    spans = sorted(taken)
    for finding in _long_values(text, spans):
        insort(spans, finding.span)
        yield finding
    yield from _set_values(text, spans)


def _long_values(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if end - start > 2000 or (
            _DIGIT.search(text, start, end) is None and not _case_mix(text, start, end)
        ):
            continue
        if (start and text[start - 1] not in _BEFORE) or (end < len(text) and text[end] not in _AFTER):
            continue
        value = match.group()
        while value[-1] in ".-/":  # the end of a sentence
            value, end = value[:-1], end - 1
        glued = _GLUED.match(value)
        tie: Tie | None
        if glued is not None and len(value) - glued.end() >= 16:
            before = text[max(0, start - 20) : start] + glued.group()
            start, value = start + glued.end(), value[glued.end() :]
            name = glued.group().rstrip("_.-")
            tie = "set" if not _NO_SECRET.search(name) else None
        else:
            before = _same_statement(text, start)
            tie, name = _tied(before)
        if tie is None or _overlaps(taken, start, end):
            continue
        confidence = _judge(value, tie, name, before)
        if confidence:
            yield Finding(
                "secrets.generic_token",
                (start, end),
                confidence,
                "a key or token, told by the words before it",
            )


def _case_mix(text: str, start: int, end: int) -> bool:
    value = text[start:end]
    return not value.islower() and not value.isupper() and shape(value) == "mixed"


def _same_statement(text: str, start: int) -> str:
    """What stands before a value on its line; where it stands alone, also the line above."""
    window = text[max(0, start - WINDOW) : start]
    line = window.rfind("\n")
    if line >= 0 and window[line:].strip(" \t\n\r\"'`-:=|"):
        window = window[line + 1 :]
    return window


def _tied(window: str) -> tuple[Tie | None, str]:
    """How the last word for a secret in ``window`` is tied to what follows it, and the name it is part of."""
    for word in reversed([*_WORD.finditer(window)]):
        at, end = word.span()
        text = word.group()
        if window[end : end + 1].isalpha():
            goes_on = _GOES_ON.match(window, end)
            if not (goes_on and goes_on.end() > end) and not _switches(text[-1], window[end]):
                continue
        glued = (
            at > 0 and window[at - 1].isalpha() and len(text) < 6 and not _switches(window[at - 1], text[0])
        )
        if glued and not _JOINED.search(window, max(0, at - 12), at):
            continue
        tail = window[end:]
        fits = _TAIL.fullmatch(tail)
        if fits is None:
            continue
        name = _NAME.search(window, max(0, at - 40), at)
        whole = (name.group() if name else "") + text + re.split(r"[\"'`\s=:(,>]", tail, maxsplit=1)[0]
        whole = whole.rpartition(" ")[2].strip("\"'[]$.")
        if _NO_SECRET.search(whole) or _PUBLIC.search(window, max(0, at - 10), at):
            return None, whole
        return ("set" if _SET.search(tail) else "said"), whole
    return None, ""


def _switches(one: str, other: str) -> bool:
    """Does the case change here, so that a new word begins?"""
    return (one.islower() and other.isupper()) or (one.isupper() and other.islower())


def _judge(value: str, tie: Tie, name: str, before: str) -> float:
    """How likely a long value is a secret; 0 for no."""
    if placeholder(value) or misshapen(value, before):
        return 0.0
    kind = shape(value)
    size = len(value)
    if kind == "mixed":
        if size < 20 and value.count("/") + value.count(".") + value.count("_") > 1:
            return 0.0
        return 0.85 if tie == "set" else 0.7
    if kind == "hex":
        if _HASHES.search(before) or entropy(value) < 2.6 or size % 2:
            return 0.0
        return 0.8 if tie == "set" else 0.65
    if kind == "uuid" and len(name) > 3:  # "key" alone is the key of a mapping more often than not
        return 0.7 if tie == "set" else 0.6
    if kind == "plain" and entropy(value) >= 3.0:
        return 0.65 if tie == "set" else 0.55
    return 0.0


def _set_values(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    """What a password, secret or key is set to: short values too, held to more where the word is vague."""
    for match in _SETS.finditer(text):
        group = 3 if match[3] is not None else 4
        value, (start, end) = match[group], match.span(group)
        if _overlaps(taken, start, end) or (group == 4 and "," in match[1]):
            continue
        name = _NAME.search(text, max(0, match.start() - 40), match.start())
        whole = (name.group() if name else "").rpartition(" ")[2] + re.split(
            r"[\"'`\s=:,]", text[match.start() : start], maxsplit=1
        )[0]
        if _NO_SECRET.search(whole) or _NO_SECRET.search(whole.strip("\"'[]$.")):
            continue
        password = _PASSWORD.search(whole) is not None
        confidence = 0.0 if misshapen(value, whole) else _judge_set(value, password, quoted=group == 3)
        if confidence:
            what = "a password that is set here" if password else "a secret that is set here"
            yield Finding(
                "secrets.password" if password else "secrets.assigned", (start, end), confidence, what
            )


def _judge_set(value: str, password: bool, quoted: bool) -> float:
    if placeholder(value) or expression(value) or " " in value:
        return 0.0
    kinds = _kinds(value)
    if password:
        if quoted:
            return 0.7 if len(value) >= 6 and kinds >= 2 and not _CODE.fullmatch(value) else 0.0
        telling = _DIGIT.search(value) or not value.replace("_", "").isalnum()
        return 0.6 if len(value) >= 8 and kinds >= 2 and telling and not _CODE.fullmatch(value) else 0.0
    if len(value) < 10 or not _DIGIT.search(value) or _CODE.fullmatch(value):
        return 0.0
    odd = len(_NO_TOKEN.findall(value))
    if 0 < odd < 4:  # one odd sign in a token is a slip; many are what somebody's generator likes
        return 0.0
    if len(value) >= 24 and kinds >= 3 and entropy(value) > 3.9:
        return 0.7
    return 0.6 if shape(value) == "mixed" and entropy(value) > 2.9 and kinds >= 2 else 0.0


def _kinds(value: str) -> int:
    """How many of lower case, upper case, digits and other signs are in it."""
    return (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + any(not c.isalnum() for c in value)
    )


def _overlaps(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Spans in ``taken`` are sorted."""
    at = bisect_left(taken, (start, end))
    return (at < len(taken) and taken[at][0] < end) or (at > 0 and taken[at - 1][1] > start)
