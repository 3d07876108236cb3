"""The key of the audit log: given, or made once and kept in a file that its owner alone can read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from aiorch.safety.audit_locks import alone

KEY_FILE = "audit.key"
"""Beside the log's folder, where nobody says otherwise."""

SHORTEST_KEY = 16
"""Characters; a key that can be guessed proves nothing."""


MOST = 4096
"""Bytes of a file that are looked at."""


def key_bytes(text: str) -> bytes:
    """The key that ``text`` stands for.

    :raises ValueError: for one that is too short to prove anything, or no text: a power cut leaves zeros in a file.
    """
    stripped = text.strip()
    if not SHORTEST_KEY <= len(stripped) < MOST or not stripped.isprintable():
        raise ValueError(f"an audit key is a line of at least {SHORTEST_KEY} characters")
    return stripped.encode()


def read_key(path: Path) -> bytes:
    """The key in a file. :raises OSError: when it cannot be read, or holds none."""
    return _told(path, _held(path))


def kept_key(path: Path) -> bytes:
    """The key in the file; where there is none, one is made. Two processes that come at once get the same.

    :raises OSError: when it can neither be read nor written, or the file holds something else.
    """
    try:
        held = _held(path)
    except FileNotFoundError:
        held = b""
    return _told(path, held or _made(path))


def _made(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with alone(file):
            held = os.read(file, MOST)
            if not held:  # nobody was quicker; whoever died in here left it empty
                held = f"{os.urandom(32).hex()}\n".encode()
                if os.write(file, held) != len(held):
                    os.ftruncate(file, 0)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return held
    finally:
        os.close(file)


def _held(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST)


def _told(path: Path, held: bytes) -> bytes:
    try:
        return key_bytes(held.decode())
    except ValueError as wrong:
        raise OSError(errno.EINVAL, f"it holds no key: {wrong}", str(path)) from None
