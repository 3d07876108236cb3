"""One process at a time, for the microseconds that an entry of a shared file takes."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE = 5.0
"""Seconds until whoever holds a lock is taken for stuck: a process that was stopped (SIGSTOP) lets go of nothing."""

if sys.platform == "win32":
    import msvcrt

    _FAR = 0x7FFF0000  # locked bytes cannot be read there, so it is one beyond all that is written

    def _take(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

    def _give(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def alone(file: int) -> Generator[None]:
    """Hold the lock of an open file; the system lets go of it when its holder dies.

    :raises OSError: when somebody else holds it for longer than anybody should, or the file system has no locks.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            _take(file)
            break
        except (BlockingIOError, PermissionError):
            if time.monotonic() > until:
                said = "another process holds its lock and does not let go"
                raise OSError(errno.EAGAIN, said) from None
            time.sleep(0.001)
    try:
        yield
    finally:
        _give(file)
