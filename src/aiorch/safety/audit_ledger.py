"""A chained file that several processes write, a line at a time: the manifest and the anchors.

Each entry is written under a short lock and chained to the last whole line, whoever wrote that. What a crash left
torn stays, and the next entry says of how many bytes it is: only what is so accounted for was no forgery.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiorch.safety.audit_canonical import canonical
from aiorch.safety.audit_chain import Head, Signing, key_id, seal_of, sealed
from aiorch.safety.audit_locks import alone

TAIL = 16_384
"""Bytes that are looked at for the last entry; one has some 500."""


class Ledger:
    """Appends entries to the file ``path``, which is opened for each: they are rare."""

    def __init__(self, path: Path, name: str, key: bytes) -> None:
        self.path = path
        self._name = name
        self._signing = Signing(key, name)
        self._key_id = key_id(key)

    def append(self, entry: Mapping[str, Any]) -> Head:
        """Write one. :returns: the head that it makes. :raises OSError: when it cannot be written; then nothing was."""
        try:
            file = _opened(self.path)
            try:
                with alone(file):
                    return self._write(file, entry)
            finally:
                os.close(file)
        except OSError as fault:
            if fault.filename is None:
                fault.filename = str(self.path)
            raise

    def _write(self, file: int, entry: Mapping[str, Any]) -> Head:
        size = os.fstat(file).st_size
        before, torn, gap = _left(file, size)
        text = canonical({**entry, "key": self._key_id, **({"torn": torn} if torn else {})})
        line, head = sealed(self._signing, before, text, self._name)
        data = gap + line
        written = os.write(file, data)
        if written != len(data):
            with suppress(OSError):  # where a file may only grow it stays torn, and the next entry says so
                os.ftruncate(file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return head


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def _left(file: int, size: int) -> tuple[Head, int, bytes]:
    """The head that the file ends with, the bytes of a torn line behind it, and what ends that line."""
    begin = max(0, size - TAIL)
    os.lseek(file, begin, os.SEEK_SET)  # where O_APPEND writes does not depend on it
    whole, newline, rest = os.read(file, size - begin).rpartition(b"\n")
    if rest and (lacking := seal_of(rest + b"\n")) is not None:  # torn just before its end: nothing is lost
        return lacking.head, 0, b"\n"
    last = seal_of(whole.rpartition(b"\n")[2] + newline)
    # After something that is no entry a chain of its own begins: verifying names the line before it.
    return (Head() if last is None else last.head), len(rest), b"\n" if rest else b""
