"""Rows as text in columns, for terminals, ``grep`` and ``cut``."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Rows under each other, each column as wide as its widest cell.

    >>> columns([("model", "price"), ("groq/llama", "0")], right=[1])
    ['model       price', 'groq/llama      0']

    :param right: numbers of the columns that are set to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
