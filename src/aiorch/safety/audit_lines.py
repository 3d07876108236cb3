"""Lines of files that nobody vouches for: of any length, of any bytes, cut off anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

LONGEST = 2**26
"""Bytes that are taken for one line at most; what is longer comes in pieces, of which none is a record."""


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends; the last may have none.

    :raises FileNotFoundError: when there is none. :raises OSError: when it is no plain file (a pipe would be waited
        for, a device never ends), or cannot be read.
    """
    if not path.is_file():
        path.stat()
        raise OSError(f"{path} is no plain file")
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            yield line
