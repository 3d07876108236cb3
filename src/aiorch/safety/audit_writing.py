"""The chain of one process: its files, its entries in the manifest, and its anchors.

A chain's files belong to one process, so records are written without a lock between processes. A new file begins with
a new day (UTC), when one is full, and when something happened to the one before: it was deleted, renamed, written to
by somebody else, or a record was cut off and could not be taken back. The manifest is told of a file before there is
one, and where the one before ended; the anchors are told how far the chain goes.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiorch.safety.audit_chain import ANCHORS, MANIFEST, Head, Signing, sealed
from aiorch.safety.audit_ledger import Ledger

MANIFEST_FILE = "manifest.jsonl"
ANCHOR_FILE = "audit-anchors.jsonl"
"""Beside the log's folder, where nobody says otherwise."""

OPENED, CONTINUED, CLOSED, ANCHORED = "chain.opened", "chain.continued", "chain.closed", "chain.anchored"
"""What entries of the manifest and of the anchors are called."""


def part_name(day: str, chain: str, part: int) -> str:
    """The name of a chain's file: day, chain and number, so that names sort by time within a chain."""
    return f"audit-{day}-{chain}-{part:04d}.jsonl"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a file is full, and when the chain's head is anchored."""

    largest: int = 64 * 2**20
    """Bytes after which a file is followed by the next."""
    every: int = 64
    """Records after which the head is anchored: at most so many can be cut off unnoticed where somebody can write the
    log's folder and not the anchors."""
    after: float = 10.0
    """Seconds after which the next record is anchored, however few there were."""


class Chain:
    """Writes one chain. Not for several threads at once, and not for a forked child: it begins its own."""

    def __init__(self, folder: Path, key: bytes, anchors: Path, rhythm: Rhythm) -> None:
        self.id = os.urandom(8).hex()
        self.path: Path | None = None
        """The file that the last record went to."""
        self._folder = folder
        self._rhythm = rhythm
        self._signing = Signing(key, "records")
        self._manifest = Ledger(folder / MANIFEST_FILE, MANIFEST, key)
        self._anchors = Ledger(anchors, ANCHORS, key)
        self._manifest_head = Head()
        self._head = Head()
        self._part = 0
        self._listed: Path | None = None
        """A file that the manifest was told of and that is still to be made."""
        self._open: _Opened | None = None
        self._unanchored = 0
        self._anchored_at = float("-inf")
        self._owed = False
        """An anchor could not be written when its time had come."""

    def append(self, now: float, text: str) -> None:
        """Write one record.

        :param now: epoch seconds. :param text: a JSON object on one line. :raises OSError: when it, or the anchor that
            is due with it, could not be written.
        """
        if self._owed:
            self._anchor(now)
        mine = self._open
        if mine is None or not self._good(mine, now):
            mine = self._begin(now)
        line, head = sealed(self._signing, self._head, text, self.id)
        written = os.write(mine.file, line)
        if written != len(line):
            self._finish(mine, line, written)
        mine.size += len(line)
        self._head = head
        self.path = mine.path
        self._unanchored += 1
        if self._unanchored >= self._rhythm.every or not 0 <= now - self._anchored_at < self._rhythm.after:
            self._anchor(now)

    def close(self, now: float) -> None:
        """Tell manifest and anchors where it ends. :raises OSError: when they cannot be written."""
        self.let_go()
        if self._head.seq:
            self._manifest_head = self._manifest.append(
                {
                    "at": _moment(now),
                    "event": CLOSED,
                    "of": self.id,
                    "records": self._head.seq,
                    "head": self._head.mac,
                }
            )
            self._anchor(now)

    def let_go(self) -> None:
        """Close the file."""
        mine, self._open = self._open, None
        if mine is not None:
            os.close(mine.file)

    def _good(self, mine: _Opened, now: float) -> bool:
        here = os.fstat(mine.file)
        return (
            here.st_size == mine.size < self._rhythm.largest
            and here.st_nlink > 0
            and mine.day == int(now // 86_400)
            and mine.is_still_there(int(now))
        )

    def _begin(self, now: float) -> _Opened:
        """The next file."""
        self.let_go()
        day = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        path = self._listed
        if path is None or not path.name.startswith(f"audit-{day}"):
            path = self._folder / part_name(day, self.id, self._part + 1)
            self._manifest_head = self._manifest.append(
                {
                    "at": _moment(now),
                    "event": CONTINUED if self._part else OPENED,
                    "of": self.id,
                    "file": path.name,
                    "records": self._head.seq,
                    "head": self._head.mac,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                }
            )
            self._part += 1
            self._listed = path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            file = os.open(path, flags, 0o600)
        except (FileExistsError, FileNotFoundError):  # somebody put one there, or took the folder: told anew
            self._listed = None
            raise
        self._listed = None
        here = os.fstat(file)
        self._open = _Opened(int(now // 86_400), path, file, (here.st_dev, here.st_ino), int(now))
        return self._open

    def _finish(self, mine: _Opened, line: bytes, written: int) -> None:
        """Write the rest of a record that was cut off, or take back what there is of it."""
        try:
            while written < len(line):
                more = os.write(mine.file, line[written:])
                if not more:
                    raise OSError(errno.EIO, os.strerror(errno.EIO), str(mine.path))
                written += more
        except OSError:
            try:
                os.ftruncate(mine.file, mine.size)
            except OSError:  # a file that may only grow: it stays torn, and the next record begins another
                self.let_go()
            raise

    def _anchor(self, now: float) -> None:
        self._owed = True
        self._anchors.append(
            {
                "at": _moment(now),
                "event": ANCHORED,
                "of": self.id,
                "records": self._head.seq,
                "head": self._head.mac,
                "manifest": self._manifest_head.seq,
                "manifest_head": self._manifest_head.mac,
            }
        )
        self._owed = False
        self._unanchored = 0
        self._anchored_at = now


@dataclass(slots=True)
class _Opened:
    day: int
    """Days since 1970."""
    path: Path
    file: int
    identity: tuple[int, int]
    """Device and number of the file, which another one under the same name does not have."""
    looked: int
    """When its name was last looked up, whole epoch seconds."""
    size: int = 0
    """Bytes of its whole records."""

    def is_still_there(self, second: int) -> bool:
        """Whether it is still the one under its name, as of this second: looking costs as much as writing. A record
        that is written just after the file was renamed stands in the renamed one.
        """
        if second != self.looked:
            try:
                there = self.path.stat()
            except FileNotFoundError:
                return False
            if (there.st_dev, there.st_ino) != self.identity:
                return False
            self.looked = second
        return True


def _moment(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
