"""Secrets with a structure: private keys, JSON web tokens, passwords in addresses and on command lines."""

from __future__ import annotations

import json
import re
from base64 import b64decode, urlsafe_b64decode
from binascii import Error
from collections.abc import Iterator
from typing import cast

from aiorch.safety.detection import Finding
from aiorch.safety.secret_values import entropy, expression, placeholder, shape

_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_NO_BASE64 = re.compile(r"\\[nrt]|[^A-Za-z0-9+/]+")
_LONGEST = 12_000
"""Characters of a private key's body at most: RSA of 16,384 bits has 12,500 with its line ends."""
_PUTTY = "PuTTY-User-Key-File"
_ENCODED = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{60,8000}={0,2}")
_JWT = re.compile(r"(eyJ[\w-]{8,2000})\.([\w-]{8,6000})\.([\w-]{16,1500})(?![\w-])", re.ASCII)
_USERINFO = re.compile(r"://([^\s:/?#@\"'<>\\]{0,128}):([^\s\"'<>/\\]{3,256})@(?=[\w\[$%{-])")
_PORT = re.compile(r"\d{1,5}(?:,|$)")
_COMMAND = re.compile(
    r"(?:\s-[a-zA-Z]{0,4}u|--user|--proxy-user)[= ]{0,3}[\"']?([^\s:\"'=]{1,100}):[\"']?([^\s\"']{0,150})"
)
_NETRC = re.compile(r"\bmachine\s{1,9}\S{1,200}\s{1,9}login\s{1,9}\S{1,200}\s{1,9}password\s{1,9}(\S{3,200})")
_CALLER = re.compile(r"\b(?:curl|wget|http|https|xh|lftp|skopeo|ldapsearch)\b")
_BASIC = re.compile(r"[Bb]asic[ \"':]{1,4}([A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])")


def blocks(text: str) -> Iterator[Finding]:
    """Every secret of these kinds."""
    if "-----BEGIN " in text:
        yield from _private_keys(text)
    if _PUTTY in text:
        yield from _putty_keys(text)
    if "LS0tLS1CRUdJTi" in text:
        yield from _encoded_keys(text)
    if "eyJ" in text:
        yield from _web_tokens(text)
    if "://" in text:
        yield from _in_addresses(text)
    if "machine " in text and "password " in text:
        for entry in _NETRC.finditer(text):
            if _password(entry[1], ""):
                yield Finding("secrets.password", entry.span(1), 0.85, "a password in a .netrc")
    if "-u" in text or "-user" in text:
        yield from _on_command_lines(text)
    if "asic" in text:
        yield from _basic(text)


def _private_keys(text: str) -> Iterator[Finding]:
    for head in _PEM.finditer(text):
        end = text.find("-----", head.end(), head.end() + _LONGEST)
        if end < 0:
            end = min(len(text), head.end() + _LONGEST)
        coded = _NO_BASE64.sub("", text[head.end() : end])
        if len(coded) >= 40 and entropy(coded[:400]) > 3.5:
            yield Finding("secrets.private_key", (head.start(), end), 0.98, "a private key")


def _putty_keys(text: str) -> Iterator[Finding]:
    at = text.find(_PUTTY)
    while at >= 0:
        lines = text.find("Private-Lines:", at, at + 6000)
        if lines >= 0:
            yield Finding("secrets.private_key", (at, min(len(text), lines + 2000)), 0.97, "a private key")
        at = text.find(_PUTTY, max(at, lines) + 1)


def _encoded_keys(text: str) -> Iterator[Finding]:
    for coded in _ENCODED.finditer(text):
        try:
            if b"PRIVATE KEY" in b64decode(coded.group()[:80]):
                yield Finding("secrets.private_key", coded.span(), 0.97, "a private key, base64-encoded")
        except Error:
            continue


def _web_tokens(text: str) -> Iterator[Finding]:
    for token in _JWT.finditer(text):
        if _is_header(token[1]) and entropy(token[3]) > 3.2:
            yield Finding("secrets.jwt", token.span(), 0.93, "a JSON web token")


def _is_header(part: str) -> bool:
    try:
        header = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and not {"alg", "typ", "enc"}.isdisjoint(
        cast("dict[str, object]", header)
    )


def _in_addresses(text: str) -> Iterator[Finding]:
    at = text.find("://")
    while at >= 0:
        match = _USERINFO.match(text, at)
        if match is not None and not _PORT.match(match[2]) and _password(match[2], match[1]):
            yield Finding("secrets.password_in_url", match.span(2), 0.85, "a password in an address")
            at = match.end()
        at = text.find("://", at + 3)


def _on_command_lines(text: str) -> Iterator[Finding]:
    for match in _COMMAND.finditer(text):
        line = text.rfind("\n", 0, match.start()) + 1
        before = text[max(line, match.start() - 300) : match.start()]
        caller = _CALLER.search(before) or before.rstrip().endswith("\\") or not before.strip()
        user, password = match[1], match[2]
        if not caller:
            continue
        if len(password) >= 3 and _password(password, user):
            yield Finding(
                "secrets.password_on_command_line", match.span(2), 0.8, "a password on a command line"
            )
        elif not password and len(user) >= 10 and shape(user) in ("mixed", "hex") and _password(user, ""):
            yield Finding("secrets.password_on_command_line", match.span(1), 0.7, "a key on a command line")


def _basic(text: str) -> Iterator[Finding]:
    for match in _BASIC.finditer(text):
        try:
            said = b64decode(match[1], validate=True).decode()
        except ValueError:
            continue
        user, colon, password = said.partition(":")
        if not colon or not said.isprintable():
            continue
        told = len(user) + len(password) >= 6 and not (placeholder(user) and placeholder(password))
        what = "a name and password for HTTP basic authentication"
        yield Finding("secrets.basic_auth", match.span(1), 0.9 if told else 0.0, what)


def _password(value: str, user: str) -> bool:
    """Could this be a real password of ``user``?"""
    return not placeholder(value) and not expression(value) and value.lower() != user.lower()
