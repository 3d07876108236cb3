"""What makes a line of the audit log part of a chain: each carries a MAC over the MAC before it and its own text.

    {"at":"...","event":"task.admitted", ... ,"chain":"4f3a9c1e5b6d7788","seq":17,"mac":"<64 hex digits>"}

The MAC is HMAC-SHA256 (RFC 2104) over the previous record's MAC (its 64 digits; 64 zeros before the first) and the
line without its ``mac`` member. It is over the bytes as they stand, so nothing needs to be parsed to check it.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

START = "0" * 64
"""What stands in place of a MAC before the first record."""

MANIFEST, ANCHORS = "manifest", "anchors"
"""The names of the two chains that several processes write."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain goes: its last record's number, from 1, and that one's MAC."""

    seq: int = 0
    mac: str = START


class Signing:
    """MACs with one key for one purpose: what was signed as a record is no entry of the manifest."""

    __slots__ = ("_begun",)

    def __init__(self, key: bytes, purpose: str) -> None:
        own = hmac.digest(key, f"aiorch audit 1 {purpose}".encode(), "sha256")
        self._begun = hmac.new(own, digestmod="sha256")

    def mac(self, before: str, signed: bytes) -> str:
        """The MAC of the line ``signed`` that follows the MAC ``before``."""
        made = self._begun.copy()  # begun once with the key: half of what hmac.digest() costs a record
        made.update(before.encode() + signed)
        return made.hexdigest()

    def __repr__(self) -> str:
        return "<Signing>"


def key_id(key: bytes) -> str:
    """What a key is called where it must not be shown: 16 digits that say nothing about it."""
    return hmac.digest(key, b"aiorch audit 1 key id", "sha256")[:8].hex()


def sealed(signing: Signing, before: Head, text: str, chain: str) -> tuple[bytes, Head]:
    """The line that follows ``before``, and the head that it makes.

    :param text: a JSON object with at least one member.
    """
    seq = before.seq + 1
    signed = f'{text[:-1]},"chain":"{chain}","seq":{seq}}}'.encode()
    mac = signing.mac(before.mac, signed)
    return signed[:-1] + b',"mac":"' + mac.encode() + b'"}\n', Head(seq, mac)


@dataclass(frozen=True, slots=True)
class Seal:
    """What a line says of its own place."""

    chain: str
    head: Head
    text: bytes
    """The JSON object before it was sealed."""

    def holds(self, signing: Signing, before: Head) -> bool:
        """Whether it is, byte for byte, what was written after ``before``."""
        return self.head.seq == before.seq + 1 and self.head.mac == signing.mac(before.mac, self.signed())

    def signed(self) -> bytes:
        """What the MAC is over."""
        return self.text[:-1] + f',"chain":"{self.chain}","seq":{self.head.seq}}}'.encode()


_SEAL = re.compile(rb',"chain":"([0-9a-z]{1,32})","seq":([1-9][0-9]{0,15}),"mac":"([0-9a-f]{64})"\}\n\Z')
_LONGEST_SEAL = 160
"""Bytes; looking no further back keeps it quick for long records."""


def seal_of(line: bytes) -> Seal | None:
    """The seal of a whole line, its end included; ``None`` for one without."""
    cut = max(0, len(line) - _LONGEST_SEAL)
    found = _SEAL.search(line, cut)
    if found is None:
        return None
    chain, seq, mac = (part.decode() for part in found.groups())
    return Seal(chain, Head(int(seq), mac), line[: found.start()] + b"}")
