"""How wide columns may be: numbers whole, texts as wide as there is room."""

from __future__ import annotations

from collections.abc import Sequence


def fit(wanted: Sequence[int], room: int, least: int = 6) -> tuple[int, ...]:
    """Widths of text columns: as wanted where there is room, else the widest give way first, down to ``least``.

    >>> fit([30, 40, 5], 60)
    (27, 28, 5)
    """
    widths = list(wanted)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda i: widths[i])
        if widths[widest] <= least:
            break
        widths[widest] -= 1
    return tuple(widths)
