"""One process at a time: a lock that the system lets go of when its holder dies."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
    import time

    def _take(number: int) -> None:
        while True:
            try:
                return msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
            except OSError:
                time.sleep(0.1)

else:
    import fcntl

    def _take(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX)


@contextmanager
def exclusive(path: Path) -> Generator[None]:
    """Hold the lock file ``path``; wait while another process holds it.

    The file stays: removing it would let two processes hold locks on two files of one name.

    :raises OSError: when the folder cannot be written, or its file system has no locks.
    """
    with path.open("ab") as file:
        _take(file.fileno())
        yield  # closing the file lets go
